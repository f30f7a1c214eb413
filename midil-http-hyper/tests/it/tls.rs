//! TLS, beyond what every transport must do: certificates that are none, and strangers.

use midil_http_core::{ClientCertificate, Error};
use midil_http_hyper::HyperTransport;
use midil_http_test::fault_server::{Authority, FaultServer, Reply, Tls};

use super::support::{exchange, get, run};

#[test]
fn a_client_certificate_of_a_stranger_is_refused() {
    run(async {
        let tls = Tls::good().require_client_certificate();
        let server = FaultServer::start_tls(Reply::ok("welcome"), &tls);
        let (chain, key) = Authority::stranger().client_certificate();
        let transport = HyperTransport::builder()
            .root_certificate(tls.root_certificate_pem())
            .client_certificate(ClientCertificate::from_pem(chain, key))
            .build()
            .unwrap();
        let error = exchange(&transport, get(&server.url())).await.unwrap_err();
        assert!(matches!(error, Error::Transport(_)), "{error:?}");
        assert_eq!(server.request_count(), 0);
    });
}

#[test]
fn certificates_that_are_none_are_named() {
    let (chain, key) = Authority::shared().client_certificate();
    let (_, foreign) = Authority::stranger().client_certificate();
    for (chain, key, problem) in [
        ("", key.as_str(), "client_certificate has no certificate"),
        (chain.as_str(), "hunter2", "client_certificate has no private key"),
        (chain.as_str(), foreign.as_str(), "client_certificate is refused"),
    ] {
        let certificate = ClientCertificate::from_pem(chain, key);
        let error = HyperTransport::builder().client_certificate(certificate).build().unwrap_err();
        assert!(error.to_string().starts_with(problem), "{error}");
        assert!(!super::support::rendered(&error).contains("hunter2"));
    }
    for pem in ["", "secret", "-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----"] {
        let error = HyperTransport::builder().root_certificate(pem).build().unwrap_err();
        assert!(error.to_string().starts_with("root_certificates has an entry"), "{error}");
    }
}
