//! [`ClientCertificate`]: who this client is, in the TLS handshake.

use std::fmt;
use std::sync::Arc;

use crate::Secret;

/// A certificate that a transport shows to servers that ask for one, and its private key; both as PEM.
///
/// `Debug` shows neither. Transports check both when they are built.
///
/// # Examples
///
/// ```
/// use midil_http_core::{ClientCertificate, TransportSettings};
///
/// # let (chain, key) = ("-----BEGIN CERTIFICATE-----…", "-----BEGIN PRIVATE KEY-----…");
/// let mut settings = TransportSettings::default();
/// settings.client_certificate = Some(ClientCertificate::from_pem(chain, key));
/// assert!(!format!("{settings:?}").contains("PRIVATE KEY"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCertificate(Arc<Pem>);

#[derive(PartialEq, Eq)]
struct Pem {
    chain: Vec<u8>,
    key: Secret,
}

impl ClientCertificate {
    /// `chain` is the client's certificate and those that it was signed with, in this order; `key` is PKCS#8, PKCS#1 or SEC1.
    #[must_use]
    pub fn from_pem(chain: impl Into<Vec<u8>>, key: impl Into<Secret>) -> Self {
        Self(Arc::new(Pem { chain: chain.into(), key: key.into() }))
    }

    /// The certificates: for transports.
    #[must_use]
    pub fn chain(&self) -> &[u8] {
        &self.0.chain
    }

    /// The private key: for transports.
    #[must_use]
    pub fn key(&self) -> &Secret {
        &self.0.key
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate(..)")
    }
}
