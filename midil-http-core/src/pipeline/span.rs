//! Slot 1: a client span per call, by OpenTelemetry's names for HTTP.

use tracing::{Span, field};

use super::CallScope;
use crate::{Body, Error, Request, redact};

/// The span of a call; near free when nobody listens. The query string is not shown: it may hold secrets.
pub(super) fn of(request: &Request) -> Span {
    tracing::info_span!(
        target: "midil_http",
        "HTTP",
        "otel.kind" = "client",
        "http.request.method" = request.method().as_str(),
        "url.full" = %redact::url(request.url()),
        "server.address" = request.url().host_str(),
        "server.port" = request.url().port_or_known_default(),
        "http.request.header.x-request-id" = field::Empty,
        "http.response.status_code" = field::Empty,
        "http.request.resend_count" = field::Empty,
        "error.type" = field::Empty,
    )
}

/// Notes what the call came to.
pub(super) fn record(
    span: &Span,
    scope: &CallScope<'_>,
    outcome: &Result<http::Response<Body>, Error>,
) {
    if span.is_disabled() {
        return;
    }
    match outcome {
        Ok(response) => {
            span.record("http.response.status_code", response.status().as_u16());
            if response.status().is_client_error() || response.status().is_server_error() {
                span.record("error.type", response.status().as_str());
            }
        }
        Err(error) => {
            if let Some(status) = error.status() {
                span.record("http.response.status_code", status.as_u16());
            }
            span.record("error.type", error.kind());
        }
    }
    record_resends(span, scope.counts().resends());
}

/// Notes how many requests were sent after the first.
pub(super) fn record_resends(span: &Span, resends: u32) {
    if resends > 0 {
        span.record("http.request.resend_count", resends);
    }
}
