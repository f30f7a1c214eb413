//! The same call several times.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use midil_http_test::fault_server::{FaultServer, Gate, Reply};
use serde_json::json;

use crate::process::{kind, of};

#[test]
fn each_call_has_its_line_and_all_go_through_one_client() {
    let server = FaultServer::always(Reply::ok("hello"));
    let ran = of("--repeat 5", server.url()).run();
    assert_eq!((ran.code, ran.lines.len(), server.request_count()), (0, 5, 5));
    assert!(server.connections() < 5, "connections are kept");
    assert!(!ran.problem.contains('\u{1b}'), "no progress bar but on a terminal");
}

#[test]
fn one_that_fails_is_enough_for_the_exit_status() {
    let bad = Reply::close_before_head();
    let server = FaultServer::sequence([Reply::ok(""), bad, Reply::ok("")]);
    let ran = of("--repeat 3 --no-retry", server.url()).run();
    let kinds: Vec<_> = ran.lines.iter().map(kind).collect();
    assert_eq!((kinds, ran.code), (vec!["none", "Transport", "none"], 1));
}

#[test]
fn so_many_are_in_flight_and_lines_come_in_the_order_of_completion() {
    let (gate, asked) = (Gate::new(), AtomicUsize::new(0));
    let server = FaultServer::respond_with({
        let gate = gate.clone();
        move |_| match asked.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::ok("first").hold(&gate),
            1 => Reply::ok("second"),
            // There is room for it when the second is through.
            _ => {
                gate.open();
                Reply::ok("third")
            }
        }
    });
    let ran = of("--repeat 3 --concurrency 2", server.url()).run();
    assert_eq!((ran.code, ran.lines.len()), (0, 3));
    assert_eq!(ran.lines[0]["body"], json!("second"));
}

#[test]
fn a_pause_follows_each_call() {
    let server = FaultServer::always(Reply::ok(""));
    let begun = Instant::now();
    of("--repeat 3 --pause 0.1", server.url()).run();
    assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
}
