//! [`IsahcTransportBuilder`].

use std::net::IpAddr;
use std::time::Duration;

use http::HeaderValue;
use midil_http_core::{Error, Protocol, ProxySettings, TransportSettings};

use crate::IsahcTransport;

/// Builds an [`IsahcTransport`]; what is not set is as in [`TransportSettings`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Protocol, ProxySettings};
/// use midil_http_isahc::IsahcTransport;
///
/// let transport = IsahcTransport::builder()
///     .connect_timeout(Duration::from_secs(2))
///     .max_connections(10)
///     .keepalive_expiry(Duration::from_secs(5))
///     .proxy(ProxySettings::Disabled)
///     .protocol(Protocol::Http1)
///     .build()?;
///
/// let error = IsahcTransport::builder().max_connections(0).build().unwrap_err();
/// assert_eq!(error.to_string(), "max_connections is 0: give at least 1");
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct IsahcTransportBuilder {
    settings: TransportSettings,
}

impl IsahcTransportBuilder {
    pub(crate) fn new() -> Self {
        Self { settings: TransportSettings::default() }
    }

    /// The longest that making a connection may take, DNS, proxy and TLS included: 10 s.
    pub const fn connect_timeout(mut self, limit: Duration) -> Self {
        self.settings.connect_timeout = limit;
        self
    }

    /// Exchanges in flight, at least 1: 100. Further ones wait in line.
    ///
    /// An exchange ends with the body of its response: read it, or drop it.
    pub const fn max_connections(mut self, count: usize) -> Self {
        self.settings.max_connections = count;
        self
    }

    /// Idle connections that are kept for reuse, to all servers together: 20.
    pub const fn max_keepalive_connections(mut self, count: usize) -> Self {
        self.settings.max_keepalive_connections = count;
        self
    }

    /// A connection that was idle for longer is not used again: 30 s. curl counts whole seconds; below one, no connection
    /// is kept.
    pub const fn keepalive_expiry(mut self, expiry: Duration) -> Self {
        self.settings.keepalive_expiry = expiry;
        self
    }

    /// Trusts the certificates in `pem` beside those of the system.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.settings.root_certificates.push(pem.into());
        self
    }

    /// Which proxy exchanges go through: that of the environment, as it is when the transport is built.
    pub fn proxy(mut self, proxy: ProxySettings) -> Self {
        self.settings.proxy = proxy;
        self
    }

    /// Which versions of HTTP are spoken: what is negotiated in the TLS handshake, HTTP/1.1 elsewhere.
    pub const fn protocol(mut self, protocol: Protocol) -> Self {
        self.settings.protocol = protocol;
        self
    }

    /// The address of this machine that connections are made from: the system's choice.
    pub const fn local_address(mut self, address: IpAddr) -> Self {
        self.settings.local_address = Some(address);
        self
    }

    /// The `User-Agent` of requests that have none.
    pub fn user_agent(mut self, user_agent: HeaderValue) -> Self {
        self.settings.user_agent = Some(user_agent);
        self
    }

    /// The time between two questions of the system whether a silent peer is still there: 15 s. `None` never asks. The
    /// first is asked after 60 s, whatever is set.
    pub const fn tcp_keepalive(mut self, interval: Option<Duration>) -> Self {
        self.settings.tcp_keepalive = interval;
        self
    }

    /// Builds the transport.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the setting that cannot be; or when curl cannot be set up on this machine.
    pub fn build(self) -> Result<IsahcTransport, Error> {
        IsahcTransport::from_settings(&self.settings)
    }
}
