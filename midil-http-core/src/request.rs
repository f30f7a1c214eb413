//! [`Request`] and [`RequestHead`].

use std::fmt;
use std::time::Instant;

use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Version, header};
use url::Url;

use crate::{Body, BuildError, CallSettings, Error, redact};

/// As a name, and not as a text, which would be parsed for each look.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A request: its head and its [`Body`].
///
/// It differs from [`http::Request`] in one point: it carries the parsed [`Url`], so that nobody on its way parses
/// again. Conversions from and into [`http::Request`] are provided.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, Request};
///
/// let request = Request::get("https://api.example.com/users?limit=10")?;
/// assert_eq!(request.url().path(), "/users");
///
/// let mut request = request.with_method(http::Method::PUT).with_body("[]");
/// request.head_mut().url.set_query(None);
/// *request.body_mut() = Body::from("[1]");
/// let (head, body) = request.into_parts();
/// assert_eq!(Request::from_parts(head, body).url().query(), None);
///
/// let other: Request = http::Request::post("https://api.example.com/users").body("{}")?.try_into()?;
/// assert_eq!(other.method(), http::Method::POST);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Request(Box<Parts>);

/// In a box, for a request is handed on some twenty times on its way: each would copy 300 bytes, and each future that it
/// passes through would have room for them.
struct Parts {
    head: RequestHead,
    body: Body,
    /// Nobody has been able to change it since the client built it.
    untouched: bool,
}

impl Request {
    /// A request without a body.
    #[must_use]
    pub fn new(method: Method, url: Url) -> Self {
        Self::from_parts(RequestHead::new(method, url), Body::empty())
    }

    /// A GET request without a body.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] when `url` is not an absolute URL.
    pub fn get(url: &str) -> Result<Self, Error> {
        Url::parse(url)
            .map(|url| Self::new(Method::GET, url))
            .map_err(|error| BuildError::url(url, error.to_string()).into())
    }

    /// The same request with another method.
    #[must_use]
    pub fn with_method(mut self, method: Method) -> Self {
        self.head_mut().method = method;
        self
    }

    /// Puts a head and a body together.
    #[must_use]
    pub fn from_parts(head: RequestHead, body: Body) -> Self {
        Self(Box::new(Parts { head, body, untouched: false }))
    }

    /// The same request; from now on it is noticed when somebody can have changed it.
    pub(crate) const fn untouched(mut self) -> Self {
        self.0.untouched = true;
        self
    }

    /// Whether nobody can have changed it since [`untouched`](Self::untouched).
    pub(crate) const fn is_untouched(&self) -> bool {
        self.0.untouched
    }

    /// Takes the request apart.
    #[must_use]
    pub fn into_parts(self) -> (RequestHead, Body) {
        let Parts { head, body, .. } = *self.0;
        (head, body)
    }

    /// The same request with another body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Body>) -> Self {
        *self.body_mut() = body.into();
        self
    }

    /// Everything but the body.
    #[must_use]
    pub const fn head(&self) -> &RequestHead {
        &self.0.head
    }

    /// Everything but the body, to change it.
    #[must_use]
    pub const fn head_mut(&mut self) -> &mut RequestHead {
        self.0.untouched = false;
        &mut self.0.head
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.0.head.method
    }

    /// The URL.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.0.head.url
    }

    /// The headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.0.head.headers
    }

    /// The headers, to change them.
    #[must_use]
    pub const fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.head_mut().headers
    }

    /// The extensions.
    #[must_use]
    pub const fn extensions(&self) -> &Extensions {
        &self.0.head.extensions
    }

    /// The extensions, to change them.
    #[must_use]
    pub const fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.head_mut().extensions
    }

    /// The body.
    #[must_use]
    pub const fn body(&self) -> &Body {
        &self.0.body
    }

    /// The body, to read or replace it.
    #[must_use]
    pub const fn body_mut(&mut self) -> &mut Body {
        self.0.untouched = false;
        &mut self.0.body
    }

    /// The body alone.
    #[must_use]
    pub fn into_body(self) -> Body {
        self.0.body
    }

    /// A copy, when the body can be sent again ([`Body::try_clone`]).
    #[must_use]
    pub fn try_clone(&self) -> Option<Self> {
        Some(Self(Box::new(Parts {
            body: self.0.body.try_clone()?,
            head: self.0.head.clone(),
            untouched: self.0.untouched,
        })))
    }
}

/// Everything of a request but its body.
///
/// `Debug` shows neither the query of the URL nor its userinfo, nor the values of sensitive headers.
#[derive(Clone)]
#[non_exhaustive]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The absolute URL, parsed once.
    pub url: Url,
    /// The HTTP version that is asked for. HTTP/1.1, the default, leaves the choice to the transport.
    pub version: Version,
    /// The headers.
    pub headers: HeaderMap,
    /// What travels along with the request, the [`CallSettings`] among it.
    pub extensions: Extensions,
    /// When the whole call must be over, by its own `total_timeout` or the client's: the client writes it, for whatever
    /// waits below.
    pub deadline: Option<Instant>,
}

impl RequestHead {
    /// A head without headers.
    #[must_use]
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            version: Version::HTTP_11,
            headers: HeaderMap::new(),
            extensions: Extensions::new(),
            deadline: None,
        }
    }

    /// What the caller set for this call alone, if anything.
    #[must_use]
    pub fn settings(&self) -> Option<&CallSettings> {
        // Most requests have no extensions at all: do not hash a type id for them.
        (!self.extensions.is_empty()).then(|| self.extensions.get())?
    }

    /// Whether sending this twice has the effect of sending it once.
    ///
    /// True for the idempotent methods of [RFC 9110, section 9.2.2], for a request with an `Idempotency-Key`, and
    /// where the caller said so ([`RequestBuilder::idempotent`](crate::RequestBuilder::idempotent)).
    ///
    /// [RFC 9110, section 9.2.2]: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        if let Some(idempotent) = self.settings().and_then(|settings| settings.idempotent) {
            return idempotent;
        }
        self.method.is_idempotent() || self.headers.contains_key(IDEMPOTENCY_KEY)
    }
}

/// Method and URL, without userinfo, query and fragment: safe to log.
impl fmt::Display for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, redact::url(&self.url))
    }
}

impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method)
            .field("url", &redact::url(&self.url))
            .field("version", &self.version)
            .field("headers", &redact::headers(&self.headers))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("head", self.head()).field("body", self.body()).finish()
    }
}

impl<B: Into<Body>> TryFrom<http::Request<B>> for Request {
    type Error = Error;

    fn try_from(request: http::Request<B>) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        let text = parts.uri.to_string();
        let url = Url::parse(&text).map_err(|error| BuildError::url(&text, error.to_string()))?;
        let http::request::Parts { method, version, headers, extensions, .. } = parts;
        let head = RequestHead { method, url, version, headers, extensions, deadline: None };
        Ok(Self::from_parts(head, body.into()))
    }
}

impl TryFrom<Request> for http::Request<Body> {
    type Error = Error;

    fn try_from(request: Request) -> Result<Self, Error> {
        let (head, body) = request.into_parts();
        let uri = http::Uri::try_from(head.url.as_str())
            .map_err(|error| BuildError::url(head.url.as_str(), error.to_string()))?;
        let mut request = Self::new(body);
        *request.method_mut() = head.method;
        *request.uri_mut() = uri;
        *request.version_mut() = head.version;
        *request.headers_mut() = head.headers;
        *request.extensions_mut() = head.extensions;
        Ok(request)
    }
}

/// Marks what is always a secret as such.
pub(crate) fn mark_sensitive(name: &HeaderName, value: &mut HeaderValue) {
    if [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE, header::SET_COOKIE]
        .contains(name)
    {
        value.set_sensitive(true);
    }
}
