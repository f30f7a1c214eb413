//! [`FullJitterBackoff`].

use std::time::Duration;

use midil_http_core::{Backoff, Error, Retry, full_jitter};

use super::ExponentialBackoff;

/// Waits anything from nothing to what [`ExponentialBackoff`] would: of all backoffs, this one spreads clients best.
///
/// It is "full jitter" of AWS's [Exponential Backoff and Jitter]. The default, which is also that of
/// [`DefaultRetryStrategy`](crate::DefaultRetryStrategy), is 200 ms, doubled each time, up to 60 s.
///
/// [Exponential Backoff and Jitter]: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Backoff, Retry};
/// use midil_retry::FullJitterBackoff;
///
/// let backoff = FullJitterBackoff::try_new(Duration::from_secs(1), 2.0, Duration::from_secs(60))?;
/// let third = Retry::new(3); // anything up to 4 s
/// assert_eq!(backoff.delay(&third.with_random(0.0)), Duration::ZERO);
/// assert_eq!(backoff.delay(&third.with_random(0.5)), Duration::from_secs(2));
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FullJitterBackoff {
    ceiling: ExponentialBackoff,
}

impl FullJitterBackoff {
    /// Waits up to what [`ExponentialBackoff::try_new`] would.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] where [`ExponentialBackoff::try_new`] fails.
    pub fn try_new(
        base_delay: Duration,
        multiplier: f64,
        max_delay: Duration,
    ) -> Result<Self, Error> {
        Ok(Self { ceiling: ExponentialBackoff::try_new(base_delay, multiplier, max_delay)? })
    }
}

impl Default for FullJitterBackoff {
    fn default() -> Self {
        let base_delay = Duration::from_millis(200);
        Self { ceiling: ExponentialBackoff { base_delay, ..ExponentialBackoff::default() } }
    }
}

impl Backoff for FullJitterBackoff {
    fn delay(&self, retry: &Retry) -> Duration {
        full_jitter(self.ceiling.delay(retry), retry.random)
    }
}
