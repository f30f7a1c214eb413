//! [`BulkheadLane`]: the bulkhead of one key.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Acquire};

use midil_http_core::{Body, OnEnd};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{BulkheadState, Rules};
use crate::lanes::Lane;

/// Places, and who waits for them.
pub(super) struct BulkheadLane {
    key: Arc<str>,
    /// Fair: who came first is served first, and nobody overtakes.
    places: Semaphore,
    waiting: AtomicUsize,
}

impl BulkheadLane {
    pub(super) fn new(key: Arc<str>, places: usize) -> Self {
        let places = Semaphore::new(places.min(Semaphore::MAX_PERMITS));
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

    /// Takes a place that is free, or gives the lane back.
    pub(super) fn try_enter(self: Arc<Self>) -> Result<Permit, Arc<Self>> {
        let free = self.places.try_acquire().map(SemaphorePermit::forget).is_ok();
        if free { Ok(Permit(Some(self))) } else { Err(self) }
    }

    /// Waits for a place; there is always one to come, for the semaphore is never closed.
    pub(super) async fn enter(self: &Arc<Self>) -> Option<Permit> {
        self.places.acquire().await.ok()?.forget();
        Some(Permit(Some(Arc::clone(self))))
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

/// A call in flight. It holds the lane, lest that be forgotten and its key get another.
pub(super) struct Permit(Option<Arc<BulkheadLane>>);

impl Permit {
    /// Stays until the body has ended or is dropped.
    pub(super) fn hold(mut self, body: &mut Body) {
        if let Some(lane) = self.0.take() {
            *body = std::mem::take(body).on_end(lane);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(lane) = &self.0 {
            lane.on_end();
        }
    }
}

/// A place is free again.
impl OnEnd for BulkheadLane {
    fn on_end(&self) {
        self.places.add_permits(1);
    }
}
