//! Backoffs: how long to wait before each retry. One per file; all of them are pure.

mod decorrelated_jitter;
mod exponential;
mod exponential_with_jitter;
mod fixed_delay;
mod full_jitter;

use std::time::Duration;

use midil_http_core::BuildError;

pub use decorrelated_jitter::DecorrelatedJitterBackoff;
pub use exponential::ExponentialBackoff;
pub use exponential_with_jitter::ExponentialBackoffWithJitter;
pub use fixed_delay::FixedDelayBackoff;
pub use full_jitter::FullJitterBackoff;

/// Refuses a first wait of zero, which would stay zero however often it is multiplied, and a cap below it.
fn check_range(base_delay: Duration, max_delay: Duration) -> Result<(), BuildError> {
    if base_delay.is_zero() {
        let problem = "is zero: give a positive duration, or use FixedDelayBackoff for no wait";
        return Err(BuildError::new("base_delay", problem));
    }
    if max_delay < base_delay {
        let problem =
            format!("is {max_delay:?}, below base_delay ({base_delay:?}): raise it, or lower that");
        return Err(BuildError::new("max_delay", problem));
    }
    Ok(())
}

/// Refuses what would make waits shorter from retry to retry, or is no number.
fn check_multiplier(multiplier: f64) -> Result<(), BuildError> {
    if multiplier.is_finite() && multiplier >= 1.0 {
        return Ok(());
    }
    let problem = format!("is {multiplier}: give a finite number of at least 1");
    Err(BuildError::new("multiplier", problem))
}

#[cfg(test)]
mod tests;
