//! Slot 1: a client span per call, by OpenTelemetry's names for HTTP.

use std::future::Future;

use tracing::{Instrument, Span, field};

use super::CallScope;
use crate::{Body, Error, Request, redact};

/// Runs the call in a span of its own; near free when nobody listens.
pub(super) async fn around<F, Fut>(
    scope: &CallScope<'_>,
    request: Request,
    rest: F,
) -> Result<http::Response<Body>, Error>
where
    F: FnOnce(Request) -> Fut,
    Fut: Future<Output = Result<http::Response<Body>, Error>>,
{
    let span = span(&request);
    let outcome = rest(request).instrument(span.clone()).await;
    if !span.is_disabled() {
        record(&span, scope, &outcome);
    }
    outcome
}

/// The query string is not shown: it may hold secrets.
fn span(request: &Request) -> Span {
    tracing::info_span!(
        target: "midil_http",
        "HTTP",
        "otel.kind" = "client",
        "http.request.method" = request.method().as_str(),
        "url.full" = %redact::url(request.url()),
        "server.address" = request.url().host_str(),
        "server.port" = request.url().port_or_known_default(),
        "http.response.status_code" = field::Empty,
        "http.request.resend_count" = field::Empty,
        "error.type" = field::Empty,
    )
}

fn record(span: &Span, scope: &CallScope<'_>, outcome: &Result<http::Response<Body>, Error>) {
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
    let resends = scope.resends();
    if resends > 0 {
        span.record("http.request.resend_count", resends);
    }
}
