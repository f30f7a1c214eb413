//! A response over HTTP/2.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use midil_http_core::{Body, Error};
use tokio::sync::OwnedSemaphorePermit;

use super::forget_notes;
use crate::connection::InFlight;
use crate::failure;

pub(crate) fn over_http2(
    response: Response<Incoming>,
    in_flight: InFlight,
    permit: OwnedSemaphorePermit,
) -> Response<Body> {
    let (mut parts, incoming) = response.into_parts();
    forget_notes(&mut parts);
    let body = if incoming.is_end_stream() {
        Body::empty()
    } else {
        Body::wrap(Download { incoming, held: Some((in_flight, permit)) })
    };
    Response::from_parts(parts, body)
}

/// A body on its way in. Dropping it resets the stream.
struct Download {
    incoming: Incoming,
    /// `None` once the body has ended.
    held: Option<(InFlight, OwnedSemaphorePermit)>,
}

impl http_body::Body for Download {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(cx));
        Poll::Ready(match frame {
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(error)) => {
                self.held = None;
                Some(Err(failure::in_body(error)))
            }
            None => {
                // hyper takes a stream that was reset with `NO_ERROR` for one that has ended, though it was cut.
                let cut = self.held.take().is_some() && !self.incoming.is_end_stream();
                cut.then(|| Err(failure::cut()))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
