//! [`RateLimitBuilder`].

use std::borrow::Cow;
use std::time::Duration;

use midil_http_core::{BuildError, Error, RequestHead};

use super::RateLimit;
use super::lane::Rate;
use crate::key::KeyedBy;

/// The longest that any number of calls is spread over.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// The most calls that may be made at once: at the longest interval, some 270 years' worth, which nanoseconds can count.
const MOST_BURST: u32 = 100_000;

/// Builds a [`RateLimit`]; what is not set has its default.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_retry::RateLimit;
///
/// let limit = RateLimit::builder(6_000, Duration::from_secs(60)) // one every 10 ms
///     .burst(20) // or 20 at once, after a pause of 0.2 s
///     .max_wait(Duration::from_secs(2))
///     .key(|_| "everything".into()) // one for all servers
///     .build()?;
///
/// let error = RateLimit::builder(0, Duration::from_secs(1)).build().unwrap_err();
/// assert_eq!(error.to_string(), "calls is 0: give at least 1");
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct RateLimitBuilder {
    calls: u32,
    per: Duration,
    burst: Option<u32>,
    max_wait: Duration,
    keyed_by: KeyedBy,
}

impl RateLimitBuilder {
    pub(super) const fn new(calls: u32, per: Duration) -> Self {
        let max_wait = Duration::from_secs(10);
        Self { calls, per, burst: None, max_wait, keyed_by: KeyedBy::Origin }
    }

    /// How many calls may be made at once after a pause: all that the time has room for, by default, up to 100 000. 1
    /// spreads them evenly.
    pub const fn burst(mut self, calls: u32) -> Self {
        self.burst = Some(calls);
        self
    }

    /// How long a call waits for its turn at most: 10 s by default. Zero refuses at once what cannot go at once.
    pub const fn max_wait(mut self, limit: Duration) -> Self {
        self.max_wait = limit;
        self
    }

    /// Which requests share a rate: those to the same origin (scheme, host and port), or those for which this function
    /// gives the same text. It must hold no secret: the states show it.
    pub fn key<F>(mut self, key: F) -> Self
    where
        F: for<'a> Fn(&'a RequestHead) -> Cow<'a, str> + Send + Sync + 'static,
    {
        self.keyed_by = KeyedBy::function(key);
        self
    }

    /// Builds the limit.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the setting and the remedy.
    pub fn build(self) -> Result<RateLimit, Error> {
        if self.calls == 0 {
            return Err(BuildError::new("calls", "is 0: give at least 1").into());
        }
        if self.per.is_zero() || self.per > LONGEST {
            let problem = format!("is {:?}: give a duration from 1 ns to 24 h", self.per);
            return Err(BuildError::new("per", problem).into());
        }
        if let Some(burst) = self.burst
            && !(1..=MOST_BURST).contains(&burst)
        {
            let problem = format!("is {burst}: give a number from 1 to {MOST_BURST}");
            return Err(BuildError::new("burst", problem).into());
        }
        Ok(self.make())
    }

    pub(super) fn make(self) -> RateLimit {
        let interval = self.per.min(LONGEST) / self.calls.max(1);
        let burst = self.burst.unwrap_or(self.calls).clamp(1, MOST_BURST);
        RateLimit::with(Rate::new(interval, burst), self.max_wait, self.keyed_by)
    }
}
