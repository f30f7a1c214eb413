//! Slot 1: a span per call, by OpenTelemetry's names for HTTP.

use tracing::Span;

use super::CallScope;
use crate::client::Shared;
use crate::trace::client_span::{self, Role};
use crate::{Body, Error, Request};

/// The span of a call; near free when nobody listens.
pub(super) fn of(client: &Shared, request: &Request) -> Span {
    client_span::begin(&client.trace, Role::Call, request.head(), 0)
}

/// Notes what the call came to.
pub(super) fn record(
    span: &Span,
    scope: &CallScope<'_>,
    outcome: &Result<http::Response<Body>, Error>,
) {
    if !span.is_disabled() {
        client_span::end(span, &scope.client.trace, outcome);
        client_span::record_resends(span, scope.counts().resends());
    }
}
