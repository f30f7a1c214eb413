//! Limits: the circuit breaker, exchanges in flight, bytes.

use std::sync::atomic::{AtomicUsize, Ordering};

use midil_http_test::fault_server::{FaultServer, Gate, Reply};
use serde_json::json;

use crate::process::{kind, of};

#[test]
fn a_breaker_refuses_after_so_many_failures() {
    for (options, variables, sent) in [
        ("--breaker 2,30 --no-retry", &[][..], 2),
        ("--breaker 3,30 --no-retry", &[], 3),
        ("--no-retry", &[("HTTP_BREAKER_THRESHOLD", "2")], 2),
        ("--breaker 4,30 --no-retry", &[("HTTP_BREAKER_THRESHOLD", "2")], 4),
        ("--no-retry", &[], 6),
    ] {
        let server = FaultServer::always(Reply::status(503));
        let mut call = of(&format!("{options} --repeat 6"), server.url());
        for (name, value) in variables {
            call = call.variable(name, value);
        }
        let ran = call.run();
        let refused = ran.lines.iter().filter(|line| kind(line) == "CircuitOpen").count();
        assert_eq!((ran.lines.len(), refused), (6, 6 - sent), "{options}");
        assert_eq!((server.request_count(), ran.code), (sent, i32::from(refused > 0)), "{options}");
        for line in &ran.lines[sent..] {
            assert_eq!((&line["status"], &line["body"]), (&json!(null), &json!(null)));
            let message = line["error"]["message"].as_str().unwrap();
            assert!(message.contains("open") && message.contains('s'), "{message}");
        }
    }
}

/// What the breaker refuses is no attempt that gave up.
#[test]
fn an_open_circuit_is_not_retried() {
    let server = FaultServer::always(Reply::status(503));
    let ran = of("--breaker 2,30 --base-delay 0.001 --repeat 2", server.url()).run();
    assert_eq!(ran.lines.iter().map(kind).collect::<Vec<_>>(), ["CircuitOpen", "CircuitOpen"]);
    assert_eq!((server.request_count(), &ran.lines[0]["attempts"]), (2, &json!(3)));
}

#[test]
fn a_breaker_lets_a_probe_through_when_its_seconds_are_over() {
    let server = FaultServer::sequence([Reply::status(503), Reply::ok("hello")]);
    let options = "--breaker 1,0.05 --no-retry --repeat 3 --pause 0.1";
    let statuses: Vec<_> =
        of(options, server.url()).run().lines.iter().map(|line| line["status"].clone()).collect();
    assert_eq!(statuses, [json!(503), json!(200), json!(200)]);
}

/// The first answer is held back until there is a second request, which comes only where two may be in flight. Waiting for
/// a place is within the total timeout.
#[test]
fn no_more_exchanges_are_in_flight_than_allowed() {
    for (option, variable, most) in [
        ("--max-connections 1", None, 1),
        ("", Some("1"), 1),
        ("--max-connections 2", None, 2),
        ("--max-connections 2", Some("1"), 2),
        ("", None, 2),
    ] {
        let (gate, asked) = (Gate::new(), AtomicUsize::new(0));
        let server = FaultServer::respond_with(move |_| {
            if asked.fetch_add(1, Ordering::SeqCst) == 1 {
                gate.open();
            }
            Reply::ok("hello").hold(&gate)
        });
        let patience = if most == 1 { "0.2" } else { "30" };
        let options = format!("{option} --repeat 2 --concurrency 2 --total-timeout {patience}");
        let mut call = of(&options, server.url());
        if let Some(value) = variable {
            call = call.variable("HTTP_MAX_CONNECTIONS", value);
        }
        let ran = call.run();
        let expected = if most == 1 { "Timeout" } else { "none" };
        assert_eq!((kind(&ran.lines[0]), ran.lines.len()), (expected, 2), "{option} {variable:?}");
        assert_eq!(ran.code, i32::from(most == 1));
    }
}

#[test]
fn the_environments_bulkhead_holds() {
    for (variable, refused) in [("1", 1), ("2", 0), ("", 0)] {
        let server = FaultServer::always(Reply::ok("hello").hold(&Gate::new()));
        let options = "--repeat 3 --concurrency 3 --total-timeout 0.2";
        let ran = of(options, server.url()).variable("HTTP_MAX_IN_FLIGHT", variable).run();
        // Of three, one is in flight, one waits for it, and one finds the queue full.
        let kinds: Vec<_> = ran.lines.iter().map(kind).collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == "Limit").count(), refused, "{kinds:?}");
        assert_eq!(kinds.iter().filter(|kind| **kind == "Timeout").count(), 3 - refused);
    }
}

#[test]
fn a_body_that_is_too_long_is_an_error_that_names_the_setting() {
    for (options, error, code) in [
        ("--max-response-bytes 4", "Limit", 1),
        ("--max-response-bytes 5", "none", 0),
        ("--max-response-bytes 0", "Limit", 1),
    ] {
        let server = FaultServer::always(Reply::ok("hello"));
        let (line, ended) = of(options, server.url()).line();
        assert_eq!((kind(&line), ended, &line["status"]), (error, code, &json!(200)), "{options}");
        if code == 1 {
            let message = line["error"]["message"].as_str().unwrap();
            assert!(message.contains("max_response_bytes"), "{message}");
        }
    }
}
