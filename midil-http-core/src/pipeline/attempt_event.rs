//! Slot 11: an event per exchange, and the transport.

use tracing::Level;

use super::AttemptScope;
use super::timeout::Sending;
use crate::{Error, Request, redact};

/// Hands the request to the transport; tells whoever listens what came of it.
pub(super) fn send<'a>(scope: &'a AttemptScope<'a>, request: Request) -> Sending<'a> {
    let transport = &scope.call.client.transport;
    let resend_count = scope.call.count_send();
    if !tracing::enabled!(target: "midil_http::attempt", Level::DEBUG) {
        return transport.send(request);
    }
    Box::pin(async move {
        let method = request.method().clone();
        let url = redact::url(request.url()).to_string();
        let attempt = scope.call.attempts();
        let outcome = transport.send(request).await;
        let status = outcome.as_ref().ok().map(|response| response.status().as_u16());
        let error = outcome.as_ref().err().map(Error::kind);
        tracing::debug!(
            target: "midil_http::attempt",
            {
                http.request.method = %method,
                url.full = %url,
                http.request.resend_count = resend_count,
                attempt,
                http.response.status_code = status,
                "error.type" = error,
            },
            "HTTP attempt"
        );
        outcome
    })
}
