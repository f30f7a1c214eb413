//! What carries a connection of HTTP/2: frames are seen as they pass, and others put between them.

#[cfg(feature = "tls")]
mod encrypted;
mod state;

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use self::state::{Sent, State};
use super::frame::RST_STREAM;
use crate::fault_server::peer::End;
#[cfg(feature = "tls")]
use crate::fault_server::tls::Session;

/// Clones carry the same connection.
#[derive(Clone, Debug)]
pub(super) struct Wire(Arc<Mutex<State>>);

/// More is not held back for a client that does not read.
const OUT_LIMIT: usize = 64 * 1024;
const PIECE: usize = 16 * 1024;

impl Wire {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self(Arc::new(Mutex::new(State::new(socket))))
    }

    /// Shakes hands; from here on the wire is encrypted.
    #[cfg(feature = "tls")]
    pub(super) async fn encrypt(&self, session: Session) -> io::Result<()> {
        let mut session = session;
        std::future::poll_fn(|cx| self.lock().poll_handshake(cx, &mut session)).await?;
        self.lock().session = Some(session);
        Ok(())
    }

    #[cfg(feature = "tls")]
    pub(super) fn handshake(&self) -> Option<crate::fault_server::tls::Handshake> {
        self.lock().session.as_ref().map(Session::handshake)
    }

    /// Sends `frame` between those of the protocol, before all that are sent from now on.
    pub(super) fn put(&self, frame: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        state.between.extend_from_slice(frame);
        state.put_between()?;
        state.wake();
        Ok(())
    }

    /// Ends the connection as `end` says.
    pub(super) fn end(&self, end: End) {
        let mut state = self.lock();
        state.end.get_or_insert(end);
        state.wake();
    }

    /// Ends the connection when its streams are over.
    pub(super) fn drain(&self) {
        let mut state = self.lock();
        state.draining = true;
        state.wake();
    }

    pub(super) fn is_draining(&self) -> bool {
        self.lock().draining
    }

    /// How the connection is to end, once that is said and all that was sent has left.
    pub(super) fn poll_end(&self, cx: &mut Context<'_>) -> Poll<io::Result<End>> {
        let mut state = self.lock();
        state.wait(cx);
        let flushed = state.poll_out(cx)?;
        match state.end {
            Some(end) if flushed.is_ready() => Poll::Ready(Ok(end)),
            _ => Poll::Pending,
        }
    }

    /// Waits until what was sent on `stream` is `enough`.
    pub(super) fn poll_sent(
        &self,
        cx: &mut Context<'_>,
        stream: u32,
        enough: impl FnOnce(Sent) -> bool,
    ) -> Poll<()> {
        let mut state = self.lock();
        if enough(state.sent.get(&stream).copied().unwrap_or_default()) {
            return Poll::Ready(());
        }
        state.wait(cx);
        Poll::Pending
    }

    /// Forgets a stream that is over.
    pub(super) fn forget(&self, stream: u32) {
        self.lock().sent.remove(&stream);
    }

    /// The reasons of resets that have arrived since the last call.
    pub(super) fn take_resets(&self) -> Vec<u32> {
        std::mem::take(&mut self.lock().resets)
    }

    /// Says that nothing more comes, where the protocol has words for that.
    pub(super) fn say_farewell(&self) {
        #[cfg(feature = "tls")]
        {
            let mut state = self.lock();
            let State { session, out, .. } = &mut *state;
            if let Some(session) = session {
                session.close();
                // A session that can say no more says no more.
                out.extend(session.outgoing().unwrap_or_default());
            }
        }
    }

    /// Waits until all that was sent has left.
    pub(super) fn poll_out(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lock().poll_out(cx)
    }

    /// Reads and forgets what the client sends; ready at its end.
    pub(super) fn poll_swallow(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        let mut bytes = [0; PIECE];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut state.socket).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    pub(super) fn with_socket<T>(&self, act: impl FnOnce(&TcpStream) -> T) -> T {
        act(&self.lock().socket)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        let before = buffer.filled().len();
        ready!(state.poll_plain(cx, buffer))?;
        let State { incoming, resets, .. } = &mut *state;
        incoming.scan(&buffer.filled()[before..], |frame| {
            if frame.kind == RST_STREAM {
                resets.push(frame.start);
            }
        });
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.lock();
        if state.out.len() >= OUT_LIMIT {
            ready!(state.poll_out(cx))?;
        }
        state.enqueue(bytes)?;
        state.put_between()?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lock().poll_out(cx)
    }

    /// Only a flush: how the connection ends is the server's affair.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}
