//! Whom we trust, and who we are.

#[cfg(feature = "rustls")]
pub(crate) use with_rustls::{identify, trust};
#[cfg(not(feature = "rustls"))]
pub(crate) use without::{identify, trust};

#[cfg(feature = "rustls")]
mod with_rustls {
    use midil_http_core::{BuildError, ClientCertificate, Error};
    use reqwest::{Certificate, Client, ClientBuilder, Identity};
    use zeroize::Zeroizing;

    /// Trusts more certificates than those of the system.
    pub(crate) fn trust(builder: ClientBuilder, pems: &[Vec<u8>]) -> Result<ClientBuilder, Error> {
        let mut trusted = Vec::with_capacity(pems.len());
        for pem in pems {
            match Certificate::from_pem_bundle(pem) {
                Ok(certificates) if !certificates.is_empty() => trusted.extend(certificates),
                _ => {
                    let problem = "has an entry without a certificate: give PEM that begins with \
                        `-----BEGIN CERTIFICATE-----`";
                    return Err(BuildError::new("root_certificates", problem).into());
                }
            }
        }
        Ok(if trusted.is_empty() { builder } else { builder.tls_certs_merge(trusted) })
    }

    /// Shows `certificate` to servers that ask for one.
    pub(crate) fn identify(
        builder: ClientBuilder,
        certificate: &ClientCertificate,
    ) -> Result<ClientBuilder, Error> {
        let (chain, key) = (certificate.chain(), certificate.key().expose().as_bytes());
        // Of its final size from the start, for growing would leave copies of the key behind.
        let mut pem = Zeroizing::new(Vec::with_capacity(chain.len() + 1 + key.len()));
        pem.extend_from_slice(chain);
        pem.push(b'\n');
        pem.extend_from_slice(key);
        let identity = Identity::from_pem(&pem).map_err(|error| {
            refused("cannot be read: give the certificate and its private key, both as PEM", error)
        })?;
        // Whether they belong together shows only when a client is built: this one knows nobody and is thrown away.
        let trial = Client::builder().no_proxy().tls_certs_only([]).identity(identity.clone());
        trial.build().map_err(|error| {
            refused("cannot be used: give the private key that belongs to the certificate", error)
        })?;
        Ok(builder.identity(identity))
    }

    fn refused(problem: &str, error: reqwest::Error) -> Error {
        BuildError::new("client_certificate", problem).with_source(error.without_url()).into()
    }
}

#[cfg(not(feature = "rustls"))]
mod without {
    use midil_http_core::{BuildError, ClientCertificate, Error};
    use reqwest::ClientBuilder;

    pub(crate) fn trust(builder: ClientBuilder, pems: &[Vec<u8>]) -> Result<ClientBuilder, Error> {
        if pems.is_empty() { Ok(builder) } else { Err(no_tls("root_certificates")) }
    }

    pub(crate) fn identify(
        _: ClientBuilder,
        _: &ClientCertificate,
    ) -> Result<ClientBuilder, Error> {
        Err(no_tls("client_certificate"))
    }

    fn no_tls(setting: &str) -> Error {
        let problem =
            "is set, and there is no TLS: turn on the feature `rustls` of midil-http-reqwest";
        BuildError::new(setting, problem).into()
    }
}

#[cfg(test)]
mod tests {
    use midil_http_core::{ClientCertificate, TransportSettings};

    use crate::ReqwestTransport;

    fn problem(settings: &TransportSettings) -> String {
        let error = ReqwestTransport::from_settings(settings).unwrap_err();
        format!("{error} {error:?}")
    }

    #[cfg(feature = "rustls")]
    fn pair() -> (String, String) {
        let pair = rcgen::generate_simple_self_signed(["client.test".to_owned()]).unwrap();
        (pair.cert.pem(), pair.signing_key.serialize_pem())
    }

    #[cfg(feature = "rustls")]
    #[test]
    fn a_certificate_that_is_none_is_named() {
        let mut settings = TransportSettings::default();
        for pem in ["", "secret", "-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----"] {
            settings.root_certificates = vec![pem.into()];
            let error = problem(&settings);
            assert!(error.starts_with("root_certificates has an entry"), "{error}");
        }
    }

    #[cfg(feature = "rustls")]
    #[test]
    fn a_client_certificate_that_is_none_is_named_without_its_key() {
        let ((chain, key), (_, other)) = (pair(), pair());
        let mut settings = TransportSettings::default();
        for (chain, key, what) in [
            (&*chain, "", "cannot be read"),
            ("", &*key, "cannot be read"),
            ("nonsense", "hunter2", "cannot be read"),
            (
                &*chain,
                "-----BEGIN PRIVATE KEY-----\n%%\n-----END PRIVATE KEY-----",
                "cannot be read",
            ),
            (
                &*chain,
                "-----BEGIN PRIVATE KEY-----\naGk=\n-----END PRIVATE KEY-----",
                "cannot be used",
            ),
            (&*chain, &*other, "cannot be used"),
        ] {
            settings.client_certificate = Some(ClientCertificate::from_pem(chain, key));
            let error = problem(&settings);
            assert!(error.starts_with("client_certificate "), "{error}");
            assert!(error.contains(what), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        // Whether the chain ends in a line break does not matter.
        settings.client_certificate = Some(ClientCertificate::from_pem(chain.trim_end(), key));
        assert!(ReqwestTransport::from_settings(&settings).is_ok());
    }

    #[cfg(not(feature = "rustls"))]
    #[test]
    fn certificates_without_tls_are_refused() {
        let mut settings = TransportSettings::default();
        settings.root_certificates = vec![b"pem".to_vec()];
        assert!(problem(&settings).starts_with("root_certificates is set, and there is no TLS"));
        settings.root_certificates.clear();
        settings.client_certificate = Some(ClientCertificate::from_pem("chain", "key"));
        assert!(problem(&settings).starts_with("client_certificate is set, and there is no TLS"));
    }
}
