//! The predicate is obeyed; all else is as with the default strategy.

use std::time::{Duration, Instant};

use http::Method;
use http::header::RETRY_AFTER;
use http::response::Parts;
use midil_http_core::{Error, GiveUpReason, Outcome, Request, RequestHead, RetryEvent};

use super::*;
use crate::{Budget, ExponentialBackoff, FixedDelayBackoff, RetryBudget};

const SECOND: Duration = Duration::from_secs(1);

fn request(method: Method) -> RequestHead {
    let mut head = Request::get("https://api.example.com/").unwrap().into_parts().0;
    head.method = method;
    head
}

fn response(status: u16, retry_after: Option<&str>) -> Parts {
    let mut response = http::Response::builder().status(status);
    if let Some(value) = retry_after {
        response = response.header(RETRY_AFTER, value);
    }
    response.body(()).unwrap().into_parts().0
}

fn is_teapot(attempt: &Attempt<'_>) -> bool {
    matches!(attempt.outcome, Outcome::Response(head) if head.status == 418)
}

/// A strategy that retries a 418, one second later.
fn teapots() -> ConditionalRetryStrategyBuilder {
    ConditionalRetryStrategy::builder(is_teapot).backoff(FixedDelayBackoff::new(SECOND))
}

#[test]
fn the_predicate_says_what_is_retried_whatever_the_method() {
    let strategy = teapots().build().unwrap();
    let (teapot, busy) = (response(418, None), response(503, None));
    for method in [Method::GET, Method::POST] {
        let request = request(method);
        let decide = |head| strategy.decide(&Attempt::new(&request, Outcome::Response(head)));
        assert_eq!(decide(&teapot), RetryDecision::Retry { after: SECOND });
        assert_eq!(decide(&busy), RetryDecision::Accept);
    }
}

#[test]
fn errors_are_retried_if_it_says_so() {
    let strategy = ConditionalRetryStrategy::builder(|attempt: &Attempt<'_>| {
        matches!(attempt.outcome, Outcome::Error(Error::Custom(_)))
    });
    let (strategy, request) = (strategy.build().unwrap(), request(Method::GET));
    let decide = |error: &Error| strategy.decide(&Attempt::new(&request, Outcome::Error(error)));
    assert!(matches!(decide(&Error::custom("busy")), RetryDecision::Retry { .. }));
    assert_eq!(decide(&Error::Closed), RetryDecision::Accept);
}

#[test]
fn the_limits_hold() {
    let strategy = teapots().max_attempts(2).max_retry_after(5 * SECOND).build().unwrap();
    let request = request(Method::GET);
    let decide = |retry_after, change: &dyn Fn(&mut Attempt<'_>)| {
        let teapot = response(418, retry_after);
        let mut attempt = Attempt::new(&request, Outcome::Response(&teapot));
        attempt.random = 0.0;
        change(&mut attempt);
        strategy.decide(&attempt)
    };
    let give_up = |reason| RetryDecision::GiveUp { reason };
    assert_eq!(decide(Some("5"), &|_| ()), RetryDecision::Retry { after: 5 * SECOND });
    let (asked, limit) = (6 * SECOND, 5 * SECOND);
    assert_eq!(decide(Some("6"), &|_| ()), give_up(GiveUpReason::RetryAfter { asked, limit }));
    assert_eq!(decide(None, &|attempt| attempt.number = 2), give_up(GiveUpReason::Attempts));
    let deadline = GiveUpReason::Deadline { wait: SECOND, remaining: SECOND };
    assert_eq!(decide(None, &|attempt| attempt.remaining = Some(SECOND)), give_up(deadline));
    assert_eq!(decide(None, &|attempt| attempt.replayable = false), RetryDecision::Accept);
}

/// How many of a hundred retries at one moment there are.
fn retried(strategy: &ConditionalRetryStrategy) -> usize {
    let (request, teapot) = (request(Method::GET), response(418, None));
    let attempt = Attempt::new(&request, Outcome::Response(&teapot));
    let decisions = (0..100).map(|_| strategy.decide(&attempt));
    let is_retry = |decision: &RetryDecision| match decision {
        RetryDecision::Retry { .. } => true,
        other => {
            assert_eq!(*other, RetryDecision::GiveUp { reason: GiveUpReason::Budget });
            false
        }
    };
    decisions.filter(is_retry).count()
}

#[test]
fn there_is_a_budget_unless_told_otherwise() {
    let strategy = teapots().build().unwrap();
    assert_eq!(retried(&strategy), 10);
    assert_eq!(retried(&strategy.clone()), 0, "clones share it");
    assert_eq!(retried(&teapots().build().unwrap()), 10, "others have their own");
    assert_eq!(retried(&teapots().no_budget().build().unwrap()), 100);
}

#[test]
fn a_budget_that_is_given_is_the_one() {
    let budget = RetryBudget::builder().capacity(3.0).build().unwrap();
    assert_eq!(retried(&teapots().budget(budget.clone()).build().unwrap()), 3);
    assert!(!budget.withdraw(&request(Method::GET).url, Instant::now()));
}

#[test]
fn only_what_shows_that_the_server_copes_earns() {
    let (budget, now) = (RetryBudget::default(), Instant::now());
    let strategy = teapots().budget(budget.clone()).build().unwrap();
    let request = request(Method::GET);
    assert_eq!((0..20).filter(|_| budget.withdraw(&request.url, now)).count(), 10);
    let earned = |status| {
        let head = response(status, None);
        let mut attempt = Attempt::new(&request, Outcome::Response(&head));
        attempt.now = now;
        let before = budget.available(&request.url, now);
        strategy.decide(&attempt);
        budget.available(&request.url, now) > before
    };
    assert!(!earned(418), "retried");
    assert!(!earned(503), "not retried here, but no success either");
    assert!(!earned(429));
    assert!(earned(404) && earned(200));
}

#[test]
fn bad_settings_are_refused_by_name() {
    let error = teapots().max_attempts(0).build().unwrap_err();
    assert_eq!(error.to_string(), "max_attempts is 0: give at least 1, which means no retry");
}

#[test]
fn the_hook_is_the_one_that_was_set() {
    assert!(teapots().build().unwrap().hook().is_none());
    let strategy = teapots().backoff(ExponentialBackoff::default());
    let strategy = strategy.on_retry(|_: &mut RetryEvent<'_>| ()).build().unwrap();
    assert!(strategy.hook().is_some());
    assert!(format!("{strategy:?}").contains("has_budget: true"));
}
