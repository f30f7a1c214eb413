//! Slot 11: an event per exchange, or a span where the client's settings want one; and the context of the trace, on its way.

use http::Method;
use tracing::{Level, Span};

use super::{AttemptScope, CallScope};
use crate::trace::client_span::{self, Role};
use crate::{Body, Error, Request};

/// What is told of an exchange.
pub(super) enum AttemptEvent {
    /// What is known before it begins.
    Event { method: Method, url: String, attempt: u32, resend_count: u32 },
    /// Its own span.
    Span(Span),
}

impl AttemptEvent {
    /// Notes what to tell of it; nothing when nobody listens.
    pub(super) fn begin(
        scope: &AttemptScope<'_>,
        request: &Request,
        resend_count: u32,
    ) -> Option<Box<Self>> {
        let call = scope.call;
        let settings = &call.client.trace;
        if settings.exchange_spans {
            let span = client_span::begin(settings, Role::Exchange, request.head(), resend_count);
            client_span::sending(&span, settings, request);
            return (!span.is_disabled()).then(|| Box::new(Self::Span(span)));
        }
        if resend_count == 0 {
            // What the call's span tells of its request is the first one.
            client_span::sending(&call.span, settings, request);
        }
        tracing::enabled!(target: "midil_http::attempt", Level::DEBUG).then(|| {
            Box::new(Self::Event {
                method: request.method().clone(),
                url: settings.show(request.url()).to_string(),
                attempt: call.attempts(),
                resend_count,
            })
        })
    }

    /// Runs what belongs to the exchange where its span is the current one.
    pub(super) fn in_scope<T>(this: Option<&Self>, run: impl FnOnce() -> T) -> T {
        match this {
            Some(Self::Span(span)) => span.in_scope(run),
            _ => run(),
        }
    }

    /// Tells what came of the exchange.
    pub(super) fn end(self, scope: &CallScope<'_>, outcome: &Result<http::Response<Body>, Error>) {
        match (self, outcome) {
            (Self::Span(span), outcome) => client_span::end(&span, &scope.client.trace, outcome),
            (event, Ok(response)) => event.tell(Some(response.status().as_u16()), None),
            (event, Err(error)) => event.tell(None, Some(error.kind())),
        }
    }

    /// Tells that nobody waited for what would come of it, that time was up, or that the client was closed.
    pub(super) fn cut_short(self, scope: &CallScope<'_>) {
        self.tell(None, scope.cut_short().error_type());
    }

    fn tell(self, status: Option<u16>, error: Option<&str>) {
        let (method, url, attempt, resend_count) = match self {
            Self::Event { method, url, attempt, resend_count } => {
                (method, url, attempt, resend_count)
            }
            Self::Span(span) => return client_span::cut_short(&span, error),
        };
        tracing::debug!(
            target: "midil_http::attempt",
            {
                http.request.method = %method,
                url.full = %url,
                http.request.resend_count = i64::from(resend_count),
                attempt = i64::from(attempt),
                http.response.status_code = status.map(i64::from),
                "error.type" = error,
            },
            "HTTP attempt"
        );
    }
}

/// Puts the context of the trace on what is sent, where it may go.
pub(super) fn propagate(
    scope: &AttemptScope<'_>,
    event: Option<&AttemptEvent>,
    request: &mut Request,
) {
    let Some(propagator) = &scope.call.client.propagator else { return };
    if scope.is_own(request.url()) || propagator.any_origin() {
        AttemptEvent::in_scope(event, || propagator.inject(request.headers_mut()));
    }
}
