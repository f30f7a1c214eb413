//! Slot 11: an event per exchange.

use http::Method;
use tracing::Level;

use super::AttemptScope;
use crate::{Body, Error, Request, redact};

/// What is known of an exchange before it begins.
pub(super) struct AttemptEvent {
    method: Method,
    url: String,
    attempt: u32,
    resend_count: u32,
}

impl AttemptEvent {
    /// Counts the exchange, and notes what to tell of it; nothing when nobody listens.
    pub(super) fn begin(scope: &AttemptScope<'_>, request: &Request) -> Option<Box<Self>> {
        let resend_count = scope.call.count_send();
        tracing::enabled!(target: "midil_http::attempt", Level::DEBUG).then(|| {
            Box::new(Self {
                method: request.method().clone(),
                url: redact::url(request.url()).to_string(),
                attempt: scope.call.attempts(),
                resend_count,
            })
        })
    }

    /// Tells what came of the exchange.
    pub(super) fn end(self, outcome: &Result<http::Response<Body>, Error>) {
        let Self { method, url, attempt, resend_count } = self;
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
    }
}
