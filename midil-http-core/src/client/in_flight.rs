//! The calls of a client that are in flight: counted, so that `close` can wait for them, and known, so that it can drop them.
//!
//! A call takes a [`Ticket`] when it begins. The ticket ends with the call, or goes along with the response's body until that
//! ends. It has a slot in a table, in which the waker of whoever waits for the call is kept: slots and their strings are used
//! again, so that a call allocates nothing here.

use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use http::Method;
use url::{Position, Url};

use super::close::DroppedCall;
use crate::{Error, RequestHead};

/// The calls in flight; all clones of a client share them.
#[derive(Default)]
pub(crate) struct InFlight {
    state: Mutex<State>,
    /// What is in flight is to end: read by those who look often, and written under the lock.
    dropped: AtomicBool,
}

#[derive(Default)]
struct State {
    slots: Vec<Slot>,
    free: Vec<usize>,
    /// No call begins any more.
    closed: bool,
    /// What was dropped since, and not told of yet.
    dropped: Vec<DroppedCall>,
    /// How many calls have ended by themselves since, and were not told of yet.
    finished: usize,
    /// Those who wait until nothing is in flight.
    closers: Vec<(u64, Waker)>,
    next_closer: u64,
}

struct Slot {
    is_taken: bool,
    method: Method,
    /// Without the query.
    url: String,
    started: Instant,
    has_head: bool,
    /// Whom to wake when the call is dropped.
    waker: Option<Waker>,
}

/// Longer URLs are cut: a slot keeps its string.
const LONGEST_URL: usize = 256;

impl State {
    const fn in_flight(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

impl InFlight {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on no call begins.
    pub(super) fn refuse(&self) {
        self.lock().closed = true;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Ends what is in flight now: whoever waits for it is woken, and finds [`Error::Closed`].
    pub(super) fn drop_all(&self, now: Instant) {
        let mut wakers = Vec::new();
        {
            let mut state = self.lock();
            // What was dropped before is in its slot until its owner has seen it; it is told of once.
            if self.dropped.swap(true, Ordering::SeqCst) {
                return;
            }
            let State { slots, dropped, .. } = &mut *state;
            for slot in slots.iter_mut().filter(|slot| slot.is_taken) {
                wakers.extend(slot.waker.take());
                dropped.push(DroppedCall::new(
                    slot.method.clone(),
                    crate::redact::url_text(&slot.url),
                    now.saturating_duration_since(slot.started),
                    slot.has_head,
                ));
            }
        }
        // Wakers are foreign code.
        wakers.into_iter().for_each(Waker::wake);
    }

    /// What has happened since it was asked last: how many calls ended by themselves, and which were dropped.
    pub(super) fn take_news(&self) -> (usize, Vec<DroppedCall>) {
        let mut state = self.lock();
        (std::mem::take(&mut state.finished), std::mem::take(&mut state.dropped))
    }

    /// Completes when nothing is in flight.
    pub(super) const fn idle(&self) -> Idle<'_> {
        Idle { calls: self, number: None }
    }
}

/// Waits until nothing is in flight.
pub(super) struct Idle<'a> {
    calls: &'a InFlight,
    number: Option<u64>,
}

impl Future for Idle<'_> {
    type Output = ();

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut state = self.calls.lock();
        if state.in_flight() == 0 {
            return Poll::Ready(());
        }
        let number = self.number.unwrap_or_else(|| {
            state.next_closer += 1;
            state.next_closer
        });
        let old = match state.closers.iter_mut().find(|closer| closer.0 == number) {
            Some(closer) => Some(std::mem::replace(&mut closer.1, waker)),
            None => {
                state.closers.push((number, waker));
                None
            }
        };
        drop(state);
        drop(old);
        self.number = Some(number);
        Poll::Pending
    }
}

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let gone: Vec<_> =
            self.calls.lock().closers.extract_if(.., |closer| closer.0 == number).collect();
        drop(gone);
    }
}

/// By what a waker is known again, as long as it or a clone at the same address lives.
fn address(waker: &Waker) -> (usize, usize) {
    (waker.data().addr(), ptr::from_ref(waker.vtable()).addr())
}

/// One call in flight. Dropping it ends it.
pub(crate) struct Ticket {
    calls: Arc<InFlight>,
    /// `None` once it has ended.
    slot: Option<usize>,
    /// By what the waker in the slot is known again, without a look into it: see [`poll_dropped`](Self::poll_dropped).
    registered: (usize, usize),
}

impl Ticket {
    /// # Errors
    ///
    /// [`Error::Closed`] once the client is closed.
    pub(crate) fn begin(
        calls: &Arc<InFlight>,
        head: &RequestHead,
        started: Instant,
    ) -> Result<Self, Error> {
        let mut state = calls.lock();
        if state.closed {
            return Err(Error::Closed);
        }
        let slot = match state.free.pop() {
            Some(slot) => slot,
            None => {
                state.slots.push(Slot::empty(started));
                state.slots.len() - 1
            }
        };
        if let Some(slot) = state.slots.get_mut(slot) {
            slot.fill(head, started);
        }
        drop(state);
        Ok(Self { calls: Arc::clone(calls), slot: Some(slot), registered: (0, 0) })
    }

    /// Whether the call is to end.
    pub(crate) fn is_dropped(&self) -> bool {
        self.calls.dropped.load(Ordering::SeqCst)
    }

    /// Completes when the call is to end.
    ///
    /// The slot holds a clone of the waker, so no other waker can have the clone's address meanwhile: who is polled by the same
    /// task as before, by a waker with that address, sees that without the lock.
    pub(crate) fn poll_dropped(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.is_dropped() {
            return Poll::Ready(());
        }
        let waker = cx.waker();
        if address(waker) == self.registered {
            return Poll::Pending;
        }
        self.register(waker.clone())
    }

    fn register(&mut self, waker: Waker) -> Poll<()> {
        // That of the clone: a waker whose clones are elsewhere may be gone, and another in its place.
        let registered = address(&waker);
        let mut state = self.calls.lock();
        if self.is_dropped() {
            return Poll::Ready(());
        }
        let slot = self.slot.and_then(|slot| state.slots.get_mut(slot));
        let old = slot.and_then(|slot| slot.waker.replace(waker));
        drop(state);
        drop(old);
        self.registered = registered;
        Poll::Pending
    }

    /// From now on the call waits for the body alone.
    pub(crate) fn has_head(&self) {
        let mut state = self.calls.lock();
        if let Some(slot) = self.slot.and_then(|slot| state.slots.get_mut(slot)) {
            slot.has_head = true;
        }
    }

    /// Ends the call.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when it was dropped, and told of as such: then what it came to is nobody's any more.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        self.end()
    }

    fn end(&mut self) -> Result<(), Error> {
        let Some(number) = self.slot.take() else { return Ok(()) };
        let mut state = self.calls.lock();
        let slot = state.slots.get_mut(number);
        let waker = slot.and_then(|slot| {
            slot.is_taken = false;
            slot.waker.take()
        });
        state.free.push(number);
        let dropped = self.is_dropped();
        let closers = if state.closed {
            if !dropped {
                state.finished += 1;
            }
            if state.in_flight() == 0 { std::mem::take(&mut state.closers) } else { Vec::new() }
        } else {
            Vec::new()
        };
        drop(state);
        drop(waker);
        closers.into_iter().for_each(|(_, closer)| closer.wake());
        if dropped { Err(Error::Closed) } else { Ok(()) }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // What it came to is for nobody to see.
        let _ = self.end();
    }
}

impl Slot {
    const fn empty(started: Instant) -> Self {
        Self {
            is_taken: false,
            method: Method::GET,
            url: String::new(),
            started,
            has_head: false,
            waker: None,
        }
    }

    fn fill(&mut self, head: &RequestHead, started: Instant) {
        self.is_taken = true;
        self.has_head = false;
        self.started = started;
        self.method = head.method.clone();
        self.url.clear();
        self.url.push_str(shown(&head.url));
    }
}

/// What may be told of a URL: neither query nor fragment. Userinfo is refused before a call begins.
fn shown(url: &Url) -> &str {
    let shown = &url[..Position::AfterPath];
    shown.get(..LONGEST_URL).unwrap_or(shown)
}
