//! Makes the calls of an item, and enters what becomes of each.

mod patience;
mod read;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use http::Method;
use midil_http::{Error, HttpClient, RequestBuilder};

use crate::clients::{Clients, Maker, Number};
use crate::ledger::Ledger;
use crate::model::Outcome;
use crate::plan::{Call, Item, Limit, Upload, Verb};
use crate::servers::{self, CALL};

/// What ends a call that gets no answer: soon, but later than an answer takes on a busy machine.
const SOON: Duration = Duration::from_millis(150);

/// What a call came to, as its caller has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) outcome: Outcome,
    /// The number of the answer.
    pub(crate) serial: Option<u64>,
    /// What the error says, and what is behind it.
    pub(crate) why: Option<String>,
}

impl End {
    pub(crate) fn new(outcome: Outcome, serial: Option<u64>) -> Self {
        Self { outcome, serial, why: None }
    }

    fn failed(error: &Error) -> Self {
        Self { why: Some(chain(error)), ..Self::new(Outcome::Failed(error.kind()), None) }
    }

    fn broken(error: &Error, serial: Option<u64>) -> Self {
        Self { why: Some(chain(error)), ..Self::new(Outcome::Broken(error.kind()), serial) }
    }
}

fn chain(error: &Error) -> String {
    let first: &dyn std::error::Error = error;
    let errors = std::iter::successors(Some(first), |error| error.source());
    errors.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

pub(crate) async fn perform(maker: &Maker, clients: &Clients, item: &Item) {
    let ledger = &maker.ledger;
    match item {
        Item::One(call) => one(clients.of(call.lane), call, ledger).await,
        Item::Fresh { call, close } => match maker.fresh(&clients.provider) {
            Ok(client) => {
                one(&client, call, ledger).await;
                if *close {
                    let report = client.close_within(Duration::from_secs(10)).await;
                    if !report.is_clean() || report.finished() > 0 {
                        ledger.complain(format!("nothing was in flight of {call:?}: {report}"));
                    }
                }
            }
            Err(error) => ledger.complain(format!("no client: {error}")),
        },
        Item::Batch(calls) => batch(clients, calls, ledger).await,
        Item::Pages(call) => {
            let end = pages(clients.of(call.lane), call, ledger).await;
            ledger.came_to(call.id, end);
        }
    }
}

async fn one(client: &HttpClient, call: &Call, ledger: &Arc<Ledger>) {
    let request = request(client, call);
    let exchange = async {
        match request.send().await {
            Ok(response) => read::read(response, call, ledger).await,
            Err(error) => End::failed(&error),
        }
    };
    let end = patience::wait(call.patience, exchange).await;
    ledger.came_to(call.id, end.unwrap_or_else(|| End::new(Outcome::Dropped, None)));
}

async fn batch(clients: &Clients, calls: &[Call], ledger: &Arc<Ledger>) {
    let Some(first) = calls.first() else { return };
    let client = clients.of(first.lane);
    let requests = calls.iter().map(|call| request(client, call));
    let ends = client.batch(requests).concurrency(3).map(|response| async move {
        // By the URL: what the headers say is to be checked.
        let id = response.url().path().split('/').nth(2).and_then(|id| id.parse().ok());
        let call = calls.iter().find(|call| Some(call.id) == id);
        let call = call.ok_or_else(|| Error::custom("a response is of no call of the batch"))?;
        Ok((call.id, read::read(response, call, ledger).await))
    });
    let ends = ends.send().await;
    if ends.len() != calls.len() {
        ledger.complain(format!("{} results of a batch of {}", ends.len(), calls.len()));
    }
    for (call, end) in calls.iter().zip(ends) {
        let (id, end) = end.unwrap_or_else(|error| (call.id, End::failed(&error)));
        if id != call.id {
            ledger.complain(format!("call {id} has the place of {call:?}"));
        }
        ledger.came_to(call.id, end);
    }
}

async fn pages(client: &HttpClient, call: &Call, ledger: &Ledger) -> End {
    let pages = client.paginate(request(client, call)).prefetch(call.id.is_multiple_of(32));
    let mut pages = pages.pages();
    let mut end = End::new(Outcome::Failed("no page"), None);
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => end = read::page(&page, call, ledger),
            Err(error) => return End::failed(&error),
        }
    }
    end
}

fn request(client: &HttpClient, call: &Call) -> RequestBuilder {
    let method = match call.verb {
        Verb::Get => Method::GET,
        Verb::Post => Method::POST,
        Verb::Put => Method::PUT,
    };
    let mut request = client
        .request(method, servers::path(call.id, 1))
        .header(CALL, call.id.to_string())
        .url_template(call.id.to_string())
        .extension(Number::default());
    if !call.with_auth {
        request = request.no_auth();
    }
    if call.keyed {
        request = request.idempotency_key(format!("key-{}", call.id));
    }
    request = match call.limit {
        Limit::Client => request,
        Limit::Progress => request.timeout(SOON),
        Limit::Attempt => request.attempt_timeout(SOON),
        Limit::Total => request.total_timeout(SOON),
    };
    if call.is_hopeless() {
        request = request.no_retry();
    }
    match call.upload {
        Upload::Empty => request,
        Upload::Json => request.json(&upload::json(call.id)),
        Upload::Form(length) => request.multipart(upload::form(call.id, length)),
        other => request.body(upload::body(call.id, other)),
    }
}
