//! [`Transport`]: one HTTP exchange.

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{Body, BoxFuture, Error, Request};

/// Performs one HTTP exchange, and nothing more.
///
/// This is the seam between midil-http and an HTTP stack. Everything above it (redirects, retries, cookies,
/// credentials, decompression, timeouts of an attempt) is the client's, so that all transports behave alike.
///
/// # For callers
///
/// `send` returns at the response head; the body streams. A 4xx or 5xx is a response, not an error.
///
/// # For implementers
///
/// - One request in, one exchange on the wire: follow no redirect, resend nothing that may have reached the server,
///   decompress nothing, store no cookie, add no header but those that framing needs (`Host`, `Content-Length`,
///   `Transfer-Encoding`, `Connection`). HTTP/2 adds its pseudo headers.
/// - Poll the request body only when there is a connection to write it to: a body that was never polled can be
///   sent again, one that was touched may not.
/// - Report a failure as [`Error::Transport`] and say whether the request may have reached the server
///   ([`Sent`](crate::Sent)): retrying depends on it. A connection that could not be made in time is
///   [`TimeoutError::connect`](crate::TimeoutError::connect).
/// - A request that waits for a limit of the transport's own does so [`in_line`](crate::in_line()): that is no fault of the server's.
/// - A response body that ends before its `Content-Length`, or mid-chunk, ends in an error; never silently short.
/// - Keep what is [closed](Self::close) usable: a connection that is needed once more is made anew.
/// - Panic in no environment: a missing async runtime is an [`Error::Build`].
///
/// # Cancel safety
///
/// Dropping the future before the head, or the body before its end, aborts the exchange and frees what it held.
///
/// # Examples
///
/// A closure is a transport, so a test double is one line:
///
/// ```
/// use midil_http_core::{Body, HttpClient, Request};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let echo = |request: Request| async move { Ok(http::Response::new(request.into_body())) };
///
/// let client = HttpClient::builder(echo).base_url("http://localhost/v1").build()?;
/// let reply = client.post("/echo").body("hello").send().await?.text().await?;
/// assert_eq!(reply, "hello");
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
///
/// A wrapper sees every exchange, retries included:
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use midil_http_core::{Body, Error, Request, Transport, async_trait};
///
/// struct Counted<T> {
///     inner: T,
///     exchanges: AtomicU64,
/// }
///
/// #[async_trait]
/// impl<T: Transport> Transport for Counted<T> {
///     async fn send(&self, request: Request) -> Result<http::Response<Body>, Error> {
///         self.exchanges.fetch_add(1, Ordering::Relaxed);
///         self.inner.send(request).await
///     }
///
///     async fn close(&self) {
///         self.inner.close().await;
///     }
/// }
/// # let counted = Counted { inner: |_: Request| async { Ok(http::Response::new(Body::empty())) }, exchanges: AtomicU64::new(0) };
/// # futures_util::FutureExt::now_or_never(counted.send(Request::get("http://localhost/").unwrap())).unwrap().unwrap();
/// # assert_eq!(counted.exchanges.load(Ordering::Relaxed), 1);
/// ```
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends `request` and returns at the response head; the body streams.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] when the exchange failed before the head, [`Error::Timeout`] when no connection came
    /// about in time, [`Error::Build`] when the request cannot be sent by this transport at all.
    async fn send(&self, request: Request) -> Result<http::Response<Body>, Error>;

    /// Closes what is kept between exchanges: the idle connections. Does nothing by default, for transports that keep none.
    ///
    /// [`HttpClient::close`](crate::HttpClient::close) calls it when its own calls are over. A transport may be shared, by
    /// another client or a provider of credentials: exchanges in flight go on, and one that comes later makes a new
    /// connection. To close twice is no error. A wrapper forwards it.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what was closed is closed.
    async fn close(&self) {}
}

// Written out, not with `async_trait`, which would put a box around the box.
impl<T: Transport + ?Sized> Transport for Arc<T> {
    fn send<'a, 'async_trait>(
        &'a self,
        request: Request,
    ) -> BoxFuture<'async_trait, Result<http::Response<Body>, Error>>
    where
        'a: 'async_trait,
        Self: 'async_trait,
    {
        (**self).send(request)
    }

    fn close<'a, 'async_trait>(&'a self) -> BoxFuture<'async_trait, ()>
    where
        'a: 'async_trait,
        Self: 'async_trait,
    {
        (**self).close()
    }
}

impl<F, Fut> Transport for F
where
    F: Fn(Request) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<http::Response<Body>, Error>> + Send + 'static,
{
    fn send<'a, 'async_trait>(
        &'a self,
        request: Request,
    ) -> BoxFuture<'async_trait, Result<http::Response<Body>, Error>>
    where
        'a: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(self(request))
    }
}
