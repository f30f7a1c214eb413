//! Pauses and gates.

use std::time::{Duration, Instant};

use super::client::{Client, GET, answer};
use crate::fault_server::{FaultServer, Gate, Reply};

#[test]
fn a_gate_holds_the_head() {
    let gate = Gate::new();
    let server = FaultServer::always(Reply::ok("hi").hold(&gate).interim(103, [("a", "b")]));
    let mut clients = Vec::from_iter((0..20).map(|_| Client::sending(&server, GET)));
    server.wait_for_requests(20);
    for client in &mut clients {
        assert!(client.head().starts_with("HTTP/1.1 103 "));
        let stream = client.stream();
        stream.set_nonblocking(true).unwrap();
        assert!(stream.peek(&mut [0]).is_err(), "nothing comes");
        stream.set_nonblocking(false).unwrap();
    }
    assert!(!gate.is_open());
    gate.open();
    for client in &mut clients {
        assert_eq!(client.response().1, "hi");
        client.send(GET);
        client.head();
        assert_eq!(client.response().1, "hi", "an open gate holds nothing");
    }
}

#[test]
fn a_gate_holds_the_body_or_its_rest() {
    let (first, second) = (Gate::new(), Gate::new());
    let server = FaultServer::start([
        Reply::ok("hello").hold_body(&first),
        Reply::ok("").chunked(["one", "two"]).hold_body_after(4, &second),
    ]);
    let mut client = Client::sending(&server, GET);
    assert!(client.head().contains("content-length: 5"));
    first.open();
    assert_eq!(client.exactly(5), "hello");
    client.send(GET);
    client.head();
    assert_eq!(client.exactly(12), "3\r\none\r\n3\r\nt");
    second.clone().open();
    assert_eq!(client.exactly(9), "wo\r\n0\r\n\r\n");
}

#[test]
fn a_drip_takes_its_time() {
    let interval = Duration::from_millis(2);
    let server = FaultServer::always(Reply::ok("0123456789").drip(3, interval).close());
    let start = Instant::now();
    assert!(answer(&server, GET).0.ends_with("0123456789"));
    assert!(start.elapsed() >= interval * 3);
}

#[test]
fn a_drip_comes_piece_by_piece() {
    let gate = Gate::new();
    let reply = Reply::ok("0123456789").hold_body_after(4, &gate).drip(4, Duration::MAX);
    let server = FaultServer::always(reply);
    let mut client = Client::sending(&server, GET);
    client.head();
    assert_eq!(client.exactly(4), "0123");
    gate.open();
    drop(server);
    assert_eq!(client.rest().0, "");
}

#[test]
fn a_client_that_leaves_ends_every_wait() {
    let gate = Gate::new();
    for reply in [
        Reply::stall(),
        Reply::ok("hello").stall_body_after(2),
        Reply::ok("hi").hold(&gate),
        Reply::ok("hi").hold_body(&gate),
        Reply::ok("hi").drip(1, Duration::MAX),
        Reply::stall().stop_reading(),
    ] {
        let server = FaultServer::always(reply);
        drop(Client::sending(&server, GET));
        server.wait_for_connections_closed();
    }
}

#[test]
fn a_client_that_leaves_ends_a_later_wait_of_its_connection() {
    let told = || Reply::ok("hi").interim(103, [("x", "y")]);
    for _ in 0..50 {
        let (first, second, third) = (Gate::new(), Gate::new(), Gate::new());
        let server =
            FaultServer::start([told().hold(&first), told().hold(&second), told().hold(&third)]);
        let mut client = Client::sending(&server, GET);
        for gate in [first, second] {
            client.head(); // about to be held
            gate.open();
            client.response();
            client.send(GET);
        }
        client.head();
        drop(client);
        server.wait_for_connections_closed();
    }
}
