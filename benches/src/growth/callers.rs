//! Callers who wait for the same: for one token to be fetched, for the one place of a bulkhead.

use http::Response;
use midil_auth::TokenCache;
use midil_http_core::{AuthNToken, Body, Error, HttpClient, Request};
use midil_retry::Bulkhead;
use tokio::task::{JoinSet, yield_now};

use super::meter::Meter;
use super::{Cost, SAME, SLACK, Series};
use crate::BoxError;

pub(super) const TOKEN: Series = Series {
    title: "callers who wait for one token, each with a task",
    // One by itself pays for all of the fetch.
    from: 10,
    each: SAME,
    slack: SLACK,
};

pub(super) const BULKHEAD: Series = Series {
    title: "callers of a bulkhead with one place, each with a task",
    // Of ten, one does not wait.
    from: 10,
    each: SAME,
    slack: Cost { instructions: 3_000, ..SLACK },
};

/// Runs that are counted.
const RUNS: u64 = 5;

pub(super) async fn measure(meter: &mut Meter) -> Result<(), BoxError> {
    for callers in [1, 10, 100, 1_000] {
        // A token that lives for no time is used by those who waited for it, and kept for nobody.
        let tokens = TokenCache::new(|| async {
            // Whoever calls at the same time waits by now.
            yield_now().await;
            Ok(AuthNToken::new("token").with_expires_in(std::time::Duration::ZERO))
        });
        let client = HttpClient::builder(super::answer).base_url("http://localhost/").auth(tokens);
        let client = client.build()?;
        meter
            .measure(&TOKEN, (callers, true), (RUNS, callers), || together(&client, callers))
            .await?;
    }
    for callers in [1, 10, 100, 1_000] {
        let bulkhead = Bulkhead::builder().max_in_flight(1).max_waiting(1_000).build()?;
        let client =
            HttpClient::builder(later).base_url("http://localhost/").attempt_middleware(bulkhead);
        let client = client.build()?;
        meter
            .measure(&BULKHEAD, (callers, true), (RUNS, callers), || together(&client, callers))
            .await?;
    }
    Ok(())
}

async fn together(client: &HttpClient, callers: u64) -> Result<(), BoxError> {
    let mut calls = JoinSet::new();
    for _ in 0..callers {
        let response = client.get("/").send();
        calls.spawn(async move { response.await?.bytes().await });
    }
    while let Some(ended) = calls.join_next().await {
        ended??;
    }
    Ok(())
}

/// Answers when all others have had their turn.
async fn later(request: Request) -> Result<Response<Body>, Error> {
    yield_now().await;
    super::answer(request).await
}
