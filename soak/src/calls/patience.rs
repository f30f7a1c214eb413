//! Callers who lose interest.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::plan::Patience;

/// What `future` comes to, or `None` when it was dropped before.
pub(super) async fn wait<F: Future>(patience: Patience, future: F) -> Option<F::Output> {
    match patience {
        Patience::Endless => Some(future.await),
        Patience::Microseconds(time) => {
            tokio::time::timeout(Duration::from_micros(time), future).await.ok()
        }
        Patience::Polls(polls) => at_most(polls, future).await,
    }
}

/// Polls `future` so many times, one right after the other: then it is dropped, wherever it is.
async fn at_most<F: Future>(polls: u64, future: F) -> Option<F::Output> {
    let (mut future, mut left) = (pin!(future), polls);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}
