//! A client with retries, timeouts and a token cache, over curl and on no runtime at all: one thread, and `block_on`.
//!
//! ```text
//! cargo run --features isahc --example isahc_without_tokio
//! ```
//!
//! What is printed is also checked against what the servers counted: the exit status tells.

#![allow(clippy::print_stdout, reason = "it shows a person what happened")]

use std::error::Error;
use std::time::{Duration, Instant};

use futures_executor::block_on;
use futures_util::future::join_all;
use midil_http::{ClientCredentials, DefaultRetryStrategy, HttpClient, IsahcTransport};
use midil_http_test::fault_server::{FaultServer, Reply, Script};

fn main() -> Result<(), Box<dyn Error>> {
    assert!(tokio::runtime::Handle::try_current().is_err(), "tokio is here");
    block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let authority = FaultServer::always(Reply::ok(
        r#"{"access_token":"t0ken","token_type":"Bearer","expires_in":3600}"#,
    ));
    let api = FaultServer::start(api());

    // What a service sets up, once:
    let transport = IsahcTransport::builder().connect_timeout(Duration::from_secs(2)).build()?;
    let credentials = ClientCredentials::builder(transport.clone())
        .token_url(format!("{}/token", authority.url()))
        .client_id("reports")
        .client_secret("hunter2")
        .build()?;
    let retry = DefaultRetryStrategy::builder().base_delay(Duration::from_millis(5)).build()?;
    let http = HttpClient::builder(transport)
        .base_url(api.url())
        .auth(credentials.clone())
        .retry(retry)
        .timeout(Duration::from_secs(5))
        .build()?;

    // Retries: the first two attempts meet a server that is not ready.
    let response = http.get("/flaky").send().await?;
    println!("flaky:    {} after {} attempts", response.status(), response.attempts());
    assert_eq!((response.status().as_u16(), response.attempts()), (200, 3));

    // Timeouts: the body stalls, and is not waited for.
    let begun = Instant::now();
    let stalled = http.get("/stalled").timeout(Duration::from_millis(50)).send().await?;
    let error = stalled.text().await.expect_err("a body that never ends");
    println!("stalled:  {error}");
    assert!(error.is_timeout() && begun.elapsed() < Duration::from_secs(5));

    // The token cache: many calls at a time, on one thread, and one token for all.
    let calls = join_all((0..50).map(|_| async { http.get("/orders").send().await?.text().await }));
    let answers = calls.await.into_iter().collect::<Result<Vec<_>, _>>()?;
    println!("orders:   {} answers, {} token", answers.len(), credentials.status().fetches);
    assert!(answers.iter().all(|answer| answer == "[]"));
    assert_eq!((authority.request_count(), credentials.status().fetches), (1, 1));

    // A POST is not sent twice, whatever happens on the way.
    let error = http.post("/orders").body("{}").send().await.expect_err("a connection that breaks");
    println!("post:     {error}");
    let posts = api.requests().iter().filter(|request| request.method() == "POST").count();
    assert_eq!(posts, 1);
    Ok(())
}

/// A server that fails in the way that the path says.
fn api() -> Script {
    let flaky = std::sync::atomic::AtomicUsize::new(0);
    Script::respond_with(move |request| {
        if request.header("authorization") != Some("Bearer t0ken") {
            return Reply::status(401);
        }
        match (request.method(), request.target()) {
            ("POST", _) => Reply::close_before_head(),
            (_, "/flaky") if flaky.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2 => {
                Reply::status(503)
            }
            (_, "/stalled") => Reply::ok("never whole").stall_body_after(5),
            _ => Reply::ok("[]"),
        }
    })
}
