//! [`TraceSettings`]: what spans record.

use std::fmt;

use http::HeaderName;
use url::Url;

use super::callsite::{self, Headers};
use super::{Query, client_span};

/// What the spans of a client record, beyond what [OpenTelemetry's conventions for HTTP clients] require.
///
/// | attribute | |
/// |---|---|
/// | `http.request.method`, `server.address`, `server.port`, `url.full` | always; `url.full` without userinfo, query and fragment |
/// | `http.request.method_original` | for a method that is none of the known ones, whose `http.request.method` is `_OTHER` |
/// | `http.response.status_code`, `network.protocol.version` | when there was a response |
/// | `http.request.resend_count` | when more than one request was sent |
/// | `error.type`, `otel.status_code` = `ERROR` | for a 4xx or 5xx: the status; for an error: [`Error::kind`](crate::Error::kind); `Cancelled` for what was dropped, `Timeout` or `Closed` where the total timeout or a closed client did that |
/// | `url.template` | when the call has one: the span's name is then `GET /users/{id}`, and `GET` otherwise |
/// | parameters of the query | those of [`query_parameters`](Self::query_parameters), or [all](Self::full_query) |
/// | `http.request.header.<name>`, `http.response.header.<name>` | those that are listed; several values are joined by commas |
/// | `url.scheme`, `user_agent.original`, `http.request.body.size`, `http.response.body.size` | with [`opt_in_attributes`](Self::opt_in_attributes) |
///
/// What is known of the peer's address stays with the transport, so there is no `network.peer.address`.
///
/// # Spans
///
/// By default a call is one span of kind client, which ends when the response's head is there, with an event for each
/// exchange. Attributes of the request are those of the first exchange, attributes of the response those of what the call came
/// to. With [`exchange_spans`](Self::exchange_spans), each exchange is a client span of its own.
///
/// # Examples
///
/// ```
/// use http::{HeaderName, header};
/// use midil_http_core::{Body, HttpClient, Request, TraceSettings};
///
/// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
/// let trace = TraceSettings::new()
///     .query_parameters(["page", "limit"])
///     .request_headers([HeaderName::from_static("x-request-id")])
///     .response_headers([HeaderName::from_static("x-cache"), header::RETRY_AFTER])
///     .known_methods(["GET", "POST", "PROPFIND"]); // all others are `_OTHER`
/// let client = HttpClient::builder(transport).base_url("https://api.example.com").trace(trace).build()?;
/// # Ok::<_, midil_http_core::Error>(())
/// ```
///
/// [OpenTelemetry's conventions for HTTP clients]: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span
#[derive(Debug, Clone, Default)]
#[must_use = "settings do nothing until a client has them"]
pub struct TraceSettings {
    query: Query,
    request_headers: Vec<HeaderName>,
    response_headers: Vec<HeaderName>,
    opt_in: bool,
    exchange_spans: bool,
    methods: Option<Vec<String>>,
}

impl TraceSettings {
    /// What the conventions require, and nothing that may be a secret.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows the values of these parameters of the query, and of all others the name with `REDACTED`.
    pub fn query_parameters(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.query = Query::Of(names.into_iter().map(Into::into).collect());
        self
    }

    /// Shows the query, but for the signatures of signed URLs, `key` and `code`, and for parameters that are secrets by
    /// their name.
    ///
    /// Everybody who reads the traces then reads whatever callers write into queries.
    pub fn full_query(mut self) -> Self {
        self.query = Query::All;
        self
    }

    /// Records these headers of requests. Those that are secrets, marked as such or by their name, are `Sensitive`.
    pub fn request_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.request_headers = sorted(names);
        self
    }

    /// Records these headers of responses. Those that are secrets, marked as such or by their name, are `Sensitive`.
    pub fn response_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.response_headers = sorted(names);
        self
    }

    /// Records what the conventions leave to choice: `url.scheme`, `user_agent.original`, `http.request.body.size` and
    /// `http.response.body.size`, each where it is known without reading.
    pub const fn opt_in_attributes(mut self) -> Self {
        self.opt_in = true;
        self
    }

    /// Makes each exchange a client span of its own, a child of the call's: attempts, redirects, 401 replays and hedges.
    ///
    /// The call's span is then of kind internal, for there should be no client span around client spans, and the exchanges
    /// are no events. Choose it where a server's spans should hang from the attempt that caused them.
    pub const fn exchange_spans(mut self) -> Self {
        self.exchange_spans = true;
        self
    }

    /// The methods that are recorded by their name, in place of those of RFC 9110 and `PATCH`; case matters. Any other is
    /// `_OTHER`, so that whoever counts by method cannot be flooded with names.
    pub fn known_methods(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.methods = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// The settings as spans need them.
    pub(crate) fn compile(self) -> Recorded {
        let (request, response) = (&self.request_headers, &self.response_headers);
        let named = !request.is_empty() || !response.is_empty();
        Recorded {
            headers: named.then(|| {
                callsite::headers(request, response, &client_span::FIELDS, client_span::NAMES)
            }),
            query: self.query,
            opt_in: self.opt_in,
            exchange_spans: self.exchange_spans,
            methods: self.methods,
        }
    }
}

/// Each name once, in one order: what the same headers are recorded with is the same.
fn sorted(names: impl IntoIterator<Item = HeaderName>) -> Vec<HeaderName> {
    let mut names: Vec<_> = names.into_iter().collect();
    names.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    names.dedup();
    names
}

/// What is recorded, in a form that costs nothing to look at.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    pub(super) query: Query,
    pub(super) headers: Option<Headers>,
    pub(super) opt_in: bool,
    pub(crate) exchange_spans: bool,
    pub(super) methods: Option<Vec<String>>,
}

impl Recorded {
    /// A URL as spans and events show it.
    pub(crate) const fn show<'a>(&'a self, url: &'a Url) -> impl fmt::Display + 'a {
        self.query.show(url)
    }

    /// Whether there is something to record of a request once it is complete.
    pub(super) const fn wants_request(&self) -> bool {
        self.opt_in || self.headers.is_some()
    }
}
