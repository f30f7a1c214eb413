//! The global allocator: the system's, counting.
//!
//! `GlobalAlloc` is an unsafe trait, so this one file needs `unsafe`; every method forwards to [`System`] as it is.

#![allow(
    unsafe_code,
    reason = "a global allocator cannot be written without; it forwards and counts, nothing more"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ops::Sub;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);
static FREED: AtomicU64 = AtomicU64::new(0);

/// What was asked of the allocator since the process began, by all its threads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allocated {
    /// Calls that hand out memory: a `realloc` is one, a `dealloc` is none.
    pub(crate) calls: u64,
    /// Bytes asked for in those calls.
    pub(crate) bytes: u64,
}

/// Reads the counters.
pub(crate) fn allocated() -> Allocated {
    Allocated { calls: ALLOCATIONS.load(Relaxed), bytes: BYTES.load(Relaxed) }
}

/// Bytes that are allocated now: asked for, and not given back.
pub(crate) fn live() -> u64 {
    // Read first, so that another thread's pair of calls in between cannot make it negative.
    let freed = FREED.load(Relaxed);
    BYTES.load(Relaxed).saturating_sub(freed)
}

impl Sub for Allocated {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self { calls: self.calls - earlier.calls, bytes: self.bytes - earlier.bytes }
    }
}

struct Counter;

#[global_allocator]
static COUNTER: Counter = Counter;

fn count(bytes: usize) {
    ALLOCATIONS.fetch_add(1, Relaxed);
    BYTES.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Relaxed);
}

fn freed(bytes: usize) {
    FREED.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Relaxed);
}

// SAFETY: each method hands its arguments to `System` unchanged and returns what `System` returns, so the contract
// that the caller keeps with us is the one it keeps with `System`. Counting touches atomics alone: it cannot
// allocate, unwind or re-enter.
unsafe impl GlobalAlloc for Counter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: see the impl.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: see the impl.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        freed(layout.size());
        // SAFETY: see the impl.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        freed(layout.size());
        // SAFETY: see the impl.
        unsafe { System.dealloc(memory, layout) }
    }
}
