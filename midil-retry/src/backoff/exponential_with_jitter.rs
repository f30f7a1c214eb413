//! [`ExponentialBackoffWithJitter`].

use std::time::Duration;

use midil_http_core::{Backoff, BuildError, Error, Retry, full_jitter};

use super::ExponentialBackoff;

/// Waits like [`ExponentialBackoff`], give or take a part of each wait; never longer than the cap.
///
/// The default is 1 s, doubled each time, up to 60 s, each ± 10 %.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Backoff, Retry};
/// use midil_retry::ExponentialBackoffWithJitter;
///
/// let (base, cap) = (Duration::from_secs(1), Duration::from_secs(60));
/// let backoff = ExponentialBackoffWithJitter::try_new(base, 2.0, cap, 0.1)?;
///
/// let third = Retry::new(3); // 4 s, ± 0.4 s
/// assert_eq!(backoff.delay(&third.with_random(0.0)), Duration::from_millis(3600));
/// assert_eq!(backoff.delay(&third.with_random(0.75)), Duration::from_millis(4200));
/// assert!(backoff.delay(&Retry::new(9).with_random(0.99)) <= cap);
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExponentialBackoffWithJitter {
    middle: ExponentialBackoff,
    jitter_factor: f64,
}

impl ExponentialBackoffWithJitter {
    /// Waits as [`ExponentialBackoff::try_new`] says, ± `jitter_factor` of each wait.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] when `jitter_factor` is not from 0 to 1, or where [`ExponentialBackoff::try_new`] fails.
    pub fn try_new(
        base_delay: Duration,
        multiplier: f64,
        max_delay: Duration,
        jitter_factor: f64,
    ) -> Result<Self, Error> {
        let middle = ExponentialBackoff::try_new(base_delay, multiplier, max_delay)?;
        if !(0.0..=1.0).contains(&jitter_factor) {
            let problem = format!("is {jitter_factor}: give a number from 0 to 1");
            return Err(BuildError::new("jitter_factor", problem).into());
        }
        Ok(Self { middle, jitter_factor })
    }
}

impl Default for ExponentialBackoffWithJitter {
    fn default() -> Self {
        Self { middle: ExponentialBackoff::default(), jitter_factor: 0.1 }
    }
}

impl Backoff for ExponentialBackoffWithJitter {
    fn delay(&self, retry: &Retry) -> Duration {
        let middle = self.middle.delay(retry);
        let spread = full_jitter(middle, self.jitter_factor);
        let above_least = full_jitter(spread.saturating_mul(2), retry.random);
        middle.saturating_sub(spread).saturating_add(above_least).min(self.middle.max_delay)
    }
}
