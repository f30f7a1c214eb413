//! [`DecorrelatedJitterBackoff`].

use std::time::Duration;

use midil_http_core::{Backoff, Error, Retry, full_jitter};

use super::check_range;

/// Waits anything from the base to three times the last wait, up to a cap.
///
/// It is "decorrelated jitter" of AWS's [Exponential Backoff and Jitter]: the waits grow, but not in step with the
/// number of the retry. The wait before counts as it was, even where `Retry-After` made it longer. The default is from
/// 200 ms up to 60 s.
///
/// [Exponential Backoff and Jitter]: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Backoff, Retry};
/// use midil_retry::DecorrelatedJitterBackoff;
///
/// let backoff = DecorrelatedJitterBackoff::try_new(Duration::from_secs(1), Duration::from_secs(60))?;
/// let after = |previous| Retry::new(2).with_previous(Some(Duration::from_secs(previous)));
/// assert_eq!(backoff.delay(&after(5).with_random(0.0)), Duration::from_secs(1));
/// assert_eq!(backoff.delay(&after(5).with_random(0.5)), Duration::from_secs(8)); // half-way from 1 to 15
/// assert_eq!(backoff.delay(&after(59).with_random(0.9)), Duration::from_secs(60));
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecorrelatedJitterBackoff {
    base_delay: Duration,
    max_delay: Duration,
}

impl DecorrelatedJitterBackoff {
    /// Waits at least `base_delay` and at most `max_delay`.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] when `base_delay` is zero, or `max_delay` is below it.
    pub fn try_new(base_delay: Duration, max_delay: Duration) -> Result<Self, Error> {
        check_range(base_delay, max_delay)?;
        Ok(Self { base_delay, max_delay })
    }
}

impl Default for DecorrelatedJitterBackoff {
    fn default() -> Self {
        Self { base_delay: Duration::from_millis(200), max_delay: Duration::from_secs(60) }
    }
}

impl Backoff for DecorrelatedJitterBackoff {
    fn delay(&self, retry: &Retry) -> Duration {
        let previous = retry.previous.unwrap_or(self.base_delay);
        let above_base = previous.saturating_mul(3).saturating_sub(self.base_delay);
        self.base_delay.saturating_add(full_jitter(above_base, retry.random)).min(self.max_delay)
    }
}
