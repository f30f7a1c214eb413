//! [`RateLane`]: the rate of one key.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire};
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::RateLimitState;
use crate::lanes::Lane;

/// One call each interval, and so many at once after a pause.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    /// In nanoseconds.
    interval: u64,
    burst: NonZeroU32,
}

impl Rate {
    /// At least a nanosecond.
    pub(super) fn new(interval: Duration, burst: u32) -> Self {
        let interval = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX).max(1);
        Self { interval, burst: NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN) }
    }

    pub(super) const fn burst(&self) -> u32 {
        self.burst.get()
    }

    /// How far ahead of its time a call may be.
    fn tolerance(&self) -> u64 {
        self.interval.saturating_mul(u64::from(self.burst.get() - 1))
    }

    /// How long the call after `ahead` others has to wait, when `due` is when the next would be made without a burst.
    fn wait(&self, due: u64, ahead: usize, now: u64) -> u64 {
        let ahead = u64::try_from(ahead).unwrap_or(u64::MAX);
        let turn = due.max(now).saturating_add(self.interval.saturating_mul(ahead));
        turn.saturating_sub(self.tolerance()).saturating_sub(now)
    }
}

/// The rate of one key, and who waits. Time is in nanoseconds since any beginning.
pub(super) struct RateLane {
    key: Arc<str>,
    limiter: RateLimiter<NotKeyed, Due, Latest, NoOpMiddleware<Nanos>>,
    due: Due,
    latest: Latest,
    waiting: AtomicUsize,
    /// Whoever is the next to go holds it: the others queue up for it, in their order.
    head: Semaphore,
}

impl RateLane {
    pub(super) fn new(key: Arc<str>, rate: &Rate) -> Self {
        let (due, latest) = (Due::default(), Latest::default());
        let quota = Quota::with_period(Duration::from_nanos(rate.interval));
        let quota = quota.unwrap_or_else(|| Quota::per_second(rate.burst)).allow_burst(rate.burst);
        let limiter = RateLimiter::new(quota, due.clone(), latest.clone());
        let (waiting, head) = (AtomicUsize::new(0), Semaphore::new(1));
        Self { key, limiter, due, latest, waiting, head }
    }

    pub(super) fn key_text(&self) -> Arc<str> {
        Arc::clone(&self.key)
    }

    /// Goes at once, unless others wait or the rate is used up: then it says for how long.
    pub(super) fn try_enter(&self, rate: &Rate, now: u64) -> Result<(), u64> {
        let ahead = self.waiting.load(Acquire);
        if ahead == 0 && self.check(now).is_ok() {
            return Ok(());
        }
        Err(rate.wait(self.due.get(), ahead, now))
    }

    /// Uses up one call, or says when there will be one.
    pub(super) fn check(&self, now: u64) -> Result<(), u64> {
        self.latest.0.fetch_max(now, AcqRel);
        self.limiter.check().map_err(|not_until| not_until.earliest_possible().as_u64())
    }

    /// Waits, from now on.
    pub(super) fn queue(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, AcqRel);
        Waiting(self)
    }

    /// Whether it is as good as new.
    pub(super) fn is_full(&self, now: u64) -> bool {
        self.due.get() <= now
    }

    pub(super) fn state(&self, rate: &Rate, now: u64) -> RateLimitState {
        let saved = now.saturating_add(rate.tolerance()).saturating_add(rate.interval);
        let available = saved.saturating_sub(self.due.get().max(now)) / rate.interval;
        RateLimitState {
            available: u32::try_from(available).unwrap_or(u32::MAX).min(rate.burst()),
            waiting: self.waiting.load(Acquire),
        }
    }
}

impl Lane for RateLane {
    fn key(&self) -> &Arc<str> {
        &self.key
    }
}

/// A call that waits.
pub(super) struct Waiting<'a>(&'a RateLane);

impl Waiting<'_> {
    /// Until it is the next to go. `None` never comes: the semaphore is never closed.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.0.head.acquire().await.ok()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, AcqRel);
    }
}

/// When the next call would be made if there were no bursts: all that the algorithm keeps. `governor`'s own store does not
/// show it.
#[derive(Debug, Clone, Default)]
struct Due(Arc<AtomicU64>);

impl Due {
    fn get(&self) -> u64 {
        self.0.load(Acquire)
    }
}

impl StateStore for Due {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut due = self.get();
        loop {
            let (outcome, next) = decide((due > 0).then(|| due.into()))?;
            match self.0.compare_exchange(due, next.as_u64(), AcqRel, Acquire) {
                Ok(_) => return Ok(outcome),
                Err(changed) => due = changed,
            }
        }
    }
}

/// The latest time that anybody saw: each call brings its own, by the clock of its client.
#[derive(Debug, Clone, Default)]
struct Latest(Arc<AtomicU64>);

impl Clock for Latest {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.load(Acquire).into()
    }
}
