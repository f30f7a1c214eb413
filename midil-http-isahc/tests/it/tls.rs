//! TLS: what is trusted, what is negotiated, and what becomes of a handshake that fails.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use http::Version;
use midil_http_core::{Protocol, Proxy, ProxySettings, Sent, Transport, TransportBuilder};
use midil_http_isahc::IsahcTransport;
use midil_http_test::fault_server::{FaultServer, Reply};
use rcgen::{CertifiedKey, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::http2_server::{Frame, Http2Server};
use super::support::{child, get, is_child, outcome, post, run, transport};

/// A certificate that its server signed itself.
struct Identity(CertifiedKey<KeyPair>);

impl Identity {
    fn new(host: &str) -> Self {
        Self(rcgen::generate_simple_self_signed([host.to_owned()]).unwrap())
    }

    fn pem(&self) -> String {
        self.0.cert.pem()
    }

    fn trusted(&self) -> TransportBuilder<IsahcTransport> {
        IsahcTransport::builder().root_certificate(self.pem())
    }

    /// What makes TLS of a connection, once its handshake is over.
    fn accept(
        &self,
        protocols: &[&str],
    ) -> impl Fn(TcpStream) -> Option<StreamOwned<ServerConnection, TcpStream>> + use<> {
        let key = PrivateKeyDer::try_from(self.0.signing_key.serialize_der()).unwrap();
        let chain = vec![self.0.cert.der().clone()];
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
        let mut config = config.unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let config = Arc::new(config);
        move |mut socket| {
            let mut connection = ServerConnection::new(Arc::clone(&config)).ok()?;
            while connection.is_handshaking() {
                connection.complete_io(&mut socket).ok()?;
            }
            Some(StreamOwned::new(connection, socket))
        }
    }
}

/// Answers every request over HTTP/1.1 with what it saw; returns its address.
fn serve(identity: &Identity) -> String {
    let (accept, listener) =
        (identity.accept(&["http/1.1"]), TcpListener::bind("127.0.0.1:0").unwrap());
    let url = format!("https://{}", listener.local_addr().unwrap());
    let accept = Arc::new(accept);
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let accept = Arc::clone(&accept);
            thread::spawn(move || {
                let mut socket = accept(socket)?;
                loop {
                    let head = head(&mut socket)?;
                    let length = head.len();
                    write!(socket, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{head}")
                        .ok()?;
                    socket.flush().ok()?;
                }
                #[allow(unreachable_code, reason = "the type of the closure")]
                Some(())
            });
        }
    });
    url
}

/// Up to the empty line.
fn head(socket: &mut impl Read) -> Option<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

#[test]
fn a_certificate_is_trusted_when_it_was_given() {
    run(async {
        let identity = Identity::new("127.0.0.1");
        let url = serve(&identity);
        let outcome_of = async |transport: &IsahcTransport| outcome(transport, get(&url)).await;
        assert_eq!(outcome_of(&transport()).await, "head: Tls, No");
        let other = Identity::new("127.0.0.1").trusted().build().unwrap();
        assert_eq!(outcome_of(&other).await, "head: Tls, No");
        let trusting = identity.trusted().build().unwrap();
        assert!(outcome_of(&trusting).await.starts_with("200 GET / HTTP/1.1"));
    });
}

#[test]
fn a_certificate_of_another_host_is_not_trusted() {
    run(async {
        let identity = Identity::new("elsewhere.test");
        let trusting = identity.trusted().build().unwrap();
        assert_eq!(outcome(&trusting, get(&serve(&identity))).await, "head: Tls, No");
    });
}

#[test]
fn a_server_without_tls() {
    run(async {
        let server = FaultServer::always(Reply::ok(""));
        let url = server.url().replace("http:", "https:");
        let error = transport().send(get(&url)).await.unwrap_err();
        assert_eq!(error.sent(), Sent::No, "{error:?}");
        assert!(error.is_connect());
    });
}

/// The system's certificates stay trusted: here they are those of a file.
#[test]
fn certificates_are_trusted_beside_those_of_the_system() {
    let name = "tls::certificates_are_trusted_beside_those_of_the_system";
    let directory = std::env::temp_dir().join(format!("midil-isahc-{}", std::process::id()));
    let system = directory.join("system.pem");
    if !is_child() {
        let identity = Identity::new("127.0.0.1");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(&system, identity.pem()).unwrap();
        let url = serve(&identity);
        child(name, &[("SSL_CERT_FILE", system.to_str().unwrap()), ("MIDIL_TEST_URL", &url)]);
        std::fs::remove_dir_all(&directory).unwrap();
        return;
    }
    run(async {
        let (url, other) = (std::env::var("MIDIL_TEST_URL").unwrap(), Identity::new("127.0.0.1"));
        assert!(outcome(&transport(), get(&url)).await.starts_with("200 "));
        let trusting = other.trusted().build().unwrap();
        assert!(outcome(&trusting, get(&url)).await.starts_with("200 "));
        assert!(outcome(&trusting, get(&serve(&other))).await.starts_with("200 "));
    });
}

/// What is not idempotent goes over HTTP/1.1 all the same: curl resends what an HTTP/2 server refuses.
#[cfg(feature = "http2")]
#[test]
fn http2_is_spoken_where_the_server_offers_it() {
    run(async {
        let identity = Identity::new("127.0.0.1");
        let answers = [vec![Frame::Head, Frame::Data("hello"), Frame::Trailers]];
        let server = Http2Server::behind("https", answers, identity.accept(&["h2"]));
        let transport = identity.trusted().build().unwrap();
        let response = transport.send(get(&server.url())).await.unwrap();
        assert_eq!(response.version(), Version::HTTP_2);
        assert_eq!(response.into_body().collect(10).await.unwrap(), "hello");

        let post = post(&server.url(), "upload");
        assert!(outcome(&transport, post).await.starts_with("head: "), "it speaks no HTTP/1.1");

        let http1 = identity.trusted().protocol(Protocol::Http1).build().unwrap();
        assert!(outcome(&http1, get(&server.url())).await.starts_with("head: "));
        let known = identity.trusted().protocol(Protocol::Http2PriorKnowledge).build().unwrap();
        for request in [get(&server.url()), super::support::post(&server.url(), "upload")] {
            assert_eq!(outcome(&known, request).await, "200 hello");
        }
    });
}

/// A proxy that opens tunnels, or will not; returns its address, and hands over the heads of its requests.
fn proxy(answer: &'static str) -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (seen, heads) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let Some(head) = head(&mut socket) else { continue };
            let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
            if seen.send(head).is_err()
                || write!(socket, "{answer}").is_err()
                || !answer.contains(" 200 ")
            {
                continue;
            }
            let server = TcpStream::connect(target).unwrap();
            for (mut from, mut to) in
                [(socket.try_clone().unwrap(), server.try_clone().unwrap()), (server, socket)]
            {
                thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    to.shutdown(std::net::Shutdown::Write)
                });
            }
        }
    });
    (url, heads)
}

#[test]
fn https_goes_through_a_tunnel_and_the_proxys_credentials_no_further() {
    run(async {
        let identity = Identity::new("127.0.0.1");
        let url = serve(&identity);
        let (at, heads) = proxy("HTTP/1.1 200 OK\r\n\r\n");
        let settings = Proxy::try_new(&at).unwrap().basic_auth("svc", "hunter2");
        let through = identity.trusted().proxy(ProxySettings::Explicit(settings)).build().unwrap();
        let mut request = get(&url);
        request.headers_mut().insert("authorization", "Bearer for-the-server".parse().unwrap());
        let seen = outcome(&through, request).await.to_lowercase();
        assert!(seen.starts_with("200 get / http/1.1"), "{seen}");
        assert!(seen.contains("for-the-server") && !seen.contains("proxy-"), "{seen}");
        let connect = heads.recv().unwrap().to_lowercase();
        assert!(connect.starts_with("connect 127.0.0.1:"), "{connect}");
        assert!(connect.contains("proxy-authorization: basic c3zjomh1bnrlcji="), "{connect}");
        assert!(
            !connect.contains("for-the-server") && !connect.contains("user-agent"),
            "{connect}"
        );
    });
}

#[test]
fn a_proxy_that_will_not_is_no_connection() {
    run(async {
        let identity = Identity::new("127.0.0.1");
        let (at, _heads) =
            proxy("HTTP/1.1 407 No\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n");
        let settings = ProxySettings::Explicit(Proxy::try_new(&at).unwrap());
        let through = identity.trusted().proxy(settings).build().unwrap();
        assert_eq!(outcome(&through, get(&serve(&identity))).await, "head: Connect, No");
    });
}
