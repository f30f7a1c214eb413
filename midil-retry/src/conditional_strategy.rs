//! [`ConditionalRetryStrategy`].

mod builder;

use std::fmt;
use std::sync::Arc;

use midil_http_core::{Attempt, RetryDecision, RetryHook, RetryStrategy};

pub use builder::ConditionalRetryStrategyBuilder;

use crate::judgement::{Judgement, judge};
use crate::terms::Terms;

/// Retries what a predicate says, idempotent or not.
///
/// The predicate sees the whole [`Attempt`] and is obeyed: it is for the predicate to look at
/// [`idempotent`](Attempt::idempotent). All else is as with [`DefaultRetryStrategy`](crate::DefaultRetryStrategy): the
/// number of attempts, the backoff, `Retry-After`, the deadline, the budget, what the caller gets. Whoever retries to wait for
/// something (a 404 that will be a 200) does so without a budget: see
/// [`no_budget`](ConditionalRetryStrategyBuilder::no_budget).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Attempt, Error, Outcome};
/// use midil_retry::{ConditionalRetryStrategy, FixedDelayBackoff};
///
/// // On server errors and timeouts, but not on client errors.
/// let strategy = ConditionalRetryStrategy::builder(|attempt: &Attempt<'_>| match attempt.outcome {
///     Outcome::Response(head) => head.status.is_server_error(),
///     Outcome::Error(error) => error.is_timeout(),
/// })
/// .max_attempts(4)
/// .backoff(FixedDelayBackoff::new(Duration::from_secs(1)))
/// .build()?;
/// # Ok::<_, Error>(())
/// ```
#[derive(Clone)]
pub struct ConditionalRetryStrategy {
    terms: Terms,
    should_retry: ShouldRetry,
}

/// Whether an attempt is to be followed by another.
type ShouldRetry = Arc<dyn Fn(&Attempt<'_>) -> bool + Send + Sync>;

impl ConditionalRetryStrategy {
    /// Begins with the defaults, and the predicate that says what is retried.
    pub fn builder(
        should_retry: impl Fn(&Attempt<'_>) -> bool + Send + Sync + 'static,
    ) -> ConditionalRetryStrategyBuilder {
        ConditionalRetryStrategyBuilder::new(Arc::new(should_retry))
    }
}

impl RetryStrategy for ConditionalRetryStrategy {
    fn decide(&self, attempt: &Attempt<'_>) -> RetryDecision {
        let judgement = if (self.should_retry)(attempt) {
            Judgement::Bad { retry: true }
        } else {
            match judge(attempt, None, None) {
                Judgement::Bad { .. } => Judgement::Bad { retry: false },
                other => other,
            }
        };
        self.terms.decide(attempt, judgement)
    }

    fn hook(&self) -> Option<&dyn RetryHook> {
        self.terms.hook.as_deref()
    }
}

impl fmt::Debug for ConditionalRetryStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.terms.debug(&mut f.debug_struct("ConditionalRetryStrategy"))
    }
}

#[cfg(test)]
mod tests;
