//! Retries: what is retried, when, and what a call that gave up says.

use midil_http_test::fault_server::{FaultServer, Reply};
use serde_json::json;

use crate::process::{kind, of};

fn busy(count: usize) -> impl Iterator<Item = Reply> {
    (0..count).map(|_| Reply::status(503).header("x-turn", "busy").body("try later"))
}

#[test]
fn what_is_retried_follows_the_options() {
    // The options, how often it fails, the attempts, the status, the kind of the error, the exit status.
    for (options, failures, attempts, status, error, code) in [
        ("", 1, 2, 200, "none", 0),
        ("", 2, 3, 200, "none", 0),
        ("", 3, 3, 503, "RetryExhausted", 1),
        ("--attempts 5", 4, 5, 200, "none", 0),
        ("--attempts 1", 1, 1, 503, "RetryExhausted", 1),
        ("--no-retry", 1, 1, 503, "none", 0),
        ("--no-retry --attempts 5", 1, 1, 503, "none", 0),
        ("POST", 1, 1, 503, "none", 0),
        ("--idempotent POST", 1, 2, 200, "none", 0),
        ("--idempotency-key k-1 POST", 1, 2, 200, "none", 0),
    ] {
        let replies = busy(failures).chain([Reply::ok("hello")]);
        let server = FaultServer::sequence(replies);
        let (line, ended) = of(&format!("--base-delay 0.001 {options}"), server.url()).line();
        assert_eq!(
            (&line["attempts"], &line["status"], kind(&line), ended),
            (&json!(attempts), &json!(status), error, code),
            "{options} after {failures}"
        );
        assert_eq!(server.request_count(), attempts, "{options}");
        if options.contains("key") {
            let keys: Vec<_> = server
                .requests()
                .iter()
                .map(|r| r.header("idempotency-key").map(str::to_owned))
                .collect();
            assert_eq!(keys, [Some("k-1".to_owned()), Some("k-1".to_owned())]);
        }
    }
}

#[test]
fn a_call_that_gave_up_says_why_and_what_came_last() {
    let server = FaultServer::sequence(busy(3));
    let (line, code) = of("--base-delay 0.001", server.url()).line();
    assert_eq!((code, kind(&line)), (1, "RetryExhausted"));
    assert_eq!(line["error"]["last"], json!({"status": 503}));
    assert_eq!((&line["body"], &line["body_bytes"]), (&json!("try later"), &json!(9)));
    assert_eq!(line["headers"]["x-turn"], json!(["busy"]));
    assert!(!line["error"]["reason"].as_str().unwrap().is_empty());
    assert!(line["error"]["message"].as_str().unwrap().starts_with("gave up after 3 attempts"));

    let refusing = FaultServer::refusing();
    let (line, code) = of("--base-delay 0.001 --attempts 2", refusing.url()).line();
    assert_eq!((code, &line["attempts"], &line["status"]), (1, &json!(2), &json!(null)));
    let last = &line["error"]["last"];
    assert_eq!(last["kind"], json!("Transport"));
    assert!(last["message"].is_string() && last["causes"].is_array(), "{last}");
    assert!(line["headers"].as_object().unwrap().is_empty() && line["body"].is_null());
}

#[test]
fn only_calls_that_gave_up_have_a_reason() {
    let server = FaultServer::always(Reply::close_before_head());
    let (line, code) = of("--no-retry", server.url()).line();
    assert_eq!((code, kind(&line)), (1, "Transport"));
    assert_eq!(line["error"].as_object().unwrap().len(), 3, "{line}");
}

#[test]
fn a_server_that_asks_for_too_long_a_wait_is_given_up_at_once() {
    let asking = |seconds: &str| {
        let busy = Reply::status(429).header("retry-after", seconds);
        FaultServer::sequence([busy, Reply::ok("hello")])
    };
    for (options, seconds, attempts) in [
        ("", "3600", 1),
        ("--max-retry-after 0.5", "1", 1),
        ("--max-retry-after 0", "1", 1),
        ("--max-retry-after 0", "0", 2),
        ("POST", "0", 2),
    ] {
        let server = asking(seconds);
        let (line, code) = of(&format!("--base-delay 0 {options}"), server.url()).line();
        assert_eq!(line["attempts"], json!(attempts), "{options}: {line}");
        if attempts == 1 {
            assert_eq!((kind(&line), code), ("RetryExhausted", 1), "{options}");
            let reason = line["error"]["reason"].as_str().unwrap();
            assert!(reason.contains(seconds), "{reason}");
        }
    }
}

/// The environment may name a backoff; what the option says of it wins.
#[test]
fn an_option_wins_over_the_backoff_of_the_environment() {
    for (kind, delay) in
        [("fixed", "HTTP_RETRY_BACKOFF_DELAY"), ("exponential", "HTTP_RETRY_BACKOFF_BASE_DELAY")]
    {
        let server = FaultServer::sequence(busy(2).chain([Reply::ok("hello")]));
        let (line, _) = of("--base-delay 0.05", server.url())
            .variable("HTTP_RETRY_BACKOFF_TYPE", kind)
            .variable(delay, "0.001")
            .line();
        assert!(line["elapsed_ms"].as_f64().unwrap() >= 100.0, "{kind}: {line}");
    }
}

/// Without jitter, the times that were waited are known from below.
#[test]
fn waits_follow_the_options() {
    for (options, factor, least) in [
        ("--base-delay 0.05", "2", 150.0),
        ("--base-delay 0.1", "1", 200.0),
        // Without a cap, the second wait would take a day.
        ("--base-delay 0.1 --max-delay 0.1", "1000000", 200.0),
        ("--base-delay 0", "2", 0.0),
    ] {
        let server = FaultServer::sequence(busy(2).chain([Reply::ok("hello")]));
        let (line, _) = of(options, server.url())
            .variable("HTTP_RETRY_JITTER", "false")
            .variable("HTTP_RETRY_BACKOFF_FACTOR", factor)
            .line();
        assert_eq!(line["attempts"], json!(3));
        assert!(line["elapsed_ms"].as_f64().unwrap() >= least, "{options}: {line}");
    }
}

#[test]
fn a_wait_that_would_go_past_the_total_timeout_is_not_begun() {
    let server = FaultServer::always(Reply::status(503).header("retry-after", "5"));
    let (line, code) = of("--total-timeout 3", server.url()).line();
    assert_eq!((kind(&line), code, &line["attempts"]), ("RetryExhausted", 1, &json!(1)));
    assert!(line["elapsed_ms"].as_f64().unwrap() < 3000.0);
}

#[test]
fn the_environment_says_it_too_and_options_win() {
    for (options, requests) in [("", 4), ("--attempts 2", 2), ("--no-retry", 1)] {
        let server = FaultServer::sequence(busy(10));
        let call = of(&format!("--base-delay 0.001 {options}"), server.url());
        call.variable("HTTP_MAX_RETRIES", "3").run();
        assert_eq!(server.request_count(), requests, "{options}");
    }
}
