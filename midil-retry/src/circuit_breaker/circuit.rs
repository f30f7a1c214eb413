//! [`Circuit`]: the breaker of one key.

use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire};
use std::time::Duration;

use super::change::{CircuitState, StateChangeReason};
use super::state::{LATEST, MOST_PROBES, Phase, State};
use super::window::Window;
use super::{Rules, Verdict};
use crate::atomic::AtomicU64;

/// The breaker of one key, lock-free: one word decides, and every change of it is one compare-and-swap. Time is in
/// nanoseconds since any beginning.
#[derive(Debug)]
pub(super) struct Circuit {
    key: Arc<str>,
    /// How many were made before.
    born: u64,
    state: AtomicU64,
    /// When the last probe was let through, in milliseconds.
    probed: AtomicU64,
    window: Window,
}

/// The right of one call to go through. Its generation says what its outcome counts for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    generation: u32,
}

/// From one state into another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Change {
    pub(super) from: CircuitState,
    pub(super) to: CircuitState,
    pub(super) reason: StateChangeReason,
}

/// What becomes of a phase.
enum Step {
    Stay,
    /// The same phase, with other counts.
    Count(Phase),
    /// Another phase, and so another generation.
    Move(Phase),
}

const MILLISECOND: u64 = 1_000_000;

impl Circuit {
    pub(super) fn new(key: Arc<str>, born: u64, phase: Phase) -> Self {
        let state = AtomicU64::new(State { phase, generation: 0 }.pack());
        Self { key, born, state, probed: AtomicU64::new(0), window: Window::default() }
    }

    pub(super) const fn key(&self) -> &Arc<str> {
        &self.key
    }

    pub(super) fn state(&self) -> CircuitState {
        self.load().phase.into()
    }

    /// How much is lost when it is forgotten, where circuits begin in that phase: one that is in it and has counted nothing
    /// is as good as new.
    pub(super) fn worth(&self, initial: Phase) -> (u8, u64) {
        let state = self.load();
        let worth = match state.phase {
            phase if phase == initial && !self.window.has_failures(state.generation) => 0,
            Phase::Closed { .. } => 1,
            Phase::Open { .. } | Phase::HalfOpen { .. } => 2,
            Phase::ForcedOpen | Phase::ForcedClosed => 3,
        };
        (worth, self.born)
    }

    /// Lets a call through, or says how long until there is a chance.
    pub(super) fn admit(
        &self,
        rules: &Rules,
        now: impl Fn() -> u64,
    ) -> Result<(Ticket, Option<Change>), Duration> {
        let mut word = self.state.load(Acquire);
        loop {
            let state = State::unpack(word);
            let (next, reason) = match state.phase {
                Phase::Closed { .. } | Phase::ForcedClosed => {
                    return Ok((Ticket { generation: state.generation }, None));
                }
                Phase::ForcedOpen => return Err(Duration::MAX),
                Phase::Open { until } => {
                    refused_until(until, now())?;
                    let probing = Phase::HalfOpen { probes: 1, successes: 0 };
                    (state.moved(probing), Some(StateChangeReason::RecoveryTimeout))
                }
                Phase::HalfOpen { probes, successes } => {
                    if probes.saturating_add(successes) >= rules.probes {
                        // Whoever let a probe through may never tell what came of it.
                        refused_until(rules.recovered(self.probed.load(Acquire)), now())?;
                    }
                    if probes == MOST_PROBES {
                        return Err(rules.recovery);
                    }
                    let phase = Phase::HalfOpen { probes: probes + 1, successes };
                    (State { phase, ..state }, None)
                }
            };
            // Before the word, so that whoever sees this probe sees its time.
            self.probed.fetch_max(millis(now()), AcqRel);
            match self.state.compare_exchange(word, next.pack(), AcqRel, Acquire) {
                Ok(_) => {
                    let ticket = Ticket { generation: next.generation };
                    let change = reason.map(|reason| Change::new(state.phase, next.phase, reason));
                    return Ok((ticket, change));
                }
                Err(changed) => word = changed,
            }
        }
    }

    /// Takes in what a call came to, or that nobody will ever know.
    pub(super) fn settle(
        &self,
        rules: &Rules,
        ticket: Ticket,
        verdict: Verdict,
        now: impl Fn() -> u64,
    ) -> Option<Change> {
        match verdict {
            // How nearly all calls end: nothing to count, nothing to change.
            Verdict::Success
                if rules.ratio.is_none()
                    && self.state.load(Acquire) == State::flawless(ticket.generation) =>
            {
                None
            }
            Verdict::Success => self.succeed(rules, ticket, now),
            Verdict::Failure => self.fail(rules, ticket, now),
            Verdict::Ignore => {
                self.update(ticket, |phase| match phase {
                    Phase::HalfOpen { probes, successes } => {
                        Step::Count(Phase::HalfOpen { probes: probes.saturating_sub(1), successes })
                    }
                    _ => Step::Stay,
                });
                None
            }
        }
    }

    fn succeed(&self, rules: &Rules, ticket: Ticket, now: impl Fn() -> u64) -> Option<Change> {
        if let Some(ratio) = &rules.ratio
            && self.is_closed(ticket)
        {
            self.window.record(ticket.generation, now() / ratio.turn, false);
        }
        let (from, to) = self.update(ticket, |phase| match phase {
            Phase::Closed { failures: 0 } => Step::Stay,
            Phase::Closed { .. } => Step::Count(Phase::Closed { failures: 0 }),
            Phase::HalfOpen { probes, successes } => {
                let (probes, successes) = (probes.saturating_sub(1), successes.saturating_add(1));
                if successes >= rules.probes {
                    Step::Move(Phase::Closed { failures: 0 })
                } else {
                    Step::Count(Phase::HalfOpen { probes, successes })
                }
            }
            _ => Step::Stay,
        })?;
        Some(Change::new(from, to, StateChangeReason::ProbesSucceeded))
    }

    fn fail(&self, rules: &Rules, ticket: Ticket, now: impl Fn() -> u64) -> Option<Change> {
        let open = || Phase::Open { until: rules.recovered(millis(now())) };
        let moved = self.update(ticket, |phase| match (phase, rules.threshold) {
            (Phase::Closed { failures }, Some(threshold)) => {
                let failures = failures.saturating_add(1);
                if failures >= threshold {
                    Step::Move(open())
                } else {
                    Step::Count(Phase::Closed { failures })
                }
            }
            (Phase::HalfOpen { .. }, _) => Step::Move(open()),
            _ => Step::Stay,
        });
        if let Some((from, to)) = moved {
            let reason = match (from, rules.threshold) {
                (Phase::Closed { .. }, Some(failures)) => {
                    StateChangeReason::ConsecutiveFailures { failures }
                }
                _ => StateChangeReason::ProbeFailed,
            };
            return Some(Change::new(from, to, reason));
        }
        let ratio = rules.ratio.as_ref().filter(|_| self.is_closed(ticket))?;
        let turn = now() / ratio.turn;
        self.window.record(ticket.generation, turn, true);
        let (calls, failures) = self.window.totals(ticket.generation, turn);
        if !ratio.is_exceeded(calls, failures) {
            return None;
        }
        let (from, to) = self.update(ticket, |phase| match phase {
            Phase::Closed { .. } => Step::Move(open()),
            _ => Step::Stay,
        })?;
        Some(Change::new(from, to, StateChangeReason::FailureRatio { failures, calls }))
    }

    /// Puts it into a phase, whatever it was in: what is under way counts no more.
    pub(super) fn force(&self, phase: Phase, reason: StateChangeReason) -> Option<Change> {
        let mut word = self.state.load(Acquire);
        loop {
            let state = State::unpack(word);
            match self.state.compare_exchange(word, state.moved(phase).pack(), AcqRel, Acquire) {
                Ok(_) => {
                    let change = Change::new(state.phase, phase, reason);
                    return (change.from != change.to).then_some(change);
                }
                Err(changed) => word = changed,
            }
        }
    }

    fn load(&self) -> State {
        State::unpack(self.state.load(Acquire))
    }

    fn is_closed(&self, ticket: Ticket) -> bool {
        let state = self.load();
        state.generation == ticket.generation && matches!(state.phase, Phase::Closed { .. })
    }

    /// Takes a step, unless the ticket is of another generation; tells of a move.
    fn update(&self, ticket: Ticket, step: impl Fn(Phase) -> Step) -> Option<(Phase, Phase)> {
        let mut word = self.state.load(Acquire);
        loop {
            let state = State::unpack(word);
            if state.generation != ticket.generation {
                return None;
            }
            let (next, is_move) = match step(state.phase) {
                Step::Stay => return None,
                Step::Count(phase) => (State { phase, ..state }, false),
                Step::Move(phase) => (state.moved(phase), true),
            };
            match self.state.compare_exchange(word, next.pack(), AcqRel, Acquire) {
                Ok(_) => return is_move.then_some((state.phase, next.phase)),
                Err(changed) => word = changed,
            }
        }
    }
}

#[cfg(all(test, midil_loom))]
impl Circuit {
    pub(super) fn load_for_tests(&self) -> State {
        self.load()
    }

    pub(super) fn totals_for_tests(&self, turn: u64) -> (u32, u32) {
        self.window.totals(self.load().generation, turn)
    }
}

impl Change {
    fn new(from: Phase, to: Phase, reason: StateChangeReason) -> Self {
        Self { from: from.into(), to: to.into(), reason }
    }
}

/// The milliseconds in which `nanos` ends: never earlier.
const fn millis(nanos: u64) -> u64 {
    nanos.div_ceil(MILLISECOND)
}

/// How long until then, unless it is over.
fn refused_until(until: u64, now: u64) -> Result<(), Duration> {
    match until.saturating_mul(MILLISECOND).saturating_sub(now) {
        0 => Ok(()),
        wait => Err(Duration::from_nanos(wait)),
    }
}

impl Rules {
    /// When what happened at `then` is over, in milliseconds.
    fn recovered(&self, then: u64) -> u64 {
        let recovery = u64::try_from(self.recovery.as_nanos().div_ceil(MILLISECOND.into()));
        then.saturating_add(recovery.unwrap_or(LATEST)).min(LATEST)
    }
}
