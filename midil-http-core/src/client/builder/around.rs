//! What is around the calls of a client, and around their attempts.

use std::sync::Arc;

use super::HttpClientBuilder;
use crate::{BoxError, Bundle, Middleware, Validation};

impl HttpClientBuilder {
    /// Adds middleware around the whole call, inside what was added before.
    pub fn middleware(mut self, middleware: impl Middleware) -> Self {
        self.middleware.push(Arc::new(middleware));
        self
    }

    /// Adds middleware around each attempt, inside what was added before.
    pub fn attempt_middleware(mut self, middleware: impl Middleware) -> Self {
        self.attempt_middleware.push(Arc::new(middleware));
        self
    }

    /// Makes an error of the caller's own of responses that `judge` refuses: see [`Validation`], which this is as call middleware.
    ///
    /// It sees what a call comes to in the end, after redirects and retries, and where these were in vain the last response.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Body, HttpClient, Request};
    ///
    /// #[derive(Debug, thiserror::Error)]
    /// #[error("too many requests: wait for {seconds} s")]
    /// struct RateLimitError {
    ///     seconds: u64,
    /// }
    ///
    /// fn rate_limit(head: &http::response::Parts) -> Result<(), RateLimitError> {
    ///     if head.status != http::StatusCode::TOO_MANY_REQUESTS {
    ///         return Ok(());
    ///     }
    ///     let seconds = head.headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    ///     Err(RateLimitError { seconds: seconds.unwrap_or(60) })
    /// }
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |_: Request| async {
    /// #     Ok(http::Response::builder().status(429).header("retry-after", "7").body(Body::empty()).unwrap())
    /// # };
    /// let client = HttpClient::builder(transport).base_url("https://api.example.com").validate(rate_limit).build()?;
    /// let error = client.get("/users").send().await.unwrap_err();
    /// assert_eq!(error.downcast_ref::<RateLimitError>().map(|limit| limit.seconds), Some(7));
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    pub fn validate<F, E>(self, judge: F) -> Self
    where
        F: Fn(&http::response::Parts) -> Result<(), E> + Send + Sync + 'static,
        E: Into<BoxError>,
    {
        self.middleware(Validation::new(judge))
    }

    /// Takes settings that go together, such as `midil_retry::standard()`.
    ///
    /// What is set after it wins over it; middleware that is added after it is inside its own.
    pub fn with(self, bundle: impl Bundle) -> Self {
        bundle.apply(self)
    }
}
