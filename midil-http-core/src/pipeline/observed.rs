//! What the observer is told of calls and of their requests: slots 1 and 11.

use std::sync::Arc;
use std::time::Instant;

use super::CallScope;
use crate::observer::{OpenBody, OwnedTarget};
use crate::{
    AuthNHeaders, Body, CallEnded, CallStarted, Ended, Error, Event, Request, RequestEnded,
    RequestStarted, Target, TokenUsed,
};

type Outcome = Result<http::Response<Body>, Error>;

/// A call that an observer is told of, if there is one. Dropped, it tells that the call came to nothing.
///
/// One word: the future of each call has it, observed or not.
pub(crate) struct ObservedCall<'a>(Option<&'a CallScope<'a>>);

impl<'a> ObservedCall<'a> {
    /// Tells that the call begins.
    pub(crate) fn begin(scope: &'a CallScope<'a>) -> Self {
        let (Some(observer), Some(target)) = (scope.observer(), &scope.target) else {
            return Self(None);
        };
        let event = CallStarted { target: target.get() };
        observer.observe(&Event::CallStarted(event));
        Self(Some(scope))
    }

    /// Tells what the call came to; that it is over is told by its body.
    pub(crate) fn end(mut self, outcome: &mut Outcome) {
        if let Some(scope) = self.0.take()
            && let Some(open) = tell_end(scope, Ended::of(outcome))
        {
            hand_over(open, outcome);
        }
    }
}

impl Drop for ObservedCall<'_> {
    fn drop(&mut self) {
        if let Some(open) = self.0.and_then(|scope| tell_end(scope, Ended::Dropped)) {
            open.close(None);
        }
    }
}

/// Tells what a call came to; gives back what tells that it is over.
fn tell_end(scope: &CallScope<'_>, ended: Ended<'_>) -> Option<OpenBody> {
    let (observer, target) = (scope.observer()?, scope.target.as_ref()?);
    let open = OpenBody::call(observer, Arc::clone(target));
    let elapsed = scope.runtime().now().saturating_duration_since(scope.started);
    let (attempts, requests) = (scope.attempts(), scope.counts().sends());
    let event = CallEnded { target: target.get(), ended, elapsed, attempts, requests };
    observer.observe(&Event::CallEnded(event));
    Some(open)
}

/// A request that an observer is told of.
pub(super) struct ObservedRequest(Arc<OwnedTarget>);

impl ObservedRequest {
    /// What will be told of it; `None` when nobody wants to know.
    pub(super) fn target(call: &CallScope<'_>, request: &Request) -> Option<Arc<OwnedTarget>> {
        let target = call.target.as_ref()?;
        Some(match target.is_of(request.head()) {
            true => Arc::clone(target),
            false => Arc::new(OwnedTarget::of(request.head())),
        })
    }

    /// Tells that the request goes out.
    pub(super) fn begin(
        call: &CallScope<'_>,
        target: Option<Arc<OwnedTarget>>,
        resend_count: u32,
    ) -> Option<Self> {
        let (observer, target) = (call.observer()?, target?);
        let event = RequestStarted { target: target.get(), resend_count };
        observer.observe(&Event::RequestStarted(event));
        Some(Self(target))
    }

    /// Tells what the request came to; that it is over is told by its body.
    pub(super) fn end(self, call: &CallScope<'_>, started: Instant, outcome: &mut Outcome) {
        self.tell(call, started, Ended::of(outcome));
        if let Some(observer) = &call.client.observer {
            hand_over(OpenBody::request(observer, self.0), outcome);
        }
    }

    /// Tells that nobody waited for what would come of it, that time was up, or that the client was closed.
    pub(super) fn cut_short(self, call: &CallScope<'_>, started: Instant) {
        self.tell(call, started, call.cut_short());
        if let Some(observer) = &call.client.observer {
            OpenBody::request(observer, self.0).close(None);
        }
    }

    fn tell(&self, call: &CallScope<'_>, started: Instant, ended: Ended<'_>) {
        if let Some(observer) = call.observer() {
            let elapsed = call.runtime().now().saturating_duration_since(started);
            let event = RequestEnded { target: self.0.get(), ended, elapsed };
            observer.observe(&Event::RequestEnded(event));
        }
    }
}

/// Leaves it to the body to tell that it is over; to nobody, where there is none.
fn hand_over(open: OpenBody, outcome: &mut Outcome) {
    match outcome {
        Ok(response) => {
            let body = std::mem::take(response.body_mut());
            *response.body_mut() = body.tracked(open);
        }
        Err(_) => open.close(None),
    }
}

/// Tells which credentials a request has.
pub(super) fn credentials(call: &CallScope<'_>, request: &Request, headers: &AuthNHeaders) {
    if let Some(observer) = call.observer() {
        let (target, generation) = (Target::of(request.head()), headers.generation());
        let now = call.runtime().now();
        let age = headers.obtained_at().map(|when| now.saturating_duration_since(when));
        observer.observe(&Event::TokenUsed(TokenUsed { target, generation, age }));
    }
}
