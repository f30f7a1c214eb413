//! [`RecordedRequest`]: a request as the mock saw it.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method, Version};
use midil_http_core::RequestHead;
use serde::de::DeserializeOwned;
use url::Url;

/// A request as a [`MockTransport`](crate::MockTransport) saw it, with all that the client put on.
///
/// It is recorded when it comes, its body when that was read; a reply that comes
/// [without reading it](crate::Reply::without_reading_body) leaves it empty.
///
/// `Debug` shows neither query nor body, nor the values of sensitive headers; the accessors show them all.
///
/// # Examples
///
/// ```
/// use midil_http_core::HttpClient;
/// use midil_http_test::{MockTransport, Reply};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let mock = MockTransport::always(Reply::status(201));
/// let client = HttpClient::builder(mock.clone()).base_url("https://api.example.com").build()?;
/// client.post("/users").header("x-tenant", "7").json(&["Ada"]).send().await?;
///
/// let request = &mock.requests()[0];
/// assert_eq!((request.method(), request.url().path()), (&http::Method::POST, "/users"));
/// assert_eq!(request.header("x-tenant"), Some("7"));
/// assert_eq!(request.json::<Vec<String>>(), ["Ada"]);
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
#[derive(Clone)]
pub struct RecordedRequest {
    head: RequestHead,
    body: Bytes,
    body_complete: bool,
}

impl RecordedRequest {
    pub(super) const fn new(head: RequestHead) -> Self {
        Self { head, body: Bytes::new(), body_complete: false }
    }

    pub(super) fn set_body(&mut self, body: Bytes, complete: bool) {
        self.body = body;
        self.body_complete = complete;
    }

    /// Everything but the body, with the extensions that it came with.
    #[must_use]
    pub const fn head(&self) -> &RequestHead {
        &self.head
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.head.method
    }

    /// The URL.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.head.url
    }

    /// The version that was asked for.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.head.version
    }

    /// The headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// The first value of the header `name`; `None` where there is none, or it is no visible ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    /// The body, as far as it was read.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// Whether the body was read to its end.
    #[must_use]
    pub const fn body_complete(&self) -> bool {
        self.body_complete
    }

    /// The body as text.
    ///
    /// # Panics
    ///
    /// When it is no UTF-8.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> &str {
        match std::str::from_utf8(&self.body) {
            Ok(text) => text,
            Err(error) => panic!("the body of {self} is no UTF-8: {error}"),
        }
    }

    /// The body, parsed as JSON.
    ///
    /// # Panics
    ///
    /// When it is no JSON of that shape.
    #[must_use]
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            // Where, and not what: the error repeats a value of the body.
            Err(error) => panic!(
                "the body of {self} ({} bytes) is no JSON of the expected shape, at line {} column {}",
                self.body.len(),
                error.line(),
                error.column()
            ),
        }
    }

    /// The URL without what may be secret in it.
    pub(super) fn shown_url(&self, with_query: bool) -> String {
        let url = &self.head.url;
        let mut shown = format!("{}{}", url.origin().ascii_serialization(), url.path());
        match url.query() {
            Some(query) if with_query => shown.extend(["?", query]),
            Some(_) => shown.push_str("?…"),
            None => {}
        }
        shown
    }
}

/// `GET https://api.example.com/users?…`, without the query and userinfo.
impl fmt::Display for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.head.method, self.shown_url(false))
    }
}

impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedRequest")
            .field("head", &self.head)
            .field("body_bytes", &self.body.len())
            .field("body_complete", &self.body_complete)
            .finish()
    }
}
