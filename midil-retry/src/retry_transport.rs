//! [`RetryTransport`]: retries around any transport.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use midil_http_core::{
    Body, DefaultRuntime, Error, Observer, Random, Request, RetryLoop, RetryStrategy, Runtime,
    Transport,
};

/// Sends each request over another transport until a strategy is content.
///
/// It is the very loop of the client's retry slot, for those who have a [`Transport`] but no client, or who want
/// retries below something else. What the caller set for one call (`.retry(..)`, `.no_retry()`, `.idempotent(true)`, the
/// deadline) travels in the request and holds here, too.
///
/// It is through when the head of a response is there, and cannot resume a download whose body breaks off:
/// [`resumable`](midil_http_core::RequestBuilder::resumable) is for the client's own slot.
///
/// Do not use it below a client that retries by itself: both would obey a strategy set for one call.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, Request, Transport};
/// use midil_retry::{DefaultRetryStrategy, RetryTransport};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// # let busy = std::sync::atomic::AtomicU32::new(1);
/// # let flaky = move |_: Request| {
/// #     let left = busy.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
/// #     async move { Ok(http::Response::builder().status(if left == 1 { 503 } else { 200 }).body(Body::empty()).unwrap()) }
/// # };
/// let transport = RetryTransport::new(flaky, DefaultRetryStrategy::default()); // answers 503, 200
/// let response = transport.send(Request::get("https://api.example.com/users")?).await?;
/// assert_eq!(response.status(), 200);
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct RetryTransport<T> {
    transport: T,
    strategy: Arc<dyn RetryStrategy>,
    runtime: Arc<dyn Runtime>,
    random: Arc<Random>,
    observer: Option<Arc<dyn Observer>>,
}

impl<T: Transport> RetryTransport<T> {
    /// Wraps `transport`.
    #[must_use]
    pub fn new(transport: T, strategy: impl RetryStrategy) -> Self {
        Self {
            transport,
            strategy: Arc::new(strategy),
            runtime: Arc::new(DefaultRuntime::new()),
            random: Arc::new(Random::new()),
            observer: None,
        }
    }

    /// The same, on another clock than that of [`DefaultRuntime`]. Give it the client's, if there is one.
    #[must_use]
    pub fn with_runtime(mut self, runtime: impl Runtime) -> Self {
        self.runtime = Arc::new(runtime);
        self
    }

    /// The same, with one who is told of retries: for metrics. A client's observer does not hear of what is below its transport.
    #[must_use]
    pub fn with_observer(mut self, observer: impl Observer) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// The same, with jitter that can be repeated.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.random = Arc::new(Random::seeded(seed));
        self
    }
}

#[async_trait]
impl<T: Transport> Transport for RetryTransport<T> {
    async fn send(&self, request: Request) -> Result<http::Response<Body>, Error> {
        let mut retries = RetryLoop::new(&*self.strategy, &*self.runtime, &self.random);
        if let Some(observer) = &self.observer {
            retries = retries.with_observer(observer);
        }
        retries.send(&self.transport, request).await
    }

    async fn close(&self) {
        self.transport.close().await;
    }
}

impl<T> fmt::Debug for RetryTransport<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RetryTransport")
    }
}
