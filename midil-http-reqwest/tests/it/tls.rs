//! TLS: what is trusted, and what becomes of a handshake that fails.

use std::net::SocketAddr;
use std::sync::Arc;

use midil_http_core::TransportErrorKind::{Closed, Connect, Protocol, Reset, Tls};
use midil_http_core::{ClientCertificate, Error, Sent};
use midil_http_reqwest::ReqwestTransport;
use midil_http_test::fault_server::{FaultServer, OnConnect, Reply, Script};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::support::{exchange, get, run, transport, transport_error, verdict};

/// Puts TLS before another server, with a certificate that it signed itself.
pub(crate) struct TlsServer {
    pub(crate) url: String,
    pub(crate) certificate: String,
}

impl TlsServer {
    /// A certificate for `host`; offers HTTP/2.
    pub(crate) async fn start(host: &str, behind: SocketAddr) -> Self {
        let pair = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(pair.signing_key.serialize_der()).unwrap();
        let chain = vec![pair.cert.der().clone()];
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
        Self::start_with(config.unwrap(), pair.cert.pem(), behind).await
    }

    /// The same, for clients that show a certificate that `root` has signed.
    async fn start_for_known(
        host: &str,
        root: CertificateDer<'static>,
        behind: SocketAddr,
    ) -> Self {
        let pair = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(pair.signing_key.serialize_der()).unwrap();
        let mut known = RootCertStore::empty();
        known.add(root).unwrap();
        let verifier = WebPkiClientVerifier::builder(Arc::new(known)).build().unwrap();
        let config = ServerConfig::builder().with_client_cert_verifier(verifier);
        let config = config.with_single_cert(vec![pair.cert.der().clone()], key).unwrap();
        Self::start_with(config, pair.cert.pem(), behind).await
    }

    async fn start_with(mut config: ServerConfig, certificate: String, behind: SocketAddr) -> Self {
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((outside, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let (mut inside_out, mut outside_in) =
                        (TcpStream::connect(behind).await?, acceptor.accept(outside).await?);
                    let (mut from, mut to) = inside_out.split();
                    let (mut outside_from, mut outside_to) = tokio::io::split(&mut outside_in);
                    // Whichever ends first, ends both, without a word of TLS.
                    tokio::select! {
                        ended = tokio::io::copy(&mut from, &mut outside_to) => ended,
                        ended = tokio::io::copy(&mut outside_from, &mut to) => ended,
                    }
                });
            }
        });
        Self { url, certificate }
    }

    fn trusting(&self) -> ReqwestTransport {
        ReqwestTransport::builder().root_certificate(self.certificate.as_str()).build().unwrap()
    }
}

/// Speaks HTTP/1.1 alone: HTTP/2 has a test of its own.
fn http1(server: &TlsServer) -> ReqwestTransport {
    let mut settings = midil_http_core::TransportSettings::default();
    settings.root_certificates = vec![server.certificate.clone().into_bytes()];
    // What the settings leave open stays as the builder has it.
    ReqwestTransport::try_from((reqwest::Client::builder().http1_only(), settings)).unwrap()
}

async fn error(transport: &ReqwestTransport, url: &str) -> Error {
    exchange(transport, get(url)).await.unwrap_err()
}

#[test]
fn an_unknown_certificate_is_not_trusted() {
    run(async {
        let plain = FaultServer::always(Reply::ok("hello"));
        let server = TlsServer::start("127.0.0.1", plain.address()).await;
        let error = error(&transport(), &server.url).await;
        assert_eq!(verdict(&error), (Tls, Sent::No), "{error:?}");
        assert!(error.is_connect());
        assert_eq!(plain.request_count(), 0);
    });
}

#[test]
fn a_root_certificate_is_trusted() {
    run(async {
        let plain = FaultServer::always(Reply::ok("hello"));
        let server = TlsServer::start("127.0.0.1", plain.address()).await;
        assert_eq!(exchange(&http1(&server), get(&server.url)).await.unwrap(), "hello");
    });
}

#[test]
fn a_certificate_of_another_host_is_not_trusted() {
    run(async {
        let plain = FaultServer::always(Reply::ok("hello"));
        let server = TlsServer::start("elsewhere.test", plain.address()).await;
        let error = error(&server.trusting(), &server.url).await;
        assert_eq!(verdict(&error), (Tls, Sent::No), "{error:?}");
    });
}

#[test]
fn a_server_without_tls() {
    run(async {
        let server = FaultServer::always(Reply::ok(""));
        let error = error(&transport(), &server.url().replace("http:", "https:")).await;
        assert_eq!(verdict(&error), (Tls, Sent::No), "{error:?}");
        assert_eq!(server.request_count(), 0);
    });
}

#[test]
fn a_server_with_tls_called_without() {
    run(async {
        let plain = FaultServer::always(Reply::ok("hello"));
        let server = TlsServer::start("127.0.0.1", plain.address()).await;
        let error = error(&transport(), &server.url.replace("https:", "http:")).await;
        assert_eq!(verdict(&error), (Protocol, Sent::Maybe), "{error:?}");
    });
}

/// It may heal by itself, unlike a certificate.
#[test]
fn a_handshake_that_breaks_off_is_no_connection() {
    run(async {
        for fate in [OnConnect::Close, OnConnect::Reset] {
            let server = FaultServer::start(Script::always(Reply::ok("")).on_connect([fate]));
            let error = error(&transport(), &server.url().replace("http:", "https:")).await;
            assert_eq!(verdict(&error), (Connect, Sent::No), "{fate:?}: {error:?}");
        }
    });
}

/// Without a length, only the end of TLS tells the end of the body from an attack.
#[test]
fn a_body_that_ends_without_the_end_of_tls_is_not_whole() {
    run(async {
        let plain = FaultServer::always(Reply::ok("hel").until_close().close());
        let server = TlsServer::start("127.0.0.1", plain.address()).await;
        let error = error(&http1(&server), &server.url).await;
        assert_eq!(verdict(&error), (Closed, Sent::Maybe), "{error:?}");
    });
}

#[cfg(feature = "http2")]
#[test]
fn http2_is_agreed_on_in_the_handshake() {
    use midil_http_core::Transport as _;

    use super::http2_server::{Frame, Http2Server};

    run(async {
        let plain = Http2Server::start([vec![Frame::Head, Frame::Data("hello"), Frame::Trailers]]);
        let server = TlsServer::start("127.0.0.1", plain.address()).await;
        let transport = server.trusting();
        for _ in 0..3 {
            let response = transport.send(get(&server.url)).await.unwrap();
            assert_eq!(response.version(), http::Version::HTTP_2);
            assert_eq!(super::support::text(response).await.unwrap(), "hello");
        }
        assert_eq!((plain.connections(), plain.requests()), (1, 3));
    });
}

/// They find out one after the other that one connection is enough.
#[cfg(feature = "http2")]
#[test]
fn many_calls_at_once_agree_on_http2() {
    use super::http2_server::{Frame, Http2Server};

    run(async {
        let plain = Http2Server::start([vec![Frame::Head, Frame::Data("hello"), Frame::Trailers]]);
        let server = TlsServer::start("127.0.0.1", plain.address()).await;
        let transport = server.trusting();
        let calls = (0..20).map(|_| exchange(&transport, get(&server.url)));
        for outcome in futures_util::future::join_all(calls).await {
            assert_eq!(outcome.unwrap(), "hello");
        }
        assert_eq!(plain.requests(), 20);
    });
}

/// A certificate of a client, signed by an authority of its own, which is the other part.
fn client_certificate() -> (ClientCertificate, CertificateDer<'static>) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new([]).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(authority, authority_key);

    let key = rcgen::KeyPair::generate().unwrap();
    let mut client = rcgen::CertificateParams::new(["client.test".to_owned()]).unwrap();
    client.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let client = client.signed_by(&key, &issuer).unwrap();
    (ClientCertificate::from_pem(client.pem(), key.serialize_pem()), root.der().clone())
}

#[test]
fn a_client_certificate_is_shown_to_who_asks_for_it() {
    run(async {
        let plain = FaultServer::always(Reply::ok("welcome"));
        let (ours, root) = client_certificate();
        let server = TlsServer::start_for_known("127.0.0.1", root, plain.address()).await;
        let builder = || {
            ReqwestTransport::builder()
                .root_certificate(server.certificate.as_str())
                .protocol(midil_http_core::Protocol::Http1)
        };
        let known = builder().client_certificate(ours).build().unwrap();
        assert_eq!(exchange(&known, get(&server.url)).await.unwrap(), "welcome");

        // Nobody, and somebody else.
        let (other, _) = client_certificate();
        for unknown in [builder(), builder().client_certificate(other)] {
            let error = error(&unknown.build().unwrap(), &server.url).await;
            // In TLS 1.3 the client is through with its handshake before the server says no. What is seen of that first, the
            // alert or the end, is a race that hyper runs.
            assert!(matches!(transport_error(&error).kind(), Tls | Closed | Reset), "{error:?}");
        }
        assert_eq!(plain.request_count(), 1);
    });
}

#[test]
fn a_client_certificate_goes_with_a_builder_of_reqwest() {
    run(async {
        let plain = FaultServer::always(Reply::ok("welcome"));
        let (ours, root) = client_certificate();
        let server = TlsServer::start_for_known("127.0.0.1", root, plain.address()).await;
        let mut settings = midil_http_core::TransportSettings::default();
        settings.root_certificates = vec![server.certificate.clone().into_bytes()];
        settings.client_certificate = Some(ours);
        settings.protocol = midil_http_core::Protocol::Http1;
        let builder = reqwest::Client::builder().https_only(true);
        let transport = ReqwestTransport::try_from((builder, settings)).unwrap();
        assert_eq!(exchange(&transport, get(&server.url)).await.unwrap(), "welcome");
    });
}

/// The server offers both.
#[cfg(feature = "http2")]
#[test]
fn http1_only_does_not_let_the_server_choose() {
    run(async {
        let plain = FaultServer::always(Reply::ok("hello"));
        let server = TlsServer::start("127.0.0.1", plain.address()).await;
        let builder = ReqwestTransport::builder().root_certificate(server.certificate.as_str());
        let transport = builder.protocol(midil_http_core::Protocol::Http1).build().unwrap();
        assert_eq!(exchange(&transport, get(&server.url)).await.unwrap(), "hello");
        assert_eq!(plain.requests()[0].version(), "HTTP/1.1");
    });
}
