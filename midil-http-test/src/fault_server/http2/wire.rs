//! What carries a connection of HTTP/2: frames are seen as they pass, and others put between them.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::frame::{DATA, Frame, HEADERS, PREFACE, RST_STREAM, Scanner};
use crate::fault_server::peer::End;
#[cfg(feature = "tls")]
use crate::fault_server::tls::Session;

/// Clones carry the same connection.
#[derive(Clone, Debug)]
pub(super) struct Wire(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    socket: TcpStream,
    #[cfg(feature = "tls")]
    session: Option<Session>,
    /// On its way to the socket.
    out: Vec<u8>,
    /// Put between frames as soon as none is begun.
    between: Vec<u8>,
    incoming: Scanner,
    outgoing: Scanner,
    sent: HashMap<u32, Sent>,
    /// Reasons of the client's resets, in the order of arrival.
    resets: Vec<u32>,
    /// The connection ends so, as soon as what is on its way is sent.
    end: Option<End>,
    /// The connection ends with the last of its streams.
    draining: bool,
    /// Who waits for frames to pass, or an end.
    waiting: Vec<Waker>,
}

/// What was sent on a stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sent {
    /// Interim ones too, and trailers.
    pub(super) heads: usize,
    pub(super) data: u64,
    pub(super) end: bool,
}

/// More is not held back for a client that does not read.
const OUT_LIMIT: usize = 64 * 1024;
const PIECE: usize = 16 * 1024;

impl Wire {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self(Arc::new(Mutex::new(State {
            socket,
            #[cfg(feature = "tls")]
            session: None,
            out: Vec::new(),
            between: Vec::new(),
            incoming: Scanner::after(PREFACE),
            outgoing: Scanner::after(0),
            sent: HashMap::new(),
            resets: Vec::new(),
            end: None,
            draining: false,
            waiting: Vec::new(),
        })))
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

impl State {
    fn wait(&mut self, cx: &Context<'_>) {
        if !self.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.waiting.push(cx.waker().clone());
        }
    }

    fn wake(&mut self) {
        for waker in self.waiting.drain(..) {
            waker.wake();
        }
    }

    /// Has `plain` sent, encrypted where the wire is.
    fn enqueue(&mut self, plain: &[u8]) -> io::Result<()> {
        let Self { outgoing, sent, .. } = self;
        let mut passed = false;
        outgoing.scan(plain, |frame| {
            passed = true;
            note(sent, frame);
        });
        if passed {
            self.wake();
        }
        #[cfg(feature = "tls")]
        if let Some(session) = &mut self.session {
            self.out.extend(session.seal(plain)?);
            return Ok(());
        }
        self.out.extend_from_slice(plain);
        Ok(())
    }

    fn put_between(&mut self) -> io::Result<()> {
        if self.between.is_empty() || !self.outgoing.is_between_frames() {
            return Ok(());
        }
        let frames = std::mem::take(&mut self.between);
        self.enqueue(&frames)
    }

    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.out.is_empty() {
            let count = ready!(Pin::new(&mut self.socket).poll_write(cx, &self.out))?;
            self.out.drain(..count);
        }
        Poll::Ready(Ok(()))
    }

    /// Reads plain bytes into `buffer`.
    fn poll_plain(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        #[cfg(feature = "tls")]
        if self.session.is_some() {
            return self.poll_decrypted(cx, buffer);
        }
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }

    #[cfg(feature = "tls")]
    fn poll_decrypted(
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

    #[cfg(feature = "tls")]
    fn poll_handshake(
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

fn note(sent: &mut HashMap<u32, Sent>, frame: Frame) {
    if frame.stream == 0 {
        return;
    }
    let stream = sent.entry(frame.stream).or_default();
    match frame.kind {
        HEADERS => stream.heads += 1,
        DATA => stream.data += u64::from(frame.length),
        _ => {}
    }
    stream.end |= frame.ends_stream() || frame.kind == RST_STREAM;
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
