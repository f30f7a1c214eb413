//! Who is told of what a client does: observers, spans, the servers that it calls.

use std::sync::Arc;

use super::HttpClientBuilder;
use crate::{Observer, Propagator, TraceSettings};

impl HttpClientBuilder {
    /// Adds one who is told of what calls do, for metrics: of these calls, and of what limits, breakers, hedges and token caches
    /// do for them. There is no other place to set it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use midil_http_core::{Body, Event, HttpClient, Request};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
    /// let calls = Arc::new(AtomicU32::new(0));
    /// let count = Arc::clone(&calls);
    /// let client = HttpClient::builder(transport)
    ///     .base_url("https://api.example.com")
    ///     .observer(move |event: &Event<'_>| {
    ///         if matches!(event, Event::CallEnded(_)) {
    ///             count.fetch_add(1, Ordering::Relaxed);
    ///         }
    ///     })
    ///     .build()?;
    /// client.get("/users").send().await?;
    /// assert_eq!(calls.load(Ordering::Relaxed), 1);
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// What the spans of calls record; by default what OpenTelemetry's conventions require, and nothing that may be a secret.
    pub fn trace(mut self, settings: TraceSettings) -> Self {
        self.trace = settings;
        self
    }

    /// Who puts the context of the current trace (`traceparent`) on what is sent to the client's own server; nobody, unless
    /// this is set.
    ///
    /// # Examples
    ///
    /// See [`Propagator`].
    pub fn propagate(mut self, propagator: impl Propagator) -> Self {
        self.propagator = Some(Arc::new(propagator));
        self
    }
}
