//! [`Budget`]: what retries are paid from, so that they do not make an outage worse.

pub(crate) mod bucket;
pub(crate) mod builder;
mod call_rate;
mod retry_budget;

use std::sync::Arc;
use std::time::Instant;

use url::Url;

pub use builder::RetryBudgetBuilder;
pub use retry_budget::{RetryBudget, RetryBudgetState};

/// Pays for retries, and learns from what attempts come to whether there is reason to.
///
/// [`RetryBudget`] is the one that strategies have by default.
///
/// # For implementers
///
/// Both methods are called on the hot path, from many tasks at once: no lock, no wait. A server is the origin of `url`:
/// its scheme, host and port. `now` is the time of the client's runtime.
///
/// # Examples
///
/// At most a hundred retries in the life of a process:
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use std::time::Instant;
/// use midil_retry::{AttemptResult, Budget, DefaultRetryStrategy};
/// use url::Url;
///
/// struct Hundred(AtomicU32);
///
/// impl Budget for Hundred {
///     fn record(&self, _: &Url, _: Instant, _: AttemptResult) {}
///
///     fn withdraw(&self, _: &Url, _: Instant) -> bool {
///         self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
///     }
/// }
///
/// let strategy = DefaultRetryStrategy::builder().budget(Hundred(AtomicU32::new(100))).build()?;
/// # Ok::<_, midil_http_core::Error>(())
/// ```
pub trait Budget: Send + Sync + 'static {
    /// Takes note of what an attempt at the server of `url` came to: once for each, by the head of its response.
    ///
    /// Not called for outcomes that say nothing of the server, such as an open circuit or a failed token fetch.
    fn record(&self, url: &Url, now: Instant, result: AttemptResult);

    /// Pays for one retry at the server of `url`, or says `false` when there is not enough. Asked only when nothing else
    /// stands against the retry.
    ///
    /// What is paid is not given back when the retry is not sent after all: because its hook took all the time that the call had, or
    /// because an open circuit or a limit below refuses it. Then there are fewer retries than could be, never more.
    fn withdraw(&self, url: &Url, now: Instant) -> bool;
}

impl<T: Budget + ?Sized> Budget for Arc<T> {
    fn record(&self, url: &Url, now: Instant, result: AttemptResult) {
        (**self).record(url, now, result);
    }

    fn withdraw(&self, url: &Url, now: Instant) -> bool {
        (**self).withdraw(url, now)
    }
}

/// What an attempt came to, as far as a [`Budget`] cares.
///
/// # Examples
///
/// ```
/// let retry_that_helped = midil_retry::AttemptResult::new(2, true);
/// assert!(!retry_that_helped.is_first());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttemptResult {
    /// Which attempt of its call it was, from 1.
    pub number: u32,
    /// Whether the server coped: it answered with a status below 500 that is not retried either.
    pub succeeded: bool,
}

impl AttemptResult {
    /// The result of the attempt of that number.
    #[must_use]
    pub const fn new(number: u32, succeeded: bool) -> Self {
        Self { number, succeeded }
    }

    /// Whether a call began with it.
    #[must_use]
    pub const fn is_first(&self) -> bool {
        self.number <= 1
    }
}

#[cfg(test)]
#[cfg(midil_loom)]
mod loom_tests;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
