//! A connection that does not come about in time. The clock is a paused one: it jumps to the next timer.

use std::sync::Arc;
use std::time::Duration;

use midil_http_core::{Error, Phase, Sent, TimeoutKind, Transport, TransportSettings};
use midil_http_reqwest::ReqwestTransport;
use midil_http_test::fault_server::{FaultServer, Reply};

use super::support::{get, rendered, transport_error};

const LIMIT: Duration = Duration::from_secs(7);

/// Never answers.
struct SlowDns;

impl reqwest::dns::Resolve for SlowDns {
    fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
        Box::pin(std::future::pending())
    }
}

fn settings() -> TransportSettings {
    let mut settings = TransportSettings::default();
    settings.connect_timeout = LIMIT;
    settings
}

fn slow() -> reqwest::ClientBuilder {
    reqwest::Client::builder().dns_resolver(Arc::new(SlowDns))
}

async fn connect_error(transport: &ReqwestTransport, url: &str) -> (Option<Duration>, String) {
    let error = transport.send(get(url)).await.unwrap_err();
    assert_eq!(error.sent(), Sent::No);
    assert!(error.is_connect() && error.is_timeout(), "{error:?}");
    let text = rendered(&error);
    match error {
        Error::Timeout(error) => {
            assert_eq!((error.kind(), error.phase()), (TimeoutKind::Connect, Phase::Connect));
            (Some(error.after()), text)
        }
        other => panic!("no timeout: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_not_resolved_in_time() {
    let transport = ReqwestTransport::try_from((slow(), settings())).unwrap();
    let (after, text) = connect_error(&transport, "http://slow.test/?token=hunter2").await;
    assert_eq!(after, Some(LIMIT));
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_builder_without_a_connect_timeout_is_given_one() {
    let transport = ReqwestTransport::try_from(slow()).unwrap();
    let (after, _) = connect_error(&transport, "http://slow.test/").await;
    assert_eq!(after, Some(Duration::from_secs(10)));
}

/// What the builder's own limit is, it does not tell: the error has the time that passed.
#[tokio::test(start_paused = true)]
async fn a_builder_keeps_its_connect_timeout() {
    let transport = ReqwestTransport::try_from(slow().connect_timeout(LIMIT)).unwrap();
    let (after, _) = connect_error(&transport, "http://slow.test/").await;
    assert!(after.unwrap() < LIMIT, "the clock of this test jumps, the error's does not");
}

#[cfg(feature = "rustls")]
#[tokio::test(start_paused = true)]
async fn a_tls_handshake_that_stalls() {
    use midil_http_test::fault_server::{OnConnect, Script};

    let server = FaultServer::start(Script::always(Reply::ok("")).on_connect([OnConnect::Stall]));
    let transport = ReqwestTransport::from_settings(&settings()).unwrap();
    let url = server.url().replace("http:", "https:");
    assert_eq!(connect_error(&transport, &url).await.0, Some(LIMIT));
}

/// It cannot be seen beforehand, nor switched off; so at least it is named.
#[tokio::test(start_paused = true)]
async fn a_read_timeout_of_the_builder_is_named() {
    let server = FaultServer::always(Reply::ok("hello").stall_body_after(2));
    let client = reqwest::Client::builder().read_timeout(Duration::from_secs(1 << 20));
    let transport = ReqwestTransport::try_from(client).unwrap();
    let error = async {
        let mut body = transport.send(get(&server.url())).await?.into_body();
        while body.chunk().await?.is_some() {}
        Ok::<_, Error>(())
    };
    let error = error.await.unwrap_err();
    assert_eq!(transport_error(&error).sent(), Sent::Maybe);
    assert!(error.to_string().contains("reqwest's own `read_timeout` fired"), "{error}");
}

/// A load balancer has forgotten the flow, say: nothing comes any more, not even an end.
#[cfg(feature = "http2")]
#[tokio::test(start_paused = true)]
async fn a_connection_over_http2_that_has_fallen_silent_is_given_up() {
    use midil_http_core::Protocol;
    use midil_http_core::TransportErrorKind::Closed;
    use midil_http_test::fault_server::{Http2Reply, Http2Server, OnConnect, Script};

    use super::support::{exchange, verdict};

    let fates = [OnConnect::Stall, OnConnect::Serve];
    let server = Http2Server::start(Script::always(Http2Reply::ok("hello")).on_connect(fates));
    let transport = ReqwestTransport::builder().protocol(Protocol::Http2PriorKnowledge);
    let transport = transport.connect_timeout(Duration::from_secs(3600)).build().unwrap();
    // Sooner than the client's own `timeout` would, so that a retry takes another connection.
    let call = exchange(&transport, get(&server.url()));
    let outcome = tokio::time::timeout(Duration::from_secs(30), call).await;
    let error = outcome.expect("nobody asks whether the connection lives").unwrap_err();
    assert_eq!(verdict(&error), (Closed, Sent::Maybe));

    tokio::time::resume();
    assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hello");
    assert_eq!(server.connections(), 2);
}
