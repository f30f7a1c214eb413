//! [`Sleep`]: the future of one sleep.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::Shared;
use super::clock::TimerKey;

/// Its end is fixed when it is made; it counts as awaited from its first poll to its end or drop.
pub(super) struct Sleep {
    shared: Arc<Shared>,
    key: TimerKey,
    /// `None` once it is over.
    duration: Option<Duration>,
}

impl Sleep {
    pub(super) fn new(shared: &Arc<Shared>, duration: Duration) -> Self {
        let key = shared.lock().clock.ask(duration);
        Self { shared: Arc::clone(shared), key, duration: Some(duration) }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self { shared, key, duration } = &mut *self;
        let mut state = shared.lock();
        if key.0 <= state.clock.elapsed() {
            duration.take().into_iter().for_each(|duration| state.clock.complete(duration));
            return Poll::Ready(());
        }
        let (stale, watchers) = state.clock.arm(*key, context.waker());
        drop(state);
        drop(stale);
        watchers.into_iter().for_each(Waker::wake);
        // An executor that waits for other threads has a time to jump to now.
        shared.changed.notify_all();
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let waker = self.shared.lock().clock.disarm(self.key);
        drop(waker);
    }
}
