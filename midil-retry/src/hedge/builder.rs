//! [`HedgeBuilder`].

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use midil_http_core::{BuildError, Error, RequestHead};

use super::latencies::{Percentile, SAMPLES};
use super::{Hedge, Rules, When};
use crate::budget::Budget;
use crate::key::KeyedBy;

/// The most hedges that one request may have.
const MOST_HEDGES: u32 = 10;

/// Builds a [`Hedge`]; what is not set has its default.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_retry::{DefaultRetryStrategy, Hedge, RetryBudget};
///
/// let budget = RetryBudget::default();
/// let strategy = DefaultRetryStrategy::builder().budget(budget.clone()).build()?;
/// let hedge = Hedge::builder()
///     .percentile(0.99)
///     .minimum_samples(100)
///     .min_delay(Duration::from_millis(5))
///     .max_delay(Duration::from_secs(1))
///     .budget(budget) // that of the strategy
///     .key(|request| request.url.path().into()) // latencies for each path
///     .build()?;
///
/// let error = Hedge::builder().percentile(1.5).build().unwrap_err();
/// assert_eq!(error.to_string(), "percentile is 1.5: give a part above 0 and below 1, such as 0.95");
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct HedgeBuilder {
    delay: Option<Duration>,
    percentile: Option<f64>,
    minimum_samples: usize,
    least: Duration,
    most: Option<Duration>,
    hedges: u32,
    safe_only: bool,
    budget: Option<Arc<dyn Budget>>,
    keyed_by: KeyedBy,
}

impl HedgeBuilder {
    pub(super) fn new() -> Self {
        Self {
            delay: None,
            percentile: None,
            minimum_samples: 50,
            least: Duration::from_millis(1),
            most: None,
            hedges: 1,
            safe_only: false,
            budget: None,
            keyed_by: KeyedBy::Origin,
        }
    }

    /// Hedges what has no answer after this time, whatever other calls took; not set by default.
    pub const fn delay(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// Hedges what takes longer than so many of the latest 512 calls of its key did, above 0 and below 1: 0.95 by default,
    /// so one call in twenty.
    pub const fn percentile(mut self, part: f64) -> Self {
        self.percentile = Some(part);
        self
    }

    /// How many calls of a key there must have been before their percentile says anything: 50 by default, from 1 to 512.
    /// Until then there is no hedge, or one after [`max_delay`](Self::max_delay).
    pub const fn minimum_samples(mut self, calls: usize) -> Self {
        self.minimum_samples = calls;
        self
    }

    /// The time before which there is no hedge, whatever the percentile is: 1 ms by default.
    pub const fn min_delay(mut self, delay: Duration) -> Self {
        self.least = delay;
        self
    }

    /// The time after which there is a hedge, whatever the percentile is, and as long as there is none; no such time, by
    /// default.
    pub const fn max_delay(mut self, delay: Duration) -> Self {
        self.most = Some(delay);
        self
    }

    /// How many hedges a request may have, each a delay after the one before: 1 by default, up to 10.
    pub const fn max_hedges(mut self, hedges: u32) -> Self {
        self.hedges = hedges;
        self
    }

    /// Hedges GET, HEAD, OPTIONS and TRACE alone ([RFC 9110, section 9.2.1]), and not all that is idempotent: off by default.
    ///
    /// The server may carry out the loser of a hedged PUT or DELETE when the call is over, and undo what was done since.
    ///
    /// [RFC 9110, section 9.2.1]: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1
    pub const fn safe_only(mut self, safe_only: bool) -> Self {
        self.safe_only = safe_only;
        self
    }

    /// What hedges are paid from: a budget that a retry strategy has, too, so that both together are bounded. Give a clone
    /// of it to both: it is the strategy that tells it what calls come to, and a budget that nobody tells earns nothing but
    /// with time.
    ///
    /// By default, the hedges of each key have a budget of their own, with the numbers of [`RetryBudget`](crate::RetryBudget):
    /// it holds 10 tokens or those of half a second's calls, a hedge costs 1, a call that goes well earns 0.1, a second 0.1.
    /// A hedge that helps earns nothing back: where everything is slow, they all seem to.
    pub fn budget(mut self, budget: impl Budget) -> Self {
        self.budget = Some(Arc::new(budget));
        self
    }

    /// Which requests share their latencies, and a budget that is not given: those to the same origin (scheme, host and
    /// port), or those for which this function gives the same text. It must hold no secret: the states show it.
    pub fn key<F>(mut self, key: F) -> Self
    where
        F: for<'a> Fn(&'a RequestHead) -> Cow<'a, str> + Send + Sync + 'static,
    {
        self.keyed_by = KeyedBy::function(key);
        self
    }

    /// Builds the hedge.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the setting and the remedy.
    pub fn build(self) -> Result<Hedge, Error> {
        if self.hedges == 0 || self.hedges > MOST_HEDGES {
            let problem = format!("is {}: give a number from 1 to {MOST_HEDGES}", self.hedges);
            return Err(BuildError::new("max_hedges", problem).into());
        }
        let when = match (self.delay, self.percentile) {
            (Some(_), Some(_)) => {
                let problem = "is set beside percentile: give one of the two";
                return Err(BuildError::new("delay", problem).into());
            }
            (Some(Duration::ZERO), None) => {
                return Err(BuildError::new("delay", "is zero: give a positive duration").into());
            }
            (Some(delay), None) => When::Fixed(delay),
            (None, part) => self.by_percentile(part.unwrap_or(0.95))?,
        };
        let rules = Rules { when, hedges: self.hedges, safe_only: self.safe_only };
        Ok(Hedge::with(rules, self.budget, self.keyed_by))
    }

    fn by_percentile(&self, part: f64) -> Result<When, BuildError> {
        // As seconds and microseconds, it converts without a cast. NaN is in no range.
        let in_range = part > 0.0 && part < 1.0;
        let millionths = Duration::try_from_secs_f64(if in_range { part } else { 0.0 });
        let millionths = millionths.unwrap_or_default().as_micros();
        let Some(part) = u64::try_from(millionths).ok().filter(|_| in_range) else {
            let problem = format!("is {part}: give a part above 0 and below 1, such as 0.95");
            return Err(BuildError::new("percentile", problem));
        };
        if !(1..=SAMPLES).contains(&self.minimum_samples) {
            let problem = format!("is {}: give a number from 1 to {SAMPLES}", self.minimum_samples);
            return Err(BuildError::new("minimum_samples", problem));
        }
        if let Some(most) = self.most
            && (most < self.least || most.is_zero())
        {
            let problem = format!("is {most:?}: give more than min_delay ({:?})", self.least);
            return Err(BuildError::new("max_delay", problem));
        }
        let minimum_samples = u64::try_from(self.minimum_samples).unwrap_or(u64::MAX);
        let percentile = Percentile { part, minimum_samples };
        Ok(When::Percentile { percentile, least: self.least, most: self.most })
    }
}

impl fmt::Debug for HedgeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HedgeBuilder")
            .field("delay", &self.delay)
            .field("percentile", &self.percentile)
            .field("minimum_samples", &self.minimum_samples)
            .field("min_delay", &self.least)
            .field("max_delay", &self.most)
            .field("max_hedges", &self.hedges)
            .field("safe_only", &self.safe_only)
            .field("has_budget", &self.budget.is_some())
            .field("key", &self.keyed_by)
            .finish()
    }
}
