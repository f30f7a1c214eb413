//! The waits of all backoffs, and what they refuse.

mod distributions;
mod properties;

use midil_http_core::{Backoff, Error, Retry};

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn problem<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result.unwrap_err() {
        Error::Build(error) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn exponential_waits_grow_up_to_the_cap() {
    let backoff = ExponentialBackoff::default();
    let waits = [1, 2, 3, 4, 5, 6, 7, 8, u32::MAX].map(|number| backoff.delay(&Retry::new(number)));
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60].map(Duration::from_secs));
}

#[test]
fn jitter_goes_both_ways_but_not_above_the_cap() {
    let backoff = ExponentialBackoffWithJitter::try_new(SECOND, 2.0, MINUTE, 0.5).unwrap();
    let wait = |number, random| backoff.delay(&Retry::new(number).with_random(random));
    assert_eq!(wait(2, 0.0), SECOND);
    assert_eq!(wait(2, 0.5), 2 * SECOND);
    assert_eq!(wait(2, 0.999_999_999), Duration::from_nanos(2_999_999_998));
    assert_eq!(wait(9, 0.0), MINUTE / 2);
    assert_eq!(wait(9, 0.9), MINUTE, "60 s + 40 % is above the cap");
}

#[test]
fn the_defaults_are_those_of_the_docs() {
    let wait = |backoff: &dyn Backoff, number, random| {
        backoff.delay(&Retry::new(number).with_random(random)).as_millis()
    };
    assert_eq!(wait(&ExponentialBackoff::default(), 1, 0.5), 1_000);
    assert_eq!(wait(&ExponentialBackoffWithJitter::default(), 1, 0.0), 900);
    assert_eq!(wait(&FullJitterBackoff::default(), 1, 0.5), 100);
    assert_eq!(wait(&FullJitterBackoff::default(), 2, 0.5), 200);
    assert_eq!(wait(&FullJitterBackoff::default(), 30, 0.5), 30_000);
    assert_eq!(wait(&DecorrelatedJitterBackoff::default(), 1, 0.5), 400);
}

#[test]
fn decorrelated_waits_hang_on_the_last_one_not_on_the_number() {
    let backoff = DecorrelatedJitterBackoff::try_new(SECOND, MINUTE).unwrap();
    let wait = |number, previous, random| {
        let previous = Some(Duration::from_secs(previous));
        backoff.delay(&Retry::new(number).with_previous(previous).with_random(random))
    };
    assert_eq!(backoff.delay(&Retry::new(1)), 2 * SECOND, "half-way from 1 s to 3 s");
    assert_eq!(wait(2, 10, 0.5), Duration::from_millis(15_500));
    assert_eq!(wait(9, 10, 0.5), Duration::from_millis(15_500));
    assert_eq!(wait(2, 10, 0.0), SECOND);
    assert_eq!(wait(2, 0, 0.9), SECOND, "never below the base, even after no wait at all");
    assert_eq!(wait(2, u64::MAX, 0.9), MINUTE);
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let base = "base_delay is zero: give a positive duration, or use FixedDelayBackoff for no wait";
    let cap = "max_delay is 500ms, below base_delay (1s): raise it, or lower that";
    let half = SECOND / 2;
    assert_eq!(problem(ExponentialBackoff::try_new(Duration::ZERO, 2.0, MINUTE)), base);
    assert_eq!(problem(FullJitterBackoff::try_new(Duration::ZERO, 2.0, MINUTE)), base);
    assert_eq!(problem(DecorrelatedJitterBackoff::try_new(Duration::ZERO, MINUTE)), base);
    assert_eq!(problem(ExponentialBackoff::try_new(SECOND, 2.0, half)), cap);
    assert_eq!(problem(FullJitterBackoff::try_new(SECOND, 2.0, half)), cap);
    assert_eq!(problem(DecorrelatedJitterBackoff::try_new(SECOND, half)), cap);
    assert_eq!(problem(ExponentialBackoffWithJitter::try_new(SECOND, 2.0, half, 0.1)), cap);

    for (multiplier, shown) in [
        (f64::NAN, "NaN"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (-2.0, "-2"),
        (0.0, "0"),
        (0.5, "0.5"),
    ] {
        let expected = format!("multiplier is {shown}: give a finite number of at least 1");
        assert_eq!(problem(ExponentialBackoff::try_new(SECOND, multiplier, MINUTE)), expected);
        assert_eq!(problem(FullJitterBackoff::try_new(SECOND, multiplier, MINUTE)), expected);
    }
    for (jitter, shown) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (-0.1, "-0.1"), (1.1, "1.1")]
    {
        let refused = ExponentialBackoffWithJitter::try_new(SECOND, 2.0, MINUTE, jitter);
        assert_eq!(
            problem(refused),
            format!("jitter_factor is {shown}: give a number from 0 to 1")
        );
    }
}
