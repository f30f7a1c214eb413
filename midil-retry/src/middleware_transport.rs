//! [`MiddlewareTransport`]: middleware around any transport.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use midil_http_core::{Body, DefaultRuntime, Error, Middleware, Next, Request, Runtime, Transport};

use crate::{Bulkhead, CircuitBreaker, Hedge, RateLimit};

/// A [`CircuitBreaker`] around any transport: see [`MiddlewareTransport`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Error, Request, Sent, Transport, TransportError, TransportErrorKind};
/// use midil_retry::{CircuitBreaker, CircuitBreakerTransport};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let down = |_: Request| async {
///     Err(TransportError::new(TransportErrorKind::Connect, Sent::No, "connection refused").into())
/// };
/// let breaker = CircuitBreaker::new(2, Duration::from_secs(60));
/// let transport = CircuitBreakerTransport::new(down, breaker);
///
/// let get = || Request::get("https://api.example.com/users").expect("a valid URL");
/// assert!(transport.send(get()).await.unwrap_err().is_connect());
/// assert!(transport.send(get()).await.unwrap_err().is_connect());
/// assert!(matches!(transport.send(get()).await, Err(Error::CircuitOpen { .. })));
/// # }).unwrap();
/// ```
pub type CircuitBreakerTransport<T> = MiddlewareTransport<T, CircuitBreaker>;

/// A [`Bulkhead`] around any transport: see [`MiddlewareTransport`].
pub type BulkheadTransport<T> = MiddlewareTransport<T, Bulkhead>;

/// A [`RateLimit`] around any transport: see [`MiddlewareTransport`].
pub type RateLimitTransport<T> = MiddlewareTransport<T, RateLimit>;

/// A [`Hedge`] around any transport: see [`MiddlewareTransport`].
pub type HedgeTransport<T> = MiddlewareTransport<T, Hedge>;

/// Sends requests over another transport, through middleware.
///
/// It is the very code of the middleware, for those who have a [`Transport`] but no client, or who want it below something
/// else. Below a client, it sees single exchanges: a 401 and its replay are two.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, Request, Transport};
/// use midil_retry::{Bulkhead, BulkheadTransport};
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let inner = |_: Request| async { Ok(http::Response::new(Body::empty())) };
/// let transport = BulkheadTransport::new(inner, Bulkhead::new(10)); // any Transport
/// transport.send(Request::get("https://api.example.com/users")?).await?;
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
#[derive(Clone)]
pub struct MiddlewareTransport<T, M> {
    transport: T,
    middleware: M,
    runtime: Arc<dyn Runtime>,
}

impl<T: Transport, M: Middleware> MiddlewareTransport<T, M> {
    /// Wraps `transport`.
    #[must_use]
    pub fn new(transport: T, middleware: M) -> Self {
        Self { transport, middleware, runtime: Arc::new(DefaultRuntime::new()) }
    }

    /// The same, on another clock than that of [`DefaultRuntime`]. Give it the client's, if there is one.
    #[must_use]
    pub fn with_runtime(mut self, runtime: impl Runtime) -> Self {
        self.runtime = Arc::new(runtime);
        self
    }
}

#[async_trait]
impl<T: Transport, M: Middleware> Transport for MiddlewareTransport<T, M> {
    async fn send(&self, request: Request) -> Result<http::Response<Body>, Error> {
        let next = Next::new(&self.transport).on(&*self.runtime);
        self.middleware.handle(request, next).await
    }
}

impl<T, M: fmt::Debug> fmt::Debug for MiddlewareTransport<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("MiddlewareTransport");
        debug.field("middleware", &self.middleware).finish_non_exhaustive()
    }
}
