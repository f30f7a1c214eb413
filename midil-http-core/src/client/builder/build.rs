//! The client that comes of the settings, if they can be.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, header};

use super::HttpClientBuilder;
use crate::base_url::BaseUrl;
use crate::client::{HttpClient, Shared, Timeouts};
use crate::config::positive;
use crate::header_input::join_cookies;
use crate::observer::Several;
use crate::origin::Origin;
use crate::pipeline::accepted;
use crate::{BuildError, Error, Observer, Random};

/// What every client says of itself unless it is told otherwise.
const USER_AGENT: &str = concat!("midil-http/", env!("CARGO_PKG_VERSION"));

impl HttpClientBuilder {
    /// Builds the client.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the setting and the remedy: a URL or header that cannot be, a timeout of zero, credentials
    /// that would travel in the clear or nowhere.
    pub fn build(self) -> Result<HttpClient, Error> {
        if let Some(error) = self.error {
            return Err(error.into());
        }
        let base = self.base_url.as_deref().map(BaseUrl::parse).transpose();
        let base = base.map_err(|error| match &self.base_url_variable {
            Some(variable) => error.set_by(variable),
            None => error,
        })?;
        let parse = |setting: &'static str| move |text: &String| Origin::parse(setting, text);
        let trusted =
            self.trusted.iter().map(parse("auth_origin")).collect::<Result<Vec<_>, _>>()?;
        let mut allowed =
            self.allowed.iter().map(parse("allow_origin")).collect::<Result<Vec<_>, _>>()?;
        allowed.extend(trusted.iter().cloned());
        if self.auth.is_some() {
            let mut origins = base.iter().map(BaseUrl::origin).chain(&trusted).peekable();
            if origins.peek().is_none() {
                let problem = "would go to no server: set base_url or auth_origin";
                return Err(BuildError::new("the credentials of `auth`", problem).into());
            }
            let exposed = origins
                .find(|origin| origin.is_plain_remote())
                .filter(|_| !self.allow_plain_http_auth);
            if let Some(origin) = exposed {
                let problem = format!(
                    "would travel in the clear to {origin}: use https, or permit it with `allow_plain_http_auth`"
                );
                return Err(BuildError::new("the credentials of `auth`", problem).into());
            }
        }
        let Timeouts { progress, attempt, total } = self.timeouts;
        for (setting, value) in
            [("timeout", progress), ("attempt_timeout", attempt), ("total_timeout", total)]
        {
            value.map_or(Ok(()), |value| positive(setting, value))?;
        }
        let observer: Option<Arc<dyn Observer>> = match self.observers {
            none if none.is_empty() => None,
            observers => Some(Arc::new(Several(observers))),
        };
        if let (Some(provider), Some(observer)) = (&self.auth, &observer) {
            provider.observed_by(observer);
        }
        Ok(HttpClient(Arc::new(Shared {
            transport: self.transport,
            in_flight: Arc::default(),
            runtime: self.runtime,
            random: self.seed.map_or_else(Random::new, Random::seeded),
            observer,
            retry: self.retry,
            auth: self.auth,
            middleware: self.middleware,
            attempt_middleware: self.attempt_middleware,
            #[cfg(feature = "cookies")]
            jar: self.jar,
            accept_encoding: accepted(&self.headers),
            decompress: self.decompress,
            trace: self.trace.compile(),
            propagator: self.propagator,
            headers: with_defaults(self.headers),
            timeouts: Timeouts { progress, attempt, total },
            redirect: self.redirect,
            base,
            allowed,
            trusted,
            max_response_bytes: self.max_response_bytes,
        })))
    }
}

/// Adds the headers that every request has, unless the client sets them itself; several cookies become one header.
fn with_defaults(mut headers: Vec<(HeaderName, HeaderValue)>) -> Vec<(HeaderName, HeaderValue)> {
    for (name, value) in [(header::USER_AGENT, USER_AGENT), (header::ACCEPT, "*/*")] {
        if !headers.iter().any(|(given, _)| *given == name) {
            headers.push((name, HeaderValue::from_static(value)));
        }
    }
    let cookies: Vec<_> = headers
        .extract_if(.., |(name, _)| *name == header::COOKIE)
        .map(|(_, value)| value)
        .collect();
    headers.extend(join_cookies(&cookies).map(|cookies| (header::COOKIE, cookies)));
    headers
}
