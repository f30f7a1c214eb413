//! Slot 3: the deadline of the whole call.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::task::Poll;

use super::{CallScope, decompression};
use crate::body::{Deadline, Watch};
use crate::{Body, CallSettings, Error, Phase, Request, TimeoutKind};

/// Bounds everything below, waits and token fetches included, and the body that is handed over.
pub(super) async fn bound(
    scope: &CallScope<'_>,
    mut request: Request,
) -> Result<http::Response<Body>, Error> {
    let own = request.head().settings().and_then(|settings| settings.total_timeout);
    let limit = own.or(scope.client.timeouts.total);
    let deadline = limit.and_then(|limit| Deadline::new(scope.started, limit, TimeoutKind::Total));
    let Some(deadline) = deadline else { return decompression::decode(scope, request, None).await };

    // Both doors see the deadline: a wrapper of the transport finds it in the request's extensions.
    let mut settings = request.extensions_mut().remove::<CallSettings>().unwrap_or_default();
    settings.deadline = Some(deadline.at());
    request.extensions_mut().insert(settings);

    let runtime = &scope.client.runtime;
    let mut watch = Watch::new(std::sync::Arc::clone(runtime), None, Some(deadline));
    let mut call = pin!(decompression::decode(scope, request, Some(deadline.at())));
    let outcome = poll_fn(|cx| match call.as_mut().poll(cx) {
        Poll::Ready(outcome) => Poll::Ready(outcome),
        Poll::Pending => {
            watch.poll_expired(cx, || None).map(|expired| Err(expired.error(scope.phase())))
        }
    })
    .await;
    match outcome {
        // An outcome that took until after the deadline is late, whoever was slow.
        Ok(_) if deadline.passed(runtime.now()) => Err(deadline.error(Phase::Head)),
        Ok(response) => Ok(response.map(|body| body.bounded(deadline, runtime))),
        Err(error) => Err(error),
    }
}
