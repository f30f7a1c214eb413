//! A circuit in every order that its threads can take, by `loom`:
//! `RUSTFLAGS="--cfg midil_loom" cargo test -p midil-retry --lib loom`.

use loom::sync::Arc;
use loom::sync::atomic::AtomicU32;
use loom::sync::atomic::Ordering::{Relaxed, SeqCst};
use loom::thread;

use super::*;

const SECOND: u64 = 1_000_000_000;

fn rules(threshold: u32, probes: u32) -> Rules {
    Rules { threshold: Some(threshold), ratio: None, recovery: Duration::from_secs(1), probes }
}

fn closed() -> Circuit {
    Circuit::new("key".into(), 0, Phase::Closed { failures: 0 })
}

/// A circuit that is open until second 1.
fn opened(rules: &Rules) -> Circuit {
    let circuit = closed();
    let (ticket, _) = circuit.admit(rules, || 0).unwrap();
    assert!(circuit.settle(rules, ticket, Verdict::Failure, || 0).is_some());
    circuit
}

#[test]
fn one_probe_at_once_and_its_permit_comes_back() {
    loom::model(|| {
        let rules = rules(1, 1);
        let circuit = Arc::new(opened(&rules));
        let in_flight = Arc::new(AtomicU32::new(0));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (circuit, in_flight) = (Arc::clone(&circuit), Arc::clone(&in_flight));
                let rules = rules.clone();
                thread::spawn(move || {
                    if let Ok((ticket, _)) = circuit.admit(&rules, || SECOND) {
                        assert_eq!(in_flight.fetch_add(1, SeqCst), 0, "two probes at once");
                        in_flight.fetch_sub(1, SeqCst);
                        circuit.settle(&rules, ticket, Verdict::Ignore, || SECOND);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(circuit.admit(&rules, || SECOND).is_ok(), "the permit was lost");
        assert!(circuit.admit(&rules, || SECOND).is_err());
    });
}

#[test]
fn of_two_probes_one_that_fails_opens_the_circuit() {
    loom::model(|| {
        let rules = rules(1, 2);
        let circuit = Arc::new(opened(&rules));
        let threads: Vec<_> = [Verdict::Success, Verdict::Failure]
            .into_iter()
            .map(|verdict| {
                let (circuit, rules) = (Arc::clone(&circuit), rules.clone());
                thread::spawn(move || {
                    let (ticket, first) = circuit.admit(&rules, || SECOND).ok()?;
                    let change = circuit.settle(&rules, ticket, verdict, || SECOND);
                    Some((first.is_some(), change))
                })
            })
            .collect();
        let told: Vec<_> =
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(circuit.state(), CircuitState::Open);
        assert_eq!(told.iter().filter(|(first, _)| *first).count(), 1);
        assert_eq!(told.iter().filter(|(_, change)| change.is_some()).count(), 1);
    });
}

#[test]
fn two_probes_that_go_well_close_it_once() {
    loom::model(|| {
        let rules = rules(1, 2);
        let circuit = Arc::new(opened(&rules));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (circuit, rules) = (Arc::clone(&circuit), rules.clone());
                thread::spawn(move || {
                    let (ticket, _) = circuit.admit(&rules, || SECOND).unwrap();
                    circuit.settle(&rules, ticket, Verdict::Success, || SECOND)
                })
            })
            .collect();
        let changes = threads.into_iter().filter_map(|thread| thread.join().unwrap()).count();
        assert_eq!((circuit.state(), changes), (CircuitState::Closed, 1));
    });
}

#[test]
fn failures_at_once_all_count_and_are_told_once() {
    loom::model(|| {
        let rules = rules(2, 1);
        let circuit = Arc::new(closed());
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (circuit, rules) = (Arc::clone(&circuit), rules.clone());
                thread::spawn(move || {
                    let (ticket, _) = circuit.admit(&rules, || 0).unwrap();
                    circuit.settle(&rules, ticket, Verdict::Failure, || 0)
                })
            })
            .collect();
        let changes = threads.into_iter().filter_map(|thread| thread.join().unwrap()).count();
        assert_eq!((circuit.state(), changes), (CircuitState::Open, 1));
    });
}

#[test]
fn failures_at_once_all_count_for_the_ratio() {
    loom::model(|| {
        let ratio = Some(Ratio { part: 1.0, minimum_calls: 2, turn: SECOND });
        let rules = Rules { threshold: None, ratio, ..rules(1, 1) };
        let circuit = Arc::new(closed());
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (circuit, rules) = (Arc::clone(&circuit), rules.clone());
                thread::spawn(move || {
                    let (ticket, _) = circuit.admit(&rules, || 0).unwrap();
                    circuit.settle(&rules, ticket, Verdict::Failure, || 0)
                })
            })
            .collect();
        let changes = threads.into_iter().filter_map(|thread| thread.join().unwrap()).count();
        assert_eq!((circuit.state(), changes), (CircuitState::Open, 1));
    });
}

#[test]
fn what_began_before_a_reset_has_no_say_after_it() {
    loom::model(|| {
        let ratio = Some(Ratio { part: 0.5, minimum_calls: 1, turn: SECOND });
        let rules = Rules { threshold: Some(2), ratio, ..rules(1, 1) };
        let circuit = Arc::new(closed());
        let (ticket, _) = circuit.admit(&rules, || 0).unwrap();
        let late = {
            let (circuit, rules) = (Arc::clone(&circuit), rules.clone());
            thread::spawn(move || circuit.settle(&rules, ticket, Verdict::Failure, || 0))
        };
        let reset = Phase::Closed { failures: 0 };
        circuit.force(reset, StateChangeReason::Reset);
        let fresh = circuit.load_for_tests();
        late.join().unwrap();
        assert_eq!(circuit.load_for_tests(), fresh, "a late failure counted");
        // The new generation's window is its own: one call, none of which failed.
        let (ticket, _) = circuit.admit(&rules, || 0).unwrap();
        circuit.settle(&rules, ticket, Verdict::Success, || 0);
        assert_eq!(circuit.state(), CircuitState::Closed);
        assert_eq!(circuit.totals_for_tests(0), (1, 0));
    });
}

#[test]
fn a_probe_that_is_dropped_makes_room_while_others_ask() {
    loom::model(|| {
        let rules = rules(1, 1);
        let circuit = Arc::new(opened(&rules));
        let (ticket, _) = circuit.admit(&rules, || SECOND).unwrap();
        let admitted = Arc::new(AtomicU32::new(0));
        let other = {
            let (circuit, rules) = (Arc::clone(&circuit), rules.clone());
            let admitted = Arc::clone(&admitted);
            thread::spawn(move || {
                if circuit.admit(&rules, || SECOND).is_ok() {
                    admitted.fetch_add(1, Relaxed);
                }
            })
        };
        circuit.settle(&rules, ticket, Verdict::Ignore, || SECOND);
        other.join().unwrap();
        if circuit.admit(&rules, || SECOND).is_ok() {
            admitted.fetch_add(1, Relaxed);
        }
        assert_eq!(admitted.load(Relaxed), 1);
    });
}
