//! A caller's stream of data, as a body.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::count;
use crate::{BodyError, BoxError, Error};

pin_project! {
    /// Holds the stream to the length that was announced for it.
    pub(super) struct StreamBody<S> {
        #[pin]
        stream: S,
        announced: Option<u64>,
        yielded: u64,
    }
}

impl<S> StreamBody<S> {
    pub(super) const fn new(stream: S, announced: Option<u64>) -> Self {
        Self { stream, announced, yielded: 0 }
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
        let wrong_length = |yielded: u64, announced: u64| {
            let problem = format!(
                "the body was announced with {announced} bytes and has {yielded}: announce what it has"
            );
            Poll::Ready(Some(Err(BodyError::new(problem).into())))
        };
        match ready!(this.stream.poll_next(cx)) {
            Some(Ok(data)) => {
                let data = data.into();
                *this.yielded = this.yielded.saturating_add(count(&data));
                match *this.announced {
                    Some(announced) if *this.yielded > announced => {
                        wrong_length(*this.yielded, announced)
                    }
                    _ => Poll::Ready(Some(Ok(Frame::data(data)))),
                }
            }
            Some(Err(error)) => Poll::Ready(Some(Err(BodyError::new(error).into()))),
            None => match *this.announced {
                Some(announced) if *this.yielded < announced => {
                    wrong_length(*this.yielded, announced)
                }
                _ => Poll::Ready(None),
            },
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self.announced {
            Some(announced) => SizeHint::with_exact(announced.saturating_sub(self.yielded)),
            None => SizeHint::new(),
        }
    }
}
