//! The suite itself: what it makes of transports that are no transports.

use std::time::Duration;

use futures_util::FutureExt as _;
use midil_http_core::{Body, Error, Request, TransportSettings};

use super::{Outcome, Report, Suite, Table};
use crate::ManualRuntime;

const CASE: &str = "a_100_is_skipped";

/// Answers everything with `hello`, without a socket: there are cases that cannot tell.
fn closure() -> Suite {
    Suite::new("a closure", |_: &TransportSettings| {
        Ok(|_: Request| async { Ok::<_, Error>(http::Response::new(Body::from("hello"))) })
    })
}

fn run(suite: Suite) -> Report {
    suite.run().now_or_never().expect("no socket is waited for")
}

#[test]
fn what_holds_conforms() {
    let report = run(closure().only(CASE));
    report.assert_conforms();
    assert_eq!((report.transport(), report.cases().len()), ("a closure", 1));
    let case = &report.cases()[0];
    assert_eq!((case.name(), case.group(), case.outcome()), (CASE, "Framing", Outcome::Holds));
    assert!(report.to_markdown().contains("| a 100 is skipped | yes |"));
}

#[test]
fn what_fails_says_what_was_expected_and_seen() {
    let report = run(closure().only("a_204_has_no_body"));
    assert!(!report.conforms());
    assert_eq!(report.failed(), ["a_204_has_no_body"]);
    let told = report.to_string();
    let seen = "status and body: expected (204, \"\"), saw (200, \"hello\")";
    assert!(told.contains(seen), "{told}");
    assert!(report.to_markdown().contains("| a 204 has no body | **fails** |"));
}

#[test]
fn a_gap_is_explained() {
    let report = run(closure().only("a_204_has_no_body").lacks("a_204_has_no_body", "it is one"));
    report.assert_conforms();
    assert_eq!(report.cases()[0].gap(), Some("it is one"));
    assert!(
        report
            .to_markdown()
            .ends_with("| a 204 has no body | no [1] |\n\n1. a closure: it is one\n")
    );
}

#[test]
fn a_gap_that_holds_is_stale() {
    let report = run(closure().only(CASE).lacks(CASE, "it is said to"));
    assert!(!report.conforms());
    assert_eq!(report.with_outcome(Outcome::Stale).count(), 1);
    assert!(report.to_string().contains("remove the declaration"));

    let report = run(closure().only(CASE).lacks_sometimes(CASE, "it is said to"));
    report.assert_conforms();
    assert!(report.to_markdown().contains("| not always [1] |"));
    run(closure().only(CASE).lacks_group("Framing", "no sockets")).assert_conforms();
}

#[test]
fn a_panic_fails_its_case_alone() {
    let suite = Suite::new("panics", |_: &TransportSettings| {
        Ok(|request: Request| async move {
            assert_ne!(request.method(), "PURGE", "it is a panic");
            Ok::<_, Error>(http::Response::new(Body::from("hello")))
        })
    });
    let report = run(suite.only(CASE).only("a_method_of_the_callers_own_arrives"));
    assert_eq!(report.failed(), ["a_method_of_the_callers_own_arrives"]);
    let failure = report.with_outcome(Outcome::Fails).next().and_then(|case| case.failure());
    assert!(failure.is_some_and(|failure| failure.starts_with("a panic: ")), "{failure:?}");
}

#[test]
fn what_hangs_fails() {
    let suite = Suite::new("hangs", |_: &TransportSettings| {
        Ok(|_: Request| std::future::pending::<Result<http::Response<Body>, Error>>())
    });
    let suite = suite.only("many_calls_at_once_come_to_their_own_answers");
    let report = ManualRuntime::new().block_on(suite.time_limit(Duration::from_millis(5)).run());
    let failure = report.cases()[0].failure().unwrap();
    let told = "it hangs: not over after 5ms, waiting for all requests at once";
    assert_eq!(failure, told);
}

#[test]
fn a_transport_that_cannot_be_built_fails_all() {
    let suite = Suite::new("none", |_: &TransportSettings| {
        Err::<fn(Request) -> std::future::Ready<Result<http::Response<Body>, Error>>, _>(
            Error::custom("no stack here"),
        )
    });
    let report = run(suite.only(CASE));
    assert_eq!(report.cases()[0].failure(), Some("an unexpected error: no stack here"));
}

#[test]
#[should_panic(expected = "there is no case \"a_1000_is_skipped\"")]
fn a_case_that_does_not_exist_is_not_lacking() {
    let _ = closure().lacks("a_1000_is_skipped", "a slip of the pen");
}

#[test]
fn names_are_sentences_and_tell_cases_apart() {
    let names = Vec::from_iter(Suite::cases().map(|(_, name)| name));
    for (index, name) in names.iter().enumerate() {
        assert!(!names[..index].contains(name), "there are two of {name}");
        assert!(name.split('_').count() >= 3, "{name} is no sentence");
    }
    assert!(names.len() >= 250, "{}", names.len());
}

#[test]
fn reports_stand_side_by_side() {
    let reports = [run(closure().only(CASE)), run(closure().only("a_204_has_no_body"))];
    let table = Table::new(reports).to_string();
    assert!(table.contains("| a 100 is skipped | yes |  |"), "{table}");
    assert!(table.contains("| a 204 has no body |  | **fails** |"), "{table}");
}
