//! The limit of exchanges in flight: first come, first served, on any executor.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Hands out permits, in the order in which they are asked for.
pub(crate) struct Turns(Mutex<State>);

#[derive(Default)]
struct State {
    free: usize,
    next: u64,
    /// Those who wait, by the number that they drew.
    line: VecDeque<(u64, Waker)>,
    /// Those who were given a permit, and have yet to take it.
    called: Vec<u64>,
}

impl Turns {
    pub(crate) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { free: count, ..State::default() })))
    }

    /// Waits for a permit. Dropping the future leaves the line.
    pub(crate) fn wait(self: &Arc<Self>) -> Turn {
        Turn { turns: Arc::clone(self), number: None }
    }

    pub(crate) fn free(&self) -> usize {
        self.state().free
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next in line has it, or whoever comes.
    fn give_back(&self) {
        let mut state = self.state();
        match state.line.pop_front() {
            Some((number, waker)) => {
                state.called.push(number);
                drop(state);
                waker.wake();
            }
            None => state.free = state.free.saturating_add(1),
        }
    }
}

/// The right to have an exchange in flight; given back when it is dropped.
pub(crate) struct Permit(Arc<Turns>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit")
    }
}

/// A place in the line.
#[must_use = "nobody waits until it is polled"]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    number: Option<u64>,
}

impl Future for Turn {
    type Output = Permit;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit> {
        let turns = Arc::clone(&self.turns);
        let mut state = turns.state();
        if let Some(number) = self.number {
            if let Some(place) = state.line.iter_mut().find(|place| place.0 == number) {
                place.1.clone_from(cx.waker());
                return Poll::Pending;
            }
            state.called.retain(|called| *called != number);
        } else if state.free == 0 || !state.line.is_empty() {
            let number = state.next;
            state.next = number.wrapping_add(1);
            state.line.push_back((number, cx.waker().clone()));
            self.number = Some(number);
            return Poll::Pending;
        } else {
            state.free -= 1;
        }
        drop(state);
        self.number = None;
        Poll::Ready(Permit(turns))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let mut state = self.turns.state();
        state.line.retain(|place| place.0 != number);
        let was_called = state.called.contains(&number);
        state.called.retain(|called| *called != number);
        drop(state);
        if was_called {
            self.turns.give_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn first_come_first_served_and_nobody_is_overtaken() {
        let turns = Turns::new(1);
        let held = turns.wait().now_or_never().unwrap();
        let (mut first, mut second) = (turns.wait(), turns.wait());
        assert!((&mut first).now_or_never().is_none());
        assert!((&mut second).now_or_never().is_none());
        drop(held);
        assert!((&mut second).now_or_never().is_none());
        assert!(turns.wait().now_or_never().is_none(), "overtaken");
        let held = (&mut first).now_or_never().unwrap();
        assert!((&mut second).now_or_never().is_none());
        drop(held);
        drop((&mut second).now_or_never().unwrap());
        assert_eq!(turns.free(), 1);
    }

    #[test]
    fn whoever_leaves_the_line_passes_its_permit_on() {
        let turns = Turns::new(1);
        let held = turns.wait().now_or_never().unwrap();
        let (mut first, mut second, mut third) = (turns.wait(), turns.wait(), turns.wait());
        assert!((&mut first).now_or_never().is_none());
        assert!((&mut second).now_or_never().is_none());
        assert!((&mut third).now_or_never().is_none());
        drop(second); // from within the line
        drop(held);
        drop(first); // when it was called
        drop((&mut third).now_or_never().unwrap());
        assert_eq!(turns.free(), 1);
    }
}
