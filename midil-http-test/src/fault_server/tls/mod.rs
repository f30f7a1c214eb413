//! [`Tls`]: how a server encrypts.

mod acceptor;
mod authority;
mod channel;
mod handshake;
mod session;

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig};

pub(super) use self::acceptor::Acceptor;
use self::acceptor::Fault;
pub use self::authority::Authority;
use self::authority::Validity;
pub(super) use self::channel::Channel;
pub use self::handshake::Handshake;
#[cfg(feature = "http2")]
pub(super) use self::session::Session;
use super::cut::Cut;

/// How a server encrypts its connections: with which certificate, and what goes wrong with it.
///
/// Certificates are made on the spot, for 127.0.0.1, ::1 and localhost, and signed by
/// [`Authority::shared`], whose root the client is to trust.
///
/// ```
/// use midil_http_core::TransportSettings;
/// use midil_http_test::fault_server::{Cut, FaultServer, Reply, Tls};
///
/// let tls = Tls::good();
/// let server = FaultServer::start_tls(Reply::ok("hi"), &tls);
/// let mut settings = TransportSettings::default();
/// settings.root_certificates.push(tls.root_certificate_pem().into());
/// // … a transport with these settings trusts the server at server.url().
///
/// // Others deserve no trust:
/// for tls in [Tls::expired(), Tls::wrong_host(), Tls::unknown_issuer()] {
///     let server = FaultServer::start_tls(Reply::ok("never sent"), &tls);
/// }
/// // Others are no good, or speak otherwise:
/// for tls in [Tls::good().refuse_handshake(), Tls::good().cut_handshake(Cut::Reset)] {
///     let server = FaultServer::start_tls(Reply::ok("never sent"), &tls);
/// }
/// let old = FaultServer::start_tls(Reply::ok("hi"), &Tls::good().only_tls12().alpn(["http/1.1"]));
/// ```
#[must_use]
#[derive(Clone, Debug)]
pub struct Tls {
    authority: Authority,
    validity: Validity,
    client_certificate: ClientCertificate,
    /// `None`: what the server speaks.
    alpn: Option<Vec<Vec<u8>>>,
    only_tls12: bool,
    fault: Option<Fault>,
}

/// Whether clients are asked who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientCertificate {
    Ignored,
    Requested,
    Required,
}

impl Tls {
    fn new(authority: Authority, validity: Validity) -> Self {
        Self {
            authority,
            validity,
            client_certificate: ClientCertificate::Ignored,
            alpn: None,
            only_tls12: false,
            fault: None,
        }
    }

    /// With a certificate that there is nothing wrong with.
    pub fn good() -> Self {
        Self::new(Authority::shared().clone(), Validity::Valid)
    }

    /// With a certificate that expired long ago.
    pub fn expired() -> Self {
        Self::new(Authority::shared().clone(), Validity::Expired)
    }

    /// With a certificate for `elsewhere.invalid` alone.
    pub fn wrong_host() -> Self {
        Self::new(Authority::shared().clone(), Validity::OtherHost)
    }

    /// With a certificate that somebody signed whom nobody knows.
    pub fn unknown_issuer() -> Self {
        Self::new(Authority::stranger(), Validity::Valid)
    }

    /// Fails the handshakes of clients that show no certificate, or one that is not signed by
    /// [`Authority::shared`] (mTLS). With TLS 1.3 such a client learns of it when it reads, for to
    /// it the handshake is over before.
    pub fn require_client_certificate(mut self) -> Self {
        self.client_certificate = ClientCertificate::Required;
        self
    }

    /// Asks for a certificate, and takes clients that show none. See
    /// [`Handshake::client_certificate`].
    pub fn request_client_certificate(mut self) -> Self {
        self.client_certificate = ClientCertificate::Requested;
        self
    }

    /// Chooses among these protocols, the first first (ALPN); a client that offers others alone is
    /// refused, one that offers none is not. The default is what the server speaks: `http/1.1`, and
    /// `h2` of an `Http2Server`. With none, nothing is chosen.
    pub fn alpn<P: Into<Vec<u8>>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.alpn = Some(protocols.into_iter().map(Into::into).collect());
        self
    }

    /// Speaks TLS 1.2 and no other version; the default is 1.3 and 1.2.
    pub fn only_tls12(mut self) -> Self {
        self.only_tls12 = true;
        self
    }

    /// Answers each hello with the alert `handshake_failure`.
    pub fn refuse_handshake(mut self) -> Self {
        self.fault = Some(Fault::Refuse);
        self
    }

    /// Breaks off each handshake when the client has said hello.
    pub fn cut_handshake(mut self, cut: Cut) -> Self {
        self.fault = Some(Fault::Cut(cut));
        self
    }

    /// The certificate that clients are to trust, as PEM: that of [`Authority::shared`], which did
    /// not sign for [`unknown_issuer`](Self::unknown_issuer).
    #[must_use]
    pub fn root_certificate_pem(&self) -> String {
        Authority::shared().root_certificate_pem()
    }

    /// A certificate that the server accepts of a client, and its private key, both as PEM.
    ///
    /// # Panics
    /// When the system has no random numbers.
    #[must_use]
    pub fn client_certificate(&self) -> (String, String) {
        Authority::shared().client_certificate()
    }

    /// For a server that speaks `protocols`.
    pub(super) fn acceptor(&self, protocols: &[&str]) -> Acceptor {
        let versions: &[_] = if self.only_tls12 { &[&TLS12] } else { &[&TLS13, &TLS12] };
        let identity = self.authority.server_identity(self.validity);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .expect("the provider has both versions");
        let config = match self.verifier(provider) {
            None => config.with_no_client_auth(),
            Some(verifier) => config.with_client_cert_verifier(verifier),
        };
        let config = config.with_single_cert(identity.chain, identity.key);
        let mut config = config.expect("the key is that of the certificate");
        let spoken = || protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        config.alpn_protocols = self.alpn.clone().unwrap_or_else(spoken);
        Acceptor { config: Arc::new(config), fault: self.fault }
    }

    fn verifier(
        &self,
        provider: Arc<rustls::crypto::CryptoProvider>,
    ) -> Option<Arc<dyn ClientCertVerifier>> {
        let mut roots = RootCertStore::empty();
        roots.add(Authority::shared().root()).expect("a root can be trusted");
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let builder = match self.client_certificate {
            ClientCertificate::Ignored => return None,
            ClientCertificate::Requested => builder.allow_unauthenticated(),
            ClientCertificate::Required => builder,
        };
        Some(builder.build().expect("there is a root"))
    }
}
