//! The policies around a transport: [`MiddlewareTransport`] by the names of what is around it.

use midil_http_core::MiddlewareTransport;

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
