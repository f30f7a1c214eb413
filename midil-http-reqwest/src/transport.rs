//! [`ReqwestTransport`].

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use midil_http_core::{
    Body, Error, FromSettings, Request, Transport, TransportBuilder, TransportSettings,
    async_trait, in_line,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::client::{self, Made};
use crate::current::Current;
use crate::host::LastHost;
use crate::{failure, request, response, runtime};

/// One exchange over [reqwest]: HTTP/1.1, HTTP/2 and TLS, on tokio.
///
/// A clone is the same transport: it shares the connections and their limit.
///
/// | | |
/// |---|---|
/// | runtime | tokio, with its IO and time drivers; anywhere else a call is an [`Error::Build`] that says so |
/// | connections | at most `max_connections` exchanges at a time, held until the body ends; further ones wait |
/// | kept for reuse | at most `max_keepalive_connections` *per server*: reqwest counts them so; each tokio runtime has its own |
/// | proxy | by default that of `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, as they are when the transport is built |
/// | headers | as given, and what framing needs; reqwest adds `accept: */*` to a request that has no `Accept` |
///
/// # From a `reqwest::ClientBuilder`
///
/// What the builder of this crate does not offer (DNS, unix sockets, SOCKS proxies, TLS versions…) is set on reqwest's own, which is then made a transport. Its redirects, retries, `Referer`, decompression and verbose logging
/// are switched off. All runtimes share its connections: keep to one runtime, or make a transport for each. Settings that cannot be switched off and would undermine the client are refused: a cookie store,
/// a `timeout`, credentials among the default headers.
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::TransportSettings;
/// use midil_http_reqwest::ReqwestTransport;
/// use reqwest::Client;
///
/// // reqwest's settings for connections stay as they are; a connect timeout of 10 s is added when it has none.
/// let transport = ReqwestTransport::try_from(Client::builder().https_only(true))?;
///
/// // These settings win over reqwest's of the same kind, but where they leave the choice open.
/// let settings = TransportSettings::default();
/// let transport = ReqwestTransport::try_from((Client::builder().https_only(true), settings))?;
///
/// let impatient = Client::builder().timeout(Duration::from_secs(5));
/// let error = ReqwestTransport::try_from(impatient).unwrap_err();
/// assert!(error.to_string().starts_with("reqwest::ClientBuilder has a timeout"));
/// # Ok::<_, midil_http_core::Error>(())
/// ```
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_reqwest::ReqwestTransport;
///
/// let transport = ReqwestTransport::builder().connect_timeout(Duration::from_secs(2)).build()?;
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Clone)]
pub struct ReqwestTransport {
    client: Arc<Current>,
    /// One per exchange that may be in flight.
    permits: Arc<Semaphore>,
    /// `None`: as the caller's `ClientBuilder` has it, which does not tell.
    connect_timeout: Option<Duration>,
    bodies_tell_their_end: bool,
    /// `None` where requests have no `Host`, or another.
    host: Option<Arc<LastHost>>,
    #[cfg(not(feature = "rustls"))]
    has_tls: bool,
}

impl ReqwestTransport {
    /// A transport with the default [`TransportSettings`].
    ///
    /// # Errors
    ///
    /// [`Error::Build`] when TLS cannot be set up on this machine.
    pub fn try_new() -> Result<Self, Error> {
        Self::from_settings(&TransportSettings::default())
    }

    /// Begins with the default settings.
    pub fn builder() -> TransportBuilder<Self> {
        TransportBuilder::new()
    }

    /// A transport with these settings.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the setting that cannot be; or when TLS cannot be set up on this machine.
    pub fn from_settings(settings: &TransportSettings) -> Result<Self, Error> {
        client::from_settings(settings).map(|made| Self::from_made(made, Some(settings.clone())))
    }

    /// `settings` are those that it was made of, and of nothing else.
    fn from_made(made: Made, settings: Option<TransportSettings>) -> Self {
        let places = made.max_connections.min(Semaphore::MAX_PERMITS);
        Self {
            client: Arc::new(Current::new(made.client, settings)),
            permits: Arc::new(Semaphore::new(places)),
            connect_timeout: made.connect_timeout,
            bodies_tell_their_end: made.bodies_tell_their_end,
            host: made.has_host.then(Arc::default),
            #[cfg(not(feature = "rustls"))]
            has_tls: made.has_tls,
        }
    }

    /// Waits for its turn, in the order of the calls.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, Error> {
        // In a box: most calls have a place at once.
        let turn = in_line(Arc::clone(&self.permits).acquire_owned());
        Box::pin(turn).await.map_err(|_| Error::Closed)
    }
}

impl FromSettings for ReqwestTransport {
    fn from_settings(settings: &TransportSettings) -> Result<Self, Error> {
        Self::from_settings(settings)
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: Request) -> Result<http::Response<Body>, Error> {
        let runtime = runtime::current()?;
        #[cfg(not(feature = "rustls"))]
        if !self.has_tls && request.head().url.scheme() == "https" {
            // reqwest would send it in the clear, where there is a proxy to send it to.
            let problem =
                "is https, and there is no TLS: turn on the feature `rustls` of midil-http-reqwest";
            return Err(midil_http_core::BuildError::new("URL", problem).into());
        }
        let is_idempotent = request.head().is_idempotent();
        // A permit that is free is had at a tenth of the cost; nobody is overtaken, for those who wait get them first.
        let permit = match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.turn().await?,
        };
        if !is_idempotent {
            // A thread that was busy has not seen yet that a server closed an idle connection. A turn for what came in
            // meanwhile, or the request would be written to it, and could not be sent again.
            tokio::task::yield_now().await;
        }
        // The clock is read only where the limit is not known.
        let started = self.connect_timeout.is_none().then(Instant::now);
        // Not before there is a permit: what is held while it waits is copied into this future, and out of it.
        let (request, upload) = request::convert(request, self.host.as_deref())?;
        let outcome = runtime::with_drivers(self.client.execute(runtime, request)?).await?;
        match outcome {
            Ok(response) => Ok(response::convert(response, permit, self.bodies_tell_their_end)),
            Err(error) => {
                Err(upload.and_then(|upload| upload.take_failure()).unwrap_or_else(|| {
                    let passed = || started.map(|started| started.elapsed()).unwrap_or_default();
                    failure::before_head(error, self.connect_timeout.unwrap_or_else(passed))
                }))
            }
        }
    }

    /// A transport that was made from a `reqwest::ClientBuilder` cannot make its client anew: it keeps idle connections until they
    /// expire, or the last clone is dropped.
    async fn close(&self) {
        self.client.close();
    }
}

/// reqwest's settings for connections stay as they are; a connect timeout of 10 s is added when it has none.
impl TryFrom<reqwest::ClientBuilder> for ReqwestTransport {
    type Error = Error;

    fn try_from(builder: reqwest::ClientBuilder) -> Result<Self, Error> {
        client::from_builder(builder).map(|made| Self::from_made(made, None))
    }
}

/// The settings win over reqwest's of the same kind. Where they leave the choice open (`None`, [`Protocol::Negotiated`],
/// [`ProxySettings::Environment`] for a builder that has proxies), it stays as the builder has it. reqwest does not tell
/// whether its own `no_proxy` was called: say [`ProxySettings::Disabled`].
///
/// A TLS that the builder was given ready-made (`tls_backend_preconfigured`) takes neither certificates nor a protocol: set
/// them there.
///
/// [`Protocol::Negotiated`]: midil_http_core::Protocol::Negotiated
/// [`ProxySettings::Environment`]: midil_http_core::ProxySettings::Environment
/// [`ProxySettings::Disabled`]: midil_http_core::ProxySettings::Disabled
impl TryFrom<(reqwest::ClientBuilder, TransportSettings)> for ReqwestTransport {
    type Error = Error;

    fn try_from(
        (builder, settings): (reqwest::ClientBuilder, TransportSettings),
    ) -> Result<Self, Error> {
        client::from_builder_and_settings(builder, &settings)
            .map(|made| Self::from_made(made, None))
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport")
            .field("connect_timeout", &self.connect_timeout)
            .field("free_connections", &self.permits.available_permits())
            .finish_non_exhaustive()
    }
}
