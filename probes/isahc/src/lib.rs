//! A probe: do `Body`, `Error`, `Request` and `Next` fit a stack that is not hyper?
//!
//! Enough of a transport over isahc 2, which is curl, to run the faults of the test server through it. Not for use:
//! it has no limit of connections and checks no settings.

mod body;
mod failure;

use std::fmt;

use isahc::config::{Configurable as _, RedirectPolicy, VersionNegotiation};
use isahc::{HttpClient, ResponseExt as _};
use midil_http_core::{
    Body, BuildError, Error, Request, Transport, TransportSettings, async_trait,
};

/// One exchange over isahc.
pub struct IsahcTransport {
    /// For requests that may be sent twice: curl does so when a connection that it kept turns out to be dead.
    keeping: HttpClient,
    /// For all others: no connection is kept, so none can be dead.
    fresh: Option<HttpClient>,
    settings: TransportSettings,
}

impl IsahcTransport {
    /// A transport with the default settings.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] when curl cannot be set up.
    pub fn try_new() -> Result<Self, Error> {
        let settings = TransportSettings::default();
        Ok(Self {
            keeping: client(&settings, settings.max_keepalive_connections)?,
            fresh: Some(client(&settings, 0)?),
            settings,
        })
    }

    /// The same with one handle for everything, as one would write it first: to see what that leads to.
    #[must_use]
    pub fn with_one_handle(self) -> Self {
        Self { fresh: None, ..self }
    }
}

fn client(settings: &TransportSettings, kept: usize) -> Result<HttpClient, Error> {
    HttpClient::builder()
        .connect_timeout(settings.connect_timeout)
        .connection_cache_ttl(settings.keepalive_expiry)
        .connection_cache_size(kept)
        .redirect_policy(RedirectPolicy::None)
        .automatic_decompression(false)
        .expect_continue(false)
        .version_negotiation(VersionNegotiation::http11())
        .build()
        .map_err(|error| {
            BuildError::new("isahc", "cannot be set up: see the cause").with_source(error).into()
        })
}

#[async_trait]
impl Transport for IsahcTransport {
    async fn send(&self, request: Request) -> Result<http::Response<Body>, Error> {
        let fresh = self.fresh.as_ref().filter(|_| !request.head().is_idempotent());
        let client = fresh.unwrap_or(&self.keeping);
        let request = http::Request::<Body>::try_from(request)?;
        let (request, upload) = body::upload(request);
        let is_head = request.method() == http::Method::HEAD;
        let response = match client.send_async(request).await {
            Ok(response) => response,
            Err(error) => {
                let of_curl = || failure::before_head(error, self.settings.connect_timeout);
                return Err(upload
                    .and_then(|upload| upload.take_failure())
                    .unwrap_or_else(of_curl));
            }
        };
        let trailer = response.trailer().clone();
        let unframed = failure::is_unframed(&response, is_head);
        let (mut parts, body) = response.into_parts();
        parts.extensions.clear();
        Ok(http::Response::from_parts(parts, body::download(body, trailer, unframed)))
    }
}

impl fmt::Debug for IsahcTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IsahcTransport").finish_non_exhaustive()
    }
}
