//! The simulation of the example `outage`, shorter and with fewer clients: the limits are kept, and they tell good from bad.
#![cfg(feature = "retry")]

#[allow(dead_code, reason = "what draws and counts is for the example alone")]
#[path = "../examples/outage/simulation/mod.rs"]
mod simulation;

use simulation::{Figure, Fleet, Measure, Outage, Policy, Times, simulate};

const SEED: u64 = 7;

/// The part of the example's fleets that will do: where a few calls in a second are counted, more of them.
fn part(outage: Outage) -> u32 {
    if outage == Outage::Blip { 5 } else { 20 }
}

fn run(fleet: Fleet, outage: Outage, policy: Policy, seed: u64) -> Measure {
    simulate(fleet.part(part(outage)), outage, policy, Times::SHORT, seed)
        .expect("clients can be built")
}

/// Whether the limit of that outage is kept, and what there is to say of it.
fn keeps(fleet: Fleet, outage: Outage, policy: Policy) -> (bool, String) {
    let figure = Figure::of(outage, &run(fleet, outage, policy, SEED), Times::SHORT);
    let limit = Figure::limit(outage);
    let (policy, outage) = (policy.name(), outage.name());
    let Fleet { clients, calls_per_second } = fleet;
    let told = format!(
        "a part of {clients} × {calls_per_second}, {policy}, {outage}: {figure}, limit {limit}"
    );
    (figure.keeps(limit), told)
}

fn keeps_all(fleet: Fleet, policy: Policy) {
    for outage in Outage::ALL {
        let (kept, told) = keeps(fleet, outage, policy);
        assert!(kept, "{told}");
    }
}

#[test]
fn many_clients_keep_the_limits() {
    keeps_all(Fleet::MANY, Policy::Ours);
}

#[test]
fn few_clients_keep_the_limits() {
    keeps_all(Fleet::FEW, Policy::Ours);
}

#[test]
fn many_clients_with_a_breaker_keep_the_limits() {
    keeps_all(Fleet::MANY, Policy::OursAndBreaker);
}

#[test]
fn few_clients_with_a_breaker_keep_the_limits() {
    keeps_all(Fleet::FEW, Policy::OursAndBreaker);
}

/// Or it would say nothing that the others keep them.
#[test]
fn each_limit_is_lost_by_some_policy() {
    for (fleet, outage, policy) in [
        (Fleet::MANY, Outage::AllFail, Policy::NoBudget),
        (Fleet::MANY, Outage::AllFail, Policy::Aws),
        (Fleet::MANY, Outage::HalfFail, Policy::None),
        (Fleet::FEW, Outage::HalfFail, Policy::Aws),
        (Fleet::FEW, Outage::HalfFail, Policy::Ratio),
        (Fleet::MANY, Outage::AllHang, Policy::NoBudget),
        (Fleet::MANY, Outage::Overload, Policy::NoBudget),
        (Fleet::MANY, Outage::TenthFails, Policy::None),
        (Fleet::MANY, Outage::Blip, Policy::None),
        (Fleet::FEW, Outage::Blip, Policy::Aws),
    ] {
        let (kept, told) = keeps(fleet, outage, policy);
        assert!(!kept, "{told}");
    }
}

#[test]
fn the_same_seed_has_the_same_outcome() {
    let outcome = |seed| {
        let measure = run(Fleet::MANY, Outage::HalfFail, Policy::OursAndBreaker, seed);
        (measure.attempts_over_time(1), measure.success_over_time(1))
    };
    let first = outcome(SEED);
    assert_eq!(first, outcome(SEED));
    assert_ne!(first, outcome(SEED + 1));
}
