//! One call on its way: what all slots share.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Instant;

use tracing::Span;

use super::{span, total_timeout};
use crate::body::Deadline;
use crate::client::{Answer, Shared, Ticket};
use crate::observer::OwnedTarget;
use crate::trace::client_span::Open;
use crate::{
    Body, BoxFuture, Ended, Error, Next, Observer, Phase, Random, Request, RequestHead, Runtime,
};

/// A call: the client that makes it, and what is counted along the way.
///
/// Atomics, not cells, because middleware may run the rest of the way more than once at a time (a hedge).
pub(crate) struct CallScope<'a> {
    pub(super) client: &'a Arc<Shared>,
    pub(crate) started: Instant,
    /// That of the call.
    pub(super) span: Span,
    /// Attempts beyond the first, over all hops.
    retries: AtomicU32,
    /// Requests sent, 401 replays and hops included.
    sends: AtomicU32,
    /// Those of them that a transport has not begun: they are, or were, in line for its own limit.
    unsent: AtomicU32,
    /// The one 401 replay of the call was made.
    replayed: AtomicBool,
    phase: AtomicU8,
    /// What has ended the call from above: [`EXPIRED`], [`CLOSED`], or nothing.
    cut_short: AtomicU8,
    /// What the observer is told that the call is about; `None` when there is no observer.
    pub(super) target: Option<Arc<OwnedTarget>>,
    /// The request of the last hop, without its body, when middleware keeps it from the caller's own. It is a box already: its
    /// URL alone would take twelve times the room.
    last_request: Mutex<Option<Request>>,
}

/// The total timeout has.
const EXPIRED: u8 = 1;
/// The client was closed.
const CLOSED: u8 = 2;

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
    pub(crate) fn new(client: &'a Arc<Shared>, request: &Request) -> Self {
        let (started, span) = (client.runtime.now(), span::of(client, request));
        Self::resumed(client, request.head(), started, span, Counts::NONE)
    }

    /// A call that goes on, though its response was handed over.
    pub(super) fn resumed(
        client: &'a Arc<Shared>,
        head: &RequestHead,
        started: Instant,
        span: Span,
        counts: Counts,
    ) -> Self {
        Self {
            client,
            started,
            span,
            retries: AtomicU32::new(counts.retries),
            sends: AtomicU32::new(counts.sends),
            unsent: AtomicU32::new(0),
            replayed: AtomicBool::new(counts.replayed),
            phase: AtomicU8::new(0),
            cut_short: AtomicU8::new(0),
            target: client.observer.as_ref().map(|_| Arc::new(OwnedTarget::of(head))),
            last_request: Mutex::new(None),
        }
    }

    /// The whole way: slots 1 and 2, and all below.
    ///
    /// By reference: at the end, the caller's request tells where the last hop led. What is under way is dropped when the client
    /// is closed and its grace is over, which `ticket` tells.
    pub(crate) async fn enter(
        &self,
        request: &mut Request,
        ticket: &mut Ticket,
    ) -> Result<http::Response<Body>, Error> {
        let span = &self.span;
        let open = Open::new(span);
        let mut call = pin!(async {
            match self.client.middleware.as_slice() {
                [] => self.run(request).await,
                [first, rest @ ..] => first.handle(take(request), Next::call(rest, self)).await,
            }
        });
        // Not `Instrument`, which would move the future once more.
        let silent = span.is_disabled();
        let closed = || {
            self.cut_short.store(CLOSED, Ordering::Relaxed);
            Err(Error::Closed)
        };
        let outcome = poll_fn(|cx| {
            if ticket.is_dropped() {
                return Poll::Ready(closed());
            }
            let outcome = if silent {
                call.as_mut().poll(cx)
            } else {
                span.in_scope(|| call.as_mut().poll(cx))
            };
            if outcome.is_pending() && ticket.poll_dropped(cx).is_ready() {
                return Poll::Ready(closed());
            }
            outcome
        })
        .await;
        open.close();
        span::record(span, self, &outcome);
        outcome
    }

    /// What a call comes to that a closed client does not begin.
    pub(crate) fn refuse(&self) -> Result<http::Response<Body>, Error> {
        let outcome = Err(Error::Closed);
        span::record(&self.span, self, &outcome);
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
            drop(std::mem::take(request.body_mut()));
            *self.last_request.lock().unwrap_or_else(PoisonError::into_inner) = Some(request);
            outcome
        })
    }

    /// What the call came to.
    pub(crate) fn answer(self, response: http::Response<Body>) -> Answer {
        let (attempts, now) = (self.attempts(), self.client.runtime.now());
        let last_request = self.last_request.into_inner().unwrap_or_else(PoisonError::into_inner);
        Answer {
            response,
            attempts,
            elapsed: now.saturating_duration_since(self.started),
            url: last_request.map(|request| request.into_parts().0.url),
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

    /// One of those that were counted is in line for a limit of the transport's.
    pub(super) fn stand_in_line(&self) {
        self.unsent.fetch_add(1, Ordering::Relaxed);
    }

    /// It has left the line, and goes out.
    pub(super) fn leave_line(&self) {
        self.unsent.fetch_sub(1, Ordering::Relaxed);
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
        self.cut_short.store(EXPIRED, Ordering::Relaxed);
    }

    /// What a request that was dropped came to.
    pub(super) fn cut_short(&self) -> Ended<'static> {
        match self.cut_short.load(Ordering::Relaxed) {
            EXPIRED => Ended::TimedOut,
            CLOSED => Ended::Closed,
            _ => Ended::Dropped,
        }
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

    /// The error of a timeout of the whole call.
    pub(super) fn timeout(&self, deadline: &Deadline) -> Error {
        let error = deadline.timeout(self.phase());
        let nothing_sent =
            self.sends.load(Ordering::Relaxed) == self.unsent.load(Ordering::Relaxed);
        if nothing_sent { error.before_sending() } else { error }.into()
    }

    pub(crate) fn random(&self) -> &'a Random {
        &self.client.random
    }

    pub(crate) fn phase(&self) -> Phase {
        Phase::from_code(self.phase.load(Ordering::Relaxed))
    }
}

/// Takes a request out of the place that it was sent from; what stays behind is never sent.
fn take(request: &mut Request) -> Request {
    let mut head = RequestHead::new(request.method().clone(), request.url().clone());
    head.version = request.head().version;
    head.deadline = request.head().deadline;
    head.headers = std::mem::take(request.headers_mut());
    head.extensions = std::mem::take(request.extensions_mut());
    Request::from_parts(head, std::mem::take(request.body_mut()))
}
