//! [`ReqwestTransportBuilder`].

use std::time::Duration;

use midil_http_core::{Error, TransportSettings};

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

    /// Builds the transport.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the setting that cannot be; or when TLS cannot be set up on this machine.
    pub fn build(self) -> Result<ReqwestTransport, Error> {
        ReqwestTransport::from_settings(&self.settings)
    }
}
