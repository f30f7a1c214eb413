//! Replies without faults.

use super::client::{Client, GET, answer};
use crate::fault_server::{FaultServer, Reply, Script};

#[test]
fn a_reply_has_a_status_headers_and_a_framed_body() {
    let server = FaultServer::always(Reply::ok("hi").header("x-a", "1").header("x-a", "2"));
    let mut client = Client::sending(&server, GET);
    let expected = "HTTP/1.1 200 \r\nx-a: 1\r\nx-a: 2\r\ncontent-length: 2\r\n\r\n";
    assert_eq!(client.response(), (expected.to_owned(), "hi".to_owned()));
}

#[test]
fn a_thousand_requests_share_a_connection() {
    let server = FaultServer::always(Reply::ok("hi"));
    let mut client = Client::connect(&server);
    for _ in 0..1000 {
        client.send(GET);
        assert_eq!(client.response().1, "hi");
    }
    assert_eq!((server.connections(), server.request_count()), (1, 1000));
    assert_eq!(server.requests().len(), 1000);
}

#[test]
fn a_sequence_goes_over_all_connections_and_its_last_reply_repeats() {
    let server = FaultServer::start([Reply::ok("1"), Reply::ok("2"), Reply::ok("3")]);
    let (mut one, mut other) = (Client::connect(&server), Client::connect(&server));
    let mut bodies = Vec::new();
    for client in [0, 1, 0, 1] {
        let client = if client == 0 { &mut one } else { &mut other };
        client.send(GET);
        bodies.push(client.response().1);
    }
    assert_eq!(bodies, ["1", "2", "3", "3"]);
    assert_eq!(server.connections(), 2);
}

#[test]
#[should_panic(expected = "at least one reply")]
fn an_empty_sequence_is_refused() {
    let _ = Script::<Reply>::sequence([]);
}

#[test]
fn a_closure_sees_the_whole_request() {
    let server = FaultServer::respond_with(|request| {
        assert!(request.body_complete());
        Reply::ok([request.method().as_bytes(), b" ", request.body()].concat())
    });
    let mut client = Client::sending(&server, "PUT / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc");
    assert_eq!(client.response().1, "PUT abc");
    client.send("PUT / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
    assert_eq!(client.response().1, "PUT x");
}

#[test]
fn chunks_and_trailers_are_sent_as_given() {
    let reply = Reply::ok("").chunked(["one", "", "sixteen letters."]).trailer("x-sum", "7");
    let server = FaultServer::always(reply.close());
    let (text, ended) = answer(&server, GET);
    let body = text.split_once("\r\n\r\n").unwrap().1;
    assert_eq!(body, "3\r\none\r\n10\r\nsixteen letters.\r\n0\r\nx-sum: 7\r\n\r\n");
    assert!(text.contains("\r\ntransfer-encoding: chunked\r\n") && !text.contains("length"));
    assert_eq!(ended, Ok(()));
}

#[test]
fn a_trailer_makes_a_plain_body_a_chunked_one() {
    let server = FaultServer::always(Reply::ok("hi").trailer("x", "y").close());
    assert!(answer(&server, GET).0.ends_with("\r\n\r\n2\r\nhi\r\n0\r\nx: y\r\n\r\n"));
}

#[test]
fn replies_without_a_body_keep_the_connection_in_step() {
    let server = FaultServer::start([
        Reply::ok("hello"),
        Reply::status(204).body("hello"),
        Reply::status(304).body("hello"),
        Reply::status(304),
        Reply::ok("").chunked(["hello"]),
        Reply::ok("end"),
    ]);
    let mut client = Client::sending(&server, "HEAD / HTTP/1.1\r\n\r\n");
    assert_eq!(client.head(), "HTTP/1.1 200 \r\ncontent-length: 5\r\n\r\n");
    client.send(GET);
    assert_eq!(client.head(), "HTTP/1.1 204 \r\n\r\n");
    client.send(GET);
    assert_eq!(client.head(), "HTTP/1.1 304 \r\ncontent-length: 5\r\n\r\n");
    client.send(GET);
    assert_eq!(client.head(), "HTTP/1.1 304 \r\n\r\n");
    client.send("HEAD / HTTP/1.1\r\n\r\n");
    assert_eq!(client.head(), "HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n");
    client.send(GET);
    assert_eq!(client.response().1, "end");
}

#[test]
fn connections_close_when_either_side_says_so() {
    let server = FaultServer::start([Reply::ok("hi").close(), Reply::ok("hi")]);
    for request in
        [GET, "GET / HTTP/1.1\r\nConnection: foo, Close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"]
    {
        let (text, ended) = answer(&server, request);
        assert!(text.contains("\r\nconnection: close\r\n") && text.ends_with("hi"), "{text}");
        assert_eq!(ended, Ok(()));
    }
    server.wait_for_connections_closed();
}

#[test]
fn a_body_may_end_with_the_connection() {
    let server = FaultServer::always(Reply::ok("hi").until_close());
    assert_eq!(answer(&server, GET), ("HTTP/1.1 200 \r\n\r\nhi".to_owned(), Ok(())));
}

#[test]
fn interim_responses_come_first() {
    let none: [(&str, &str); 0] = [];
    let reply = Reply::ok("hi").interim(100, none).interim(103, [("link", "</a>")]).close();
    let (text, _) = answer(&FaultServer::always(reply), GET);
    let interim = "HTTP/1.1 100 \r\n\r\nHTTP/1.1 103 \r\nlink: </a>\r\n\r\nHTTP/1.1 200 \r\n";
    assert!(text.starts_with(interim), "{text}");
}

#[test]
fn a_large_body_arrives_whole() {
    let body = "0123456789abcdef".repeat(512 * 1024);
    let server = FaultServer::always(Reply::ok(body.clone()));
    let mut client = Client::connect(&server);
    for _ in 0..2 {
        client.send(GET);
        assert!(client.response().1 == body);
    }
}

#[test]
fn what_is_no_request_is_refused() {
    let server = FaultServer::always(Reply::ok("hi"));
    for (request, reason) in [
        ("\x16\x03\x01\x02", "not text"),
        ("GET /\r\n\r\n", "three words"),
        ("PRI * HTTP/2.0\r\n\r\n", "HTTP/1"),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n", "colon"),
        ("GET / HTTP/1.1\r\nspace : 1\r\n\r\n", "space"),
        ("GET / HTTP/1.1\r\ncontent-length: +1\r\n\r\n", "number"),
        ("GET / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", "differ"),
        ("GET / HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n", "chunked"),
        ("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nx\r\n", "chunk size"),
    ] {
        let (text, ended) = answer(&server, request);
        assert!(text.starts_with("HTTP/1.1 400 ") && text.contains(reason), "{request}: {text}");
        assert_eq!(ended, Ok(()));
    }
    assert_eq!(server.request_count(), 1, "the last one only had a head");
    // Empty lines before a request are none.
    let text = answer(&server, "\r\n\r\nGET / HTTP/1.1\r\nconnection: close\r\n\r\n").0;
    assert!(text.starts_with("HTTP/1.1 200 "));
}

#[test]
fn http10_closes_without_saying_so() {
    let server = FaultServer::start([
        Reply::ok("1").http10().keep_alive().header("connection", "keep-alive"),
        Reply::ok("2").http10(),
        Reply::ok("3").http10().until_close(),
    ]);
    let mut client = Client::sending(&server, GET);
    assert!(client.response().0.starts_with("HTTP/1.0 200 "));
    client.send(GET);
    assert_eq!(client.rest(), ("HTTP/1.0 200 \r\ncontent-length: 1\r\n\r\n2".to_owned(), Ok(())));
    assert_eq!(answer(&server, GET), ("HTTP/1.0 200 \r\n\r\n3".to_owned(), Ok(())));
}

#[test]
fn a_reply_without_a_body_may_have_a_length_all_the_same() {
    let server = FaultServer::start([
        Reply::status(204).header("content-length", "5"),
        Reply::status(304).header("content-length", "5"),
        Reply::ok("").header("content-length", "5"),
        Reply::ok("end"),
    ]);
    let mut client = Client::connect(&server);
    for request in [GET, GET, "HEAD / HTTP/1.1\r\n\r\n"] {
        client.send(request);
        assert!(client.head().ends_with("\r\ncontent-length: 5\r\n\r\n"));
    }
    client.send(GET);
    assert_eq!(client.response().1, "end");
}
