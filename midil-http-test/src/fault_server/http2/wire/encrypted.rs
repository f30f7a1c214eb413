//! A wire over TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use super::PIECE;
use super::state::State;
use crate::fault_server::tls::Session;

impl State {
    pub(super) fn poll_decrypted(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut bytes = [0; PIECE];
        loop {
            let Self { socket, session: Some(session), out, .. } = self else {
                return Poll::Ready(Ok(()));
            };
            if let Some(count) = session.read(buffer.initialize_unfilled())? {
                buffer.advance(count);
                return Poll::Ready(Ok(()));
            }
            let mut sealed = ReadBuf::new(&mut bytes);
            ready!(Pin::new(socket).poll_read(cx, &mut sealed))?;
            session.receive(sealed.filled())?;
            out.extend(session.outgoing()?);
        }
    }

    pub(super) fn poll_handshake(
        &mut self,
        cx: &mut Context<'_>,
        session: &mut Session,
    ) -> Poll<io::Result<()>> {
        let mut bytes = [0; PIECE];
        loop {
            self.out.extend(session.outgoing()?);
            ready!(self.poll_out(cx))?;
            if !session.is_handshaking() {
                return Poll::Ready(Ok(()));
            }
            let mut sealed = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut self.socket).poll_read(cx, &mut sealed))?;
            let received = session.receive(sealed.filled());
            if let Err(error) = received {
                // Told why, when the connection ends.
                self.out.extend(session.outgoing()?);
                return Poll::Ready(Err(error));
            }
            if session.is_closed() {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }
}
