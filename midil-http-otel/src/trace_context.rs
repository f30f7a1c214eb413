//! [`TraceContext`]: the context of the current span, on what is sent.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use midil_http_core::Propagator;
use opentelemetry::propagation::{Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, global};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Puts the context of the current trace on what a client sends: `traceparent`, `tracestate` and `baggage`, or whatever the
/// configured OpenTelemetry propagator writes.
///
/// The context is that of the current `tracing` span where `tracing-opentelemetry` listens, which is the span of the call, or
/// that of the exchange with [`exchange_spans`](midil_http_core::TraceSettings::exchange_spans). Elsewhere it is the current
/// [`Context`] of OpenTelemetry. Where there is neither, nothing is sent.
///
/// **Where to.** To the origins that get the client's credentials, and to no other: see [`Propagator`].
/// [`to_any_origin`](Self::to_any_origin) sends it wherever the client sends.
///
/// **What the caller set wins.** A request that has a header already keeps it; one with a context of its own (a `traceparent`,
/// say) gets no other part of ours either, but for the baggage, for parts of two traces make none.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, HttpClient, Request};
/// use midil_http_otel::TraceContext;
/// use opentelemetry::trace::{FutureExt, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
/// use opentelemetry_sdk::propagation::TraceContextPropagator;
///
/// # futures_util::FutureExt::now_or_never(async {
/// // Once, when the service starts:
/// opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
///
/// let transport = |request: Request| async move {
///     let context = &request.headers()["traceparent"];
///     assert_eq!(context, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
///     Ok(http::Response::new(Body::empty()))
/// };
/// let client =
///     HttpClient::builder(transport).base_url("https://api.example.com").propagate(TraceContext::new()).build()?;
///
/// # let trace = TraceId::from(0x0af7651916cd43dd8448eb211c80319c_u128);
/// # let span = SpanId::from(0xb7ad6b7169203331_u64);
/// # let remote = SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::default());
/// // In a handler, whose context is that of the request that it serves:
/// # let context = opentelemetry::Context::new().with_remote_span_context(remote);
/// client.get("/users").send().with_context(context).await?;
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
#[derive(Clone, Default)]
pub struct TraceContext {
    /// The global one, unless there is another.
    propagator: Option<Arc<dyn TextMapPropagator + Send + Sync>>,
    any_origin: bool,
}

impl TraceContext {
    /// The context as the global propagator writes it
    /// ([`set_text_map_propagator`](opentelemetry::global::set_text_map_propagator)); that writes nothing until it is set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The context as `propagator` writes it.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_otel::TraceContext;
    /// use opentelemetry_sdk::propagation::TraceContextPropagator;
    ///
    /// // To every origin; traceparent and tracestate alone, whatever the global propagator writes.
    /// let context = TraceContext::with_propagator(TraceContextPropagator::new()).to_any_origin();
    /// ```
    #[must_use]
    pub fn with_propagator(propagator: impl TextMapPropagator + Send + Sync + 'static) -> Self {
        Self { propagator: Some(Arc::new(propagator)), any_origin: false }
    }

    /// Sends the context to every origin that the client calls or is redirected to.
    ///
    /// Third parties then see the ids of traces, and all baggage.
    #[must_use]
    pub fn to_any_origin(mut self) -> Self {
        self.any_origin = true;
        self
    }
}

impl Propagator for TraceContext {
    fn inject(&self, headers: &mut HeaderMap) {
        let context = Span::current().context();
        let context =
            if context.span().span_context().is_valid() { context } else { Context::current() };
        let mut written = Written::default();
        match &self.propagator {
            Some(propagator) => propagator.inject_context(&context, &mut written),
            None => global::get_text_map_propagator(|propagator| {
                propagator.inject_context(&context, &mut written);
            }),
        }
        written.put_on(headers);
    }

    fn any_origin(&self) -> bool {
        self.any_origin
    }
}

/// What a propagator has written.
#[derive(Default)]
struct Written(Vec<(HeaderName, HeaderValue)>);

impl Injector for Written {
    fn set(&mut self, key: &str, value: String) {
        // A trace is no reason for a call to fail: what fits no header is left out, and so is a header without a value.
        if let (Ok(name), Ok(value)) = (key.parse(), HeaderValue::try_from(value))
            && !value.is_empty()
        {
            self.0.push((name, value));
        }
    }
}

impl Written {
    fn put_on(self, headers: &mut HeaderMap) {
        let is_context = |name: &HeaderName| name != BAGGAGE;
        let has_own = self.0.iter().any(|(name, _)| is_context(name) && headers.contains_key(name));
        for (name, value) in self.0 {
            if !(headers.contains_key(&name) || (has_own && is_context(&name))) {
                // A request that is full of headers goes without.
                let _ = headers.try_insert(name, value);
            }
        }
    }
}

/// The one that is no part of a trace's context.
const BAGGAGE: &str = "baggage";

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceContext").field("any_origin", &self.any_origin).finish_non_exhaustive()
    }
}
