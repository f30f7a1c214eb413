//! Connections that end between two requests.

use std::io::ErrorKind;

use super::client::{Client, GET};
use crate::fault_server::{FaultServer, Reply};

#[test]
fn the_sending_half_may_be_closed_between_requests() {
    let server = FaultServer::start([Reply::ok("1").half_close(), Reply::ok("2")]);
    let mut client = Client::sending(&server, GET);
    let (head, body) = client.response();
    assert!(!head.contains("connection") && body == "1");
    assert_eq!(client.rest(), (String::new(), Ok(())));
    // Sending goes on without an error, and nobody answers.
    client.send(GET.repeat(10_000));
    assert_eq!((server.request_count(), server.open_connections()), (1, 1));
    drop(client);
    server.wait_for_connections_closed();
    assert_eq!(server.request_count(), 1);
}

#[test]
fn a_connection_may_be_closed_when_the_next_request_arrives() {
    let server = FaultServer::start([Reply::ok("1").close_at_next_request(), Reply::ok("2")]);
    let mut client = Client::sending(&server, GET);
    let (head, body) = client.response();
    assert!(!head.contains("connection") && body == "1");
    assert_eq!(server.open_connections(), 1);
    client.send(GET);
    assert_eq!(client.rest(), (String::new(), Err(ErrorKind::ConnectionReset)));
    server.wait_for_connections_closed();
    assert_eq!(server.request_count(), 1, "the second is not read");
}

#[test]
fn the_next_request_may_be_there_already() {
    let server = FaultServer::always(Reply::ok("1").close_at_next_request());
    let mut client = Client::sending(&server, &GET.repeat(2));
    client.response();
    assert_eq!(client.rest(), (String::new(), Err(ErrorKind::ConnectionReset)));
}

#[test]
fn a_connection_that_waits_for_its_next_request_ends_with_the_client_or_the_server() {
    let server = FaultServer::always(Reply::ok("1").close_at_next_request());
    let mut client = Client::sending(&server, GET);
    client.response();
    drop(client);
    server.wait_for_connections_closed();
    let mut client = Client::sending(&server, GET);
    client.response();
    drop(server);
    assert_eq!(client.rest().0, "");
}

#[test]
fn a_connection_may_be_closed_without_an_answer_to_the_next_request() {
    let server = FaultServer::start([Reply::ok("1"), Reply::close_before_head(), Reply::ok("2")]);
    let mut client = Client::sending(&server, GET);
    client.response();
    client.send(GET);
    assert_eq!(client.rest(), (String::new(), Ok(())));
    assert_eq!(server.request_count(), 2, "this one is read");
}
