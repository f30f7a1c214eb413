//! [`Ticket`]: one call in flight.

use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::InFlight;
use super::table::{Ended, Stage, Table};
use crate::{Error, RequestHead};

/// One call in flight. Dropping it ends it.
pub(crate) struct Ticket {
    calls: Arc<InFlight>,
    table: usize,
    /// `None` once it has ended.
    slot: Option<usize>,
    /// By what the waker in the slot is known again, without a look into it: see [`poll_dropped`](Self::poll_dropped).
    registered: (usize, usize),
}

impl Ticket {
    /// For a call that is polled with `waker`.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] once the client is closed.
    pub(crate) fn begin(
        calls: &Arc<InFlight>,
        head: &RequestHead,
        started: Instant,
        waker: &Waker,
    ) -> Result<Self, Error> {
        let (number, table) = calls.own_table();
        // Wakers are foreign code, and must not find the lock held.
        let waker = waker.clone();
        let registered = name(&waker);
        let slot = Some(table.begin(head, started, waker)?);
        Ok(Self { calls: Arc::clone(calls), table: number, slot, registered })
    }

    fn table(&self) -> &Table {
        self.calls.table(self.table)
    }

    /// Whether the call is to end.
    pub(crate) fn is_dropped(&self) -> bool {
        self.calls.is_dropped()
    }

    /// Completes when the call is to end.
    ///
    /// The slot holds a clone of the waker, so no other waker can have the clone's address meanwhile: who is polled by the same
    /// task as before, by a waker with that address, sees that without the lock.
    pub(crate) fn poll_dropped(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.is_dropped() {
            return Poll::Ready(());
        }
        if name(cx.waker()) != self.registered {
            let Some(slot) = self.slot else { return Poll::Pending };
            // The name of the clone: a waker whose clones are elsewhere may be gone, and another in its place.
            let waker = cx.waker().clone();
            let registered = name(&waker);
            if self.table().wake_with(slot, waker) == Stage::Dropped {
                return Poll::Ready(());
            }
            self.registered = registered;
        }
        Poll::Pending
    }

    /// From now on the call waits for the body alone.
    pub(crate) fn has_head(&self) {
        if let Some(slot) = self.slot {
            self.table().has_head(slot);
        }
    }

    /// Ends the call.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when it was dropped, and told of as such: then what it came to is nobody's any more.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        match self.slot.take() {
            Some(slot) if self.end(slot) == Stage::Dropped => Err(Error::Closed),
            _ => Ok(()),
        }
    }

    fn end(&self, slot: usize) -> Stage {
        let Ended { stage, was_last } = self.table().end(slot);
        if was_last {
            self.calls.wake_closers();
        }
        stage
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            // What it came to is for nobody to see.
            self.end(slot);
        }
    }
}

fn name(waker: &Waker) -> (usize, usize) {
    (waker.data().addr(), ptr::from_ref(waker.vtable()).addr())
}
