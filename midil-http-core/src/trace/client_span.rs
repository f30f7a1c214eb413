//! A span by OpenTelemetry's names for HTTP clients: of a call, or of one exchange.

use std::fmt;

use http::{HeaderMap, Method, header};
use tracing::Span;
use tracing::field::{self, Value};

use super::Recorded;
use super::callsite::{HeaderField, Named};
use crate::observer::{address, protocol_version};
use crate::{Body, Ended, Error, Request, RequestHead, redact};

/// The fields of every span, in the order of [`begin`]. Numbers are `i64`: of what `tracing` has, that alone is an
/// integer to OpenTelemetry.
pub(super) const FIELDS: [&str; 18] = [
    "otel.kind",
    "otel.name",
    "http.request.method",
    "http.request.method_original",
    "url.full",
    "url.template",
    "url.scheme",
    "server.address",
    "server.port",
    "user_agent.original",
    "http.request.header.x-request-id",
    "http.request.body.size",
    "http.request.resend_count",
    "http.response.status_code",
    "http.response.body.size",
    "network.protocol.version",
    "error.type",
    "otel.status_code",
];

/// The names and targets of the spans of calls and of exchanges.
pub(super) const NAMES: [Named; 2] =
    [("HTTP", "midil_http"), ("HTTP attempt", "midil_http::attempt")];

/// What a span is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A call of a client, as a whole.
    Call,
    /// One exchange.
    Exchange,
}

/// Begins a span; near free when nobody listens.
pub(crate) fn begin(settings: &Recorded, role: Role, head: &RequestHead, resends: u32) -> Span {
    /// By the macro, or by a callsite of the settings' own: the same fields, written once.
    macro_rules! span {
        ($($name:literal = $value:expr,)*) => {
            match (settings.headers, role) {
                (None, Role::Call) => tracing::info_span!(target: "midil_http", "HTTP", $($name = $value,)*),
                (None, Role::Exchange) => {
                    tracing::info_span!(target: "midil_http::attempt", "HTTP attempt", $($name = $value,)*)
                }
                (Some(headers), _) => {
                    let callsite = if role == Role::Call { headers.call } else { headers.exchange };
                    let make = || {
                        let metadata = callsite.wanted()?;
                        let fields = metadata.fields();
                        Some(Span::new(
                            metadata,
                            &fields.value_set(&[$((&fields.field($name)?, Some(value(&$value))),)*]),
                        ))
                    };
                    make().unwrap_or_else(Span::none)
                }
            }
        };
    }
    let internal = role == Role::Call && settings.exchange_spans;
    span! {
        "otel.kind" = if internal { "internal" } else { "client" },
        "otel.name" = field::display(Name(settings, head)),
        "http.request.method" = settings.method(&head.method),
        "http.request.method_original" = settings.unknown_method(&head.method),
        "url.full" = field::display(settings.query.show(&head.url)),
        "url.template" = template(head),
        "url.scheme" = settings.opt_in.then(|| head.url.scheme()),
        "server.address" = address(&head.url),
        "server.port" = head.url.port_or_known_default().map(i64::from),
        "user_agent.original" = field::Empty,
        "http.request.header.x-request-id" = field::Empty,
        "http.request.body.size" = field::Empty,
        "http.request.resend_count" = (resends > 0).then_some(i64::from(resends)),
        "http.response.status_code" = field::Empty,
        "http.response.body.size" = field::Empty,
        "network.protocol.version" = field::Empty,
        "error.type" = field::Empty,
        "otel.status_code" = field::Empty,
    }
}

/// Where the compiler sees a value of any kind.
fn value(value: &dyn Value) -> &dyn Value {
    value
}

/// Notes what is known of a request when it is complete.
pub(crate) fn sending(span: &Span, settings: &Recorded, request: &Request) {
    if !settings.wants_request() || span.is_disabled() {
        return;
    }
    if settings.opt_in {
        let agent = request.headers().get(header::USER_AGENT);
        if let Some(agent) = agent.and_then(|agent| agent.to_str().ok()) {
            span.record("user_agent.original", agent);
        }
        record_size(span, "http.request.body.size", request.body().length());
    }
    record_headers(
        span,
        settings.headers.map_or(&[], |headers| headers.request),
        request.headers(),
    );
}

/// Notes what a span's request came to.
pub(crate) fn end(span: &Span, settings: &Recorded, outcome: &Result<http::Response<Body>, Error>) {
    if span.is_disabled() {
        return;
    }
    match outcome {
        Ok(response) => {
            let status = response.status();
            span.record("http.response.status_code", i64::from(status.as_u16()));
            if let Some(version) = protocol_version(response.version()) {
                span.record("network.protocol.version", version);
            }
            if settings.opt_in {
                let length = response.headers().get(header::CONTENT_LENGTH);
                let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
                record_size(span, "http.response.body.size", length);
            }
            let fields = settings.headers.map_or(&[][..], |headers| headers.response);
            record_headers(span, fields, response.headers());
            if status.is_client_error() || status.is_server_error() {
                fail(span, status.as_str());
            }
        }
        Err(error) => {
            if let Some(status) = error.status() {
                span.record("http.response.status_code", i64::from(status.as_u16()));
            }
            fail(span, error.kind());
        }
    }
}

fn fail(span: &Span, error: &str) {
    span.record("error.type", error);
    span.record("otel.status_code", "ERROR");
}

/// Notes how many requests were sent after the first.
pub(crate) fn record_resends(span: &Span, resends: u32) {
    if resends > 0 {
        span.record("http.request.resend_count", i64::from(resends));
    }
}

/// Notes why nothing came of it.
pub(crate) fn cut_short(span: &Span, why: Option<&str>) {
    if let Some(why) = why.filter(|_| !span.is_disabled()) {
        fail(span, why);
    }
}

/// Sees to it that a span tells of being dropped.
pub(crate) struct Open<'a>(Option<&'a Span>);

impl<'a> Open<'a> {
    pub(crate) const fn new(span: &'a Span) -> Self {
        Self(Some(span))
    }

    pub(crate) fn close(mut self) {
        self.0 = None;
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if let Some(span) = self.0 {
            cut_short(span, Ended::Dropped.error_type());
        }
    }
}

fn record_size(span: &Span, field: &str, size: Option<u64>) {
    if let Some(size) = size.and_then(|size| i64::try_from(size).ok()) {
        span.record(field, size);
    }
}

fn record_headers(span: &Span, fields: &[HeaderField], headers: &HeaderMap) {
    for (name, field) in fields {
        let values = headers.get_all(name);
        if values.iter().next().is_some() {
            let values = values.iter().map(|value| redact::header(name, value));
            span.record(*field, values.collect::<Vec<_>>().join(", "));
        }
    }
}

/// `GET`, `GET /users/{id}`, or `HTTP` where the method is an unknown one.
struct Name<'a>(&'a Recorded, &'a RequestHead);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(settings, head) = self;
        f.write_str(match settings.method(&head.method) {
            OTHER => "HTTP",
            known => known,
        })?;
        template(head).map_or(Ok(()), |template| write!(f, " {template}"))
    }
}

/// What the caller gave as the URL's template.
fn template(head: &RequestHead) -> Option<&str> {
    head.settings()?.url_template.as_deref()
}

/// The name of an unknown method.
const OTHER: &str = "_OTHER";

impl Recorded {
    fn method<'a>(&self, method: &'a Method) -> &'a str {
        if self.knows(method) { method.as_str() } else { OTHER }
    }

    fn unknown_method<'a>(&self, method: &'a Method) -> Option<&'a str> {
        (!self.knows(method)).then(|| method.as_str())
    }

    fn knows(&self, method: &Method) -> bool {
        const KNOWN: [Method; 9] = [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::DELETE,
            Method::PATCH,
            Method::HEAD,
            Method::OPTIONS,
            Method::TRACE,
            Method::CONNECT,
        ];
        self.methods.as_ref().map_or_else(
            || KNOWN.contains(method),
            |known| known.iter().any(|known| known == method.as_str()),
        )
    }
}
