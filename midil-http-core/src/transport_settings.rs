//! [`TransportSettings`]: what all transports are told alike.

use std::fmt;
use std::time::Duration;

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
}

impl Default for TransportSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            max_connections: 100,
            max_keepalive_connections: 20,
            keepalive_expiry: Duration::from_secs(30),
            root_certificates: Vec::new(),
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
            .finish()
    }
}
