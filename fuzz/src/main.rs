//! The fuzzer: it calls one of the [targets](targets::TARGETS) with bytes that it makes up, by what code they reach.
//!
//! `scripts/fuzz.sh` builds and runs it. `tests/it/fuzz.rs` runs the same targets over `corpus/`, without it.

#![no_main]
#![allow(clippy::unwrap_used, reason = "a panic is how a target says that it found something")]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

mod targets;

static TARGET: LazyLock<targets::Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let found = targets::TARGETS.iter().find(|(known, _)| *known == name);
    found.map(|(_, target)| *target).unwrap_or_else(|| {
        let all: Vec<_> = targets::TARGETS.iter().map(|(name, _)| *name).collect();
        panic!("FUZZ_TARGET is {name:?}: give one of {}", all.join(", "))
    })
});

fuzz_target!(|data: &[u8]| TARGET(data));
