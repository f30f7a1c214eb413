//! One run of the whole bench: what was measured, and on what.

use std::fs;

use serde::{Deserialize, Serialize};

use crate::BoxError;
use crate::callgrind;
use crate::client::{self, Task};
use crate::rows::Row;

/// Everything that is printed. Its JSON form is what `--json` prints and what `--check` reads as limits.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    /// Calls that were counted, per figure.
    pub(crate) calls: u64,
    pub(crate) figures: Vec<Figure>,
}

/// What the figures depend on.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) rustc: String,
    pub(crate) reqwest: String,
    pub(crate) hyper: String,
}

/// One stack in one case, per call.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Figure {
    pub(crate) row: String,
    pub(crate) case: String,
    pub(crate) allocations: f64,
    pub(crate) bytes: u64,
    /// Absent without valgrind.
    pub(crate) instructions: Option<u64>,
}

impl Report {
    /// The figure of that row and case, if it was measured.
    pub(crate) fn figure(&self, row: &str, case: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.row == row && figure.case == case)
    }
}

impl Machine {
    /// This machine, and the versions that this program was built from.
    pub(crate) fn this() -> Self {
        Self {
            cpu: cpu(),
            rustc: env!("BENCH_RUSTC").trim_start_matches("rustc ").into(),
            reqwest: locked("reqwest"),
            hyper: locked("hyper"),
        }
    }
}

impl Figure {
    /// Measures one row in one case.
    pub(crate) fn measure(row: &Row, task: &Task, valgrind: bool) -> Result<Self, BoxError> {
        let count = client::count(row, task)?;
        Ok(Self {
            row: row.key.into(),
            case: task.case.key.into(),
            allocations: f64::from(u32::try_from(count.allocations * 100 / task.calls)?) / 100.0,
            bytes: count.bytes / task.calls,
            instructions: if valgrind { Some(callgrind::instructions(row, task)?) } else { None },
        })
    }
}

fn cpu() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or("unknown CPU", |(_, model)| model).into()
}

/// The version of a package in the lock file.
fn locked(package: &str) -> String {
    let name = format!("name = \"{package}\"");
    let mut lines = include_str!("../Cargo.lock").lines().skip_while(|line| *line != name);
    let version = lines.nth(1).and_then(|line| line.strip_prefix("version = "));
    version.unwrap_or("unknown").trim_matches('"').into()
}
