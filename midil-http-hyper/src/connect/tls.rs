//! TLS by rustls: whom we trust, who we are, and which HTTP we offer.

use std::io;
use std::sync::Arc;

use midil_http_core::{BuildError, ClientCertificate, Error, Protocol, TransportSettings};
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls_platform_verifier::Verifier;
use tokio_rustls::TlsConnector;

use super::io::{Io, Socket};

pub(super) struct Tls(TlsConnector);

impl Tls {
    pub(super) fn new(settings: &TransportSettings) -> Result<Self, Error> {
        let roots = roots(&settings.root_certificates)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let unusable = |error: rustls::Error| {
            let problem = "cannot be set up: see the cause; on a system without certificates, give root_certificates";
            BuildError::new("TLS", problem).with_source(error)
        };
        let verifier =
            Verifier::new_with_extra_roots(roots, Arc::clone(&provider)).map_err(unusable)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &settings.client_certificate {
            None => builder.with_no_client_auth(),
            Some(certificate) => {
                let (chain, key) = identity(certificate)?;
                builder.with_client_auth_cert(chain, key).map_err(|error| {
                    client_certificate("is refused: give a key that belongs to the certificate")
                        .with_source(error)
                })?
            }
        };
        config.alpn_protocols = offered(settings.protocol);
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// TLS upon `socket`; and whether the server has chosen HTTP/2.
    pub(super) async fn wrap(&self, host: &str, socket: Socket) -> io::Result<(Io, bool)> {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let name = ServerName::try_from(bare.to_owned()).map_err(io::Error::other)?;
        let stream = self.0.connect(name, socket).await?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok((Io::Tls(Box::new(stream)), http2))
    }
}

fn offered(protocol: Protocol) -> Vec<Vec<u8>> {
    let (http2, http1) = (b"h2".to_vec(), b"http/1.1".to_vec());
    match protocol {
        Protocol::Http1 => vec![http1],
        Protocol::Http2PriorKnowledge => vec![http2],
        _ if cfg!(feature = "http2") => vec![http2, http1],
        _ => vec![http1],
    }
}

fn roots(pems: &[Vec<u8>]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let mut roots = Vec::with_capacity(pems.len());
    for pem in pems {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        match certificates {
            Ok(certificates)
                if certificates.iter().all(is_certificate) && !certificates.is_empty() =>
            {
                roots.extend(certificates);
            }
            _ => {
                let problem = "has an entry without a certificate: give PEM that begins with \
                    `-----BEGIN CERTIFICATE-----`";
                return Err(BuildError::new("root_certificates", problem).into());
            }
        }
    }
    Ok(roots)
}

/// PEM may hold anything.
fn is_certificate(certificate: &CertificateDer<'static>) -> bool {
    rustls::RootCertStore::empty().add(certificate.clone()).is_ok()
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(certificate: &ClientCertificate) -> Result<Identity, Error> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate.chain()).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(|| {
        client_certificate(
            "has no certificate: give PEM that begins with `-----BEGIN CERTIFICATE-----`",
        )
    })?;
    // What the parser says of a key is not repeated.
    let key = PrivateKeyDer::from_pem_slice(certificate.key().expose().as_bytes()).map_err(|_| {
        client_certificate("has no private key: give it as PEM, in the form PKCS#8, PKCS#1 or SEC1, unencrypted")
    })?;
    Ok((chain, key))
}

fn client_certificate(problem: &str) -> BuildError {
    BuildError::new("client_certificate", problem)
}
