//! A point of synchronisation between a test and its server.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
#[cfg(feature = "http2")]
use std::task::{Context, Poll, Waker};

use super::pulse::Pulse;

/// A gate that replies wait at until the test opens it, see [`Reply::hold`](super::Reply::hold).
///
/// It starts closed and, once open, stays open. Clones are the same gate, and one gate may hold
/// any number of replies. A held reply ends without being sent when its client closes the
/// connection or the server is dropped, so that a gate that nobody opens hangs nothing.
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::TcpStream;
///
/// use midil_http_test::fault_server::{FaultServer, Gate, Reply};
///
/// let gate = Gate::new();
/// let server = FaultServer::always(Reply::ok("late").hold(&gate).close());
/// let mut client = TcpStream::connect(server.address())?;
/// client.write_all(b"GET / HTTP/1.1\r\n\r\n")?;
///
/// server.wait_for_requests(1); // it is there, and not answered
/// assert!(!gate.is_open());
/// gate.open();
///
/// let mut answer = String::new();
/// client.read_to_string(&mut answer)?;
/// assert!(answer.ends_with("late"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Gate {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    open: AtomicBool,
    waiting: Mutex<Vec<Weak<Pulse>>>,
    #[cfg(feature = "http2")]
    wakers: Mutex<Vec<Waker>>,
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets every held reply go on, and those that come later pass.
    pub fn open(&self) {
        self.inner.open.store(true, Ordering::SeqCst);
        // The lock is released before a pulse is touched: a pulse asks `is_open` under its own.
        let waiting = std::mem::take(&mut *self.waiting());
        for pulse in waiting.iter().filter_map(Weak::upgrade) {
            pulse.beat();
        }
        #[cfg(feature = "http2")]
        for waker in std::mem::take(&mut *self.wakers()) {
            waker.wake();
        }
    }

    /// Ready when it is open.
    #[cfg(feature = "http2")]
    pub(super) fn poll_open(&self, cx: &Context<'_>) -> Poll<()> {
        let mut wakers = self.wakers();
        // Under the lock: the gate opens before its wakers are taken.
        if self.is_open() {
            return Poll::Ready(());
        }
        if !wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }

    #[cfg(feature = "http2")]
    fn wakers(&self) -> std::sync::MutexGuard<'_, Vec<Waker>> {
        self.inner.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it was opened.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.inner.open.load(Ordering::SeqCst)
    }

    /// Has `pulse` beat when the gate opens. To be called before looking at [`is_open`](Self::is_open).
    pub(super) fn subscribe(&self, pulse: &Arc<Pulse>) {
        let new = Arc::downgrade(pulse);
        let mut waiting = self.waiting();
        waiting.retain(|known| known.strong_count() > 0 && !known.ptr_eq(&new));
        waiting.push(new);
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Pulse>>> {
        self.inner.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
