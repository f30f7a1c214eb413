//! The hunt for leaks: recognisable secrets go in everywhere, and whatever can be read of us is searched for them.
//!
//! | searched | in |
//! |---|---|
//! | `Debug` and `Display` of every public type | `types`; `exports` notices one that is missing there |
//! | every way a call, a token fetch or a build can fail: `Debug`, message, all causes | `failures` |
//! | all that is logged at TRACE meanwhile | `logs` |
//! | panics that are ours | `panics` |
#![cfg(all(feature = "reqwest", feature = "retry", feature = "auth"))]

mod exports;
mod failures;
mod logs;
mod panics;
mod secrets;
mod service;
mod types;

/// Fails with all that was found.
#[track_caller]
fn assert_nothing(found: &[String]) {
    assert!(found.is_empty(), "{} leaks:\n{}", found.len(), found.join("\n"));
}
