//! Bodies pass piece by piece, and whole.

use std::io;

use futures_util::stream;
use midil_http_core::{Body, Error, Transport};
use midil_http_test::fault_server::{FaultServer, Gate, Received, Reply, Script};

use super::support::{
    client, exchange, get, post, request, run, run_on_one_thread, text, transport,
};

#[test]
fn a_response_streams() {
    run(async {
        let gate = Gate::new();
        let server =
            FaultServer::always(Reply::ok("").chunked(["one", "two"]).hold_body_after(3, &gate));
        let mut body = transport().send(get(&server.url())).await.unwrap().into_body();
        assert_eq!(body.chunk().await.unwrap().unwrap(), "one");
        gate.open(); // the second is sent from here on
        assert_eq!(body.chunk().await.unwrap().unwrap(), "two");
        assert!(body.chunk().await.unwrap().is_none());
        assert!(body.chunk().await.unwrap().is_none(), "the end is the end");
    });
}

#[test]
fn the_head_comes_before_the_body() {
    run(async {
        let gate = Gate::new();
        let server = FaultServer::always(Reply::ok("late").hold_body(&gate));
        let response = transport().send(get(&server.url())).await.unwrap();
        assert_eq!(http_body::Body::size_hint(response.body()).exact(), Some(4));
        gate.open();
        assert_eq!(text(response).await.unwrap(), "late");
    });
}

#[test]
fn an_upload_streams() {
    run(async {
        let server = FaultServer::always(Reply::ok("thanks"));
        let (first_arrived, wait) = tokio::sync::oneshot::channel();
        let pieces = stream::unfold((0, Some(wait)), |(count, mut wait)| async move {
            match count {
                0 => Some((Ok::<_, io::Error>("first"), (1, wait))),
                1 => {
                    // The second is not produced before the server has the first.
                    wait.take().unwrap().await.unwrap();
                    Some((Ok("second"), (2, None)))
                }
                _ => None,
            }
        });
        let sending = tokio::spawn({
            let request = post(&server.url(), Body::stream(Box::pin(pieces)));
            async move { exchange(&transport(), request).await }
        });
        server.wait_until(|seen| seen.body_bytes_received() == 5);
        first_arrived.send(()).unwrap();
        assert_eq!(sending.await.unwrap().unwrap(), "thanks");
        assert_eq!(server.requests()[0].body(), b"firstsecond");
    });
}

#[test]
fn large_bodies_arrive_as_they_were() {
    const PIECE: usize = 64 * 1024;
    let content: Vec<u8> =
        (0..5 << 20).map(|at: u32| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    run(async {
        let server = FaultServer::always(Reply::ok(content.clone()));
        let whole = content.clone();
        let replayable = Body::replayable(Some(5 << 20), move || {
            let pieces: Vec<_> =
                whole.chunks(PIECE).map(|piece| Ok::<_, io::Error>(piece.to_vec())).collect();
            stream::iter(pieces)
        });
        let again = replayable.try_clone().unwrap();
        let transport = transport();
        for body in [replayable, again, Body::from(content.clone())] {
            let response = transport.send(post(&server.url(), body)).await.unwrap();
            assert_eq!(response.into_body().collect(u64::MAX).await.unwrap(), content);
        }
        for request in server.requests() {
            assert_eq!(request.header("content-length"), Some("5242880"));
            assert_eq!(request.body_checksum(), Received::checksum([&content]));
        }
    });
}

#[test]
fn trailers_pass() {
    run(async {
        let server = FaultServer::always(Reply::ok("").chunked(["data"]).trailer("x-count", "1"));
        let mut body = transport().send(get(&server.url())).await.unwrap().into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "data");
        let trailers = body.frame().await.unwrap().unwrap().into_trailers().unwrap();
        assert_eq!(trailers["x-count"], "1");
        assert!(body.frame().await.is_none());
    });
}

#[test]
fn an_answer_may_come_before_the_upload_has_ended() {
    run(async {
        let server = FaultServer::start(Script::respond_to_head(|_| {
            Reply::status(413).body("too large").before_body().close()
        }));
        let endless = stream::repeat_with(|| Ok::<_, io::Error>(vec![b'x'; 1024]));
        let response = transport().send(post(&server.url(), Body::stream(endless))).await.unwrap();
        assert_eq!(response.status(), 413);
        assert_eq!(text(response).await.unwrap(), "too large");
    });
}

/// With the client's timeouts in between, and without: the error is the caller's own.
#[test]
fn a_failing_upload_is_the_callers_error() {
    run(async {
        let server = FaultServer::always(Reply::ok(""));
        let failing = || {
            let pieces = [Ok("first"), Err(io::Error::other("the sensor was unplugged"))];
            Body::stream(stream::iter(pieces))
        };
        let alone = transport().send(post(&server.url(), failing())).await.unwrap_err();
        let client = client(transport(), &server.url());
        let through = client.post("/").body(failing()).send().await.unwrap_err();
        for error in [alone, through] {
            assert!(matches!(error, Error::Body(_)), "{error:?}");
            let cause = std::error::Error::source(&error).unwrap();
            assert_eq!(cause.to_string(), "the sensor was unplugged");
        }
    });
}

#[test]
fn a_head_response_announces_a_length_and_has_no_body() {
    run_on_one_thread(async {
        let server = FaultServer::always(Reply::ok("hello"));
        let transport = transport();
        for _ in 0..3 {
            let request = request(http::Method::HEAD, &server.url(), ());
            let response = transport.send(request).await.unwrap();
            assert_eq!(response.headers()["content-length"], "5");
            assert_eq!(text(response).await.unwrap(), "");
        }
        assert_eq!(server.connections(), 1);
    });
}

/// A server that is content wants to have it all: the response has not ended before the upload.
#[test]
fn an_upload_goes_on_after_an_early_success() {
    run_on_one_thread(async {
        let script = Script::respond_to_head(|_| Reply::ok("early").before_body());
        let server = FaultServer::start(script);
        let transport = transport();
        for count in 1..3 {
            let pieces = stream::iter((0..64).map(|_| Ok::<_, io::Error>(vec![b'x'; 64 * 1024])));
            let response = transport.send(post(&server.url(), Body::stream(pieces))).await.unwrap();
            assert_eq!(response.status(), 200);
            assert_eq!(text(response).await.unwrap(), "early");
            // What is sent is with the system; the server may have yet to read it.
            server.wait_until(|seen| {
                seen.requests().filter(|seen| seen.body_complete()).count() == count
            });
        }
        assert_eq!(server.body_bytes_received(), 2 * 64 * 64 * 1024);
        assert_eq!(server.connections(), 1);
    });
}

/// HTTP/1.1 wants them announced.
#[test]
fn trailers_of_an_upload_pass() {
    run(async {
        let server = FaultServer::always(Reply::ok(""));
        let mut frames = vec![Ok(http_body::Frame::data(bytes::Bytes::from("data")))];
        let trailers = [("x-count".parse().unwrap(), "1".parse().unwrap())].into_iter().collect();
        frames.push(Ok::<_, Error>(http_body::Frame::trailers(trailers)));
        let body = Body::wrap(http_body_util::StreamBody::new(stream::iter(frames)));
        let mut request = post(&server.url(), body);
        request.headers_mut().insert("trailer", "x-count".parse().unwrap());
        transport().send(request).await.unwrap();
        assert_eq!(server.requests()[0].trailers(), [("x-count".to_owned(), "1".to_owned())]);
    });
}
