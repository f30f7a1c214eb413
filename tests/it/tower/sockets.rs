//! hyper-util's client as a transport, over sockets.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use midil_http::{Body, Error, HttpClient, Sent, TowerTransport, TransportErrorKind};
use midil_http_test::fault_server::{Cut, FaultServer, Gate, Reply};

use crate::support::whole::{by_default, on_the_wire, until, until_left};

type Hyper = Client<HttpConnector, Body>;

fn hyper() -> TowerTransport<Hyper> {
    TowerTransport::new(Client::builder(TokioExecutor::new()).build_http())
}

fn of(server: &FaultServer) -> HttpClient {
    HttpClient::builder(hyper()).base_url(server.url()).build().unwrap()
}

#[test]
fn bodies_stream_both_ways() {
    on_the_wire(async {
        let gate = Gate::new();
        let server = FaultServer::always(Reply::ok("hello, world").hold_body_after(5, &gate));
        let client = of(&server);
        let read = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&read);
        let pieces = stream::iter(0..64).map(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok::<_, io::Error>(Bytes::from(vec![7; 64 * 1024]))
        });
        let call = client.put("/a").body(Body::stream(pieces)).send();
        assert_eq!(read.load(Ordering::Relaxed), 0);
        let mut response = call.await.unwrap();
        assert_eq!(response.chunk().await.unwrap().unwrap(), "hello");
        gate.open();
        assert_eq!(response.text().await.unwrap(), ", world");
        let request = server.requests().pop().unwrap();
        assert_eq!(
            (request.body_bytes_received(), request.body_complete()),
            (64 * 64 * 1024, true)
        );
        assert_eq!(request.header("transfer-encoding"), Some("chunked"));
    });
}

#[test]
fn what_is_dropped_is_aborted() {
    on_the_wire(async {
        // Before the head.
        let server = FaultServer::always(Reply::stall());
        let call = tokio::spawn(of(&server).get("/").send());
        until(|| server.request_count() == 1).await;
        call.abort();
        until_left(&server).await;
        // In the body.
        let server = FaultServer::always(Reply::ok("hello, world").stall_body_after(5));
        let client = of(&server);
        let mut response = client.get("/").send().await.unwrap();
        assert_eq!(response.chunk().await.unwrap().unwrap(), "hello");
        drop(response);
        until_left(&server).await;
    });
}

#[test]
fn a_kept_connection_is_used_again() {
    on_the_wire(async {
        let server = FaultServer::always(Reply::ok("hello"));
        let client = of(&server);
        for _ in 0..3 {
            assert_eq!(client.get("/").send().await.unwrap().text().await.unwrap(), "hello");
        }
        assert_eq!((server.connections(), server.request_count()), (1, 3));
    });
}

#[test]
fn what_breaks_off_is_retried_or_an_error() {
    on_the_wire(async {
        let cut = || Reply::ok("hello, world").cut_body_after(5, Cut::Reset);
        let server = FaultServer::sequence([Reply::close_before_head(), Reply::ok("hello"), cut()]);
        let client = HttpClient::builder(hyper()).base_url(server.url()).retry(by_default());
        let client = client.build().unwrap();
        let response = client.get("/").send().await.unwrap();
        assert_eq!((response.attempts(), response.text().await.unwrap().as_str()), (2, "hello"));
        let error = client.get("/").send().await.unwrap().text().await.unwrap_err();
        assert!(matches!(error, Error::Transport(_)), "{error:?}");
        assert_eq!(error.sent(), Sent::Maybe);
    });
}

#[test]
fn a_refused_connection_says_so() {
    on_the_wire(async {
        let port = FaultServer::refusing();
        let client = HttpClient::builder(hyper()).base_url(port.url()).build().unwrap();
        let error = client.get("/").send().await.unwrap_err();
        let Error::Transport(transport) = &error else { panic!("{error:?}") };
        assert_eq!(transport.kind(), TransportErrorKind::Connect);
        // Who knows hyper-util knows more, and is believed.
        let knowing = |error: hyper_util::client::legacy::Error| {
            let sent = if error.is_connect() { Sent::No } else { Sent::Maybe };
            let error =
                midil_http::TransportError::new(TransportErrorKind::Connect, sent, "no connection")
                    .with_source(error);
            Error::from(error)
        };
        let service: Hyper = Client::builder(TokioExecutor::new()).build_http();
        let transport = TowerTransport::new(tower::ServiceExt::<http::Request<Body>>::map_err(
            service, knowing,
        ));
        let client = HttpClient::builder(transport).base_url(port.url()).build().unwrap();
        assert_eq!(client.get("/").send().await.unwrap_err().sent(), Sent::No);
    });
}
