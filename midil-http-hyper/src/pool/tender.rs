//! Looks after the connections that wait: closes those that have expired, or that the server has closed.
//!
//! One task per pool, as long as any connection waits. A connection that is used in between costs it nothing, and it costs
//! such a connection nothing.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use super::Shared;

/// How long a connection may wait before it is watched, and how much longer than allowed it may be kept.
const ROUND: Duration = Duration::from_millis(500);

impl Shared {
    /// Begins to look after the connections, with a task of `runtime`.
    pub(super) fn tend(self: &Arc<Self>, runtime: &Handle) {
        if self.tended.swap(true, Ordering::SeqCst) {
            return;
        }
        let round = self.limits.expiry.clamp(Duration::from_millis(10), ROUND);
        let mut ends = Ends { pool: Arc::downgrade(self), is_expected: false };
        let task = runtime.spawn(async move {
            let mut timer = pin!(sleep(round));
            poll_fn(|cx| {
                loop {
                    let rang = timer.as_mut().poll(cx).is_ready();
                    let Some(pool) = ends.pool.upgrade() else { return Poll::Ready(()) };
                    pool.make_round(cx);
                    // A connection that is in use at this moment is no reason to end, and to be begun anew after each exchange.
                    if rang && pool.has_nothing_to_tend() {
                        ends.is_expected = true;
                        return Poll::Ready(());
                    }
                    if !rang {
                        return Poll::Pending;
                    }
                    timer.as_mut().reset(Instant::now() + round);
                }
            })
            .await;
        });
        let mut tender = self.tender.lock().unwrap_or_else(PoisonError::into_inner);
        *tender = Some(task.abort_handle());
    }

    fn make_round(&self, cx: &Context<'_>) {
        for origin in self.known() {
            origin.tend(cx, &self.limits);
        }
    }

    /// Then the task ends; unless somebody has kept a connection meanwhile, and taken it for granted.
    fn has_nothing_to_tend(&self) -> bool {
        let is_empty = || self.known().iter().all(|origin| origin.keeps_nothing());
        if !is_empty() {
            return false;
        }
        self.tended.store(false, Ordering::SeqCst);
        is_empty() || self.tended.swap(true, Ordering::SeqCst)
    }
}

/// Tells the pool that its task was dropped before it was done: its runtime has ended.
struct Ends {
    pool: Weak<Shared>,
    is_expected: bool,
}

impl Drop for Ends {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade().filter(|_| !self.is_expected) {
            pool.tended.store(false, Ordering::SeqCst);
        }
    }
}
