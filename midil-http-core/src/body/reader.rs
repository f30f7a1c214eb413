//! Bodies from readers, and readers of bodies.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures_core::Stream;
use futures_io::{AsyncBufRead, AsyncRead};
use pin_project_lite::pin_project;

use super::{Body, CHUNK};
use crate::{Error, TransportErrorKind};

impl Body {
    /// A body that is read from `reader`, once: it is sent again only as long as nobody has read from it.
    ///
    /// Its length is unknown, so HTTP/1.1 sends it in chunks; see [`reader_with_length`](Self::reader_with_length). The
    /// traits are those of the `futures` crate; tokio's readers fit with `tokio_util::compat`.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::Body;
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let body = Body::reader(futures_util::io::Cursor::new("hello"));
    /// assert_eq!(body.collect(1024).await?, "hello");
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    pub fn reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self::stream(Chunks::new(reader))
    }

    /// A body of `length` bytes that is read from `reader`, once; a reader that has more or less is an [`Error::Body`].
    ///
    /// It is read to its end, so of one that goes on, such as a connection, give a part: `reader.take(length)`.
    pub fn reader_with_length(reader: impl AsyncRead + Send + 'static, length: u64) -> Self {
        Self::stream_with_length(Chunks::new(reader), length)
    }

    /// What reads the body, as the traits of the `futures` crate have it.
    #[must_use]
    pub const fn into_reader(self) -> BodyReader {
        BodyReader { body: self, piece: Bytes::new() }
    }
}

pin_project! {
    /// What a reader yields, in pieces.
    struct Chunks<R> {
        #[pin]
        reader: R,
        buffer: Vec<u8>,
        ended: bool,
    }
}

impl<R> Chunks<R> {
    const fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), ended: false }
    }
}

impl<R: AsyncRead> Stream for Chunks<R> {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        if *this.ended {
            return Poll::Ready(None);
        }
        this.buffer.resize(CHUNK, 0);
        loop {
            match ready!(this.reader.as_mut().poll_read(cx, this.buffer)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(length) if length > 0 => {
                    return Poll::Ready(Some(Ok(take_piece(this.buffer, length))));
                }
                end => {
                    (*this.ended, *this.buffer) = (true, Vec::new());
                    return Poll::Ready(end.err().map(Err));
                }
            }
        }
    }
}

/// The first `length` bytes: in the buffer itself when they fill most of it, else copied, for they may be kept for long.
fn take_piece(buffer: &mut Vec<u8>, length: usize) -> Bytes {
    if length < CHUNK / 2 {
        return Bytes::copy_from_slice(&buffer[..length.min(buffer.len())]);
    }
    let mut piece = std::mem::take(buffer);
    piece.truncate(length);
    piece.into()
}

/// Reads a body: [`Body::into_reader`], [`Response::reader`](crate::Response::reader).
///
/// It is an [`AsyncRead`] and an [`AsyncBufRead`]; tokio's traits fit with `tokio_util::compat`. Trailers are passed over.
/// What breaks the body off is an [`io::Error`] around our [`Error`]: `TimedOut`, `UnexpectedEof`, `ConnectionReset`,
/// `InvalidData` (a body that could not be decompressed), else `Other`.
///
/// # Examples
///
/// ```
/// use futures_util::AsyncBufReadExt;
/// use midil_http_core::Body;
///
/// # futures_util::FutureExt::now_or_never(async {
/// let mut reader = Body::from("one\ntwo\n").into_reader();
/// let mut line = String::new();
/// reader.read_line(&mut line).await?;
/// assert_eq!(line, "one\n");
/// # Ok::<_, std::io::Error>(()) }).unwrap().unwrap();
/// ```
pub struct BodyReader {
    body: Body,
    /// What has come and was not read yet.
    piece: Bytes,
}

impl BodyReader {
    /// What has not been read yet, as a body; nothing that was buffered is lost.
    #[must_use]
    pub fn into_body(self) -> Body {
        if self.piece.is_empty() {
            return self.body;
        }
        Body::chain(vec![self.piece.into(), self.body])
    }
}

impl AsyncBufRead for BodyReader {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        while this.piece.is_empty() {
            match ready!(http_body::Body::poll_frame(Pin::new(&mut this.body), cx)) {
                None => break,
                Some(Err(error)) => return Poll::Ready(Err(io_error(error))),
                Some(Ok(frame)) => this.piece = frame.into_data().unwrap_or_default(),
            }
        }
        Poll::Ready(Ok(&this.piece))
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        let amount = amount.min(self.piece.len());
        self.piece.advance(amount);
    }
}

impl AsyncRead for BodyReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let piece = ready!(self.as_mut().poll_fill_buf(cx))?;
        let length = piece.len().min(buffer.len());
        buffer[..length].copy_from_slice(&piece[..length]);
        self.consume(length);
        Poll::Ready(Ok(length))
    }
}

impl fmt::Debug for BodyReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyReader")
            .field("body", &self.body)
            .field("buffered", &self.piece.len())
            .finish()
    }
}

/// Our error in the clothes of the standard library.
fn io_error(error: Error) -> io::Error {
    let kind = match &error {
        Error::Timeout(_) => io::ErrorKind::TimedOut,
        Error::Decode(_) => io::ErrorKind::InvalidData,
        Error::Transport(failure) => match failure.kind() {
            TransportErrorKind::Closed => io::ErrorKind::UnexpectedEof,
            TransportErrorKind::Reset => io::ErrorKind::ConnectionReset,
            _ => io::ErrorKind::Other,
        },
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

#[cfg(test)]
mod tests;
