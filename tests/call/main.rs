//! The example `call` as its users run it: a process, its arguments, its line of JSON, its exit status.
//!
//! `cargo test` builds examples before it runs tests; where only this test is asked for, it builds the example itself.

#![cfg(all(feature = "reqwest", feature = "retry", feature = "auth"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod bodies;
mod credentials;
mod limits;
mod lines;
mod misuse;
mod origins;
mod process;
mod repeating;
mod retries;
mod timeouts;
