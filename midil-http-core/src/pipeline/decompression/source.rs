//! [`Source`]: a body as the reader that decoders want.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures_io::{AsyncBufRead, AsyncRead};
use http::HeaderMap;
use http_body::Body as _;

use crate::{Body, Error};

/// The data of a body, with its trailers and the error that it broke off with kept aside.
pub(super) struct Source {
    body: Body,
    piece: Bytes,
    ended: bool,
    trailers: Option<HeaderMap>,
    failure: Option<Error>,
}

impl Source {
    pub(super) const fn new(body: Body) -> Self {
        Self { body, piece: Bytes::new(), ended: false, trailers: None, failure: None }
    }

    /// Waits for data, unless there is some; afterwards there is none at the end of the body alone.
    pub(super) fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<&[u8], Error>> {
        while self.piece.is_empty() && !self.ended {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => self.ended = true,
                Some(Err(error)) => {
                    self.ended = true;
                    return Poll::Ready(Err(error));
                }
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.piece = data,
                    Err(frame) => self.trailers = frame.into_trailers().ok(),
                },
            }
        }
        Poll::Ready(Ok(&self.piece))
    }

    /// Whether all of the body was read.
    pub(super) const fn is_ended(&self) -> bool {
        self.ended && self.piece.is_empty()
    }

    /// What the body broke off with, while a decoder read from it.
    pub(super) const fn take_failure(&mut self) -> Option<Error> {
        self.failure.take()
    }

    pub(super) const fn take_trailers(&mut self) -> Option<HeaderMap> {
        self.trailers.take()
    }
}

impl AsyncBufRead for Source {
    /// A body that broke off has nothing more to say here, not even an error: a decoder would drop what it has decoded
    /// for it. Whoever polls the decoder finds the error [kept aside](Source::take_failure).
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.failure.is_none()
            && let Err(error) = ready!(this.poll_more(cx))
        {
            this.failure = Some(error);
        }
        if this.failure.is_some() { Poll::Pending } else { Poll::Ready(Ok(&this.piece)) }
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        let amount = amount.min(self.piece.len());
        self.piece.advance(amount);
    }
}

impl AsyncRead for Source {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let piece = ready!(self.as_mut().poll_fill_buf(cx))?;
        let amount = piece.len().min(buffer.len());
        buffer[..amount].copy_from_slice(&piece[..amount]);
        self.consume(amount);
        Poll::Ready(Ok(amount))
    }
}
