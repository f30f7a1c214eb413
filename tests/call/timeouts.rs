//! Timeouts: which fires.

use midil_http_test::fault_server::{FaultServer, Reply};
use serde_json::json;

use crate::process::{kind, of};

#[test]
fn each_timeout_ends_a_call_that_hangs_and_says_which_it_was() {
    for (options, word) in [
        ("--timeout 0.1 --no-retry", "progress"),
        ("--attempt-timeout 0.1 --no-retry", "attempt"),
        ("--total-timeout 0.1", "total"),
    ] {
        let server = FaultServer::always(Reply::stall());
        let (line, code) = of(options, server.url()).line();
        assert_eq!((kind(&line), code, &line["status"]), ("Timeout", 1, &json!(null)), "{options}");
        let message = line["error"]["message"].as_str().unwrap();
        assert!(message.contains(word), "{options}: {message}");
        assert!(line["elapsed_ms"].as_f64().unwrap() >= 100.0);
    }
}

#[test]
fn elapsed_runs_to_the_end_of_the_body_and_so_do_timeouts() {
    let server = FaultServer::always(Reply::ok("hello").stall_body_after(2));
    let (line, code) = of("--timeout 0.5", server.url()).line();
    assert_eq!((kind(&line), code), ("Timeout", 1));
    assert_eq!((&line["status"], &line["body_bytes"]), (&json!(200), &json!(2)));
    assert!(line["elapsed_ms"].as_f64().unwrap() >= 500.0);
}

#[test]
fn attempts_that_hang_are_retried() {
    let server = FaultServer::sequence([Reply::stall(), Reply::ok("hello")]);
    let options = "--attempt-timeout 0.2 --base-delay 0 --attempts 10";
    let (line, code) = of(options, server.url()).line();
    assert_eq!((code, &line["body"]), (0, &json!("hello")));
    assert!(line["attempts"].as_u64().unwrap() >= 2, "{line}");
}

#[test]
fn the_environment_sets_the_timeout_and_options_win() {
    let server = FaultServer::always(Reply::stall());
    let by_variable = of("--no-retry", server.url()).variable("HTTP_TIMEOUT", "0.1").line();
    assert_eq!(kind(&by_variable.0), "Timeout");
    let by_option = of("--no-retry --timeout 0.1", server.url()).variable("HTTP_TIMEOUT", "3600");
    assert_eq!(kind(&by_option.line().0), "Timeout");
}

#[test]
fn connecting_has_a_timeout_of_its_own() {
    let port = FaultServer::silent();
    let (line, code) = of("--connect-timeout 0.1 --no-retry", port.url()).line();
    assert_eq!((kind(&line), code), ("Timeout", 1), "{line}");
}
