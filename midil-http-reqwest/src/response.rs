//! From reqwest's response to ours.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Extensions, Version};
use http_body::{Body as _, Frame, SizeHint};
use midil_http_core::{Body, Error};
use tokio::sync::OwnedSemaphorePermit;

use crate::failure;

/// The response; its body holds `permit` until it ends.
pub(crate) fn convert(
    response: reqwest::Response,
    permit: OwnedSemaphorePermit,
    bodies_tell_their_end: bool,
) -> http::Response<Body> {
    let (mut parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
    // What hyper notes about the connection is not for the client: all transports behave alike.
    parts.extensions = Extensions::new();
    let body = if body.is_end_stream() {
        Body::empty()
    } else {
        let check_end = bodies_tell_their_end && parts.version == Version::HTTP_2;
        Body::wrap(Download { body, permit: Some(permit), check_end })
    };
    http::Response::from_parts(parts, body)
}

/// A body on its way in. Dropping it breaks the exchange off.
struct Download {
    body: reqwest::Body,
    /// `None` once the body has ended.
    permit: Option<OwnedSemaphorePermit>,
    /// hyper takes an HTTP/2 stream that was reset with `NO_ERROR` for one that has ended, though it was cut.
    check_end: bool,
}

impl http_body::Body for Download {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready(match frame {
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(error)) => {
                self.permit = None;
                Some(Err(failure::in_body(error)))
            }
            None => {
                self.permit = None;
                let cut = self.check_end && !self.body.is_end_stream();
                self.check_end = false;
                cut.then(|| Err(failure::cut()))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
