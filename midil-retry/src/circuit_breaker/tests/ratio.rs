//! The ratio of the failures in the window, for as long as a service runs.

use super::super::*;

/// Milliseconds of a circuit's time.
const MILLI: u64 = 1_000_000;

/// A circuit of these rules, and the time.
struct Scene {
    rules: Rules,
    circuit: Circuit,
    now: u64,
}

impl Scene {
    fn new(builder: CircuitBreakerBuilder) -> Self {
        let rules = builder.build().unwrap().0.rules.clone();
        let circuit = Circuit::new("key".into(), 0, Phase::Closed { failures: 0 });
        Self { rules, circuit, now: 0 }
    }

    fn call(&self, verdict: Verdict) -> Option<Change> {
        let (ticket, _) = self.circuit.admit(&self.rules, || self.now).unwrap();
        self.circuit.settle(&self.rules, ticket, verdict, || self.now)
    }

    /// Fills each place of the window with calls that go well.
    fn go_well(&mut self) {
        for _ in 0..40 {
            self.call(Verdict::Success);
            self.now += 250 * MILLI;
        }
    }

    /// Whether it opens when everything fails.
    fn opens(&mut self) -> bool {
        (0..200).any(|_| {
            self.now += 50 * MILLI;
            self.call(Verdict::Failure).is_some()
        })
    }

    /// So many probes that fail, and one that goes well.
    fn recover_after(&mut self, probes: u32) {
        for probe in 0..=probes {
            self.now += 500 * MILLI;
            let verdict = if probe == probes { Verdict::Success } else { Verdict::Failure };
            assert!(self.call(verdict).is_some());
        }
        assert_eq!(self.circuit.state(), CircuitState::Closed);
    }
}

/// Half of the calls of 5 s, and half a second.
fn half_of_five_seconds() -> CircuitBreakerBuilder {
    let half = CircuitBreaker::builder().failure_ratio(0.5).minimum_calls(10);
    half.window(Duration::from_secs(5)).recovery_timeout(Duration::from_millis(500))
}

#[test]
fn after_an_outage_however_long_it_opens_again() {
    for probes in (0..300).chain([1_000, 5_000]) {
        let mut scene = Scene::new(half_of_five_seconds());
        scene.go_well();
        assert!(scene.opens());
        scene.recover_after(probes);
        assert!(scene.opens(), "not after an outage of {probes} probes");
    }
}

#[test]
fn so_it_does_within_one_step_of_a_long_window() {
    for probes in [0, 63, 64, 100, 120, 127, 128, 200, 255, 300] {
        let mut scene = Scene::new(half_of_five_seconds().window(Duration::from_secs(24 * 3600)));
        assert!(scene.opens());
        scene.recover_after(probes);
        assert!(scene.opens(), "not after an outage of {probes} probes");
    }
}

#[test]
fn after_any_silence_it_opens_again() {
    const DAY: u64 = 24 * 3600 * 1_000 * MILLI;
    for days in (1..200).chain([365, 3_650]) {
        let mut scene = Scene::new(half_of_five_seconds());
        scene.go_well();
        scene.now += days * DAY;
        assert!(scene.opens(), "not after {days} days");
    }
}

/// What failed before the silence is no part of the window after it.
#[test]
fn what_was_before_a_silence_is_forgotten_however_long_it_was() {
    let turn = 500 * MILLI;
    for silence in (1..30).map(|bits| 1_u64 << bits).chain([10, 100, 1_000]) {
        let mut scene = Scene::new(half_of_five_seconds());
        (0..9).for_each(|_| assert!(scene.call(Verdict::Failure).is_none()));
        scene.now += silence.max(10) * turn;
        assert!(scene.call(Verdict::Failure).is_none(), "after {silence} steps");
    }
}

/// The ratio is that of the whole numbers: 7 of 100 are 0.07, though 0.07 × 100 is more than 7 in binary.
#[test]
fn it_opens_at_the_very_ratio() {
    for (failures, calls) in [(7, 100), (1, 3), (14, 100), (28, 100), (29, 50), (2, 3), (1, 1)] {
        let part = f64::from(failures) / f64::from(calls);
        let builder = CircuitBreaker::builder().failure_ratio(part).minimum_calls(calls);
        let scene = Scene::new(builder);
        (0..calls - failures).for_each(|_| assert!(scene.call(Verdict::Success).is_none()));
        (1..failures).for_each(|_| assert!(scene.call(Verdict::Failure).is_none()));
        assert!(scene.call(Verdict::Failure).is_some(), "{failures} of {calls}");
    }
}

#[test]
fn the_most_calls_that_may_be_asked_for_may_come_at_once() {
    let refused = CircuitBreaker::builder().failure_ratio(1.0).minimum_calls(u32::MAX).build();
    let refused = refused.unwrap_err().to_string();
    let most = refused.rsplit(' ').next().unwrap().parse().unwrap();
    let scene = Scene::new(CircuitBreaker::builder().failure_ratio(1.0).minimum_calls(most));
    let calls = (0..2 * most).position(|_| scene.call(Verdict::Failure).is_some());
    assert_eq!(calls.and_then(|calls| u32::try_from(calls + 1).ok()), Some(most));
}
