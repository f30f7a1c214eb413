//! Each rule, broken once.

use std::sync::Arc;

use midil_http::{Body, Error, HttpClient, Observer, Request};

use super::*;
use crate::model::Outcome;
use crate::plan::{Framing, Lane, Limit, Patience, Reading, Step, Upload, Verb};

const ID: u64 = 32;

fn call() -> Call {
    Call {
        id: ID,
        lane: Lane::Steady,
        verb: Verb::Post,
        keyed: false,
        with_auth: false,
        upload: Upload::Empty,
        steps: Arc::from([Step::Answer]),
        revokes: false,
        download: 3,
        framing: Framing::Length,
        reading: Reading::Whole,
        limit: Limit::Client,
        patience: Patience::Endless,
    }
}

/// A ledger with an account for the call, and one request of it told of by an observer.
async fn opened(call: &Call) -> (Arc<Ledger>, Item) {
    let ledger = Arc::new(Ledger::default());
    let item = Item::One(call.clone());
    ledger.open(&item);
    tell(&ledger, call).await;
    (ledger, item)
}

/// Has a client tell the ledger of a call that is answered.
async fn tell(ledger: &Arc<Ledger>, call: &Call) {
    let transport = |_: Request| async { Ok::<_, Error>(http::Response::new(Body::empty())) };
    let observer: Arc<dyn Observer> = Arc::<Ledger>::clone(ledger);
    let client = HttpClient::builder(transport).base_url("http://localhost").observer(observer);
    let client = client.build().unwrap();
    client.get("/").url_template(call.id.to_string()).send().await.unwrap();
}

fn complaint(ledger: &Ledger, item: &Item) -> String {
    ledger.settle(item);
    ledger.complaints().join("\n")
}

#[tokio::test]
async fn what_is_in_order_is_not_complained_of() {
    let (ledger, item) = opened(&call()).await;
    ledger.arrived(&call(), 1, true, Action::Answered(9));
    ledger.came_to(ID, End::new(Outcome::Response(200), Some(9)));
    assert_eq!(complaint(&ledger, &item), "");
}

#[tokio::test]
async fn a_call_that_comes_to_nothing_is_lost() {
    let (ledger, item) = opened(&call()).await;
    ledger.arrived(&call(), 1, true, Action::Answered(9));
    assert!(complaint(&ledger, &item).contains("it has 0 outcomes, and not one"));
}

#[tokio::test]
async fn a_call_has_one_outcome() {
    let (ledger, item) = opened(&call()).await;
    ledger.arrived(&call(), 1, true, Action::Answered(9));
    ledger.came_to(ID, End::new(Outcome::Response(200), Some(9)));
    ledger.came_to(ID, End::new(Outcome::Response(200), Some(9)));
    assert!(complaint(&ledger, &item).contains("it has 2 outcomes, and not one"));
}

#[tokio::test]
async fn an_answer_is_to_the_call_that_has_it() {
    let (ledger, item) = opened(&call()).await;
    ledger.arrived(&call(), 1, true, Action::Answered(9));
    ledger.came_to(ID, End::new(Outcome::Response(200), Some(8)));
    assert!(complaint(&ledger, &item).contains("answer 8 was given to another call"));
}

#[tokio::test]
async fn what_must_not_be_done_twice_is_not() {
    let (ledger, item) = opened(&call()).await;
    ledger.arrived(&call(), 1, true, Action::Done);
    ledger.arrived(&call(), 2, true, Action::Answered(9));
    ledger.came_to(ID, End::new(Outcome::Response(200), Some(9)));
    let complaint = complaint(&ledger, &item);
    assert!(complaint.contains("it was done 2 times, and may be done once"), "{complaint}");
    assert!(complaint.contains("2 requests arrived of 1 sent"), "{complaint}");
}

#[tokio::test]
async fn what_is_told_of_later_is_noticed() {
    let (ledger, item) = opened(&call()).await;
    ledger.arrived(&call(), 1, true, Action::Answered(9));
    ledger.came_to(ID, End::new(Outcome::Response(200), Some(9)));
    ledger.settle(&item);
    tell(&ledger, &call()).await;
    ledger.arrived(&call(), 1, true, Action::Answered(10));
    let complaints = ledger.complaints().join("\n");
    assert!(complaints.contains("an event is of no open call"), "{complaints}");
    assert!(complaints.contains("a request came after its call was settled"), "{complaints}");
}

#[tokio::test]
async fn nobody_comes_before_the_time_that_he_was_told() {
    let call =
        Call { keyed: true, steps: Arc::from([Step::Busy(503, 60), Step::Answer]), ..call() };
    let (ledger, item) = opened(&call).await;
    ledger.arrived(&call, 1, true, Action::Done);
    ledger.arrived(&call, 2, true, Action::Answered(9));
    ledger.came_to(ID, End::new(Outcome::Response(200), Some(9)));
    assert!(complaint(&ledger, &item).contains("when told 60s"));
}

#[tokio::test]
async fn a_call_that_was_closed_is_in_the_report_and_no_other() {
    let (ledger, item) = opened(&call()).await;
    ledger.arrived(&call(), 1, true, Action::Answered(9));
    ledger.came_to(ID, End::new(Outcome::Broken("Closed"), Some(9)));
    assert!(complaint(&ledger, &item).contains("no report has it"));

    let (ledger, item) = opened(&call()).await;
    ledger.arrived(&call(), 1, true, Action::Answered(9));
    ledger.dropped_by_close(ID);
    ledger.came_to(ID, End::new(Outcome::Broken("Timeout"), Some(9)));
    assert!(
        complaint(&ledger, &item).contains("a report has dropped it, and it came to broken off")
    );
}

#[tokio::test]
async fn the_plan_says_what_becomes_of_it() {
    let (ledger, item) = opened(&call()).await;
    ledger.arrived(&call(), 1, true, Action::Done);
    ledger.came_to(ID, End::new(Outcome::Failed("Transport"), None));
    let complaint = complaint(&ledger, &item);
    assert!(complaint.contains("Transport, and not 200"), "{complaint}");
    assert!(complaint.contains("its caller has Transport, the observer"), "{complaint}");
}
