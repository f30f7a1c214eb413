//! [`RateLimit`]: so many calls in a time, and no more.

mod builder;
mod lane;
#[cfg(test)]
#[cfg(not(midil_loom))]
mod tests;

use std::cell::OnceCell;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use midil_http_core::{
    Body, BoxFuture, Error, LimitError, Middleware, Next, Request, RequestHead, Runtime,
};

pub use builder::RateLimitBuilder;

use self::lane::{Rate, RateLane};
use crate::key::KeyedBy;
use crate::lanes::Lanes;
use crate::queued::Queued;
use crate::within::within;

/// How long a turn may be late, beyond `max_wait`, on an executor that is busy.
const GRACE: Duration = Duration::from_secs(1);

/// Sends so many calls to a server in a time; the others wait for their turn.
///
/// It keeps a client within what a server allows, instead of finding out by 429s. Calls are let through one by one, at
/// even distances (100 per second: one every 10 ms), after a burst of as many as were saved up while there were fewer: by
/// default, those of the whole time. (The algorithm is GCRA, a leaky bucket; `governor` does it.)
///
/// Calls wait in the order in which they came. How long is known beforehand: where it would be longer than `max_wait`, or go
/// beyond the `total_timeout` of the client, the call is [`Error::Limit`] at once, which says how long it would have been;
/// nothing is sent, and nothing is used up. (Longer than known it takes only where a call that waits is neither polled nor
/// dropped: those behind it are [`Error::Limit`] when they are late by `max_wait` and a second.)
///
/// Each origin (scheme, host and port) has a rate of its own, or each [`key`](RateLimitBuilder::key) of your making. Its
/// clones share it. What was not used for so long that it is as good as new is forgotten.
///
/// Put it among the [attempt middleware](midil_http_core::HttpClientBuilder::attempt_middleware), so that retries count, too. Or
/// put it around a transport: [`RateLimitTransport`](crate::RateLimitTransport).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Body, HttpClient, Request};
/// use midil_http_test::ManualRuntime;
/// use midil_retry::RateLimit;
///
/// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
/// let runtime = ManualRuntime::new(); // virtual time
/// let client = HttpClient::builder(transport)
///     .base_url("https://api.example.com/v1")
///     .runtime(runtime.clone())
///     .attempt_middleware(RateLimit::new(10, Duration::from_secs(1)))
///     .build()?;
///
/// runtime.block_on(async {
///     for _ in 0..12 {
///         client.get("/users").send().await?;
///     }
///     assert_eq!(runtime.elapsed(), Duration::from_millis(200)); // ten at once, two more at 100 ms each
///     Ok::<_, midil_http_core::Error>(())
/// })?;
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Clone)]
pub struct RateLimit(Arc<Shared>);

/// What all clones of a rate limit share.
struct Shared {
    rate: Rate,
    max_wait: Duration,
    keyed_by: KeyedBy,
    lanes: Lanes<RateLane>,
    /// The first time that was ever looked at: lanes count nanoseconds since.
    beginning: OnceLock<Instant>,
}

/// How much of a rate is left.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
/// use midil_retry::{RateLimit, RateLimitState};
///
/// let limit = RateLimit::new(10, Duration::from_secs(1));
/// let RateLimitState { available, waiting, .. } = limit.state("https://api.example.com", Instant::now());
/// assert_eq!((available, waiting), (10, 0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimitState {
    /// Calls that could be made at once.
    pub available: u32,
    /// Calls that wait for their turn.
    pub waiting: usize,
}

impl RateLimit {
    /// A limit of so many calls in that time: at least 1 call, from a nanosecond to a day. All of them may be made at
    /// once; calls wait for 10 s at most.
    #[must_use]
    pub fn new(calls: u32, per: Duration) -> Self {
        RateLimitBuilder::new(calls.max(1), per).make()
    }

    /// Begins with so many calls in that time, all of which may be made at once, waits of up to 10 s, and a rate for each
    /// origin.
    pub const fn builder(calls: u32, per: Duration) -> RateLimitBuilder {
        RateLimitBuilder::new(calls, per)
    }

    fn with(rate: Rate, max_wait: Duration, keyed_by: KeyedBy) -> Self {
        let (lanes, beginning) = (Lanes::new(), OnceLock::new());
        Self(Arc::new(Shared { rate, max_wait, keyed_by, lanes, beginning }))
    }

    /// How much of the rate of a key is left: of an origin, such as `https://api.example.com` (any URL of it will do), unless
    /// it has [keys](RateLimitBuilder::key) of your making; at `now` by the clock of the client's runtime (`Instant::now()`,
    /// as a rule).
    #[must_use]
    pub fn state(&self, key: &str, now: Instant) -> RateLimitState {
        let Shared { rate, keyed_by, lanes, .. } = &*self.0;
        let lane = lanes.find(&keyed_by.named(key));
        let full = RateLimitState { available: rate.burst(), waiting: 0 };
        // Where there is a lane, time has begun; to look must not begin it.
        lane.map_or(full, |lane| lane.state(rate, self.0.nanos(now)))
    }

    /// All keys of late and how much of their rates is left at `now`, in no order.
    pub fn states(&self, now: Instant) -> impl Iterator<Item = (Arc<str>, RateLimitState)> {
        let lanes = self.0.lanes.all().into_iter();
        lanes.map(move |lane| (lane.key_text(), lane.state(&self.0.rate, self.0.nanos(now))))
    }
}

// Written out, not with `async_trait`, which would keep each argument twice in the future.
impl Middleware for RateLimit {
    fn handle<'a, 'n, 'async_trait>(
        &'a self,
        request: Request,
        next: Next<'n>,
    ) -> BoxFuture<'async_trait, Result<http::Response<Body>, Error>>
    where
        'a: 'async_trait,
        'n: 'async_trait,
        Self: 'async_trait,
    {
        let shared = &*self.0;
        let lane = shared.lane(request.head(), next.runtime());
        Box::pin(async move {
            let now = next.runtime().now();
            if let Err(wait) = lane.try_enter(&shared.rate, shared.nanos(now)) {
                // What is rare is boxed: no call should carry room for it.
                Box::pin(shared.wait(&lane, wait, now, request.head(), next)).await?;
            }
            drop(lane);
            next.run(request).await
        })
    }
}

impl Shared {
    fn lane(&self, head: &RequestHead, runtime: &dyn Runtime) -> Arc<RateLane> {
        let make = |key| RateLane::new(key, &self.rate);
        // The clock is read when there is a sweep.
        let now = OnceCell::new();
        let is_idle =
            |lane: &RateLane| lane.is_full(*now.get_or_init(|| self.nanos(runtime.now())));
        self.lanes.find_or_make(&self.keyed_by.of(head), make, is_idle)
    }

    /// Waits for its turn, which is `wait` from `now`.
    ///
    /// Cancel safe: whoever loses interest leaves the queue, and has used up nothing.
    async fn wait(
        &self,
        lane: &RateLane,
        wait: u64,
        now: Instant,
        head: &RequestHead,
        next: Next<'_>,
    ) -> Result<(), Error> {
        let (runtime, wait) = (next.runtime(), Duration::from_nanos(wait));
        let remaining = head.deadline.map(|deadline| deadline.saturating_duration_since(now));
        let queued = Queued::begin(next, head, "rate_limit");
        if let Err(error) = self.refuse_long(wait, remaining) {
            queued.refused();
            return Err(error.into());
        }
        let queue = async {
            let place = lane.queue();
            let _turn = place.turn().await;
            while let Err(until) = lane.check(self.nanos(runtime.now())) {
                let now = self.nanos(runtime.now());
                runtime.sleep(Duration::from_nanos(until.saturating_sub(now))).await;
            }
        };
        // Whoever is ahead and is never polled again would hold up the others for ever.
        let limit = wait.saturating_add(self.max_wait).saturating_add(GRACE);
        if within(runtime, limit, queue).await.is_none() {
            queued.refused();
            let problem = format!(
                "no turn within {limit:?}, where {wait:?} should do: poll or drop every call that waits"
            );
            return Err(LimitError::new("max_wait", problem).into());
        }
        queued.admitted();
        Ok(())
    }

    /// A wait that is too long is not begun.
    fn refuse_long(&self, wait: Duration, remaining: Option<Duration>) -> Result<(), LimitError> {
        let max_wait = self.max_wait;
        let (setting, problem) = if wait > max_wait {
            let problem = format!(
                "the rate is used up for {wait:?}, longer than {max_wait:?}: send fewer, or raise the rate or max_wait"
            );
            ("max_wait", problem)
        } else if let Some(remaining) = remaining
            && wait >= remaining
        {
            let problem = format!(
                "the rate is used up for {wait:?}, with {remaining:?} left: send fewer, or raise the rate or total_timeout"
            );
            ("total_timeout", problem)
        } else {
            return Ok(());
        };
        Err(LimitError::new(setting, problem).with_retry_in(wait))
    }

    /// Nanoseconds since the beginning.
    fn nanos(&self, now: Instant) -> u64 {
        let age = now.saturating_duration_since(*self.beginning.get_or_init(|| now));
        age.as_secs().saturating_mul(1_000_000_000).saturating_add(u64::from(age.subsec_nanos()))
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("rate", &self.0.rate)
            .field("max_wait", &self.0.max_wait)
            .field("key", &self.0.keyed_by)
            .finish_non_exhaustive()
    }
}
