//! [`Response`].

mod json;
mod read;
#[cfg(feature = "fs")]
mod save;
mod status;
mod stream;
mod text;

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, StatusCode, Version};
use url::Url;

pub(super) use json::decode_error;
pub use stream::ChunkStream;
pub use text::decode_text;

use super::Answer;
use crate::{Body, Request, redact};

/// The response to a call: its head at once, its body as it is read.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, HttpClient, Request};
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let transport = |_: Request| async { Ok(http::Response::new(Body::from("{\"name\":\"Ada\"}"))) };
/// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
/// #[derive(serde::Deserialize)]
/// struct User {
///     name: String,
/// }
///
/// let response = client.get("/users/1").send().await?.error_for_status().await?;
/// assert_eq!((response.status().as_u16(), response.attempts()), (200, 1));
/// let user: User = response.json().await?;
/// assert_eq!(user.name, "Ada");
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
pub struct Response {
    head: http::response::Parts,
    body: Body,
    /// What came after the body, once it has been read.
    trailers: Option<Box<HeaderMap>>,
    url: Url,
    attempts: u32,
    elapsed: Duration,
    max_bytes: u64,
}

impl Response {
    pub(super) fn new(answer: Answer, request: Request, max_bytes: u64) -> Self {
        let Answer { response, attempts, elapsed, url } = answer;
        let (head, body) = response.into_parts();
        let url = url.unwrap_or_else(|| request.into_parts().0.url);
        Self { head, body, trailers: None, url, attempts, elapsed, max_bytes }
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.head.status
    }

    /// The headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// The URL that answered, after redirects.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The HTTP version of the response.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.head.version
    }

    /// What the transport and middleware attached.
    #[must_use]
    pub const fn extensions(&self) -> &http::Extensions {
        &self.head.extensions
    }

    /// How many attempts the response took: 1 and the retries of the whole call. Those that a
    /// [resumed](crate::RequestBuilder::resumable) body takes later are not among them.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The time from the call to the response head.
    #[must_use]
    pub const fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Head and body, as the `http` crate has them.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Body, HttpClient, Request};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::from("hello"))) };
    /// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// let (head, body) = client.get("/greeting").send().await?.into_http().into_parts();
    /// assert_eq!((head.status.as_u16(), body.collect(1024).await?.as_ref()), (200, &b"hello"[..]));
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    #[must_use]
    pub fn into_http(self) -> http::Response<Body> {
        http::Response::from_parts(self.head, self.body)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.head.status)
            .field("url", &redact::url(&self.url))
            .field("headers", &redact::headers(&self.head.headers))
            .field("attempts", &self.attempts)
            .field("elapsed", &self.elapsed)
            .finish_non_exhaustive()
    }
}
