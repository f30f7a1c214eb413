//! TLS, beyond what every transport must do: what a builder of reqwest brings along, and who is a stranger.

use midil_http_core::TransportErrorKind::{Closed, Reset, Tls as TlsFailed};
use midil_http_core::{ClientCertificate, Error, Sent, TransportSettings};
use midil_http_reqwest::ReqwestTransport;
use midil_http_test::fault_server::{Authority, FaultServer, Reply, Tls};

use super::support::{exchange, get, run, transport_error, verdict};

async fn error(transport: &ReqwestTransport, url: &str) -> Error {
    exchange(transport, get(url)).await.unwrap_err()
}

fn trusting(tls: &Tls) -> TransportSettings {
    let mut settings = TransportSettings::default();
    settings.root_certificates = vec![tls.root_certificate_pem().into_bytes()];
    settings
}

/// They find out one after the other that one connection is enough.
#[cfg(feature = "http2")]
#[test]
fn many_calls_at_once_agree_on_http2() {
    use midil_http_test::fault_server::{Http2Reply, Http2Server};

    run(async {
        let tls = Tls::good();
        let server = Http2Server::start_tls(Http2Reply::ok("hello"), &tls);
        let transport = ReqwestTransport::from_settings(&trusting(&tls)).unwrap();
        let calls = (0..20).map(|_| exchange(&transport, get(&server.url())));
        for outcome in futures_util::future::join_all(calls).await {
            assert_eq!(outcome.unwrap(), "hello");
        }
        assert_eq!(server.request_count(), 20);
    });
}

/// What the settings leave open stays as the builder has it: the server would choose HTTP/2.
#[test]
fn a_builder_that_speaks_http1_alone_does_not_let_the_server_choose() {
    run(async {
        let tls = Tls::good().alpn(["h2", "http/1.1"]);
        let server = FaultServer::start_tls(Reply::ok("hello"), &tls);
        let builder = reqwest::Client::builder().http1_only();
        let transport = ReqwestTransport::try_from((builder, trusting(&tls))).unwrap();
        assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hello");
        assert_eq!(server.requests()[0].version(), "HTTP/1.1");
    });
}

/// What `authority` says of a client.
fn known_to(authority: &Authority) -> ClientCertificate {
    let (chain, key) = authority.client_certificate();
    ClientCertificate::from_pem(chain, key)
}

#[test]
fn a_client_certificate_of_a_stranger_is_refused() {
    run(async {
        let tls = Tls::good().require_client_certificate();
        let server = FaultServer::start_tls(Reply::ok("welcome"), &tls);
        let mut settings = trusting(&tls);
        settings.client_certificate = Some(known_to(&Authority::stranger()));
        let stranger = ReqwestTransport::from_settings(&settings).unwrap();
        let error = error(&stranger, &server.url()).await;
        // In TLS 1.3 the client is through with its handshake before the server says no. What is seen of that first, the
        // alert or the end, is a race that hyper runs.
        assert!(matches!(transport_error(&error).kind(), TlsFailed | Closed | Reset), "{error:?}");
        assert_eq!(server.request_count(), 0);
    });
}

/// TLS 1.2 says no within the handshake.
#[test]
fn who_shows_no_client_certificate_has_no_connection() {
    run(async {
        let tls = Tls::good().require_client_certificate().only_tls12();
        let server = FaultServer::start_tls(Reply::ok("welcome"), &tls);
        let transport = ReqwestTransport::from_settings(&trusting(&tls)).unwrap();
        let error = error(&transport, &server.url()).await;
        assert_eq!(verdict(&error), (TlsFailed, Sent::No), "{error:?}");
    });
}

#[test]
fn a_client_certificate_goes_with_a_builder_of_reqwest() {
    run(async {
        let tls = Tls::good().require_client_certificate();
        let server = FaultServer::start_tls(Reply::ok("welcome"), &tls);
        let mut settings = trusting(&tls);
        settings.client_certificate = Some(known_to(Authority::shared()));
        let builder = reqwest::Client::builder().https_only(true);
        let transport = ReqwestTransport::try_from((builder, settings)).unwrap();
        assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "welcome");
    });
}
