//! [`TowerTransport`]: any service as a transport.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use tower_service::Service;

use super::{CarriedDeadline, failure};
use crate::{Body, BoxError, Error, Request, Transport};

/// A `tower::Service` of [`http::Request<Body>`] as a [`Transport`]: hyper-util's client, a stack of layers around
/// [`TransportService`](crate::TransportService), a router in a test.
///
/// Each exchange has a clone of the service, waits until that is ready, and calls it. A clone must therefore share what is
/// limited or pooled, as tower's do; `tower::buffer::Buffer` makes a cloneable service of one that is not. The
/// service is expected to do what [`Transport`] says: one exchange, and neither redirects nor retries of its own.
///
/// **What passes.** Method, absolute URI, version, headers and extensions, both ways; bodies stream, trailers pass. Dropping
/// the future drops the service's, and dropping the response's body drops its body.
///
/// **Errors.** An [`Error`] of ours passes as it is, through the boxes of tower's layers too. Any other becomes an
/// [`Error::Transport`] with the service's error as its source, and [`Sent::Maybe`](crate::Sent::Maybe), as nobody can tell how far the
/// request got; it is retried where the request is idempotent. A service that fails before it was ready has sent nothing. Whoever knows more
/// says so with `map_err`, whose error of ours is then believed. That is also the place to cut off what an error may show: the source is the
/// service's, with all that it says.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, BoxError, Error, HttpClient, Sent, TowerTransport, TransportError, TransportErrorKind};
/// use tower::{ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// let service = service_fn(|request: http::Request<Body>| async move {
///     let path = request.uri().path().to_owned();
///     if path == "/down" { Err("no route to the host") } else { Ok(http::Response::new(path)) }
/// });
/// // This service fails before it sends anything, and only its author knows.
/// let unsent = |why: &'static str| Error::from(TransportError::new(TransportErrorKind::Connect, Sent::No, why));
/// let client = HttpClient::builder(TowerTransport::new(service.map_err(unsent))).base_url("http://localhost").build()?;
///
/// assert_eq!(client.get("/up").send().await?.text().await?, "/up");
/// assert!(client.get("/down").send().await.is_err_and(|error| error.is_connect() && error.sent() == Sent::No));
/// # Ok(()) }
/// ```
///
/// A service that is not `Clone`, behind tower's buffer:
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Body, HttpClient, Request, TowerTransport, TransportService};
/// use tower::ServiceBuilder;
/// use tower::buffer::Buffer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), midil_http_core::Error> {
/// # let transport = |_: Request| async { Ok(http::Response::new(Body::from("hello"))) };
/// let limited = ServiceBuilder::new().rate_limit(10, Duration::from_secs(1)).service(TransportService::new(transport));
/// let service = Buffer::<http::Request<Body>, _>::new(limited, 64); // a task of tokio owns it
/// let client = HttpClient::builder(TowerTransport::new(service)).base_url("http://localhost").build()?;
/// assert_eq!(client.get("/").send().await?.text().await?, "hello");
/// # Ok(()) }
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub struct TowerTransport<S> {
    /// To be cloned, nothing else: it is not readied, so no clone takes another's readiness. A lock, because many services
    /// may be sent, but not shared.
    service: Mutex<S>,
}

impl<S> TowerTransport<S> {
    /// Makes a transport of `service`.
    #[must_use]
    pub const fn new(service: S) -> Self {
        Self { service: Mutex::new(service) }
    }
}

impl<S: Clone> TowerTransport<S> {
    /// A service of its own for one exchange.
    fn service(&self) -> S {
        self.service.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl<S, B> Transport for TowerTransport<S>
where
    S: Service<http::Request<Body>, Response = http::Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    async fn send(&self, request: Request) -> Result<http::Response<Body>, Error> {
        let deadline = request.head().deadline;
        let mut request = http::Request::try_from(request)?;
        if let Some(at) = deadline {
            request.extensions_mut().insert(CarriedDeadline(at));
        }
        let mut service = self.service();
        poll_fn(|cx| service.poll_ready(cx))
            .await
            .map_err(|error| failure::before_call(error.into()))?;
        let answer = service.call(request);
        // What it held ready has gone into the call.
        drop(service);
        let response = answer.await.map_err(|error| failure::in_call(error.into()))?;
        Ok(response.map(|body| Body::of_response(body, failure::in_body)))
    }
}

impl<S: Clone> Clone for TowerTransport<S> {
    fn clone(&self) -> Self {
        Self::new(self.service())
    }
}

impl<S> fmt::Debug for TowerTransport<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TowerTransport").finish_non_exhaustive()
    }
}
