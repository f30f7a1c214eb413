//! [`Propagator`]: the context of a trace, on what is sent.

use std::sync::Arc;

use http::HeaderMap;

/// Puts the context of the current trace on requests, such as the `traceparent` of [W3C Trace Context].
///
/// A client asks it for each exchange, after everything else has put its headers on: for each attempt, hop, 401 replay and
/// hedge anew, in the span that the exchange belongs to. So the server's span is the child of the right one, and nothing of an
/// earlier attempt is left. `midil-http-otel` has one for OpenTelemetry; a closure is one.
///
/// # Where to
///
/// To the origins that get the client's credentials: that of the base URL, and each
/// [`auth_origin`](crate::HttpClientBuilder::auth_origin). The ids of a trace tell a third party how its callers work
/// together, and baggage may hold anything. See [`any_origin`](Self::any_origin). A client without a base URL has no origin of
/// its own: it sends the context to where a call begins, and not to where a redirect leads away from there.
///
/// # For implementers
///
/// `inject` must leave alone what is there already: the caller may go on with a trace of their own.
///
/// # Examples
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use midil_http_core::{Body, HttpClient, Request};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let transport = |request: Request| async move {
///     assert!(request.headers().contains_key("traceparent"));
///     Ok(http::Response::new(Body::empty()))
/// };
/// let context = |headers: &mut HeaderMap| {
///     let context = HeaderValue::from_static("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
///     headers.entry("traceparent").or_insert(context);
/// };
/// let client = HttpClient::builder(transport).base_url("https://api.example.com").propagate(context).build()?;
/// client.get("/").send().await?;
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
///
/// [W3C Trace Context]: https://www.w3.org/TR/trace-context/
pub trait Propagator: Send + Sync + 'static {
    /// Adds to the headers of one request what tells of the current span.
    fn inject(&self, headers: &mut HeaderMap);

    /// Whether other origins than the client's own get it, too: no, by default.
    fn any_origin(&self) -> bool {
        false
    }
}

impl<F> Propagator for F
where
    F: Fn(&mut HeaderMap) + Send + Sync + 'static,
{
    fn inject(&self, headers: &mut HeaderMap) {
        self(headers);
    }
}

impl<T: Propagator + ?Sized> Propagator for Arc<T> {
    fn inject(&self, headers: &mut HeaderMap) {
        (**self).inject(headers);
    }

    fn any_origin(&self) -> bool {
        (**self).any_origin()
    }
}
