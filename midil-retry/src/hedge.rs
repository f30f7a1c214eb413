//! [`Hedge`]: what takes long is sent a second time, and who answers first wins.

mod builder;
mod lane;
mod latencies;
mod race;
#[cfg(test)]
#[cfg(not(midil_loom))]
mod tests;

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use midil_http_core::{Alarm, Body, BoxFuture, Error, Middleware, Next, Request};

pub use builder::HedgeBuilder;

use self::lane::HedgeLane;
use self::latencies::Percentile;
use self::race::Race;
use crate::budget::Budget;
use crate::key::KeyedBy;
use crate::lanes::Lanes;

/// Sends a request that takes long a second time, beside the first, and takes the answer that comes first.
///
/// It is for the slow tail of a service that is quick as a rule: one of its servers collects its garbage, a packet was
/// lost. A request is hedged when its response's head has not come within a fixed time, or within what so many of the latest
/// calls took ([`percentile`](HedgeBuilder::percentile), 0.95 by default).
///
/// **Which.** Requests that are idempotent (GET, HEAD, OPTIONS, TRACE, PUT, DELETE, with an `Idempotency-Key`, or because the
/// caller says so) and whose body can be sent again; all others pass. A hedge that would come past the deadline of its call
/// is not sent.
///
/// **When.** The time counts from when the request went out. As long as it waits for credentials or for a limit further down, or
/// its body is still being uploaded, it is not slow, and a hedge would only be held up, too.
///
/// **What a loser may do.** It is dropped when the call has its answer, but the server may have it already, and carry it out
/// *after* that: the late half of a hedged DELETE may delete what its caller has created anew since, that of a PUT may put the
/// old state back. Where that matters, hedge only what changes nothing ([`safe_only`](HedgeBuilder::safe_only)), or say of
/// such a call that it is not idempotent (`.idempotent(false)` on the request), which keeps it from being retried, too.
///
/// **Who wins.** The first *good* response: any status but 401, 408, 425, 429, and 5xx other than 501 and 505. What is not
/// good, errors among it, waits for the other; when none is good, the call comes to the first response of them, or else to
/// the first error. A request that comes to nothing good before its hedge is sent is not hedged: that is for a retry to mend. The
/// loser is dropped, which aborts its exchange.
///
/// **At whose expense.** A hedge is load. Each costs a token of a [`Budget`]: the strategy's, when it is
/// [given](HedgeBuilder::budget), or one of its own. Without a token there is no hedge. So where everything is slow, the
/// hedges end when the bucket is empty, and what is left of them is one for ten calls that go well.
///
/// A hedge is no attempt, but a request more in `http.request.resend_count`, with credentials and timeouts of its own.
///
/// # Where it belongs
///
/// Among the [attempt middleware](midil_http_core::HttpClientBuilder::attempt_middleware), innermost: inside bulkhead and rate
/// limit, for what waits for a limit of ours is not slow, and a hedge of it would only wait, too; inside the breaker, which
/// then hears of what both came to together. Put outside, it would send each hedge through all of them: limits would count it, the
/// breaker would hear of each by itself (and of a loser nothing), and an open circuit would refuse the hedge alone. Or put
/// it around a transport: [`HedgeTransport`](crate::HedgeTransport), which copies each request beforehand.
///
/// It is shared by its clones. Each origin (scheme, host and port) has latencies and tokens of its own, or each
/// [`key`](HedgeBuilder::key) of your making; keys that are not used are forgotten when there are more than some hundred.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::HttpClient;
/// use midil_http_test::{ManualRuntime, MockTransport, Reply};
/// use midil_retry::Hedge;
///
/// let runtime = ManualRuntime::new(); // virtual time
/// let slow = Reply::ok().body("slow").delayed(Duration::from_secs(3), runtime.clone());
/// let quick = Reply::ok().body("quick").delayed(Duration::from_millis(20), runtime.clone());
/// let client = HttpClient::builder(MockTransport::sequence([slow, quick]))
///     .base_url("https://api.example.com/v1")
///     .runtime(runtime.clone())
///     .attempt_middleware(Hedge::new(Duration::from_millis(100)))
///     .build()?;
///
/// let text = runtime.block_on(async { client.get("/users").send().await?.text().await })?;
/// assert_eq!((text.as_str(), runtime.elapsed()), ("quick", Duration::from_millis(120)));
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Hedge(Arc<Shared>);

/// What all clones of a hedge share.
struct Shared {
    rules: Rules,
    /// That of a strategy; `None`: each lane has its own.
    budget: Option<Arc<dyn Budget>>,
    keyed_by: KeyedBy,
    lanes: Lanes<HedgeLane>,
    /// The first time that was ever looked at: buckets count milliseconds since.
    beginning: OnceLock<Instant>,
}

/// When there is a hedge, and how many.
#[derive(Debug, Clone, Copy)]
struct Rules {
    when: When,
    hedges: u32,
    /// What may change something is not hedged.
    safe_only: bool,
}

#[derive(Debug, Clone, Copy)]
enum When {
    Fixed(Duration),
    Percentile { percentile: Percentile, least: Duration, most: Option<Duration> },
}

impl Rules {
    /// Whether anybody wants to know how long calls take.
    const fn measures(&self) -> bool {
        matches!(self.when, When::Percentile { .. })
    }
}

/// What hedging knows of a key, and has done for it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_retry::{Hedge, HedgeState};
///
/// let hedge = Hedge::new(Duration::from_millis(50));
/// let HedgeState { delay, sent, .. } = hedge.state("https://api.example.com");
/// assert_eq!((delay, sent), (Some(Duration::from_millis(50)), 0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HedgeState {
    /// How long an answer may take before there is a hedge; `None` as long as there were too few calls to tell.
    pub delay: Option<Duration>,
    /// How many calls that is taken from; 0 where it is fixed.
    pub samples: usize,
    /// How many hedges were sent.
    pub sent: u64,
    /// How many of them won.
    pub won: u64,
}

impl Hedge {
    /// Hedges what has no answer after `delay`, at least a millisecond, once.
    #[must_use]
    pub fn new(delay: Duration) -> Self {
        let when = When::Fixed(delay.max(Duration::from_millis(1)));
        Self::with(Rules { when, hedges: 1, safe_only: false }, None, KeyedBy::Origin)
    }

    /// Begins with one hedge after the 95th percentile of the latest calls to the same origin, as soon as there were 50, from
    /// a budget of its own.
    pub fn builder() -> HedgeBuilder {
        HedgeBuilder::new()
    }

    fn with(rules: Rules, budget: Option<Arc<dyn Budget>>, keyed_by: KeyedBy) -> Self {
        let (lanes, beginning) = (Lanes::new(), OnceLock::new());
        Self(Arc::new(Shared { rules, budget, keyed_by, lanes, beginning }))
    }

    /// What is known of a key: of an origin, such as `https://api.example.com` (any URL of it will do), unless it has
    /// [keys](HedgeBuilder::key) of your making.
    #[must_use]
    pub fn state(&self, key: &str) -> HedgeState {
        let Shared { rules, keyed_by, lanes, .. } = &*self.0;
        let lane = lanes.find(&keyed_by.named(key));
        lane.unwrap_or_else(|| Arc::new(HedgeLane::new("".into(), rules))).state(rules)
    }

    /// All keys of late and what is known of them, in no order.
    pub fn states(&self) -> impl Iterator<Item = (Arc<str>, HedgeState)> {
        let lanes = self.0.lanes.all().into_iter();
        lanes.map(|lane| (lane.key_text(), lane.state(&self.0.rules)))
    }
}

// Written out, not with `async_trait`, which would keep each argument twice in the future.
impl Middleware for Hedge {
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
        let Some(mut race) = self.0.begin(&request, next) else {
            return Box::pin(next.run(request));
        };
        Box::pin(async move {
            // What it needs of `next` is in the race: the future does not hold it twice.
            let alarm = race.first_hedge().map(|at| Alarm::new(&race.next, at));
            let alarm = alarm.as_ref();
            let first = alarm.map_or(race.next, |alarm| race.next.with_alarm(alarm));
            let mut original = pin!(first.run(request));
            let outcome = poll_fn(|cx| race.poll(cx, original.as_mut(), alarm)).await;
            race.end(&outcome);
            outcome
        })
    }
}

impl Shared {
    /// What is to be kept of a request before it is sent; `None` for one that is sent once only.
    fn begin<'a>(&'a self, request: &Request, next: Next<'a>) -> Option<Race<'a>> {
        let head = request.head();
        if !head.is_idempotent() || (self.rules.safe_only && !head.method.is_safe()) {
            return None;
        }
        let make = |key| HedgeLane::new(key, &self.rules);
        let lane = self.lanes.find_or_make(&self.keyed_by.of(head), make, HedgeLane::is_idle);
        lane.touch();
        let started = next.runtime().now();
        let delay = lane.delay(&self.rules);
        let in_time = |at: Instant| head.deadline.is_none_or(|deadline| at < deadline);
        let delay = delay.filter(|delay| started.checked_add(*delay).is_some_and(in_time));
        // Without a hedge to come, there is nothing to keep; but how long it takes is of interest.
        let spare = if delay.is_none() || next.rebuilds(request) {
            None
        } else {
            Some(Box::new(request.try_clone()?))
        };
        let left = if delay.is_some() { self.rules.hedges } else { 0 };
        let delay = delay.unwrap_or_default();
        let (held_up, hedged) = (false, None);
        Some(Race { shared: self, lane, next, started, held_up, delay, left, spare, hedged })
    }

    /// Milliseconds since the beginning.
    fn millis(&self, now: Instant) -> u64 {
        let age = now.saturating_duration_since(*self.beginning.get_or_init(|| now));
        age.as_secs().saturating_mul(1_000).saturating_add(u64::from(age.subsec_millis()))
    }
}

impl fmt::Debug for Hedge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hedge")
            .field("rules", &self.0.rules)
            .field("has_budget", &self.0.budget.is_some())
            .field("key", &self.0.keyed_by)
            .finish_non_exhaustive()
    }
}
