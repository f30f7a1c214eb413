//! [`BulkheadBuilder`].

use std::borrow::Cow;
use std::time::Duration;

use midil_http_core::{BuildError, Error, RequestHead};

use super::{Bulkhead, Rules};
use crate::key::KeyedBy;

/// Builds a [`Bulkhead`]; what is not set has its default.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_retry::Bulkhead;
///
/// let bulkhead = Bulkhead::builder()
///     .max_in_flight(20)
///     .max_waiting(100)
///     .max_wait(Duration::from_secs(2))
///     .key(|_| "everything".into()) // one for all servers
///     .build()?;
///
/// let error = Bulkhead::builder().max_in_flight(0).build().unwrap_err();
/// assert_eq!(error.to_string(), "max_in_flight is 0: give at least 1");
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct BulkheadBuilder {
    in_flight: usize,
    waiting: Option<usize>,
    wait: Duration,
    keyed_by: KeyedBy,
}

impl BulkheadBuilder {
    pub(super) fn new() -> Self {
        Self {
            in_flight: 100,
            waiting: None,
            wait: Duration::from_secs(10),
            keyed_by: KeyedBy::Origin,
        }
    }

    /// How many calls of a key may be in flight at once: 100 by default.
    pub const fn max_in_flight(mut self, calls: usize) -> Self {
        self.in_flight = calls;
        self
    }

    /// How many calls of a key may wait for their turn: as many as may be in flight, by default. 0 refuses at once what
    /// finds no place.
    pub const fn max_waiting(mut self, calls: usize) -> Self {
        self.waiting = Some(calls);
        self
    }

    /// How long a call waits for its turn at most: 10 s by default.
    pub const fn max_wait(mut self, limit: Duration) -> Self {
        self.wait = limit;
        self
    }

    /// Which requests share a bulkhead: those to the same origin (scheme, host and port), or those for which this
    /// function gives the same text. It must hold no secret: the states show it.
    pub fn key<F>(mut self, key: F) -> Self
    where
        F: for<'a> Fn(&'a RequestHead) -> Cow<'a, str> + Send + Sync + 'static,
    {
        self.keyed_by = KeyedBy::function(key);
        self
    }

    /// Builds the bulkhead.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the setting and the remedy.
    pub fn build(self) -> Result<Bulkhead, Error> {
        if self.in_flight == 0 {
            return Err(BuildError::new("max_in_flight", "is 0: give at least 1").into());
        }
        if self.wait.is_zero() {
            let problem = "is zero: give a positive duration, or refuse at once by max_waiting 0";
            return Err(BuildError::new("max_wait", problem).into());
        }
        Ok(self.make())
    }

    pub(super) fn make(self) -> Bulkhead {
        let Self { in_flight, waiting, wait, keyed_by } = self;
        Bulkhead::with(Rules { in_flight, waiting: waiting.unwrap_or(in_flight), wait }, keyed_by)
    }
}
