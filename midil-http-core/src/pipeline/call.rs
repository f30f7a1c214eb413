//! One call on its way: what all slots share.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use url::Url;

use super::{span, total_timeout};
use crate::client::Shared;
use crate::{Body, BoxFuture, Error, Next, Phase, Request};

/// A call: the client that makes it, and what is counted along the way.
///
/// Atomics, not cells, because middleware may run the rest of the way more than once at a time (a hedge).
pub(crate) struct CallScope<'a> {
    pub(super) client: &'a Shared,
    pub(super) started: Instant,
    /// Attempts beyond the first, over all hops.
    retries: AtomicU32,
    /// Requests sent, 401 replays and hops included.
    sends: AtomicU32,
    /// The one 401 replay of the call was made.
    replayed: AtomicBool,
    phase: AtomicU8,
    final_url: Mutex<Option<Url>>,
}

impl<'a> CallScope<'a> {
    pub(crate) fn new(client: &'a Shared) -> Self {
        Self {
            client,
            started: client.runtime.now(),
            retries: AtomicU32::new(0),
            sends: AtomicU32::new(0),
            replayed: AtomicBool::new(false),
            phase: AtomicU8::new(0),
            final_url: Mutex::new(None),
        }
    }

    /// The whole way: slots 1 and 2, and all below.
    pub(crate) async fn enter(&self, request: Request) -> Result<http::Response<Body>, Error> {
        span::around(self, request, async |request| match self.client.middleware.as_slice() {
            [] => self.run(request).await,
            middleware => Next::call(middleware, self).run(request).await,
        })
        .await
    }

    /// Slots 3 and below.
    pub(crate) async fn run(&self, request: Request) -> Result<http::Response<Body>, Error> {
        total_timeout::bound(self, request).await
    }

    /// The same, boxed: a middleware's future cannot contain that of the slots, which contain middleware.
    pub(crate) fn run_boxed(
        &self,
        request: Request,
    ) -> BoxFuture<'_, Result<http::Response<Body>, Error>> {
        Box::pin(self.run(request))
    }

    pub(crate) fn elapsed(&self) -> std::time::Duration {
        self.client.runtime.now().saturating_duration_since(self.started)
    }

    /// Attempts made: 1 and the retries of the whole call.
    pub(crate) fn attempts(&self) -> u32 {
        self.retries.load(Ordering::Relaxed).saturating_add(1)
    }

    pub(super) fn count_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request that goes out; tells how many went before it.
    pub(super) fn count_send(&self) -> u32 {
        self.sends.fetch_add(1, Ordering::Relaxed)
    }

    /// Requests sent after the first: `http.request.resend_count`.
    pub(super) fn resends(&self) -> u32 {
        self.sends.load(Ordering::Relaxed).saturating_sub(1)
    }

    /// Whether this caller may make the one 401 replay of the call.
    pub(super) fn claim_replay(&self) -> bool {
        !self.replayed.swap(true, Ordering::Relaxed)
    }

    pub(super) fn enter_phase(&self, phase: Phase) {
        self.phase.store(phase.code(), Ordering::Relaxed);
    }

    pub(super) fn phase(&self) -> Phase {
        Phase::from_code(self.phase.load(Ordering::Relaxed))
    }

    pub(super) fn set_final_url(&self, url: Url) {
        *self.final_url.lock().unwrap_or_else(PoisonError::into_inner) = Some(url);
    }

    /// The URL that the last request of the call went to.
    pub(crate) fn take_final_url(&self) -> Option<Url> {
        self.final_url.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
