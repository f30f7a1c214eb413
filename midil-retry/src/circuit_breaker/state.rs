//! [`State`]: all that a circuit decides by, in one word.

/// What a circuit is up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Calls go through.
    Closed {
        /// Failures since the last success.
        failures: u32,
    },
    /// Calls are refused.
    Open {
        /// Until then, in milliseconds.
        until: u64,
    },
    /// A few calls go through, to see.
    HalfOpen {
        /// Those that are under way.
        probes: u32,
        /// Those that went well.
        successes: u32,
    },
    /// Held open by hand.
    ForcedOpen,
    /// Held closed by hand.
    ForcedClosed,
}

/// A phase, and which one it is: what began in another generation has no say in this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    pub(super) phase: Phase,
    pub(super) generation: u32,
}

/// From the lowest bit: 3 for the kind of phase, 20 for the generation, 41 for what the phase counts. These hold 69 years
/// in milliseconds, or two numbers up to a million.
const KIND_BITS: u32 = 3;
const GENERATION_BITS: u32 = 20;
const COUNT_BITS: u32 = 20;

/// The latest time that a phase can hold, in milliseconds.
pub(super) const LATEST: u64 = u64::MAX >> (KIND_BITS + GENERATION_BITS);
/// The most probes that a phase can count.
pub(super) const MOST_PROBES: u32 = (1 << COUNT_BITS) - 1;
pub(super) const LAST_GENERATION: u32 = (1 << GENERATION_BITS) - 1;

impl State {
    /// The state after a move into another phase.
    pub(super) const fn moved(self, phase: Phase) -> Self {
        Self { phase, generation: (self.generation + 1) & LAST_GENERATION }
    }

    /// Closed, without a failure, packed.
    pub(super) fn flawless(generation: u32) -> u64 {
        u64::from(generation) << KIND_BITS
    }

    pub(super) fn pack(self) -> u64 {
        let (kind, content) = match self.phase {
            Phase::Closed { failures } => (0, u64::from(failures)),
            Phase::Open { until } => (1, until.min(LATEST)),
            Phase::HalfOpen { probes, successes } => {
                (2, u64::from(successes) << COUNT_BITS | u64::from(probes))
            }
            Phase::ForcedOpen => (3, 0),
            Phase::ForcedClosed => (4, 0),
        };
        (content << GENERATION_BITS | u64::from(self.generation)) << KIND_BITS | kind
    }

    pub(super) fn unpack(word: u64) -> Self {
        let content = word >> (KIND_BITS + GENERATION_BITS);
        let phase = match word & ((1 << KIND_BITS) - 1) {
            0 => Phase::Closed { failures: low(content, u32::BITS) },
            1 => Phase::Open { until: content },
            2 => Phase::HalfOpen {
                probes: low(content, COUNT_BITS),
                successes: low(content >> COUNT_BITS, COUNT_BITS),
            },
            3 => Phase::ForcedOpen,
            _ => Phase::ForcedClosed,
        };
        Self { phase, generation: low(word >> KIND_BITS, GENERATION_BITS) }
    }
}

/// The lowest bits of a word.
fn low(word: u64, bits: u32) -> u32 {
    u32::try_from(word & ((1 << bits) - 1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_again() {
        for generation in [0, 1, LAST_GENERATION] {
            for phase in [
                Phase::Closed { failures: 0 },
                Phase::Closed { failures: u32::MAX },
                Phase::Open { until: 0 },
                Phase::Open { until: LATEST },
                Phase::HalfOpen { probes: MOST_PROBES, successes: 0 },
                Phase::HalfOpen { probes: 0, successes: MOST_PROBES },
                Phase::ForcedOpen,
                Phase::ForcedClosed,
            ] {
                let state = State { phase, generation };
                assert_eq!(State::unpack(state.pack()), state);
            }
        }
        let late = State { phase: Phase::Open { until: u64::MAX }, generation: 7 };
        assert_eq!(State::unpack(late.pack()).phase, Phase::Open { until: LATEST });
    }

    #[test]
    fn what_has_no_failures_is_known_at_sight() {
        for generation in [0, 1, LAST_GENERATION] {
            let state = State { phase: Phase::Closed { failures: 0 }, generation };
            assert_eq!(State::flawless(generation), state.pack());
        }
    }

    #[test]
    fn generations_begin_anew_after_the_last() {
        let last = State { phase: Phase::ForcedOpen, generation: LAST_GENERATION };
        assert_eq!(last.moved(Phase::ForcedClosed).generation, 0);
    }
}
