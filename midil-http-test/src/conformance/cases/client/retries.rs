//! Retries are the client's.

use std::time::Duration;

use midil_http_core::{Attempt, Body, GiveUpReason, Outcome, RetryDecision, RetryStrategy};

use crate::conformance::bench::Bench;
use crate::conformance::case::cases;
use crate::conformance::uploads::{once, pieces};
use crate::conformance::verdict::{Failure, Verdict, same};
use crate::fault_server::{FaultServer, Reply};

cases!["Client":
    the_client_retries_a_503,
    the_client_retries_a_reset,
    the_client_retries_a_post_whose_connection_was_refused,
    the_client_retries_with_a_replayable_body,
    the_client_returns_the_outcome_of_a_stream_that_was_read,
    the_client_keeps_the_last_outcome_when_it_gives_up,
];

/// Up to three attempts, without a wait, at whatever fails.
fn three() -> impl RetryStrategy {
    |attempt: &Attempt<'_>| {
        let failed = match attempt.outcome {
            Outcome::Response(head) => head.status.is_server_error(),
            Outcome::Error(_) => true,
        };
        match failed {
            false => RetryDecision::Accept,
            true if attempt.number < 3 => RetryDecision::Retry { after: Duration::ZERO },
            true => RetryDecision::GiveUp { reason: GiveUpReason::Attempts },
        }
    }
}

/// The third attempt succeeds.
async fn healed(bench: &Bench, fault: Reply, body: impl Into<Body>) -> Verdict {
    let server = FaultServer::start([fault.clone(), fault, Reply::ok("hello")]);
    let client = bench.client(&server)?.retry(three()).build()?;
    let response = client.put("/").body(body).send().await?;
    same("the attempts", response.attempts(), 3)?;
    same("the body", response.text().await?, "hello")?;
    for request in server.requests() {
        same("the body of a request", request.body(), b"abc")?;
    }
    same("the requests", server.request_count(), 3)
}

async fn the_client_retries_a_503(bench: &Bench) -> Verdict {
    healed(bench, Reply::status(503).body("later"), "abc").await
}

async fn the_client_retries_a_reset(bench: &Bench) -> Verdict {
    healed(bench, Reply::reset_before_head(), "abc").await
}

async fn the_client_retries_with_a_replayable_body(bench: &Bench) -> Verdict {
    let body = Body::replayable(None, || pieces(&["ab", "c"]));
    healed(bench, Reply::status(503).body("later"), body).await
}

/// A stream too, for nobody has read from it.
async fn the_client_retries_a_post_whose_connection_was_refused(bench: &Bench) -> Verdict {
    let port = FaultServer::refusing();
    let url = port.url();
    let client = midil_http_core::HttpClient::builder(bench.transport()?).base_url(url);
    let port = std::sync::Mutex::new(Some(port));
    let server = std::sync::Arc::new(std::sync::Mutex::new(None));
    let started = std::sync::Arc::clone(&server);
    // The server is back when the first attempt has failed.
    let client = client.retry(move |attempt: &Attempt<'_>| {
        let port = port.lock().ok().and_then(|mut port| port.take());
        match (attempt.outcome, port) {
            (Outcome::Error(_), Some(port)) => {
                let server = port.start(Reply::ok("back again"));
                if let Ok(mut started) = started.lock() {
                    *started = Some(server);
                }
                RetryDecision::Retry { after: Duration::ZERO }
            }
            _ => RetryDecision::Accept,
        }
    });
    let response = client.build()?.post("/").body(once(&["ab", "c"])).send().await?;
    same("the attempts", response.attempts(), 2)?;
    same("the body", response.text().await?, "back again")?;
    let server = server.lock().ok().and_then(|mut server| server.take());
    let requests = server.map(|server| server.requests()).unwrap_or_default();
    same("the body of the request", requests[0].body(), b"abc")
}

async fn the_client_returns_the_outcome_of_a_stream_that_was_read(bench: &Bench) -> Verdict {
    let server = FaultServer::start([Reply::status(503).body("later"), Reply::ok("hello")]);
    let client = bench.client(&server)?.retry(three()).build()?;
    let response = client.put("/").body(once(&["ab", "c"])).send().await?;
    same("the status", response.status().as_u16(), 503)?;
    same("the body", response.text().await?, "later")?;
    same("the requests", server.request_count(), 1)
}

async fn the_client_keeps_the_last_outcome_when_it_gives_up(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::status(503).body("later"));
    let client = bench.client(&server)?.retry(three()).build()?;
    match client.get("/").send().await {
        Err(error) => {
            same("the status", error.status().map(|status| status.as_u16()), Some(503))?;
            same("the requests", server.request_count(), 3)
        }
        Ok(response) => Err(Failure(format!("expected an error, saw {}", response.status()))),
    }
}
