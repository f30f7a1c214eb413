//! The table at work.

use std::time::Duration;

use http::StatusCode;
use midil_auth::ClientCredentials;
use midil_http_core::{AuthError, AuthNProvider};
use midil_http_test::ManualRuntime;

use super::rows::{Outcome, Range, Refusal, Row, millis, table};
use super::{Endpoint, keeps_quiet, message, pass};

const SEEDS: std::ops::Range<u64> = 0..20;

#[test]
fn every_fault_has_its_outcome() {
    for row in table() {
        for seed in SEEDS {
            check(&row, seed);
        }
    }
}

fn check(row: &Row, seed: u64) {
    let fault = row.fault;
    let runtime = ManualRuntime::new();
    let endpoint = Endpoint::new(&runtime, (row.script)(&runtime));
    let credentials = endpoint.client().seed(seed).build().unwrap();
    let outcome = runtime.block_on(credentials.get_token());
    assert_within(runtime.elapsed(), row.took, &format!("{fault}: time"));
    let asked = endpoint.asked();
    assert_eq!(asked.len(), row.spacing.len() + 1, "{fault}: requests");
    for (pair, range) in asked.windows(2).zip(row.spacing) {
        assert_within(pair[1] - pair[0], *range, &format!("{fault}: spacing"));
    }
    assert_eq!(credentials.status().fetches, 1, "{fault}");
    match (&row.outcome, outcome) {
        (Outcome::Token, Ok(token)) => {
            assert_eq!(token.access_token().expose(), "t0ken", "{fault}");
            assert_eq!(credentials.status().consecutive_failures, 0, "{fault}");
        }
        (Outcome::Error(refusal), Err(error)) => {
            check_error(fault, refusal, &error);
            check_pause(fault, &credentials, &endpoint, &error);
        }
        (_, outcome) => panic!("{fault}: {outcome:?}"),
    }
}

fn check_error(fault: &str, expected: &Refusal, error: &AuthError) {
    assert_eq!(error.kind(), expected.kind, "{fault}: {error}");
    assert_eq!(message(error), expected.message, "{fault}");
    assert_eq!(
        error.status().map(|status: StatusCode| status.as_u16()),
        expected.status,
        "{fault}"
    );
    assert_eq!((error.error(), error.error_description()), expected.oauth, "{fault}");
    assert_within(error.retry_in().unwrap(), expected.pause, &format!("{fault}: pause"));
    keeps_quiet(error);
}

/// Those who come within the pause are told the same, and when it is over; nobody asks the endpoint.
fn check_pause(
    fault: &str,
    credentials: &ClientCredentials,
    endpoint: &Endpoint,
    first: &AuthError,
) {
    let runtime = &endpoint.runtime;
    let (pause, requests) = (first.retry_in().unwrap(), endpoint.requests());
    let over = runtime.elapsed() + pause;
    for wait in [Duration::ZERO, pause / 2, pause - pause / 2 - Duration::from_nanos(1)] {
        pass(runtime, wait);
        let now = runtime.elapsed();
        let error = runtime.block_on(credentials.get_token()).unwrap_err();
        assert_eq!(runtime.elapsed(), now, "{fault}: it waited");
        assert_eq!(error.retry_in(), Some(over - now), "{fault}");
        assert_eq!(message(&error), message(first), "{fault}");
        assert_eq!(error.kind(), first.kind(), "{fault}");
        assert_eq!((error.status(), error.error()), (first.status(), first.error()), "{fault}");
        keeps_quiet(&error);
        assert_eq!(credentials.status().retry_in, Some(over - now), "{fault}");
    }
    assert_eq!((endpoint.requests(), credentials.status().fetches), (requests, 1), "{fault}");
    pass(runtime, Duration::from_nanos(1));
    drop(runtime.block_on(credentials.get_token()));
    assert_eq!(credentials.status().fetches, 2, "{fault}: the pause is over");
    assert!(endpoint.requests() > requests, "{fault}");
}

#[track_caller]
fn assert_within(time: Duration, (from, to): Range, what: &str) {
    assert!(
        (millis(from)..=millis(to)).contains(&time),
        "{what}: {time:?} is not in {from}..{to} ms"
    );
}

/// `cargo test -p midil-auth --test token_endpoint -- --nocapture the_table` prints it for the docs.
#[test]
fn the_table_can_be_read() {
    let mut lines = vec!["| fault | requests | spacing | outcome | message |".to_owned()];
    lines.push("|---|---|---|---|---|".to_owned());
    for row in table() {
        let (mut gaps, mut pauses) = (vec![Vec::new(); row.spacing.len()], Vec::new());
        let (mut kind, mut says, mut requests) = ("token".to_owned(), String::new(), 0);
        for seed in SEEDS {
            let runtime = ManualRuntime::new();
            let endpoint = Endpoint::new(&runtime, (row.script)(&runtime));
            let credentials = endpoint.client().seed(seed).build().unwrap();
            if let Err(error) = runtime.block_on(credentials.get_token()) {
                (kind, says) = (format!("`{:?}`", error.kind()), message(&error));
                pauses.push(error.retry_in().unwrap());
            }
            requests = endpoint.requests();
            for (gaps, pair) in gaps.iter_mut().zip(endpoint.asked().windows(2)) {
                gaps.push(pair[1] - pair[0]);
            }
        }
        let mut spacing: Vec<_> = gaps.iter().map(|gaps| range(gaps)).collect();
        if !pauses.is_empty() {
            spacing.push(format!("next fetch {}", range(&pauses)));
        }
        let (fault, spacing) = (row.fault, spacing.join(", "));
        lines.push(format!("| {fault} | {requests} | {spacing} | {kind} | {says} |"));
    }
    eprintln!("{}", lines.join("\n"));
    assert!(lines.len() > 60, "{}", lines.len());
}

/// The shortest and the longest of several times, in seconds.
fn range(times: &[Duration]) -> String {
    let seconds = |time: Option<&Duration>| time.unwrap().as_secs_f64();
    let (least, most) = (seconds(times.iter().min()), seconds(times.iter().max()));
    if most - least < 0.001 { format!("{most:.0} s") } else { format!("{least:.2}–{most:.2} s") }
}
