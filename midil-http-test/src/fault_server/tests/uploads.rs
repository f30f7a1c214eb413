//! The bodies of requests.

use std::io::{ErrorKind, Write};
use std::net::Shutdown;
use std::time::Duration;

use super::client::{Client, answer};
use crate::fault_server::{Cut, FaultServer, Received, Reply, Script};

const CHUNKED: &str = "POST /up HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\n";

#[test]
fn chunks_are_decoded_however_they_arrive() {
    let server = FaultServer::always(Reply::ok("hi"));
    let mut client = Client::sending(&server, CHUNKED);
    for byte in b"3;name=value\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX-Sum: 7\r\n\r\n" {
        client.send([*byte]);
    }
    assert_eq!(client.response().1, "hi");
    let request = &server.requests()[0];
    assert_eq!(request.body(), b"abc0123456789");
    assert_eq!(request.trailers(), [("X-Sum".to_owned(), "7".to_owned())]);
    assert!(request.body_complete());
    assert_eq!(server.body_bytes_received(), 13);
}

#[test]
fn a_request_is_seen_as_it_was_sent() {
    let server = FaultServer::always(Reply::ok("").close());
    let head = "POST /a?b=c HTTP/1.1\r\nX-A: 1\r\nx-a:  2 \r\ncontent-length: 2\r\n\r\n";
    assert_eq!(answer(&server, &format!("{head}ok")).1, Ok(()));
    let request = &server.requests()[0];
    assert_eq!(request.connection(), 0);
    assert_eq!(
        (request.method(), request.target(), request.version()),
        ("POST", "/a?b=c", "HTTP/1.1")
    );
    assert_eq!(request.header("X-a"), Some("1"));
    assert_eq!(Vec::from_iter(request.headers_named("x-a")), ["1", "2"]);
    assert_eq!(request.header("x-b"), None);
    assert_eq!(request.headers()[1], ("x-a".to_owned(), "2".to_owned()));
    assert_eq!(request.head_bytes(), head.as_bytes());
    assert_eq!((request.body(), request.body_bytes_received()), (&b"ok"[..], 2));
}

#[test]
fn an_abandoned_upload_is_incomplete() {
    let server = FaultServer::always(Reply::ok("hi"));
    for (head, sent) in [
        ("POST / HTTP/1.1\r\ncontent-length: 10\r\n\r\n", "abc"),
        (CHUNKED, "3\r\nabc"),
        (CHUNKED, "3\r\nabc\r\n"),
    ] {
        drop(Client::sending(&server, &format!("{head}{sent}")));
        server.wait_until(|seen| seen.connections() > 0 && seen.open_connections() == 0);
    }
    server.wait_until(|seen| seen.connections() == 3 && seen.open_connections() == 0);
    for request in server.requests() {
        assert_eq!((request.body(), request.body_complete()), (&b"abc"[..], false));
    }
}

#[test]
fn long_bodies_are_counted_and_not_kept() {
    let server = FaultServer::always(Reply::ok("hi")).body_limit(1000);
    let mut client = Client::sending(&server, CHUNKED);
    let part = "0123456789".repeat(60);
    for _ in 0..100 {
        client.send(format!("{:x}\r\n{part}\r\n", part.len()));
    }
    client.send("0\r\n\r\n");
    client.response();
    let request = &server.requests()[0];
    assert_eq!((request.body().len(), request.body_bytes_received()), (1000, 60_000));
    assert!(request.body_complete());
    assert_eq!(request.body_checksum(), Received::checksum(vec![&part; 100]));
    assert_ne!(request.body_checksum(), Received::checksum([request.body()]));
}

#[test]
fn a_waiting_client_is_told_to_continue() {
    let server = FaultServer::start([Reply::ok("hi"), Reply::status(417).before_body()]);
    let head = "POST / HTTP/1.1\r\ncontent-length: 3\r\nexpect: 100-Continue\r\n\r\n";
    let mut client = Client::sending(&server, head);
    assert_eq!(client.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("abc");
    assert_eq!(client.response().1, "hi");

    client.send(head);
    let expected = "HTTP/1.1 417 \r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    assert_eq!(client.rest(), (expected.to_owned(), Ok(())));
}

#[test]
fn an_early_reply_comes_before_the_body() {
    let server = FaultServer::start([Reply::ok("early").before_body(), Reply::ok("next")]);
    let mut client = Client::sending(&server, "PUT / HTTP/1.1\r\ncontent-length: 6\r\n\r\nabc");
    assert_eq!(client.response().1, "early");
    assert!(!server.requests()[0].body_complete());
    client.send("def");
    client.send("GET / HTTP/1.1\r\n\r\n");
    assert_eq!(client.response().1, "next");
    assert_eq!(server.requests()[0].body(), b"abcdef");
    assert!(server.requests()[0].body_complete());
}

#[test]
fn an_early_reply_that_closes_is_not_lost_to_a_reset() {
    let server = FaultServer::always(Reply::status(413).before_body().close());
    let length = 8 * 1024 * 1024;
    let mut client = Client::connect(&server);
    client.send(format!("PUT / HTTP/1.1\r\ncontent-length: {length}\r\n\r\n"));
    client.send(vec![b'x'; length]);
    let (text, ended) = client.rest();
    assert!(text.starts_with("HTTP/1.1 413 "));
    assert_eq!(ended, Ok(()));
}

#[test]
fn a_closure_may_answer_the_head() {
    let server = FaultServer::start(Script::respond_to_head(|request| {
        assert!(request.body().is_empty() && !request.body_complete());
        match request.header("content-length") {
            Some("3") => Reply::ok("small"),
            _ => Reply::status(413).before_body().close(),
        }
    }));
    let mut client = Client::sending(&server, "PUT / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc");
    assert_eq!(client.response().1, "small");
    assert_eq!(server.requests()[0].body(), b"abc");
    client.send("PUT / HTTP/1.1\r\ncontent-length: 9\r\n\r\n");
    assert!(client.rest().0.starts_with("HTTP/1.1 413 "));
}

/// Uploads until the server takes no more; returns how much it took.
fn upload(client: &mut Client) -> usize {
    const LENGTH: usize = 256 * 1024 * 1024;
    client.send(format!("PUT / HTTP/1.1\r\ncontent-length: {LENGTH}\r\n\r\n"));
    // A server that read would take it all, however slow the machine.
    client.stream().set_write_timeout(Some(Duration::from_millis(20))).unwrap();
    let part = vec![b'x'; 64 * 1024];
    let mut sent = 0;
    while sent < LENGTH {
        match client.stream().write(&part) {
            Ok(count) => sent += count,
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
                break;
            }
        }
    }
    sent
}

#[test]
fn an_unread_upload_stops() {
    let server = FaultServer::start([
        Reply::stall().stop_reading(),
        Reply::ok("hi").stop_reading(),
        Reply::ok("hello").stop_reading().cut_body_after(2, Cut::Stall),
    ]);
    for expected in [None, Some("hi"), Some("he")] {
        let mut client = Client::connect(&server);
        let sent = upload(&mut client);
        assert!(sent < 32 * 1024 * 1024, "{sent}");
        if let Some(body) = expected {
            client.head();
            assert_eq!(client.exactly(2), body);
        }
    }
    assert_eq!(server.body_bytes_received(), 0);
    assert_eq!(server.open_connections(), 3);
}

#[test]
fn a_close_over_an_unread_upload_is_a_reset() {
    let server = FaultServer::always(Reply::status(413).stop_reading().close());
    let mut client = Client::connect(&server);
    client.send("PUT / HTTP/1.1\r\ncontent-length: 1000000\r\n\r\n");
    assert!(client.head().starts_with("HTTP/1.1 413 "));
    server.wait_for_connections_closed();
    let _ = client.stream().write_all(&[b'x'; 100_000]);
    let refused = client.stream().write_all(&[b'x'; 100_000]);
    assert!(refused.is_err());
    let _ = client.stream().shutdown(Shutdown::Both);
}

#[test]
fn continue_may_be_withheld() {
    let server =
        FaultServer::start([Reply::ok("late").withhold_continue(), Reply::stall().before_body()]);
    let head = "POST / HTTP/1.1\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n";
    let mut client = Client::sending(&server, head);
    server.wait_for_requests(1);
    client.stream().set_nonblocking(true).unwrap();
    assert!(client.stream().peek(&mut [0]).is_err(), "it is not told to continue");
    client.stream().set_nonblocking(false).unwrap();
    client.send("abc");
    let (head_of_reply, body) = client.response();
    assert!(head_of_reply.starts_with("HTTP/1.1 200 ") && body == "late", "{head_of_reply}");
    assert_eq!(server.requests()[0].body(), b"abc");

    client.send(head);
    server.wait_for_requests(2);
    drop(client);
    server.wait_for_connections_closed();
    assert_eq!(server.body_bytes_received(), 3);
}

#[test]
fn an_early_reply_may_be_followed_by_a_reset() {
    let reply = Reply::status(413).body("too long").before_body();
    let server = FaultServer::always(reply.cut_body_after(usize::MAX, Cut::Reset));
    let mut client =
        Client::sending(&server, "PUT / HTTP/1.1\r\ncontent-length: 1000000\r\n\r\nabc");
    server.wait_for_connections_closed();
    assert!(client.head().starts_with("HTTP/1.1 413 "));
    assert_eq!(client.rest(), ("too long".to_owned(), Err(ErrorKind::ConnectionReset)));
}
