//! When HTTP/2 is spoken.

use std::sync::Arc;

use http::Version;
use midil_http_core::{Error, Protocol, Proxy, ProxySettings, Transport};

use super::{knowing, knowing_with, negotiating};
use crate::conformance::bench::Bench;
use crate::conformance::case::cases;
use crate::conformance::requests::{exchange, get, read};
use crate::conformance::verdict::{Verdict, chain, ensure, error_of, same};
use crate::fault_server::{
    FaultServer, Http2Reply, Http2Server, ProxyScript, ProxyServer, Reply, Tls,
};

cases!["HTTP/2":
    http_2_is_spoken_where_the_server_chooses_it,
    http_1_1_is_spoken_where_the_server_chooses_it,
    http_1_1_is_spoken_where_the_server_chooses_nothing,
    prior_knowledge_speaks_http_2_over_plain_http,
    prior_knowledge_speaks_http_2_over_tls,
    prior_knowledge_that_is_wrong_is_an_error,
    http_2_passes_a_tunnel,
];

async fn speaks(transport: &Arc<dyn Transport>, url: &str, version: Version) -> Verdict {
    let response = transport.send(get(url)).await?;
    same("the version", response.version(), version)?;
    same("the body", read(response).await?.text(), "hello")
}

/// RFC 7301, by ALPN.
async fn http_2_is_spoken_where_the_server_chooses_it(bench: &Bench) -> Verdict {
    let server = Http2Server::start_tls(Http2Reply::ok("hello"), &Tls::good());
    let transport = negotiating(bench)?;
    for _ in 0..3 {
        speaks(&transport, &server.url(), Version::HTTP_2).await?;
    }
    same("the protocol that was agreed on", server.requests()[0].alpn(), Some("h2"))?;
    same("the connections", server.connections(), 1)
}

async fn http_1_1_is_spoken_where_the_server_chooses_it(bench: &Bench) -> Verdict {
    let server = FaultServer::start_tls(Reply::ok("hello"), &Tls::good());
    speaks(&negotiating(bench)?, &server.url(), Version::HTTP_11).await
}

async fn http_1_1_is_spoken_where_the_server_chooses_nothing(bench: &Bench) -> Verdict {
    let server = FaultServer::start_tls(Reply::ok("hello"), &Tls::good().alpn([""; 0]));
    speaks(&negotiating(bench)?, &server.url(), Version::HTTP_11).await
}

/// RFC 9113, section 3.3.
async fn prior_knowledge_speaks_http_2_over_plain_http(bench: &Bench) -> Verdict {
    let server = Http2Server::start(Http2Reply::ok("hello"));
    speaks(&knowing(bench)?, &server.url(), Version::HTTP_2).await
}

async fn prior_knowledge_speaks_http_2_over_tls(bench: &Bench) -> Verdict {
    let server = Http2Server::start_tls(Http2Reply::ok("hello"), &Tls::good());
    speaks(&knowing(bench)?, &server.url(), Version::HTTP_2).await
}

/// Nobody falls back to what was not asked for.
async fn prior_knowledge_that_is_wrong_is_an_error(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok("hello"));
    let error = error_of(exchange(&knowing(bench)?, get(&server.url())).await)?;
    let told = chain(&error);
    ensure(
        matches!(error, Error::Transport(_)),
        format!("expected Error::Transport, saw {}: {told}", error.kind()),
    )
}

async fn http_2_passes_a_tunnel(bench: &Bench) -> Verdict {
    let server = Http2Server::start_tls(Http2Reply::ok("hello"), &Tls::good());
    let proxy = ProxyServer::start(ProxyScript::new());
    let settings = Proxy::try_new(&proxy.url())?;
    let transport = knowing_with(bench, |all| {
        all.protocol = Protocol::Negotiated;
        all.proxy = ProxySettings::Explicit(settings);
    })?;
    speaks(&transport, &server.url(), Version::HTTP_2).await?;
    same("the tunnels", proxy.tunnels(), 1)
}
