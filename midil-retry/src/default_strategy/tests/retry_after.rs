//! `Retry-After`: never earlier than asked, and not at all when that is too late.

use http::header::{DATE, RETRY_AFTER};
use midil_http_core::{GiveUpReason, Retry, StatusError};

use super::*;
use crate::{ExponentialBackoff, FixedDelayBackoff};

/// Sun, 06 Nov 1994 08:49:37 GMT.
fn then() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)
}

/// What is decided after a 503 with these headers, on a clock that says 08:49:37, with no wait of our own and the least
/// jitter.
fn decide(headers: &[(HeaderName, &str)]) -> RetryDecision {
    decide_with(headers, 0.0, Duration::ZERO)
}

fn decide_with(headers: &[(HeaderName, &str)], random: f64, backoff: Duration) -> RetryDecision {
    let clock = StoppedClock(Instant::now(), then());
    let (request, busy) = (get(), response(503, headers));
    let mut attempt = Attempt::new(&request, Outcome::Response(&busy)).on(&clock);
    attempt.random = random;
    let strategy = DefaultRetryStrategy::builder().backoff(FixedDelayBackoff::new(backoff));
    strategy.build().unwrap().decide(&attempt)
}

fn after(seconds: u64) -> RetryDecision {
    RetryDecision::Retry { after: Duration::from_secs(seconds) }
}

#[test]
fn seconds_are_waited_for() {
    assert_eq!(decide(&[(RETRY_AFTER, "7")]), after(7));
    assert_eq!(decide(&[(RETRY_AFTER, "0")]), after(0));
}

#[test]
fn dates_of_all_three_forms_are_waited_for() {
    for date in [
        "Sun, 06 Nov 1994 08:50:07 GMT",
        "Sunday, 06-Nov-94 08:50:07 GMT",
        "Sun Nov  6 08:50:07 1994",
    ] {
        assert_eq!(decide(&[(RETRY_AFTER, date)]), after(30), "{date}");
    }
}

#[test]
fn a_skewed_clock_cancels_out() {
    let skewed =
        [(RETRY_AFTER, "Sun, 06 Nov 2044 08:00:05 GMT"), (DATE, "Sun, 06 Nov 2044 08:00:00 GMT")];
    assert_eq!(decide(&skewed), after(5));
}

#[test]
fn the_past_is_now() {
    assert_eq!(decide(&[(RETRY_AFTER, "Sun, 06 Nov 1994 08:49:36 GMT")]), after(0));
}

#[test]
fn garbage_is_as_good_as_nothing() {
    for garbage in ["", "-1", "+1", "1.5", "soon", "1994-11-06T08:50:07Z"] {
        let decision = decide_with(&[(RETRY_AFTER, garbage)], 0.0, 3 * SECOND);
        assert_eq!(decision, after(3), "{garbage:?}");
    }
}

#[test]
fn it_counts_on_every_retried_status() {
    for status in [408, 425, 429, 500, 502, 503, 504, 529] {
        let decision =
            first(Method::GET, Outcome::Response(&response(status, &[(RETRY_AFTER, "9")])));
        let RetryDecision::Retry { after } = decision else { panic!("{decision:?}") };
        assert!(after >= 9 * SECOND, "{after:?} after {status}");
    }
    let mut headers = http::HeaderMap::new();
    headers.insert(RETRY_AFTER, "9".parse().unwrap());
    let raised = error(StatusError::new(StatusCode::SERVICE_UNAVAILABLE, headers, ""));
    let decision = first(Method::GET, Outcome::Error(&raised));
    assert!(matches!(decision, RetryDecision::Retry { after } if after >= 9 * SECOND));
}

#[test]
fn the_later_of_backoff_and_request_counts() {
    let seven = [(RETRY_AFTER, "7")];
    assert_eq!(decide_with(&seven, 0.0, 6 * SECOND), after(7));
    assert_eq!(decide_with(&seven, 0.0, 7 * SECOND), after(7));
    assert_eq!(decide_with(&seven, 0.0, 8 * SECOND), after(8));
}

#[test]
fn jitter_makes_it_later_by_a_tenth_at_most_and_never_earlier() {
    let ten = [(RETRY_AFTER, "10")];
    let waits = (0..100_u32).map(|step| match decide_with(&ten, f64::from(step) / 100.0, SECOND) {
        RetryDecision::Retry { after } => after,
        other => panic!("{other:?}"),
    });
    let waits: Vec<_> = waits.collect();
    assert!(waits.iter().all(|wait| (10 * SECOND..=11 * SECOND).contains(wait)), "{waits:?}");
    assert!(waits.is_sorted() && waits.first() < waits.last(), "{waits:?}");
}

#[test]
fn more_than_the_limit_is_given_up_at_once() {
    let asked = |seconds: &str| decide_with(&[(RETRY_AFTER, seconds)], 0.999, Duration::ZERO);
    assert!(is_retried(&asked("60")), "the limit itself is allowed, and its jitter");
    let (asked_for, limit) = (Duration::from_secs(3600), Duration::from_secs(60));
    let reason = GiveUpReason::RetryAfter { asked: asked_for, limit };
    assert_eq!(asked("3600"), RetryDecision::GiveUp { reason });
    let too_long = asked("99999999999999999999999999");
    assert!(matches!(too_long, RetryDecision::GiveUp { reason: GiveUpReason::RetryAfter { .. } }));
}

#[test]
fn the_limit_can_be_set() {
    let request = get();
    let decide = |limit, asked: &str| {
        let busy = response(503, &[(RETRY_AFTER, asked)]);
        let strategy = DefaultRetryStrategy::builder().max_retry_after(limit).build().unwrap();
        is_retried(&strategy.decide(&Attempt::new(&request, Outcome::Response(&busy))))
    };
    assert!(decide(Duration::MAX, "99999999999999999999"));
    assert!(decide(SECOND, "1"));
    assert!(!decide(SECOND, "2"));
    assert!(decide(Duration::ZERO, "0"));
    assert!(!decide(Duration::ZERO, "1"));
}

#[test]
fn beyond_the_deadline_is_given_up_at_once() {
    let strategy = DefaultRetryStrategy::default();
    let (request, busy) = (get(), response(503, &[(RETRY_AFTER, "10")]));
    let mut attempt = Attempt::new(&request, Outcome::Response(&busy));
    attempt.random = 0.0;
    attempt.remaining = Some(10 * SECOND);
    let reason = GiveUpReason::Deadline { wait: 10 * SECOND, remaining: 10 * SECOND };
    assert_eq!(strategy.decide(&attempt), RetryDecision::GiveUp { reason }, "at the deadline");
    attempt.remaining = Some(10 * SECOND + Duration::from_nanos(1));
    assert_eq!(strategy.decide(&attempt), after(10));
}

#[test]
fn what_the_server_asked_for_does_not_change_the_backoff() {
    let backoff = ExponentialBackoff::default();
    let strategy = DefaultRetryStrategy::builder().backoff(backoff).build().unwrap();
    let (request, busy) = (get(), response(503, &[(RETRY_AFTER, "1")]));
    let mut attempt = Attempt::new(&request, Outcome::Response(&busy));
    attempt.number = 2;
    attempt.previous_delay = Some(30 * SECOND);
    let wait = backoff_wait(&backoff, 2);
    assert_eq!(strategy.decide(&attempt), RetryDecision::Retry { after: wait });
}

fn backoff_wait(backoff: &ExponentialBackoff, number: u32) -> Duration {
    midil_http_core::Backoff::delay(backoff, &Retry::new(number))
}
