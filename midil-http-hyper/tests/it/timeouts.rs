//! A connection that does not come about in time. The clock is a paused one: it jumps to the next timer.

use std::time::Duration;

use midil_http_core::{
    Error, Phase, Proxy, ProxySettings, Sent, TimeoutKind, Transport, TransportBuilder,
};
use midil_http_hyper::HyperTransport;
use midil_http_test::fault_server::{FaultServer, OnConnect, Reply, Script};

use super::support::{get, rendered};

const LIMIT: Duration = Duration::from_secs(7);

fn stalling() -> FaultServer {
    FaultServer::start(Script::always(Reply::ok("")).on_connect([OnConnect::Stall]))
}

fn builder() -> TransportBuilder<HyperTransport> {
    HyperTransport::builder().connect_timeout(LIMIT)
}

async fn expect_timeout(transport: &HyperTransport, url: &str) {
    let error = transport.send(get(url)).await.unwrap_err();
    assert_eq!(error.sent(), Sent::No);
    assert!(error.is_connect() && error.is_timeout(), "{error:?}");
    assert!(!rendered(&error).contains("hunter2"));
    let Error::Timeout(error) = error else { panic!("no timeout: {error:?}") };
    assert_eq!((error.kind(), error.phase()), (TimeoutKind::Connect, Phase::Connect));
    assert_eq!(error.after(), LIMIT);
}

#[cfg(feature = "rustls")]
#[tokio::test(start_paused = true)]
async fn a_tls_handshake_that_stalls() {
    let server = stalling();
    let url = server.url().replace("http:", "https:") + "?token=hunter2";
    expect_timeout(&builder().build().unwrap(), &url).await;
}

#[cfg(feature = "rustls")]
#[tokio::test(start_paused = true)]
async fn a_proxy_that_stalls() {
    let server = stalling();
    let proxy = Proxy::try_new(&server.url()).unwrap();
    let transport = builder().proxy(ProxySettings::Explicit(proxy)).build().unwrap();
    expect_timeout(&transport, "https://service.test/?token=hunter2").await;
}

/// Whoever waits for another call's connection waits no longer than for its own.
#[cfg(feature = "http2")]
#[tokio::test(start_paused = true)]
async fn all_who_wait_for_one_connection_give_up_together() {
    let server = stalling();
    let proxy = Proxy::try_new(&server.url()).unwrap();
    let builder = builder().protocol(midil_http_core::Protocol::Http2PriorKnowledge);
    let transport = builder.proxy(ProxySettings::Explicit(proxy)).build().unwrap();
    let started = tokio::time::Instant::now();
    let calls = (0..5).map(|_| expect_timeout(&transport, "http://service.test/"));
    futures_util::future::join_all(calls).await;
    assert!(started.elapsed() < LIMIT * 2, "{:?}", started.elapsed());
}
