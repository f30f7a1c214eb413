//! TLS: what is trusted, and what becomes of a handshake that fails.

use std::net::SocketAddr;
use std::sync::Arc;

use midil_http_core::TransportErrorKind::{Closed, Connect, Protocol as NoHttp, Tls};
use midil_http_core::{ClientCertificate, Error, Protocol, Sent};
use midil_http_hyper::HyperTransport;
use midil_http_test::fault_server::{FaultServer, OnConnect, Reply, Script};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::support::{exchange, get, run, transport, verdict};

/// Puts TLS before another server, with a certificate that it signed itself.
pub(crate) struct TlsServer {
    pub(crate) url: String,
    pub(crate) certificate: String,
    /// Connections that have ended.
    ended: tokio::sync::watch::Receiver<usize>,
}

impl TlsServer {
    /// A certificate for `host`; offers HTTP/2.
    pub(crate) async fn start(host: &str, behind: SocketAddr) -> Self {
        Self::start_with(host, behind, None).await
    }

    /// The same, for clients that show a certificate that `root` has signed.
    async fn start_with(host: &str, behind: SocketAddr, root: Option<&rcgen::Certificate>) -> Self {
        let pair = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(pair.signing_key.serialize_der()).unwrap();
        let chain = vec![pair.cert.der().clone()];
        let builder = ServerConfig::builder();
        let builder = match root {
            None => builder.with_no_client_auth(),
            Some(root) => {
                let mut roots = RootCertStore::empty();
                roots.add(root.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let (end, ended) = tokio::sync::watch::channel(0);
        let end = Arc::new(end);
        tokio::spawn(async move {
            while let Ok((outside, _)) = listener.accept().await {
                let (acceptor, end) = (acceptor.clone(), Arc::clone(&end));
                tokio::spawn(async move {
                    let (mut inside_out, mut outside_in) =
                        (TcpStream::connect(behind).await?, acceptor.accept(outside).await?);
                    let (mut from, mut to) = inside_out.split();
                    let (mut outside_from, mut outside_to) = tokio::io::split(&mut outside_in);
                    // Whichever ends first, ends both, without a word of TLS.
                    let outcome = tokio::select! {
                        ended = tokio::io::copy(&mut from, &mut outside_to) => ended,
                        ended = tokio::io::copy(&mut outside_from, &mut to) => ended,
                    };
                    drop((outside_from, outside_to));
                    drop(outside_in);
                    end.send_modify(|ended| *ended += 1);
                    outcome
                });
            }
        });
        Self { url, certificate: pair.cert.pem(), ended }
    }

    async fn wait_for_end(&self, count: usize) {
        self.ended.clone().wait_for(|ended| *ended >= count).await.unwrap();
    }

    fn trusting(&self) -> HyperTransport {
        HyperTransport::builder().root_certificate(self.certificate.as_str()).build().unwrap()
    }
}

/// Speaks HTTP/1.1 alone: HTTP/2 has a test of its own.
fn http1(server: &TlsServer) -> HyperTransport {
    let builder = HyperTransport::builder().root_certificate(server.certificate.as_str());
    builder.protocol(Protocol::Http1).build().unwrap()
}

async fn error(transport: &HyperTransport, url: &str) -> Error {
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
        assert_eq!(verdict(&error), (NoHttp, Sent::Maybe), "{error:?}");
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

#[test]
fn a_client_certificate_is_shown_to_whoever_asks() {
    run(async {
        let own = rcgen::generate_simple_self_signed(["client.test".to_owned()]).unwrap();
        let plain = FaultServer::always(Reply::ok("hello"));
        let server = TlsServer::start_with("127.0.0.1", plain.address(), Some(&own.cert)).await;
        let error = error(&http1(&server), &server.url).await;
        assert!(matches!(error, Error::Transport(_)), "{error:?}");
        assert_eq!(plain.request_count(), 0);

        let certificate =
            ClientCertificate::from_pem(own.cert.pem(), own.signing_key.serialize_pem());
        let builder = HyperTransport::builder().root_certificate(server.certificate.as_str());
        let builder = builder.client_certificate(certificate).protocol(Protocol::Http1);
        assert_eq!(exchange(&builder.build().unwrap(), get(&server.url)).await.unwrap(), "hello");
    });
}

#[test]
fn certificates_that_are_none_are_named() {
    let own = rcgen::generate_simple_self_signed(["client.test".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["other.test".to_owned()]).unwrap();
    let (chain, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    let foreign = other.signing_key.serialize_pem();
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

/// A farewell that tokio's driver has not told of is found in the socket, like the end of a connection without TLS.
#[test]
fn a_connection_that_the_server_has_closed_costs_nothing() {
    run(async {
        let plain = FaultServer::always(Reply::ok("hello").close_silently());
        let server = TlsServer::start("127.0.0.1", plain.address()).await;
        let transport = http1(&server);
        for count in 1..10 {
            let request = super::support::post(&server.url, "bytes");
            assert_eq!(exchange(&transport, request).await.unwrap(), "hello");
            plain.wait_for_connections_closed();
            server.wait_for_end(count).await;
            assert_eq!(plain.request_count(), count);
        }
    });
}
