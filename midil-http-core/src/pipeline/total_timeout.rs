//! Slot 3: the deadline of the whole call.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use super::{CallScope, decompression};
use crate::body::{Deadline, Watch};
use crate::{Body, Error, Phase, Request, TimeoutKind};

/// Bounds everything below, waits and token fetches included, and the body that is handed over.
pub(super) async fn bound(
    scope: &CallScope<'_>,
    request: &mut Request,
) -> Result<http::Response<Body>, Error> {
    let runtime = &scope.client.runtime;
    let deadline = deadline(scope, request);
    let mut watch =
        deadline.map(|deadline| Watch::new(Arc::clone(runtime), None, Some(deadline), None));
    let mut call =
        pin!(decompression::decode(scope, request, deadline.map(|deadline| deadline.at())));
    let outcome = poll_fn(|cx| match (call.as_mut().poll(cx), &mut watch) {
        (Poll::Pending, Some(watch)) => watch.poll_expired(cx, None).map(|expired| {
            scope.expire();
            Err(expired.error(scope.phase()))
        }),
        (poll, _) => poll,
    })
    .await;
    match (outcome, deadline) {
        // An outcome that took until after the deadline is late, whoever was slow.
        (Ok(_), Some(deadline)) if deadline.passed(runtime.now()) => {
            Err(deadline.error(Phase::Head))
        }
        (Ok(response), Some(deadline)) => Ok(response.map(|body| body.bounded(deadline, runtime))),
        (outcome, _) => outcome,
    }
}

/// When the call must be over. Both doors see it: a wrapper of the transport finds it in the request's head.
fn deadline(scope: &CallScope<'_>, request: &mut Request) -> Option<Deadline> {
    let own = request.head().settings().and_then(|settings| settings.total_timeout);
    let deadline =
        Deadline::new(scope.started, own.or(scope.client.timeouts.total)?, TimeoutKind::Total)?;
    request.head_mut().deadline = Some(deadline.at());
    Some(deadline)
}
