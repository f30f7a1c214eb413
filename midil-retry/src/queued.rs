//! [`Queued`]: a call that waits for a limit, and the observer who is told of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use midil_http_core::{Event, Next, Observer, QueueEnded, QueueOutcome, RequestHead};

/// A call that waits for a limit. Dropped, it has left the queue.
pub(crate) struct Queued<'a> {
    told: Option<Told<'a>>,
}

struct Told<'a> {
    observer: &'a Arc<dyn Observer>,
    next: Next<'a>,
    head: &'a RequestHead,
    limit: &'static str,
    since: Instant,
}

impl<'a> Queued<'a> {
    /// It waits from now on.
    pub(crate) fn begin(next: Next<'a>, head: &'a RequestHead, limit: &'static str) -> Self {
        let told = next.observer().map(|observer| {
            let since = next.runtime().now();
            Told { observer, next, head, limit, since }
        });
        Self { told }
    }

    /// It goes on.
    pub(crate) fn admitted(mut self) {
        self.tell(QueueOutcome::Admitted);
    }

    /// It is refused, whether or not it has waited.
    pub(crate) fn refused(mut self) {
        self.tell(QueueOutcome::Refused);
    }

    fn tell(&mut self, outcome: QueueOutcome) {
        if let Some(Told { observer, next, head, limit, since }) = self.told.take() {
            let waited: Duration = next.runtime().now().saturating_duration_since(since);
            let event = QueueEnded::new(head, limit, waited, outcome);
            observer.observe(&Event::QueueEnded(event));
        }
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.tell(QueueOutcome::Left);
    }
}
