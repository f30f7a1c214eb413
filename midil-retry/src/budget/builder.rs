//! [`RetryBudgetBuilder`].

use std::time::Duration;

use midil_http_core::{BuildError, Error};

use super::RetryBudget;
use super::bucket::{Prices, TOKEN};

/// The most tokens that anything may cost, earn or hold.
const MOST_TOKENS: f64 = 1_000_000.0;

/// The longest time whose calls a bucket may hold a token each for.
const LONGEST_CALLS_WORTH: Duration = Duration::from_secs(60);

/// Builds a [`RetryBudget`]; what is not set has the default of its table.
///
/// # Examples
///
/// ```
/// use midil_retry::{DefaultRetryStrategy, RetryBudget};
///
/// let generous = RetryBudget::builder().capacity(50.0).second_earns(1.0).build()?;
/// let strategy = DefaultRetryStrategy::builder().budget(generous.clone()).build()?;
///
/// // Retries that do not pay for themselves: 10 % of what succeeds, and one in ten seconds.
/// let ratio = RetryBudget::builder()
///     .success_earns(0.1)
///     .retry_success_earns(0.1)
///     .calls_worth(std::time::Duration::from_secs(1))
///     .build()?;
///
/// let error = RetryBudget::builder().retry_costs(f64::NAN).build().unwrap_err();
/// assert_eq!(error.to_string(), "retry_costs is NaN: give a number of tokens from 0.001 to 1000000");
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct RetryBudgetBuilder {
    retry_costs: f64,
    success_earns: f64,
    retry_success_earns: f64,
    second_earns: f64,
    capacity: f64,
    calls_worth: Duration,
}

impl RetryBudgetBuilder {
    /// What [`build`](Self::build) makes of a builder with nothing set.
    pub(crate) const DEFAULTS: Prices = Prices {
        retry_costs: TOKEN,
        success_earns: TOKEN / 10,
        retry_success_earns: TOKEN * 5 / 2,
        second_earns: TOKEN / 10,
        capacity: 10 * TOKEN,
        calls_worth: 500,
    };

    pub(super) const fn new() -> Self {
        Self {
            retry_costs: 1.0,
            success_earns: 0.1,
            retry_success_earns: 2.5,
            second_earns: 0.1,
            capacity: 10.0,
            calls_worth: Duration::from_millis(500),
        }
    }

    /// The tokens that a retry costs.
    pub const fn retry_costs(mut self, tokens: f64) -> Self {
        self.retry_costs = tokens;
        self
    }

    /// The tokens that a first attempt earns when it succeeds; 0 for none.
    pub const fn success_earns(mut self, tokens: f64) -> Self {
        self.success_earns = tokens;
        self
    }

    /// The tokens that a retry earns when it succeeds; 0 for none.
    pub const fn retry_success_earns(mut self, tokens: f64) -> Self {
        self.retry_success_earns = tokens;
        self
    }

    /// The tokens that each second earns; 0 for none.
    pub const fn second_earns(mut self, tokens: f64) -> Self {
        self.second_earns = tokens;
        self
    }

    /// The tokens that a bucket holds at least, and starts with.
    pub const fn capacity(mut self, tokens: f64) -> Self {
        self.capacity = tokens;
        self
    }

    /// The time for whose calls, at their recent rate, a bucket holds a token each, where that is more than `capacity`;
    /// zero makes `capacity` that of busy clients, too.
    pub const fn calls_worth(mut self, time: Duration) -> Self {
        self.calls_worth = time;
        self
    }

    /// Builds the budget, all of its buckets full.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the setting and the remedy: a number that is not finite, negative or out of range, a
    /// retry that costs nothing, a capacity that pays for no retry, calls worth more than a minute.
    pub fn build(self) -> Result<RetryBudget, Error> {
        let retry_costs = price("retry_costs", self.retry_costs, 0.001)?;
        let capacity = price("capacity", self.capacity, 0.001)?;
        if capacity < retry_costs {
            let problem = format!(
                "is {}, below what a retry costs ({}): raise it",
                self.capacity, self.retry_costs
            );
            return Err(BuildError::new("capacity", problem).into());
        }
        if self.calls_worth > LONGEST_CALLS_WORTH {
            let problem =
                format!("is {:?}: give {LONGEST_CALLS_WORTH:?} or less", self.calls_worth);
            return Err(BuildError::new("calls_worth", problem).into());
        }
        Ok(RetryBudget::new(Prices {
            retry_costs,
            capacity,
            success_earns: price("success_earns", self.success_earns, 0.0)?,
            retry_success_earns: price("retry_success_earns", self.retry_success_earns, 0.0)?,
            second_earns: price("second_earns", self.second_earns, 0.0)?,
            calls_worth: u64::try_from(self.calls_worth.as_millis()).unwrap_or(u64::MAX),
        }))
    }
}

/// A number of tokens, in millionths.
fn price(setting: &str, tokens: f64, least: f64) -> Result<u64, BuildError> {
    if !(least..=MOST_TOKENS).contains(&tokens) {
        let problem = format!("is {tokens}: give a number of tokens from {least} to {MOST_TOKENS}");
        return Err(BuildError::new(setting, problem));
    }
    // A million tokens are 10^12 millionths: as seconds and nanoseconds, they convert without a cast.
    let micros = Duration::try_from_secs_f64(tokens).unwrap_or_default().as_micros();
    Ok(u64::try_from(micros).unwrap_or(u64::MAX))
}
