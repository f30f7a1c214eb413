//! [`Table`]: a part of the calls in flight, behind a lock of its own.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;
use std::time::Instant;

use http::Method;
use url::{Position, Url};

use super::lock;
use crate::client::close::DroppedCall;
use crate::{Error, RequestHead};

/// On cache lines of its own, lest threads with different tables wait for each other's.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct Table(Mutex<State>);

#[derive(Default)]
struct State {
    slots: Vec<Slot>,
    free: Vec<usize>,
    stage: Stage,
    /// What was dropped since, and not told of yet.
    dropped: Vec<DroppedCall>,
    /// How many calls have ended by themselves since, and were not told of yet.
    finished: usize,
}

/// How far closing has come.
#[derive(Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    #[default]
    Open,
    /// No call begins any more.
    Closing,
    /// What is in flight is to end, and was told of.
    Dropped,
}

impl Stage {
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Closing => 1,
            Self::Dropped => 2,
        }
    }
}

struct Slot {
    method: Method,
    /// Without the query.
    url: String,
    started: Instant,
    has_head: bool,
    /// Whom to wake when the call is dropped; `None` once that has happened, and where there is no call.
    waker: Option<Waker>,
}

/// Longer URLs are cut: a slot keeps its string.
const LONGEST_URL: usize = 256;

/// What a call that has ended leaves.
pub(super) struct Ended {
    pub(super) stage: Stage,
    /// Nothing is left in this table, and somebody may wait for that.
    pub(super) was_last: bool,
}

impl Table {
    /// A slot for a call.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] once the client is closed.
    pub(super) fn begin(
        &self,
        head: &RequestHead,
        started: Instant,
        waker: Waker,
    ) -> Result<usize, Error> {
        let mut state = lock(&self.0);
        if state.stage != Stage::Open {
            drop(state);
            drop(waker);
            return Err(Error::Closed);
        }
        let State { slots, free, .. } = &mut *state;
        match free.pop().and_then(|number| Some((number, slots.get_mut(number)?))) {
            Some((number, slot)) => {
                slot.method.clone_from(&head.method);
                slot.url.clear();
                slot.url.push_str(shown(&head.url));
                slot.started = started;
                slot.has_head = false;
                slot.waker = Some(waker);
                Ok(number)
            }
            None => Ok(state.grow(head, started, waker)),
        }
    }

    /// Whom to wake from now on.
    pub(super) fn wake_with(&self, number: usize, waker: Waker) -> Stage {
        let mut state = lock(&self.0);
        let stage = state.stage;
        let slot = state.slots.get_mut(number).filter(|_| stage != Stage::Dropped);
        let old = match slot {
            Some(slot) => slot.waker.replace(waker),
            None => Some(waker),
        };
        drop(state);
        drop(old);
        stage
    }

    /// From now on the call waits for the body alone.
    pub(super) fn has_head(&self, number: usize) {
        if let Some(slot) = lock(&self.0).slots.get_mut(number) {
            slot.has_head = true;
        }
    }

    /// Frees a slot.
    pub(super) fn end(&self, number: usize) -> Ended {
        let mut state = lock(&self.0);
        let waker = state.slots.get_mut(number).and_then(|slot| slot.waker.take());
        state.free.push(number);
        let stage = state.stage;
        let was_last = stage != Stage::Open && state.note_end();
        drop(state);
        drop(waker);
        Ended { stage, was_last }
    }

    /// From now on no call begins.
    pub(super) fn refuse(&self) {
        let mut state = lock(&self.0);
        state.stage = state.stage.max(Stage::Closing);
    }

    /// Ends what is in flight, whose wakers are put to the others.
    pub(super) fn drop_all(&self, now: Instant, wakers: &mut Vec<Waker>) {
        let mut state = lock(&self.0);
        let State { slots, dropped, stage, .. } = &mut *state;
        *stage = Stage::Dropped;
        for slot in slots {
            // What was dropped before is in its slot until its owner has seen it; it is told of once.
            let Some(waker) = slot.waker.take() else { continue };
            wakers.push(waker);
            dropped.push(DroppedCall::new(
                slot.method.clone(),
                crate::redact::url_text(&slot.url),
                now.saturating_duration_since(slot.started),
                slot.has_head,
            ));
        }
    }

    /// See [`InFlight::take_news`](super::InFlight::take_news).
    pub(super) fn take_news(&self) -> (usize, Vec<DroppedCall>) {
        let mut state = lock(&self.0);
        (std::mem::take(&mut state.finished), std::mem::take(&mut state.dropped))
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }
}

impl State {
    const fn is_empty(&self) -> bool {
        self.slots.len() == self.free.len()
    }

    #[cold]
    fn grow(&mut self, head: &RequestHead, started: Instant, waker: Waker) -> usize {
        self.slots.push(Slot {
            method: head.method.clone(),
            url: shown(&head.url).to_owned(),
            started,
            has_head: false,
            waker: Some(waker),
        });
        self.slots.len() - 1
    }

    /// Counts a call that has ended while the client is closed; tells whether that was the last.
    #[cold]
    fn note_end(&mut self) -> bool {
        if self.stage != Stage::Dropped {
            self.finished += 1;
        }
        self.is_empty()
    }
}

/// What may be told of a URL: neither query nor fragment. Userinfo is refused before a call begins.
fn shown(url: &Url) -> &str {
    let shown = &url[..Position::AfterPath];
    shown.get(..LONGEST_URL).unwrap_or(shown)
}

/// A number that is this thread's: the first thread's is 0.
pub(super) fn lane() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static LANE: Cell<Option<usize>> = const { Cell::new(None) };
    }
    LANE.with(|lane| match lane.get() {
        Some(number) => number,
        None => {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            lane.set(Some(number));
            number
        }
    })
}
