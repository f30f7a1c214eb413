//! [`DefaultRetryStrategyBuilder`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use midil_http_core::{
    Backoff, BackoffConfig, BackoffKind, BuildError, Error, HttpConfig, RetryHook,
};

use super::{DefaultRetryStrategy, ErrorPredicate};
use crate::budget::Budget;
use crate::from_config;
use crate::terms::Terms;
use crate::{ExponentialBackoff, FullJitterBackoff};

/// Builds a [`DefaultRetryStrategy`]; what is not set has its default.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::RetryEvent;
/// use midil_retry::DefaultRetryStrategy;
///
/// let strategy = DefaultRetryStrategy::builder()
///     .max_attempts(5)
///     .base_delay(Duration::from_millis(100))
///     .max_delay(Duration::from_secs(10))
///     .retry_on_status([429, 502, 503, 504])
///     .on_retry(|event: &mut RetryEvent<'_>| println!("attempt {} again in {:?}", event.attempt, event.delay))
///     .build()?;
///
/// let error = DefaultRetryStrategy::builder().max_attempts(0).build().unwrap_err();
/// assert_eq!(error.to_string(), "max_attempts is 0: give at least 1, which means no retry");
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[must_use = "a builder does nothing until it is built"]
pub struct DefaultRetryStrategyBuilder {
    terms: Terms,
    base_delay: Option<Duration>,
    multiplier: f64,
    max_delay: Duration,
    jitter: bool,
    backoff: Waits,
    statuses: Option<Vec<u16>>,
    errors: Option<ErrorPredicate>,
    /// What could not be as it was configured.
    problem: Option<Error>,
}

impl DefaultRetryStrategyBuilder {
    pub(super) fn new() -> Self {
        Self {
            terms: Terms::default(),
            base_delay: None,
            multiplier: 2.0,
            max_delay: Duration::from_secs(60),
            jitter: true,
            backoff: Waits::Growing,
            statuses: None,
            errors: None,
            problem: None,
        }
    }

    /// Takes what `config` says of retries: its section `retry`, whose settings have short names such as `max_retries`. One attempt
    /// alone where it wants none.
    pub fn config(mut self, config: &HttpConfig) -> Self {
        let retry = config.retry();
        self.terms.max_attempts = config.max_retries().saturating_add(1);
        self.multiplier = config.retry_backoff_factor();
        self.max_delay = config.retry_max_backoff();
        self.jitter = config.retry_jitter();
        self.base_delay = retry.backoff.base_delay.or(self.base_delay);
        if retry.backoff.kind.is_some() {
            self.backoff = Waits::Configured(retry.backoff.clone());
        }
        if let Some(limit) = retry.max_retry_after {
            self.terms.max_retry_after = limit;
        }
        if let Some(statuses) = &retry.retry_on_status {
            self.statuses = Some(statuses.clone());
        }
        if !config.retry_budget() {
            return self.no_budget();
        }
        match from_config::budget(&retry.budget) {
            Ok(None) => self,
            Ok(Some(budget)) => self.budget(budget),
            Err(problem) => {
                self.problem = self.problem.or(Some(problem));
                self
            }
        }
    }

    /// How many attempts a call has in all, the first among them: 3 by default, 1 for no retry.
    pub const fn max_attempts(mut self, attempts: u32) -> Self {
        self.terms.max_attempts = attempts;
        self
    }

    /// The wait before the first retry, or its limit when there is jitter: 200 ms by default, or `max_delay` if that is
    /// less. In place of what a [configuration](Self::config) before said: of `fixed`, it is the wait.
    pub const fn base_delay(mut self, delay: Duration) -> Self {
        self.base_delay = Some(delay);
        if let Waits::Configured(backoff) = &mut self.backoff {
            if matches!(backoff.kind, Some(BackoffKind::Fixed)) {
                backoff.delay = Some(delay);
            } else {
                backoff.base_delay = Some(delay);
            }
        }
        self
    }

    /// What each wait is multiplied by for the next: 2 by default, at least 1.
    pub const fn multiplier(mut self, multiplier: f64) -> Self {
        self.multiplier = multiplier;
        if let Waits::Configured(backoff) = &mut self.backoff {
            backoff.multiplier = Some(multiplier);
        }
        self
    }

    /// The longest wait of our own choosing: 60 s by default. `Retry-After` may ask for more.
    pub const fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        if let Waits::Configured(backoff) = &mut self.backoff {
            backoff.max_delay = Some(delay);
        }
        self
    }

    /// Whether waits are anything from nothing to their limit (full jitter), as by default, or always the limit. Where a
    /// configuration named the type of its backoff, that says it.
    pub const fn jitter(mut self, jitter: bool) -> Self {
        self.jitter = jitter;
        self
    }

    /// The waits between attempts, in place of `base_delay`, `multiplier`, `max_delay` and `jitter`.
    pub fn backoff(mut self, backoff: impl Backoff) -> Self {
        self.backoff = Waits::Given(Arc::new(backoff));
        self
    }

    /// The longest `Retry-After` that is waited for: 60 s by default. For more, the call gives up at once.
    pub const fn max_retry_after(mut self, limit: Duration) -> Self {
        self.terms.max_retry_after = limit;
        self
    }

    /// The statuses that are retried, in place of those of the table; for requests that are not idempotent, still only
    /// 429 among them.
    pub fn retry_on_status(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.statuses = Some(statuses.into_iter().collect());
        self
    }

    /// Which errors are retried, in place of those of the table, which [`is_transient`](midil_http_core::is_transient) tells; for
    /// requests that are not idempotent, still only errors [before sending](Error::sent).
    pub fn retry_on_error(
        mut self,
        predicate: impl Fn(&Error) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.errors = Some(Arc::new(predicate));
        self
    }

    /// Who is told before each retry: a closure that takes `&mut RetryEvent<'_>`, or an async one by
    /// [`async_retry_hook`](midil_http_core::async_retry_hook).
    pub fn on_retry(mut self, hook: impl RetryHook) -> Self {
        self.terms.hook = Some(Arc::new(hook));
        self
    }

    /// What retries are paid from: by default a [`RetryBudget`](crate::RetryBudget) of the strategy's own.
    pub fn budget(mut self, budget: impl Budget) -> Self {
        self.terms.budget = Some(Arc::new(budget));
        self
    }

    /// Retries whatever the state of the server, at the risk of keeping it down.
    pub fn no_budget(mut self) -> Self {
        self.terms.budget = None;
        self
    }

    /// Builds the strategy.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the setting and the remedy: no attempts, a wait or multiplier that cannot be, a status
    /// that does not exist.
    pub fn build(mut self) -> Result<DefaultRetryStrategy, Error> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        self.terms.check()?;
        self.terms.backoff = match self.backoff {
            Waits::Given(backoff) => backoff,
            Waits::Configured(backoff) => from_config::backoff(&backoff)?,
            Waits::Growing => {
                let base = self.base_delay.unwrap_or(DEFAULT_BASE.min(self.max_delay));
                if self.max_delay.is_zero() {
                    let problem = "is zero: give a positive duration, or a backoff without wait";
                    return Err(BuildError::new("max_delay", problem).into());
                }
                if self.jitter {
                    Arc::new(FullJitterBackoff::try_new(base, self.multiplier, self.max_delay)?)
                } else {
                    Arc::new(ExponentialBackoff::try_new(base, self.multiplier, self.max_delay)?)
                }
            }
        };
        let statuses = self.statuses.map(|codes| codes.into_iter().map(status).collect());
        Ok(DefaultRetryStrategy {
            terms: self.terms,
            statuses: statuses.transpose()?,
            errors: self.errors,
        })
    }
}

/// Where the waits come from.
enum Waits {
    /// From `base_delay`, `multiplier`, `max_delay` and `jitter`.
    Growing,
    /// From a configuration that names the type, and what was set after it.
    Configured(BackoffConfig),
    Given(Arc<dyn Backoff>),
}

const DEFAULT_BASE: Duration = Duration::from_millis(200);

/// A status that a response can end with.
fn status(code: u16) -> Result<StatusCode, BuildError> {
    StatusCode::from_u16(code).ok().filter(|status| !status.is_informational()).ok_or_else(|| {
        let problem = format!("has {code}: give statuses of responses, such as 429 or 503");
        BuildError::new("retry_on_status", problem)
    })
}

impl fmt::Debug for DefaultRetryStrategyBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("DefaultRetryStrategyBuilder");
        debug
            .field("base_delay", &self.base_delay)
            .field("multiplier", &self.multiplier)
            .field("max_delay", &self.max_delay)
            .field("jitter", &self.jitter)
            .field("statuses", &self.statuses);
        self.terms.debug(&mut debug)
    }
}
