//! The record of what a server sees, written by its connections and read by the test.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::observed::Observed;
use super::received::Received;

/// Why a wait for something to be observed failed.
#[derive(Debug)]
enum WaitError {
    /// It was not observed in time, but this.
    TimedOut(String),
    /// A closure of the script panicked, with this message.
    ScriptPanicked(String),
}

#[derive(Debug)]
pub(super) struct Record {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    seen: Observed,
    body_limit: usize,
    keep_requests: usize,
    script_panic: Option<String>,
    /// Threads that wait for a change; to notify nobody would be a system call all the same.
    waiting: usize,
}

impl State {
    fn begin(&mut self, request: Received) -> usize {
        let index = self.seen.begun;
        self.seen.begun += 1;
        self.seen.peak_requests = self.seen.peak_requests.max(self.seen.open_requests());
        self.seen.requests.insert(index, request);
        index
    }
}

impl Record {
    pub(super) fn new() -> Self {
        let state = State {
            seen: Observed::default(),
            body_limit: 64 * 1024 * 1024,
            keep_requests: usize::MAX,
            script_panic: None,
            waiting: 0,
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    pub(super) fn set_body_limit(&self, bytes: usize) {
        self.lock().body_limit = bytes;
    }

    pub(super) fn set_keep_requests(&self, count: usize) {
        self.lock().keep_requests = count;
    }

    /// A connection was accepted; returns its number.
    pub(super) fn connection_opened(&self) -> usize {
        self.update(|state| {
            state.seen.accepted += 1;
            state.seen.peak_connections =
                state.seen.peak_connections.max(state.seen.open_connections());
            state.seen.accepted - 1
        })
    }

    pub(super) fn connection_closed(&self) {
        self.update(|state| state.seen.closed += 1);
    }

    #[cfg(feature = "tls")]
    pub(super) fn handshake_failed(&self) {
        self.update(|state| state.seen.failed_handshakes += 1);
    }

    /// The head of a request arrived; returns the request's number.
    pub(super) fn request_begun(&self, request: Received) -> usize {
        self.update(|state| state.begin(request))
    }

    /// The client reset a stream, for `reason`.
    #[cfg(feature = "http2")]
    pub(super) fn stream_reset(&self, reason: u32) {
        self.update(|state| state.seen.resets.push(reason));
    }

    /// A request arrived that is passed on, through a tunnel or not; its body is not looked at.
    pub(super) fn request_passed(&self, mut request: Received, tunnel: bool) {
        request.complete(Vec::new());
        self.update(|state| {
            let index = state.begin(request);
            state.seen.ended += 1;
            if index >= state.keep_requests {
                state.seen.requests.remove(&index);
            }
            state.seen.tunnels += usize::from(tunnel);
        });
    }

    pub(super) fn relayed_to_target(&self, bytes: usize) {
        self.update(|state| {
            state.seen.relayed_to_targets += u64::try_from(bytes).unwrap_or(u64::MAX);
        });
    }

    pub(super) fn relayed_to_client(&self, bytes: usize) {
        self.update(|state| {
            state.seen.relayed_to_clients += u64::try_from(bytes).unwrap_or(u64::MAX);
        });
    }

    pub(super) fn body_arrived(&self, index: usize, bytes: &[u8]) {
        self.update(|state| {
            state.seen.body_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            if let Some(request) = state.seen.requests.get_mut(&index) {
                request.extend_body(bytes, state.body_limit);
            }
        });
    }

    pub(super) fn body_completed(&self, index: usize, trailers: Vec<(String, String)>) {
        self.update(|state| {
            if let Some(request) = state.seen.requests.get_mut(&index) {
                request.complete(trailers);
            }
        });
    }

    /// The exchange is over: the request is forgotten if it is not among those to keep.
    pub(super) fn request_ended(&self, index: usize) {
        self.update(|state| {
            state.seen.ended += 1;
            if index >= state.keep_requests {
                state.seen.requests.remove(&index);
            }
        });
    }

    /// A copy of the request as it stands; `None` after its end, when it was not kept.
    pub(super) fn request(&self, index: usize) -> Option<Received> {
        self.lock().seen.requests.get(&index).cloned()
    }

    pub(super) fn script_panicked(&self, message: String) {
        self.update(|state| {
            state.script_panic.get_or_insert(message);
        });
    }

    pub(super) fn script_panic(&self) -> Option<String> {
        self.lock().script_panic.clone()
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&Observed) -> T) -> T {
        look(&self.lock().seen)
    }

    /// Waits until `done` holds, for at most `limit`.
    fn wait(&self, limit: Duration, done: impl Fn(&Observed) -> bool) -> Result<(), WaitError> {
        let deadline = Instant::now().checked_add(limit);
        let mut state = self.lock();
        loop {
            if done(&state.seen) {
                return Ok(());
            }
            if let Some(message) = &state.script_panic {
                return Err(WaitError::ScriptPanicked(message.clone()));
            }
            let left =
                deadline.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Err(WaitError::TimedOut(state.seen.to_string()));
            }
            state.waiting += 1;
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.waiting -= 1;
        }
    }

    /// The same, for tests.
    ///
    /// # Panics
    /// When it does not hold in time, with what was seen instead; when a closure of the script
    /// panicked.
    #[track_caller]
    pub(super) fn wait_or_panic(
        &self,
        limit: Duration,
        what: &str,
        done: impl Fn(&Observed) -> bool,
    ) {
        match self.wait(limit, done) {
            Ok(()) => {}
            Err(WaitError::TimedOut(seen)) => panic!("waited {limit:?} for {what}, saw {seen}"),
            Err(WaitError::ScriptPanicked(message)) => panic!("the script panicked: {message}"),
        }
    }

    fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = change(&mut state);
        if state.waiting > 0 {
            self.changed.notify_all();
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
