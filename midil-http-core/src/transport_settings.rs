//! [`TransportSettings`]: what all transports are told alike.

mod builder;
mod client_certificate;
mod protocol;
mod proxy;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use http::HeaderValue;

pub use builder::{FromSettings, TransportBuilder};
pub use client_certificate::ClientCertificate;
pub use protocol::Protocol;
pub use proxy::{Proxy, ProxyMatcher, ProxySettings};

use crate::{BuildError, Error};

/// Settings that every transport understands the same way.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::TransportSettings;
///
/// let mut settings = TransportSettings::default();
/// settings.connect_timeout = Duration::from_secs(2);
/// assert_eq!(settings.max_connections, 100);
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransportSettings {
    /// The longest that making a connection may take, TLS included: 10 s.
    pub connect_timeout: Duration,
    /// Exchanges in flight, at least 1: 100. Further ones wait. An exchange ends with the body of its response.
    pub max_connections: usize,
    /// Idle connections that are kept for reuse: 20.
    pub max_keepalive_connections: usize,
    /// A connection that was idle for longer is not used again: 30 s.
    pub keepalive_expiry: Duration,
    /// Certificates that are trusted beside those of the system, as PEM.
    pub root_certificates: Vec<Vec<u8>>,
    /// Who this client is, to servers that ask for a certificate: nobody.
    pub client_certificate: Option<ClientCertificate>,
    /// Which proxy exchanges go through: that of the environment.
    pub proxy: ProxySettings,
    /// Which versions of HTTP are spoken: what is negotiated in the TLS handshake, HTTP/1.1 elsewhere.
    pub protocol: Protocol,
    /// The address of this machine that connections are made from: the system's choice.
    pub local_address: Option<IpAddr>,
    /// The `User-Agent` of requests that have none: none.
    ///
    /// A client's requests always have one, see [`HttpClientBuilder::header`](crate::HttpClientBuilder::header). This is for
    /// those that go straight to the transport, such as token requests, and for what a transport says to a proxy.
    pub user_agent: Option<HeaderValue>,
    /// How long a connection is silent before the system asks whether the peer is still there, and between two such
    /// questions: 15 s. `None` never asks.
    pub tcp_keepalive: Option<Duration>,
}

impl Default for TransportSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            max_connections: 100,
            max_keepalive_connections: 20,
            keepalive_expiry: Duration::from_secs(30),
            root_certificates: Vec::new(),
            client_certificate: None,
            proxy: ProxySettings::Environment,
            protocol: Protocol::Negotiated,
            local_address: None,
            user_agent: None,
            tcp_keepalive: Some(Duration::from_secs(15)),
        }
    }
}

impl TransportSettings {
    /// Checks the settings: for transports, when they are built.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the setting and what is allowed.
    pub fn check(&self) -> Result<(), Error> {
        if self.max_connections == 0 {
            return Err(BuildError::new("max_connections", "is 0: give at least 1").into());
        }
        if let Some(interval) = self.tcp_keepalive {
            crate::config::positive("tcp_keepalive", interval)?;
        }
        Ok(crate::config::positive("connect_timeout", self.connect_timeout)?)
    }
}

impl fmt::Debug for TransportSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportSettings")
            .field("connect_timeout", &self.connect_timeout)
            .field("max_connections", &self.max_connections)
            .field("max_keepalive_connections", &self.max_keepalive_connections)
            .field("keepalive_expiry", &self.keepalive_expiry)
            .field("root_certificates", &self.root_certificates.len())
            .field("client_certificate", &self.client_certificate)
            .field("proxy", &self.proxy)
            .field("protocol", &self.protocol)
            .field("local_address", &self.local_address)
            .field("user_agent", &self.user_agent)
            .field("tcp_keepalive", &self.tcp_keepalive)
            .finish()
    }
}
