//! Which circuits are kept.

use super::super::*;

const RULES: Rules =
    Rules { threshold: Some(2), ratio: None, recovery: Duration::from_secs(1), probes: 1 };

fn fail(circuit: &Circuit) {
    let (ticket, _) = circuit.admit(&RULES, || 0).unwrap();
    circuit.settle(&RULES, ticket, Verdict::Failure, || 0);
}

fn named(number: u32) -> String {
    format!("tenant {number}")
}

#[test]
fn memory_is_bounded() {
    let circuits = Circuits::new();
    for number in 0..20_000 {
        circuits.find_or_make(&named(number));
    }
    assert_eq!(circuits.iter().count(), 512);
}

#[test]
fn healthy_circuits_are_forgotten_before_others() {
    let circuits = Circuits::new();
    for number in 0..30 {
        let circuit = circuits.find_or_make(&named(number));
        match number % 3 {
            0 => fail(&circuit),
            1 => (0..2).for_each(|_| fail(&circuit)),
            _ => drop(circuit.force(Phase::ForcedOpen, StateChangeReason::Forced)),
        }
    }
    for number in 1_000..20_000 {
        circuits.find_or_make(&named(number));
    }
    let kept = (0..30).filter(|number| circuits.find(&named(*number)).is_some());
    assert_eq!(kept.count(), 30);
}

#[test]
fn whoever_is_under_way_keeps_a_circuit_that_was_forgotten() {
    let circuits = Circuits::new();
    let circuit = circuits.find_or_make("first");
    for number in 0..20_000 {
        circuits.find_or_make(&named(number));
    }
    assert!(circuits.find("first").is_none());
    (0..2).for_each(|_| fail(&circuit));
    assert_eq!(circuit.state(), CircuitState::Open);
    assert_eq!(circuits.find_or_make("first").state(), CircuitState::Closed);
}

#[test]
fn all_are_forced_those_to_come_as_well() {
    let circuits = Circuits::new();
    let circuit = circuits.find_or_make("before");
    let told = std::cell::Cell::new(0);
    let tell = |_: &Circuit, _| told.set(told.get() + 1);
    circuits.force_all(Initial::ForcedOpen, StateChangeReason::Forced, tell);
    assert_eq!(circuit.state(), CircuitState::ForcedOpen);
    assert_eq!(circuits.find_or_make("after").state(), CircuitState::ForcedOpen);
    circuits.force_all(Initial::ForcedOpen, StateChangeReason::Forced, tell);
    assert_eq!(told.get(), 1, "only changes are told");
    circuits.force_all(Initial::Closed, StateChangeReason::Reset, tell);
    assert_eq!(told.get(), 3);
    assert_eq!(circuits.find_or_make("later").state(), CircuitState::Closed);
}

/// Failures in the window are worth as much as failures in a row.
#[test]
fn who_has_failures_in_its_window_is_not_as_good_as_new() {
    let ratio = Ratio { part: 0.5, minimum_calls: 10, turn: 1_000_000_000 };
    let rules = Rules { threshold: None, ratio: Some(ratio), ..RULES };
    let circuits = Circuits::new();
    let circuit = circuits.find_or_make("first");
    let fail = || {
        let (ticket, _) = circuit.admit(&rules, || 0).unwrap();
        circuit.settle(&rules, ticket, Verdict::Failure, || 0)
    };
    assert!((0..9).all(|_| fail().is_none()));
    for number in 0..4_000 {
        circuits.find_or_make(&named(number));
    }
    assert!(circuits.find("first").is_some_and(|found| Arc::ptr_eq(&found, &circuit)));
    assert!(fail().is_some());
}

/// Where all circuits are held open, one that was reset by hand is an exception, and not as good as new.
#[test]
fn who_was_let_out_of_what_is_forced_stays_so() {
    for (initial, forced) in [
        (Initial::ForcedOpen, CircuitState::ForcedOpen),
        (Initial::ForcedClosed, CircuitState::ForcedClosed),
    ] {
        let circuits = Circuits::new();
        circuits.force_all(initial, StateChangeReason::Forced, |_, _| {});
        let reset = circuits.find_or_make("reset");
        reset.force(Phase::Closed { failures: 0 }, StateChangeReason::Reset);
        let failed = circuits.find_or_make("failed");
        failed.force(Phase::Closed { failures: 0 }, StateChangeReason::Reset);
        (0..2).for_each(|_| fail(&failed));
        for number in 0..4_000 {
            assert_eq!(circuits.find_or_make(&named(number)).state(), forced);
        }
        assert_eq!(circuits.find_or_make("reset").state(), CircuitState::Closed);
        assert_eq!(circuits.find_or_make("failed").state(), CircuitState::Open);
    }
}
