//! [`MiddlewareTransport`]: middleware around any transport.

use std::fmt;
use std::sync::Arc;

use crate::observer::Several;
use crate::{Body, DefaultRuntime, Error, Middleware, Next, Observer, Request, Runtime, Transport};
use async_trait::async_trait;

/// Sends requests over another transport, through middleware.
///
/// It is the very code of the middleware, for those who have a [`Transport`] but no client, or who want it below something
/// else. Below a client, it sees single exchanges: a 401 and its replay are two.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, Error, MiddlewareTransport, Next, Request, Transport};
///
/// async fn no_store(mut request: Request, next: Next<'_>) -> Result<http::Response<Body>, Error> {
///     request.headers_mut().insert("cache-control", http::HeaderValue::from_static("no-store"));
///     next.run(request).await
/// }
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let inner = |_: Request| async { Ok(http::Response::new(Body::empty())) };
/// let transport = MiddlewareTransport::new(inner, no_store); // any Transport, any Middleware
/// transport.send(Request::get("https://api.example.com/users")?).await?;
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
#[derive(Clone)]
pub struct MiddlewareTransport<T, M> {
    transport: T,
    middleware: M,
    runtime: Arc<dyn Runtime>,
    observer: Option<Arc<dyn Observer>>,
}

impl<T: Transport, M: Middleware> MiddlewareTransport<T, M> {
    /// Wraps `transport`.
    #[must_use]
    pub fn new(transport: T, middleware: M) -> Self {
        Self { transport, middleware, runtime: Arc::new(DefaultRuntime::new()), observer: None }
    }

    /// The same, on another clock than that of [`DefaultRuntime`]. Give it the client's, if there is one.
    #[must_use]
    pub fn with_runtime(mut self, runtime: impl Runtime) -> Self {
        self.runtime = Arc::new(runtime);
        self
    }

    /// The same, with one who is told of what the middleware does: for metrics. A client's observer does not hear of what is
    /// below its transport.
    #[must_use]
    pub fn with_observer(mut self, observer: impl Observer) -> Self {
        self.observer = Some(Arc::new(Several(vec![Arc::new(observer)])));
        self
    }
}

#[async_trait]
impl<T: Transport, M: Middleware> Transport for MiddlewareTransport<T, M> {
    async fn send(&self, request: Request) -> Result<http::Response<Body>, Error> {
        let mut next = Next::new(&self.transport).on(&*self.runtime);
        if let Some(observer) = &self.observer {
            next = next.observed_by(observer);
        }
        self.middleware.handle(request, next).await
    }

    async fn close(&self) {
        self.transport.close().await;
    }
}

impl<T, M: fmt::Debug> fmt::Debug for MiddlewareTransport<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("MiddlewareTransport");
        debug.field("middleware", &self.middleware).finish_non_exhaustive()
    }
}
