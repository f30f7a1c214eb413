//! What must be true of every account.

use std::time::Duration;

use super::Quirks;
use super::account::{Account, Action, Told};
use crate::calls::End;
use crate::model::{self, Expected, Outcome};
use crate::plan::{Call, Item, Lane, Reading, Step};

/// So often does curl send a request again, over one kept connection after the other, when each dies under it.
const CURL_RESENDS: usize = 5;

/// The rules that are broken, in words.
pub(super) fn broken(item: &Item, call: &Call, account: &Account, quirks: Quirks) -> Vec<String> {
    let mut problems = Vec::new();
    let mut check = |holds: bool, problem: &dyn Fn() -> String| {
        if !holds {
            problems.push(problem());
        }
    };

    // Each call has one outcome.
    let [End { outcome, serial, .. }] = &account.ends[..] else {
        return vec![format!("it has {} outcomes, and not one", account.ends.len())];
    };

    // What the observer is told begins, ends and is closed, and ends as the caller says.
    let (calls, requests) = (account.calls, account.requests);
    check(calls.are_over(), &|| format!("its events do not go up: {calls:?}"));
    check(requests.are_over(), &|| {
        format!("the events of its requests do not go up: {requests:?}")
    });
    // What was on its way to the caller when its client was closed is told of as it was.
    if calls.started == 1 && !is_closed(outcome) {
        check(is_told(outcome, account.told.as_ref()), &|| {
            format!("its caller has {outcome}, the observer {:?}", account.told)
        });
    }

    // No request arrives that was not sent; and nothing is done twice that must not be.
    let sent = usize::try_from(requests.started).unwrap_or(usize::MAX);
    let resends = quirks.resends && may_be_resent(call, account);
    let resent = if resends { sent * CURL_RESENDS } else { 0 };
    let arrived = account.arrivals.len();
    check(arrived <= sent + resent, &|| format!("{arrived} requests arrived of {sent} sent"));
    if !model::is_idempotent(call) {
        let done = account.arrivals.iter().filter(|one| one.as_made && one.action.is_done());
        let done = done.count();
        check(done <= 1, &|| format!("it was done {done} times, and may be done once"));
    }
    let most = usize::try_from(model::MAX_ATTEMPTS).unwrap_or(usize::MAX) * (1 + hops(call));
    let attempts = account.arrivals.iter().map(|one| one.number).max().unwrap_or(0);
    check(attempts <= most, &|| format!("{attempts} requests are more than {most}"));

    // An answer that the caller has was given, to this very call.
    if let Some(serial) = serial {
        let given = account.arrivals.iter().any(|one| one.action == Action::Answered(*serial));
        check(given, &|| format!("answer {serial} was given to another call"));
    }
    if *outcome == Outcome::Response(200) {
        check(serial.is_some(), &|| "its answer has no number".to_owned());
    }

    // Who was told to come later does not come before.
    for pair in account.arrivals.windows(2) {
        if let Step::Busy(_, seconds) = *call.step(pair[0].number)
            && call.lane == Lane::Steady
            && pair[1].number > pair[0].number
        {
            let waited = pair[1].at.saturating_duration_since(pair[0].at);
            let asked = Duration::from_secs(seconds);
            check(waited >= asked, &|| format!("it waited {waited:?}, when told {asked:?}"));
        }
    }

    // A call that ends because its client was closed is in the report, once, unless it was refused; and no other is, but those
    // whose callers had lost interest.
    let is_closed = is_closed(outcome);
    let reported = account.closed;
    let is_refused = requests.started == 0 || matches!(item, Item::Pages(_));
    check(!is_closed || reported == 1 || is_refused, &|| "no report has it".to_owned());
    let is_left = *outcome == Outcome::Dropped
        || matches!(
            (outcome, call.reading),
            (Outcome::Response(_), Reading::OneChunk | Reading::Nothing)
        );
    check(reported == 0 || is_closed || is_left, &|| {
        format!("a report has dropped it, and it came to {outcome}")
    });

    let is_lost = quirks.loses && account.timeouts > 0;
    match model::expected(item, call) {
        Some(expected) if !is_closed && !is_lost => {
            check_expected(call, &expected, outcome, account, &mut check);
        }
        _ => {}
    }
    problems
}

fn check_expected(
    call: &Call,
    expected: &Expected,
    outcome: &Outcome,
    account: &Account,
    check: &mut dyn FnMut(bool, &dyn Fn() -> String),
) {
    check(outcome.is_like(&expected.outcome), &|| {
        format!("{outcome}, and not {}", expected.outcome)
    });
    let started = account.calls.started;
    check(started == expected.calls, &|| format!("{started} calls, and not {}", expected.calls));
    // A timeout may be quicker than its request.
    if expected.outcome == Outcome::Failed("Timeout") {
        return;
    }
    let rejected = account.rejected();
    let wanted = usize::try_from(expected.requests).unwrap_or(usize::MAX) + rejected;
    let sent = usize::try_from(account.requests.started).unwrap_or(usize::MAX);
    let arrived = account.arrivals.len();
    let hedges = if call.lane == Lane::Hedged { wanted } else { 0 };
    let is_right = (wanted..=wanted + hedges).contains(&sent);
    check(is_right, &|| format!("{sent} requests, and not {wanted}"));
    check(arrived >= wanted, &|| format!("{arrived} requests arrived, and not {wanted}"));
}

impl Action {
    fn is_done(self) -> bool {
        matches!(self, Self::Done | Self::Answered(_))
    }
}

fn is_closed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed("Closed") | Outcome::Broken("Closed"))
}

/// Whether the observer was told what the caller has.
fn is_told(outcome: &Outcome, told: Option<&Told>) -> bool {
    match (outcome, told) {
        (Outcome::Dropped, _) => true,
        (_, None) => false,
        (Outcome::Response(status), Some(told)) => *told == Told::Response(*status),
        (Outcome::Failed(kind), Some(Told::Error(told))) => kind == told,
        (Outcome::Broken(_), Some(told)) => matches!(told, Told::Response(_)),
        (Outcome::Failed(_), Some(Told::Response(_))) => false,
    }
}

/// What curl takes for something that it may send twice.
fn may_be_resent(call: &Call, account: &Account) -> bool {
    let became_get = account.arrivals.iter().any(|one| !one.as_made);
    became_get || (model::is_idempotent(call) && !call.upload.is_once())
}

fn hops(call: &Call) -> usize {
    if call.steps.len() == 1 && matches!(call.steps[0], Step::Lead(..)) {
        return 10;
    }
    call.steps.iter().filter(|step| matches!(step, Step::Lead(..) | Step::Page)).count()
}
