//! The product at work: a token endpoint and a flaky, rate-limited JSON API on loopback, and what one client makes of them.
//!
//! ```text
//! cargo run --example quickstart
//! ```
//!
//! Everything is real but the network: sockets on this machine, faults on the wire (`servers.rs`). What is printed is also
//! checked against what the servers counted (`claims.rs`): the exit status tells.

#![allow(clippy::print_stdout, reason = "it shows a person what happened")]

mod claims;
mod servers;
mod show;

use std::error::Error;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use midil_http::{ClientCredentials, DefaultRetryStrategy, RequestBuilder, ReqwestTransport};

use crate::claims::Claims;
use crate::servers::{LIMIT, Servers};
use crate::show::Told;

const CALLERS: usize = 12;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let servers = Servers::start();

    // What a service sets up, once:
    let credentials = ClientCredentials::builder(ReqwestTransport::builder().build()?)
        .token_url(servers.token_url())
        .client_id("quickstart")
        .client_secret("not a secret: it is printed here")
        .scope("reports/read")
        .build()?;
    let http = midil_http::client(servers.api_url())?
        .header("x-client-version", "1.0")
        .auth(credentials.clone())
        .retry(
            DefaultRetryStrategy::builder()
                .base_delay(Duration::from_millis(100))
                .on_retry(show::note_retry)
                .build()?,
        )
        .total_timeout(Duration::from_secs(30))
        .build()?;

    println!("{CALLERS} concurrent callers of an API that takes {LIMIT} requests a second:\n");
    let started = Instant::now();
    let calls = (1..=CALLERS).map(|n| show::call(http.get(format!("/reports/{n}"))));
    let reports = join_all(calls).await;
    for (n, told) in (1..).zip(&reports) {
        println!("  GET /reports/{n:<4} {told}");
    }
    let fetches = servers.token_requests();
    println!(
        "\n  {} attempts, {:.1} s of waiting, {:.1} s for all; token requests: {fetches}\n",
        reports.iter().map(|told| told.attempts).sum::<u32>(),
        reports.iter().map(Told::waited).sum::<Duration>().as_secs_f64(),
        started.elapsed().as_secs_f64(),
    );

    println!("One at a time:\n");
    let single = async |what: &str, request: RequestBuilder| {
        let told = show::call(request).await;
        println!("  {what:<44} {told}");
        told
    };
    let order = || http.post("/orders").json(&["book"]);
    servers.revoke_token();
    let revoked = single("GET /orders    the token was revoked", http.get("/orders")).await;
    let posted = single("POST /orders   is not sent twice…", order()).await;
    let keyed = order().idempotency_key("order-17");
    let keyed = single("POST /orders   …but with an Idempotency-Key", keyed).await;
    let patience = single("GET /patience  Retry-After: 3600", http.get("/patience")).await;
    let elsewhere = http.get("//elsewhere.test/orders");
    let elsewhere = single("GET //elsewhere.test/orders", elsewhere).await;

    let seen = servers.seen();
    println!("\nWhat both servers counted:\n\n{seen}");

    let all = |told: &[Told]| told.iter().all(|told| told.status == Some(200));
    let mut claims = Claims::default();
    claims.check("every concurrent caller got its report", all(&reports));
    claims.check("one token request served all concurrent callers", fetches == 1);
    claims.check("a 503 and a reset were retried", seen.faults == 2);
    claims.check("the API limited callers", seen.limited > 0);
    claims.check(
        "who was limited stayed away for the second that Retry-After asked for",
        seen.earliest_return.is_some_and(|wait| wait >= Duration::from_secs(1)),
    );
    claims.check(
        "a 401 was healed by one more token request, without an attempt more",
        revoked.is(200, 1) && seen.rejected == 1 && seen.token_requests == 2,
    );
    claims.check("the client had as many tokens", credentials.status().generation == 2);
    claims.check("a POST was sent once", posted.is(503, 1) && seen.plain_posts == 1);
    claims.check("a POST with a key was sent again", keyed.is(200, 2));
    claims.check("nobody waited an hour", patience.is(503, 1));
    claims.check("nothing was sent outside of the base URL", elsewhere.is_refused());
    claims.verdict()
}
