//! [`Bundle`]: settings of a client that go together.

use crate::HttpClientBuilder;

/// Settings of a client that go together, for [`HttpClientBuilder::with`].
///
/// A closure is one; `midil_retry::standard()` is another. What is set on the builder after it wins over it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Body, Bundle, HttpClient, HttpClientBuilder, Request};
///
/// struct HouseRules {
///     team: &'static str,
/// }
///
/// impl Bundle for HouseRules {
///     fn apply(self, builder: HttpClientBuilder) -> HttpClientBuilder {
///         builder.header("x-team", self.team).total_timeout(Duration::from_secs(5))
///     }
/// }
///
/// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
/// let client = HttpClient::builder(transport)
///     .base_url("https://api.example.com/v1")
///     .with(HouseRules { team: "orders" })
///     .build()?;
/// # Ok::<_, midil_http_core::Error>(())
/// ```
pub trait Bundle {
    /// Sets what belongs to it.
    ///
    /// What cannot be is an error of whoever makes the bundle, or of [`HttpClientBuilder::build`].
    fn apply(self, builder: HttpClientBuilder) -> HttpClientBuilder;
}

impl<F> Bundle for F
where
    F: FnOnce(HttpClientBuilder) -> HttpClientBuilder,
{
    fn apply(self, builder: HttpClientBuilder) -> HttpClientBuilder {
        self(builder)
    }
}
