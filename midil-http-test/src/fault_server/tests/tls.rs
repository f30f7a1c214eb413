//! The same server over TLS, and handshakes that fail.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::client::GET;
use crate::fault_server::{Authority, Cut, FaultServer, Gate, OnConnect, Reply, Script, Tls};

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Who the client says it is.
enum Me {
    Nobody,
    SignedBy(Authority),
}

fn config(me: &Me, alpn: &[&str]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let pem = Authority::shared().root_certificate_pem();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match me {
        Me::Nobody => builder.with_no_client_auth(),
        Me::SignedBy(authority) => {
            let (chain, key) = authority.client_certificate();
            let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).map(Result::unwrap);
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain.collect(), key).unwrap()
        }
    };
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

fn connect_as(server: &FaultServer, me: &Me, alpn: &[&str]) -> Stream {
    let socket = TcpStream::connect(server.address()).unwrap();
    // A test that would hang fails instead.
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let name = server.address().ip().into();
    let connection = ClientConnection::new(Arc::new(config(me, alpn)), name).unwrap();
    StreamOwned::new(connection, socket)
}

fn connect(server: &FaultServer) -> Stream {
    connect_as(server, &Me::Nobody, &[])
}

/// Sends a request, and returns everything up to the end and how that came.
fn answer(mut stream: Stream) -> (String, Result<(), ErrorKind>) {
    if let Err(error) = stream.write_all(GET.as_bytes()) {
        return (String::new(), Err(error.kind()));
    }
    rest(&mut stream)
}

fn rest(stream: &mut Stream) -> (String, Result<(), ErrorKind>) {
    let mut bytes = Vec::new();
    let ended = stream.read_to_end(&mut bytes).map(drop).map_err(|error| error.kind());
    (String::from_utf8_lossy(&bytes).into_owned(), ended)
}

fn exactly(stream: &mut Stream, count: usize) -> String {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// What the client makes of the server's handshake.
fn handshake(mut stream: Stream) -> io::Result<()> {
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(())
}

#[test]
fn replies_are_those_of_plain_http() {
    let server = FaultServer::start_tls(
        [
            Reply::ok("hi"),
            Reply::ok("").chunked(["one", "two"]).trailer("x", "y"),
            Reply::ok("end").until_close(),
        ],
        &Tls::good(),
    );
    assert_eq!(server.url(), format!("https://{}", server.address()));
    let mut stream = connect(&server);
    for _ in 0..3 {
        stream.write_all(GET.as_bytes()).unwrap();
    }
    let (text, ended) = rest(&mut stream);
    let first = "HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nhi";
    let second = "HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\nx: y\r\n\r\n";
    assert_eq!(text, format!("{first}{second}HTTP/1.1 200 \r\n\r\nend"));
    assert_eq!(ended, Ok(()), "the end is told from a cut");
    drop(stream);
    server.wait_for_connections_closed();
    assert_eq!((server.connections(), server.request_count()), (1, 3));
}

#[test]
fn large_bodies_pass_both_ways() {
    let server = FaultServer::start_tls(
        Script::respond_with(|request| Reply::ok(request.body()).close()),
        &Tls::good(),
    );
    let body = "0123456789abcdef".repeat(256 * 1024);
    let mut stream = connect(&server);
    write!(stream, "PUT / HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
    let (text, ended) = rest(&mut stream);
    assert!(text.ends_with(&body) && ended.is_ok());
    assert_eq!(server.body_bytes_received(), 4 * 1024 * 1024);
}

#[test]
fn cuts_are_told_apart() {
    for (cut, expected) in [
        (Cut::Close, Ok(())),
        (Cut::Truncate, Err(ErrorKind::UnexpectedEof)),
        (Cut::Reset, Err(ErrorKind::ConnectionReset)),
    ] {
        let server =
            FaultServer::start_tls(Reply::ok("hello").cut_body_after(2, cut), &Tls::good());
        let (text, ended) = answer(connect(&server));
        assert!(text.ends_with("\r\n\r\nhe"), "{text}");
        assert_eq!(ended, expected, "{cut:?}");
    }
}

#[test]
fn certificates_are_as_good_as_they_are_said_to_be() {
    for (tls, problem) in [
        (Tls::good(), None),
        (Tls::good().only_tls12(), None),
        (Tls::expired(), Some("expired")),
        (Tls::wrong_host(), Some("not valid for name")),
        (Tls::unknown_issuer(), Some("UnknownIssuer")),
    ] {
        let server = FaultServer::start_tls(Reply::ok("hi"), &tls);
        let error = handshake(connect(&server)).err().map(|error| error.to_string());
        match problem {
            None => assert_eq!(error, None),
            Some(problem) => assert!(error.as_ref().unwrap().contains(problem), "{error:?}"),
        }
        server.wait_for_connections_closed();
        assert_eq!(server.failed_handshakes(), usize::from(problem.is_some()));
        assert_eq!((server.connections(), server.request_count()), (1, 0));
    }
}

#[test]
fn a_name_is_as_good_as_an_address() {
    let server = FaultServer::start_tls(Reply::ok("hi").close(), &Tls::good());
    let mut stream = connect(&server);
    let name = "localhost".try_into().unwrap();
    stream.conn = ClientConnection::new(Arc::new(config(&Me::Nobody, &[])), name).unwrap();
    assert!(answer(stream).0.ends_with("hi"));
    let request = server.requests().remove(0);
    let handshake = request.handshake().unwrap();
    assert_eq!(handshake.server_name(), Some("localhost"));
    assert!(handshake.is_tls13() && !handshake.resumed());
}

#[test]
fn a_protocol_is_chosen() {
    for (tls, offered, chosen) in [
        (Tls::good(), &["h2", "http/1.1"][..], Some("http/1.1")),
        (Tls::good(), &[], None),
        (Tls::good().alpn(["h2", "http/1.1"]), &["http/1.1", "h2"], Some("h2")),
        (Tls::good().alpn([""; 0]), &["h2"], None),
    ] {
        let server = FaultServer::start_tls(Reply::ok("hi").close(), &tls);
        assert!(answer(connect_as(&server, &Me::Nobody, offered)).0.ends_with("hi"));
        assert_eq!(server.requests()[0].alpn(), chosen);
    }
    let server = FaultServer::start_tls(Reply::ok("hi").close(), &Tls::good());
    let error = handshake(connect_as(&server, &Me::Nobody, &["h2"])).unwrap_err();
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
}

#[test]
fn clients_are_asked_who_they_are() {
    let known = || Me::SignedBy(Authority::shared().clone());
    for tls in [Tls::good(), Tls::good().only_tls12()] {
        let server = FaultServer::start_tls(
            Reply::ok("hi").close(),
            &tls.clone().require_client_certificate(),
        );
        assert!(answer(connect_as(&server, &known(), &[])).0.ends_with("hi"));
        assert!(server.requests()[0].handshake().unwrap().client_certificate());
        for me in [Me::Nobody, Me::SignedBy(Authority::stranger())] {
            let (text, ended) = answer(connect_as(&server, &me, &[]));
            assert_eq!((text, ended), (String::new(), Err(ErrorKind::InvalidData)));
        }
        server.wait_until(|seen| seen.open_connections() == 0);
        assert_eq!((server.failed_handshakes(), server.request_count()), (2, 1));

        let server =
            FaultServer::start_tls(Reply::ok("hi").close(), &tls.request_client_certificate());
        for (me, shown) in [(known(), true), (Me::Nobody, false)] {
            assert!(answer(connect_as(&server, &me, &[])).0.ends_with("hi"));
            let request = server.requests().pop().unwrap();
            assert_eq!(request.handshake().unwrap().client_certificate(), shown);
        }
    }
}

#[test]
fn handshakes_fail_as_they_are_told() {
    for (tls, kind) in [
        (Tls::good().refuse_handshake(), ErrorKind::InvalidData),
        (Tls::good().cut_handshake(Cut::Close), ErrorKind::UnexpectedEof),
        (Tls::good().cut_handshake(Cut::Reset), ErrorKind::ConnectionReset),
    ] {
        let server = FaultServer::start_tls(Reply::ok("hi"), &tls);
        let error = handshake(connect(&server)).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        server.wait_for_connections_closed();
        assert_eq!((server.failed_handshakes(), server.request_count()), (1, 0));
    }
}

#[test]
fn a_stalled_handshake_ends_with_the_client_or_the_server() {
    for leaves in [true, false] {
        let server =
            FaultServer::start_tls(Reply::ok("hi"), &Tls::good().cut_handshake(Cut::Stall));
        let mut stream = connect(&server);
        let _ = stream.conn.write_tls(&mut stream.sock);
        server.wait_until(|seen| seen.connections() == 1);
        if leaves {
            drop(stream);
            server.wait_for_connections_closed();
        }
    }
}

#[test]
fn a_connection_has_its_fate_before_the_handshake() {
    let script = Script::always(Reply::ok("hi").close()).on_connect([
        OnConnect::Close,
        OnConnect::Reset,
        OnConnect::Serve,
    ]);
    let server = FaultServer::start_tls(script, &Tls::good());
    assert_eq!(handshake(connect(&server)).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert!(handshake(connect(&server)).is_err());
    assert!(answer(connect(&server)).0.ends_with("hi"));
}

#[test]
fn a_client_that_leaves_ends_every_wait() {
    let gate = Gate::new();
    for reply in [
        Reply::stall(),
        Reply::ok("hello").stall_body_after(2),
        Reply::ok("hi").hold(&gate),
        Reply::ok("hi").hold_body(&gate),
        Reply::ok("hi").drip(1, Duration::MAX),
        Reply::stall().stop_reading(),
    ] {
        for farewell in [true, false] {
            let server = FaultServer::start_tls(reply.clone(), &Tls::good());
            let mut stream = connect(&server);
            stream.write_all(GET.as_bytes()).unwrap();
            server.wait_for_requests(1);
            if farewell {
                stream.conn.send_close_notify();
                stream.flush().unwrap();
            }
            drop(stream);
            server.wait_for_connections_closed();
        }
    }
}

#[test]
fn a_gate_that_opens_lets_the_reply_go_on() {
    for _ in 0..20 {
        let (first, second) = (Gate::new(), Gate::new());
        let reply = Reply::ok("hello").hold(&first).hold_body_after(2, &second);
        let server = FaultServer::start_tls([reply.clone(), reply.close()], &Tls::good());
        let mut stream = connect(&server);
        stream.write_all(GET.as_bytes()).unwrap();
        server.wait_for_requests(1);
        // What comes during the wait is not lost to the watcher.
        stream.write_all(GET.as_bytes()).unwrap();
        first.open();
        let head = "HTTP/1.1 200 \r\ncontent-length: 5\r\n\r\n";
        assert_eq!(exactly(&mut stream, head.len() + 2), format!("{head}he"));
        second.open();
        assert!(rest(&mut stream).0.ends_with("\r\n\r\nhello"));
    }
}

#[test]
fn what_is_no_tls_is_a_failed_handshake() {
    let server = FaultServer::start_tls(Reply::ok("hi"), &Tls::good());
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.write_all(GET.as_bytes()).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    assert_eq!(answer[0], 21, "an alert");
    drop(socket);
    server.wait_for_connections_closed();
    assert_eq!((server.failed_handshakes(), server.request_count()), (1, 0));
}

#[test]
fn dropping_the_server_ends_everything() {
    let gate = Gate::new();
    for reply in [Reply::stall(), Reply::ok("hi").hold(&gate), Reply::ok("hi")] {
        let server = FaultServer::start_tls(reply, &Tls::good());
        let mut stream = connect(&server);
        stream.write_all(GET.as_bytes()).unwrap();
        server.wait_for_requests(1);
        drop(server);
        let _ = rest(&mut stream);
    }
}
