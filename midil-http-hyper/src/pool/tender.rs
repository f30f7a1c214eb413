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
        if self.tended.swap(true, Ordering::AcqRel) {
            return;
        }
        let round = self.limits.expiry.clamp(Duration::from_millis(10), ROUND);
        let mut ends = Ends { pool: Arc::downgrade(self), is_expected: false };
        let task = runtime.spawn(async move {
            let mut timer = pin!(sleep(round));
            poll_fn(|cx| {
                loop {
                    let Some(pool) = ends.pool.upgrade() else { return Poll::Ready(()) };
                    if pool.make_round(cx).is_ready() {
                        ends.is_expected = true;
                        return Poll::Ready(());
                    }
                    drop(pool);
                    if timer.as_mut().poll(cx).is_pending() {
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

    /// Ready when nothing is left to look after.
    fn make_round(&self, cx: &Context<'_>) -> Poll<()> {
        let origins: Vec<_> = self.lock().known.values().map(Arc::clone).collect();
        for origin in &origins {
            origin.tend(cx, &self.limits);
        }
        let is_done = || origins.iter().all(|origin| origin.keeps_nothing());
        if !is_done() {
            return Poll::Pending;
        }
        self.tended.store(false, Ordering::Release);
        // Whoever kept a connection meanwhile may have taken us for somebody who looks after it.
        let came = !self.lock().known.values().all(|origin| origin.keeps_nothing());
        if came && !self.tended.swap(true, Ordering::AcqRel) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
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
            pool.tended.store(false, Ordering::Release);
        }
    }
}
