//! HTTP/2 without TLS, by prior knowledge; in TLS, see there.
#![cfg(feature = "http2")]

use http::Version;
use midil_http_core::{Body, Protocol, Transport};
use midil_http_isahc::IsahcTransport;

use super::http2_server::Frame::{Close, Data, GoAway, Head, ResetStream, Trailers};
use super::http2_server::Http2Server;
use super::support::{get, outcome, pieces, post, run};

const CANCEL: u32 = 8;
const REFUSED_STREAM: u32 = 7;

fn http2() -> IsahcTransport {
    IsahcTransport::builder().protocol(Protocol::Http2PriorKnowledge).build().unwrap()
}

#[test]
fn http2_is_spoken_by_prior_knowledge() {
    run(async {
        let server = Http2Server::start([vec![Head, Data("hello"), Trailers]]);
        let transport = http2();
        for request in [
            get(&server.url()),
            post(&server.url(), "upload"),
            post(&server.url(), pieces()),
            post(&server.url(), ()),
        ] {
            let response = transport.send(request).await.unwrap();
            assert_eq!(response.version(), Version::HTTP_2);
            assert_eq!(response.into_body().collect(10).await.unwrap(), "hello");
        }
        assert_eq!(server.requests(), 4);
    });
}

/// curl knows that it was not processed, and sends it five times more. What is not idempotent is sent once: its body cannot be
/// read again.
#[test]
fn a_refused_stream_is_resent_by_curl_when_it_is_idempotent() {
    run(async {
        let transport = http2();
        let refusing = || Http2Server::start([vec![ResetStream(REFUSED_STREAM)]]);
        let server = refusing();
        assert!(outcome(&transport, get(&server.url())).await.starts_with("head: "));
        assert_eq!(server.requests(), 6);
        for body in [|| Body::empty(), || Body::from("upload"), pieces] {
            let server = refusing();
            let outcome = outcome(&transport, post(&server.url(), body())).await;
            assert_eq!((outcome.as_str(), server.requests()), ("head: Closed, Maybe", 1));
        }
    });
}

#[test]
fn a_response_that_is_cut_is_an_error() {
    run(async {
        let transport = http2();
        for (end, expected) in [
            (ResetStream(CANCEL), "body: Reset, Maybe"),
            (GoAway { last: 0, reason: 0 }, "body: "),
            (Close, "body: "),
        ] {
            let server = Http2Server::start([vec![Head, Data("he"), end, Close]]);
            let outcome = outcome(&transport, get(&server.url())).await;
            assert!(outcome.starts_with(expected), "{end:?}: {outcome}");
        }
    });
}
