//! [`Target`]: what a request is about, in words of which there are few.

use std::borrow::Cow;
use std::fmt;

use http::Method;
use url::Url;

use crate::RequestHead;

/// What a request is about, as far as a metric should know: method, server, and the template of its path.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Request, Target};
///
/// let request = Request::get("https://api.example.com/users/7?token=hunter2")?;
/// let target = Target::of(request.head());
/// assert_eq!((target.method_name(), target.scheme(), target.address(), target.port()), ("GET", "https", "api.example.com", 443));
/// assert_eq!(target.url_template(), None); // the caller did not say
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    method: &'a Method,
    scheme: &'static str,
    address: &'a str,
    port: u16,
    template: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// That of a request.
    #[must_use]
    pub fn of(head: &'a RequestHead) -> Self {
        let url = &head.url;
        let template = head.settings().and_then(|settings| settings.url_template.as_deref());
        let (method, scheme, port) = (&head.method, scheme(url), port(url));
        Self { method, scheme, address: address(url), port, template }
    }

    /// The method. Callers may make their own: see [`method_name`](Self::method_name).
    #[must_use]
    pub const fn method(&self) -> &'a Method {
        self.method
    }

    /// The method, if it is one of [RFC 9110] or `PATCH`, and `_OTHER` if not (`http.request.method`).
    ///
    /// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#section-9
    #[must_use]
    pub fn method_name(&self) -> &'static str {
        const KNOWN: [&str; 9] =
            ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE"];
        KNOWN.into_iter().find(|known| *known == self.method.as_str()).unwrap_or("_OTHER")
    }

    /// `http` or `https` (`url.scheme`).
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// The host: a name, or an address, one of IPv6 without brackets (`server.address`).
    #[must_use]
    pub const fn address(&self) -> &'a str {
        self.address
    }

    /// The port, that of the scheme where the URL has none (`server.port`).
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What the caller said of the URL's path ([`RequestBuilder::url_template`](crate::RequestBuilder::url_template)).
    #[must_use]
    pub const fn url_template(&self) -> Option<&'a str> {
        self.template
    }
}

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, scheme, address, port, template } = self;
        f.debug_struct("Target")
            .field("method", method)
            .field("scheme", scheme)
            .field("address", address)
            .field("port", port)
            .field("url_template", template)
            .finish()
    }
}

fn scheme(url: &Url) -> &'static str {
    if url.scheme() == "https" { "https" } else { "http" }
}

fn port(url: &Url) -> u16 {
    url.port_or_known_default().unwrap_or_default()
}

/// The host, an address of IPv6 without its brackets.
pub(crate) fn address(url: &Url) -> &str {
    url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
}

/// A target that outlives its request, which the transport takes.
pub(crate) struct OwnedTarget {
    method: Method,
    scheme: &'static str,
    address: Box<str>,
    port: u16,
    template: Option<Cow<'static, str>>,
}

impl OwnedTarget {
    pub(crate) fn of(head: &RequestHead) -> Self {
        let url = &head.url;
        let template = head.settings().and_then(|settings| settings.url_template.clone());
        let (method, scheme, port) = (head.method.clone(), scheme(url), port(url));
        Self { method, scheme, address: address(url).into(), port, template }
    }

    /// Whether it is the target of this request, too: the template is the call's.
    pub(crate) fn is_of(&self, head: &RequestHead) -> bool {
        self.method == head.method
            && self.port == port(&head.url)
            && self.scheme == scheme(&head.url)
            && *self.address == *address(&head.url)
    }

    pub(crate) fn get(&self) -> Target<'_> {
        Target {
            method: &self.method,
            scheme: self.scheme,
            address: &self.address,
            port: self.port,
            template: self.template.as_deref(),
        }
    }
}
