//! The two streams of a batch's results: in the order of the requests, and as they are there.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use sync_wrapper::SyncWrapper;

use super::engine::Engine;
use crate::Error;

/// The results of a batch in the order of its requests: see [`Batch::stream`](crate::Batch::stream).
pub struct BatchStream<'a, T> {
    engine: SyncWrapper<Engine<'a, T>>,
    /// What is there before what comes before it.
    held: SyncWrapper<BTreeMap<usize, Result<T, Error>>>,
    next: usize,
}

impl<'a, T: Send + 'a> BatchStream<'a, T> {
    pub(super) fn new(engine: Engine<'a, T>) -> Self {
        Self { engine: SyncWrapper::new(engine), held: SyncWrapper::new(BTreeMap::new()), next: 0 }
    }
}

impl<'a, T: Send + 'a> Stream for BatchStream<'a, T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let held = this.held.get_mut();
        loop {
            if let Some(result) = held.remove(&this.next) {
                this.next += 1;
                return Poll::Ready(Some(result));
            }
            match ready!(this.engine.get_mut().poll_result(cx, held.len())) {
                None => return Poll::Ready(None),
                Some((index, result)) => drop(held.insert(index, result)),
            }
        }
    }
}

impl<T> Unpin for BatchStream<'_, T> {}

impl<T> fmt::Debug for BatchStream<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchStream").field("next", &self.next).finish_non_exhaustive()
    }
}

/// The results of a batch as they are there, with the indices of their requests: see
/// [`Batch::as_completed`](crate::Batch::as_completed).
pub struct BatchCompletions<'a, T>(SyncWrapper<Engine<'a, T>>);

impl<'a, T: Send + 'a> BatchCompletions<'a, T> {
    pub(super) fn new(engine: Engine<'a, T>) -> Self {
        Self(SyncWrapper::new(engine))
    }
}

impl<'a, T: Send + 'a> Stream for BatchCompletions<'a, T> {
    type Item = (usize, Result<T, Error>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.get_mut().poll_result(cx, 0)
    }
}

impl<T> Unpin for BatchCompletions<'_, T> {}

impl<T> fmt::Debug for BatchCompletions<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchCompletions").finish_non_exhaustive()
    }
}
