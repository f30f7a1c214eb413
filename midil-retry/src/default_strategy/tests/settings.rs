//! The settings of the builder, and of a config.

use http::StatusCode;
use midil_http_core::{
    GiveUpReason, HttpConfig, RetryEvent, Sent, TransportError, TransportErrorKind,
};

use super::*;

/// The waits before all retries, with the random number 0.5.
fn waits(strategy: &DefaultRetryStrategy) -> Vec<Duration> {
    let (request, busy) = (get(), response(503, &[]));
    let mut waits = Vec::new();
    loop {
        let mut attempt = Attempt::new(&request, Outcome::Response(&busy));
        attempt.number = u32::try_from(waits.len()).unwrap() + 1;
        attempt.previous_delay = waits.last().copied();
        match strategy.decide(&attempt) {
            RetryDecision::Retry { after } => waits.push(after),
            other => {
                assert_eq!(other, RetryDecision::GiveUp { reason: GiveUpReason::Attempts });
                return waits;
            }
        }
    }
}

fn millis<const N: usize>(waits: [u64; N]) -> Vec<Duration> {
    waits.map(Duration::from_millis).to_vec()
}

fn problem(builder: DefaultRetryStrategyBuilder) -> String {
    match builder.build().unwrap_err() {
        Error::Build(error) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_default_is_three_attempts_with_full_jitter() {
    assert_eq!(waits(&DefaultRetryStrategy::default()), millis([100, 200]));
    let built = DefaultRetryStrategy::builder().build().unwrap();
    assert_eq!(waits(&built), millis([100, 200]), "a builder with nothing set is the default");
}

#[test]
fn waits_are_as_set() {
    let builder = || DefaultRetryStrategy::builder().max_attempts(5).jitter(false);
    assert_eq!(waits(&builder().build().unwrap()), millis([200, 400, 800, 1600]));
    let builder = || builder().base_delay(SECOND).multiplier(3.0).max_delay(8 * SECOND);
    assert_eq!(waits(&builder().build().unwrap()), millis([1_000, 3_000, 8_000, 8_000]));
    let jittered = builder().jitter(true).build().unwrap();
    assert_eq!(waits(&jittered), millis([500, 1_500, 4_000, 4_000]));
    let own = builder().backoff(|retry: &midil_http_core::Retry| SECOND * retry.number);
    assert_eq!(waits(&own.build().unwrap()), millis([1_000, 2_000, 3_000, 4_000]));
}

#[test]
fn a_backoff_sees_the_wait_before() {
    let backoff = crate::DecorrelatedJitterBackoff::default();
    let strategy = DefaultRetryStrategy::builder().max_attempts(4).backoff(backoff);
    assert_eq!(waits(&strategy.build().unwrap()), millis([400, 700, 1_150]));
}

#[test]
fn a_short_cap_shortens_the_default_base() {
    let strategy = DefaultRetryStrategy::builder().jitter(false).max_delay(SECOND / 10);
    assert_eq!(waits(&strategy.build().unwrap()), millis([100, 100]));
}

#[test]
fn a_config_counts_retries_after_the_first_attempt() {
    let config = HttpConfig::builder()
        .max_retries(4)
        .retry_backoff_factor(3.0)
        .retry_max_backoff(SECOND)
        .retry_jitter(false)
        .build()
        .unwrap();
    let strategy = DefaultRetryStrategy::from_config(&config).unwrap();
    assert_eq!(waits(&strategy), millis([200, 600, 1_000, 1_000]));

    let default = DefaultRetryStrategy::from_config(&HttpConfig::default()).unwrap();
    assert_eq!(waits(&default), millis([100, 200]));

    let none = HttpConfig::builder().max_retries(0).build().unwrap();
    assert_eq!(waits(&DefaultRetryStrategy::from_config(&none).unwrap()), Vec::<Duration>::new());
    let most = HttpConfig::builder().max_retries(u32::MAX).build().unwrap();
    assert!(DefaultRetryStrategy::from_config(&most).is_ok());
    let hasty = HttpConfig::builder().retry_max_backoff(Duration::from_millis(1)).build().unwrap();
    assert!(DefaultRetryStrategy::from_config(&hasty).is_ok());
}

#[test]
fn other_statuses_replace_those_of_the_table() {
    let strategy = DefaultRetryStrategy::builder().retry_on_status([429, 404]).build().unwrap();
    let decide = |method: Method, status| {
        let (request, head) = (request(method), response(status, &[]));
        is_retried(&strategy.decide(&Attempt::new(&request, Outcome::Response(&head))))
    };
    assert!(decide(Method::GET, 404) && decide(Method::GET, 429));
    assert!(!decide(Method::GET, 503), "not in the set");
    assert!(decide(Method::POST, 429));
    assert!(!decide(Method::POST, 404), "a POST may have had its effect");
    let raised =
        error(midil_http_core::StatusError::new(StatusCode::NOT_FOUND, http::HeaderMap::new(), ""));
    let request = get();
    assert!(is_retried(&strategy.decide(&Attempt::new(&request, Outcome::Error(&raised)))));
}

#[test]
fn an_empty_set_retries_no_status() {
    let strategy = DefaultRetryStrategy::builder().retry_on_status([]).build().unwrap();
    let (request, busy) = (get(), response(429, &[]));
    let decision = strategy.decide(&Attempt::new(&request, Outcome::Response(&busy)));
    assert_eq!(decision, RetryDecision::Accept);
}

#[test]
fn a_predicate_replaces_the_errors_of_the_table() {
    let strategy = DefaultRetryStrategy::builder()
        .retry_on_error(|error| matches!(error, Error::Custom(_) | Error::Closed))
        .build()
        .unwrap();
    let decide = |method, error: &Error| {
        let request = request(method);
        is_retried(&strategy.decide(&Attempt::new(&request, Outcome::Error(error))))
    };
    let custom = Error::custom("busy");
    assert!(decide(Method::GET, &custom));
    assert!(!decide(Method::POST, &custom), "a POST may have had its effect");
    assert!(decide(Method::POST, &Error::Closed), "certainly not sent");
    let dns = error(TransportError::new(TransportErrorKind::Dns, Sent::No, "no such host"));
    assert!(!decide(Method::GET, &dns));
}

#[test]
fn bad_settings_are_refused_by_name() {
    let builder = DefaultRetryStrategy::builder;
    for (bad, expected) in [
        (builder().max_attempts(0), "max_attempts is 0: give at least 1, which means no retry"),
        (
            builder().base_delay(Duration::ZERO),
            "base_delay is zero: give a positive duration, or use FixedDelayBackoff for no wait",
        ),
        (
            builder().max_delay(Duration::ZERO),
            "max_delay is zero: give a positive duration, or a backoff without wait",
        ),
        (
            builder().base_delay(2 * SECOND).max_delay(SECOND),
            "max_delay is 1s, below base_delay (2s): raise it, or lower that",
        ),
        (builder().multiplier(f64::NAN), "multiplier is NaN: give a finite number of at least 1"),
        (
            builder().multiplier(-1.0).jitter(false),
            "multiplier is -1: give a finite number of at least 1",
        ),
        (
            builder().retry_on_status([429, 42]),
            "retry_on_status has 42: give statuses of responses, such as 429 or 503",
        ),
        (
            builder().retry_on_status([100]),
            "retry_on_status has 100: give statuses of responses, such as 429 or 503",
        ),
    ] {
        assert_eq!(problem(bad), expected);
    }
}

#[test]
fn clones_share_the_budget_and_defaults_do_not() {
    let strategy = DefaultRetryStrategy::default();
    let (request, busy) = (get(), response(503, &[]));
    let attempt = Attempt::new(&request, Outcome::Response(&busy));
    let clone = strategy.clone();
    assert!((0..10).all(|_| is_retried(&clone.decide(&attempt))));
    let decision = strategy.decide(&attempt);
    assert_eq!(decision, RetryDecision::GiveUp { reason: GiveUpReason::Budget });
    assert!(is_retried(&DefaultRetryStrategy::default().decide(&attempt)));
    let unlimited = DefaultRetryStrategy::builder().no_budget().build().unwrap();
    assert!((0..1_000).all(|_| is_retried(&unlimited.decide(&attempt))));
}

#[test]
fn the_hook_is_the_one_that_was_set() {
    assert!(DefaultRetryStrategy::default().hook().is_none());
    let strategy = DefaultRetryStrategy::builder().on_retry(|_: &mut RetryEvent<'_>| ());
    assert!(strategy.build().unwrap().hook().is_some());
}

#[test]
fn debug_shows_the_limits() {
    let strategy = DefaultRetryStrategy::builder().retry_on_status([503]).no_budget();
    let shown = format!("{:?}", strategy.build().unwrap());
    assert!(shown.contains("max_attempts: 3") && shown.contains("503"), "{shown}");
}
