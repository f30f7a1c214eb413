//! Faults before a request is read.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::Duration;

use super::client::{Client, GET, answer};
use crate::fault_server::{FaultServer, OnConnect, Reply, Script};

#[test]
fn a_refusing_port_refuses_until_it_serves() {
    let port = FaultServer::refusing();
    let address = port.address();
    assert_eq!(port.url(), format!("http://127.0.0.1:{}", address.port()));
    for _ in 0..3 {
        let refused = TcpStream::connect(address).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    }
    let server = port.start(Reply::ok("hi").close());
    assert_eq!(server.address(), address);
    assert!(answer(&server, GET).0.ends_with("hi"));
    drop(server);
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn a_silent_port_never_lets_a_client_connect() {
    let port = FaultServer::silent();
    assert_eq!(port.url(), format!("http://{}", port.address()));
    for _ in 0..3 {
        let patience = Duration::from_millis(5);
        let error = TcpStream::connect_timeout(&port.address(), patience).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }
}

#[test]
fn each_connection_has_its_fate_and_the_last_one_repeats() {
    let fates = [OnConnect::Reset, OnConnect::Close, OnConnect::Stall, OnConnect::Serve];
    let script = Script::always(Reply::ok("hi").close()).on_connect(fates);
    let server = FaultServer::start(script);

    let mut reset = Client::connect(&server);
    assert_eq!(reset.rest(), (String::new(), Err(ErrorKind::ConnectionReset)));

    let mut closed = Client::sending(&server, GET);
    assert_eq!(closed.rest(), (String::new(), Ok(())), "the request does not provoke a reset");

    let mut silent = Client::sending(&server, GET);
    silent.half_close();
    assert_eq!(silent.rest(), (String::new(), Ok(())));

    for _ in 0..2 {
        assert!(answer(&server, GET).0.ends_with("hi"));
    }
    drop((reset, closed, silent));
    server.wait_for_connections_closed();
    assert_eq!((server.connections(), server.request_count()), (5, 2));
}

#[test]
fn a_closed_connection_swallows_an_upload_without_a_reset() {
    let script = Script::always(Reply::ok("hi")).on_connect([OnConnect::Close]);
    let server = FaultServer::start(script);
    let mut client = Client::connect(&server);
    client.send(vec![b'x'; 16 * 1024 * 1024]);
    assert_eq!(client.rest(), (String::new(), Ok(())));
}

#[test]
fn many_connections_are_served_at_once() {
    let server = FaultServer::respond_with(|request| Reply::ok(request.target()));
    std::thread::scope(|scope| {
        for number in 0..20 {
            let server = &server;
            scope.spawn(move || {
                let mut client = Client::connect(server);
                for round in 0..50 {
                    client.send(format!("GET /{number}/{round} HTTP/1.1\r\n\r\n"));
                    assert_eq!(client.response().1, format!("/{number}/{round}"));
                }
            });
        }
    });
    server.wait_for_connections_closed();
    assert_eq!((server.connections(), server.request_count()), (20, 1000));
}
