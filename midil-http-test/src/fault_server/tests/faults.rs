//! Replies that break off, lie or are none.

use std::io::ErrorKind;

use super::client::{Client, GET, answer};
use crate::fault_server::{Cut, FaultServer, Reply};

#[test]
fn close_before_the_head_is_the_end_of_the_stream() {
    let server = FaultServer::always(Reply::close_before_head());
    assert_eq!(answer(&server, GET), (String::new(), Ok(())));
    server.wait_for_connections_closed();
    assert_eq!(server.request_count(), 1);
}

#[test]
fn reset_before_the_head_is_a_reset() {
    let server = FaultServer::always(Reply::reset_before_head());
    assert_eq!(answer(&server, GET), (String::new(), Err(ErrorKind::ConnectionReset)));
}

#[test]
fn a_head_is_cut_where_it_is_said() {
    for (cut, ended) in [(Cut::Close, Ok(())), (Cut::Reset, Err(ErrorKind::ConnectionReset))] {
        let reply = Reply::ok("hi").header("x", "y");
        let server = FaultServer::start([
            reply.clone().cut_head_after(0, cut),
            reply.clone().cut_head_after(10, cut),
            reply.clone().cut_head_after(usize::MAX, cut),
        ]);
        let head = "HTTP/1.1 200 \r\nx: y\r\ncontent-length: 2\r\n\r\n";
        for expected in ["", "HTTP/1.1 2", head] {
            assert_eq!(answer(&server, GET), (expected.to_owned(), ended));
        }
    }
}

#[test]
fn a_body_is_cut_where_it_is_said() {
    for (cut, ended) in [(Cut::Close, Ok(())), (Cut::Reset, Err(ErrorKind::ConnectionReset))] {
        let server = FaultServer::start([
            Reply::ok("hello").cut_body_after(0, cut),
            Reply::ok("hello").cut_body_after(2, cut),
            Reply::ok("hello").cut_body_after(usize::MAX, cut),
        ]);
        for expected in ["", "he", "hello"] {
            let mut client = Client::sending(&server, GET);
            assert!(client.head().contains("content-length: 5"));
            assert_eq!(client.rest(), (expected.to_owned(), ended));
        }
    }
}

#[test]
fn a_cut_chunked_body_never_has_its_end() {
    for (count, expected) in [
        (0, ""),
        (1, "3\r\no"),
        (3, "3\r\none"),
        (4, "3\r\none\r\n3\r\nt"),
        (6, "3\r\none\r\n3\r\ntwo"),
        (9, "3\r\none\r\n3\r\ntwo\r\n"),
    ] {
        let reply = Reply::ok("").chunked(["one", "two"]).cut_body_after(count, Cut::Close);
        let server = FaultServer::always(reply);
        let mut client = Client::sending(&server, GET);
        client.head();
        assert_eq!(client.rest(), (expected.to_owned(), Ok(())), "{count}");
    }
}

#[test]
fn a_length_may_lie() {
    let server = FaultServer::start([
        Reply::ok("hello").content_length(3),
        Reply::ok("next"),
        Reply::ok("hello").content_length(9),
    ]);
    let mut client = Client::sending(&server, GET);
    assert_eq!(client.response().1, "hel");
    client.send(GET);
    assert_eq!(client.exactly(2), "lo", "the surplus stands before the next response");
    assert_eq!(client.response().1, "next");
    client.send(GET);
    assert!(client.head().contains("content-length: 9"));
    assert_eq!(client.rest(), ("hello".to_owned(), Ok(())));
}

#[test]
fn a_short_body_may_leave_the_connection_open() {
    let server =
        FaultServer::start([Reply::ok("hel").content_length(5).keep_alive(), Reply::raw("lo")]);
    let mut client = Client::sending(&server, GET);
    assert!(client.head().contains("content-length: 5"));
    assert_eq!(client.exactly(3), "hel");
    client.send(GET);
    assert_eq!(client.rest(), ("lo".to_owned(), Ok(())));
}

#[test]
fn headers_that_frame_the_body_are_the_users() {
    let reply = Reply::ok("hi").header("Content-Length", "nonsense").close();
    let text = answer(&FaultServer::always(reply), GET).0;
    let expected = "HTTP/1.1 200 \r\nContent-Length: nonsense\r\nconnection: close\r\n\r\nhi";
    assert_eq!(text, expected);
}

#[test]
fn raw_bytes_are_sent_alone() {
    let server = FaultServer::start([
        Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").keep_alive(),
        Reply::raw("abc"),
        Reply::garbage(),
    ]);
    let mut client = Client::sending(&server, GET);
    assert_eq!(client.response().0, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    client.send(GET);
    assert_eq!(client.rest(), ("abc".to_owned(), Ok(())));
    let (text, ended) = answer(&server, GET);
    assert!(!text.starts_with("HTTP") && !text.is_empty());
    assert_eq!(ended, Ok(()));
}

#[test]
fn a_silent_close_leaves_a_stale_connection() {
    let server = FaultServer::always(Reply::ok("hi").close_silently());
    let mut client = Client::sending(&server, GET);
    let (head, body) = client.response();
    assert!(!head.contains("connection"));
    assert_eq!(body, "hi");
    server.wait_for_connections_closed();
    // The first write after a close still succeeds; what follows it depends on the system.
    client.send(GET);
    assert_eq!(client.rest().0, "");
    assert_eq!(server.request_count(), 1);
}

#[test]
fn a_head_may_be_far_too_long() {
    let server = FaultServer::always(Reply::ok("hi").pad_head(4 * 1024 * 1024).close());
    let (text, ended) = answer(&server, GET);
    let head = text.strip_suffix("hi").unwrap();
    assert_eq!(ended, Ok(()));
    assert!((4 * 1024 * 1024..4_200_000).contains(&head.len()), "{}", head.len());
    assert!(head.lines().all(|line| line.len() < 8192));
}

#[test]
fn lengths_may_contradict_each_other() {
    for headers in [
        [("content-length", "2"), ("content-length", "3")],
        [("content-length", "2"), ("transfer-encoding", "chunked")],
    ] {
        let reply = headers
            .iter()
            .fold(Reply::ok("hi").close(), |reply, (name, value)| reply.header(*name, *value));
        let text = answer(&FaultServer::always(reply), GET).0;
        let [(one, first), (other, second)] = headers;
        let expected = format!(
            "HTTP/1.1 200 \r\n{one}: {first}\r\n{other}: {second}\r\nconnection: close\r\n\r\nhi"
        );
        assert_eq!(text, expected);
    }
}

#[test]
fn a_stall_may_be_anywhere() {
    let chunked = Reply::ok("").chunked(["one", "two"]);
    for (reply, expected) in [
        (Reply::stall(), ""),
        (Reply::ok("hello").cut_head_after(5, Cut::Stall), "HTTP/"),
        (Reply::ok("hello").stall_body_after(0), "HTTP/1.1 200 \r\ncontent-length: 5\r\n\r\n"),
        (
            Reply::raw("HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n3").stall_body_after(99),
            "HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n3",
        ),
        (
            chunked.clone().stall_body_after(3),
            "HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n3\r\none",
        ),
        (
            chunked.stall_body_after(4),
            "HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\nt",
        ),
    ] {
        let server = FaultServer::always(reply);
        let mut client = Client::sending(&server, GET);
        server.wait_for_requests(1);
        assert_eq!(client.exactly(expected.len()), expected);
        client.stream().set_nonblocking(true).unwrap();
        assert!(client.stream().peek(&mut [0]).is_err(), "nothing more comes");
        assert_eq!(server.open_connections(), 1);
    }
}
