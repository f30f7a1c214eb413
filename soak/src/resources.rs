//! What the process holds, looked at when nothing is under way; and whether it grows.

use std::alloc::System;
use std::fmt;
use std::fs;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use crate::servers::Servers;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The kinds of things that are held: what each is called, and how much more of it there may be in the last quarter of a run than
/// in the first.
const KINDS: [(&str, u64); 6] = [
    ("live bytes", 400 << 10),
    ("resident bytes", 32 << 20),
    ("tasks", 12),
    ("descriptors", 24),
    ("threads", 24),
    ("connections", 12),
];

/// With fewer samples there are no quarters to compare.
const ENOUGH: usize = 8;

/// How much there is of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held([u64; KINDS.len()]);

impl Held {
    pub(crate) fn now(servers: &Servers) -> Self {
        let stats = ALLOCATOR.stats();
        let live = stats.bytes_allocated.saturating_sub(stats.bytes_deallocated);
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let counts = [tasks, entries("/proc/self/fd"), entries("/proc/self/task")];
        let [tasks, descriptors, threads] = counts.map(number);
        let connections = number(servers.open_connections());
        Self([number(live), resident(), tasks, descriptors, threads, connections])
    }

    pub(crate) fn tasks(self) -> u64 {
        self.0[2]
    }

    pub(crate) fn descriptors(self) -> u64 {
        self.0[3]
    }

    pub(crate) fn connections(self) -> u64 {
        self.0[5]
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, ((name, _), count)) in KINDS.iter().zip(self.0).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            if name.ends_with("bytes") {
                write!(f, "{comma}{} KiB {}", count >> 10, name.trim_end_matches(" bytes"))?;
            } else {
                write!(f, "{comma}{count} {name}")?;
            }
        }
        Ok(())
    }
}

/// The samples of a run.
#[derive(Debug, Default)]
pub(crate) struct Samples(Vec<Held>);

impl Samples {
    pub(crate) fn add(&mut self, held: Held) {
        self.0.push(held);
    }

    /// The middle of the first and of the last quarter, without the warm-up, which is the first eighth of it.
    pub(crate) fn quarters(&self) -> Option<(Held, Held)> {
        let samples = &self.0[self.0.len() / 8..];
        let quarter = samples.len() / 4;
        (samples.len() >= ENOUGH)
            .then(|| (middle(&samples[..quarter]), middle(&samples[samples.len() - quarter..])))
    }

    /// What grew, and by how much.
    pub(crate) fn growth(&self) -> Vec<String> {
        let Some((first, last)) = self.quarters() else { return Vec::new() };
        let grown = KINDS.iter().zip(first.0.into_iter().zip(last.0));
        grown
            .filter(|((_, bound), (first, last))| last.saturating_sub(*first) > *bound)
            .map(|((name, bound), (first, last))| {
                format!("{name} grow, from {first} to {last}: more than by {bound}")
            })
            .collect()
    }
}

fn middle(samples: &[Held]) -> Held {
    let mut middle = [0; KINDS.len()];
    for (kind, middle) in middle.iter_mut().enumerate() {
        let mut counts = Vec::from_iter(samples.iter().map(|held| held.0[kind]));
        counts.sort_unstable();
        *middle = counts.get(counts.len() / 2).copied().unwrap_or_default();
    }
    Held(middle)
}

fn entries(folder: &str) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

/// What the process has in memory (`VmRSS`), in bytes.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or_default() * 1024
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(counts: impl IntoIterator<Item = [u64; KINDS.len()]>) -> Samples {
        Samples(counts.into_iter().map(Held).collect())
    }

    #[test]
    fn what_grows_is_named() {
        let growing = samples((0..80).map(|number| [1 << 20, 2 << 20, 5, 10 + number, 7, 8]));
        let [problem] = &growing.growth()[..] else { panic!("{:?}", growing.growth()) };
        assert!(problem.starts_with("descriptors grow, from 2"), "{problem}");
    }

    #[test]
    fn what_goes_up_and_down_does_not_grow() {
        let steady = samples((0..80).map(|number| [1 << 20, 2 << 20, number % 9, 10, 7, 8]));
        assert_eq!(steady.growth(), Vec::<String>::new());
    }

    #[test]
    fn a_short_run_has_no_quarters() {
        assert!(samples([[0, 0, 0, 0, 0, 0], [1 << 30; 6]]).growth().is_empty());
    }
}
