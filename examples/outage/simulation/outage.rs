//! [`Outage`]: what goes wrong, and when.

use std::time::Duration;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outage {
    /// Every attempt is answered at once with a 503.
    AllFail,
    /// Half of the attempts are, at random.
    HalfFail,
    /// No attempt is ever answered, as when the network swallows what is sent.
    AllHang,
    /// The capacity is down to 80 % of the load.
    Overload,
    /// 10 % of the attempts fail, at random.
    TenthFails,
    /// Every attempt fails, for 0.2 s.
    Blip,
}

impl Outage {
    pub(crate) const ALL: [Self; 6] = [
        Self::AllFail,
        Self::HalfFail,
        Self::AllHang,
        Self::Overload,
        Self::TenthFails,
        Self::Blip,
    ];

    /// As the table has it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AllFail => "every call fails",
            Self::HalfFail => "half of the attempts fail",
            Self::AllHang => "all hang",
            Self::Overload => "capacity 80 % of the load",
            Self::TenthFails => "10 % of the attempts fail",
            Self::Blip => "0.2 s blip",
        }
    }

    /// The part of the attempts that fail at once.
    pub(crate) const fn failing(self) -> f64 {
        match self {
            Self::AllFail | Self::Blip => 1.0,
            Self::HalfFail => 0.5,
            Self::TenthFails => 0.1,
            Self::AllHang | Self::Overload => 0.0,
        }
    }
}

/// When it goes wrong, in seconds since the beginning.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) begins: u32,
    pub(crate) ends: u32,
    /// When the simulation is over.
    pub(crate) over: u32,
    /// The same for a blip, which begins in the same second.
    pub(crate) blip_over: u32,
}

impl Times {
    /// The outage of a minute.
    pub(crate) const FULL: Self = Self { begins: 30, ends: 90, over: 105, blip_over: 34 };
    /// The shortest that shows the same: the first 10 s, a while after them, and as long after the outage as anything may
    /// take.
    pub(crate) const SHORT: Self = Self { begins: 6, ends: 26, over: 38, blip_over: 10 };

    /// From when to when it goes wrong.
    pub(crate) fn of(self, outage: Outage) -> (Duration, Duration) {
        let begins = seconds(self.begins);
        match outage {
            Outage::Blip => (begins, begins + Duration::from_millis(200)),
            _ => (begins, seconds(self.ends)),
        }
    }

    /// When the simulation of that outage is over.
    pub(crate) const fn over(self, outage: Outage) -> u32 {
        if matches!(outage, Outage::Blip) { self.blip_over } else { self.over }
    }
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}
