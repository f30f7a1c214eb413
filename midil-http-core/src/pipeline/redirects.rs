//! Slot 5: redirects ([RFC 9110, section 15.4](https://www.rfc-editor.org/rfc/rfc9110#section-15.4)).

use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use url::Url;

use super::{CallScope, retry};
use crate::body::drain;
use crate::origin::{self, Origin};
use crate::{Alarm, Body, Error, RedirectError, Request};

/// Which redirects are followed: up to 10, to the same and to allowed origins, by default.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, HttpClient, Redirect, Request};
///
/// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
/// let builder = HttpClient::builder(transport).base_url("https://api.example.com");
/// let client = builder.redirect(Redirect::limit(3)).build()?;
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redirect {
    /// `None`: every 3xx is returned.
    limit: Option<u32>,
    any_origin: bool,
}

impl Redirect {
    /// Up to 10 redirects, to the same and to allowed origins; others are returned as they came.
    #[must_use]
    pub const fn new() -> Self {
        Self::limit(10)
    }

    /// Up to `limit` redirects; one more is [`Error::Redirect`].
    #[must_use]
    pub const fn limit(limit: u32) -> Self {
        Self { limit: Some(limit), any_origin: false }
    }

    /// None: a 3xx is a response like any other.
    #[must_use]
    pub const fn none() -> Self {
        Self { limit: None, any_origin: false }
    }

    /// Up to 10 redirects, to any origin. Credentials and cookies stay behind all the same.
    #[must_use]
    pub const fn any() -> Self {
        Self { any_origin: true, ..Self::new() }
    }

    /// The same, to any origin.
    #[must_use]
    pub const fn to_any_origin(self) -> Self {
        Self { any_origin: true, ..self }
    }
}

impl Default for Redirect {
    fn default() -> Self {
        Self::new()
    }
}

/// Sends `template`, and follows where the answers point: it is the request of the last hop in the end.
pub(super) async fn follow(
    scope: &CallScope<'_>,
    template: &mut Request,
    alarm: Option<&Alarm<'_>>,
) -> Result<http::Response<Body>, Error> {
    let policy = scope.client.redirect;
    template.body_mut().prepare();
    let mut hops = 0;
    let mut left_origin =
        !scope.client.has_base() && template.extensions().get::<LeftOrigin>().is_some();
    loop {
        let outcome = retry::attempts(scope, template, left_origin, alarm).await;
        let hop = match (&outcome, policy.limit) {
            (Ok(response), Some(_)) if is_redirect(response.status()) => target(template, response),
            _ => None,
        };
        // As it is: each variable that it goes through would copy it.
        let Some(hop) = hop else {
            return outcome;
        };
        let response = outcome?;
        if template.url().scheme() == "https" && hop.url.scheme() == "http" {
            return Err(RedirectError::downgrade(response.status()).into());
        }
        let same_origin = Origin::of(template.url()).is_of(&hop.url);
        let allowed = same_origin || policy.any_origin || scope.client.allows(&hop.url);
        if !allowed || (hop.method.is_none() && !template.body().is_whole()) {
            return Ok(response);
        }
        if policy.limit.is_some_and(|limit| hops >= limit) {
            return Err(RedirectError::too_many(response.status(), hops).into());
        }
        hops += 1;
        tracing::debug!(
            target: "midil_http::redirect",
            {
                http.response.status_code = i64::from(response.status().as_u16()),
                url.full = %scope.client.trace.show(&hop.url),
                hop = i64::from(hops),
            },
            "HTTP redirect"
        );
        Box::pin(drain(response.into_body(), &*scope.client.runtime)).await;
        take(template, hop, same_origin);
        left_origin |= !same_origin;
    }
}

/// On a request that goes on from an answer of another origin, as on a redirect: where the client has no base URL, base headers are
/// not for it.
#[derive(Clone)]
pub(crate) struct LeftOrigin;

/// Where a redirect leads.
struct Hop {
    url: Url,
    /// The method that it changes to, which drops the body; `None` keeps both.
    method: Option<Method>,
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where the response points; `None` when its `Location` is missing, malformed or of a scheme that is not HTTP.
fn target(request: &Request, response: &http::Response<Body>) -> Option<Hop> {
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    let mut url = request.url().join(location).ok()?;
    origin::check(&url).ok()?;
    if url.fragment().is_none() {
        url.set_fragment(request.url().fragment()); // RFC 9110, section 10.2.2
    }
    let method = match (response.status().as_u16(), request.method()) {
        (301 | 302, &Method::POST) => Some(Method::GET),
        (303, &Method::HEAD) => Some(Method::HEAD),
        (303, _) => Some(Method::GET),
        _ => None,
    };
    Some(Hop { url, method })
}

/// Makes the request of the next hop.
fn take(template: &mut Request, hop: Hop, same_origin: bool) {
    template.head_mut().url = hop.url;
    if let Some(method) = hop.method {
        template.head_mut().method = method;
        *template.body_mut() = Body::empty();
        for name in [
            header::CONTENT_TYPE,
            header::CONTENT_LENGTH,
            header::CONTENT_ENCODING,
            header::CONTENT_LANGUAGE,
            header::CONTENT_LOCATION,
            header::CONTENT_RANGE,
            header::LAST_MODIFIED,
            HeaderName::from_static("digest"),
            HeaderName::from_static("content-digest"),
            header::TRANSFER_ENCODING,
            header::EXPECT,
            header::TRAILER,
        ] {
            template.headers_mut().remove(name);
        }
    }
    if !same_origin {
        strip_secrets(template.headers_mut());
    }
}

/// Drops what must not reach another origin. What a provider emitted was never in the template.
pub(crate) fn strip_secrets(headers: &mut HeaderMap) {
    for name in [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE, header::HOST] {
        headers.remove(name);
    }
    let secret: Vec<_> = headers
        .iter()
        .filter(|(_, value)| value.is_sensitive())
        .map(|(name, _)| name.clone())
        .collect();
    for name in secret {
        headers.remove(name);
    }
}
