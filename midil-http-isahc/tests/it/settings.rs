//! Each setting, as the server or the system sees it.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::thread;
use std::time::Duration;

use futures_util::FutureExt as _;
use midil_http_core::{Proxy, ProxySettings, Transport, TransportBuilder};
use midil_http_isahc::IsahcTransport;
use midil_http_test::fault_server::{FaultServer, Gate, Reply};

use super::support::{child, get, is_child, outcome, post, run, transport};

fn build(
    settings: impl FnOnce(TransportBuilder<IsahcTransport>) -> TransportBuilder<IsahcTransport>,
) -> IsahcTransport {
    settings(IsahcTransport::builder()).build().unwrap()
}

#[test]
fn exchanges_in_flight_are_limited_until_their_bodies_end() {
    run(async {
        let transport = build(|settings| settings.max_connections(2));
        // More than comes with the head.
        let long = "x".repeat(20 * 1024);
        let server = FaultServer::always(Reply::ok(long.clone()));
        let first = transport.send(get(&server.url())).await.unwrap();
        let second = transport.send(post(&server.url(), "x")).await.unwrap();
        let mut third = transport.send(get(&server.url()));
        let mut fourth = transport.send(get(&server.url()));
        assert!((&mut third).now_or_never().is_none());
        assert!((&mut fourth).now_or_never().is_none());
        assert_eq!(server.request_count(), 2);
        drop(third); // it leaves the line
        drop(first.into_body());
        assert_eq!(fourth.await.unwrap().into_body().collect(1 << 16).await.unwrap(), long);
        assert_eq!(second.into_body().collect(1 << 16).await.unwrap(), long);
        assert_eq!(server.request_count(), 3);
    });
}

/// Then nothing is in flight any more, though nobody has read it yet.
#[test]
fn a_body_that_came_with_its_head_holds_no_connection() {
    run(async {
        let transport = build(|settings| settings.max_connections(1));
        let server = FaultServer::always(Reply::ok("hello"));
        let mut unread = Vec::new();
        for _ in 0..3 {
            unread.push(transport.send(get(&server.url())).await.unwrap());
            assert!(format!("{transport:?}").contains("free_connections: 1"), "{transport:?}");
        }
        assert_eq!(server.connections(), 1, "none of them was broken off");
        for response in unread {
            assert_eq!(response.into_body().collect(10).await.unwrap(), "hello");
        }
    });
}

#[test]
fn no_more_connections_are_kept_than_was_said() {
    run(async {
        for (kept, expiry, connections) in [(20, 30_000, 1), (0, 30_000, 3), (20, 999, 3)] {
            let transport = build(|settings| {
                settings
                    .max_keepalive_connections(kept)
                    .keepalive_expiry(Duration::from_millis(expiry))
            });
            let server = FaultServer::always(Reply::ok("hello"));
            for _ in 0..3 {
                assert_eq!(outcome(&transport, get(&server.url())).await, "200 hello");
            }
            assert_eq!(server.connections(), connections, "{kept}, {expiry} ms");
        }
    });
}

/// It counts for all servers together.
#[test]
fn of_two_servers_one_connection_is_kept() {
    run(async {
        let transport = build(|settings| settings.max_keepalive_connections(1));
        let servers = [Reply::ok("one"), Reply::ok("two")].map(FaultServer::always);
        for _ in 0..2 {
            for server in &servers {
                outcome(&transport, get(&server.url())).await;
            }
        }
        let connections: usize = servers.iter().map(FaultServer::connections).sum();
        assert!(connections > 2, "both were kept");
    });
}

#[test]
fn a_clone_shares_connections_and_limit() {
    run(async {
        let transport = build(|settings| settings.max_connections(1));
        let (server, gate) = (FaultServer::always(Reply::ok("hello")), Gate::new());
        let held = FaultServer::always(Reply::ok("late").hold(&gate));
        assert_eq!(outcome(&transport, get(&server.url())).await, "200 hello");
        assert_eq!(outcome(&transport.clone(), get(&server.url())).await, "200 hello");
        assert_eq!(server.connections(), 1);
        let mut holding = transport.send(get(&held.url()));
        assert!((&mut holding).now_or_never().is_none());
        let clone = transport.clone();
        assert!(clone.send(get(&server.url())).now_or_never().is_none());
        gate.open();
        assert_eq!(holding.await.unwrap().status(), 200);
    });
}

/// A server that tells who called, and what the system does for the connection meanwhile.
fn telling_server() -> String {
    use std::io::{Read as _, Write as _};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let _ = socket.read(&mut [0; 4096]);
            let peer = socket.peer_addr().unwrap();
            let body = format!(
                "{} {}",
                peer.ip(),
                if is_kept_alive(peer.port()) { "alive" } else { "silent" }
            );
            let length = body.len();
            let _ = write!(
                socket,
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            );
        }
    });
    url
}

/// Whether the system has a timer running for keepalive: `02` in the sixth column of `/proc/net/tcp`.
fn is_kept_alive(port: u16) -> bool {
    let connections = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let local = format!(":{port:04X}");
    let mut mine = connections.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    mine.any(|columns| columns[1].ends_with(&local) && columns[5].starts_with("02:"))
}

#[cfg(target_os = "linux")]
#[test]
fn the_local_address_and_keepalive_are_those_that_were_set() {
    run(async {
        let url = telling_server();
        assert_eq!(outcome(&transport(), get(&url)).await, "200 127.0.0.1 alive");
        let other = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
        let transport = build(|settings| settings.local_address(other).no_tcp_keepalive());
        for request in [get(&url), post(&url, "x")] {
            assert_eq!(outcome(&transport, request).await, "200 127.0.0.2 silent");
        }
        let nobodys = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        let transport = build(|settings| settings.local_address(nobodys));
        assert_eq!(outcome(&transport, get(&url)).await, "head: Connect, No");
    });
}

#[test]
fn plain_http_goes_to_the_proxy_with_its_credentials_and_elsewhere_without() {
    run(async {
        let (proxy, server) =
            (FaultServer::always(Reply::ok("proxy")), FaultServer::always(Reply::ok("direct")));
        let settings = Proxy::try_new(&proxy.url())
            .unwrap()
            .basic_auth("svc", "hunter2")
            .no_proxy(["127.0.0.1"]);
        let transport = build(|builder| builder.proxy(ProxySettings::Explicit(settings)));
        assert_eq!(outcome(&transport, get("http://service.test/users?a=b")).await, "200 proxy");
        assert_eq!(outcome(&transport, post("http://service.test/users", "x")).await, "200 proxy");
        assert_eq!(outcome(&transport, get(&server.url())).await, "200 direct");
        let seen = proxy.requests();
        assert_eq!(seen[0].target(), "http://service.test/users?a=b");
        assert_eq!(seen[1].target(), "http://service.test/users");
        for seen in &seen {
            assert_eq!(seen.header("proxy-authorization"), Some("Basic c3ZjOmh1bnRlcjI="));
            // What curl says beside: for servers of the last century.
            assert_eq!(seen.header("proxy-connection"), Some("Keep-Alive"));
        }
        let direct = &server.requests()[0];
        assert_eq!((direct.target(), direct.header("proxy-authorization")), ("/", None));
    });
}

/// The environment is a process's own: so each case has one.
#[test]
fn the_environment_decides_when_it_is_asked_and_then_alone() {
    let name = "settings::the_environment_decides_when_it_is_asked_and_then_alone";
    if !is_child() {
        let (proxy, other) =
            (FaultServer::always(Reply::ok("proxy")), FaultServer::always(Reply::ok("other")));
        let (at, other_at) = (proxy.url(), other.url());
        for variable in ["http_proxy", "HTTP_PROXY", "ALL_PROXY"] {
            child(name, &[(variable, &at), ("EXPECT", "200 proxy")]);
        }
        // curl would look at these by itself.
        child(name, &[("http_proxy", &at), ("MODE", "disabled"), ("EXPECT", "head: Dns, No")]);
        child(
            name,
            &[("http_proxy", &at), ("no_proxy", "service.onion"), ("EXPECT", "head: Dns, No")],
        );
        let explicit = [("MODE", "explicit"), ("PROXY", &*other_at), ("EXPECT", "200 other")];
        child(name, &[&[("http_proxy", &*at), ("no_proxy", "*")][..], &explicit[..]].concat());
        return;
    }
    run(async {
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        let proxy = match &*variable("MODE") {
            "disabled" => ProxySettings::Disabled,
            "explicit" => ProxySettings::Explicit(Proxy::try_new(&variable("PROXY")).unwrap()),
            _ => ProxySettings::Environment,
        };
        let transport = build(|settings| settings.proxy(proxy));
        for request in [get("http://service.onion/"), post("http://service.onion/", "x")] {
            assert_eq!(outcome(&transport, request).await, variable("EXPECT"));
        }
    });
}

/// What the caller set for timeouts, redirects and the like is overridden, what it set for connections is not.
#[test]
fn a_client_of_the_callers_does_one_exchange() {
    use isahc::auth::{Authentication, Credentials};
    use isahc::config::{Configurable as _, RedirectPolicy};
    run(async {
        let server = FaultServer::sequence([
            Reply::status(302)
                .header("location", "/elsewhere")
                .header("content-encoding", "gzip")
                .body("no"),
            Reply::ok("slow").hold_body(&Gate::new()),
        ]);
        let other = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
        let client = || {
            let client = isahc::HttpClient::builder()
                .redirect_policy(RedirectPolicy::Follow)
                .timeout(Duration::from_millis(1))
                .authentication(Authentication::basic())
                .credentials(Credentials::new("svc", "hunter2"))
                .interface(other);
            client.build().unwrap()
        };
        let transport = IsahcTransport::from((client(), client()));
        assert_eq!(outcome(&transport, get(&server.url())).await, "302 no");
        assert_eq!(server.requests()[0].header("authorization"), None);
        let url = telling_server();
        assert_eq!(outcome(&transport, get(&url)).await, "200 127.0.0.2 silent");
        assert_eq!(outcome(&transport, post(&url, "x")).await, "200 127.0.0.2 silent");
    });
}
