//! What a server holds on to, and how leaks of a client are counted.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::client::{Client, GET, answer};
use crate::fault_server::{Cut, FaultServer, Gate, Reply};

/// Threads of this process; `None` where the system does not tell.
fn threads() -> Option<usize> {
    std::fs::read_dir("/proc/self/task").ok().map(Iterator::count)
}

#[test]
fn ten_thousand_connections_leave_no_threads() {
    let gate = Gate::new();
    gate.open();
    let server = FaultServer::start([
        Reply::ok("hi").close(),
        // Those that wait have a second thread.
        Reply::ok("hi").hold(&gate).drip(1, Duration::ZERO).close(),
        Reply::ok("hello").cut_body_after(2, Cut::Reset),
    ])
    .keep_requests(0);
    for _ in 0..10_000 {
        let _ = answer(&server, GET);
    }
    server.wait_for_connections_closed();
    assert_eq!((server.connections(), server.request_count()), (10_000, 10_000));
    server.wait_until(|seen| seen.peak_connections() < 100 && seen.open_requests() == 0);
    // Those of tests that run at the same time among them.
    assert!(threads().is_none_or(|count| count < 1000), "{:?}", threads());
    assert!(server.requests().is_empty());
}

#[test]
fn a_leaked_connection_is_found_out() {
    let server = FaultServer::always(Reply::ok("hi")).wait_limit(Duration::from_millis(1));
    let mut leaked = Client::sending(&server, GET);
    leaked.response();
    let mut closed = Client::sending(&server, GET);
    closed.response();
    drop(closed);
    let vain = catch_unwind(AssertUnwindSafe(|| server.wait_for_connections_closed()));
    let message = *vain.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains("saw 2 requests over 2 connections"), "{message}");
    let server = server.wait_limit(Duration::from_secs(10));
    server.wait_until(|seen| seen.open_connections() == 1);
    drop(leaked);
    server.wait_for_connections_closed();
}

#[test]
fn the_most_that_went_on_at_a_time_is_known() {
    let gate = Gate::new();
    let server = FaultServer::always(Reply::ok("hi").hold(&gate));
    let mut clients = Vec::from_iter((0..3).map(|_| Client::sending(&server, GET)));
    server.wait_for_requests(3);
    server.wait_until(|seen| seen.open_requests() == 3);
    gate.open();
    for client in &mut clients {
        client.response();
    }
    drop(clients);
    server.wait_for_connections_closed();
    let _ = answer(&server, "GET / HTTP/1.0\r\n\r\n");
    server.wait_until(|seen| seen.open_requests() == 0 && seen.open_connections() == 0);
    server.wait_until(|seen| seen.peak_requests() == 3 && seen.peak_connections() == 3);
}
