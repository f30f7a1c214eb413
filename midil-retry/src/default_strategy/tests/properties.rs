//! When a retry is made, whatever is asked for, by whom, and whatever time there is.

use http::header::{DATE, RETRY_AFTER};
use midil_http_core::{GiveUpReason, Random, full_jitter};
use proptest::prelude::*;

use super::*;
use crate::FixedDelayBackoff;

fn seconds() -> impl Strategy<Value = u64> {
    prop_oneof![0..100_u64, Just(u64::MAX), any::<u64>()]
}

fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::MAX),
        (0..100_u64).prop_map(Duration::from_secs),
        (0..100_000_000_000_u64).prop_map(Duration::from_nanos),
        (any::<u64>(), 0..1_000_000_000_u32).prop_map(|(secs, nanos)| Duration::new(secs, nanos)),
    ]
}

fn randoms() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), 0.0..1.0_f64]
}

/// What is decided after a 503 that asks for this wait.
fn decide(
    headers: &[(HeaderName, &str)],
    (backoff, limit, remaining): (Duration, Duration, Option<Duration>),
    random: f64,
) -> RetryDecision {
    let (request, busy) = (get(), response(503, headers));
    let mut attempt = Attempt::new(&request, Outcome::Response(&busy));
    (attempt.random, attempt.remaining) = (random, remaining);
    let strategy = DefaultRetryStrategy::builder()
        .backoff(FixedDelayBackoff::new(backoff))
        .max_retry_after(limit)
        .build()
        .unwrap();
    strategy.decide(&attempt)
}

proptest! {
    /// The whole contract: never earlier than asked, nor than the backoff says; up to a tenth later; at once given up where
    /// that is too long, or too late.
    #[test]
    fn a_retry_is_made_in_time_or_not_at_all(
        asked in proptest::option::of(seconds()),
        (backoff, limit) in (durations(), durations()),
        remaining in proptest::option::of(durations()),
        random in randoms(),
    ) {
        let text = asked.map(|asked| asked.to_string());
        let headers: Vec<_> = text.iter().map(|text| (RETRY_AFTER, text.as_str())).collect();
        let decision = decide(&headers, (backoff, limit, remaining), random);
        let asked = asked.map(Duration::from_secs);
        if let Some(asked) = asked.filter(|asked| *asked > limit) {
            let reason = GiveUpReason::RetryAfter { asked, limit };
            prop_assert_eq!(decision, RetryDecision::GiveUp { reason });
            return Ok(());
        }
        let wait = match decision {
            RetryDecision::Retry { after } => {
                prop_assert!(remaining.is_none_or(|remaining| after < remaining));
                after
            }
            RetryDecision::GiveUp { reason: GiveUpReason::Deadline { wait, remaining: left } } => {
                prop_assert_eq!(Some(left), remaining);
                prop_assert!(wait >= left);
                wait
            }
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        };
        let asked = asked.unwrap_or_default();
        let latest = backoff.max(asked.saturating_add(full_jitter(asked, 0.1)));
        prop_assert!(wait >= asked && wait >= backoff && wait <= latest, "{:?}", wait);
    }

    #[test]
    fn who_asks_for_more_never_gets_less(
        (one, other) in (seconds(), seconds()),
        backoff in durations(),
        random in randoms(),
    ) {
        let wait = |seconds: u64| {
            let text = seconds.to_string();
            let settings = (backoff, Duration::MAX, None);
            match decide(&[(RETRY_AFTER, &text)], settings, random) {
                RetryDecision::Retry { after } => after,
                other => panic!("{other:?}"),
            }
        };
        prop_assert!(wait(one.min(other)) <= wait(one.max(other)));
    }

    /// Server and client may each have any clock: what counts is the time between the two dates.
    #[test]
    fn a_date_is_as_good_as_seconds_whatever_the_clocks(
        sent in 0..4_000_000_000_u64,
        wait in 0..60_u64,
        clock in 0..4_000_000_000_u64,
        random in randoms(),
    ) {
        let date = |seconds| httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let (at, from, text) = (date(sent + wait), date(sent), wait.to_string());
        let clock = StoppedClock(Instant::now(), SystemTime::UNIX_EPOCH + Duration::from_secs(clock));
        let decide = |headers: &[(HeaderName, &str)]| {
            let (request, busy) = (get(), response(503, headers));
            let mut attempt = Attempt::new(&request, Outcome::Response(&busy)).on(&clock);
            attempt.random = random;
            DefaultRetryStrategy::default().decide(&attempt)
        };
        prop_assert_eq!(decide(&[(RETRY_AFTER, &at), (DATE, &from)]), decide(&[(RETRY_AFTER, &text)]));
    }
}

/// Those who were told the same do not come back as one.
#[test]
fn what_is_added_to_the_wait_is_spread_evenly_over_a_tenth() {
    let random = Random::seeded(7);
    let mut tenths = [0_u32; 10];
    for _ in 0..20_000 {
        let settings = (Duration::ZERO, Duration::MAX, None);
        match decide(&[(RETRY_AFTER, "10")], settings, random.next()) {
            RetryDecision::Retry { after } => {
                let added = (after - 10 * SECOND).as_millis();
                tenths[usize::try_from(added / 100).unwrap().min(9)] += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    let statistic: f64 =
        tenths.iter().map(|found| (f64::from(*found) - 2000.0).powi(2) / 2000.0).sum();
    assert!(statistic < 27.9, "{statistic} with 9 degrees of freedom: {tenths:?}");
}
