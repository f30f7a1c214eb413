//! Dropping the server ends everything, at once.

use std::time::Duration;

use super::client::{Client, GET};
use crate::fault_server::{Cut, FaultServer, Gate, OnConnect, Reply, Script};

fn stops(script: impl Into<Script>, request: &str) {
    let server = FaultServer::start(script);
    let mut client = Client::sending(&server, request);
    if !request.is_empty() {
        server.wait_for_requests(1);
    }
    drop(server);
    // Ended one way or the other; a server that does not stop would be a timeout.
    let (_, ended) = client.rest();
    assert!(ended.is_ok() || ended == Err(std::io::ErrorKind::ConnectionReset), "{ended:?}");
}

#[test]
fn in_every_kind_of_wait() {
    let gate = Gate::new();
    for reply in [
        Reply::stall(),
        Reply::stall().stop_reading(),
        Reply::ok("hello").cut_head_after(3, Cut::Stall),
        Reply::ok("hello").stall_body_after(2),
        Reply::ok("hello").hold(&gate),
        Reply::ok("hello").hold_body(&gate),
        Reply::ok("hello").drip(1, Duration::from_secs(3600)),
        Reply::ok("hello").drip(0, Duration::MAX),
        Reply::ok("hello"),
        Reply::status(413).before_body().close(),
    ] {
        stops(reply.clone(), GET);
        stops(reply.clone(), "PUT / HTTP/1.1\r\ncontent-length: 10\r\n\r\n");
        stops(reply, "PUT / HTTP/1.1\r\ncontent-length: 10\r\n\r\nabc");
    }
}

#[test]
fn before_and_in_the_midst_of_a_request() {
    let reply = Reply::ok("hello");
    stops(reply.clone(), "");
    let server = FaultServer::always(reply.clone());
    let mut client = Client::sending(&server, "GET / HT");
    server.wait_until(|seen| seen.connections() == 1);
    drop(server);
    let _ = client.rest();
    for fate in [OnConnect::Close, OnConnect::Stall, OnConnect::Reset] {
        stops(Script::always(reply.clone()).on_connect([fate]), "");
    }
}

#[test]
fn while_a_client_does_not_read() {
    let gate = Gate::new();
    let server = FaultServer::always(Reply::ok(vec![b'x'; 64 * 1024 * 1024]).hold(&gate));
    let client = Client::sending(&server, GET);
    server.wait_for_requests(1);
    gate.open();
    drop(server);
    drop(client);
}

#[test]
fn with_many_connections_and_many_times() {
    for _ in 0..50 {
        let server = FaultServer::always(Reply::stall());
        let clients = Vec::from_iter((0..10).map(|_| Client::sending(&server, GET)));
        drop(server);
        drop(clients);
    }
}

#[test]
fn without_any_connection() {
    drop(FaultServer::always(Reply::ok("")));
    drop(FaultServer::refusing());
}
