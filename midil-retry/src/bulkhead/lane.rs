//! [`BulkheadLane`]: the bulkhead of one key.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Acquire};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use midil_http_core::{Body, Error};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{BulkheadState, Rules};
use crate::lanes::Lane;

/// Places, and who waits for them.
pub(super) struct BulkheadLane {
    key: Arc<str>,
    /// Fair: who came first is served first, and nobody overtakes.
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl BulkheadLane {
    pub(super) fn new(key: Arc<str>, places: usize) -> Self {
        let places = Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)));
        Self { key, places, waiting: AtomicUsize::new(0) }
    }

    pub(super) fn key_text(&self) -> Arc<str> {
        Arc::clone(&self.key)
    }

    pub(super) fn state(&self, rules: &Rules) -> BulkheadState {
        let places = rules.in_flight.min(Semaphore::MAX_PERMITS);
        BulkheadState {
            in_flight: places.saturating_sub(self.places.available_permits()),
            waiting: self.waiting.load(Acquire),
        }
    }

    /// Takes a place that is free.
    pub(super) fn try_enter(self: &Arc<Self>) -> Option<Permit> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Permit { _place: place, _lane: Arc::clone(self) })
    }

    /// Waits for a place; there is always one to come, for the semaphore is never closed.
    pub(super) async fn enter(self: &Arc<Self>) -> Option<Permit> {
        let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
        Some(Permit { _place: place, _lane: Arc::clone(self) })
    }

    /// Takes a place in the queue, of so many.
    pub(super) fn queue(self: &Arc<Self>, limit: usize) -> Option<Waiting> {
        let next = |waiting: usize| (waiting < limit).then_some(waiting + 1);
        self.waiting.fetch_update(AcqRel, Acquire, next).ok()?;
        Some(Waiting(Arc::clone(self)))
    }
}

impl Lane for BulkheadLane {
    fn key(&self) -> &Arc<str> {
        &self.key
    }
}

/// A place in the queue.
pub(super) struct Waiting(Arc<BulkheadLane>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, AcqRel);
    }
}

/// A call in flight. The lane is held, too, lest it be forgotten and its key get another.
pub(super) struct Permit {
    _place: OwnedSemaphorePermit,
    _lane: Arc<BulkheadLane>,
}

impl Permit {
    /// Stays until the body has ended or is dropped.
    pub(super) fn hold(self, body: Body) -> Body {
        if body.is_end_stream() {
            return body;
        }
        Body::wrap(Held { body, permit: Some(self) })
    }
}

/// A body whose call is in flight until it ends.
struct Held {
    body: Body,
    permit: Option<Permit>,
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) || self.body.is_end_stream() {
            self.permit = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
