//! [`CircuitBreakerTransport`]: a circuit breaker around any transport.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use midil_http_core::{Body, DefaultRuntime, Error, Middleware, Next, Request, Runtime, Transport};

use crate::CircuitBreaker;

/// Sends requests over another transport, unless their circuit is open.
///
/// It is the very code of [`CircuitBreaker`] as middleware, for those who have a [`Transport`] but no client, or who want
/// it below something else. Below a client, it sees single exchanges: a 401 and its replay are two.
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
#[derive(Clone)]
pub struct CircuitBreakerTransport<T> {
    transport: T,
    breaker: CircuitBreaker,
    runtime: Arc<dyn Runtime>,
}

impl<T: Transport> CircuitBreakerTransport<T> {
    /// Wraps `transport`.
    #[must_use]
    pub fn new(transport: T, breaker: CircuitBreaker) -> Self {
        Self { transport, breaker, runtime: Arc::new(DefaultRuntime::new()) }
    }

    /// The same, on another clock than that of [`DefaultRuntime`]. Give it the client's, if there is one.
    #[must_use]
    pub fn with_runtime(mut self, runtime: impl Runtime) -> Self {
        self.runtime = Arc::new(runtime);
        self
    }
}

#[async_trait]
impl<T: Transport> Transport for CircuitBreakerTransport<T> {
    async fn send(&self, request: Request) -> Result<http::Response<Body>, Error> {
        let next = Next::new(&self.transport).on(&*self.runtime);
        self.breaker.handle(request, next).await
    }
}

impl<T> fmt::Debug for CircuitBreakerTransport<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakerTransport")
            .field("breaker", &self.breaker)
            .finish_non_exhaustive()
    }
}
