//! Slot 10: the timeouts of an exchange, and what is left of them on the body that is handed over.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use http::{Method, StatusCode, header};

use super::attempt_event::{AttemptEvent, propagate};
use super::observed::ObservedRequest;
use super::{AttemptScope, CallScope, cookies};
use crate::body::{Deadline, Upload, Watch};
use crate::in_line::Told;
use crate::{Alarm, Body, BoxFuture, Error, Phase, Request, TimeoutKind};

/// One exchange, which must keep moving and end in time.
///
/// Not an `async fn`: the request goes straight into the transport's future, and does not take room here.
pub(super) fn exchange<'a>(
    scope: &'a AttemptScope<'a>,
    mut request: Request,
    alarm: Option<&'a Alarm<'a>>,
) -> Exchange<'a> {
    let client = scope.call.client;
    let started = client.runtime.now();
    let settings = request.head().settings();
    let progress = settings.and_then(|settings| settings.timeout).or(client.timeouts.progress);
    let attempt =
        settings.and_then(|settings| settings.attempt_timeout).or(client.timeouts.attempt);
    let deadline = attempt.and_then(|limit| Deadline::new(started, limit, TimeoutKind::Attempt));
    let is_head = request.method() == Method::HEAD;
    let (body, upload) = Upload::watch(std::mem::take(request.body_mut()), &client.runtime);
    *request.body_mut() = body;
    let watch = Watch::new(Arc::clone(&client.runtime), progress, deadline, upload);
    scope.call.enter_phase(Phase::Head);
    let resend_count = scope.call.count_send();
    let event = AttemptEvent::begin(scope, &request, resend_count);
    propagate(scope, event.as_deref(), &mut request);
    let visit = cookies::Visit::of(client, &request);
    let target = ObservedRequest::target(scope.call, &request);
    let sending = client.transport.send(request);
    // Not before: it may panic, and nobody would tell of the end.
    let observed = ObservedRequest::begin(scope.call, target, resend_count);
    let (call, watch) = (scope.call, Some(watch));
    Exchange {
        call,
        sending,
        started,
        watch,
        alarm,
        placed: false,
        line: Line::Unknown,
        since: started,
        is_head,
        event,
        observed,
        visit,
    }
}

/// An exchange under way, until the response head.
pub(super) struct Exchange<'a> {
    call: &'a CallScope<'a>,
    sending: Sending<'a>,
    started: Instant,
    /// Until it is handed over to the response's body.
    watch: Option<Watch>,
    /// That of whoever is further up, whose timer is used.
    alarm: Option<&'a Alarm<'a>>,
    /// Whether it has a place for this exchange.
    placed: bool,
    line: Line,
    /// Since when it waits for the peer, or for its turn.
    since: Instant,
    is_head: bool,
    event: Option<Box<AttemptEvent>>,
    observed: Option<ObservedRequest>,
    visit: cookies::Visit,
}

/// Where a request is with regard to a limit of the transport's own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    /// The transport has not said anything yet.
    Unknown,
    /// It waits for its turn: nothing of it has begun.
    Waits,
    /// It has left the line, or there was none. It does not come back: what follows may be another exchange of the transport's.
    Left,
}

impl Future for Exchange<'_> {
    type Output = Result<http::Response<Body>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Taken out meanwhile, so that all else can be borrowed.
        let event = self.event.take();
        let Poll::Ready(mut outcome) =
            AttemptEvent::in_scope(event.as_deref(), || self.poll_outcome(cx))
        else {
            self.event = event;
            return Poll::Pending;
        };
        if let Some(observed) = self.observed.take() {
            observed.end(self.call, self.started, &mut outcome);
        }
        if let Some(event) = event {
            event.end(self.call, &outcome);
        }
        Poll::Ready(outcome)
    }
}

impl Exchange<'_> {
    fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Result<http::Response<Body>, Error>> {
        Told::forget();
        let mut poll = self.sending.as_mut().poll(cx);
        if self.line != Line::Left {
            self.look_at_line(poll.is_pending() && Told::since() == Told::Waits);
        }
        match &mut poll {
            Poll::Ready(Ok(response)) => {
                self.visit.learn(self.call.client, response);
                let is_alone = self.alarm.is_none() && self.observed.is_none();
                hand_over(response, self.watch.take(), self.is_head, is_alone);
                poll
            }
            Poll::Ready(Err(_)) => match &self.watch {
                Some(watch) => poll.map_err(|error| watch.failure(error)),
                None => poll,
            },
            Poll::Pending => {
                let Some(watch) = self.watch.as_mut().filter(|watch| !watch.is_idle()) else {
                    return Poll::Pending;
                };
                let phase = match self.line {
                    Line::Waits => Phase::Queue,
                    _ if watch.is_sending() => Phase::Send,
                    _ => Phase::Head,
                };
                self.call.enter_phase(phase);
                let since = Some(self.since);
                let expired = ready!(watch.poll_expired(cx, since, self.alarm, &mut self.placed));
                let timeout = expired.timeout(self.spent_in(phase, &expired));
                let unsent = self.line == Line::Waits;
                let timeout = if unsent { timeout.before_sending() } else { timeout };
                Poll::Ready(Err(timeout.into()))
            }
        }
    }

    /// Where the time of a timeout went that fires in `phase`: an attempt may have been in line for most of its time, and then it says
    /// little of the server.
    fn spent_in(&self, phase: Phase, expired: &Deadline) -> Phase {
        let in_line = self.since.saturating_duration_since(self.started);
        let after = expired.at().saturating_duration_since(self.since);
        if expired.is_of_attempt() && in_line > after { Phase::Queue } else { phase }
    }

    /// Notes whether it waits for its turn; called until it has had that.
    fn look_at_line(&mut self, waits: bool) {
        match (waits, self.line) {
            (true, Line::Unknown) => {
                self.line = Line::Waits;
                self.call.stand_in_line();
                self.call.enter_phase(Phase::Queue);
            }
            (false, Line::Waits) => {
                self.line = Line::Left;
                self.call.leave_line();
                self.call.enter_phase(Phase::Head);
                self.since = self.call.client.runtime.now();
            }
            (false, _) => self.line = Line::Left,
            (true, _) => {}
        }
    }
}

impl Drop for Exchange<'_> {
    /// An exchange that is cut short (by the total timeout, by a caller who lost interest) is told of, too.
    fn drop(&mut self) {
        if let Some(event) = self.event.take() {
            event.cut_short(self.call);
        }
        if let Some(observed) = self.observed.take() {
            observed.cut_short(self.call, self.started);
        }
        if let (Some(alarm), true) = (self.alarm, self.placed) {
            alarm.leave();
        }
    }
}

/// Puts what is left of the timeouts on the response's body. `is_alone` says that nobody bounds or observes the exchange from
/// further up.
fn hand_over(
    response: &mut http::Response<Body>,
    watch: Option<Watch>,
    is_head: bool,
    is_alone: bool,
) {
    cookies::hide_received(response);
    let announced = announced_length(response, is_head);
    let ended = http_body::Body::is_end_stream(response.body())
        && announced.is_none_or(|length| length == 0);
    if let Some(watch) = watch
        && !ended
        && (!watch.is_idle() || announced.is_some())
        && !(is_alone && !watch.has_deadline() && is_there(response.body(), announced))
    {
        let body = std::mem::take(response.body_mut());
        *response.body_mut() = body.watched(watch, announced);
    }
}

/// Whether the whole body is in memory: nothing of it can be late.
fn is_there(body: &Body, announced: Option<u64>) -> bool {
    body.as_bytes().is_some() && announced.is_none_or(|length| body.length() >= Some(length))
}

/// The length that the response's body must have.
fn announced_length(response: &http::Response<Body>, is_head: bool) -> Option<u64> {
    let bodiless = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&response.status());
    if is_head || bodiless {
        return None;
    }
    response.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The future of a transport.
type Sending<'a> = BoxFuture<'a, Result<http::Response<Body>, Error>>;
