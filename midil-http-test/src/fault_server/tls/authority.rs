//! [`Authority`]: who signs the certificates of a test.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, OnceLock};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// An authority that signs certificates, made on the spot.
///
/// The certificates of [`Tls`](super::Tls) are signed by the [shared](Self::shared) one, which clients
/// trust by its [root certificate](Self::root_certificate_pem). Keys live in memory alone, and are
/// not shown by `Debug`.
///
/// ```
/// use midil_http_core::{ClientCertificate, TransportSettings};
/// use midil_http_test::fault_server::Authority;
///
/// let authority = Authority::shared();
/// let mut settings = TransportSettings::default();
/// settings.root_certificates.push(authority.root_certificate_pem().into());
/// let (chain, key) = authority.client_certificate();
/// settings.client_certificate = Some(ClientCertificate::from_pem(chain, key));
/// ```
#[derive(Clone)]
pub struct Authority(Arc<CertifiedIssuer<'static, KeyPair>>);

/// A certificate and its key, for rustls.
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// What a certificate of a server is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Validity {
    Valid,
    Expired,
    /// For another host than this machine.
    OtherHost,
}

impl Authority {
    /// The authority of this process, made at the first call.
    ///
    /// # Panics
    /// When the system has no random numbers.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Authority> = OnceLock::new();
        SHARED.get_or_init(|| Self::named("midil-http-test root"))
    }

    /// Another one, that nobody trusts: for client certificates that a server is to reject, and as a
    /// root that no server of the test is signed by.
    ///
    /// ```
    /// use midil_http_test::fault_server::Authority;
    ///
    /// let (shared, stranger) = (Authority::shared(), Authority::stranger());
    /// ```
    ///
    /// # Panics
    /// When the system has no random numbers.
    #[must_use]
    pub fn stranger() -> Self {
        Self::named("midil-http-test stranger")
    }

    fn named(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, key());
        Self(Arc::new(issuer.expect("the parameters of a root are valid")))
    }

    /// The certificate to trust, as PEM.
    #[must_use]
    pub fn root_certificate_pem(&self) -> String {
        self.0.pem()
    }

    /// A new certificate for a client, and its private key (PKCS#8), both as PEM.
    ///
    /// # Panics
    /// When the system has no random numbers.
    #[must_use]
    pub fn client_certificate(&self) -> (String, String) {
        let (params, key) = (leaf("client", ExtendedKeyUsagePurpose::ClientAuth), key());
        (self.sign(&params, &key).pem(), key.serialize_pem())
    }

    pub(super) fn root(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    pub(super) fn server_identity(&self, validity: Validity) -> Identity {
        let mut params = leaf("server", ExtendedKeyUsagePurpose::ServerAuth);
        let name = match validity {
            Validity::OtherHost => "elsewhere.invalid",
            Validity::Valid | Validity::Expired => "localhost",
        };
        let name = name.try_into().expect("the name is ASCII");
        params.subject_alt_names.push(SanType::DnsName(name));
        if validity != Validity::OtherHost {
            let here = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
            params.subject_alt_names.extend(here.map(SanType::IpAddress));
        }
        if validity == Validity::Expired {
            params.not_after = date_time_ymd(2001, 1, 1);
        }
        let key = key();
        let chain = vec![self.sign(&params, &key).der().clone()];
        Identity { chain, key: PrivatePkcs8KeyDer::from(key.serialize_der()).into() }
    }

    fn sign(&self, params: &CertificateParams, key: &KeyPair) -> rcgen::Certificate {
        params.signed_by(key, &self.0).expect("the parameters of a leaf are valid")
    }
}

fn leaf(name: &str, purpose: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, format!("midil-http-test {name}"));
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    params.use_authority_key_identifier_extension = true;
    params
}

fn key() -> KeyPair {
    KeyPair::generate().expect("the system grants random numbers")
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority(..)")
    }
}
