//! Certificates that are trusted beside those of the system.
//!
//! curl trusts either what the system does, or what it is given. So it is given both.

use isahc::tls::TrustStore;
use midil_http_core::{BuildError, Error};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// What is trusted when `pems` are, too; `None` where they are none, and the system decides by itself.
pub(crate) fn store(pems: &[Vec<u8>]) -> Result<Option<TrustStore>, Error> {
    if pems.is_empty() {
        return Ok(None);
    }
    let mut store = TrustStore::builder();
    for pem in pems {
        for certificate in certificates(pem)? {
            store = store.certificate_from_der(&certificate);
        }
    }
    // What the system has and cannot be read is not trusted, and no reason to trust nothing.
    for certificate in rustls_native_certs::load_native_certs().certs {
        if is_root(&certificate) {
            store = store.certificate_from_der(&certificate);
        }
    }
    Ok(Some(store.build()))
}

/// The certificates of one bundle, at least one.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    match CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>() {
        Ok(certificates) if !certificates.is_empty() && certificates.iter().all(is_root) => {
            Ok(certificates)
        }
        _ => {
            let problem = "has an entry without a certificate, or with one that cannot be read: give PEM that begins with \
                `-----BEGIN CERTIFICATE-----`";
            Err(BuildError::new("root_certificates", problem).into())
        }
    }
}

/// curl would refuse the whole store for a single one that rustls cannot read.
fn is_root(certificate: &CertificateDer<'_>) -> bool {
    webpki::anchor_from_trusted_cert(certificate).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_is_none_is_named() {
        for pem in [
            "",
            "secret",
            "-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n",
        ] {
            let error = store(&[pem.into()]).map(drop).unwrap_err().to_string();
            assert!(error.starts_with("root_certificates has an entry"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(store(&[]).unwrap().is_none());
    }
}
