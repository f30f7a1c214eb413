//! The proxy, with plain sockets as clients.

use std::io::ErrorKind;

use super::client::{Client, Ended, GET};
use crate::fault_server::{Cut, FaultServer, OnConnect, ProxyScript, ProxyServer, Reply, Script};

/// `svc:hunter2`
const CREDENTIALS: &str = "proxy-authorization: Basic c3ZjOmh1bnRlcjI=\r\n";

fn connect(proxy: &ProxyServer, target: &str, headers: &str) -> Client {
    let mut client = Client::at(proxy.address());
    client.send(format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n{headers}\r\n"));
    client
}

/// A tunnel to `server`.
fn tunnel(proxy: &ProxyServer, server: &FaultServer) -> Client {
    let mut client = connect(proxy, &server.address().to_string(), "");
    assert_eq!(client.head(), "HTTP/1.1 200 \r\n\r\n");
    client
}

/// What the proxy answers to a GET of `url`.
fn get(proxy: &ProxyServer, url: &str, headers: &str) -> (String, Ended) {
    let mut client = Client::at(proxy.address());
    client.send(format!("GET {url} HTTP/1.1\r\nhost: here\r\n{headers}\r\n"));
    client.rest()
}

#[test]
fn a_tunnel_carries_whatever_it_is_given() {
    let server = FaultServer::respond_with(|request| Reply::ok(request.body()));
    let proxy = ProxyServer::start(ProxyScript::new());
    let mut client = tunnel(&proxy, &server);
    let body = "0123456789abcdef".repeat(64 * 1024);
    for _ in 0..3 {
        client.send(format!("PUT / HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
        assert!(client.response().1 == body);
    }
    assert_eq!((proxy.tunnels(), proxy.request_count(), server.connections()), (1, 1, 1));
    assert_eq!(proxy.requests()[0].method(), "CONNECT");
    assert_eq!(proxy.requests()[0].target(), server.address().to_string());
    let length = 3 * u64::try_from(body.len()).unwrap();
    proxy.wait_until(|seen| seen.relayed_to_targets() > length);
    proxy.wait_until(|seen| seen.relayed_to_clients() > length);
    drop(client);
    proxy.wait_for_connections_closed();
    server.wait_for_connections_closed();
}

#[test]
fn the_end_of_either_side_is_passed_on() {
    let server = FaultServer::start([
        Reply::ok("hi").close(),
        Reply::ok("hello").cut_body_after(2, Cut::Reset),
        Reply::stall(),
    ]);
    let proxy = ProxyServer::start(ProxyScript::new());

    let mut client = tunnel(&proxy, &server);
    client.send(GET);
    let (text, ended) = client.rest();
    assert!(text.ends_with("hi") && ended.is_ok());
    drop(client);

    let mut client = tunnel(&proxy, &server);
    client.send(GET);
    assert_eq!(client.rest().1, Err(ErrorKind::ConnectionReset));

    let mut client = tunnel(&proxy, &server);
    client.send(GET);
    server.wait_for_requests(3);
    drop(client);
    server.wait_for_connections_closed();
    proxy.wait_for_connections_closed();
}

#[test]
fn a_whole_url_is_forwarded_and_what_is_for_the_proxy_is_not() {
    let server = FaultServer::always(Reply::ok("hi"));
    let proxy = ProxyServer::start(ProxyScript::new().basic_auth("svc", "hunter2"));
    let headers = format!("{CREDENTIALS}proxy-connection: keep-alive\r\nx-a: 1\r\n");
    let url = format!("{}/a?b=c", server.url());
    let (text, ended) = get(&proxy, &url, &headers);
    assert!(text.contains("connection: close") && text.ends_with("\r\n\r\nhi"), "{text}");
    assert_eq!(ended, Ok(()));
    let expected =
        "GET /a?b=c HTTP/1.1\r\nhost: here\r\nx-a: 1\r\nconnection: close\r\n\r\n".as_bytes();
    assert_eq!(server.requests()[0].head_bytes(), expected);
    assert_eq!(proxy.requests()[0].target(), url);
    assert_eq!((proxy.tunnels(), proxy.request_count()), (0, 1));
}

#[test]
fn a_body_is_forwarded() {
    let server = FaultServer::respond_with(|request| Reply::ok(request.body()));
    let proxy = ProxyServer::start(ProxyScript::new());
    let mut client = Client::at(proxy.address());
    client.send(format!("PUT {}/ HTTP/1.1\r\ncontent-length: 3\r\n\r\n", server.url()));
    server.wait_for_requests(1);
    client.send("abc");
    assert!(client.rest().0.ends_with("\r\n\r\nabc"));
}

#[test]
fn credentials_are_demanded_on_the_same_connection() {
    let server = FaultServer::always(Reply::ok("hi"));
    let proxy = ProxyServer::start(ProxyScript::new().basic_auth("svc", "hunter2"));
    let target = server.address().to_string();
    let mut client = connect(&proxy, &target, "");
    for headers in ["proxy-authorization: Basic nonsense\r\n", CREDENTIALS] {
        let (head, _) = client.response();
        assert!(head.starts_with("HTTP/1.1 407 \r\nproxy-authenticate: Basic "), "{head}");
        client.send(format!("CONNECT {target} HTTP/1.1\r\n{headers}\r\n"));
    }
    assert_eq!(client.head(), "HTTP/1.1 200 \r\n\r\n");
    assert_eq!((proxy.connections(), proxy.request_count(), proxy.tunnels()), (1, 3, 1));
    assert!(
        get(&proxy, &format!("{}/", server.url()), "connection: close\r\n").0.contains(" 407 ")
    );
    assert_eq!(server.request_count(), 0);
}

#[test]
fn connect_may_be_answered_by_any_reply() {
    for (reply, expected) in [
        (
            Reply::status(503).close(),
            "HTTP/1.1 503 \r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        ),
        (Reply::close_before_head(), ""),
        (Reply::ok("").cut_head_after(12, Cut::Close), "HTTP/1.1 200"),
        (Reply::raw("no HTTP"), "no HTTP"),
    ] {
        let proxy = ProxyServer::start(ProxyScript::new().answer_connect(reply));
        let (text, ended) = connect(&proxy, "127.0.0.1:1", "").rest();
        assert_eq!((text.as_str(), ended), (expected, Ok(())));
        assert_eq!((proxy.request_count(), proxy.tunnels()), (1, 0));
    }
    let proxy = ProxyServer::start(ProxyScript::new().answer_connect(Reply::stall()));
    let client = connect(&proxy, "127.0.0.1:1", "");
    proxy.wait_for_requests(1);
    drop(client);
    proxy.wait_for_connections_closed();
    let proxy = ProxyServer::start(ProxyScript::new().answer_forward(Reply::status(502).close()));
    assert!(get(&proxy, "http://127.0.0.1:1/", "").0.contains(" 502 "));
}

#[test]
fn nothing_but_this_machine_is_reached() {
    let proxy = ProxyServer::start(ProxyScript::new());
    for target in ["192.0.2.1:443", "example.com:443", "[2001:db8::1]:443"] {
        assert!(connect(&proxy, target, "").response().0.starts_with("HTTP/1.1 403 "), "{target}");
    }
    for target in ["127.0.0.1", "/path", "127.0.0.1:port"] {
        assert!(connect(&proxy, target, "").response().0.starts_with("HTTP/1.1 400 "), "{target}");
    }
    for url in ["http://example.com/", "http://192.0.2.1/"] {
        assert!(get(&proxy, url, "connection: close\r\n").0.contains(" 403 "), "{url}");
    }
    assert!(get(&proxy, "/path", "connection: close\r\n").0.contains(" 400 "));
    let nobody = FaultServer::refusing();
    let nobody = nobody.address().to_string();
    assert!(connect(&proxy, &nobody, "").response().0.starts_with("HTTP/1.1 502 "));
    assert_eq!(proxy.tunnels(), 0);
}

#[test]
fn a_name_may_be_known_to_the_proxy_alone() {
    let server = FaultServer::always(Reply::ok("hi").close());
    let script = ProxyScript::new().host("API.example.com", server.address());
    let proxy = ProxyServer::start(script);
    let mut client = connect(&proxy, "api.example.com:443", "");
    assert_eq!(client.head(), "HTTP/1.1 200 \r\n\r\n");
    client.send(GET);
    assert!(client.rest().0.ends_with("hi"));
    assert!(get(&proxy, "http://api.example.com/", "").0.ends_with("hi"));
}

#[test]
fn dropping_the_proxy_ends_its_tunnels() {
    let silent = Script::always(Reply::ok("")).on_connect([OnConnect::Stall]);
    for script in [Reply::stall().into(), silent] {
        let server = FaultServer::start(script);
        for half_closed in [false, true] {
            let proxy = ProxyServer::start(ProxyScript::new());
            let mut client = tunnel(&proxy, &server);
            client.send(GET);
            proxy.wait_until(|seen| seen.relayed_to_targets() > 0);
            if half_closed {
                client.half_close();
            }
            drop(proxy);
            // Ended one way or the other; a proxy that does not stop would be a timeout.
            let (_, ended) = client.rest();
            assert!(ended.is_ok() || ended == Err(ErrorKind::ConnectionReset), "{ended:?}");
        }
    }
}

#[test]
fn no_debug_shows_credentials() {
    let proxy = ProxyServer::start(ProxyScript::new().basic_auth("svc", "hunter2"));
    let mut client = connect(&proxy, "127.0.0.1:1", CREDENTIALS);
    client.response();
    let shown = format!("{proxy:?} {:?}", proxy.requests());
    assert!(!shown.contains("hunter2") && !shown.contains("c3Zj"), "{shown}");
}
