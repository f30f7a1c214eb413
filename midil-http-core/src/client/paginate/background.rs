//! What makes a stream go on by itself: one item ahead, in a task.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::thread;

use futures_channel::mpsc;
use futures_core::Stream;
use futures_core::stream::BoxStream;
use futures_util::future::{AbortHandle, abortable};
use futures_util::{FutureExt, StreamExt};
use tracing::{Instrument, Span};

use crate::{Error, Runtime};

/// A stream that is read in a task of the runtime, one item ahead of who polls it. Nothing happens before the first poll, and
/// dropping it ends the task.
pub(super) enum Ahead<T> {
    Waiting { stream: Option<BoxStream<'static, T>>, runtime: Arc<dyn Runtime> },
    Running { items: mpsc::Receiver<thread::Result<Option<T>>>, _task: Task },
    Over,
}

/// Ends its task when it is dropped.
pub(super) struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T: Send + 'static> Ahead<T> {
    pub(super) const fn new(stream: BoxStream<'static, T>, runtime: Arc<dyn Runtime>) -> Self {
        Self::Waiting { stream: Some(stream), runtime }
    }

    fn start(&mut self) {
        let Self::Waiting { stream, runtime } = self else { return };
        let Some(mut stream) = stream.take() else { return };
        // A sender has one place of its own, and it is waited for before the next item is: so there is one ahead.
        let (mut sender, items) = mpsc::channel(0);
        // Of its own, and so with a place of its own.
        let mut to_the_reader = sender.clone();
        let read = async move {
            loop {
                if poll_fn(|cx| sender.poll_ready(cx)).await.is_err() {
                    return;
                }
                let item = stream.next().await;
                let is_last = item.is_none();
                if sender.start_send(Ok(item)).is_err() || is_last {
                    return;
                }
            }
        };
        let read = AssertUnwindSafe(read).catch_unwind().map(move |end| {
            if let Err(panic) = end {
                // Who does not read any more does not want it.
                drop(to_the_reader.try_send(Err(panic)));
            }
        });
        let (read, handle) = abortable(read);
        // Pages belong to whoever reads them.
        let read = read.map(Result::unwrap_or_default).instrument(Span::current());
        runtime.spawn(Box::pin(read));
        *self = Self::Running { items, _task: Task(handle) };
    }
}

impl<T: Send + 'static> Stream for Ahead<T> {
    /// An error where the runtime has dropped the task before it was through.
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.start();
        let Self::Running { items, .. } = &mut *self else { return Poll::Ready(None) };
        let item = match ready!(items.poll_next_unpin(cx)) {
            Some(Ok(Some(item))) => return Poll::Ready(Some(Ok(item))),
            Some(Ok(None)) => None,
            Some(Err(panic)) => {
                *self = Self::Over;
                resume_unwind(panic)
            }
            None => Some(Err(Error::custom(
                "the runtime has dropped the task that asks for pages ahead: keep it running, or leave `prefetch` out",
            ))),
        };
        *self = Self::Over;
        Poll::Ready(item)
    }
}
