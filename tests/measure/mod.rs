//! The memory of this process, for programs that measure all of it.

use std::fs;

pub(crate) const MIB: u64 = 1 << 20;

/// How much of its memory the process has in use, in bytes: now (`VmRSS`), or at most so far (`VmHWM`).
pub(crate) fn memory(what: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("there is a /proc");
    let line = status.lines().find(|line| line.starts_with(what)).expect("the kernel tells");
    let kibibytes = line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok());
    kibibytes.expect("a number of kB") * 1024
}

/// Forgets what the process had in use before, where the kernel lets it; elsewhere more is counted than was needed.
pub(crate) fn reset_peak() {
    drop(fs::write("/proc/self/clear_refs", "5"));
}
