//! [`ReqwestTransportBuilder`].

use std::net::IpAddr;
use std::time::Duration;

use http::HeaderValue;
use midil_http_core::{ClientCertificate, Error, Protocol, ProxySettings, TransportSettings};

use crate::ReqwestTransport;

/// Builds a [`ReqwestTransport`]; what is not set is as in [`TransportSettings`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_reqwest::ReqwestTransport;
///
/// let transport = ReqwestTransport::builder()
///     .connect_timeout(Duration::from_secs(2))
///     .max_connections(10)
///     .keepalive_expiry(Duration::from_secs(5))
///     .build()?;
///
/// let error = ReqwestTransport::builder().max_connections(0).build().unwrap_err();
/// assert_eq!(error.to_string(), "max_connections is 0: give at least 1");
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct ReqwestTransportBuilder {
    settings: TransportSettings,
}

impl ReqwestTransportBuilder {
    pub(crate) fn new() -> Self {
        Self { settings: TransportSettings::default() }
    }

    /// The longest that making a connection may take, DNS and TLS included: 10 s.
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

    /// Idle connections that are kept for reuse, per server: 20.
    pub const fn max_keepalive_connections(mut self, count: usize) -> Self {
        self.settings.max_keepalive_connections = count;
        self
    }

    /// A connection that was idle for longer is not used again: 30 s.
    pub const fn keepalive_expiry(mut self, expiry: Duration) -> Self {
        self.settings.keepalive_expiry = expiry;
        self
    }

    /// Trusts the certificates in `pem` beside those of the system.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.settings.root_certificates.push(pem.into());
        self
    }

    /// Who this client is, to servers that ask for a certificate: nobody. Needs the feature `rustls`.
    pub fn client_certificate(mut self, certificate: impl Into<Option<ClientCertificate>>) -> Self {
        self.settings.client_certificate = certificate.into();
        self
    }

    /// Which proxy exchanges go through: that of the environment.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Proxy, ProxySettings};
    /// use midil_http_reqwest::ReqwestTransport;
    ///
    /// let proxy = Proxy::try_new("http://proxy.example.com:3128")?.basic_auth("svc", "hunter2");
    /// let transport = ReqwestTransport::builder().proxy(ProxySettings::Explicit(proxy)).build()?;
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    pub fn proxy(mut self, proxy: ProxySettings) -> Self {
        self.settings.proxy = proxy;
        self
    }

    /// Goes through no proxy, whatever the environment says.
    pub fn no_proxy(self) -> Self {
        self.proxy(ProxySettings::Disabled)
    }

    /// Which versions of HTTP are spoken: what is negotiated in the TLS handshake, HTTP/1.1 elsewhere.
    pub const fn protocol(mut self, protocol: Protocol) -> Self {
        self.settings.protocol = protocol;
        self
    }

    /// Speaks HTTP/1.1 alone.
    pub const fn http1_only(self) -> Self {
        self.protocol(Protocol::Http1)
    }

    /// Speaks HTTP/2 alone, without asking the server. Needs the feature `http2`.
    pub const fn http2_prior_knowledge(self) -> Self {
        self.protocol(Protocol::Http2PriorKnowledge)
    }

    /// The address of this machine that connections are made from: the system's choice.
    ///
    /// Servers with no address of the same family cannot be reached then.
    pub fn local_address(mut self, address: impl Into<Option<IpAddr>>) -> Self {
        self.settings.local_address = address.into();
        self
    }

    /// The `User-Agent` of requests that have none, and of what is said to a proxy: none.
    pub fn user_agent(mut self, value: impl Into<Option<HeaderValue>>) -> Self {
        self.settings.user_agent = value.into();
        self
    }

    /// How long a connection is silent before the system asks whether the peer is still there, and between two such
    /// questions: 15 s. `None` never asks.
    ///
    /// Systems count in whole seconds, up to 32 767: it is rounded up, and cut there.
    pub fn tcp_keepalive(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.settings.tcp_keepalive = interval.into();
        self
    }

    /// Builds the transport.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the setting that cannot be; or when TLS cannot be set up on this machine.
    pub fn build(self) -> Result<ReqwestTransport, Error> {
        ReqwestTransport::from_settings(&self.settings)
    }
}
