//! The percentile of the latest latencies, against sorting them.

use std::thread;

use futures_util::FutureExt;
use proptest::prelude::*;

use super::*;
use crate::hedge::latencies::{Latencies, SAMPLES};

const MEDIAN: Percentile = Percentile { part: 500_000, minimum_samples: 1 };

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

proptest! {
    #[test]
    fn it_is_what_sorting_the_latest_would_find(
        part in 1..1_000_000_u64,
        minimum_samples in 1..=512_u64,
        all in prop::collection::vec(1..10_000_000_u64, 1..2_000),
    ) {
        let (latencies, percentile) = (Latencies::new(), Percentile { part, minimum_samples });
        let mut found = None;
        for (index, micros) in all.iter().enumerate() {
            latencies.record(percentile, Duration::from_micros(*micros));
            let count = index + 1;
            let number = u64::try_from(count).unwrap();
            let is_due = number == minimum_samples
                || (number > minimum_samples && count % 32 == 0);
            if is_due {
                let mut latest = all[count.saturating_sub(SAMPLES)..count].to_vec();
                latest.sort_unstable();
                let length = u64::try_from(latest.len()).unwrap();
                let rank = (length * part).div_ceil(1_000_000).max(1);
                found = Some(Duration::from_micros(latest[usize::try_from(rank).unwrap() - 1]));
            }
            prop_assert_eq!(latencies.percentile(), found, "after {}", count);
            prop_assert_eq!(latencies.samples(), count.min(SAMPLES));
        }
    }
}

#[test]
fn extremes_are_no_harm() {
    let latencies = Latencies::new();
    latencies.record(MEDIAN, Duration::ZERO);
    assert_eq!(latencies.percentile(), Some(Duration::from_micros(1)), "less is not told apart");
    let latencies = Latencies::new();
    latencies.record(MEDIAN, Duration::MAX);
    assert_eq!(latencies.percentile(), Some(Duration::from_micros(u32::MAX.into())));
}

#[test]
fn many_threads_add_to_one_ring() {
    let latencies = Latencies::new();
    thread::scope(|scope| {
        for thread in 0..4 {
            let latencies = &latencies;
            scope.spawn(move || {
                for number in 0..10_000 {
                    latencies.record(MEDIAN, millis(100 + (number + thread) % 100));
                    // Whoever has the first may not have found it yet.
                    let seen = latencies.percentile().unwrap_or(millis(100));
                    assert!((millis(100)..millis(200)).contains(&seen), "{seen:?}");
                }
            });
        }
    });
    assert_eq!(latencies.samples(), SAMPLES);
}

#[test]
fn keys_that_are_not_used_are_forgotten() {
    let hedge = Hedge::builder().key(|head| head.url.path().into()).build().unwrap();
    let make = |key| HedgeLane::new(key, &hedge.0.rules);
    let touch = |name: &str| {
        hedge.0.lanes.find_or_make(name, make, HedgeLane::is_idle).touch();
    };
    for number in 0..10_000 {
        touch(&number.to_string());
        touch("often");
    }
    let keys: Vec<_> = hedge.states().map(|(key, _)| key).collect();
    assert!(keys.len() <= 1_024, "{}", keys.len());
    assert!(keys.iter().any(|key| &**key == "often"));
}

/// What calls to a key took is known for as long as it is called, however many others come and go.
#[test]
fn keys_that_are_used_are_kept() {
    let by_path = Hedge::builder().minimum_samples(1).key(|head| head.url.path().into());
    let hedge = by_path.build().unwrap();
    let healthy = |_: Request| async { Ok(http::Response::new(Body::empty())) };
    let call = |path: &str| {
        let request = Request::get(&format!("https://api.example.com{path}")).unwrap();
        let outcome = hedge.handle(request, Next::new(&healthy)).now_or_never();
        assert!(outcome.unwrap().is_ok());
    };
    for number in 0..2_000 {
        call(&format!("/{number}"));
        call("/used");
    }
    assert_eq!(hedge.state("/used").samples, SAMPLES);
}
