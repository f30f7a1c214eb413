//! [`CircuitBreakerBuilder`].

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use midil_http_core::{BuildError, Error, Outcome, RequestHead};

use super::window::{BUCKETS, COUNTED_CALLS};
use super::{CircuitBreaker, Hooks, Ratio, Rules, StateChange, Verdict};
use crate::key::KeyedBy;

/// Builds a [`CircuitBreaker`]; what is not set has its default.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_retry::CircuitBreaker;
///
/// let breaker = CircuitBreaker::builder()
///     .failure_ratio(0.5) // half of the calls
///     .window(Duration::from_secs(30)) // of the last 30 s
///     .minimum_calls(20) // of at least 20
///     .recovery_timeout(Duration::from_secs(10))
///     .half_open_probes(3)
///     .key(|request| request.url.path().into()) // a circuit for each path
///     .on_state_change(|change| println!("{change}"))
///     .build()?;
///
/// let error = CircuitBreaker::builder().failure_ratio(f64::NAN).build().unwrap_err();
/// assert_eq!(error.to_string(), "failure_ratio is NaN: give a part above 0 and up to 1, such as 0.5");
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct CircuitBreakerBuilder {
    threshold: Option<u32>,
    ratio: Option<f64>,
    window: Duration,
    minimum_calls: u32,
    recovery: Duration,
    probes: u32,
    keyed_by: KeyedBy,
    hooks: Hooks,
}

const DEFAULT_THRESHOLD: u32 = 5;
const SHORTEST_WINDOW: Duration = Duration::from_millis(10);
const LONGEST_WINDOW: Duration = Duration::from_secs(24 * 3600);
const MOST_MINIMUM_CALLS: u32 = COUNTED_CALLS;
const MOST_PROBES: u32 = 1_000;

impl CircuitBreakerBuilder {
    pub(super) fn new() -> Self {
        Self {
            threshold: None,
            ratio: None,
            window: Duration::from_secs(10),
            minimum_calls: 20,
            recovery: Duration::from_secs(60),
            probes: 1,
            keyed_by: KeyedBy::Origin,
            hooks: Hooks::default(),
        }
    }

    /// How many failures, one after the other, open the circuit: 5 by default; without it, when there is a
    /// [`failure_ratio`](Self::failure_ratio), no number does.
    pub const fn failure_threshold(mut self, failures: u32) -> Self {
        self.threshold = Some(failures);
        self
    }

    /// The part of the calls in the [`window`](Self::window) whose failure opens the circuit, above 0 and up to 1; not
    /// looked at by default. A threshold that is set, too, opens it as well.
    pub const fn failure_ratio(mut self, part: f64) -> Self {
        self.ratio = Some(part);
        self
    }

    /// Which calls count for the ratio: those that came to something within this time, 10 s by default, from 10 ms to a
    /// day. It slides in tenths of itself.
    pub const fn window(mut self, length: Duration) -> Self {
        self.window = length;
        self
    }

    /// How many calls there must be in the window before a ratio says anything: 20 by default, up to 32 768.
    pub const fn minimum_calls(mut self, calls: u32) -> Self {
        self.minimum_calls = calls;
        self
    }

    /// How long an open circuit refuses all calls: 60 s by default. It is rounded up to milliseconds.
    pub const fn recovery_timeout(mut self, timeout: Duration) -> Self {
        self.recovery = timeout;
        self
    }

    /// How many probes a half-open circuit lets through at once, and how many must go well to close it: 1 by default, up
    /// to 1000.
    pub const fn half_open_probes(mut self, probes: u32) -> Self {
        self.probes = probes;
        self
    }

    /// Which requests share a circuit: those to the same origin (scheme, host and port), or those for which this
    /// function gives the same text. It must hold no secret: state and changes show it.
    pub fn key<F>(mut self, key: F) -> Self
    where
        F: for<'a> Fn(&'a RequestHead) -> Cow<'a, str> + Send + Sync + 'static,
    {
        self.keyed_by = KeyedBy::function(key);
        self
    }

    /// What outcomes say of the server, in place of [`Verdict::of`].
    pub fn classify<F>(mut self, classify: F) -> Self
    where
        F: Fn(Outcome<'_>) -> Verdict + Send + Sync + 'static,
    {
        self.hooks.classify = Some(Arc::new(classify));
        self
    }

    /// Who is told when a circuit changes its state. It runs on the way of the call that made the change, so it must be
    /// quick. Changes that follow at once may be told by two threads at the same time.
    pub fn on_state_change<F>(mut self, hook: F) -> Self
    where
        F: Fn(&StateChange) + Send + Sync + 'static,
    {
        self.hooks.on_state_change = Some(Arc::new(hook));
        self
    }

    /// Builds the breaker.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the setting and the remedy.
    pub fn build(self) -> Result<CircuitBreaker, Error> {
        let refuse = |setting: &str, problem: String| Err(BuildError::new(setting, problem).into());
        if self.threshold == Some(0) {
            return refuse("failure_threshold", "is 0: give at least 1".into());
        }
        if self.recovery.is_zero() {
            return refuse("recovery_timeout", "is zero: give a positive duration".into());
        }
        if self.probes == 0 || self.probes > MOST_PROBES {
            let problem = format!("is {}: give a number from 1 to {MOST_PROBES}", self.probes);
            return refuse("half_open_probes", problem);
        }
        if let Some(part) = self.ratio
            && !(part > 0.0 && part <= 1.0)
        {
            let problem = format!("is {part}: give a part above 0 and up to 1, such as 0.5");
            return refuse("failure_ratio", problem);
        }
        if !(SHORTEST_WINDOW..=LONGEST_WINDOW).contains(&self.window) {
            let problem = format!("is {:?}: give a duration from 10 ms to 24 h", self.window);
            return refuse("window", problem);
        }
        if self.minimum_calls == 0 || self.minimum_calls > MOST_MINIMUM_CALLS {
            let problem =
                format!("is {}: give a number from 1 to {MOST_MINIMUM_CALLS}", self.minimum_calls);
            return refuse("minimum_calls", problem);
        }
        let turn = u64::try_from((self.window / BUCKETS).as_nanos()).unwrap_or(u64::MAX);
        let rules = Rules {
            threshold: match self.ratio {
                Some(_) => self.threshold,
                None => Some(self.threshold.unwrap_or(DEFAULT_THRESHOLD)),
            },
            ratio: self.ratio.map(|part| Ratio { part, minimum_calls: self.minimum_calls, turn }),
            recovery: self.recovery,
            probes: self.probes,
        };
        Ok(CircuitBreaker::with(rules, self.keyed_by, self.hooks))
    }
}

impl fmt::Debug for CircuitBreakerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakerBuilder")
            .field("failure_threshold", &self.threshold)
            .field("failure_ratio", &self.ratio)
            .field("window", &self.window)
            .field("minimum_calls", &self.minimum_calls)
            .field("recovery_timeout", &self.recovery)
            .field("half_open_probes", &self.probes)
            .field("key", &self.keyed_by)
            .finish_non_exhaustive()
    }
}
