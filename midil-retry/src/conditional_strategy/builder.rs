//! [`ConditionalRetryStrategyBuilder`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use midil_http_core::{Backoff, Error, RetryHook};

use super::{ConditionalRetryStrategy, ShouldRetry};
use crate::budget::Budget;
use crate::terms::Terms;

/// Builds a [`ConditionalRetryStrategy`]; what is not set has its default.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Attempt, Outcome};
/// use midil_retry::ConditionalRetryStrategy;
///
/// let locked = |attempt: &Attempt<'_>| match attempt.outcome {
///     Outcome::Response(head) => head.status == 423 && attempt.idempotent,
///     _ => false,
/// };
/// let strategy = ConditionalRetryStrategy::builder(locked).max_attempts(5).build()?;
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[must_use = "a builder does nothing until it is built"]
pub struct ConditionalRetryStrategyBuilder {
    terms: Terms,
    should_retry: ShouldRetry,
}

impl ConditionalRetryStrategyBuilder {
    pub(super) fn new(should_retry: ShouldRetry) -> Self {
        Self { terms: Terms::default(), should_retry }
    }

    /// How many attempts a call has in all, the first among them: 3 by default, 1 for no retry.
    pub const fn max_attempts(mut self, attempts: u32) -> Self {
        self.terms.max_attempts = attempts;
        self
    }

    /// The waits between attempts: [`FullJitterBackoff`](crate::FullJitterBackoff) by default.
    pub fn backoff(mut self, backoff: impl Backoff) -> Self {
        self.terms.backoff = Arc::new(backoff);
        self
    }

    /// The longest `Retry-After` that is waited for: 60 s by default. For more, the call gives up at once.
    pub const fn max_retry_after(mut self, limit: Duration) -> Self {
        self.terms.max_retry_after = limit;
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

    /// Retries whatever the state of the server, at the risk of keeping it down; or because what is retried is no failure, but
    /// an answer that is waited for.
    pub fn no_budget(mut self) -> Self {
        self.terms.budget = None;
        self
    }

    /// Builds the strategy.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] when `max_attempts` is 0.
    pub fn build(self) -> Result<ConditionalRetryStrategy, Error> {
        self.terms.check()?;
        Ok(ConditionalRetryStrategy { terms: self.terms, should_retry: self.should_retry })
    }
}

impl fmt::Debug for ConditionalRetryStrategyBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.terms.debug(&mut f.debug_struct("ConditionalRetryStrategyBuilder"))
    }
}
