//! Connections: a client that is closed or dropped leaves none behind, over any backend.
#![cfg(all(feature = "reqwest", feature = "retry"))]

use std::time::Duration;

use midil_http::{Error, HttpClient, ReqwestTransport, Transport};
use midil_http_test::fault_server::{FaultServer, Gate, Reply, Script};

use crate::support::whole::{on_the_wire, until, until_left};

/// What a backend offers: several transports, each made in another way.
type Make = fn() -> Box<dyn FnOnce(&str) -> HttpClient>;

fn of(transport: impl Transport) -> Box<dyn FnOnce(&str) -> HttpClient> {
    Box::new(move |url| HttpClient::builder(transport).base_url(url).build().unwrap())
}

/// The backends whose idle connections can be closed, by name.
fn backends() -> Vec<(&'static str, Make)> {
    vec![
        ("reqwest", || of(ReqwestTransport::try_new().unwrap())),
        #[cfg(feature = "hyper")]
        ("hyper", || of(midil_http::HyperTransport::try_new().unwrap())),
        #[cfg(feature = "isahc")]
        ("isahc", || of(midil_http::IsahcTransport::try_new().unwrap())),
    ]
}

/// Keeps three connections.
async fn keep_three(client: &HttpClient, server: &FaultServer, gate: &Gate) {
    let get = || async { client.get("/").send().await.unwrap().text().await.unwrap() };
    let open = async {
        until(|| server.request_count() == 3).await;
        gate.open();
    };
    tokio::join!(get(), get(), get(), open);
    assert_eq!(server.open_connections(), 3);
}

fn held(gate: &Gate) -> FaultServer {
    FaultServer::start(Script::always(Reply::ok("hello").hold(gate)))
}

#[test]
fn close_closes_every_connection() {
    on_the_wire(async {
        for (name, make) in backends() {
            let gate = Gate::new();
            let server = held(&gate);
            let client = make()(&server.url());
            keep_three(&client, &server, &gate).await;
            let report = client.close().await;
            assert!(report.is_clean(), "{name}: {report:?}");
            until_left(&server).await; // the client is there still
            drop(client);
        }
    });
}

#[test]
fn dropping_the_last_clone_closes_every_connection() {
    on_the_wire(async {
        for (name, make) in backends() {
            let gate = Gate::new();
            let server = held(&gate);
            let client = make()(&server.url());
            keep_three(&client, &server, &gate).await;
            let clone = client.clone();
            drop(client);
            assert_eq!(server.open_connections(), 3, "{name}");
            drop(clone);
            until_left(&server).await;
        }
    });
}

/// Calls that wait for the head, and bodies that are read, end and let go of their connections.
#[test]
fn what_is_dropped_lets_go_of_its_connection() {
    on_the_wire(async {
        for (name, make) in backends() {
            let gate = Gate::new();
            let server = FaultServer::respond_with({
                let gate = gate.clone();
                move |request| match request.target() {
                    "/body" => Reply::ok("hello, world").hold_body_after(5, &gate),
                    _ => Reply::ok("hello").hold(&gate),
                }
            });
            let client = make()(&server.url());
            let head = client.get("/head").send();
            let body = async { client.get("/body").send().await?.text().await };
            let close = async {
                until(|| server.request_count() == 2).await;
                client.close_within(Duration::from_millis(1)).await
            };
            let (head, body, report) = tokio::join!(head, body, close);
            assert!(matches!(head, Err(Error::Closed)), "{name}: {head:?}");
            assert!(matches!(body, Err(Error::Closed)), "{name}: {body:?}");
            assert_eq!(report.dropped().len(), 2, "{name}");
            until_left(&server).await;
        }
    });
}

/// A transport may be another client's as well, or a provider's.
#[test]
fn a_transport_that_is_shared_goes_on_for_others() {
    async fn check<T: Transport + Clone>(transport: T) {
        let server = FaultServer::always(Reply::ok("hello"));
        let build = || HttpClient::builder(transport.clone()).base_url(server.url()).build();
        let (one, other) = (build().unwrap(), build().unwrap());
        one.get("/").send().await.unwrap().text().await.unwrap();
        assert!(one.close().await.is_clean());
        until_left(&server).await;
        for _ in 0..2 {
            assert_eq!(other.get("/").send().await.unwrap().text().await.unwrap(), "hello");
        }
        assert_eq!(server.connections(), 2);
    }
    on_the_wire(async {
        check(ReqwestTransport::try_new().unwrap()).await;
        #[cfg(feature = "hyper")]
        check(midil_http::HyperTransport::try_new().unwrap()).await;
        #[cfg(feature = "isahc")]
        check(midil_http::IsahcTransport::try_new().unwrap()).await;
    });
}

/// A connection that many calls share: those under way end on it, and it is closed then.
#[cfg(feature = "hyper")]
#[test]
fn a_connection_of_http2_is_closed_with_the_last_of_its_calls() {
    use midil_http::{FromSettings, HyperTransport, Protocol, TransportSettings};
    use midil_http_test::fault_server::{Http2Reply, Http2Server};

    fn make<T: FromSettings>() -> T {
        let mut settings = TransportSettings::default();
        settings.protocol = Protocol::Http2PriorKnowledge;
        T::from_settings(&settings).unwrap()
    }
    type Over = Box<dyn Fn(&str) -> HttpClient>;
    let transports: Vec<(&str, Over)> = vec![
        ("reqwest", Box::new(|url| of(make::<ReqwestTransport>())(url))),
        ("hyper", Box::new(|url| of(make::<HyperTransport>())(url))),
        #[cfg(feature = "isahc")]
        ("isahc", Box::new(|url| of(make::<midil_http::IsahcTransport>())(url))),
    ];
    on_the_wire(async {
        for (name, make) in transports {
            let gate = Gate::new();
            let held = gate.clone();
            let server =
                Http2Server::start(Script::respond_with(move |request| match request.target() {
                    "/held" => Http2Reply::ok("late").hold(&held),
                    _ => Http2Reply::ok("hello"),
                }));
            let client = make(&server.url());
            client.get("/").send().await.unwrap().text().await.unwrap();
            // In flight while it closes, and in time.
            let call = async { client.get("/held").send().await?.text().await };
            let close = async {
                until(|| server.request_count() == 2).await;
                let close = client.close();
                let open = async {
                    until(|| client.is_closed()).await;
                    gate.open();
                };
                tokio::join!(close, open).0
            };
            let (outcome, report) = tokio::join!(call, close);
            assert_eq!(outcome.unwrap(), "late", "{name}");
            assert!(report.is_clean(), "{name}: {report:?}");
            until(|| server.open_connections() == 0).await;
            assert_eq!(server.connections(), 1, "{name}");
            drop(client);
        }
    });
}
