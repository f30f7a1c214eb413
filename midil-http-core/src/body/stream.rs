//! A caller's stream of data, as a body.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::announced::Announced;
use super::progress::with_pending;
use crate::{BodyError, BoxError, Error};

pin_project! {
    /// Holds the stream to the length that was announced for it.
    ///
    /// The last of that length is held back until the stream has ended: who sends as many bytes as were announced asks for no more,
    /// and would not see that there are.
    pub(super) struct StreamBody<S> {
        #[pin]
        stream: S,
        announced: Announced,
        last: Bytes,
        ended: bool,
    }
}

impl<S> StreamBody<S> {
    pub(super) const fn new(stream: S, announced: Option<u64>) -> Self {
        Self { stream, announced: Announced::new(announced), last: Bytes::new(), ended: false }
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
        let mut this = self.project();
        if *this.ended {
            return Poll::Ready(None);
        }
        loop {
            match ready!(this.stream.as_mut().poll_next(cx)) {
                Some(Ok(data)) => {
                    let data = data.into();
                    this.announced.count(&data)?;
                    if !this.announced.is_reached() {
                        return Poll::Ready(Some(Ok(Frame::data(data))));
                    }
                    if !data.is_empty() {
                        *this.last = data;
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(BodyError::new(error).into()))),
                None => {
                    *this.ended = true;
                    this.announced.end()?;
                    let last = std::mem::take(this.last);
                    return Poll::Ready((!last.is_empty()).then(|| Ok(Frame::data(last))));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        let left = self.announced.left();
        if self.last.is_empty() { left } else { with_pending(left, &self.last) }
    }
}
