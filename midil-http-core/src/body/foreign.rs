//! Bodies of other crates, as [`Body`].

use std::any::Any;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;

use super::Body;
use super::announced::Announced;
use super::peeked::Peeked;
use crate::{BodyError, BoxError, Error};

impl Body {
    /// The body of a response: `error` says what it means that it broke off.
    pub(crate) fn of_response<B>(body: B, error: fn(BoxError) -> Error) -> Self
    where
        B: http_body::Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        own(body).unwrap_or_else(|body| {
            if body.is_end_stream() {
                return Self::empty();
            }
            Self::wrap(Foreign { announced: None, error, inner: body })
        })
    }

    /// The body of a request. One whose length is known is asked for its first piece: where that is all of it, it is bytes,
    /// and can be sent again.
    pub(crate) async fn of_request<B>(body: B) -> Self
    where
        B: http_body::Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let body = match own(body) {
            Ok(body) => return body,
            Err(body) if body.is_end_stream() => return Self::empty(),
            Err(body) => body,
        };
        let length = body.size_hint().exact();
        let announced = length.map(|length| Announced::new(Some(length)));
        let mut body = Self::wrap(Foreign { announced, error: failed, inner: body });
        if length.is_none() {
            return body;
        }
        // What is in memory is there at once; nobody waits for what is not.
        let first =
            match poll_fn(|cx| Poll::Ready(http_body::Body::poll_frame(Pin::new(&mut body), cx)))
                .await
            {
                Poll::Pending => return body,
                Poll::Ready(None) => return Self::empty(),
                Poll::Ready(Some(first)) => first,
            };
        match first {
            Ok(frame) if frame.is_data() && http_body::Body::is_end_stream(&body) => {
                frame.into_data().unwrap_or_default().into()
            }
            first => Peeked { frames: [first].into(), rest: body }.into_body(),
        }
    }
}

/// The body itself, when it is one of ours already: what it is (bytes, replayable, once) is then kept.
fn own<B: 'static>(body: B) -> Result<Body, B> {
    let mut body = Some(body);
    let ours = <dyn Any>::downcast_mut::<Option<Body>>(&mut body).and_then(Option::take);
    match (ours, body) {
        (Some(ours), _) => Ok(ours),
        (None, Some(body)) => Err(body),
        // Nobody took it but the line above.
        (None, None) => Ok(Body::empty()),
    }
}

/// The caller's body failed: with an error of ours, or with one of its own.
fn failed(error: BoxError) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => *error,
        Err(error) => BodyError::new(error).into(),
    }
}

pin_project! {
    /// Yields `Bytes`, and errors of ours.
    struct Foreign<B> {
        // Holds a request's body to the length that it told.
        announced: Option<Announced>,
        error: fn(BoxError) -> Error,
        #[pin]
        inner: B,
    }
}

impl<B> http_body::Body for Foreign<B>
where
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.project();
        let frame = match ready!(this.inner.poll_frame(cx)) {
            Some(Ok(frame)) => frame.map_data(|mut data| data.copy_to_bytes(data.remaining())),
            Some(Err(error)) => return Poll::Ready(Some(Err((this.error)(error.into())))),
            None => {
                let short = this.announced.as_ref().and_then(|announced| announced.end().err());
                return Poll::Ready(short.map(Err));
            }
        };
        Poll::Ready(Some(match (this.announced, frame.into_data()) {
            (Some(announced), Ok(data)) => announced.add(data).map(Frame::data),
            (None, Ok(data)) => Ok(Frame::data(data)),
            (_, Err(trailers)) => Ok(trailers),
        }))
    }

    fn is_end_stream(&self) -> bool {
        // One that ends before its length must be asked once more, to say so.
        self.inner.is_end_stream()
            && self.announced.as_ref().is_none_or(|announced| announced.end().is_ok())
    }

    fn size_hint(&self) -> SizeHint {
        self.announced.as_ref().map_or_else(|| self.inner.size_hint(), Announced::left)
    }
}
