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

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(3600);

pub(super) async fn measure() -> Result<Vec<Cell>, BoxError> {
    let mut cells = Vec::new();
    let mut add = |table: &str, what: &str, value| {
        let (table, row, column) = (table.into(), what.into(), "bytes".into());
        cells.push(Cell { table, row, column, value });
    };
    let table = "a call of ours, without its transport";
    let plain = || builder(|_| false);
    let bare = plain().build()?;
    add(table, "waits for its response, nothing on", waiting(&bare).await?);
    let all = plain().retry(DefaultRetryStrategy::default()).auth(tokens()).build()?;
    add(table, "… all defaults and a token", waiting(&all).await?);
    let everything = plain().auth(tokens()).with(standard()).build()?;
    add(table, "… `standard()` and a token", waiting(&everything).await?);
    let hedged = plain().auth(tokens()).attempt_middleware(Hedge::new(Duration::from_millis(1)));
    add(table, "… and its hedge does, too", waiting(&hedged.build()?).await?);

    let slow = DefaultRetryStrategy::builder().backoff(FixedDelayBackoff::new(LONG));
    let slow = slow.no_budget().max_delay(LONG).build()?;
    let refused = builder(|request| request.url().path() == "/").retry(slow).auth(tokens());
    add(table, "waits before a retry", waiting(&refused.build()?).await?);
    let forever = TokenCache::new(future::pending::<Result<AuthNToken, AuthError>>);
    add(table, "waits for a token", waiting(&plain().auth(forever).build()?).await?);
    add(table, "is an item of a batch", batch(&all).await?);
    add(table, "reads its body", reading().await?);
    Ok(cells)
}

/// Bytes of a call to `/`, when nothing happens any more.
async fn waiting(client: &HttpClient) -> Result<u64, BoxError> {
    let _ = tokio::time::timeout(Duration::from_millis(1), client.get("/warm-up").send()).await;
    held(|calls| {
        for _ in 0..CALLS {
            calls.spawn(client.get("/").send());
        }
    })
    .await
}

async fn batch(client: &HttpClient) -> Result<u64, BoxError> {
    held(|calls| {
        let requests: Vec<_> = (0..CALLS).map(|_| client.get("/")).collect();
        let batch = client.batch(requests).concurrency(CALLS).into_future();
        calls.spawn(async move {
            batch.await;
            future::pending().await
        });
    })
    .await
}

async fn reading() -> Result<u64, BoxError> {
    let head = |_: Request| async {
        let body = Body::stream(stream::pending::<Result<bytes::Bytes, Error>>());
        Ok(Response::new(body))
    };
    let client = HttpClient::builder(head).base_url("http://localhost/").build()?;
    held(|calls| {
        for _ in 0..CALLS {
            let response = client.get("/").send();
            calls.spawn(async move {
                response.await?.bytes().await?;
                future::pending().await
            });
        }
    })
    .await
}

/// What so many calls hold once all of them wait, divided among them; the tasks they are polled by included.
async fn held(
    start: impl FnOnce(&mut JoinSet<Result<midil_http_core::Response, Error>>),
) -> Result<u64, BoxError> {
    let nothing = live();
    let mut calls = JoinSet::new();
    start(&mut calls);
    sleep(Duration::from_millis(50)).await;
    let held = live().saturating_sub(nothing);
    if let Some(ended) = calls.try_join_next() {
        return Err(
            format!("a call has ended: {:?}", ended?.map(|response| response.status())).into()
        );
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
