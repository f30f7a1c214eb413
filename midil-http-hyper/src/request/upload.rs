//! [`Upload`]: what a stream on its way out and its exchange tell each other.

#[cfg(feature = "http2")]
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};
#[cfg(feature = "http2")]
use std::task::{Context, Poll, Waker};

use midil_http_core::Error;

/// A stream on its way out, as its exchange sees it.
#[derive(Default)]
pub(crate) struct Upload(Mutex<State>);

#[derive(Default)]
struct State {
    /// What the caller's stream failed with: on its way through hyper it would be buried, or lost.
    failure: Option<Error>,
    #[cfg(feature = "http2")]
    is_broken_off: bool,
    #[cfg(feature = "http2")]
    has_ended: bool,
    /// Who sends it.
    #[cfg(feature = "http2")]
    sender: Option<Waker>,
    /// Who waits for its end.
    #[cfg(feature = "http2")]
    reader: Option<Waker>,
}

impl Upload {
    pub(crate) fn take_failure(&self) -> Option<Error> {
        self.lock().failure.take()
    }

    pub(super) fn fail(&self, error: Error) {
        self.lock().failure = Some(error);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "http2")]
impl Upload {
    /// Ready when nothing more is to be sent; until then, whoever sends it is woken for that.
    pub(super) fn poll_broken_off(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.is_broken_off {
            return Poll::Ready(());
        }
        wake_later(&mut state.sender, cx);
        Poll::Pending
    }

    /// It was sent, or it was given up.
    pub(super) fn end(&self) {
        let reader = {
            let mut state = self.lock();
            state.has_ended = true;
            state.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

/// Binds an upload to its exchange: it is broken off when this is dropped, should it not have ended.
#[cfg(feature = "http2")]
pub(crate) struct Bound(Arc<Upload>);

#[cfg(feature = "http2")]
impl Bound {
    pub(super) fn new(upload: Arc<Upload>) -> Self {
        // It may have been bound before, to an exchange that did not begin.
        upload.lock().is_broken_off = false;
        Self(upload)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.0.lock().has_ended
    }

    pub(crate) fn poll_ended(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.has_ended {
            return Poll::Ready(());
        }
        wake_later(&mut state.reader, cx);
        Poll::Pending
    }
}

#[cfg(feature = "http2")]
impl Drop for Bound {
    fn drop(&mut self) {
        let sender = {
            let mut state = self.0.lock();
            state.is_broken_off = true;
            state.sender.take()
        };
        if let Some(sender) = sender {
            sender.wake();
        }
    }
}

#[cfg(feature = "http2")]
fn wake_later(waker: &mut Option<Waker>, cx: &Context<'_>) {
    match waker {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *waker = Some(cx.waker().clone()),
    }
}
