//! [`CircuitBreaker`]: what fails is left alone for a while.

mod builder;
mod change;
mod circuit;
mod circuits;
#[cfg(test)]
#[cfg(midil_loom)]
mod loom_tests;
mod permit;
mod state;
#[cfg(test)]
#[cfg(not(midil_loom))]
mod tests;
mod verdict;
mod window;

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, OnceLock, Weak};
use std::task::Poll;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use midil_http_core::{
    Body, BoxFuture, CircuitChanged, Error, Event, Middleware, Next, Observer, Outcome, Request,
    RequestHead, Runtime,
};

pub use builder::CircuitBreakerBuilder;
pub use change::{CircuitState, StateChange, StateChangeReason};
pub use verdict::Verdict;

use self::circuit::{Change, Circuit};
use self::circuits::{Circuits, Initial};
use self::permit::Permit;
use self::state::Phase;
use crate::key::KeyedBy;

/// Refuses calls to a server that fails, at once, and lets a probe through now and then to see whether it has recovered.
///
/// ```text
///            failures                      recovery_timeout is over
///  closed ──────────────▶ open ◀──────────────────────────────▶ half-open
///     ▲                            a probe fails                    │
///     └─────────────────────────────────────────────────────────────┘
///                            all probes go well
/// ```
///
/// **Closed**, all calls go through. The circuit opens after `failure_threshold` failures in a row, or when
/// `failure_ratio` of the calls in a sliding window failed: looked at when a call fails, never when one goes well.
/// **Open**, calls fail with [`Error::CircuitOpen`], which says how long it takes until the next probe; nothing is sent,
/// and no body is touched. When `recovery_timeout` is over, the next call is a probe: **half-open**, the circuit lets
/// `half_open_probes` of them through at once and refuses the rest. When so many have gone well, it closes; when one
/// fails, it is open again, for another `recovery_timeout`.
///
/// Each origin (scheme, host and port) has a circuit of its own, or each [`key`](CircuitBreakerBuilder::key) of your making.
///
/// # What counts
///
/// The verdict falls at the response head, and a 401 that is healed by fresh credentials is part of its attempt.
///
/// | | |
/// |---|---|
/// | failure | an error of the transport, a timeout, 5xx |
/// | success | 2xx, 3xx, 4xx but 429 |
/// | nothing | 429, errors of our own side (credentials, limits, the caller's stream), a call that is dropped |
///
/// A call that ends with the `total_timeout` of its client, or its `attempt_timeout`, while it waits for the server counts as a
/// timeout; one that is still uploading then does not, for it may wait for its own stream. A probe that
/// comes to nothing gives its place to the next. What began before the circuit changed its state has no say after it.
/// A probe that is never heard of again (neither answered nor dropped) holds its place for one `recovery_timeout`.
///
/// Put it among the [attempt middleware](midil_http_core::HttpClientBuilder::attempt_middleware), so that it sees each attempt
/// and no attempt is made of what it refuses: an open circuit is not worth a retry. Or put it around a transport:
/// [`CircuitBreakerTransport`](crate::CircuitBreakerTransport). It is shared by its clones, takes no lock, and keeps up to 512
/// circuits (beyond some 250, one may be forgotten for another: first those that are closed and have counted nothing, then
/// other closed ones, then open ones, forced ones last).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Body, Error, HttpClient, Request};
/// use midil_retry::{CircuitBreaker, CircuitState};
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let transport = |_: Request| async { Ok(http::Response::builder().status(503).body(Body::empty()).unwrap()) };
/// let breaker = CircuitBreaker::new(5, Duration::from_secs(60));
/// let client = HttpClient::builder(transport) // answers 503
///     .base_url("https://api.example.com/v1")
///     .attempt_middleware(breaker.clone())
///     .build()?;
/// for _ in 0..5 {
///     client.get("/users").send().await?;
/// }
/// let refused = client.get("/users").send().await.unwrap_err();
/// assert!(matches!(refused, Error::CircuitOpen { .. }));
///
/// assert_eq!(breaker.state("https://api.example.com"), CircuitState::Open);
/// # Ok::<_, Error>(()) }).unwrap().unwrap();
/// ```
#[derive(Clone)]
pub struct CircuitBreaker(Arc<Shared>);

/// What all clones of a breaker share.
struct Shared {
    rules: Rules,
    keyed_by: KeyedBy,
    hooks: Hooks,
    circuits: Circuits,
    /// The first time that was ever looked at: circuits count nanoseconds since.
    beginning: OnceLock<Instant>,
    /// An observer that came by with a call: it is told of what is done by hand, when there is no call. Weak, for it may hold
    /// this breaker.
    observer: ArcSwapOption<Weak<dyn Observer>>,
}

/// When a circuit opens and closes.
#[derive(Debug, Clone)]
struct Rules {
    /// So many failures in a row.
    threshold: Option<u32>,
    ratio: Option<Ratio>,
    recovery: Duration,
    probes: u32,
}

/// So many failures in a window.
#[derive(Debug, Clone)]
struct Ratio {
    part: f64,
    minimum_calls: u32,
    /// A tenth of the window, in nanoseconds.
    turn: u64,
}

impl Ratio {
    fn is_exceeded(&self, calls: u32, failures: u32) -> bool {
        // Divided, not multiplied: 7 of 100 are then the very number that is written 0.07.
        calls >= self.minimum_calls && f64::from(failures) / f64::from(calls) >= self.part
    }
}

type Classify = dyn Fn(Outcome<'_>) -> Verdict + Send + Sync;
type OnStateChange = dyn Fn(&StateChange) + Send + Sync;

/// A caller's own code.
#[derive(Clone, Default)]
struct Hooks {
    classify: Option<Arc<Classify>>,
    on_state_change: Option<Arc<OnStateChange>>,
}

impl CircuitBreaker {
    /// A breaker that opens after `failure_threshold` failures in a row, at least 1, and lets a probe through when
    /// `recovery_timeout` is over, at least a millisecond.
    #[must_use]
    pub fn new(failure_threshold: u32, recovery_timeout: Duration) -> Self {
        let rules = Rules {
            threshold: Some(failure_threshold.max(1)),
            ratio: None,
            recovery: recovery_timeout.max(Duration::from_millis(1)),
            probes: 1,
        };
        Self::with(rules, KeyedBy::Origin, Hooks::default())
    }

    /// The breaker of [`standard`](crate::standard): 90 % of at least 20 calls in 5 s, for half a second.
    pub(crate) fn standard() -> Self {
        let turn = 500_000_000; // a tenth of 5 s
        let rules = Rules {
            threshold: None,
            ratio: Some(Ratio { part: 0.9, minimum_calls: 20, turn }),
            recovery: Duration::from_millis(500),
            probes: 1,
        };
        Self::with(rules, KeyedBy::Origin, Hooks::default())
    }

    /// Begins with 5 failures in a row, 60 s, one probe, and a circuit for each origin.
    pub fn builder() -> CircuitBreakerBuilder {
        CircuitBreakerBuilder::new()
    }

    fn with(rules: Rules, keyed_by: KeyedBy, hooks: Hooks) -> Self {
        let (circuits, beginning) = (Circuits::new(), OnceLock::new());
        let observer = ArcSwapOption::empty();
        Self(Arc::new(Shared { rules, keyed_by, hooks, circuits, beginning, observer }))
    }

    /// The state of a key's circuit: of an origin, such as `https://api.example.com` (any URL of it will do), unless the
    /// breaker has [keys](CircuitBreakerBuilder::key) of your making.
    ///
    /// An open circuit whose recovery timeout is over stays open until a call comes.
    #[must_use]
    pub fn state(&self, key: &str) -> CircuitState {
        let circuits = &self.0.circuits;
        let circuit = circuits.find(&self.0.keyed_by.named(key));
        circuit.map_or_else(|| circuits.initial().phase().into(), |circuit| circuit.state())
    }

    /// All circuits and their states, in no order. Keys that were not called yet have none.
    pub fn states(&self) -> impl Iterator<Item = (Arc<str>, CircuitState)> {
        let circuits = self.0.circuits.iter();
        circuits.map(|circuit| (Arc::clone(circuit.key()), circuit.state()))
    }

    /// Refuses all calls of this key until it is [reset](Self::reset), whose key is that of [`state`](Self::state).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use midil_retry::{CircuitBreaker, CircuitState};
    ///
    /// let breaker = CircuitBreaker::new(5, Duration::from_secs(60)); // keep a clone for those on call
    /// let origin = "https://api.example.com";
    /// breaker.force_open(origin); // its team asked us to leave it alone
    /// assert_eq!(breaker.state(origin), CircuitState::ForcedOpen);
    /// breaker.force_all_closed(); // the breaker itself is in the way
    /// assert_eq!(breaker.state(origin), CircuitState::ForcedClosed);
    /// breaker.reset_all();
    /// assert_eq!(breaker.state(origin), CircuitState::Closed);
    /// ```
    pub fn force_open(&self, key: &str) {
        self.force(key, Phase::ForcedOpen, StateChangeReason::Forced);
    }

    /// Lets all calls of this key through, whatever they come to, until it is [reset](Self::reset).
    pub fn force_closed(&self, key: &str) {
        self.force(key, Phase::ForcedClosed, StateChangeReason::Forced);
    }

    /// Closes the circuit of this key, as if it were new, and lets it open by itself again.
    pub fn reset(&self, key: &str) {
        self.force(key, Phase::Closed { failures: 0 }, StateChangeReason::Reset);
    }

    /// Refuses all calls, of keys that were not called yet as well, until they are [reset](Self::reset_all).
    pub fn force_all_open(&self) {
        self.force_all(Initial::ForcedOpen, StateChangeReason::Forced);
    }

    /// Lets all calls through, of keys that were not called yet as well, until they are [reset](Self::reset_all).
    pub fn force_all_closed(&self) {
        self.force_all(Initial::ForcedClosed, StateChangeReason::Forced);
    }

    /// Closes all circuits, as if they were new, and lets them open by themselves again.
    pub fn reset_all(&self) {
        self.force_all(Initial::Closed, StateChangeReason::Reset);
    }

    fn force(&self, key: &str, phase: Phase, reason: StateChangeReason) {
        let circuits = &self.0.circuits;
        let circuit = circuits.find_or_make(&self.0.keyed_by.named(key));
        if let Some(change) = circuit.force(phase, reason) {
            self.0.tell(&circuit, change, self.0.observer().as_ref());
        }
    }

    fn force_all(&self, initial: Initial, reason: StateChangeReason) {
        let observer = self.0.observer();
        self.0.circuits.force_all(initial, reason, |circuit, change| {
            self.0.tell(circuit, change, observer.as_ref());
        });
    }
}

// Written out, not with `async_trait`, which would copy the request once more.
impl Middleware for CircuitBreaker {
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
        let breaker = &*self.0;
        let circuit = breaker.circuit(request.head());
        if let Some(observer) = next.observer() {
            breaker.meet(observer);
        }
        let deadline = request.head().deadline;
        Box::pin(async move {
            let mut permit = breaker.admit(circuit, deadline, &next)?;
            let mut rest = pin!(next.run(request));
            // Judged where it is: each variable that it goes through would copy it.
            poll_fn(|cx| {
                let mut poll = rest.as_mut().poll(cx);
                if let Poll::Ready(outcome) = &mut poll {
                    permit.settle(breaker.classify(outcome));
                }
                poll
            })
            .await
        })
    }
}

impl Shared {
    fn circuit(&self, head: &RequestHead) -> Arc<Circuit> {
        self.circuits.find_or_make(&self.keyed_by.of(head))
    }

    fn admit<'a>(
        &'a self,
        circuit: Arc<Circuit>,
        deadline: Option<Instant>,
        next: &'a Next<'a>,
    ) -> Result<Permit<'a>, Error> {
        match circuit.admit(&self.rules, || self.nanos(next.runtime())) {
            Ok((ticket, change)) => {
                // First of all, so that a hook that panics does not keep the place of the probe.
                let permit =
                    Permit { breaker: self, circuit, ticket, next, deadline, settled: false };
                if let Some(change) = change {
                    self.tell(&permit.circuit, change, next.observer());
                }
                Ok(permit)
            }
            Err(retry_in) => Err(Error::circuit_open(retry_in)),
        }
    }

    /// What the outcome says; a classifier of the caller's sees the whole head.
    fn classify(&self, outcome: &mut Result<http::Response<Body>, Error>) -> Verdict {
        match (&self.hooks.classify, outcome) {
            (None, Ok(response)) => Verdict::of_status(response.status()),
            (None, Err(error)) => Verdict::of_error(error),
            (Some(classify), Ok(response)) => {
                let (head, body) = std::mem::take(response).into_parts();
                let verdict = classify(Outcome::Response(&head));
                *response = http::Response::from_parts(head, body);
                verdict
            }
            (Some(classify), Err(error)) => classify(Outcome::Error(error)),
        }
    }

    /// Remembers an observer, unless there is one.
    fn meet(&self, observer: &Arc<dyn Observer>) {
        let known = self.observer.load();
        if known.as_ref().is_none_or(|known| known.strong_count() == 0) {
            self.observer.store(Some(Arc::new(Arc::downgrade(observer))));
        }
    }

    /// The one that is remembered.
    fn observer(&self) -> Option<Arc<dyn Observer>> {
        self.observer.load().as_ref()?.upgrade()
    }

    fn tell(&self, circuit: &Circuit, change: Change, observer: Option<&Arc<dyn Observer>>) {
        let Change { from, to, reason } = change;
        if let Some(observer) = observer {
            let event = CircuitChanged::new(circuit.key(), from.name(), to.name());
            observer.observe(&Event::CircuitChanged(event));
        }
        if let Some(hook) = &self.hooks.on_state_change {
            hook(&StateChange { key: Arc::clone(circuit.key()), from, to, reason });
        }
    }

    /// Nanoseconds since the beginning.
    fn nanos(&self, runtime: &dyn Runtime) -> u64 {
        let now = runtime.now();
        let age = now.saturating_duration_since(*self.beginning.get_or_init(|| now));
        age.as_secs().saturating_mul(1_000_000_000).saturating_add(u64::from(age.subsec_nanos()))
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreaker")
            .field("rules", &self.0.rules)
            .field("key", &self.0.keyed_by)
            .finish_non_exhaustive()
    }
}
