//! One call on its way: what all slots share.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use url::Url;

use super::{span, total_timeout};
use crate::client::{Answer, Shared};
use crate::observer::OwnedTarget;
use crate::{Body, BoxFuture, Error, Next, Observer, Phase, Request, RequestHead, Runtime};

/// A call: the client that makes it, and what is counted along the way.
///
/// Atomics, not cells, because middleware may run the rest of the way more than once at a time (a hedge).
pub(crate) struct CallScope<'a> {
    pub(super) client: &'a Arc<Shared>,
    pub(super) started: Instant,
    /// Attempts beyond the first, over all hops.
    retries: AtomicU32,
    /// Requests sent, 401 replays and hops included.
    sends: AtomicU32,
    /// The one 401 replay of the call was made.
    replayed: AtomicBool,
    phase: AtomicU8,
    /// The total timeout has ended the call.
    expired: AtomicBool,
    /// What the observer is told that the call is about; `None` when there is no observer.
    pub(super) target: Option<Arc<OwnedTarget>>,
    /// Where the last request went to, when middleware keeps it from the caller's own.
    final_url: Mutex<Option<Url>>,
}

/// What is counted.
#[derive(Clone, Copy)]
pub(super) struct Counts {
    retries: u32,
    sends: u32,
    replayed: bool,
}

impl Counts {
    const NONE: Self = Self { retries: 0, sends: 0, replayed: false };

    /// Requests sent.
    pub(super) const fn sends(self) -> u32 {
        self.sends
    }

    /// Requests sent after the first: `http.request.resend_count`.
    pub(super) const fn resends(self) -> u32 {
        self.sends.saturating_sub(1)
    }
}

impl<'a> CallScope<'a> {
    pub(crate) fn new(client: &'a Arc<Shared>, head: &RequestHead) -> Self {
        Self::resumed(client, head, client.runtime.now(), Counts::NONE)
    }

    /// A call that goes on, though its response was handed over.
    pub(super) fn resumed(
        client: &'a Arc<Shared>,
        head: &RequestHead,
        started: Instant,
        counts: Counts,
    ) -> Self {
        Self {
            client,
            started,
            retries: AtomicU32::new(counts.retries),
            sends: AtomicU32::new(counts.sends),
            replayed: AtomicBool::new(counts.replayed),
            phase: AtomicU8::new(0),
            expired: AtomicBool::new(false),
            target: client.observer.as_ref().map(|_| Arc::new(OwnedTarget::of(head))),
            final_url: Mutex::new(None),
        }
    }

    /// The whole way: slots 1 and 2, and all below.
    ///
    /// By reference: at the end, the caller's request tells where the last hop led.
    pub(crate) async fn enter(&self, request: &mut Request) -> Result<http::Response<Body>, Error> {
        let span = span::of(request);
        let mut call = pin!(async {
            match self.client.middleware.as_slice() {
                [] => self.run(request).await,
                [first, rest @ ..] => first.handle(take(request), Next::call(rest, self)).await,
            }
        });
        // Not `Instrument`, which would move the future once more.
        let silent = span.is_disabled();
        let outcome = poll_fn(|cx| {
            if silent { call.as_mut().poll(cx) } else { span.in_scope(|| call.as_mut().poll(cx)) }
        })
        .await;
        span::record(&span, self, &outcome);
        outcome
    }

    /// Slots 3 and below.
    fn run(
        &self,
        request: &mut Request,
    ) -> impl Future<Output = Result<http::Response<Body>, Error>> + Send {
        total_timeout::bound(self, request)
    }

    /// The same, boxed: a middleware's future cannot contain that of the slots, which contain middleware.
    pub(crate) fn run_boxed(
        &self,
        mut request: Request,
    ) -> BoxFuture<'_, Result<http::Response<Body>, Error>> {
        Box::pin(async move {
            let outcome = self.run(&mut request).await;
            *self.final_url.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(request.into_parts().0.url);
            outcome
        })
    }

    /// What the call came to.
    pub(crate) fn answer(self, response: http::Response<Body>) -> Answer {
        Answer {
            response,
            attempts: self.attempts(),
            elapsed: self.client.runtime.now().saturating_duration_since(self.started),
            url: self.final_url.into_inner().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Attempts made: 1 and the retries of the whole call.
    pub(crate) fn attempts(&self) -> u32 {
        self.retries.load(Ordering::Relaxed).saturating_add(1)
    }

    pub(super) fn count_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request that goes out; tells how many went before it.
    pub(super) fn count_send(&self) -> u32 {
        self.sends.fetch_add(1, Ordering::Relaxed)
    }

    /// What was counted until now.
    pub(super) fn counts(&self) -> Counts {
        Counts {
            retries: self.retries.load(Ordering::Relaxed),
            sends: self.sends.load(Ordering::Relaxed),
            replayed: self.replayed.load(Ordering::Relaxed),
        }
    }

    /// Notes that the total timeout ends the call: what is under way is dropped right after.
    pub(super) fn expire(&self) {
        self.expired.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_expired(&self) -> bool {
        self.expired.load(Ordering::Relaxed)
    }

    /// Whether this caller may make the one 401 replay of the call.
    pub(super) fn claim_replay(&self) -> bool {
        !self.replayed.swap(true, Ordering::Relaxed)
    }

    pub(super) fn enter_phase(&self, phase: Phase) {
        self.phase.store(phase.code(), Ordering::Relaxed);
    }

    pub(crate) fn runtime(&self) -> &'a dyn Runtime {
        &*self.client.runtime
    }

    pub(crate) fn observer(&self) -> Option<&'a Arc<dyn Observer>> {
        self.client.observer.as_ref()
    }

    pub(crate) fn phase(&self) -> Phase {
        Phase::from_code(self.phase.load(Ordering::Relaxed))
    }
}

/// Takes a request out of the place that it was sent from; what stays behind is never sent.
fn take(request: &mut Request) -> Request {
    let mut head = RequestHead::new(request.method().clone(), request.url().clone());
    head.version = request.head().version;
    head.headers = std::mem::take(request.headers_mut());
    head.extensions = std::mem::take(request.extensions_mut());
    Request::from_parts(head, std::mem::take(request.body_mut()))
}
