//! A caller's stream of data, as a body.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::announced::Announced;
use crate::{BodyError, BoxError, Error};

pin_project! {
    /// Holds the stream to the length that was announced for it.
    pub(super) struct StreamBody<S> {
        #[pin]
        stream: S,
        announced: Announced,
    }
}

impl<S> StreamBody<S> {
    pub(super) const fn new(stream: S, announced: Option<u64>) -> Self {
        Self { stream, announced: Announced::new(announced) }
    }
}

impl<S, D, E> Body for StreamBody<S>
where
    S: Stream<Item = Result<D, E>>,
    D: Into<Bytes>,
    E: Into<BoxError>,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.project();
        Poll::Ready(match ready!(this.stream.poll_next(cx)) {
            Some(Ok(data)) => Some(this.announced.add(data.into()).map(Frame::data)),
            Some(Err(error)) => Some(Err(BodyError::new(error).into())),
            None => this.announced.end().err().map(Err),
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.announced.left()
    }
}
