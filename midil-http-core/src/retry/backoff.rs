//! [`Backoff`]: how long to wait before a retry.

use std::sync::Arc;
use std::time::Duration;

/// Tells how long to wait before a retry; pure.
///
/// # Examples
///
/// A closure is a backoff:
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Backoff, Retry};
///
/// let linear = |retry: &Retry| Duration::from_millis(100) * retry.number;
/// assert_eq!(linear.delay(&Retry::new(3)), Duration::from_millis(300));
/// ```
pub trait Backoff: Send + Sync + 'static {
    /// The wait before `retry`.
    fn delay(&self, retry: &Retry) -> Duration;
}

impl<T: Backoff + ?Sized> Backoff for Arc<T> {
    fn delay(&self, retry: &Retry) -> Duration {
        (**self).delay(retry)
    }
}

impl<F> Backoff for F
where
    F: Fn(&Retry) -> Duration + Send + Sync + 'static,
{
    fn delay(&self, retry: &Retry) -> Duration {
        self(retry)
    }
}

/// A retry that is about to be made.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Retry {
    /// Which retry it is, from 1.
    pub number: u32,
    /// The wait before the retry that went before, when there was one.
    pub previous: Option<Duration>,
    /// A random number in [0, 1).
    pub random: f64,
}

impl Retry {
    /// The retry of that number, with no wait before it and 0.5 for its random number.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self { number, previous: None, random: 0.5 }
    }

    /// The same retry, after one that waited `previous`.
    #[must_use]
    pub const fn with_previous(mut self, previous: Option<Duration>) -> Self {
        self.previous = previous;
        self
    }

    /// The same retry, with another random number in [0, 1).
    #[must_use]
    pub const fn with_random(mut self, random: f64) -> Self {
        self.random = random;
        self
    }
}

/// `base` × `multiplier`^(`number` − 1), never above `cap`; the first retry has number 1.
///
/// Defined for every input: what overflows is `cap`, and a multiplier that is no positive number counts as 1.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::exponential_delay;
///
/// let delay = |number| exponential_delay(Duration::from_secs(1), 2.0, Duration::from_secs(60), number).as_secs();
/// assert_eq!([1, 2, 3, 4, 5, 6, 7, 8, u32::MAX].map(delay), [1, 2, 4, 8, 16, 32, 60, 60, 60]);
/// ```
#[must_use]
pub fn exponential_delay(base: Duration, multiplier: f64, cap: Duration, number: u32) -> Duration {
    let multiplier = if multiplier.is_finite() && multiplier > 0.0 { multiplier } else { 1.0 };
    let factor = multiplier.powf(f64::from(number.saturating_sub(1)));
    scale(base, factor).min(cap)
}

/// A wait between zero and `ceiling`, as `random` in [0, 1) says: AWS's "full jitter".
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(midil_http_core::full_jitter(Duration::from_secs(8), 0.25), Duration::from_secs(2));
/// ```
#[must_use]
pub fn full_jitter(ceiling: Duration, random: f64) -> Duration {
    let random = if random.is_nan() { 1.0 } else { random.clamp(0.0, 1.0) };
    scale(ceiling, random).min(ceiling)
}

/// `duration` × `factor`, saturating.
fn scale(duration: Duration, factor: f64) -> Duration {
    if duration.is_zero() || factor == 0.0 {
        return Duration::ZERO;
    }
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exponential_delay_is_defined_for_every_input() {
        let (second, cap) = (Duration::from_secs(1), Duration::from_secs(60));
        for multiplier in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -2.0, 0.0] {
            assert_eq!(exponential_delay(second, multiplier, cap, 3), second, "{multiplier}");
        }
        // Zero times infinity is no number.
        assert_eq!(exponential_delay(Duration::ZERO, 2.0, cap, u32::MAX), Duration::ZERO);
    }
}
