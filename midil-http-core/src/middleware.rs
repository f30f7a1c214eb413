//! [`Middleware`]: what sees requests go out and responses come back.

mod function;
mod idempotency_keys;
mod ids;
mod next;
mod request_id;
mod validation;

use std::sync::Arc;

use async_trait::async_trait;

pub use function::{AsyncMiddlewareFn, MiddlewareFn, middleware_fn};
pub use idempotency_keys::IdempotencyKeys;
pub use next::Next;
pub use request_id::{CallId, RequestId};
pub(crate) use validation::CallValidations;
pub use validation::Validation;

use crate::{Body, BoxFuture, Error, Request};

/// Sees a request on its way out and the response on its way back.
///
/// A client has two places for middleware: around the whole call
/// ([`middleware`](crate::HttpClientBuilder::middleware)) and around each attempt
/// ([`attempt_middleware`](crate::HttpClientBuilder::attempt_middleware)). Both run in the order in which they were
/// added, outermost first. Call middleware sees the request as the caller made it; attempt middleware also sees the
/// client's base headers. Cookies and credentials are put on below both, so no middleware sees them.
///
/// # For implementers
///
/// Call [`Next::run`] once to go on, not at all to answer instead, or more than once (a retry, a hedge): `Next` is
/// `Copy`, and [`Body::try_clone`] tells whether the body can be sent twice.
///
/// # Cancel safety
///
/// `handle` may be dropped at any await point; what it holds must free itself.
///
/// # Examples
///
/// An `async fn` is a middleware:
///
/// ```
/// use midil_http_core::{Body, Error, HttpClient, Next, Request};
///
/// async fn stamp(mut request: Request, next: Next<'_>) -> Result<http::Response<Body>, Error> {
///     request.headers_mut().insert("x-request-time", http::HeaderValue::from_static("now"));
///     next.run(request).await
/// }
///
/// # futures_util::FutureExt::now_or_never(async {
/// let transport = |request: Request| async move {
///     assert_eq!(request.headers()["x-request-time"], "now");
///     Ok(http::Response::new(Body::empty()))
/// };
/// let client = HttpClient::builder(transport).base_url("http://localhost").middleware(stamp).build()?;
/// client.get("/").send().await?;
/// # Ok::<_, Error>(()) }).unwrap().unwrap();
/// ```
///
/// A closure that captures goes through [`middleware_fn`]; shared state goes into a type of your own:
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use midil_http_core::{Body, Error, Middleware, Next, Request, async_trait};
///
/// #[derive(Default)]
/// struct Failures(AtomicU64);
///
/// #[async_trait]
/// impl Middleware for Failures {
///     async fn handle(&self, request: Request, next: Next<'_>) -> Result<http::Response<Body>, Error> {
///         let outcome = next.run(request).await;
///         if outcome.is_err() {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///         outcome
///     }
/// }
/// # let down = |_: Request| async { Err(Error::Closed) };
/// # let failures = Failures::default();
/// # let request = Request::get("http://localhost/").unwrap();
/// # futures_util::FutureExt::now_or_never(failures.handle(request, Next::new(&down))).unwrap().unwrap_err();
/// # assert_eq!(failures.0.into_inner(), 1);
/// ```
#[async_trait]
pub trait Middleware: Send + Sync + 'static {
    /// Handles `request`; `next` is the rest of the way.
    ///
    /// # Errors
    ///
    /// Whatever the rest of the way returns, or an error of the middleware's own ([`Error::custom`]).
    async fn handle(&self, request: Request, next: Next<'_>)
    -> Result<http::Response<Body>, Error>;
}

// Written out, not with `async_trait`, which would put a box around the box.
impl<T: Middleware + ?Sized> Middleware for Arc<T> {
    fn handle<'a, 'n, 'async_trait>(
        &'a self,
        request: Request,
        next: Next<'n>,
    ) -> BoxFuture<'async_trait, Result<http::Response<Body>, Error>>
    where
        'a: 'async_trait,
        'n: 'async_trait,
        Self: 'async_trait,
    {
        (**self).handle(request, next)
    }
}
