//! What one call of ours holds, by what it waits for: its futures, its request, its place among the calls in flight.
//!
//! The transport is in memory and holds nothing, so all of it is ours; and no future of a call can be larger than the whole.

use std::future;
use std::time::Duration;

use futures_util::stream;
use http::Response;
use midil_auth::TokenCache;
use midil_http_core::{AuthError, AuthNToken, Body, Error, HttpClient, HttpClientBuilder, Request};
use midil_retry::{DefaultRetryStrategy, FixedDelayBackoff, Hedge, standard};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::BoxError;
use crate::counter::live;
use crate::grid::Cell;

/// How many wait at once.
const CALLS: usize = 100;

/// The most that a call may hold, whatever its limit is: so no future of ours is larger than this.
const MOST: u64 = 4096;

const TABLE: &str = "a call of ours, without its transport";

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(3600);

/// One line for each call that holds more than it may.
pub(super) fn over_promise(cells: &[Cell]) -> impl Iterator<Item = String> {
    let over = cells.iter().filter(|cell| cell.table == TABLE && cell.value > MOST);
    over.map(|Cell { row, value, .. }| {
        format!("{TABLE}: {row}: {value} bytes, {MOST} are promised at the most")
    })
}

pub(super) async fn measure() -> Result<Vec<Cell>, BoxError> {
    let mut cells = Vec::new();
    let mut add = |what: &str, value| {
        let (table, row, column) = (TABLE.into(), what.into(), "bytes".into());
        cells.push(Cell { table, row, column, value });
    };
    let plain = || builder(|_| false);
    let bare = plain().build()?;
    add("waits for its response, nothing on", waiting(&bare).await?);
    let all = plain().retry(DefaultRetryStrategy::default()).auth(tokens()).build()?;
    add("… all defaults and a token", waiting(&all).await?);
    let everything = plain().auth(tokens()).with(standard()).build()?;
    add("… `standard()` and a token", waiting(&everything).await?);
    let hedged = plain().auth(tokens()).attempt_middleware(Hedge::new(Duration::from_millis(1)));
    add("… and its hedge does, too", waiting(&hedged.build()?).await?);

    let slow = DefaultRetryStrategy::builder().backoff(FixedDelayBackoff::new(LONG));
    let slow = slow.no_budget().max_delay(LONG).build()?;
    let refused = builder(|request| request.url().path() == "/").retry(slow).auth(tokens());
    add("waits before a retry", waiting(&refused.build()?).await?);
    let forever = TokenCache::new(future::pending::<Result<AuthNToken, AuthError>>);
    add("waits for a token", waiting(&plain().auth(forever).build()?).await?);
    add("is an item of a batch", batch(&all).await?);
    add("reads its body", reading().await?);
    Ok(cells)
}

/// Bytes of a call to `/`, when nothing happens any more.
async fn waiting(client: &HttpClient) -> Result<u64, BoxError> {
    let _ = tokio::time::timeout(Duration::from_millis(1), client.get("/warm-up").send()).await;
    let nothing = live();
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        calls.spawn(client.get("/").send());
    }
    held(nothing, calls).await
}

async fn batch(client: &HttpClient) -> Result<u64, BoxError> {
    let nothing = live();
    let mut calls = JoinSet::new();
    let requests: Vec<_> = (0..CALLS).map(|_| client.get("/")).collect();
    calls.spawn(client.batch(requests).concurrency(CALLS).into_future());
    held(nothing, calls).await
}

async fn reading() -> Result<u64, BoxError> {
    let head = |_: Request| async {
        let body = Body::stream(stream::pending::<Result<bytes::Bytes, Error>>());
        Ok(Response::new(body))
    };
    let client = HttpClient::builder(head).base_url("http://localhost/").build()?;
    let nothing = live();
    // The task is the future that reads, and nothing else. An `async` block of a caller around both `send` and this would be
    // the caller's, and the compiler gives it room for the future of `send` twice.
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        calls.spawn(client.get("/").send().await?.bytes());
    }
    held(nothing, calls).await
}

/// What so many calls hold once all of them wait, divided among them; the tasks they are polled by included.
async fn held<T: 'static>(nothing: u64, mut calls: JoinSet<T>) -> Result<u64, BoxError> {
    sleep(Duration::from_millis(50)).await;
    let held = live().saturating_sub(nothing);
    if calls.try_join_next().is_some() {
        return Err("a call has ended".into());
    }
    // Gone before the next are measured.
    calls.shutdown().await;
    Ok(held / u64::try_from(CALLS)?)
}

/// Over a transport that answers those requests with 503, and no others.
fn builder(refuses: fn(&Request) -> bool) -> HttpClientBuilder {
    let transport = move |request: Request| async move {
        if !refuses(&request) {
            drop(request);
            future::pending::<()>().await;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
        Ok(response)
    };
    HttpClient::builder(transport).base_url("http://localhost/")
}

fn tokens() -> TokenCache {
    TokenCache::new(|| async { Ok(AuthNToken::new("x".repeat(1000)).with_expires_in(LONG)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_holds_too_much_is_named() {
        let cell = |table: &str, value| Cell {
            table: table.into(),
            row: "waits".into(),
            column: "bytes".into(),
            value,
        };
        let cells = [cell(TABLE, 4096), cell(TABLE, 4097), cell("client", 5000)];
        let over: Vec<_> = over_promise(&cells).collect();
        assert_eq!(
            over,
            [
                "a call of ours, without its transport: waits: 4097 bytes, 4096 are promised at the most"
            ]
        );
    }
}
