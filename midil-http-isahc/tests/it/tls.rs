//! TLS, beyond what every transport must do: what else is trusted, and what a timeout covers.

use std::time::Duration;

use midil_http_core::{Error, Phase, Sent, Transport};
use midil_http_isahc::IsahcTransport;
use midil_http_test::fault_server::{FaultServer, OnConnect, Reply, Script, Tls};

use super::support::{child, get, is_child, outcome, run, transport};

/// The server takes the connection, and says nothing of TLS.
#[test]
fn the_connect_timeout_covers_tls() {
    run(async {
        let limit = Duration::from_millis(50);
        let transport = IsahcTransport::builder().connect_timeout(limit).build().unwrap();
        let script = Script::always(Reply::ok("")).on_connect([OnConnect::Stall]);
        let server = FaultServer::start(script);
        let url = server.url().replace("http:", "https:");
        let error = transport.send(get(&url)).await.unwrap_err();
        let Error::Timeout(timeout) = &error else { panic!("{error:?}") };
        assert_eq!((timeout.phase(), timeout.after()), (Phase::Connect, limit));
        assert_eq!(error.sent(), Sent::No);
        server.wait_for_connections_closed();
    });
}

/// The system's certificates stay trusted: here they are those of a file. The authority of each process is its own.
#[test]
fn certificates_are_trusted_beside_those_of_the_system() {
    let name = "tls::certificates_are_trusted_beside_those_of_the_system";
    if !is_child() {
        let directory = std::env::temp_dir().join(format!("midil-isahc-{}", std::process::id()));
        let system = directory.join("system.pem");
        let tls = Tls::good();
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(&system, tls.root_certificate_pem()).unwrap();
        let server = FaultServer::start_tls(Reply::ok("the system's"), &tls);
        let url = server.url();
        child(name, &[("SSL_CERT_FILE", system.to_str().unwrap()), ("MIDIL_TEST_URL", &url)]);
        std::fs::remove_dir_all(&directory).unwrap();
        return;
    }
    run(async {
        let url = std::env::var("MIDIL_TEST_URL").unwrap();
        let tls = Tls::good();
        let other = FaultServer::start_tls(Reply::ok("ours"), &tls);
        assert_eq!(outcome(&transport(), get(&url)).await, "200 the system's");
        assert_eq!(outcome(&transport(), get(&other.url())).await, "head: Tls, No");
        let builder = IsahcTransport::builder().root_certificate(tls.root_certificate_pem());
        let trusting = builder.build().unwrap();
        assert_eq!(outcome(&trusting, get(&url)).await, "200 the system's");
        assert_eq!(outcome(&trusting, get(&other.url())).await, "200 ours");
    });
}
