//! The waits of one connection, and what ends them.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Where the thread of a connection waits for time or a gate, without missing that the connection
/// is over: because the server stops, the client left, or the conversation ended.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    over: bool,
    /// Waits begun so far; tells the watcher of the socket that there is a new one.
    waits: usize,
}

impl Pulse {
    /// Fails every wait, now and later.
    pub(super) fn end(&self) {
        self.lock().over = true;
        self.changed.notify_all();
    }

    /// Whether it is over.
    pub(super) fn is_over(&self) -> bool {
        self.lock().over
    }

    /// Has the current wait look again whether it is done.
    pub(super) fn beat(&self) {
        let _state = self.lock();
        self.changed.notify_all();
    }

    /// Waits until `done` or until `deadline`; without a deadline, for `done` alone.
    ///
    /// # Errors
    /// `ConnectionAborted` when the connection is over first.
    pub(super) fn wait(
        &self,
        deadline: Option<Instant>,
        done: impl Fn() -> bool,
    ) -> io::Result<()> {
        let mut state = self.lock();
        state.waits += 1;
        self.changed.notify_all();
        loop {
            if done() {
                return Ok(());
            }
            if state.over {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            state = match deadline.map(|at| at.saturating_duration_since(Instant::now())) {
                Some(left) if left.is_zero() => return Ok(()),
                Some(left) => {
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// How many waits have begun.
    pub(super) fn waits(&self) -> usize {
        self.lock().waits
    }

    /// Blocks until more than `seen` waits have begun and returns how many; `None` when over.
    pub(super) fn next_wait(&self, seen: usize) -> Option<usize> {
        let quiet = |state: &mut State| !state.over && state.waits == seen;
        let state = self.changed.wait_while(self.lock(), quiet);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        (!state.over).then_some(state.waits)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
