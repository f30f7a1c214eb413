//! HTTP/2: which streams were refused unread, and which were not.

use std::io;
use std::time::Duration;

use futures_util::{FutureExt as _, stream};
use http::Version;
use midil_http_core::TransportErrorKind::{Closed, Protocol as NoHttp, Refused, Reset};
use midil_http_core::{Body, Error, Protocol, Request, Sent, Transport};
use midil_http_hyper::HyperTransport;
use midil_http_test::fault_server::{FaultServer, Reply};

use super::http2_server::{Frame, Http2Server};
use super::support::{exchange, get, post, run, text, verdict};

fn transport() -> HyperTransport {
    HyperTransport::builder().protocol(Protocol::Http2PriorKnowledge).build().unwrap()
}

fn pieces() -> Body {
    Body::stream(stream::iter(["a", "b"].map(Ok::<_, io::Error>)))
}

fn requests(url: &str) -> [Request; 4] {
    [get(url), post(url, "bytes"), post(url, pieces()), get(url).with_body(pieces())]
}

const ENHANCE_YOUR_CALM: u32 = 0xb;
const CANCEL: u32 = 0x8;
const REFUSED_STREAM: u32 = 0x7;
const INTERNAL_ERROR: u32 = 0x2;
const NO_ERROR: u32 = 0;

#[test]
fn an_exchange() {
    run(async {
        let server = Http2Server::start([vec![
            Frame::Head,
            Frame::Data("he"),
            Frame::Data("llo"),
            Frame::Trailers,
        ]]);
        let transport = transport();
        for count in 1..4 {
            let response = transport.send(get(&server.url())).await.unwrap();
            assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_2));
            assert_eq!(text(response).await.unwrap(), "hello");
            assert_eq!((server.connections(), server.requests()), (1, count));
        }
    });
}

#[test]
fn what_was_refused_unread_was_not_sent() {
    run(async {
        for refusal in [
            Frame::ResetStream(REFUSED_STREAM),
            Frame::GoAway { last: 0, reason: NO_ERROR },
            Frame::GoAway { last: 0, reason: ENHANCE_YOUR_CALM },
        ] {
            let server = Http2Server::start([vec![refusal]]);
            for (count, request) in requests(&server.url()).into_iter().enumerate() {
                let error = transport().send(request).await.unwrap_err();
                assert_eq!(verdict(&error), (Refused, Sent::No), "{refusal:?}: {error:?}");
                assert_eq!(server.requests(), count + 1);
            }
        }
    });
}

#[test]
fn after_a_goaway_comes_another_connection() {
    run(async {
        let goodbye = vec![Frame::GoAway { last: 0, reason: NO_ERROR }, Frame::Close];
        let server =
            Http2Server::start([goodbye, vec![Frame::Head, Frame::Data("hi"), Frame::Trailers]]);
        let transport = transport();
        transport.send(get(&server.url())).await.unwrap_err();
        assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hi");
        assert_eq!((server.connections(), server.requests()), (2, 2));
    });
}

#[test]
fn what_broke_off_may_have_been_sent() {
    let cases = [
        (vec![Frame::ResetStream(INTERNAL_ERROR)], Reset),
        (vec![Frame::ResetStream(CANCEL)], Reset),
        (vec![Frame::GoAway { last: 1, reason: NO_ERROR }, Frame::Close], Reset),
        (vec![Frame::Close], Reset),
        (vec![Frame::Garbage], NoHttp),
    ];
    run(async {
        for (answer, kind) in cases {
            let server = Http2Server::start([answer.clone()]);
            for request in requests(&server.url()) {
                let error = transport().send(request).await.unwrap_err();
                assert_eq!(verdict(&error), (kind, Sent::Maybe), "{answer:?}: {error:?}");
            }
        }
    });
}

#[test]
fn a_body_that_breaks_off() {
    let begun = |end| vec![Frame::Head, Frame::Data("he"), end];
    let cases = [
        (begun(Frame::ResetStream(INTERNAL_ERROR)), Reset),
        // It cannot have been unread when it was answered.
        (begun(Frame::ResetStream(REFUSED_STREAM)), Reset),
        (begun(Frame::GoAway { last: 0, reason: ENHANCE_YOUR_CALM }), Reset),
        (begun(Frame::Close), Reset),
        (begun(Frame::Garbage), NoHttp),
    ];
    run(async {
        for (answer, kind) in cases {
            let server = Http2Server::start([answer.clone()]);
            for request in requests(&server.url()) {
                let error = exchange(&transport(), request).await.unwrap_err();
                assert_eq!(verdict(&error), (kind, Sent::Maybe), "{answer:?}: {error:?}");
            }
        }
    });
}

/// hyper reads an error that is called `NO_ERROR` as the end.
#[test]
fn a_body_that_breaks_off_without_an_error() {
    run(async {
        for end in [Frame::ResetStream(NO_ERROR), Frame::GoAway { last: 0, reason: NO_ERROR }] {
            let server = Http2Server::start([vec![Frame::Head, Frame::Data("he"), end]]);
            let error = exchange(&transport(), get(&server.url())).await.unwrap_err();
            assert_eq!(verdict(&error), (Reset, Sent::Maybe), "{end:?}");
        }
    });
}

#[test]
fn dropping_the_body_resets_the_stream_and_frees_its_place() {
    run(async {
        let server = Http2Server::start([
            vec![Frame::Head, Frame::Data("he")],
            vec![Frame::Head, Frame::Data("hi"), Frame::Trailers],
        ]);
        let builder = HyperTransport::builder().protocol(Protocol::Http2PriorKnowledge);
        let transport = builder.max_connections(1).build().unwrap();
        let mut body = transport.send(get(&server.url())).await.unwrap().into_body();
        assert_eq!(body.chunk().await.unwrap().unwrap(), "he");
        drop(body);
        server.wait_for_reset(CANCEL);
        assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hi");
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn a_failing_upload_is_the_callers_error() {
    run(async {
        let server = Http2Server::start([vec![]]);
        let failing = [Ok("first"), Err(io::Error::other("the sensor was unplugged"))];
        let request = post(&server.url(), Body::stream(stream::iter(failing)));
        let error = transport().send(request).await.unwrap_err();
        assert!(matches!(error, Error::Body(_)), "{error:?}");
        let cause = std::error::Error::source(&error).unwrap();
        assert_eq!(cause.to_string(), "the sensor was unplugged");
    });
}

/// Who knows beforehand that one connection is enough, makes one.
#[test]
fn many_calls_at_once_make_one_connection() {
    run(async {
        let server = Http2Server::start([vec![Frame::Head, Frame::Data("hello"), Frame::Trailers]]);
        let transport = transport();
        let calls = (0..20).map(|_| exchange(&transport, get(&server.url())));
        for outcome in futures_util::future::join_all(calls).await {
            assert_eq!(outcome.unwrap(), "hello");
        }
        assert_eq!((server.connections(), server.requests()), (1, 20));
    });
}

#[test]
fn an_idle_connection_expires() {
    run(async {
        let server = Http2Server::start([vec![Frame::Head, Frame::Data("hello"), Frame::Trailers]]);
        let builder = HyperTransport::builder().protocol(Protocol::Http2PriorKnowledge);
        let transport = builder.keepalive_expiry(Duration::ZERO).build().unwrap();
        for count in 1..4 {
            assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hello");
            assert_eq!(server.connections(), count);
        }
    });
}

/// Nothing was written to a connection that the server has ended.
#[test]
fn a_connection_that_the_server_has_ended_costs_nothing() {
    run(async {
        let server = Http2Server::start([vec![
            Frame::Head,
            Frame::Data("hello"),
            Frame::Trailers,
            Frame::GoAway { last: 1, reason: NO_ERROR },
        ]]);
        let transport = transport();
        for count in 1..4 {
            assert_eq!(exchange(&transport, post(&server.url(), "bytes")).await.unwrap(), "hello");
            // Our side closes it, too.
            server.wait_for_ends(count);
            assert_eq!((server.connections(), server.requests()), (count, count));
        }
    });
}

#[test]
fn http2_alone_is_not_spoken_to_a_server_that_does_not() {
    run(async {
        let server = FaultServer::always(Reply::ok("hello"));
        let error = transport().send(get(&server.url())).await.unwrap_err();
        let (kind, _) = verdict(&error);
        assert!([NoHttp, Closed, Reset].contains(&kind), "{error:?}");
    });
}

/// It connects for all; whoever holds it may have no time for it.
#[test]
fn a_call_that_is_held_and_not_polled_holds_up_no_other() {
    run(async {
        let server = Http2Server::start([vec![Frame::Head, Frame::Data("hi"), Frame::Trailers]]);
        let transport = transport();
        let calls: Vec<_> = (0..3)
            .map(|_| {
                let mut call = transport.send(get(&server.url()));
                assert!((&mut call).now_or_never().is_none());
                call
            })
            .collect();
        let other = exchange(&transport, get(&server.url()));
        let other = tokio::time::timeout(Duration::from_secs(5), other).await;
        assert_eq!(other.expect("it waits for the others").unwrap(), "hi");
        for call in calls {
            assert_eq!(text(call.await.unwrap()).await.unwrap(), "hi");
        }
    });
}
