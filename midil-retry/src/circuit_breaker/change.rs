//! [`CircuitState`], [`StateChange`] and its reason.

use std::fmt;
use std::sync::Arc;

use super::state::Phase;

/// What a circuit does with calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CircuitState {
    /// Calls go through.
    Closed,
    /// Calls are refused, until the recovery timeout is over and the next call becomes a probe.
    Open,
    /// A few calls go through as probes, the others are refused.
    HalfOpen,
    /// Calls are refused, by hand.
    ForcedOpen,
    /// Calls go through whatever they come to, by hand.
    ForcedClosed,
}

impl CircuitState {
    /// The state in one word, for metrics: `closed`, `open`, `half_open`, `forced_open` or `forced_closed`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::ForcedOpen => "forced_open",
            Self::ForcedClosed => "forced_closed",
        }
    }
}

impl From<Phase> for CircuitState {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Closed { .. } => Self::Closed,
            Phase::Open { .. } => Self::Open,
            Phase::HalfOpen { .. } => Self::HalfOpen,
            Phase::ForcedOpen => Self::ForcedOpen,
            Phase::ForcedClosed => Self::ForcedClosed,
        }
    }
}

impl fmt::Display for CircuitState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
            Self::ForcedOpen => "forced open",
            Self::ForcedClosed => "forced closed",
        })
    }
}

/// A circuit that went from one state into another, for
/// [`on_state_change`](super::CircuitBreakerBuilder::on_state_change).
///
/// # Examples
///
/// ```
/// use midil_retry::{CircuitBreaker, CircuitState, StateChange, StateChangeReason};
///
/// let alert = |change: &StateChange| match (change.to, change.reason) {
///     (CircuitState::Open, StateChangeReason::ProbeFailed) => eprintln!("{} is still down", change.key),
///     (CircuitState::Open, _) => eprintln!("{change}"),
///     _ => {}
/// };
/// let breaker = CircuitBreaker::builder().on_state_change(alert).build()?;
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StateChange {
    /// Whose circuit it is: an origin, such as `https://api.example.com`, or the key that the caller made.
    pub key: Arc<str>,
    /// What it was.
    pub from: CircuitState,
    /// What it is.
    pub to: CircuitState,
    /// Why.
    pub reason: StateChangeReason,
}

/// Key, both states and the reason in one line, for logs.
impl fmt::Display for StateChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, from, to, reason } = self;
        write!(f, "the circuit of {key} went from {from} to {to}: {reason}")
    }
}

/// Why a circuit changed its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateChangeReason {
    /// So many calls failed, one after the other.
    ConsecutiveFailures {
        /// How many.
        failures: u32,
    },
    /// Too large a part of the calls in the window failed.
    FailureRatio {
        /// How many failed.
        failures: u32,
        /// Of how many.
        calls: u32,
    },
    /// The recovery timeout is over, and a call became a probe.
    RecoveryTimeout,
    /// A probe failed.
    ProbeFailed,
    /// All probes went well.
    ProbesSucceeded,
    /// Somebody forced it.
    Forced,
    /// Somebody reset it.
    Reset,
}

impl fmt::Display for StateChangeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConsecutiveFailures { failures } => {
                write!(f, "calls failed one after the other: {failures}")
            }
            Self::FailureRatio { failures, calls } => {
                write!(f, "{failures} of {calls} calls failed")
            }
            Self::RecoveryTimeout => f.write_str("the recovery timeout is over"),
            Self::ProbeFailed => f.write_str("a probe failed"),
            Self::ProbesSucceeded => f.write_str("the probes went well"),
            Self::Forced => f.write_str("it was forced"),
            Self::Reset => f.write_str("it was reset"),
        }
    }
}
