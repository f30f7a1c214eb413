//! The product at work: a flaky, rate-limited JSON API on loopback, and what the client makes of it.
//!
//! ```text
//! cargo run --example quickstart
//! ```
//!
//! Everything is real but the network: sockets on this machine, faults on the wire.

#![allow(clippy::print_stdout, reason = "it shows a person what happened")]

use std::error::Error as _;
use std::time::{Duration, Instant};

use midil_http::{DefaultRetryStrategy, Error, HttpClient, RetryEvent};
use midil_http_test::fault_server::{Cut, FaultServer, Received, Reply};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let server = FaultServer::respond_with(api());
    let http = midil_http::client(server.url())?
        .header("x-client-version", "1.0")
        .timeout(Duration::from_millis(500))
        .retry(
            DefaultRetryStrategy::builder()
                .base_delay(Duration::from_millis(50))
                .max_retry_after(Duration::from_secs(5))
                .on_retry(|event: &mut RetryEvent<'_>| {
                    println!("      again in {:.0?}", event.delay)
                })
                .build()?,
        )
        .build()?;

    println!("A flaky JSON API listens at {}. Eight calls to it:\n", server.url());
    show("GET /users: the first answer is 503", http.get("/users").query(&[("limit", 10)])).await;
    show("GET /reset: the connection is reset before the head", http.get("/reset")).await;
    show("GET /limited: 429 with Retry-After: 1", http.get("/limited")).await;
    show("POST /orders: 503, and a POST is not sent twice", http.post("/orders").json(&["book"]))
        .await;
    show("POST /orders: the same with an Idempotency-Key", keyed_order(&http)).await;
    show(
        "GET /stalls: no answer at all, 500 ms of patience, one attempt",
        http.get("/stalls").no_retry(),
    )
    .await;
    show("GET /patience: Retry-After: 3600 is more than we wait", http.get("/patience")).await;
    show("GET //elsewhere.test: would leave the base URL", http.get("//elsewhere.test/users"))
        .await;

    println!(
        "\nThe server saw {} requests on {} connections.",
        server.request_count(),
        server.connections()
    );
    Ok(())
}

fn keyed_order(http: &HttpClient) -> midil_http::RequestBuilder {
    http.post("/orders").json(&["book"]).idempotency_key("order-17")
}

/// What the server answers: it fails on the first request for each thing.
fn api() -> impl Fn(&Received) -> Reply + Send + Sync + 'static {
    let seen = std::sync::Mutex::new(std::collections::HashMap::<String, u32>::new());
    move |request| {
        let path = request.target().split('?').next().unwrap_or_default().to_owned();
        let key = request.header("idempotency-key").unwrap_or_default().to_owned();
        let mut seen = seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let count = seen.entry(format!("{} {path} {key}", request.method())).or_default();
        *count += 1;
        match (path.as_str(), *count) {
            ("/patience", _) => Reply::status(503).header("retry-after", "3600"),
            ("/stalls", _) => Reply::stall(),
            ("/reset", 1) => Reply::ok("").cut_head_after(0, Cut::Reset),
            ("/limited", 1) => Reply::status(429).header("retry-after", "1"),
            (_, 1) => Reply::status(503).body("busy"),
            _ => {
                Reply::ok(r#"{"users":["Ada","Grace"]}"#).header("content-type", "application/json")
            }
        }
    }
}

/// Sends a request and tells what came of it.
async fn show(what: &str, request: midil_http::RequestBuilder) {
    println!("  {what}");
    let started = Instant::now();
    match request.send().await {
        Ok(response) => {
            let (status, attempts) = (response.status(), response.attempts());
            let body = response.text().await.unwrap_or_else(|error| error.to_string());
            println!(
                "      {status} after {attempts} attempt(s), {:.0?}: {body}",
                started.elapsed()
            );
        }
        Err(error) => {
            println!("      {} after {:.0?}: {error}", error.kind(), started.elapsed());
            let mut source = error.source();
            while let Some(cause) = source {
                println!("      because: {cause}");
                source = cause.source();
            }
        }
    }
}
