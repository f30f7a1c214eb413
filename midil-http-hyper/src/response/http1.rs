//! A response over HTTP/1.1: its body moves the connection on, and gives it back.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::Response;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use midil_http_core::{Body, Error};
use tokio::sync::OwnedSemaphorePermit;

use super::forget_notes;
use crate::connection::Http1;
use crate::failure;
use crate::pool::Origin;

/// What an exchange holds until its end.
pub(crate) struct Exchange {
    /// `None` once it has ended.
    pub(crate) connection: Option<Box<Http1>>,
    /// Where the connection goes back to.
    pub(crate) origin: Arc<Origin>,
    /// Whether there was a body to send, which may be on its way still.
    pub(crate) uploads: bool,
    pub(crate) permit: Option<OwnedSemaphorePermit>,
}

pub(crate) fn over_http1(response: Response<Incoming>, mut exchange: Exchange) -> Response<Body> {
    let (mut parts, incoming) = response.into_parts();
    forget_notes(&mut parts);
    // A server that is content wants to have it all; one that is not has said what there is to say.
    exchange.uploads &= parts.status.is_success();
    let mut download = Download { incoming, first: None, exchange };
    let body = download.whole().unwrap_or_else(|| Body::wrap(download));
    Response::from_parts(parts, body)
}

type Polled = Poll<Option<Result<Frame<Bytes>, hyper::Error>>>;

/// A body on its way in. Dropping it breaks the exchange off.
struct Download {
    incoming: Incoming,
    /// What came with the head.
    first: Option<Result<Frame<Bytes>, hyper::Error>>,
    exchange: Exchange,
}

impl Download {
    /// The body, when all of it came with the head: a stream would cost more, and the connection is free at once.
    fn whole(&mut self) -> Option<Body> {
        match self.poll_incoming() {
            Poll::Ready(None) => self.exchange.has_ended().then(Body::empty),
            Poll::Ready(Some(Ok(frame)))
                if frame.is_data()
                    && self.incoming.is_end_stream()
                    && self.exchange.has_ended() =>
            {
                frame.into_data().ok().map(Body::from)
            }
            Poll::Ready(first) => {
                self.first = first;
                None
            }
            Poll::Pending => None,
        }
    }

    /// It moves on when the connection does, and nobody else wakes us.
    fn poll_incoming(&mut self) -> Polled {
        let mut quiet = Context::from_waker(Waker::noop());
        Pin::new(&mut self.incoming).poll_frame(&mut quiet)
    }

    fn poll(&mut self, cx: &Context<'_>) -> Polled {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(first));
        }
        match self.poll_incoming() {
            Poll::Pending => {
                self.exchange.drive(cx);
                self.poll_incoming()
            }
            frame => frame,
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
        match self.poll(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if self.incoming.is_end_stream() {
                    self.exchange.has_ended();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.exchange.end();
                Poll::Ready(Some(Err(failure::in_body(error))))
            }
            Poll::Ready(None) => self.exchange.poll_end(cx).map(|()| None),
            Poll::Pending if self.exchange.is_stuck() => {
                self.exchange.end();
                Poll::Ready(Some(Err(failure::cut())))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.exchange.permit.is_none() && self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.incoming.size_hint();
        let first = match &self.first {
            Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
            _ => return rest,
        };
        let first = u64::try_from(first).unwrap_or(u64::MAX);
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(first));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(first));
        }
        hint
    }
}

impl Exchange {
    fn drive(&mut self, cx: &Context<'_>) {
        if let Some(connection) = &mut self.connection {
            connection.drive(cx);
        }
    }

    /// Whether all is sent, now that all is received; then connection and permit are given back.
    fn has_ended(&mut self) -> bool {
        match self.connection.take() {
            Some(connection) if connection.is_ready() => self.origin.keep(connection),
            // It is the upload that keeps it busy.
            Some(connection) if self.uploads && !connection.has_ended() => {
                self.connection = Some(connection);
                return false;
            }
            Some(_) | None => {}
        }
        self.permit = None;
        true
    }

    /// Sends on what there is, now that all is received.
    fn poll_end(&mut self, cx: &Context<'_>) -> Poll<()> {
        // hyper flushes last, and does not look for the next request then: without the second time, it would not say that it
        // is ready, and nobody would be woken.
        self.drive(cx);
        self.drive(cx);
        if self.has_ended() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Whether nothing can come any more, though the body has not ended. Not known to happen.
    fn is_stuck(&self) -> bool {
        self.connection.as_ref().is_none_or(|connection| connection.has_ended())
    }

    /// Breaks the exchange off.
    fn end(&mut self) {
        self.connection = None;
        self.permit = None;
    }
}
