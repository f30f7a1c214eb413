//! Functions as [`Middleware`]: an `async fn`, and closures by [`middleware_fn`].

use std::fmt;
use std::future::Future;

use super::{Middleware, Next};
use crate::{Body, BoxFuture, Error, Request};

/// An `async fn(Request, Next<'_>)`; implemented for you.
///
/// The trait only names the future, whose type depends on the lifetime of [`Next`].
///
/// # Examples
///
/// ```
/// use midil_http_core::{AsyncMiddlewareFn, Body, Error, Next, Request};
///
/// async fn nothing(request: Request, next: Next<'_>) -> Result<http::Response<Body>, Error> {
///     next.run(request).await
/// }
///
/// fn is_middleware(_: impl for<'a> AsyncMiddlewareFn<'a>) {}
/// is_middleware(nothing);
/// ```
pub trait AsyncMiddlewareFn<'a>: Send + Sync {
    /// The future that the function returns.
    type Future: Future<Output = Result<http::Response<Body>, Error>> + Send + 'a;

    /// Calls the function.
    fn call(&self, request: Request, next: Next<'a>) -> Self::Future;
}

impl<'a, F, Fut> AsyncMiddlewareFn<'a> for F
where
    F: Fn(Request, Next<'a>) -> Fut + Send + Sync,
    Fut: Future<Output = Result<http::Response<Body>, Error>> + Send + 'a,
{
    type Future = Fut;

    fn call(&self, request: Request, next: Next<'a>) -> Fut {
        self(request, next)
    }
}

impl<F> Middleware for F
where
    F: for<'f> AsyncMiddlewareFn<'f> + 'static,
{
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
        Box::pin(self.call(request, next))
    }
}

/// Makes a middleware of a closure that captures.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, Error, Next, Request, Middleware, middleware_fn};
///
/// let version = http::HeaderValue::from_static("7");
/// let stamp = middleware_fn(move |mut request, next| {
///     request.headers_mut().insert("x-version", version.clone());
///     Box::pin(next.run(request))
/// });
/// # let transport = |r: Request| async move { assert_eq!(r.headers()["x-version"], "7"); Ok(http::Response::new(Body::empty())) };
/// # let request = Request::get("http://localhost/").unwrap();
/// # futures_util::FutureExt::now_or_never(stamp.handle(request, Next::new(&transport))).unwrap().unwrap();
/// ```
pub fn middleware_fn<F>(function: F) -> MiddlewareFn<F>
where
    F: for<'a> Fn(Request, Next<'a>) -> BoxFuture<'a, Result<http::Response<Body>, Error>>
        + Send
        + Sync
        + 'static,
{
    MiddlewareFn(function)
}

/// A closure as a middleware: see [`middleware_fn`].
#[derive(Clone, Copy)]
pub struct MiddlewareFn<F>(F);

impl<F> fmt::Debug for MiddlewareFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MiddlewareFn")
    }
}

impl<F> Middleware for MiddlewareFn<F>
where
    F: for<'f> Fn(Request, Next<'f>) -> BoxFuture<'f, Result<http::Response<Body>, Error>>
        + Send
        + Sync
        + 'static,
{
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
        (self.0)(request, next)
    }
}
