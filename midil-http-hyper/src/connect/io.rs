//! The bytes of a connection: TCP, or TLS upon it.

use std::io::{self, ErrorKind, Read};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::connection::Line;

/// A TCP connection that can find out at once whether the peer has closed it.
///
/// tokio learns of that when its driver gets to it. Who sends a request over a connection that was idle wants to know before:
/// a request that is not idempotent could not be sent again.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    line: Arc<Line>,
    /// What came before anybody of ours asked for it.
    early: Bytes,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, line: Arc<Line>) -> Self {
        Self { stream, line, early: Bytes::new() }
    }

    /// The same, where somebody has read `early` from it already.
    pub(super) fn begin_with(self, early: Bytes) -> Self {
        Self { early, ..self }
    }

    /// What the system has for us that tokio may not know of yet; `None` when there is nothing.
    fn look(&self, buffer: &mut ReadBuf<'_>) -> Option<io::Result<()>> {
        let socket = SockRef::from(&self.stream);
        match socket.peek(&mut [MaybeUninit::uninit()]) {
            // The end, and so nothing to put into the buffer.
            Ok(0) => Some(Ok(())),
            // Nothing of HTTP comes unasked; of TLS, a farewell or a session ticket may.
            Ok(_) => {
                let mut bytes = [0; 512];
                let room = bytes.len().min(buffer.remaining());
                Some(
                    (&*socket)
                        .read(&mut bytes[..room])
                        .map(|count| buffer.put_slice(&bytes[..count])),
                )
            }
            Err(error)
                if [ErrorKind::WouldBlock, ErrorKind::Interrupted].contains(&error.kind()) =>
            {
                None
            }
            Err(error) => Some(Err(error)),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.early.is_empty() {
            let room = self.early.len().min(buffer.remaining());
            buffer.put_slice(&self.early.split_to(room));
            return Poll::Ready(Ok(()));
        }
        if self.line.takes_a_look()
            && let Some(seen) = self.look(buffer)
        {
            // A farewell of TLS may come behind a session ticket.
            self.line.look_first();
            return Poll::Ready(seen);
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// What HTTP is spoken over.
#[derive(Debug)]
pub(crate) enum Io {
    Plain(Socket),
    #[cfg(feature = "rustls")]
    Tls(Box<tokio_rustls::client::TlsStream<Socket>>),
}

macro_rules! inner {
    ($io:expr, $inner:ident => $call:expr) => {
        match $io.get_mut() {
            Self::Plain($inner) => $call,
            #[cfg(feature = "rustls")]
            Self::Tls($inner) => $call,
        }
    };
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        inner!(self, io => Pin::new(io).poll_read(cx, buffer))
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        inner!(self, io => Pin::new(io).poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        inner!(self, io => Pin::new(io).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        inner!(self, io => Pin::new(io).poll_shutdown(cx))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        inner!(self, io => Pin::new(io).poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(io) => io.is_write_vectored(),
            #[cfg(feature = "rustls")]
            Self::Tls(io) => io.is_write_vectored(),
        }
    }
}
