//! The calls of a client that are in flight: counted, so that `close` can wait for them, and known, so that it can drop them.
//!
//! A call takes a [`Ticket`] when it begins. The ticket ends with the call, or goes along with the response's body until that
//! ends. It has a slot in a table, in which the waker of whoever waits for the call is kept: slots and their strings are used
//! again, so that a call allocates nothing here. There are several tables, and each thread has its own, so that calls hardly
//! ever wait for each other's.

mod idle;
mod table;
mod ticket;

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

use self::idle::Idle;
use self::table::{Stage, Table, lane};
pub(crate) use self::ticket::Ticket;
use super::close::DroppedCall;

/// How many tables there are: 8, where more threads than that share one at times.
const TABLES: usize = 8;

/// The calls in flight; all clones of a client share them.
#[derive(Default)]
pub(crate) struct InFlight {
    tables: [Table; TABLES],
    /// What all tables have come to: read by those who look often.
    stage: AtomicU8,
    /// Those who wait until nothing is in flight.
    closers: Mutex<Closers>,
}

#[derive(Default)]
struct Closers {
    wakers: Vec<(u64, Waker)>,
    next: u64,
}

impl InFlight {
    /// The table of this thread, and its number.
    fn own_table(&self) -> (usize, &Table) {
        let number = lane() % TABLES;
        (number, self.table(number))
    }

    fn table(&self, number: usize) -> &Table {
        let [first, ..] = &self.tables;
        self.tables.get(number).unwrap_or(first)
    }

    /// From now on no call begins.
    pub(super) fn refuse(&self) {
        for table in &self.tables {
            table.refuse();
        }
        self.reach(Stage::Closing);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.stage.load(Ordering::Acquire) != Stage::Open.code()
    }

    fn is_dropped(&self) -> bool {
        self.stage.load(Ordering::Acquire) == Stage::Dropped.code()
    }

    /// Once each table has come so far.
    fn reach(&self, stage: Stage) {
        self.stage.fetch_max(stage.code(), Ordering::AcqRel);
    }

    /// Ends what is in flight now: whoever waits for it is woken, and finds [`Error::Closed`](crate::Error::Closed).
    pub(super) fn drop_all(&self, now: Instant) {
        let mut wakers = Vec::new();
        for table in &self.tables {
            table.drop_all(now, &mut wakers);
        }
        // Whoever sees it ends as one that was told of: so all must have been.
        self.reach(Stage::Dropped);
        // Wakers are foreign code.
        wakers.into_iter().for_each(Waker::wake);
    }

    /// What has happened since it was asked last: how many calls ended by themselves, and which were dropped.
    pub(super) fn take_news(&self) -> (usize, Vec<DroppedCall>) {
        let mut news = (0, Vec::new());
        for table in &self.tables {
            let (finished, mut dropped) = table.take_news();
            news.0 += finished;
            news.1.append(&mut dropped);
        }
        news
    }

    /// Completes when nothing is in flight, once no call begins any more.
    pub(super) const fn idle(&self) -> Idle<'_> {
        Idle::new(self)
    }

    fn is_idle(&self) -> bool {
        self.tables.iter().all(Table::is_empty)
    }

    /// When a table has become empty: the others may be, too.
    #[cold]
    fn wake_closers(&self) {
        let closers = std::mem::take(&mut lock(&self.closers).wakers);
        closers.into_iter().for_each(|(_, closer)| closer.wake());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
