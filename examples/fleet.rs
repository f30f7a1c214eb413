//! A fleet shares one token: whoever is first fetches it, all others find it in the store, sealed.
//!
//! ```text
//! cargo run --features redis --example fleet                                     # a store in memory
//! REDIS_URL=redis://127.0.0.1 cargo run --features redis --example fleet         # Redis or Valkey
//! ```
//!
//! The processes of the fleet are clients here, each with a cache and connections of its own.

#![allow(clippy::print_stdout, reason = "it shows a person what happened")]

use std::env;
use std::error::Error;
use std::sync::Arc;

use futures_util::future::try_join_all;
use midil_http::{
    ClientCredentials, HttpClient, MemoryTokenStore, RedisTokenStore, ReqwestTransport, TokenStore,
};
use midil_http_test::fault_server::{FaultServer, Reply};

const PROCESSES: usize = 8;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A store that is down costs fetches, and says so.
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(std::io::stderr)
        .init();
    let authority = FaultServer::respond_with(|_| {
        Reply::ok(r#"{"access_token":"shared","token_type":"Bearer","expires_in":3600}"#)
    });
    let api = FaultServer::respond_with(|request| {
        let good = request.header("authorization") == Some("Bearer shared");
        if good { Reply::ok("[]") } else { Reply::status(401) }
    });

    let redis = env::var("REDIS_URL").ok();
    let memory = MemoryTokenStore::new();
    println!("the store is {}\n", if redis.is_some() { "at REDIS_URL" } else { "in memory" });
    let fleet = (1..=PROCESSES).map(|number| {
        let store: Arc<dyn TokenStore> = match &redis {
            Some(url) => Arc::new(RedisTokenStore::try_new(url)?),
            None => Arc::new(memory.clone()),
        };
        process(number, store, &authority.url(), &api.url())
    });
    let fleet = fleet.collect::<Result<Vec<_>, midil_http::Error>>()?;

    // All at once, and none has a token yet.
    let calls = fleet.iter().map(|http| async { http.get("/orders").send().await });
    let responses = try_join_all(calls).await?;

    let requests = authority.requests();
    for (number, response) in (1..).zip(&responses) {
        let name = format!("process {number}");
        let fetches = requests.iter().filter(|r| r.header("user-agent") == Some(&name)).count();
        println!("{name}: {}, token requests: {fetches}", response.status());
    }
    println!("\ntoken requests in all: {}", requests.len());
    let all = responses.iter().all(|response| response.status() == 200);
    if all && requests.len() == 1 {
        Ok(())
    } else {
        Err("one token should do for all: is the store up?".into())
    }
}

/// One process of the fleet.
fn process(
    number: usize,
    store: Arc<dyn TokenStore>,
    authority: &str,
    api: &str,
) -> Result<HttpClient, midil_http::Error> {
    // Not `header` of the credentials: what all requests for a token have is part of what the token is for.
    let transport = ReqwestTransport::builder().user_agent(format!("process {number}")).build()?;
    let credentials = ClientCredentials::builder(transport)
        .token_url(format!("{authority}/token"))
        .client_id("reports")
        .client_secret("the same in all of the fleet")
        .store(store)
        .build()?;
    midil_http::client(api)?.auth(credentials).build()
}
