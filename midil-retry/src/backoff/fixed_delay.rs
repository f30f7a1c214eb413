//! [`FixedDelayBackoff`].

use std::time::Duration;

use midil_http_core::{Backoff, Retry};

/// Waits equally long before every retry.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Backoff, Retry};
/// use midil_retry::FixedDelayBackoff;
///
/// let backoff = FixedDelayBackoff::new(Duration::from_secs(5));
/// assert_eq!(backoff.delay(&Retry::new(7)), Duration::from_secs(5));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedDelayBackoff {
    delay: Duration,
}

impl FixedDelayBackoff {
    /// Waits `delay`; zero means at once.
    #[must_use]
    pub const fn new(delay: Duration) -> Self {
        Self { delay }
    }
}

impl Backoff for FixedDelayBackoff {
    fn delay(&self, _: &Retry) -> Duration {
        self.delay
    }
}
