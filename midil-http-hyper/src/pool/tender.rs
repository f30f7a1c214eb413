//! Looks after the connections that wait: closes those that have expired, or that the server has closed.
//!
//! One task per pool, as long as any connection waits. A connection that is used in between costs it nothing, and it costs
//! such a connection nothing. Its runtime may end, or not be driven any more: then a task of another one takes over.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use super::Shared;

/// How long a connection may wait before it is watched, and how much longer than allowed it may be kept.
const ROUND: Duration = Duration::from_millis(500);

/// A task that has made no round for so many seconds belongs to a runtime that nobody drives.
const OVERDUE: u64 = 4;

/// The task that looks after the connections.
pub(super) struct Tending {
    /// The number of the task; 0: there is none.
    task: AtomicU64,
    /// When it made its last round, in seconds since `began`.
    round: AtomicU64,
    began: Instant,
    last: Mutex<Last>,
}

/// The task that was begun last.
#[derive(Default)]
struct Last {
    number: u64,
    handle: Option<AbortHandle>,
}

impl Tending {
    pub(super) fn new() -> Self {
        Self {
            task: AtomicU64::new(0),
            round: AtomicU64::new(0),
            began: Instant::now(),
            last: Mutex::default(),
        }
    }

    fn at(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.began).as_secs()
    }

    fn replace(&self, task: u64, with: u64) -> bool {
        self.task.compare_exchange(task, with, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

impl Drop for Tending {
    fn drop(&mut self) {
        let last = self.last.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = last.handle.take() {
            handle.abort();
        }
    }
}

impl Shared {
    /// Whether there is a task that looks after the connections, and does so.
    pub(super) fn is_tended(&self, now: Instant) -> bool {
        let tending = &self.tending;
        tending.task.load(Ordering::SeqCst) != 0
            && tending.at(now).saturating_sub(tending.round.load(Ordering::Relaxed)) < OVERDUE
    }

    /// Begins to look after the connections, with a task of `runtime`.
    pub(super) fn tend(self: &Arc<Self>, runtime: &Handle) {
        let (tending, now) = (&self.tending, Instant::now());
        let mut last = tending.last.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_tended(now) {
            return;
        }
        last.number += 1;
        tending.round.store(tending.at(now), Ordering::Relaxed);
        tending.task.store(last.number, Ordering::SeqCst);
        let task = runtime.spawn(look_after(Arc::downgrade(self), last.number, self.round()));
        if let Some(overdue) = last.handle.replace(task.abort_handle()) {
            overdue.abort();
        }
    }

    fn round(&self) -> Duration {
        self.limits.expiry.clamp(Duration::from_millis(10), ROUND)
    }

    /// Whether task `number` is still the one to do so.
    fn make_round(&self, number: u64, cx: &Context<'_>) -> bool {
        if self.tending.task.load(Ordering::SeqCst) != number {
            return false;
        }
        self.tending.round.store(self.tending.at(Instant::now()), Ordering::Relaxed);
        for origin in self.known() {
            origin.tend(cx, &self.limits);
        }
        true
    }

    /// Then task `number` ends; unless somebody has kept a connection meanwhile, and taken it for granted.
    fn has_nothing_to_tend(&self, number: u64) -> bool {
        let is_empty = || self.known().iter().all(|origin| origin.keeps_nothing());
        if !is_empty() {
            return false;
        }
        self.tending.replace(number, 0);
        is_empty() || !self.tending.replace(0, number)
    }
}

async fn look_after(pool: Weak<Shared>, number: u64, round: Duration) {
    let ends = Ends { pool, number };
    let mut timer = pin!(sleep(round));
    poll_fn(|cx| {
        loop {
            let rang = timer.as_mut().poll(cx).is_ready();
            let Some(pool) = ends.pool.upgrade() else { return Poll::Ready(()) };
            if !pool.make_round(number, cx) {
                return Poll::Ready(());
            }
            // A connection that is in use at this moment is no reason to end, and to be begun anew after each exchange.
            if rang && pool.has_nothing_to_tend(number) {
                return Poll::Ready(());
            }
            if !rang {
                return Poll::Pending;
            }
            timer.as_mut().reset(Instant::now() + round);
        }
    })
    .await;
}

/// Tells the pool that its task has ended. It may have been dropped before it was done: its runtime has ended.
struct Ends {
    pool: Weak<Shared>,
    number: u64,
}

impl Drop for Ends {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.tending.replace(self.number, 0);
        }
    }
}
