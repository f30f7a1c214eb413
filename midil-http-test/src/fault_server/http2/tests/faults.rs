//! Replies that break off.

use std::io::ErrorKind;

use bytes::Bytes;
use h2::Reason;
use http::Request;

use super::client::{Client, get, read, run, whole};
use crate::fault_server::{Cut, Gate, Http2Reply, Http2Server, OnConnect, Script};

const INTERNAL_ERROR: u32 = 2;
const ENHANCE_YOUR_CALM: u32 = 11;

/// The status, the body as far as it came, and what ended it.
async fn broken(client: &Client) -> (u16, String, h2::Error) {
    let (response, _) = client.send(get(), false).await.unwrap();
    let response = response.await.unwrap();
    let status = response.status().as_u16();
    let (mut body, mut stream) = (Vec::new(), response.into_body());
    let error = read(&mut stream, &mut body).await.unwrap_err();
    (status, String::from_utf8(body).unwrap(), error)
}

#[test]
fn a_refused_stream_leaves_the_connection_as_it_is() {
    let server = Http2Server::start([
        Http2Reply::ok("1"),
        Http2Reply::refused(),
        Http2Reply::reset_before_head(ENHANCE_YOUR_CALM),
        Http2Reply::ok("2"),
    ]);
    run(async {
        let client = Client::connect(&server).await;
        assert_eq!(client.get().await.unwrap().body, "1");
        let error = client.get().await.unwrap_err();
        assert!(error.is_reset() && error.is_remote());
        assert_eq!(error.reason(), Some(Reason::REFUSED_STREAM));
        let error = client.put("abc").await.unwrap_err();
        assert_eq!(error.reason(), Some(Reason::ENHANCE_YOUR_CALM));
        assert_eq!(client.get().await.unwrap().body, "2");
    });
    assert_eq!((server.connections(), server.request_count()), (1, 4));
}

#[test]
fn a_body_is_reset_where_it_is_said() {
    let body = "x".repeat(200_000);
    let server = Http2Server::start([
        Http2Reply::ok("hello").reset_body_after(0, INTERNAL_ERROR),
        Http2Reply::ok("hello").reset_body_after(2, INTERNAL_ERROR),
        Http2Reply::ok("hello").reset_body_after(usize::MAX, INTERNAL_ERROR),
        Http2Reply::ok(body.clone()).reset_body_after(150_000, INTERNAL_ERROR),
        Http2Reply::ok("end"),
    ]);
    run(async {
        let client = Client::connect(&server).await;
        for expected in ["", "he", "hello", &body[..150_000]] {
            let (status, body, error) = broken(&client).await;
            assert_eq!(status, 200);
            assert!(body == expected, "{} bytes", body.len());
            assert_eq!(error.reason(), Some(Reason::INTERNAL_ERROR));
            assert!(error.is_reset());
        }
        assert_eq!(client.get().await.unwrap().body, "end");
    });
}

#[test]
fn go_away_below_a_stream_says_that_it_was_not_processed() {
    for reason in [0, ENHANCE_YOUR_CALM] {
        let gate = Gate::new();
        let server = Http2Server::start([
            Http2Reply::ok("first").hold(&gate),
            Http2Reply::unprocessed(reason),
            Http2Reply::ok("next"),
        ]);
        run(async {
            let client = Client::connect(&server).await;
            let (first, _) = client.send(get(), false).await.unwrap();
            let error = client.get().await.unwrap_err();
            assert!(error.is_go_away() && error.is_remote(), "{error}");
            assert_eq!(error.reason(), Some(reason.into()));
            // What came before is answered all the same.
            gate.open();
            assert_eq!(whole(first.await.unwrap()).await.unwrap().body, "first");
            assert!(client.get().await.is_err(), "nothing new");
            assert_eq!(Client::connect(&server).await.get().await.unwrap().body, "next");
        });
        assert_eq!((server.connections(), server.request_count()), (2, 3));
    }
}

#[test]
fn go_away_above_a_stream_lets_it_go_on() {
    let gate = Gate::new();
    let server = Http2Server::start([
        Http2Reply::ok("last").go_away(0).hold_body_after(1, &gate),
        Http2Reply::ok("next"),
    ]);
    run(async {
        let client = Client::connect(&server).await;
        let (response, _) = client.send(get(), false).await.unwrap();
        let mut stream = response.await.unwrap().into_body();
        assert_eq!(stream.data().await.unwrap().unwrap(), "l");
        assert!(client.get().await.is_err(), "the connection is told to be at its end");
        gate.open();
        assert_eq!(stream.data().await.unwrap().unwrap(), "ast");
        assert!(stream.data().await.is_none());
        assert_eq!(Client::connect(&server).await.get().await.unwrap().body, "next");
    });
    server.wait_for_connections_closed();
    assert_eq!((server.connections(), server.request_count()), (2, 2));
}

#[test]
fn a_connection_is_cut_where_it_is_said() {
    for cut in [Cut::Close, Cut::Truncate, Cut::Reset] {
        let server = Http2Server::start([
            Http2Reply::cut_before_head(cut),
            Http2Reply::ok("hello").cut_body_after(0, cut),
            Http2Reply::ok("hello").cut_body_after(2, cut),
        ]);
        run(async {
            let client = Client::connect(&server).await;
            let error = client.get().await.unwrap_err();
            assert!(error.is_io(), "{error}");
            for expected in ["", "he"] {
                let (_, body, error) = broken(&Client::connect(&server).await).await;
                assert_eq!(body, expected);
                let kind = error.get_io().unwrap().kind();
                assert_eq!(kind == ErrorKind::ConnectionReset, cut == Cut::Reset, "{kind}");
            }
        });
        server.wait_for_connections_closed();
        assert_eq!((server.connections(), server.request_count()), (3, 3));
    }
}

#[test]
fn a_stalled_stream_does_not_stall_the_others() {
    let server = Http2Server::start([
        Http2Reply::stall(),
        Http2Reply::ok("hello").stall_body_after(2),
        Http2Reply::ok("hi"),
    ]);
    run(async {
        let client = Client::connect(&server).await;
        let (head, _) = client.send(get(), false).await.unwrap();
        let (body, _) = client.send(get(), false).await.unwrap();
        let mut body = body.await.unwrap().into_body();
        assert_eq!(body.data().await.unwrap().unwrap(), "he");
        assert_eq!(client.get().await.unwrap().body, "hi");
        drop((head, body));
        while server.resets().len() < 2 {
            tokio::task::yield_now().await;
        }
    });
    server.wait_for_reset(Reason::CANCEL.into());
    server.wait_for_connections_closed();
}

#[test]
fn a_head_may_not_decode() {
    let server = Http2Server::start(Http2Reply::garbage());
    run(async {
        let error = Client::connect(&server).await.get().await.unwrap_err();
        assert!(error.is_go_away() && !error.is_remote(), "{error}");
    });
    server.wait_for_connections_closed();
}

#[test]
fn a_length_may_lie() {
    let server = Http2Server::start(Http2Reply::ok("hello").header("content-length", "9"));
    run(async {
        let (_, body, error) = broken(&Client::connect(&server).await).await;
        assert!(body.len() <= 5 && error.reason() == Some(Reason::PROTOCOL_ERROR), "{error}");
    });
}

/// Begins an upload without an end.
async fn upload(client: &Client) -> (h2::client::ResponseFuture, h2::SendStream<Bytes>) {
    let request = Request::put("http://here/").body(()).unwrap();
    let (response, mut stream) = client.send(request, true).await.unwrap();
    stream.send_data(Bytes::from_static(b"abc"), false).unwrap();
    (response, stream)
}

#[test]
fn an_early_reply_may_reset_the_upload() {
    let server = Http2Server::start([
        Http2Reply::status(413).body("too long").reset_upload(),
        Http2Reply::ok("hi"),
    ]);
    run(async {
        let client = Client::connect(&server).await;
        let (response, mut stream) = upload(&client).await;
        let response = whole(response.await.unwrap()).await.unwrap();
        assert_eq!((response.head.status().as_u16(), response.body.as_str()), (413, "too long"));
        let reason = std::future::poll_fn(|cx| stream.poll_reset(cx)).await.unwrap();
        assert_eq!(reason, Reason::NO_ERROR);
        assert_eq!(client.get().await.unwrap().body, "hi");
    });
    assert!(!server.requests()[0].body_complete());
    assert_eq!(server.connections(), 1);
}

#[test]
fn an_early_reply_may_let_the_upload_go_on() {
    let server = Http2Server::start(Http2Reply::ok("early").before_body());
    run(async {
        let client = Client::connect(&server).await;
        let (response, mut stream) = upload(&client).await;
        assert_eq!(whole(response.await.unwrap()).await.unwrap().body, "early");
        stream.send_data(Bytes::from_static(b"def"), true).unwrap();
        while server.requests()[0].body() != b"abcdef" || !server.requests()[0].body_complete() {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn an_unread_upload_stops() {
    let server = Http2Server::start([
        Http2Reply::ok("hi").stop_reading(),
        Http2Reply::stall().stop_reading(),
    ]);
    run(async {
        for replies in [true, false] {
            let client = Client::connect(&server).await;
            let (response, mut stream) = upload(&client).await;
            if replies {
                assert_eq!(whole(response.await.unwrap()).await.unwrap().body, "hi");
            } else {
                tokio::spawn(response);
            }
            let mut window = 65_535 - 3;
            while window > 0 {
                stream.reserve_capacity(window);
                let got =
                    std::future::poll_fn(|cx| stream.poll_capacity(cx)).await.unwrap().unwrap();
                stream.send_data(vec![b'x'; got].into(), false).unwrap();
                window -= got;
            }
            stream.reserve_capacity(1);
            assert_eq!(stream.capacity(), 0, "the window is never opened again");
        }
    });
    assert_eq!(server.body_bytes_received(), 0);
}

#[test]
fn a_closure_may_answer_the_head() {
    let server = Http2Server::start(Script::respond_to_head(|request| {
        assert!(request.body().is_empty() && !request.body_complete());
        Http2Reply::status(413).reset_upload()
    }));
    run(async {
        let client = Client::connect(&server).await;
        let (response, _stream) = upload(&client).await;
        assert_eq!(response.await.unwrap().status(), 413);
    });
}

#[test]
fn each_connection_has_its_fate() {
    let script = Script::always(Http2Reply::ok("hi")).on_connect([
        OnConnect::Close,
        OnConnect::Reset,
        OnConnect::Serve,
    ]);
    let server = Http2Server::start(script);
    run(async {
        for _ in 0..2 {
            // Connecting may notice the reset already.
            let Ok(socket) = tokio::net::TcpStream::connect(server.address()).await else {
                continue;
            };
            if let Ok(client) = Client::over(socket).await {
                assert!(client.get().await.unwrap_err().is_io());
            }
        }
        assert_eq!(Client::connect(&server).await.get().await.unwrap().body, "hi");
    });
    server.wait_for_connections_closed();
    assert_eq!((server.connections(), server.request_count()), (3, 1));
}

#[test]
fn more_streams_than_the_limit_wait() {
    let gate = Gate::new();
    let held = Http2Reply::ok("hi").hold(&gate);
    let server = Http2Server::start([Http2Reply::ok("first"), held]).max_concurrent_streams(2);
    run(async {
        let client = Client::connect(&server).await;
        // The client knows the limit from the first answer on.
        client.get().await.unwrap();
        let mut all = Vec::from_iter((0..2).map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.get().await.unwrap().body })
        }));
        while server.request_count() < 3 {
            tokio::task::yield_now().await;
        }
        all.extend((0..3).map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.get().await.unwrap().body })
        }));
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        gate.open();
        for body in all {
            assert_eq!(body.await.unwrap(), "hi");
        }
    });
    server.wait_until(|seen| seen.request_count() == 6 && seen.peak_requests() == 2);
}
