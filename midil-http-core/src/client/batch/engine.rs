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
    /// Whether there are no more requests to begin.
    is_drawn: bool,
    /// Whether it is being polled, or was when somebody's closure or iterator panicked.
    is_at_work: bool,
}

/// How many requests begin before those in flight, and all others on the executor, have their turn: an iterator without an end
/// keeps no thread to itself.
pub(super) const AT_ONE_GO: usize = 64;

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
            is_drawn: false,
            is_at_work: false,
        }
    }

    /// The next result and the index of its request; `None` when all are over.
    ///
    /// `held` is how many results wait for others to be handed on first: they count as if they were in flight, so that no
    /// more of them can be kept than requests are made at once.
    ///
    /// What is there already comes before anything is begun: it may be the failure after which nothing is to begin.
    pub(super) fn poll_result(
        &mut self,
        cx: &mut Context<'_>,
        held: usize,
    ) -> Poll<Option<(usize, Result<T, Error>)>> {
        if std::mem::replace(&mut self.is_at_work, true) {
            // The last time, foreign code panicked: what that has left is not to be relied upon.
            return Poll::Ready(None);
        }
        let result = self.next_result(cx, held);
        self.is_at_work = false;
        result
    }

    fn next_result(
        &mut self,
        cx: &mut Context<'_>,
        held: usize,
    ) -> Poll<Option<(usize, Result<T, Error>)>> {
        let mut begun = 0;
        loop {
            if let Poll::Ready(Some((index, result))) = self.in_flight.poll_next_unpin(cx) {
                self.progress.done += 1;
                self.progress.in_flight = self.in_flight.len();
                self.progress.failed += usize::from(result.is_err());
                self.tell();
                return Poll::Ready(Some((index, result)));
            }
            if begun >= AT_ONE_GO {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let before = begun;
            while begun < AT_ONE_GO && self.begin(cx, held) {
                begun += 1;
            }
            if begun == before {
                let is_over = self.in_flight.is_empty() && (self.is_drawn || self.is_stopped());
                return if is_over { Poll::Ready(None) } else { Poll::Pending };
            }
        }
    }

    /// Begins one more request, if there may be one.
    fn begin(&mut self, cx: &mut Context<'_>, held: usize) -> bool {
        let concurrency = self.pace.concurrency().max(1);
        if self.is_stopped()
            || self.in_flight.len().saturating_add(held) >= concurrency
            || !self.has_paused(cx)
        {
            return false;
        }
        let Some(request) = self.requests.next() else {
            self.is_drawn = true;
            return false;
        };
        let index = self.progress.done + self.in_flight.len();
        self.in_flight.push(call(index, request, self.pace.check(), Arc::clone(&self.handler)));
        self.since_pause += 1;
        self.progress.in_flight = self.in_flight.len();
        self.tell();
        true
    }

    /// Whether the next request may begin, as far as pauses are concerned.
    fn has_paused(&mut self, cx: &mut Context<'_>) -> bool {
        if self.pace.size().is_none_or(|size| self.since_pause < size.max(1)) {
            return true;
        }
        // Whether there is anything to pause for is known only when the next request is.
        if !self.in_flight.is_empty() {
            return false;
        }
        if self.requests.peek().is_none() {
            self.is_drawn = true;
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

    fn is_stopped(&self) -> bool {
        self.pace.failures.is_some_and(|failures| self.progress.failed >= failures.max(1))
    }

    pub(super) fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::clone(&self.runtime)
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
