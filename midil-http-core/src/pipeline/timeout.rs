//! Slot 10: the timeouts of an exchange, and what is left of them on the body that is handed over.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use http::{Method, StatusCode, header};

use super::attempt_event::AttemptEvent;
use super::{AttemptScope, cookies};
use crate::body::{Deadline, Upload, Watch};
use crate::{Body, BoxFuture, Error, Phase, Request, TimeoutKind};

/// One exchange, which must keep moving and end in time.
///
/// Not an `async fn`: the request goes straight into the transport's future, and does not take room here.
pub(super) fn exchange<'a>(scope: &'a AttemptScope<'a>, request: Request) -> Exchange<'a> {
    let client = scope.call.client;
    let started = client.runtime.now();
    let settings = request.head().settings();
    let progress = settings.and_then(|settings| settings.timeout).or(client.timeouts.progress);
    let attempt =
        settings.and_then(|settings| settings.attempt_timeout).or(client.timeouts.attempt);
    let deadline = attempt.and_then(|limit| Deadline::new(started, limit, TimeoutKind::Attempt));
    let watch = Watch::new(Arc::clone(&client.runtime), progress, deadline);

    let is_head = request.method() == Method::HEAD;
    let (head, body) = request.into_parts();
    let (body, upload) = Upload::watch(body, &client.runtime);
    scope.call.enter_phase(Phase::Head);
    let request = Request::from_parts(head, body);
    let event = AttemptEvent::begin(scope, &request);
    Exchange {
        sending: client.transport.send(request),
        started,
        watch: Some(watch),
        upload,
        is_head,
        event,
    }
}

/// An exchange under way, until the response head.
pub(super) struct Exchange<'a> {
    sending: Sending<'a>,
    started: Instant,
    /// Until it is handed over to the response's body.
    watch: Option<Watch>,
    upload: Option<Arc<Upload>>,
    is_head: bool,
    event: Option<Box<AttemptEvent>>,
}

impl Future for Exchange<'_> {
    type Output = Result<http::Response<Body>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = ready!(self.poll_outcome(cx));
        if let Some(event) = self.event.take() {
            event.end(&outcome);
        }
        Poll::Ready(outcome)
    }
}

impl Exchange<'_> {
    fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Result<http::Response<Body>, Error>> {
        match self.sending.as_mut().poll(cx) {
            Poll::Ready(Ok(response)) => {
                Poll::Ready(Ok(hand_over(response, self.watch.take(), self.is_head)))
            }
            // Whatever the transport made of it: what failed was the caller's stream.
            Poll::Ready(Err(error)) => {
                let failure = self.upload.as_ref().and_then(|upload| upload.take_failure());
                Poll::Ready(Err(failure.unwrap_or(error)))
            }
            Poll::Pending => {
                let Some(watch) = self.watch.as_mut().filter(|watch| !watch.is_idle()) else {
                    return Poll::Pending;
                };
                let (started, upload) = (self.started, self.upload.as_deref());
                let expired = ready!(watch.poll_expired(cx, |cx| match upload {
                    Some(upload) => upload.stalled_since(cx),
                    None => Some(started),
                }));
                let sending = upload.is_some_and(|upload| !upload.is_ended());
                Poll::Ready(Err(expired.error(if sending { Phase::Send } else { Phase::Head })))
            }
        }
    }
}

/// Puts what is left of the timeouts on the response's body.
fn hand_over(
    mut response: http::Response<Body>,
    watch: Option<Watch>,
    is_head: bool,
) -> http::Response<Body> {
    cookies::hide_received(&mut response);
    let announced = announced_length(&response, is_head);
    let ended = http_body::Body::is_end_stream(response.body())
        && announced.is_none_or(|length| length == 0);
    match watch.filter(|watch| !ended && (!watch.is_idle() || announced.is_some())) {
        Some(watch) => response.map(|body| body.watched(watch, announced)),
        None => response,
    }
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
