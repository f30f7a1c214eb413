//! From reqwest's response to ours.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http::{Extensions, Version};
use http_body::{Body as _, Frame, SizeHint};
use midil_http_core::{Body, Error};
use tokio::sync::OwnedSemaphorePermit;

use crate::failure;

/// What comes with the head as a rule. Of a longer body nothing is taken in before somebody reads it.
const SHORT: u64 = 8 * 1024;

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
        let mut download = Download { body, first: None, permit: Some(permit), check_end };
        download.whole().unwrap_or_else(|| Body::wrap(download))
    };
    http::Response::from_parts(parts, body)
}

/// `None` at the end.
type Polled = Option<Result<Frame<Bytes>, reqwest::Error>>;

/// A body on its way in. Dropping it breaks the exchange off.
struct Download {
    body: reqwest::Body,
    /// What came with the head.
    first: Option<Polled>,
    /// `None` once the body has ended.
    permit: Option<OwnedSemaphorePermit>,
    /// hyper takes an HTTP/2 stream that was reset with `NO_ERROR` for one that has ended, though it was cut.
    check_end: bool,
}

impl Download {
    /// The body, when it is short and all of it came with the head: a stream would cost more, and the permit is free at once.
    fn whole(&mut self) -> Option<Body> {
        if self.body.size_hint().exact()? > SHORT {
            return None;
        }
        // Whoever reads will ask again, and is the one to be woken.
        let mut nobody = Context::from_waker(Waker::noop());
        let Poll::Ready(first) = Pin::new(&mut self.body).poll_frame(&mut nobody) else {
            return None;
        };
        match first {
            Some(Ok(frame)) if frame.is_data() && self.body.is_end_stream() => {
                frame.into_data().ok().map(Body::from)
            }
            first => {
                self.first = Some(first);
                None
            }
        }
    }
}

impl http_body::Body for Download {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = match self.first.take() {
            Some(first) => first,
            None => ready!(Pin::new(&mut self.body).poll_frame(cx)),
        };
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
        self.first.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.body.size_hint();
        let first = match &self.first {
            Some(Some(Ok(frame))) => frame.data_ref().map_or(0, Bytes::len),
            _ => 0,
        };
        match (u64::try_from(first), rest.exact()) {
            (Ok(first), Some(rest)) => SizeHint::with_exact(rest.saturating_add(first)),
            _ => rest,
        }
    }
}
