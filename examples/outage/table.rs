//! [`Table`]: the figures, as Markdown.

use std::fmt;

use crate::Run;
use crate::simulation::{Figure, Fleet, Outage, Policy, Times};

/// A row for each policy, a column for each outage: the fleet of many clients, in brackets that of few where it differs.
pub(crate) struct Table<'a> {
    pub(crate) runs: &'a [Run],
    pub(crate) times: Times,
    pub(crate) many: Fleet,
    pub(crate) few: Fleet,
}

impl Table<'_> {
    fn figure(&self, fleet: Fleet, policy: Policy, outage: Outage) -> Option<String> {
        let is_it = |run: &&Run| run.fleet == fleet && run.policy == policy && run.outage == outage;
        let run = self.runs.iter().find(is_it)?;
        Some(Figure::of(outage, &run.measure, self.times).to_string())
    }

    fn cell(&self, policy: Policy, outage: Outage) -> String {
        let many = self.figure(self.many, policy, outage).unwrap_or_default();
        match self.figure(self.few, policy, outage) {
            Some(few) if few != many => format!("{many} ({few})"),
            _ => many,
        }
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, name: &str, cells: &dyn Fn(Outage) -> String| {
            let cells = Outage::ALL.map(cells);
            writeln!(f, "| {name} | {} |", cells.join(" | "))
        };
        row(f, "policy", &|outage| format!("{}: {}", outage.name(), measured(outage)))?;
        row(f, "---", &|_| "---".to_owned())?;
        for policy in Policy::ALL {
            row(f, policy.name(), &|outage| self.cell(policy, outage))?;
        }
        row(f, "limit of ours", &|outage| Figure::limit(outage).to_string())
    }
}

/// What a column has.
const fn measured(outage: Outage) -> &'static str {
    match outage {
        Outage::AllFail => "attempts per call, first 10 s → steady",
        Outage::HalfFail | Outage::TenthFails => "calls that succeed",
        Outage::AllHang | Outage::Overload => "back to normal after",
        Outage::Blip => "calls of that second that succeed",
    }
}

/// The limits that ours does not keep.
pub(crate) fn lost(runs: &[Run], times: Times) -> Vec<String> {
    let ours = runs.iter().filter(|run| run.policy.is_ours());
    let lost = ours.filter_map(|run| {
        let Run { fleet, policy, outage, measure } = run;
        let (figure, limit) = (Figure::of(*outage, measure, times), Figure::limit(*outage));
        let Fleet { clients, calls_per_second } = fleet;
        (!figure.keeps(limit)).then(|| {
            let (policy, outage) = (policy.name(), outage.name());
            format!("{clients} × {calls_per_second}, {policy}, {outage}: {figure}, where {limit} is the limit")
        })
    });
    lost.collect()
}
