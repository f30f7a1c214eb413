//! Proxies: requests that they forward, tunnels that they make, and what they are told.

use std::process::Command;

use midil_http_core::{Proxy, ProxySettings, TransportBuilder};
use midil_http_hyper::HyperTransport;
use midil_http_test::fault_server::{FaultServer, Reply};

use super::support::{exchange, get, run, transport};

const CHILD: &str = "MIDIL_TEST_PROXY_CHILD";

/// Runs the test below with `variable` set.
fn child(variable: &str, value: &str) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        child.env_remove(name).env_remove(name.to_lowercase());
    }
    let outcome = child
        .args(["--exact", "proxy::in_the_child"])
        .env(CHILD, "1")
        .env(variable, value)
        .output()
        .unwrap();
    assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stdout));
}

#[test]
fn the_proxy_of_the_environment_is_used() {
    let proxy = FaultServer::always(Reply::ok("from afar"));
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        child(variable, &proxy.url());
    }
    let targets: Vec<_> = proxy.requests().iter().map(|seen| seen.target().to_owned()).collect();
    assert_eq!(targets, ["http://service.test/users"; 3]);
}

/// Does nothing but as a child.
#[test]
fn in_the_child() {
    if std::env::var_os(CHILD).is_some() {
        run(async {
            let request = get("http://service.test/users");
            assert_eq!(exchange(&transport(), request).await.unwrap(), "from afar");
        });
    }
}

pub(crate) fn through(proxy: &FaultServer) -> TransportBuilder<HyperTransport> {
    let proxy = Proxy::try_new(&proxy.url()).unwrap().basic_auth("svc", "hunter2");
    HyperTransport::builder().proxy(ProxySettings::Explicit(proxy.no_proxy(["127.0.0.1"])))
}

pub(crate) const CREDENTIALS: &str = "Basic c3ZjOmh1bnRlcjI=";

#[test]
fn a_request_is_forwarded_as_a_whole() {
    run(async {
        let proxy = FaultServer::always(Reply::ok("from afar"));
        let transport = through(&proxy).build().unwrap();
        for _ in 0..2 {
            let request = get("http://service.test:8080/users?limit=1");
            assert_eq!(exchange(&transport, request).await.unwrap(), "from afar");
        }
        assert_eq!(proxy.connections(), 1);
        let seen = &proxy.requests()[1];
        assert_eq!(seen.target(), "http://service.test:8080/users?limit=1");
        assert_eq!(seen.header("host"), Some("service.test:8080"));
        assert_eq!(seen.header("proxy-authorization"), Some(CREDENTIALS));
    });
}

#[test]
fn a_server_that_is_reached_directly_learns_nothing_of_the_proxy() {
    run(async {
        let (proxy, server) = (FaultServer::refusing(), FaultServer::always(Reply::ok("here")));
        let explicit = Proxy::try_new(&proxy.url()).unwrap().basic_auth("svc", "hunter2");
        let explicit = ProxySettings::Explicit(explicit.no_proxy(["127.0.0.1"]));
        let transport = HyperTransport::builder().proxy(explicit).build().unwrap();
        assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "here");
        assert_eq!(server.requests()[0].header("proxy-authorization"), None);
        assert_eq!(server.requests()[0].target(), "/");
    });
}
