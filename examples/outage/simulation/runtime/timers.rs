//! [`Timers`]: who is to be woken when.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::task::Waker;

/// A sleep that is awaited: which of all sleeps it is, and where its waker lies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TimerId {
    number: u64,
    place: usize,
}

/// The awaited sleeps, by their ends, then in the order of the asking.
///
/// A sleep lies in its millisecond until that comes, and only then is put in order. By then most timeouts were dropped,
/// and are gone.
#[derive(Default)]
pub(super) struct Timers {
    /// Those that end in this millisecond.
    now: BinaryHeap<Reverse<(u64, TimerId)>>,
    this: u64,
    /// Those that end in later ones.
    later: BTreeMap<u64, Vec<(u64, TimerId)>>,
    /// The wakers of those that are still awaited.
    wakers: Vec<Option<(u64, Waker)>>,
    free: Vec<usize>,
    last: u64,
}

/// About a millisecond, in nanoseconds.
const MILLISECOND_BITS: u32 = 20;

impl Timers {
    /// Wakes `waker` at `end`; `armed` is what it was before, if it is awaited already.
    pub(super) fn arm(&mut self, armed: Option<TimerId>, end: u64, waker: &Waker) -> TimerId {
        if let Some(id) = armed
            && let Some(Some((number, old))) = self.wakers.get_mut(id.place)
            && *number == id.number
        {
            old.clone_from(waker);
            return id;
        }
        self.last += 1;
        let entry = Some((self.last, waker.clone()));
        let place = match self.free.pop() {
            Some(place) => {
                self.wakers[place] = entry;
                place
            }
            None => {
                self.wakers.push(entry);
                self.wakers.len() - 1
            }
        };
        let id = TimerId { number: self.last, place };
        let millisecond = end >> MILLISECOND_BITS;
        if millisecond <= self.this {
            self.now.push(Reverse((end, id)));
        } else {
            self.later.entry(millisecond).or_default().push((end, id));
        }
        id
    }

    /// Forgets a sleep. Its waker is to be dropped without the lock.
    #[must_use]
    pub(super) fn disarm(&mut self, id: TimerId) -> Option<Waker> {
        let entry = self.wakers.get_mut(id.place)?.take_if(|(number, _)| *number == id.number)?;
        self.free.push(id.place);
        Some(entry.1)
    }

    /// The sleep that ends next, if that is before `limit`.
    pub(super) fn next_before(&mut self, limit: u64) -> Option<(u64, Waker)> {
        loop {
            while self.now.peek().is_some_and(|Reverse((end, _))| *end < limit) {
                let Reverse((end, id)) = self.now.pop()?;
                if let Some(waker) = self.disarm(id) {
                    return Some((end, waker));
                }
            }
            let next = self.later.first_entry()?;
            if !self.now.is_empty() || *next.key() > limit >> MILLISECOND_BITS {
                return None;
            }
            let (this, sleeps) = next.remove_entry();
            self.this = this;
            let wakers = &self.wakers;
            let awaited = |(_, id): &(u64, TimerId)| {
                let waker = wakers.get(id.place).and_then(Option::as_ref);
                waker.is_some_and(|(number, _)| *number == id.number)
            };
            self.now.extend(sleeps.into_iter().filter(awaited).map(Reverse));
        }
    }
}
