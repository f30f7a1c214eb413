//! `rediss`: whom it trusts, and whom it does not.

use std::process::Command;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use super::*;

const URL: &str = "MIDIL_TEST_REDIS_URL";

/// What the system trusts is in a file here, which a process of its own is told of.
#[tokio::test]
async fn a_server_is_trusted_when_the_system_trusts_its_certificate() {
    if let Ok(url) = std::env::var(URL) {
        let store = RedisTokenStore::try_new(&url).unwrap();
        assert!(store.load("name").await.unwrap().is_none());
        return;
    }
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("rediss://{}", listener.local_addr().unwrap());

    let store = RedisTokenStore::try_new(&url).unwrap();
    let serve = async {
        let (stream, _) = listener.accept().await.unwrap();
        acceptor.accept(stream).await.map(drop)
    };
    let (outcome, shaken) = futures_util::join!(store.load("name"), serve);
    let text = outcome.unwrap_err().to_string();
    assert!(text.contains("could not connect") && text.contains("certificate"), "{text}");
    assert!(shaken.is_err(), "nothing is said to whom nobody trusts");

    let trusted = std::env::temp_dir().join(format!("midil-auth-{}.pem", std::process::id()));
    std::fs::write(&trusted, cert.pem()).unwrap();
    let name =
        "store::redis::tests::tls::a_server_is_trusted_when_the_system_trusts_its_certificate";
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", name]).env("SSL_CERT_FILE", &trusted).env(URL, &url);
    let mut child = tokio::task::spawn_blocking(move || child.output().unwrap());
    let serve = async {
        let (stream, _) = listener.accept().await.unwrap();
        answer(&mut acceptor.accept(stream).await.unwrap(), "$-1\r\n").await
    };
    tokio::select! {
        asked = serve => assert!(asked.contains("midil:token:name"), "{asked}"),
        output = &mut child => panic!("{:?}", output.unwrap()),
    }
    let output = child.await.unwrap();
    assert!(output.status.success(), "{output:?}");
    std::fs::remove_file(&trusted).unwrap();
}
