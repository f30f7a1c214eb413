//! What goes to a proxy, what goes through it, and what passes it by.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use midil_http_core::TransportErrorKind::{Connect, Tls as TlsKind};
use midil_http_core::{
    Error, Proxy, ProxySettings, Sent, TimeoutKind, Transport, TransportSettings,
};

use crate::conformance::bench::Bench;
use crate::conformance::case::cases;
use crate::conformance::requests::{WithHeader as _, exchange, get, post};
use crate::conformance::uploads::once;
use crate::conformance::verdict::{
    Failure, Verdict, chain, ensure, error_of, everything, same, transport_error,
};
use crate::fault_server::{Authority, FaultServer, ProxyScript, ProxyServer, Reply, Tls};

cases!["Proxy":
    a_plain_request_names_its_whole_url,
    an_ipv6_host_keeps_its_brackets,
    the_host_leaves_out_the_default_port,
    an_upload_passes_a_proxy,
    an_https_request_goes_through_a_tunnel,
    a_tunnel_names_the_default_port,
    a_tunnel_is_used_again,
    a_tunnel_is_asked_for_without_the_requests_headers,
    a_tunnel_is_asked_for_by_the_user_agent_of_the_settings,
    a_certificate_is_checked_through_a_tunnel,
    credentials_go_to_the_proxy_alone,
    credentials_of_a_tunnel_go_to_the_proxy_alone,
    a_host_of_no_proxy_is_reached_directly,
    a_407_to_a_plain_request_is_a_response,
    a_407_to_a_tunnel_was_not_sent,
    a_tunnel_that_is_refused_was_not_sent,
    a_tunnel_that_is_closed_was_not_sent,
    a_tunnel_that_stalls_times_out,
    a_proxy_that_refuses_connections_was_not_sent,
    no_error_shows_the_credentials_of_a_proxy,
];

/// A transport that goes through `proxy`.
fn through(bench: &Bench, proxy: &ProxyServer) -> Result<Arc<dyn Transport>, Error> {
    through_with(bench, &proxy.url(), |_| {})
}

fn through_with(
    bench: &Bench,
    url: &str,
    change: impl FnOnce(&mut TransportSettings),
) -> Result<Arc<dyn Transport>, Error> {
    let proxy = Proxy::try_new(url)?;
    bench.transport_with(|settings| {
        settings.root_certificates.push(Authority::shared().root_certificate_pem().into());
        settings.proxy = ProxySettings::Explicit(proxy);
        change(settings);
    })
}

/// The URL of `proxy`, for a user that it knows.
fn as_user(proxy: &ProxyServer) -> String {
    proxy.url().replace("http://", "http://svc:hunter2@")
}

fn open() -> ProxyServer {
    ProxyServer::start(ProxyScript::new())
}

/// RFC 9112, section 3.2.2.
async fn a_plain_request_names_its_whole_url(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok("hello"));
    let proxy = ProxyServer::start(ProxyScript::new().host("api.example.com", server.address()));
    let request = get("http://api.example.com:8080/a%20b?c=%2F#d");
    let answer = exchange(&through(bench, &proxy)?, request).await?;
    same("the body", answer.text(), "hello")?;
    let target = proxy.requests()[0].target().to_owned();
    same("the target", target, "http://api.example.com:8080/a%20b?c=%2F")?;
    same("the Host", server.requests()[0].header("host"), Some("api.example.com:8080"))
}

/// RFC 3986, section 3.2.2.
async fn an_ipv6_host_keeps_its_brackets(bench: &Bench) -> Verdict {
    let proxy = ProxyServer::start(ProxyScript::new().answer_forward(Reply::ok("hello")));
    exchange(&through(bench, &proxy)?, get("http://[::1]:8080/a")).await?;
    let request = &proxy.requests()[0];
    same("the target", request.target(), "http://[::1]:8080/a")?;
    same("the Host", request.header("host"), Some("[::1]:8080"))
}

/// RFC 9110, section 7.2.
async fn the_host_leaves_out_the_default_port(bench: &Bench) -> Verdict {
    let proxy = ProxyServer::start(ProxyScript::new().answer_forward(Reply::ok("hello")));
    exchange(&through(bench, &proxy)?, get("http://api.example.com:80/a")).await?;
    let request = &proxy.requests()[0];
    same("the target", request.target(), "http://api.example.com/a")?;
    same("the Host", request.header("host"), Some("api.example.com"))
}

async fn an_upload_passes_a_proxy(bench: &Bench) -> Verdict {
    let (server, proxy) = (FaultServer::always(Reply::ok("thanks")), open());
    let transport = through(bench, &proxy)?;
    exchange(&transport, post(&server.url(), "abc")).await?;
    exchange(&transport, post(&server.url(), once(&["ab", "c"]))).await?;
    for request in server.requests() {
        same("the body", request.body(), b"abc")?;
    }
    same("the requests", (proxy.request_count(), server.request_count()), (2, 2))
}

/// RFC 9110, section 9.3.6.
async fn an_https_request_goes_through_a_tunnel(bench: &Bench) -> Verdict {
    let (server, proxy) = (FaultServer::start_tls(Reply::ok("hello"), &Tls::good()), open());
    let answer = exchange(&through(bench, &proxy)?, get(&format!("{}/a", server.url()))).await?;
    same("the body", answer.text(), "hello")?;
    let asked = &proxy.requests()[0];
    let expected = ("CONNECT", server.address().to_string());
    same("what the proxy was asked", (asked.method(), asked.target().to_owned()), expected)?;
    same("the target at the server", server.requests()[0].target(), "/a")
}

async fn a_tunnel_names_the_default_port(bench: &Bench) -> Verdict {
    let proxy = ProxyServer::start(ProxyScript::new().answer_connect(Reply::status(502)));
    error_of(exchange(&through(bench, &proxy)?, get("https://api.example.com/")).await)?;
    same("the target", proxy.requests()[0].target(), "api.example.com:443")
}

async fn a_tunnel_is_used_again(bench: &Bench) -> Verdict {
    let (server, proxy) = (FaultServer::start_tls(Reply::ok("hello"), &Tls::good()), open());
    let transport = through(bench, &proxy)?;
    for _ in 0..3 {
        exchange(&transport, get(&server.url())).await?;
        bench.settle().await?;
    }
    same("requests and tunnels", (server.request_count(), proxy.tunnels()), (3, 1))
}

/// They are encrypted for a reason.
async fn a_tunnel_is_asked_for_without_the_requests_headers(bench: &Bench) -> Verdict {
    let (server, proxy) = (FaultServer::start_tls(Reply::ok("hello"), &Tls::good()), open());
    let request = get(&format!("{}/path?query", server.url()));
    let request = request.with_header("authorization", "hunter2").with_header("x-id", "7");
    exchange(&through(bench, &proxy)?, request).await?;
    let asked = String::from_utf8_lossy(proxy.requests()[0].head_bytes()).to_lowercase();
    let shown = ["authorization", "hunter2", "x-id", "path", "query"];
    let shown = Vec::from_iter(shown.into_iter().filter(|word| asked.contains(word)));
    ensure(shown.is_empty(), format!("expected nothing of the request at the proxy, saw {shown:?}"))
}

async fn a_tunnel_is_asked_for_by_the_user_agent_of_the_settings(bench: &Bench) -> Verdict {
    let (server, proxy) = (FaultServer::start_tls(Reply::ok("hello"), &Tls::good()), open());
    let agent = HeaderValue::from_static("probe/1.0");
    let transport =
        through_with(bench, &proxy.url(), |settings| settings.user_agent = Some(agent))?;
    exchange(&transport, get(&server.url())).await?;
    same("User-Agent", proxy.requests()[0].header("user-agent"), Some("probe/1.0"))
}

async fn a_certificate_is_checked_through_a_tunnel(bench: &Bench) -> Verdict {
    for tls in [Tls::unknown_issuer(), Tls::wrong_host()] {
        let (server, proxy) = (FaultServer::start_tls(Reply::ok("hello"), &tls), open());
        let error = error_of(exchange(&through(bench, &proxy)?, get(&server.url())).await)?;
        transport_error(&error, &[TlsKind], Sent::No)?;
        same("the requests at the server", server.request_count(), 0)?;
    }
    Ok(())
}

/// `svc:hunter2`, as RFC 7617 has it.
const CREDENTIALS: &str = "Basic c3ZjOmh1bnRlcjI=";

async fn credentials_arrive(bench: &Bench, server: &FaultServer) -> Verdict {
    let proxy = ProxyServer::start(ProxyScript::new().basic_auth("svc", "hunter2"));
    let transport = through_with(bench, &as_user(&proxy), |_| {})?;
    same("the body", exchange(&transport, get(&server.url())).await?.text(), "hello")?;
    let last = proxy.requests().pop();
    let shown = last.as_ref().and_then(|request| request.header("proxy-authorization"));
    same("Proxy-Authorization at the proxy", shown, Some(CREDENTIALS))?;
    let there = server.requests();
    same("Proxy-Authorization at the server", there[0].header("proxy-authorization"), None)?;
    same("Authorization at the server", there[0].header("authorization"), None)
}

/// RFC 9110, section 11.7.2.
async fn credentials_go_to_the_proxy_alone(bench: &Bench) -> Verdict {
    credentials_arrive(bench, &FaultServer::always(Reply::ok("hello"))).await
}

async fn credentials_of_a_tunnel_go_to_the_proxy_alone(bench: &Bench) -> Verdict {
    credentials_arrive(bench, &FaultServer::start_tls(Reply::ok("hello"), &Tls::good())).await
}

async fn a_host_of_no_proxy_is_reached_directly(bench: &Bench) -> Verdict {
    let (server, proxy) = (FaultServer::always(Reply::ok("hello")), open());
    let settings = Proxy::try_new(&as_user(&proxy))?.no_proxy(["127.0.0.0/8"]);
    let transport = bench.transport_with(|all| all.proxy = ProxySettings::Explicit(settings))?;
    exchange(&transport, get(&server.url())).await?;
    same("the requests at the proxy", proxy.request_count(), 0)?;
    same("Proxy-Authorization", server.requests()[0].header("proxy-authorization"), None)
}

/// It is the proxy's answer, and there is no other: the caller is to see it.
async fn a_407_to_a_plain_request_is_a_response(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok("hello"));
    let proxy = ProxyServer::start(ProxyScript::new().basic_auth("svc", "hunter2"));
    let answer = exchange(&through(bench, &proxy)?, get(&server.url())).await?;
    same("the status", answer.status.as_u16(), 407)?;
    same("the requests", (proxy.request_count(), server.request_count()), (1, 0))
}

/// No connection came about, so nothing was sent.
async fn no_tunnel(bench: &Bench, script: ProxyScript) -> Verdict {
    let server = FaultServer::start_tls(Reply::ok("hello"), &Tls::good());
    let proxy = ProxyServer::start(script);
    for request in [get(&server.url()), post(&server.url(), "bytes")] {
        let error = error_of(exchange(&through(bench, &proxy)?, request).await)?;
        transport_error(&error, &[Connect], Sent::No)?;
    }
    same("the connections at the server", server.connections(), 0)?;
    same("the requests at the proxy", proxy.request_count(), 2)
}

async fn a_407_to_a_tunnel_was_not_sent(bench: &Bench) -> Verdict {
    no_tunnel(bench, ProxyScript::new().basic_auth("svc", "hunter2")).await
}

async fn a_tunnel_that_is_refused_was_not_sent(bench: &Bench) -> Verdict {
    for status in [403, 502, 503] {
        no_tunnel(bench, ProxyScript::new().answer_connect(Reply::status(status))).await?;
    }
    Ok(())
}

async fn a_tunnel_that_is_closed_was_not_sent(bench: &Bench) -> Verdict {
    no_tunnel(bench, ProxyScript::new().answer_connect(Reply::close_before_head())).await
}

async fn a_tunnel_that_stalls_times_out(bench: &Bench) -> Verdict {
    let server = FaultServer::start_tls(Reply::ok("hello"), &Tls::good());
    let proxy = ProxyServer::start(ProxyScript::new().answer_connect(Reply::stall()));
    let transport = through_with(bench, &proxy.url(), |settings| {
        settings.connect_timeout = Duration::from_millis(100);
    })?;
    match error_of(exchange(&transport, get(&server.url())).await)? {
        Error::Timeout(error) => {
            same("kind and sent", (error.kind(), error.sent()), (TimeoutKind::Connect, Sent::No))
        }
        other => Err(Failure(format!("expected Error::Timeout, saw {}", chain(&other)))),
    }
}

async fn a_proxy_that_refuses_connections_was_not_sent(bench: &Bench) -> Verdict {
    let (server, port) = (FaultServer::always(Reply::ok("hello")), FaultServer::refusing());
    let transport = through_with(bench, &port.url(), |_| {})?;
    for url in [server.url(), server.url().replace("http:", "https:")] {
        let error = error_of(exchange(&transport, get(&url)).await)?;
        transport_error(&error, &[Connect], Sent::No)?;
    }
    same("the connections at the server", server.connections(), 0)
}

async fn no_error_shows_the_credentials_of_a_proxy(bench: &Bench) -> Verdict {
    let port = FaultServer::refusing();
    let refusing = ProxyServer::start(ProxyScript::new().answer_connect(Reply::status(407)));
    let refused = port.url().replace("http://", "http://svc:hunter2@");
    for proxy in [refused, as_user(&refusing)] {
        let transport = through_with(bench, &proxy, |_| {})?;
        let error = error_of(exchange(&transport, get("https://127.0.0.1:1/")).await)?;
        let shown = everything(&error);
        let secret = shown.contains("hunter2") || shown.contains(CREDENTIALS);
        ensure(!secret, format!("expected no secret, saw {shown}"))?;
    }
    Ok(())
}
