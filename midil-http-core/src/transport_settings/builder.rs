//! [`TransportBuilder`]: one builder for all transports.

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::time::Duration;

use http::HeaderValue;

use super::{ClientCertificate, Protocol, ProxySettings, TransportSettings};
use crate::{BuildError, Error, Transport};

/// A transport that is made of [`TransportSettings`]: every backend is one.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, Error, FromSettings, Request, Transport, TransportBuilder, TransportSettings, async_trait};
///
/// /// Answers with how it was set.
/// struct Mirror(TransportSettings);
///
/// impl FromSettings for Mirror {
///     fn from_settings(settings: &TransportSettings) -> Result<Self, Error> {
///         settings.check()?;
///         Ok(Self(settings.clone()))
///     }
/// }
///
/// #[async_trait]
/// impl Transport for Mirror {
///     async fn send(&self, _: Request) -> Result<http::Response<Body>, Error> {
///         Ok(http::Response::new(Body::from(format!("{:?}", self.0))))
///     }
/// }
///
/// let mirror = TransportBuilder::<Mirror>::new().max_connections(10).build()?;
/// assert_eq!(mirror.0.max_connections, 10);
/// # Ok::<_, Error>(())
/// ```
pub trait FromSettings: Transport + Sized {
    /// A transport with these settings.
    ///
    /// What the transport cannot do is refused, never ignored.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the setting that cannot be, and the remedy.
    fn from_settings(settings: &TransportSettings) -> Result<Self, Error>;
}

/// Builds any transport; what is not set is as in [`TransportSettings::default`].
///
/// Backends name it: `ReqwestTransport::builder()` and its like begin here, so that a transport is swapped by changing one
/// name.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// # use midil_http_core::{Body, Error, FromSettings, Request, Transport, TransportBuilder, TransportSettings, async_trait};
/// # struct Backend;
/// # impl Backend { fn builder() -> TransportBuilder<Self> { TransportBuilder::new() } }
/// # impl FromSettings for Backend {
/// #     fn from_settings(settings: &TransportSettings) -> Result<Self, Error> { settings.check().map(|()| Self) }
/// # }
/// # #[async_trait]
/// # impl Transport for Backend {
/// #     async fn send(&self, _: Request) -> Result<http::Response<Body>, Error> { Ok(http::Response::default()) }
/// # }
/// let transport = Backend::builder()
///     .connect_timeout(Duration::from_secs(2))
///     .max_connections(10)
///     .keepalive_expiry(Duration::from_secs(5))
///     .user_agent("reports/1.0")
///     .build()?;
///
/// let error = Backend::builder().max_connections(0).build().map(drop).unwrap_err();
/// assert_eq!(error.to_string(), "max_connections is 0: give at least 1");
/// # Ok::<_, Error>(())
/// ```
#[must_use = "a builder does nothing until it is built"]
pub struct TransportBuilder<T> {
    settings: TransportSettings,
    error: Option<BuildError>,
    transport: PhantomData<fn() -> T>,
}

impl<T: FromSettings> TransportBuilder<T> {
    /// Begins with the default settings.
    pub fn new() -> Self {
        Self::from(TransportSettings::default())
    }

    /// The longest that making a connection may take, DNS, proxy and TLS included: 10 s.
    pub const fn connect_timeout(mut self, limit: Duration) -> Self {
        self.settings.connect_timeout = limit;
        self
    }

    /// Exchanges in flight, at least 1: 100. Further ones wait.
    ///
    /// An exchange ends with the body of its response: read it, or drop it.
    pub const fn max_connections(mut self, count: usize) -> Self {
        self.settings.max_connections = count;
        self
    }

    /// Idle connections that are kept for reuse: 20.
    pub const fn max_keepalive_connections(mut self, count: usize) -> Self {
        self.settings.max_keepalive_connections = count;
        self
    }

    /// A connection that was idle for longer is not used again: 30 s.
    pub const fn keepalive_expiry(mut self, expiry: Duration) -> Self {
        self.settings.keepalive_expiry = expiry;
        self
    }

    /// Trusts the certificates in `pem` beside those of the system. May be given several times.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.settings.root_certificates.push(pem.into());
        self
    }

    /// Who this client is, to servers that ask for a certificate.
    pub fn client_certificate(mut self, certificate: ClientCertificate) -> Self {
        self.settings.client_certificate = Some(certificate);
        self
    }

    /// Which proxy exchanges go through: that of the environment, unless this is set.
    pub fn proxy(mut self, proxy: impl Into<ProxySettings>) -> Self {
        self.settings.proxy = proxy.into();
        self
    }

    /// Which versions of HTTP are spoken: what is negotiated, unless this is set.
    pub const fn protocol(mut self, protocol: Protocol) -> Self {
        self.settings.protocol = protocol;
        self
    }

    /// The address of this machine that connections are made from.
    pub const fn local_address(mut self, address: IpAddr) -> Self {
        self.settings.local_address = Some(address);
        self
    }

    /// The `User-Agent` of requests that have none. A client's requests always have one; token requests do not.
    pub fn user_agent(mut self, value: impl TryInto<HeaderValue>) -> Self {
        match value.try_into() {
            Ok(value) => self.settings.user_agent = Some(value),
            Err(_) => {
                let problem = "cannot be sent: leave out line breaks and other control characters";
                self.error = self.error.or(Some(BuildError::new("user_agent", problem)));
            }
        }
        self
    }

    /// How long a connection is silent before the system asks whether the peer is still there: 15 s.
    pub const fn tcp_keepalive(mut self, interval: Duration) -> Self {
        self.settings.tcp_keepalive = Some(interval);
        self
    }

    /// Never asks whether a silent peer is still there.
    pub const fn no_tcp_keepalive(mut self) -> Self {
        self.settings.tcp_keepalive = None;
        self
    }

    /// Builds the transport.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the setting that cannot be, and the remedy.
    pub fn build(self) -> Result<T, Error> {
        match self.error {
            Some(error) => Err(error.into()),
            None => T::from_settings(&self.settings),
        }
    }
}

impl<T: FromSettings> Default for TransportBuilder<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Begins with these settings.
impl<T> From<TransportSettings> for TransportBuilder<T> {
    fn from(settings: TransportSettings) -> Self {
        Self { settings, error: None, transport: PhantomData }
    }
}

impl<T> fmt::Debug for TransportBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { settings, error, .. } = self;
        f.debug_struct("TransportBuilder")
            .field("settings", settings)
            .field("error", error)
            .finish()
    }
}
