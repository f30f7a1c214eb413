//! HTTP/2 over TLS.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::client::{Client, run};
use crate::fault_server::{Cut, Http2Reply, Http2Server, Script, Tls};

/// A blocking stream that is told not to block, looked at again and again.
struct Busy(StreamOwned<ClientConnection, std::net::TcpStream>);

fn ready<T>(result: io::Result<T>, cx: &Context<'_>) -> Poll<io::Result<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        result => Poll::Ready(result),
    }
}

impl AsyncRead for Busy {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = io::Read::read(&mut self.0, buffer.initialize_unfilled());
        ready(read, cx).map_ok(|count| buffer.advance(count))
    }
}

impl AsyncWrite for Busy {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready(io::Write::write(&mut self.0, bytes), cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready(io::Write::flush(&mut self.0), cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

/// Shakes hands, offering `protocols`.
fn shake_hands(server: &Http2Server, protocols: &[&str]) -> io::Result<Busy> {
    let mut roots = RootCertStore::empty();
    let pem = Tls::good().root_certificate_pem();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let socket = std::net::TcpStream::connect(server.address()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let name = server.address().ip().into();
    let mut stream =
        StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), socket);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    stream.sock.set_nonblocking(true)?;
    Ok(Busy(stream))
}

#[test]
fn the_protocol_is_chosen_in_the_handshake() {
    let body = "0123456789abcdef".repeat(64 * 1024);
    let script = Script::respond_with({
        let body = body.clone();
        move |request| match request.method() {
            "PUT" => Http2Reply::ok(request.body()),
            _ => Http2Reply::ok(body.clone()).trailer("x", "y"),
        }
    });
    let server = Http2Server::start_tls(script, &Tls::good());
    assert_eq!(server.url(), format!("https://{}", server.address()));
    let stream = shake_hands(&server, &["http/1.1", "h2"]).unwrap();
    run(async {
        let client = Client::over(stream).await.unwrap();
        assert_eq!(client.put("abc").await.unwrap().body, "abc");
        assert!(client.get().await.unwrap().body == body);
    });
    let requests = server.requests();
    assert_eq!((requests[0].alpn(), requests[0].header(":authority")), (Some("h2"), Some("here")));
    assert!(shake_hands(&server, &["http/1.1"]).is_err());
    server.wait_until(|seen| seen.failed_handshakes() == 1 && seen.open_connections() == 0);
}

#[test]
fn faults_are_those_of_plain_http2() {
    let server = Http2Server::start_tls(
        [
            Http2Reply::refused(),
            Http2Reply::unprocessed(0),
            Http2Reply::ok("hello").cut_body_after(2, Cut::Close),
            Http2Reply::ok("hello").cut_body_after(2, Cut::Truncate),
        ],
        &Tls::good(),
    );
    let streams = Vec::from_iter((0..3).map(|_| shake_hands(&server, &["h2"]).unwrap()));
    run(async {
        let mut clients = Vec::new();
        for stream in streams {
            clients.push(Client::over(stream).await.unwrap());
        }
        let reason = clients[0].get().await.unwrap_err().reason();
        assert_eq!(reason, Some(h2::Reason::REFUSED_STREAM));
        assert!(clients[0].get().await.unwrap_err().is_go_away());
        assert!(clients[1].get().await.unwrap_err().is_io());
        let error = clients[2].get().await.unwrap_err();
        assert!(error.to_string().contains("close_notify"), "{error}");
    });
    server.wait_for_connections_closed();
}

#[test]
fn handshakes_fail_as_they_are_told() {
    for tls in [
        Tls::expired(),
        Tls::good().refuse_handshake(),
        Tls::good().cut_handshake(Cut::Close),
        Tls::good().cut_handshake(Cut::Reset),
        Tls::good().require_client_certificate().only_tls12(),
    ] {
        let server = Http2Server::start_tls(Http2Reply::ok("hi"), &tls);
        assert!(shake_hands(&server, &["h2"]).is_err());
        server.wait_for_connections_closed();
        server.wait_until(|seen| seen.failed_handshakes() == 1 && seen.request_count() == 0);
    }
    let stalls = Tls::good().cut_handshake(Cut::Stall);
    let server = Http2Server::start_tls(Http2Reply::ok("hi"), &stalls);
    let socket = std::net::TcpStream::connect(server.address()).unwrap();
    io::Write::write_all(&mut &socket, b"\x16").unwrap();
    server.wait_until(|seen| seen.connections() == 1);
    drop(server);
    let _ = io::Read::read(&mut &socket, &mut [0]);
}
