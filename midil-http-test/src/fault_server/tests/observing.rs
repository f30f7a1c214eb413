//! What a test can ask and wait for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::client::{Client, GET, answer};
use crate::fault_server::{
    Cut, FaultServer, Gate, Observed, OnConnect, Received, RefusingPort, Reply, Script,
};

fn panic_message(act: impl FnOnce()) -> String {
    *catch_unwind(AssertUnwindSafe(act)).unwrap_err().downcast::<String>().unwrap()
}

#[test]
fn a_vain_wait_says_what_there_was() {
    let server = FaultServer::always(Reply::ok("hi")).wait_limit(Duration::from_millis(1));
    let mut client = Client::sending(&server, "PUT /x HTTP/1.1\r\ncontent-length: 2\r\n\r\nab");
    client.response();
    server.wait_for_requests(1);
    let message = panic_message(|| server.wait_for_requests(2));
    assert_eq!(
        message,
        "waited 1ms for 2 requests, saw 1 requests over 1 connections (1 open)\n  \
         PUT /x on connection 0: 2 bytes"
    );
    let message = panic_message(|| server.wait_for_connections_closed());
    assert!(message.contains("for all connections to be closed"), "{message}");
    drop(client);
}

#[test]
fn a_panic_of_the_script_reaches_the_test() {
    let server = FaultServer::respond_with(|request| panic!("no {} please", request.method()));
    assert_eq!(answer(&server, GET).0, "");
    let message = panic_message(|| server.wait_for_requests(2));
    assert_eq!(message, "the script panicked: no GET please");
    assert_eq!(panic_message(|| drop(server)), "the script panicked: no GET please");

    let server = FaultServer::respond_with(|_| panic!("plain"));
    assert_eq!(answer(&server, GET).0, "");
    assert_eq!(panic_message(|| drop(server)), "the script panicked: plain");
}

#[test]
fn requests_beyond_those_to_keep_are_counted() {
    let server = FaultServer::respond_with(|request| Reply::ok(request.body())).keep_requests(1);
    let mut client = Client::connect(&server);
    for body in ["one", "two", "six"] {
        client.send(format!("PUT / HTTP/1.1\r\ncontent-length: 3\r\n\r\n{body}"));
        assert_eq!(client.response().1, body);
    }
    drop(client);
    server.wait_for_connections_closed();
    assert_eq!((server.request_count(), server.body_bytes_received()), (3, 9));
    let requests = server.requests();
    assert_eq!((requests.len(), requests[0].body()), (1, &b"one"[..]));
}

#[test]
fn a_body_is_seen_as_it_arrives() {
    let server = FaultServer::always(Reply::ok("hi"));
    let mut client = Client::sending(&server, "PUT / HTTP/1.1\r\ncontent-length: 6\r\n\r\n");
    server.wait_for_requests(1);
    for (part, count) in [("ab", 2), ("cd", 4), ("ef", 6)] {
        client.send(part);
        server.wait_until(|seen| seen.body_bytes_received() == count);
    }
    client.response();
    let request = server.requests().remove(0);
    assert_eq!((request.body(), request.body_complete()), (&b"abcdef"[..], true));
}

#[test]
fn no_debug_shows_what_may_be_a_secret() {
    let reply = Reply::ok("hidden").header("set-cookie", "hidden").trailer("x-sum", "hidden");
    let server = FaultServer::always(reply).wait_limit(Duration::ZERO);
    let head = "PUT /shown?key=hidden HTTP/1.1\r\nx-key: hidden\r\ncontent-length: 6\r\n\r\n";
    let mut client = Client::sending(&server, &format!("{head}hidden"));
    client.head();
    let shown = format!("{server:?} {:?}", server.requests());
    let vain = panic_message(|| server.wait_for_requests(2));
    for text in [shown, vain] {
        assert!(text.contains("/shown") && !text.contains("hidden"), "{text}");
        assert!(!text.contains("104, 105, 100"), "{text}");
    }
}

#[test]
fn types_are_send_sync_and_debug() {
    fn check<T: Send + Sync + std::fmt::Debug + 'static>() {}
    check::<FaultServer>();
    check::<RefusingPort>();
    check::<Script>();
    check::<Reply>();
    check::<Cut>();
    check::<OnConnect>();
    check::<Gate>();
    check::<Received>();
    check::<Observed>();
}
