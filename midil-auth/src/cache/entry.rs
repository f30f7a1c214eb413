//! [`Entry`]: a token in the cache.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use midil_http_core::{AuthNHeaders, AuthNToken};

use super::Inner;
use super::lifetime::Lifetime;

/// A point in time, by both clocks: it is past when either says so.
///
/// The monotonic clock stands still while a machine is suspended; the wall clock may be set back.
#[derive(Debug, Clone, Copy)]
struct Moment {
    monotonic: Option<Instant>,
    wall: Option<SystemTime>,
}

impl Moment {
    fn after(wait: Duration, now: Instant, wall: SystemTime) -> Self {
        // What a clock cannot tell is never past, by that clock.
        Self { monotonic: now.checked_add(wait), wall: wall.checked_add(wait) }
    }

    fn is_past(self, now: Instant, wall: SystemTime) -> bool {
        self.monotonic.is_some_and(|moment| now >= moment)
            || self.wall.is_some_and(|moment| wall >= moment)
    }

    /// What is left until then, by the clock that is further on.
    fn left(self, now: Instant, wall: SystemTime) -> Duration {
        let monotonic = self.monotonic.map(|moment| moment.saturating_duration_since(now));
        let wall = self.wall.map(|moment| moment.duration_since(wall).unwrap_or_default());
        monotonic.into_iter().chain(wall).min().unwrap_or(Duration::MAX)
    }
}

/// A token, ready to be handed out.
pub(super) struct Entry {
    pub(super) token: AuthNToken,
    pub(super) headers: AuthNHeaders,
    pub(super) generation: u64,
    /// When it came.
    pub(super) arrived: Instant,
    /// What was left of it then.
    pub(super) lifetime: Lifetime,
    expires: Moment,
    refresh: Moment,
    /// Until when nobody else begins to renew it, in nanoseconds since the cache's epoch.
    claimed_until: AtomicU64,
}

impl Entry {
    pub(super) fn new(
        token: AuthNToken,
        headers: AuthNHeaders,
        generation: u64,
        lifetime: Lifetime,
        (now, wall): (Instant, SystemTime),
    ) -> Self {
        Self {
            token,
            headers: headers.with_generation(generation).with_obtained_at(now),
            generation,
            arrived: now,
            lifetime,
            expires: Moment::after(lifetime.remaining, now, wall),
            refresh: Moment::after(lifetime.until_refresh, now, wall),
            claimed_until: AtomicU64::new(0),
        }
    }

    pub(super) fn is_valid(&self, now: Instant, wall: SystemTime) -> bool {
        !self.expires.is_past(now, wall)
    }

    /// Whether it had a life, and has none left.
    pub(super) fn is_over(&self, now: Instant, wall: SystemTime) -> bool {
        !self.is_single_use() && !self.is_valid(now, wall)
    }

    /// Whether it is for those alone who waited for it.
    pub(super) fn is_single_use(&self) -> bool {
        self.lifetime.remaining.is_zero()
    }

    pub(super) fn is_ageing(&self, now: Instant, wall: SystemTime) -> bool {
        self.refresh.is_past(now, wall)
    }

    pub(super) fn expires_in(&self, now: Instant, wall: SystemTime) -> Duration {
        self.expires.left(now, wall)
    }

    pub(super) fn refresh_in(&self, now: Instant, wall: SystemTime) -> Duration {
        self.refresh.left(now, wall)
    }

    /// Whether the caller is the one who renews it. A claim ends by itself, should its owner come to nothing.
    pub(super) fn claim(&self, cache: &Inner, now: Instant) -> bool {
        let claimed = self.claimed_until.load(Ordering::Relaxed);
        let passed = cache.nanoseconds(now);
        let until = passed.saturating_add(nanoseconds(cache.patience()));
        passed >= claimed
            && self
                .claimed_until
                .compare_exchange(claimed, until, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// Has nobody renew it before `when`.
    pub(super) fn rest(&self, cache: &Inner, when: Instant) {
        self.claimed_until.store(cache.nanoseconds(when), Ordering::Relaxed);
    }

    /// Until when it is claimed.
    pub(super) fn claimed_for(&self, cache: &Inner, now: Instant) -> Duration {
        let claimed = self.claimed_until.load(Ordering::Relaxed);
        Duration::from_nanos(claimed.saturating_sub(cache.nanoseconds(now)))
    }
}

impl Inner {
    fn nanoseconds(&self, when: Instant) -> u64 {
        nanoseconds(when.saturating_duration_since(self.epoch))
    }
}

fn nanoseconds(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}
