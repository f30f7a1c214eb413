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
use crate::request::Bound;

pub(crate) fn over_http2(
    response: Response<Incoming>,
    in_flight: InFlight,
    permit: OwnedSemaphorePermit,
) -> Response<Body> {
    let (mut parts, incoming) = response.into_parts();
    forget_notes(&mut parts);
    // A server that is content wants to have it all; one that is not has said what there is to say.
    let is_content = parts.status.is_success();
    let held = Some((in_flight, permit));
    let mut download = Download { incoming, is_received: false, is_content, held };
    let body = if download.has_ended() { Body::empty() } else { Body::wrap(download) };
    Response::from_parts(parts, body)
}

/// A body on its way in. Dropping it resets the stream.
struct Download {
    incoming: Incoming,
    /// Whether all is. To be remembered: what becomes of the upload then is no business of what has come.
    is_received: bool,
    /// Whether it ends no sooner than the upload.
    is_content: bool,
    /// `None` once the body has ended.
    held: Option<(InFlight, OwnedSemaphorePermit)>,
}

impl Download {
    /// What is still to be sent before this has ended.
    fn upload(&self) -> Option<&Bound> {
        let (in_flight, _) = self.held.as_ref().filter(|_| self.is_content)?;
        in_flight.upload()
    }

    /// Whether all is received, and sent; then what is held is given back.
    fn has_ended(&mut self) -> bool {
        self.is_received |= self.incoming.is_end_stream();
        let has_ended = self.is_received && self.upload().is_none();
        if has_ended {
            self.held = None;
        }
        has_ended
    }

    /// Waits for the upload, where there is one to wait for, now that all is received.
    fn poll_end(&mut self, cx: &Context<'_>) -> Poll<()> {
        if let Some(upload) = self.upload() {
            ready!(upload.poll_ended(cx));
        }
        self.held = None;
        Poll::Ready(())
    }
}

impl http_body::Body for Download {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.is_received {
            return self.poll_end(cx).map(|()| None);
        }
        match ready!(Pin::new(&mut self.incoming).poll_frame(cx)) {
            Some(Ok(frame)) => {
                self.has_ended();
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                self.held = None;
                Poll::Ready(Some(Err(failure::in_body(error))))
            }
            None => {
                // hyper takes a stream that was reset with `NO_ERROR` for one that has ended, though it was cut.
                if self.held.is_some() && !self.incoming.is_end_stream() {
                    self.held = None;
                    return Poll::Ready(Some(Err(failure::cut())));
                }
                self.is_received = true;
                self.poll_end(cx).map(|()| None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_none() && self.is_received
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
