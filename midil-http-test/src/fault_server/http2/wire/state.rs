//! What a wire holds, and what passes through it.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::fault_server::http2::frame::{DATA, Frame, HEADERS, PREFACE, RST_STREAM, Scanner};
use crate::fault_server::peer::End;
#[cfg(feature = "tls")]
use crate::fault_server::tls::Session;

#[derive(Debug)]
pub(super) struct State {
    pub(super) socket: TcpStream,
    #[cfg(feature = "tls")]
    pub(super) session: Option<Session>,
    /// On its way to the socket.
    pub(super) out: Vec<u8>,
    /// Put between frames as soon as none is begun.
    pub(super) between: Vec<u8>,
    pub(super) incoming: Scanner,
    pub(super) outgoing: Scanner,
    pub(super) sent: HashMap<u32, Sent>,
    /// Reasons of the client's resets, in the order of arrival.
    pub(super) resets: Vec<u32>,
    /// The connection ends so, as soon as what is on its way is sent.
    pub(super) end: Option<End>,
    /// The connection ends with the last of its streams.
    pub(super) draining: bool,
    /// Who waits for frames to pass, or an end.
    pub(super) waiting: Vec<Waker>,
}

/// What was sent on a stream.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::fault_server::http2) struct Sent {
    /// Interim ones too, and trailers.
    pub(in crate::fault_server::http2) heads: usize,
    pub(in crate::fault_server::http2) data: u64,
    pub(in crate::fault_server::http2) end: bool,
}

impl State {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self {
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
        }
    }

    pub(super) fn wait(&mut self, cx: &Context<'_>) {
        if !self.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.waiting.push(cx.waker().clone());
        }
    }

    pub(super) fn wake(&mut self) {
        for waker in self.waiting.drain(..) {
            waker.wake();
        }
    }

    /// Has `plain` sent, encrypted where the wire is.
    pub(super) fn enqueue(&mut self, plain: &[u8]) -> io::Result<()> {
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

    pub(super) fn put_between(&mut self) -> io::Result<()> {
        if self.between.is_empty() || !self.outgoing.is_between_frames() {
            return Ok(());
        }
        let frames = std::mem::take(&mut self.between);
        self.enqueue(&frames)
    }

    pub(super) fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.out.is_empty() {
            let count = ready!(Pin::new(&mut self.socket).poll_write(cx, &self.out))?;
            self.out.drain(..count);
        }
        Poll::Ready(Ok(()))
    }

    /// Reads plain bytes into `buffer`.
    pub(super) fn poll_plain(
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
