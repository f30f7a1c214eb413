//! [`Engine`]: begins requests, waits for those in flight, pauses.

use std::iter::{Fuse, Peekable};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::pace::Pace;
use super::{Batch, BatchProgress, Handler, Observer, Requests};
use crate::{BoxFuture, Error, RequestBuilder, Runtime};

/// A batch at work. It goes on whenever it is polled, and gives the results as they are there, with their indices.
pub(super) struct Engine<'a, T> {
    requests: Peekable<Fuse<Requests<'a>>>,
    handler: Handler<'a, T>,
    observer: Option<Observer<'a>>,
    runtime: Arc<dyn Runtime>,
    pace: Pace,
    in_flight: FuturesUnordered<BoxFuture<'a, (usize, Result<T, Error>)>>,
    progress: BatchProgress,
    /// How many were begun since the last pause.
    since_pause: usize,
    pausing: Option<BoxFuture<'static, ()>>,
}

impl<'a, T: Send + 'a> Engine<'a, T> {
    pub(super) fn new(batch: Batch<'a, T>) -> Self {
        let Batch { requests, handler, observer, pace, runtime } = batch;
        let total = match requests.size_hint() {
            (lower, Some(upper)) if lower == upper => Some(upper),
            _ => None,
        };
        Self {
            requests: requests.fuse().peekable(),
            handler,
            observer,
            runtime,
            pace,
            in_flight: FuturesUnordered::new(),
            progress: BatchProgress { total, done: 0, failed: 0, in_flight: 0 },
            since_pause: 0,
            pausing: None,
        }
    }

    /// The next result and the index of its request; `None` when all are over.
    ///
    /// `held` is how many results wait for others to be handed on first: they count as if they were in flight, so that no
    /// more of them can be kept than requests are made at once.
    pub(super) fn poll_result(
        &mut self,
        cx: &mut Context<'_>,
        held: usize,
    ) -> Poll<Option<(usize, Result<T, Error>)>> {
        self.begin(cx, held);
        match self.in_flight.poll_next_unpin(cx) {
            Poll::Ready(Some((index, result))) => {
                self.progress.done += 1;
                self.progress.in_flight = self.in_flight.len();
                self.progress.failed += usize::from(result.is_err());
                self.tell();
                Poll::Ready(Some((index, result)))
            }
            Poll::Ready(None) if self.pausing.is_none() => Poll::Ready(None),
            _ => Poll::Pending,
        }
    }

    /// Begins as many requests as there may be.
    fn begin(&mut self, cx: &mut Context<'_>, held: usize) {
        let concurrency = self.pace.concurrency().max(1);
        while !self.stopped() && self.in_flight.len().saturating_add(held) < concurrency {
            if !self.has_paused(cx) {
                return;
            }
            let Some(request) = self.requests.next() else { return };
            let index = self.progress.done + self.in_flight.len();
            self.in_flight.push(call(index, request, self.pace.check(), Arc::clone(&self.handler)));
            self.since_pause += 1;
            self.progress.in_flight = self.in_flight.len();
            self.tell();
        }
    }

    /// Whether the next request may begin, as far as pauses are concerned.
    fn has_paused(&mut self, cx: &mut Context<'_>) -> bool {
        if self.pace.size().is_none_or(|size| self.since_pause < size.max(1)) {
            return true;
        }
        // Whether there is anything to pause for is known only when the next request is.
        if !self.in_flight.is_empty() || self.requests.peek().is_none() {
            return false;
        }
        if let Some(pause) = self.pace.pause {
            let runtime = &self.runtime;
            let pausing = self.pausing.get_or_insert_with(|| runtime.sleep(pause));
            if pausing.as_mut().poll(cx).is_pending() {
                return false;
            }
            self.pausing = None;
        }
        self.since_pause = 0;
        true
    }

    fn stopped(&self) -> bool {
        self.pace.failures.is_some_and(|failures| self.progress.failed >= failures.max(1))
    }

    fn tell(&mut self) {
        if let Some(observer) = &mut self.observer {
            observer(self.progress);
        }
    }
}

/// One call of the batch, to its end.
fn call<'a, T: Send + 'a>(
    index: usize,
    request: RequestBuilder,
    pace: Result<(), crate::BuildError>,
    handler: Handler<'a, T>,
) -> BoxFuture<'a, (usize, Result<T, Error>)> {
    Box::pin(async move {
        let result = match pace {
            Err(error) => Err(error.into()),
            Ok(()) => match request.send().await {
                Ok(response) => handler(response).await,
                Err(error) => Err(error),
            },
        };
        (index, result)
    })
}
