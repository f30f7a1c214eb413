//! What a test can ask and wait for, and the end of the server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::client::{Client, get, run, whole};
use crate::fault_server::{Gate, Http2Reply, Http2Server, OnConnect, Script};

fn panic_message(act: impl FnOnce()) -> String {
    *catch_unwind(AssertUnwindSafe(act)).unwrap_err().downcast::<String>().unwrap()
}

#[test]
fn a_vain_wait_says_what_there_was() {
    let server = Http2Server::start(Http2Reply::ok("hi")).wait_limit(Duration::from_millis(1));
    run(async { Client::connect(&server).await.put("ab").await.unwrap() });
    server.wait_for_requests(1);
    let message = panic_message(|| server.wait_for_requests(2));
    assert!(message.starts_with("waited 1ms for 2 requests, saw 1 requests over"), "{message}");
    assert!(message.ends_with("PUT /up on connection 0: 2 bytes"), "{message}");
}

#[test]
fn a_panic_of_the_script_reaches_the_test() {
    let server = Http2Server::start(Script::respond_with(|request| {
        panic!("no {} please", request.method())
    }));
    run(async { Client::connect(&server).await.get().await.unwrap_err() });
    assert_eq!(panic_message(|| server.wait_for_requests(2)), "the script panicked: no GET please");
    assert_eq!(panic_message(|| drop(server)), "the script panicked: no GET please");
}

#[test]
fn what_is_no_http2_is_no_request() {
    let server = Http2Server::start(Http2Reply::ok("hi"));
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n").unwrap();
    socket.read_to_end(&mut Vec::new()).unwrap();
    drop(socket);
    server.wait_for_connections_closed();
    assert_eq!((server.connections(), server.request_count()), (1, 0));
}

#[test]
fn dropping_the_server_ends_everything() {
    let gate = Gate::new();
    for reply in [
        Http2Reply::stall(),
        Http2Reply::ok("hello").stall_body_after(2),
        Http2Reply::ok("hello").hold(&gate),
        Http2Reply::ok("hello").hold_body(&gate),
        Http2Reply::ok("x".repeat(1_000_000)),
        Http2Reply::ok("").go_away(0).hold(&gate),
    ] {
        let server = Http2Server::start(reply);
        run(async {
            let client = Client::connect(&server).await;
            let (response, _) = client.send(get(), false).await.unwrap();
            while server.request_count() == 0 {
                tokio::task::yield_now().await;
            }
            drop(server);
            let ended = async { whole(response.await?).await };
            let _ = ended.await;
        });
    }
    for fate in [OnConnect::Close, OnConnect::Stall, OnConnect::Reset, OnConnect::Serve] {
        let server = Http2Server::start(Script::always(Http2Reply::ok("")).on_connect([fate]));
        let mut socket = TcpStream::connect(server.address()).unwrap();
        server.wait_until(|seen| seen.connections() == 1);
        drop(server);
        let _ = socket.read_to_end(&mut Vec::new());
    }
}

#[test]
fn a_client_that_leaves_ends_every_wait() {
    let gate = Gate::new();
    for reply in [
        Http2Reply::stall(),
        Http2Reply::ok("hello").stall_body_after(2),
        Http2Reply::ok("hello").hold(&gate),
        Http2Reply::ok("hello").hold_body(&gate),
        Http2Reply::unprocessed(0),
        Http2Reply::stall().stop_reading(),
    ] {
        let server = Http2Server::start(reply);
        run(async {
            let client = Client::connect(&server).await;
            let (response, _) = client.send(get(), true).await.unwrap();
            while server.request_count() == 0 {
                tokio::task::yield_now().await;
            }
            drop(response);
        });
        server.wait_for_connections_closed();
        server.wait_until(|seen| seen.open_requests() == 0);
    }
}

#[test]
fn no_debug_shows_what_may_be_a_secret() {
    let reply = Http2Reply::ok("hidden").header("set-cookie", "hidden").trailer("x-sum", "hidden");
    let shown = format!("{reply:?}");
    let server = Http2Server::start(reply);
    run(async { Client::connect(&server).await.put("hidden").await.unwrap() });
    for text in [shown, format!("{server:?} {:?}", server.requests())] {
        assert!(!text.contains("hidden") && !text.contains("104, 105, 100"), "{text}");
    }
}
