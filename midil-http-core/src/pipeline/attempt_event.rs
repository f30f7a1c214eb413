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
    /// Notes what to tell of it; nothing when nobody listens.
    pub(super) fn begin(
        scope: &AttemptScope<'_>,
        request: &Request,
        resend_count: u32,
    ) -> Option<Box<Self>> {
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
        match outcome {
            Ok(response) => self.tell(Some(response.status().as_u16()), None),
            Err(error) => self.tell(None, Some(error.kind())),
        }
    }

    /// Tells that nobody waited for what would come of it.
    pub(super) fn cut_short(self) {
        self.tell(None, Some("Cancelled"));
    }

    fn tell(self, status: Option<u16>, error: Option<&'static str>) {
        let Self { method, url, attempt, resend_count } = self;
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
