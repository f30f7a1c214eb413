//! [`ExponentialBackoff`].

use std::time::Duration;

use midil_http_core::{Backoff, Error, Retry, exponential_delay};

use super::{check_multiplier, check_range};

/// Waits longer from retry to retry, by a constant factor, up to a cap.
///
/// All clients that failed together come back together: prefer [`FullJitterBackoff`](crate::FullJitterBackoff) where
/// there are many. The default is 1 s, doubled each time, up to 60 s.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Backoff, Retry};
/// use midil_retry::ExponentialBackoff;
///
/// let backoff = ExponentialBackoff::try_new(Duration::from_secs(1), 2.0, Duration::from_secs(60))?;
/// let seconds = |number| backoff.delay(&Retry::new(number)).as_secs();
/// assert_eq!([1, 2, 3, 4, 5, 6, 7, 8].map(seconds), [1, 2, 4, 8, 16, 32, 60, 60]);
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExponentialBackoff {
    pub(super) base_delay: Duration,
    pub(super) multiplier: f64,
    pub(super) max_delay: Duration,
}

impl ExponentialBackoff {
    /// Waits `base_delay`, then `multiplier` times as long each time, never longer than `max_delay`.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] when `base_delay` is zero, `multiplier` is not finite or below 1, or `max_delay` is below
    /// `base_delay`.
    pub fn try_new(
        base_delay: Duration,
        multiplier: f64,
        max_delay: Duration,
    ) -> Result<Self, Error> {
        check_range(base_delay, max_delay)?;
        check_multiplier(multiplier)?;
        Ok(Self { base_delay, multiplier, max_delay })
    }
}

impl Default for ExponentialBackoff {
    fn default() -> Self {
        Self {
            base_delay: Duration::from_secs(1),
            multiplier: 2.0,
            max_delay: Duration::from_secs(60),
        }
    }
}

impl Backoff for ExponentialBackoff {
    fn delay(&self, retry: &Retry) -> Duration {
        exponential_delay(self.base_delay, self.multiplier, self.max_delay, retry.number)
    }
}
