//! Accept or give up, for which reason, and who pays.

use std::sync::Mutex;

use http::header::RETRY_AFTER;
use midil_http_core::GiveUpReason;
use url::Url;

use super::*;
use crate::{AttemptResult, Budget, FixedDelayBackoff};

/// A budget that writes down what happens to it.
#[derive(Default)]
struct Ledger {
    entries: Mutex<Vec<String>>,
    refuses: bool,
}

impl Budget for Ledger {
    fn record(&self, url: &Url, _: Instant, AttemptResult { number, succeeded }: AttemptResult) {
        let entry = format!("{} {number} {succeeded}", url.host_str().unwrap());
        self.entries.lock().unwrap().push(entry);
    }

    fn withdraw(&self, _: &Url, _: Instant) -> bool {
        self.entries.lock().unwrap().push("withdraw".to_owned());
        !self.refuses
    }
}

/// A strategy of three attempts, 1 s apart, and its ledger.
fn strategy(refuses: bool) -> (Arc<Ledger>, DefaultRetryStrategy) {
    let ledger = Arc::new(Ledger { refuses, ..Ledger::default() });
    let strategy = DefaultRetryStrategy::builder()
        .backoff(FixedDelayBackoff::new(SECOND))
        .budget(Arc::clone(&ledger))
        .build();
    (ledger, strategy.unwrap())
}

/// What becomes of an attempt at a busy server, and what the ledger says.
fn decide(refuses: bool, change: impl Fn(&mut Attempt<'_>)) -> (RetryDecision, Vec<String>) {
    decide_on(&response(503, &[]), refuses, change)
}

fn decide_on(
    head: &Parts,
    refuses: bool,
    change: impl Fn(&mut Attempt<'_>),
) -> (RetryDecision, Vec<String>) {
    let (ledger, strategy) = strategy(refuses);
    let request = get();
    let mut attempt = Attempt::new(&request, Outcome::Response(head));
    change(&mut attempt);
    let decision = strategy.decide(&attempt);
    let entries = std::mem::take(&mut *ledger.entries.lock().unwrap());
    (decision, entries)
}

fn give_up(reason: GiveUpReason) -> RetryDecision {
    RetryDecision::GiveUp { reason }
}

const FAILED: &str = "api.example.com 1 false";

#[test]
fn a_retry_is_recorded_and_paid_for() {
    let (decision, entries) = decide(false, |_| ());
    assert_eq!(decision, RetryDecision::Retry { after: SECOND });
    assert_eq!(entries, [FAILED, "withdraw"]);
}

#[test]
fn a_success_is_recorded() {
    let (decision, entries) = decide_on(&response(200, &[]), true, |attempt| attempt.number = 3);
    assert_eq!(decision, RetryDecision::Accept);
    assert_eq!(entries, ["api.example.com 3 true"]);
}

#[test]
fn without_budget_it_gives_up() {
    let (decision, entries) = decide(true, |_| ());
    assert_eq!(decision, give_up(GiveUpReason::Budget));
    assert_eq!(entries, [FAILED, "withdraw"]);
}

#[test]
fn used_up_attempts_cost_nothing() {
    for number in [3, 4, u32::MAX] {
        let (decision, entries) = decide(true, |attempt| attempt.number = number);
        assert_eq!(decision, give_up(GiveUpReason::Attempts), "{number}");
        assert_eq!(entries, [format!("api.example.com {number} false")]);
    }
}

#[test]
fn one_attempt_in_all_gives_up_after_the_first() {
    let strategy = DefaultRetryStrategy::builder().max_attempts(1).build().unwrap();
    let (request, busy) = (get(), response(503, &[]));
    let decision = strategy.decide(&Attempt::new(&request, Outcome::Response(&busy)));
    assert_eq!(decision, give_up(GiveUpReason::Attempts));
}

#[test]
fn a_touched_body_is_accepted_as_it_came_and_costs_nothing() {
    for number in [1, 3] {
        let (decision, entries) = decide(true, |attempt| {
            attempt.number = number;
            attempt.replayable = false;
            attempt.remaining = Some(Duration::ZERO);
        });
        assert_eq!(decision, RetryDecision::Accept);
        assert_eq!(entries, [format!("api.example.com {number} false")]);
    }
}

#[test]
fn what_is_not_idempotent_is_accepted_as_it_came_and_costs_nothing() {
    let (decision, entries) = decide(true, |attempt| {
        attempt.number = 3;
        attempt.idempotent = false;
    });
    assert_eq!(decision, RetryDecision::Accept);
    assert_eq!(entries, ["api.example.com 3 false"]);
}

#[test]
fn a_wait_beyond_the_deadline_costs_nothing() {
    for remaining in [SECOND, SECOND / 2, Duration::ZERO] {
        let (decision, entries) = decide(true, |attempt| attempt.remaining = Some(remaining));
        assert_eq!(decision, give_up(GiveUpReason::Deadline { wait: SECOND, remaining }));
        assert_eq!(entries, [FAILED]);
    }
    let (decision, _) = decide(false, |attempt| attempt.remaining = Some(SECOND * 2));
    assert!(is_retried(&decision));
}

#[test]
fn the_reasons_come_in_order() {
    let limits = |attempt: &mut Attempt<'_>| attempt.remaining = Some(Duration::ZERO);
    let busy = || response(503, &[(RETRY_AFTER, "61")]);

    let (decision, entries) = decide_on(&busy(), true, |attempt| {
        limits(attempt);
        attempt.number = 3;
    });
    assert_eq!((decision, entries.len()), (give_up(GiveUpReason::Attempts), 1));

    let (decision, entries) = decide_on(&busy(), true, limits);
    assert!(matches!(decision, RetryDecision::GiveUp { reason: GiveUpReason::RetryAfter { .. } }));
    assert_eq!(entries, [FAILED]);

    let (decision, entries) = decide(true, limits);
    assert!(matches!(decision, RetryDecision::GiveUp { reason: GiveUpReason::Deadline { .. } }));
    assert_eq!(entries, [FAILED]);
}

#[test]
fn what_says_nothing_of_the_server_is_not_recorded() {
    let (ledger, strategy) = strategy(false);
    let request = get();
    for error in [Error::Closed, Error::circuit_open(SECOND), Error::custom("no")] {
        strategy.decide(&Attempt::new(&request, Outcome::Error(&error)));
    }
    for status in [501, 505] {
        strategy.decide(&Attempt::new(&request, Outcome::Response(&response(status, &[]))));
    }
    assert_eq!(*ledger.entries.lock().unwrap(), Vec::<String>::new());
}

#[test]
fn a_retriable_failure_is_one_though_the_caller_does_not_want_it_retried() {
    let ledger = Arc::new(Ledger::default());
    let strategy = DefaultRetryStrategy::builder()
        .retry_on_status([503])
        .retry_on_error(|_| false)
        .budget(Arc::clone(&ledger))
        .build()
        .unwrap();
    let request = get();
    let refused = midil_http_core::TransportError::new(
        midil_http_core::TransportErrorKind::Connect,
        midil_http_core::Sent::No,
        "refused",
    );
    let limited = response(429, &[]);
    for outcome in [Outcome::Response(&limited), Outcome::Error(&refused.into())] {
        assert_eq!(strategy.decide(&Attempt::new(&request, outcome)), RetryDecision::Accept);
    }
    assert_eq!(*ledger.entries.lock().unwrap(), [FAILED, FAILED]);
}
