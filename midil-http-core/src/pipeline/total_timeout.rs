//! Slot 3: the deadline of the whole call.

use std::future::poll_fn;
use std::pin::pin;

use super::{CallScope, decompression};
use crate::body::Deadline;
use crate::{Alarm, Body, Error, Phase, Request, TimeoutKind};

/// Bounds everything below, waits and token fetches included, and the body that is handed over.
pub(super) async fn bound(
    scope: &CallScope<'_>,
    request: &mut Request,
) -> Result<http::Response<Body>, Error> {
    let runtime = &scope.client.runtime;
    let deadline = deadline(scope, request);
    let alarm = deadline.map(|deadline| Alarm::within(None, &**runtime, deadline.at()));
    let mut call = pin!(decompression::decode(scope, request, alarm.as_ref()));
    let mut outcome = poll_fn(|cx| {
        let poll = call.as_mut().poll(cx);
        match deadline.zip(alarm.as_ref()) {
            Some((deadline, alarm)) if poll.is_pending() => alarm.poll_rings(cx).map(|()| {
                scope.expire();
                Err(scope.timeout(&deadline))
            }),
            _ => poll,
        }
    })
    .await;
    if let (Ok(response), Some(deadline)) = (&mut outcome, deadline) {
        // An outcome that took until after the deadline is late, whoever was slow.
        if deadline.passed(runtime.now()) {
            return Err(deadline.error(Phase::Head));
        }
        let timer = alarm.as_ref().and_then(Alarm::take_timer);
        response.body_mut().bound(deadline, runtime, timer);
    }
    outcome
}

/// When the call must be over. Both doors see it: a wrapper of the transport finds it in the request's head.
fn deadline(scope: &CallScope<'_>, request: &mut Request) -> Option<Deadline> {
    let own = request.head().settings().and_then(|settings| settings.total_timeout);
    let deadline =
        Deadline::new(scope.started, own.or(scope.client.timeouts.total)?, TimeoutKind::Total)?;
    request.head_mut().deadline = Some(deadline.at());
    Some(deadline)
}
