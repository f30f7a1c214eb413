//! Many threads, one circuit.

use std::sync::Barrier;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::super::*;

const THREADS: u32 = 8;
const TURNS: u32 = 2_000;

fn rules(threshold: u32, probes: u32) -> Rules {
    Rules { threshold: Some(threshold), ratio: None, recovery: Duration::from_secs(1), probes }
}

/// Runs the same on all threads at once.
fn hammer(work: impl Fn(u32) + Sync) {
    let start = Barrier::new(usize::try_from(THREADS).unwrap());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                (0..TURNS).for_each(&work);
            });
        }
    });
}

/// A circuit that is open, its recovery timeout over at 2 s.
fn recovering(rules: &Rules) -> Circuit {
    let circuit = Circuit::new("key".into(), 0, Phase::Closed { failures: 0 });
    let (ticket, _) = circuit.admit(rules, || 0).unwrap();
    assert!(circuit.settle(rules, ticket, Verdict::Failure, || 0).is_some());
    circuit
}

#[test]
fn never_more_probes_than_there_may_be_and_no_permit_is_lost() {
    let rules = rules(1, 3);
    let circuit = recovering(&rules);
    let (in_flight, most) = (AtomicU32::new(0), AtomicU32::new(0));
    hammer(|_| {
        if let Ok((ticket, _)) = circuit.admit(&rules, || 2_000_000_000) {
            most.fetch_max(in_flight.fetch_add(1, SeqCst) + 1, SeqCst);
            std::thread::yield_now();
            in_flight.fetch_sub(1, SeqCst);
            circuit.settle(&rules, ticket, Verdict::Ignore, || 2_000_000_000);
        }
    });
    assert!((1..=3).contains(&most.into_inner()));
    for _ in 0..3 {
        assert!(circuit.admit(&rules, || 2_000_000_000).is_ok(), "a permit was lost");
    }
    assert!(circuit.admit(&rules, || 2_000_000_000).is_err());
}

#[test]
fn every_change_is_told_once() {
    let rules = rules(3, 1);
    let circuit = Circuit::new("key".into(), 0, Phase::Closed { failures: 0 });
    let (clock, changes) = (AtomicU64::new(0), std::sync::Mutex::new(Vec::new()));
    let note = |change: Option<Change>| changes.lock().unwrap().extend(change);
    hammer(|turn| {
        let now = || clock.fetch_add(1_000_000, SeqCst);
        if let Ok((ticket, change)) = circuit.admit(&rules, now) {
            note(change);
            let verdict = if turn % 5 == 0 { Verdict::Success } else { Verdict::Failure };
            note(circuit.settle(&rules, ticket, verdict, now));
        }
    });
    let changes = changes.into_inner().unwrap();
    let count =
        |from, to| changes.iter().filter(|change| (change.from, change.to) == (from, to)).count();
    let opened = count(CircuitState::Closed, CircuitState::Open);
    let failed = count(CircuitState::HalfOpen, CircuitState::Open);
    let probed = count(CircuitState::Open, CircuitState::HalfOpen);
    let closed = count(CircuitState::HalfOpen, CircuitState::Closed);
    assert_eq!(opened + failed + probed + closed, changes.len());
    assert!(opened > 0 && probed > 0, "{changes:?}");
    let state = circuit.state();
    assert_eq!(opened + failed - probed, usize::from(state == CircuitState::Open));
    assert_eq!(probed - failed - closed, usize::from(state == CircuitState::HalfOpen));
}

/// Whoever forces a circuit has the last word over the probes and calls that are under way.
#[test]
fn what_is_under_way_cannot_undo_what_was_forced() {
    let rules = rules(1, 1);
    for _ in 0..TURNS {
        for (phase, forced) in [
            (Phase::ForcedOpen, CircuitState::ForcedOpen),
            (Phase::ForcedClosed, CircuitState::ForcedClosed),
            (Phase::Closed { failures: 0 }, CircuitState::Closed),
        ] {
            let circuit = recovering(&rules);
            let (probe, _) = circuit.admit(&rules, || 2_000_000_000).unwrap();
            let start = Barrier::new(2);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    start.wait();
                    circuit.settle(&rules, probe, Verdict::Failure, || 2_000_000_000)
                });
                start.wait();
                circuit.force(phase, StateChangeReason::Forced);
            });
            assert_eq!(circuit.state(), forced);
            circuit.force(Phase::Closed { failures: 0 }, StateChangeReason::Reset);
            let (ticket, _) = circuit.admit(&rules, || 2_000_000_000).unwrap();
            let change = circuit.settle(&rules, ticket, Verdict::Failure, || 2_000_000_000);
            assert_eq!(change.map(|change| change.to), Some(CircuitState::Open));
        }
    }
}

#[test]
fn a_new_key_gets_one_circuit_whoever_comes_first() {
    for round in 0..200 {
        let circuits = Circuits::new();
        let start = Barrier::new(4);
        let key = format!("key {round}");
        let all: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        circuits.find_or_make(&key)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(all.iter().all(|circuit| Arc::ptr_eq(circuit, &all[0])));
    }
}

/// Who forces all circuits forces those, too, that others make at this moment.
#[test]
fn no_new_key_slips_through_what_is_forced_for_all() {
    for round in 0..300 {
        let circuits = Circuits::new();
        let start = Barrier::new(3);
        std::thread::scope(|scope| {
            for thread in 0..2 {
                let (circuits, start) = (&circuits, &start);
                scope.spawn(move || {
                    start.wait();
                    for key in 0..40 {
                        circuits.find_or_make(&format!("{thread} {key}"));
                    }
                });
            }
            start.wait();
            (0..round % 100).for_each(|_| std::hint::spin_loop());
            circuits.force_all(Initial::ForcedOpen, StateChangeReason::Forced, |_, _| {});
        });
        let mut states = circuits.iter().map(|circuit| circuit.state());
        assert!(states.all(|state| state == CircuitState::ForcedOpen), "round {round}");
    }
}
