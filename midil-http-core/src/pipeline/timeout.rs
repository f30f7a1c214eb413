//! Slot 10: the timeouts of an exchange, and what is left of them on the body that is handed over.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use http::{Method, StatusCode, header};

use super::{AttemptScope, attempt_event};
use crate::body::{Deadline, Upload, Watch};
use crate::{Body, Error, Phase, Request, TimeoutKind};

/// One exchange, which must keep moving and end in time.
pub(super) async fn exchange(
    scope: &AttemptScope<'_>,
    request: Request,
) -> Result<http::Response<Body>, Error> {
    let client = scope.call.client;
    let started = client.runtime.now();
    let settings = request.head().settings();
    let progress = settings.and_then(|settings| settings.timeout).or(client.timeouts.progress);
    let attempt =
        settings.and_then(|settings| settings.attempt_timeout).or(client.timeouts.attempt);
    let deadline = attempt.and_then(|limit| Deadline::new(started, limit, TimeoutKind::Attempt));
    let mut watch = Watch::new(Arc::clone(&client.runtime), progress, deadline);

    let is_head = request.method() == Method::HEAD;
    let (head, body) = request.into_parts();
    let (body, upload) = Upload::watch(body, &client.runtime);
    scope.call.enter_phase(Phase::Head);
    let mut sending = attempt_event::send(scope, Request::from_parts(head, body));
    let outcome = poll_fn(|cx| match sending.as_mut().poll(cx) {
        Poll::Ready(outcome) => Poll::Ready(outcome),
        Poll::Pending if watch.is_idle() => Poll::Pending,
        Poll::Pending => watch
            .poll_expired(cx, || {
                upload.as_ref().map_or(Some(started), |upload| upload.stalled_since())
            })
            .map(|expired| {
                let sending = upload.as_ref().is_some_and(|upload| !upload.is_ended());
                Err(expired.error(if sending { Phase::Send } else { Phase::Head }))
            }),
    })
    .await;
    match outcome {
        Ok(response) => {
            let announced = announced_length(&response, is_head);
            let ended = http_body::Body::is_end_stream(response.body())
                && announced.is_none_or(|length| length == 0);
            if ended || (watch.is_idle() && announced.is_none()) {
                return Ok(response);
            }
            Ok(response.map(|body| body.watched(watch, announced)))
        }
        // Whatever the transport made of it: what failed was the caller's stream.
        Err(error) => Err(upload.and_then(|upload| upload.take_failure()).unwrap_or(error)),
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
pub(super) type Sending<'a> =
    Pin<Box<dyn Future<Output = Result<http::Response<Body>, Error>> + Send + 'a>>;
