//! [`Figure`]: what a policy is judged by in an outage, and the limits that the product keeps.

use std::fmt;
use std::time::Duration;

use super::measure::Measure;
use super::outage::{Outage, Times};

/// What came of an outage, in the number that matters there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Figure {
    /// Attempts per call, in the first 10 s and afterwards.
    Attempts { first: f64, steady: f64 },
    /// The part of the calls that succeed.
    Success(f64),
    /// How long after the outage all is normal again, if it is before the simulation is over: see [`Measure::normal_after`].
    Normal(Option<Duration>),
}

impl Figure {
    pub(crate) fn of(outage: Outage, measure: &Measure, times: Times) -> Self {
        let Times { begins, ends, .. } = times;
        match outage {
            Outage::AllFail => Self::Attempts {
                first: measure.attempts_per_call(begins..begins + 10),
                steady: measure.attempts_per_call(begins + 10..ends),
            },
            Outage::HalfFail | Outage::TenthFails => Self::Success(measure.success(begins..ends)),
            Outage::Blip => Self::Success(measure.success(begins..begins + 1)),
            Outage::AllHang | Outage::Overload => Self::Normal(measure.normal_after(ends)),
        }
    }

    /// The most or the least that it may be.
    pub(crate) const fn limit(outage: Outage) -> Self {
        match outage {
            Outage::AllFail => Self::Attempts { first: 1.11, steady: 1.015 },
            Outage::HalfFail => Self::Success(0.84),
            Outage::AllHang => Self::Normal(Some(Duration::from_secs(2))),
            Outage::Overload => Self::Normal(Some(Duration::from_secs(8))),
            Outage::TenthFails => Self::Success(0.998),
            Outage::Blip => Self::Success(0.98),
        }
    }

    /// Whether it is no worse than a limit of its kind.
    pub(crate) fn keeps(self, limit: Self) -> bool {
        match (self, limit) {
            (Self::Attempts { first, steady }, Self::Attempts { first: most, steady: later }) => {
                first <= most && steady <= later
            }
            (Self::Success(part), Self::Success(least)) => part >= least,
            (Self::Normal(Some(after)), Self::Normal(Some(most))) => after <= most,
            _ => false,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attempts { first, steady } => write!(f, "{first:.3} → {steady:.3}"),
            Self::Success(part) => write!(f, "{:.2} %", part * 100.0),
            Self::Normal(Some(after)) => write!(f, "{:.1} s", after.as_secs_f64()),
            Self::Normal(None) => f.write_str("never"),
        }
    }
}
