//! Whom a client calls, and who gets its headers and credentials.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use super::HttpClientBuilder;
use crate::AuthNProvider;
use crate::header_input::header_pair;

impl HttpClientBuilder {
    /// What relative URLs are appended to, and what no URL may leave. Without one, every request needs an absolute URL.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self.base_url_variable = None;
        self
    }

    /// A header for every request to the client's own server; a request's own header of that name wins.
    ///
    /// `User-Agent` and `Accept` go to allowed origins, too. Given twice, a header has two values.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        match header_pair(name, value) {
            Ok(pair) => self.headers.push(pair),
            Err(error) => self.error = self.error.or(Some(error)),
        }
        self
    }

    /// Who provides credentials, for requests to the base URL's origin and to [`auth_origin`](Self::auth_origin)s.
    pub fn auth(mut self, provider: impl AuthNProvider) -> Self {
        self.auth = Some(Arc::new(provider));
        self
    }

    /// Lets credentials travel over plain http to a host that is not this machine. Everybody on the way can read them.
    pub const fn allow_plain_http_auth(mut self) -> Self {
        self.allow_plain_http_auth = true;
        self
    }

    /// Another origin that may be called by absolute URLs and redirects. It gets no credentials and no base headers.
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.allowed.push(origin.into());
        self
    }

    /// Another origin that may be called, and that gets the provider's credentials.
    pub fn auth_origin(mut self, origin: impl Into<String>) -> Self {
        self.trusted.push(origin.into());
        self
    }
}
