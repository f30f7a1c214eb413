//! Replies without faults.

use bytes::Bytes;
use http::{Method, Request};

use super::client::{Client, get, run, whole};
use crate::fault_server::{Gate, Http2Reply, Http2Server, Script};

#[test]
fn a_reply_has_a_status_headers_a_body_and_trailers() {
    let server = Http2Server::start([
        Http2Reply::status(201).header("X-A", "1").header("x-a", "2").body("hello"),
        Http2Reply::ok("hello").trailer("x-sum", "7"),
        Http2Reply::status(204),
    ]);
    run(async {
        let client = Client::connect(&server).await;
        let first = client.get().await.unwrap();
        assert_eq!((first.head.status().as_u16(), first.body.as_str()), (201, "hello"));
        let values = Vec::from_iter(first.head.headers().get_all("x-a"));
        assert_eq!(values, ["1", "2"]);
        assert_eq!(first.head.headers()["content-length"], "5");
        let second = client.get().await.unwrap();
        assert_eq!(second.body, "hello");
        assert_eq!(second.trailers.unwrap()["x-sum"], "7");
        assert_eq!(client.get().await.unwrap().head.status(), 204);
    });
    assert_eq!((server.connections(), server.request_count()), (1, 3));
}

#[test]
fn a_request_is_seen_as_it_was_sent() {
    let server = Http2Server::start(Script::respond_with(|request| {
        assert!(request.body_complete());
        Http2Reply::ok(request.body())
    }));
    run(async {
        let client = Client::connect(&server).await;
        assert_eq!(client.get().await.unwrap().body, "");
        assert_eq!(client.put("abc").await.unwrap().body, "abc");
    });
    let requests = server.requests();
    let get = &requests[0];
    assert_eq!((get.method(), get.target(), get.version()), ("GET", "/a?b=c", "HTTP/2"));
    assert_eq!((get.header(":authority"), get.header(":scheme")), (Some("here"), Some("http")));
    assert_eq!((get.header("x-a"), get.body_complete()), (Some("1"), true));
    assert_eq!((requests[1].method(), requests[1].body()), ("PUT", &b"abc"[..]));
    assert_eq!(server.body_bytes_received(), 3);
}

#[test]
fn large_bodies_pass_both_ways() {
    let server = Http2Server::start(Script::respond_with(|request| Http2Reply::ok(request.body())));
    let body: &'static str = "0123456789abcdef".repeat(128 * 1024).leak();
    run(async {
        let client = Client::connect(&server).await;
        let (response, mut stream) =
            client.send(Request::put("http://here/").body(()).unwrap(), true).await.unwrap();
        stream.send_data(Bytes::from_static(body.as_bytes()), true).unwrap();
        assert!(whole(response.await.unwrap()).await.unwrap().body == body);
    });
}

#[test]
fn head_has_the_length_and_no_body() {
    let server = Http2Server::start(Http2Reply::ok("hello"));
    run(async {
        let client = Client::connect(&server).await;
        let mut request = get();
        *request.method_mut() = Method::HEAD;
        let (response, _) = client.send(request, false).await.unwrap();
        let response = whole(response.await.unwrap()).await.unwrap();
        assert_eq!(
            (response.head.headers()["content-length"].as_bytes(), response.body.as_str()),
            (&b"5"[..], "")
        );
    });
}

#[test]
fn interim_responses_come_first() {
    let reply = Http2Reply::ok("hi").interim(103, [("link", "</a>")]).reset_body_after(1, 2);
    let server = Http2Server::start([Http2Reply::ok("hi").interim(103, [("link", "</a>")]), reply]);
    run(async {
        let client = Client::connect(&server).await;
        assert_eq!(client.get().await.unwrap().body, "hi");
        assert!(client.get().await.is_err());
    });
}

#[test]
fn a_waiting_client_is_told_to_continue() {
    let server = Http2Server::start(Script::respond_with(|request| Http2Reply::ok(request.body())));
    run(async {
        let client = Client::connect(&server).await;
        let request = Request::put("http://here/").header("expect", "100-continue").body(());
        let (mut response, mut stream) = client.send(request.unwrap(), true).await.unwrap();
        let told = std::future::poll_fn(|cx| response.poll_informational(cx)).await.unwrap();
        assert_eq!(told.unwrap().status(), 100);
        stream.send_data(Bytes::from_static(b"abc"), true).unwrap();
        assert_eq!(whole(response.await.unwrap()).await.unwrap().body, "abc");
    });
}

#[test]
fn a_gate_holds_the_head_or_the_body() {
    let (first, second) = (Gate::new(), Gate::new());
    let server =
        Http2Server::start(Http2Reply::ok("hello").hold(&first).hold_body_after(2, &second));
    run(async {
        let client = Client::connect(&server).await;
        let (response, _) = client.send(get(), false).await.unwrap();
        let waiting = tokio::spawn(response);
        while server.request_count() == 0 {
            tokio::task::yield_now().await;
        }
        assert!(!waiting.is_finished());
        first.open();
        let mut stream = waiting.await.unwrap().unwrap().into_body();
        assert_eq!(stream.data().await.unwrap().unwrap(), "he");
        second.open();
        assert_eq!(stream.data().await.unwrap().unwrap(), "llo");
        assert!(stream.data().await.is_none());
    });
}

#[test]
fn many_streams_share_a_connection() {
    let gate = Gate::new();
    let server = Http2Server::start(Script::respond_with({
        let gate = gate.clone();
        move |request| Http2Reply::ok(request.target()).hold(&gate)
    }));
    run(async {
        let client = Client::connect(&server).await;
        let mut responses = Vec::new();
        for number in 0..50 {
            let request = Request::get(format!("http://here/{number}")).body(()).unwrap();
            responses.push((number, client.send(request, false).await.unwrap().0));
        }
        let responses = tokio::spawn(async move {
            for (number, response) in responses {
                assert_eq!(
                    whole(response.await.unwrap()).await.unwrap().body,
                    format!("/{number}")
                );
            }
        });
        while server.request_count() < 50 {
            tokio::task::yield_now().await;
        }
        gate.open();
        responses.await.unwrap();
    });
    server.wait_until(|seen| seen.open_requests() == 0);
    server.wait_until(|seen| seen.peak_requests() == 50 && seen.peak_connections() == 1);
}
