//! Whether jitter spreads as it should. The generator is seeded, so a bound that holds once holds always.

use midil_http_core::Random;

use super::*;

/// How many waits are drawn.
const COUNT: u32 = 20_000;

const SEEDS: [u64; 4] = [1, 2, 42, u64::MAX];

/// Waits of one retry, in seconds, with one random number after the other.
fn draw(backoff: &dyn Backoff, retry: Retry, seed: u64) -> Vec<f64> {
    let random = Random::seeded(seed);
    (0..COUNT).map(|_| backoff.delay(&retry.with_random(random.next())).as_secs_f64()).collect()
}

/// Whether these numbers look as if drawn evenly from between `least` and `most`: by their bounds, their mean and variance,
/// the test of Kolmogorov and Smirnov, and Pearson's chi-square over a hundred classes; all at a level of 0.1 %.
#[track_caller]
fn assert_uniform(mut waits: Vec<f64>, least: f64, most: f64) {
    let count = f64::from(u32::try_from(waits.len()).unwrap());
    let places: Vec<f64> = {
        waits.sort_by(f64::total_cmp);
        waits.iter().map(|wait| (wait - least) / (most - least)).collect()
    };
    let bounds = (places[0], places[places.len() - 1]);
    assert!(bounds.0 > -1e-6 && bounds.1 < 1.0 + 1e-6, "{bounds:?}");
    assert!(bounds.0 < 0.01 && bounds.1 > 0.99, "{bounds:?}: the ends are not reached");

    let mean = places.iter().sum::<f64>() / count;
    let deviation = (mean - 0.5).abs() * (12.0 * count).sqrt();
    assert!(deviation < 3.29, "a mean of {mean}");
    let variance = places.iter().map(|place| (place - mean).powi(2)).sum::<f64>() / count;
    assert!(
        (variance * 12.0 - 1.0).abs() < 3.29 * (0.8 / count).sqrt(),
        "a variance of {variance}"
    );

    let distance = places
        .iter()
        .zip(0_u32..)
        .map(|(place, before)| {
            let (before, after) = (f64::from(before) / count, f64::from(before + 1) / count);
            (place - before).max(after - place)
        })
        .fold(0.0, f64::max);
    assert!(distance * count.sqrt() < 1.95, "a distance of {distance}");

    let expected = count / 100.0;
    let below = |class: u32| match class {
        0 => 0,
        100 => places.len(),
        _ => places.partition_point(|place| *place < f64::from(class) / 100.0),
    };
    let statistic: f64 = (1..=100)
        .map(|class| {
            let found = u32::try_from(below(class) - below(class - 1)).unwrap();
            (f64::from(found) - expected).powi(2) / expected
        })
        .sum();
    assert!(statistic < 148.2, "a chi-square of {statistic} with 99 degrees of freedom");
}

#[test]
fn full_jitter_is_spread_evenly_from_nothing_to_its_ceiling() {
    for seed in SEEDS {
        for (number, ceiling) in [(1, 0.2), (2, 0.4), (5, 3.2), (10, 60.0), (u32::MAX, 60.0)] {
            let waits = draw(&FullJitterBackoff::default(), Retry::new(number), seed);
            assert_uniform(waits, 0.0, ceiling);
        }
    }
}

#[test]
fn jitter_is_spread_evenly_around_the_middle() {
    let backoff = |jitter| ExponentialBackoffWithJitter::try_new(SECOND, 2.0, MINUTE, jitter);
    for seed in SEEDS {
        for jitter in [0.1, 0.5, 1.0] {
            for (number, middle) in [(1, 1.0), (3, 4.0), (5, 16.0)] {
                let waits = draw(&backoff(jitter).unwrap(), Retry::new(number), seed);
                assert_uniform(waits, middle * (1.0 - jitter), middle * (1.0 + jitter));
            }
        }
    }
}

/// What would be above the cap is the cap; the rest is spread as ever.
#[test]
fn at_the_cap_half_of_the_waits_are_the_cap() {
    let backoff = ExponentialBackoffWithJitter::try_new(SECOND, 2.0, MINUTE, 0.5).unwrap();
    for seed in SEEDS {
        let waits = draw(&backoff, Retry::new(9), seed);
        let (capped, spread): (Vec<_>, Vec<_>) = waits.into_iter().partition(|wait| *wait == 60.0);
        let capped = f64::from(u32::try_from(capped.len()).unwrap()) / f64::from(COUNT);
        assert!((capped - 0.5).abs() < 3.29 * 0.5 / f64::from(COUNT).sqrt(), "{capped}");
        assert_uniform(spread, 30.0, 60.0);
    }
}

#[test]
fn decorrelated_waits_are_spread_evenly_up_to_three_times_the_last() {
    let backoff = DecorrelatedJitterBackoff::try_new(SECOND, MINUTE).unwrap();
    for seed in SEEDS {
        for (previous, most) in [(None, 3.0), (Some(5), 15.0), (Some(20), 60.0)] {
            let retry = Retry::new(2).with_previous(previous.map(Duration::from_secs));
            assert_uniform(draw(&backoff, retry, seed), 1.0, most);
        }
        let beyond = Retry::new(2).with_previous(Some(40 * SECOND));
        let (capped, spread): (Vec<_>, Vec<_>) =
            draw(&backoff, beyond, seed).into_iter().partition(|wait| *wait == 60.0);
        let (capped, expected) =
            (f64::from(u32::try_from(capped.len()).unwrap()) / f64::from(COUNT), 60.0 / 119.0);
        assert!((capped - expected).abs() < 3.29 * 0.5 / f64::from(COUNT).sqrt(), "{capped}");
        assert_uniform(spread, 1.0, 60.0);
    }
}

/// Clients that failed together: each has its own seed, and its first wait.
#[test]
fn clients_whose_seeds_are_neighbours_are_spread_as_well() {
    for first in [0, 1 << 40] {
        let wait = |seed: u64| {
            let random = Random::seeded(first + seed).next();
            FullJitterBackoff::default().delay(&Retry::new(1).with_random(random)).as_secs_f64()
        };
        assert_uniform((0..u64::from(COUNT)).map(wait).collect(), 0.0, 0.2);
    }
}

/// A wait says nothing of the next one, nor of the one after that.
#[test]
fn waits_of_one_client_hang_together_by_their_ceiling_alone() {
    for seed in SEEDS {
        let waits = draw(&FullJitterBackoff::default(), Retry::new(1), seed);
        for lag in 1..5 {
            let pairs = waits.iter().zip(&waits[lag..]);
            let products = pairs.map(|(one, other)| (one / 0.1 - 1.0) * (other / 0.1 - 1.0));
            let correlation = 3.0 * products.sum::<f64>() / f64::from(COUNT);
            assert!(correlation.abs() * f64::from(COUNT).sqrt() < 3.29, "{correlation} at {lag}");
        }
    }
}
