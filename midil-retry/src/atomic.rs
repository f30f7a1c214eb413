//! Atomics, which a model checker replaces by its own.

#[cfg(all(test, midil_loom))]
pub(crate) use loom::sync::atomic::AtomicU64;
#[cfg(not(all(test, midil_loom)))]
pub(crate) use std::sync::atomic::AtomicU64;
