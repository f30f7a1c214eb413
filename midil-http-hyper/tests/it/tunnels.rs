//! Tunnels that proxies make, or would not.

use std::net::SocketAddr;

use midil_http_core::TransportErrorKind::Connect;
use midil_http_core::{Protocol, Proxy, ProxySettings, Sent};
use midil_http_hyper::HyperTransport;
use midil_http_test::fault_server::{FaultServer, Reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::proxy::{CREDENTIALS, through};
use super::support::{exchange, get, rendered, run, verdict};
use super::tls::TlsServer;

#[test]
fn a_tunnel_that_is_refused_names_the_status() {
    run(async {
        for status in [407, 403, 502] {
            let proxy = FaultServer::always(Reply::status(status).body("hunter2"));
            let agent = http::HeaderValue::from_static("midil/1");
            let transport = through(&proxy).user_agent(agent).build().unwrap();
            let url = "https://service.test/users?token=hunter2";
            let error = exchange(&transport, get(url)).await.unwrap_err();
            assert_eq!(verdict(&error), (Connect, Sent::No));
            let text = rendered(&error);
            assert!(text.contains(&status.to_string()) && !text.contains("hunter2"), "{text}");
            let seen = &proxy.requests()[0];
            assert_eq!((seen.method(), seen.target()), ("CONNECT", "service.test:443"));
            assert_eq!(seen.header("host"), Some("service.test:443"));
            assert_eq!(seen.header("proxy-authorization"), Some(CREDENTIALS));
            assert_eq!(seen.header("user-agent"), Some("midil/1"));
            assert_eq!(proxy.request_count(), 1);
        }
    });
}

#[test]
fn a_proxy_that_breaks_off_is_no_connection() {
    run(async {
        for reply in [Reply::close_before_head(), Reply::reset_before_head(), Reply::garbage()] {
            let proxy = FaultServer::always(reply);
            let transport = through(&proxy).build().unwrap();
            let error = exchange(&transport, get("https://service.test/")).await.unwrap_err();
            assert_eq!(verdict(&error), (Connect, Sent::No));
        }
    });
}

/// Makes every tunnel that it is asked for, to `target` whatever the name; tells the head of what it was asked.
async fn tunnelling(target: SocketAddr) -> (String, tokio::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = tokio::sync::mpsc::channel(10);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await.unwrap());
            }
            tell.send(String::from_utf8(head).unwrap()).await.unwrap();
            client.write_all(b"HTTP/1.1 200 Connected\r\nvia: test\r\n\r\n").await.unwrap();
            let mut server = TcpStream::connect(target).await.unwrap();
            tokio::spawn(async move {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (url, told)
}

#[test]
fn https_goes_through_a_tunnel() {
    run(async {
        let plain = FaultServer::always(Reply::ok("from afar"));
        let server = TlsServer::start("service.test", plain.address()).await;
        let behind: url::Url = server.url.parse().unwrap();
        let (proxy, mut told) = tunnelling(([127, 0, 0, 1], behind.port().unwrap()).into()).await;
        let proxy = Proxy::try_new(&proxy).unwrap().basic_auth("svc", "hunter2");
        let transport = HyperTransport::builder()
            .proxy(ProxySettings::Explicit(proxy))
            .root_certificate(server.certificate.as_str())
            .protocol(Protocol::Http1)
            .build()
            .unwrap();
        for _ in 0..2 {
            let request = get("https://service.test/users");
            assert_eq!(exchange(&transport, request).await.unwrap(), "from afar");
        }
        let head = told.recv().await.unwrap();
        assert!(head.starts_with("CONNECT service.test:443 HTTP/1.1\r\n"), "{head}");
        assert!(head.contains(CREDENTIALS));
        assert!(told.try_recv().is_err(), "one tunnel was enough");
        for seen in plain.requests() {
            assert_eq!((seen.target(), seen.header("host")), ("/users", Some("service.test")));
            assert_eq!(seen.header("proxy-authorization"), None);
        }
    });
}

/// A proxy speaks HTTP/1.1 to us, whatever the server is known to speak.
#[cfg(feature = "http2")]
#[test]
fn http2_by_prior_knowledge_goes_through_a_tunnel() {
    use super::http2_server::{Frame, Http2Server};

    run(async {
        let server = Http2Server::start([vec![Frame::Head, Frame::Data("hello"), Frame::Trailers]]);
        let (proxy, mut told) = tunnelling(server.address()).await;
        let transport = HyperTransport::builder()
            .proxy(ProxySettings::Explicit(Proxy::try_new(&proxy).unwrap()))
            .protocol(Protocol::Http2PriorKnowledge)
            .build()
            .unwrap();
        for _ in 0..2 {
            let request = get("http://service.test/users");
            assert_eq!(exchange(&transport, request).await.unwrap(), "hello");
        }
        assert!(told.recv().await.unwrap().starts_with("CONNECT service.test:80 HTTP/1.1\r\n"));
        assert_eq!((server.connections(), server.requests()), (1, 2));
    });
}
