//! Proxies: who goes through them, who does not, and who learns the credentials.

use std::process::Command;

use midil_http_core::TransportErrorKind::Connect;
use midil_http_core::{Error, Proxy, ProxySettings, Sent, Transport, TransportSettings};
use midil_http_reqwest::ReqwestTransport;
use midil_http_test::fault_server::{FaultServer, ProxyScript, ProxyServer, Reply};

use super::support::{exchange, get, rendered, run, transport, verdict};

/// `svc` with a password that must be encoded wherever it stands in a URL.
const PASSWORD: &str = "50%25 ü:@/hunter2";
const AUTHORIZATION: &str = "Basic c3ZjOjUwJTI1IMO8OkAvaHVudGVyMg==";

fn through(proxy: Proxy) -> ReqwestTransport {
    ReqwestTransport::builder().proxy(proxy).build().unwrap()
}

fn with_credentials(url: &str) -> Proxy {
    Proxy::try_new(url).unwrap().basic_auth("svc", PASSWORD)
}

#[test]
fn plain_http_is_forwarded_with_credentials_for_the_proxy() {
    run(async {
        let proxy = FaultServer::always(Reply::ok("from afar"));
        for (chosen, sent) in [
            (Proxy::try_new(&proxy.url()).unwrap(), None),
            (with_credentials(&proxy.url()), Some(AUTHORIZATION)),
        ] {
            let before = proxy.request_count();
            let transport = through(chosen);
            for _ in 0..2 {
                let answer = exchange(&transport, get("http://service.test/users?a=b")).await;
                assert_eq!(answer.unwrap(), "from afar");
            }
            for request in &proxy.requests()[before..] {
                assert_eq!(request.target(), "http://service.test/users?a=b");
                assert_eq!(request.header("host"), Some("service.test"));
                assert_eq!(
                    Vec::from_iter(request.headers_named("proxy-authorization")),
                    Vec::from_iter(sent)
                );
            }
        }
    });
}

#[test]
fn who_is_reached_without_the_proxy_does_not_learn_its_credentials() {
    run(async {
        let proxy = FaultServer::always(Reply::ok("from afar"));
        let server = FaultServer::always(Reply::ok("from nearby"));
        let port = server.address().port();
        for entry in ["*".to_owned(), "127.0.0.0/8".to_owned(), format!("127.0.0.1:{port}")] {
            let transport = through(with_credentials(&proxy.url()).no_proxy([entry]));
            let answer = exchange(&transport, get(&server.url())).await.unwrap();
            assert_eq!(answer, "from nearby");
        }
        let not_it = through(with_credentials(&proxy.url()).no_proxy(["127.0.0.1:1"]));
        assert_eq!(exchange(&not_it, get(&server.url())).await.unwrap(), "from afar");
        for request in server.requests() {
            assert_eq!(request.header("proxy-authorization"), None);
            assert_eq!(request.target(), "/");
        }
        assert_eq!((server.request_count(), proxy.request_count()), (3, 1));
    });
}

#[test]
fn a_tunnel_that_is_refused_is_no_connection() {
    run(async {
        for status in [407, 403, 502] {
            let proxy = FaultServer::always(Reply::status(status).close());
            let transport = through(with_credentials(&proxy.url()));
            let outcome = exchange(&transport, get("https://service.test/")).await;
            let error = outcome.unwrap_err();
            if cfg!(feature = "rustls") {
                assert_eq!(verdict(&error), (Connect, Sent::No), "{error:?}");
                let text = error.to_string();
                assert!(text.starts_with("the proxy opened no tunnel"), "{text}");
                assert_eq!(proxy.requests()[0].target(), "service.test:443");
            } else {
                assert!(matches!(error, Error::Build(_)), "{error:?}");
                assert_eq!(proxy.request_count(), 0, "nothing goes out in the clear");
            }
            assert!(!rendered(&error).contains("hunter2") && !rendered(&error).contains("c3Zj"));
        }
    });
}

#[test]
fn a_proxy_that_is_not_there_is_no_connection() {
    run(async {
        let port = FaultServer::refusing();
        let transport = through(with_credentials(&port.url()));
        let error = exchange(&transport, get("http://service.test/")).await.unwrap_err();
        assert_eq!(verdict(&error), (Connect, Sent::No), "{error:?}");
        assert!(!rendered(&error).contains("hunter2"));
    });
}

#[test]
fn settings_win_over_the_proxies_of_a_builder_where_they_name_one() {
    run(async {
        let theirs = FaultServer::always(Reply::ok("theirs"));
        let ours = FaultServer::always(Reply::ok("ours"));
        let direct = FaultServer::always(Reply::ok("direct"));
        let explicit = ProxySettings::Explicit(Proxy::try_new(&ours.url()).unwrap());
        for (proxy, answered) in [
            (ProxySettings::Environment, "theirs"),
            (ProxySettings::Disabled, "direct"),
            (explicit, "ours"),
        ] {
            let builder = reqwest::Client::builder();
            let builder = builder.proxy(reqwest::Proxy::all(theirs.url()).unwrap());
            let mut settings = TransportSettings::default();
            settings.proxy = proxy;
            let transport = ReqwestTransport::try_from((builder, settings)).unwrap();
            assert_eq!(exchange(&transport, get(&direct.url())).await.unwrap(), answered);
        }
    });
}

#[test]
fn a_proxy_that_asks_for_credentials_gets_the_right_ones() {
    run(async {
        let server = FaultServer::always(Reply::ok("hello"));
        let proxy = ProxyServer::start(ProxyScript::new().basic_auth("svc", PASSWORD));
        let right = through(with_credentials(&proxy.url()));
        assert_eq!(exchange(&right, get(&server.url())).await.unwrap(), "hello");
        assert_eq!(server.requests()[0].header("proxy-authorization"), None);

        let wrong = Proxy::try_new(&proxy.url()).unwrap().basic_auth("svc", "hunter3");
        let response = through(wrong).send(get(&server.url())).await.unwrap();
        assert_eq!(response.status(), 407);
        assert_eq!(server.request_count(), 1);
    });
}

#[cfg(feature = "rustls")]
#[test]
fn https_goes_through_a_tunnel_and_credentials_to_its_opener_alone() {
    use midil_http_core::Protocol;
    use midil_http_test::fault_server::Tls;

    use super::support::run_on_one_thread;

    run_on_one_thread(async {
        let tls = Tls::good();
        let server = FaultServer::start_tls(Reply::ok("hello"), &tls);
        let proxy = ProxyServer::start(ProxyScript::new().basic_auth("svc", PASSWORD));
        let transport = ReqwestTransport::builder()
            .root_certificate(tls.root_certificate_pem())
            .proxy(with_credentials(&proxy.url()))
            .user_agent("ours/1.0")
            .protocol(Protocol::Http1)
            .build()
            .unwrap();
        for _ in 0..3 {
            assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hello");
        }
        assert_eq!((proxy.request_count(), proxy.tunnels()), (1, 1), "one tunnel serves all");
        let asked = &proxy.requests()[0];
        assert_eq!((asked.method(), asked.target()), ("CONNECT", &*server.address().to_string()));
        assert_eq!(asked.header("proxy-authorization"), Some(AUTHORIZATION));
        assert_eq!(asked.header("user-agent"), Some("ours/1.0"));
        for request in server.requests() {
            assert_eq!(request.header("proxy-authorization"), None);
            assert_eq!(request.target(), "/");
        }
    });
}

// The proxy of the environment, which only a process of its own can be given.

const CHILD: &str = "MIDIL_TEST_PROXY_CHILD";

/// Runs the test below with these variables set, to be answered with `answer`, or not to be built.
fn child(variables: &[(&str, &str)], answer: &str) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        child.env_remove(name).env_remove(name.to_lowercase());
    }
    let outcome = child
        .args(["--exact", "proxy::in_the_child"])
        .env(CHILD, answer)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stdout));
}

#[test]
fn the_proxy_of_the_environment_is_used() {
    let proxy = FaultServer::always(Reply::ok("from afar"));
    let url = proxy.url().replace("//", "//svc:hunt%40er2@");
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        child(&[(variable, &*url)], "from afar");
    }
    for request in proxy.requests() {
        assert_eq!(request.target(), "http://service.test/users");
        let sent = request.header("proxy-authorization");
        assert_eq!(sent, Some("Basic c3ZjOmh1bnRAZXIy"));
    }
    assert_eq!(proxy.request_count(), 3);

    // Nobody answers at `service.test` itself.
    for exception in ["service.test", "*", ".test", "other.test service.test:80"] {
        child(&[("ALL_PROXY", &*url), ("NO_PROXY", exception)], "nobody");
    }
    child(&[("HTTPS_PROXY", &*url)], "nobody");
    child(&[("HTTP_PROXY", &*url), ("REQUEST_METHOD", "GET")], "nobody");
    assert_eq!(proxy.request_count(), 3);

    child(&[("ALL_PROXY", "socks5://svc:hunter2@localhost:1")], "ALL_PROXY cannot be");
}

/// Does nothing but as a child.
#[test]
fn in_the_child() {
    let Ok(expected) = std::env::var(CHILD) else { return };
    let Ok(transport) = ReqwestTransport::try_new() else {
        let error = ReqwestTransport::try_new().unwrap_err();
        assert!(error.to_string().starts_with(&expected), "{error}");
        assert!(!rendered(&error).contains("hunter2"));
        return;
    };
    run(async {
        let answer = exchange(&transport, get("http://service.test/users")).await;
        assert_eq!(answer.unwrap_or_else(|_| "nobody".to_owned()), expected);
    });
}

/// The environment of this test may name one; then it is asked.
#[test]
fn without_a_proxy_the_server_is_reached_directly() {
    run(async {
        let server = FaultServer::always(Reply::ok("hello"));
        let disabled = ReqwestTransport::builder().proxy(ProxySettings::Disabled).build().unwrap();
        assert_eq!(exchange(&disabled, get(&server.url())).await.unwrap(), "hello");
        drop(transport());
    });
}
