//! [`RequestId`]: an id for each call.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderName, HeaderValue};

use super::ids::{self, Generator};
use crate::{Body, Error, Middleware, Next, Request};

/// Gives each call an id, which goes along in a header: the same on each attempt and each redirect, in the logs of both sides.
///
/// Add it as call middleware ([`HttpClientBuilder::middleware`](crate::HttpClientBuilder::middleware)), first, so that
/// whatever logs sees it. Added as attempt middleware, it gives each attempt an id of its own.
///
/// | | by default |
/// |---|---|
/// | header | `x-request-id` |
/// | id | a random UUID (version 4), from the [generator](Next::random) of the client: with a [seed](crate::HttpClientBuilder::seed), the same in each run of a test |
/// | a request that has the header already | keeps it: the id of the call that is being served, say |
/// | a redirect to another origin that is allowed | takes it along, as any header of the request's own |
/// | the response | has a [`CallId`] in its extensions |
/// | the span | has the field `http.request.header.x-request-id`, where the header is that one |
///
/// An error does not carry it: look into the span, or set the header on the request yourself.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, CallId, HttpClient, Request, RequestId};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let transport = |request: Request| async move {
///     assert_eq!(request.headers()["x-request-id"].len(), 36);
///     Ok(http::Response::new(Body::empty()))
/// };
/// let client = HttpClient::builder(transport).base_url("https://api.example.com").middleware(RequestId::new()).build()?;
///
/// let response = client.get("/users").send().await?;
/// let id = response.extensions().get::<CallId>().expect("each call has one");
/// println!("{} was call {id}", response.url());
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
#[derive(Clone)]
pub struct RequestId {
    header: HeaderName,
    generator: Option<Generator>,
}

impl RequestId {
    /// UUIDs, in `x-request-id`.
    #[must_use]
    pub const fn new() -> Self {
        Self { header: HEADER, generator: None }
    }

    /// The same in another header.
    #[must_use]
    pub fn header(self, header: HeaderName) -> Self {
        Self { header, ..self }
    }

    /// The same with ids of the caller's making. What cannot stand in a header is an [`Error::Build`] of the call.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use midil_http_core::RequestId;
    ///
    /// let count = AtomicU64::new(1);
    /// let ids = RequestId::new().generator(move || format!("reports-{}", count.fetch_add(1, Ordering::Relaxed)));
    /// ```
    #[must_use]
    pub fn generator(self, generator: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self { generator: Some(Arc::new(generator)), ..self }
    }
}

impl Default for RequestId {
    fn default() -> Self {
        Self::new()
    }
}

/// The id of the call that a response is for, in the response's extensions: see [`RequestId`]. `Display` escapes control
/// characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CallId(HeaderValue);

impl CallId {
    /// The id, as the header has it.
    #[must_use]
    pub const fn value(&self) -> &HeaderValue {
        &self.0
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An id may be somebody else's, and is written to logs and terminals.
        String::from_utf8_lossy(self.0.as_bytes()).chars().try_for_each(|character| {
            if character.is_control() {
                write!(f, "{}", character.escape_default())
            } else {
                write!(f, "{character}")
            }
        })
    }
}

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

#[async_trait]
impl Middleware for RequestId {
    async fn handle(
        &self,
        mut request: Request,
        next: Next<'_>,
    ) -> Result<http::Response<Body>, Error> {
        let id = match request.headers().get(&self.header) {
            Some(id) => id.clone(),
            None => {
                let id = ids::value("the request id", self.generator.as_ref(), next)?;
                ids::put(&mut request, &self.header, id.clone())?;
                id
            }
        };
        if self.header == HEADER
            && let Ok(id) = id.to_str()
            && !self.is_secret(&request)
        {
            tracing::Span::current().record("http.request.header.x-request-id", id);
        }
        let mut response = next.run(request).await?;
        response.extensions_mut().insert(CallId(id));
        Ok(response)
    }
}

impl RequestId {
    /// Whether the caller marked its own id as sensitive.
    fn is_secret(&self, request: &Request) -> bool {
        request.headers().get(&self.header).is_some_and(HeaderValue::is_sensitive)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestId").field("header", &self.header).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_somebody_else_s_writes_no_control_characters() {
        let id = CallId(HeaderValue::from_bytes("a\u{9b}31m\tb é".as_bytes()).unwrap());
        assert_eq!(id.to_string(), "a\\u{9b}31m\\tb é");
    }
}
