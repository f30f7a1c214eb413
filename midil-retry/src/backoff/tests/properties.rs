//! What holds of all backoffs, whatever their settings and whatever the retry.

use proptest::prelude::*;

use super::*;

/// Any duration but zero, the longest ones as often as short ones.
fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::MAX),
        (0..=u64::MAX, 1..1_000_000_000_u32).prop_map(|(secs, nanos)| Duration::new(secs, nanos)),
        (1..=u64::MAX).prop_map(Duration::from_nanos),
    ]
}

fn numbers() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), Just(u32::MAX), 0..100_u32, any::<u32>()]
}

fn retries() -> impl Strategy<Value = Retry> {
    retries_with(0.0..1.0_f64)
}

fn retries_with(random: impl Strategy<Value = f64>) -> impl Strategy<Value = Retry> {
    (numbers(), random, proptest::option::of(durations())).prop_map(|(number, random, previous)| {
        Retry::new(number).with_random(random).with_previous(previous)
    })
}

/// Two durations in order, a multiplier, a jitter factor.
fn settings() -> impl Strategy<Value = (Duration, Duration, f64, f64)> {
    let multipliers = prop_oneof![Just(1.0), Just(f64::MAX), 1.0..10.0_f64];
    (durations(), durations(), multipliers, 0.0..=1.0_f64).prop_map(
        |(one, other, multiplier, jitter)| (one.min(other), one.max(other), multiplier, jitter),
    )
}

/// All backoffs that have these settings.
fn all((base, cap, multiplier, jitter): (Duration, Duration, f64, f64)) -> [Box<dyn Backoff>; 4] {
    [
        Box::new(ExponentialBackoff::try_new(base, multiplier, cap).unwrap()),
        Box::new(ExponentialBackoffWithJitter::try_new(base, multiplier, cap, jitter).unwrap()),
        Box::new(FullJitterBackoff::try_new(base, multiplier, cap).unwrap()),
        Box::new(DecorrelatedJitterBackoff::try_new(base, cap).unwrap()),
    ]
}

proptest! {
    /// Whatever a caller's own generator yields, too.
    #[test]
    fn no_wait_is_above_the_cap(
        settings in settings(),
        retry in retries_with(proptest::num::f64::ANY),
    ) {
        let cap = settings.1;
        for backoff in all(settings) {
            prop_assert!(backoff.delay(&retry) <= cap);
        }
        prop_assert_eq!(FixedDelayBackoff::new(cap).delay(&retry), cap);
    }

    #[test]
    fn the_same_retry_waits_the_same(settings in settings(), retry in retries()) {
        for backoff in all(settings) {
            prop_assert_eq!(backoff.delay(&retry), backoff.delay(&retry));
        }
    }

    /// So that quantiles of a wait are those of its random number.
    #[test]
    fn a_larger_random_number_never_waits_less(
        settings in settings(),
        retry in retries(),
        other in 0.0..1.0_f64,
    ) {
        let (less, more) = (retry.random.min(other), retry.random.max(other));
        for backoff in all(settings) {
            let wait = |random| backoff.delay(&retry.with_random(random));
            prop_assert!(wait(less) <= wait(more));
        }
    }

    #[test]
    fn full_jitter_waits_no_longer_than_without_jitter(
        (base, cap, multiplier, _) in settings(),
        retry in retries(),
    ) {
        let ceiling = ExponentialBackoff::try_new(base, multiplier, cap).unwrap().delay(&retry);
        let backoff = FullJitterBackoff::try_new(base, multiplier, cap).unwrap();
        prop_assert!(backoff.delay(&retry) <= ceiling);
        prop_assert_eq!(backoff.delay(&retry.with_random(0.0)), Duration::ZERO);
    }

    #[test]
    fn what_is_no_good_number_is_refused_and_what_is_good_is_not(
        multiplier in proptest::num::f64::ANY,
        jitter in proptest::num::f64::ANY,
    ) {
        let good = multiplier.is_finite() && multiplier >= 1.0;
        prop_assert_eq!(ExponentialBackoff::try_new(SECOND, multiplier, MINUTE).is_ok(), good);
        prop_assert_eq!(FullJitterBackoff::try_new(SECOND, multiplier, MINUTE).is_ok(), good);
        let good = (0.0..=1.0).contains(&jitter);
        let made = ExponentialBackoffWithJitter::try_new(SECOND, 2.0, MINUTE, jitter);
        prop_assert_eq!(made.is_ok(), good);
    }

    #[test]
    fn bounds_are_refused_exactly_when_they_cannot_be(
        base in prop_oneof![Just(Duration::ZERO), durations()],
        cap in prop_oneof![Just(Duration::ZERO), durations()],
    ) {
        let good = !base.is_zero() && cap >= base;
        prop_assert_eq!(ExponentialBackoff::try_new(base, 2.0, cap).is_ok(), good);
        prop_assert_eq!(ExponentialBackoffWithJitter::try_new(base, 2.0, cap, 0.1).is_ok(), good);
        prop_assert_eq!(FullJitterBackoff::try_new(base, 2.0, cap).is_ok(), good);
        prop_assert_eq!(DecorrelatedJitterBackoff::try_new(base, cap).is_ok(), good);
    }

    #[test]
    fn exponential_waits_never_shrink(
        (base, cap, multiplier, _) in settings(),
        number in 1..u32::MAX,
    ) {
        let backoff = ExponentialBackoff::try_new(base, multiplier, cap).unwrap();
        let wait = |number| backoff.delay(&Retry::new(number));
        prop_assert!(wait(number) <= wait(number + 1));
    }

    #[test]
    fn jitter_stays_within_its_factor(
        number in 1..40_u32,
        random in 0.0..1.0_f64,
        jitter in 0.0..=1.0_f64,
    ) {
        let (base, cap) = (Duration::from_millis(200), MINUTE);
        let middle = ExponentialBackoff::try_new(base, 2.0, cap).unwrap().delay(&Retry::new(number));
        let backoff = ExponentialBackoffWithJitter::try_new(base, 2.0, cap, jitter).unwrap();
        let wait = backoff.delay(&Retry::new(number).with_random(random));
        let nanosecond = Duration::from_nanos(2);
        prop_assert!(wait + nanosecond >= middle.mul_f64(1.0 - jitter));
        prop_assert!(wait <= middle.mul_f64(1.0 + jitter) + nanosecond);
    }

    #[test]
    fn decorrelated_waits_are_between_the_base_and_three_times_the_last(retry in retries()) {
        let backoff = DecorrelatedJitterBackoff::default();
        let (base, cap) = (Duration::from_millis(200), MINUTE);
        let most = retry.previous.unwrap_or(base).saturating_mul(3).clamp(base, cap);
        prop_assert!((base..=most).contains(&backoff.delay(&retry)));
    }
}
