//! The words of the cases: requests, and what comes back.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use midil_http_core::{Body, Error, Request, Transport};
use url::Url;

use super::verdict::Failure;

/// A GET of `url`, which is one that a server of ours gave.
pub(super) fn get(url: &str) -> Request {
    request(Method::GET, url, ())
}

/// A POST.
pub(super) fn post(url: &str, body: impl Into<Body>) -> Request {
    request(Method::POST, url, body)
}

/// Any request.
pub(super) fn request(method: Method, url: &str, body: impl Into<Body>) -> Request {
    // Only URLs that are written here are parsed.
    #[allow(clippy::expect_used, reason = "a case with a wrong URL is a mistake of ours")]
    let url = Url::parse(url).expect("the URL of a case is one");
    Request::new(method, url).with_body(body)
}

/// The request, with one more header.
pub(super) trait WithHeader: Sized {
    fn with_header(self, name: &'static str, value: &'static str) -> Self;
}

impl WithHeader for Request {
    fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        let (name, value) =
            (http::HeaderName::from_static(name), http::HeaderValue::from_static(value));
        self.headers_mut().append(name, value);
        self
    }
}

/// A response that was read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// The body as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The first value of a header, as text.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let value = self.headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }
}

/// Reads a response to its end.
pub(super) async fn read(response: http::Response<Body>) -> Result<Answer, Error> {
    let (head, body) = response.into_parts();
    let body = body.collect(u64::MAX).await?;
    Ok(Answer { status: head.status, headers: head.headers, body })
}

/// Sends, and reads to the end: as a user would see it.
pub(super) async fn exchange(
    transport: &impl Transport,
    request: Request,
) -> Result<Answer, Error> {
    read(transport.send(request).await?).await
}

/// The next piece of a body that has one.
pub(super) async fn piece(body: &mut Body) -> Result<Bytes, Failure> {
    body.chunk().await?.ok_or_else(|| Failure("expected more of the body, saw its end".into()))
}
