//! Policies from an [`HttpConfig`]: each as its section says, with this crate's defaults for what that leaves open.

use std::sync::Arc;
use std::time::Duration;

use midil_http_core::{
    Backoff, BackoffConfig, BackoffKind, BreakerKind, BudgetConfig, BuildError, Error, HttpConfig,
};

use crate::{
    Bulkhead, CircuitBreaker, DecorrelatedJitterBackoff, ExponentialBackoff,
    ExponentialBackoffWithJitter, FixedDelayBackoff, FullJitterBackoff, Hedge, RateLimit,
    RetryBudget,
};

/// Sets what the configuration sets.
macro_rules! set {
    ($builder:expr, $config:expr => $($setting:ident),*) => {{
        let mut builder = $builder;
        $( if let Some(value) = $config.$setting {
            builder = builder.$setting(value);
        } )*
        builder
    }};
}

/// An error that says in which section its setting is.
pub(crate) fn within<T>(section: &str, outcome: Result<T, Error>) -> Result<T, Error> {
    outcome.map_err(|error| match error {
        Error::Build(error) => error.within(section).into(),
        other => other,
    })
}

/// The backoff of the type that is named: full jitter, where none is.
pub(crate) fn backoff(config: &BackoffConfig) -> Result<Arc<dyn Backoff>, Error> {
    let kind = config.kind.unwrap_or(BackoffKind::FullJitter);
    let most = config.max_delay.unwrap_or(Duration::from_secs(60));
    let base = config.base_delay.unwrap_or(Duration::from_millis(200).min(most));
    let factor = config.multiplier.unwrap_or(2.0);
    let made: Result<Arc<dyn Backoff>, Error> = match kind {
        BackoffKind::FullJitter => FullJitterBackoff::try_new(base, factor, most).map(shared),
        BackoffKind::Exponential => ExponentialBackoff::try_new(base, factor, most).map(shared),
        BackoffKind::ExponentialWithJitter => {
            let jitter = config.jitter.unwrap_or_default();
            if (0.0..=1.0).contains(&jitter) {
                ExponentialBackoffWithJitter::try_new(base, factor, most, jitter).map(shared)
            } else {
                // By the name that it has in a configuration.
                let problem = format!("is {jitter}: give a number from 0 to 1");
                Err(BuildError::new("jitter", problem).into())
            }
        }
        BackoffKind::Fixed => Ok(Arc::new(FixedDelayBackoff::new(config.delay.unwrap_or(base)))),
        BackoffKind::DecorrelatedJitter => {
            DecorrelatedJitterBackoff::try_new(base, most).map(shared)
        }
        other => {
            let problem =
                format!("is {:?}, which this version of midil-retry does not know", other.name());
            Err(BuildError::new("type", problem).into())
        }
    };
    within("retry.backoff", made)
}

fn shared(backoff: impl Backoff) -> Arc<dyn Backoff> {
    Arc::new(backoff)
}

/// The budget, where it is not the usual one.
pub(crate) fn budget(config: &BudgetConfig) -> Result<Option<RetryBudget>, Error> {
    let mut prices = config.clone();
    prices.enabled = None;
    if prices == BudgetConfig::default() {
        return Ok(None);
    }
    let builder = set!(RetryBudget::builder(), config =>
        retry_costs, success_earns, retry_success_earns, second_earns, capacity, calls_worth);
    within("retry.budget", builder.build()).map(Some)
}

pub(crate) fn breaker(config: &HttpConfig) -> Result<Option<CircuitBreaker>, Error> {
    let breaker = config.breaker();
    if matches!(breaker.kind, None | Some(BreakerKind::None)) {
        return Ok(None);
    }
    let builder = set!(CircuitBreaker::builder(), breaker =>
        failure_threshold, failure_ratio, window, minimum_calls,
        recovery_timeout, half_open_probes);
    within("breaker", builder.build()).map(Some)
}

pub(crate) fn bulkhead(config: &HttpConfig) -> Result<Option<Bulkhead>, Error> {
    let bulkhead = &config.limits().bulkhead;
    if *bulkhead == Default::default() {
        return Ok(None);
    }
    let builder = set!(Bulkhead::builder(), bulkhead => max_in_flight, max_waiting, max_wait);
    within("limits.bulkhead", builder.build()).map(Some)
}

pub(crate) fn rate_limit(config: &HttpConfig) -> Result<Option<RateLimit>, Error> {
    let rate = &config.limits().rate_limit;
    let (Some(calls), Some(per)) = (rate.calls, rate.per) else { return Ok(None) };
    let builder = set!(RateLimit::builder(calls, per), rate => burst, max_wait);
    within("limits.rate_limit", builder.build()).map(Some)
}

pub(crate) fn hedge(config: &HttpConfig) -> Result<Option<Hedge>, Error> {
    let hedge = &config.limits().hedge;
    if *hedge == Default::default() {
        return Ok(None);
    }
    let builder = set!(Hedge::builder(), hedge =>
        delay, percentile, minimum_samples, min_delay, max_delay, max_hedges);
    within("limits.hedge", builder.build()).map(Some)
}
