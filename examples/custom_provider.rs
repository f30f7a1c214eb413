//! Credentials of your own: a provider, a closure in its place, and a cache around what is dear.
//!
//! ```text
//! cargo run --example custom_provider
//! ```

#![allow(clippy::print_stdout, reason = "it shows a person what happened")]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use midil_http::{
    AuthError, AuthNProvider, AuthNToken, HttpClient, Secret, TokenCache, async_trait,
};
use midil_http_test::fault_server::{FaultServer, Reply};

/// `Authorization: ApiKey …`; other headers than that: override `get_headers`.
struct CustomAuthProvider {
    api_key: Secret,
}

#[async_trait]
impl AuthNProvider for CustomAuthProvider {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        Ok(AuthNToken::new(self.api_key.clone())
            .with_token_type("ApiKey")
            .with_expires_in(Duration::from_secs(86_400)))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // It answers with what kind of credentials it was sent.
    let server = FaultServer::respond_with(|request| {
        let sent = request.header("authorization").unwrap_or("none");
        Reply::ok(sent.split(' ').next().unwrap_or_default())
    });

    // 1. A provider of your own.
    let provider = CustomAuthProvider { api_key: "hunter2".into() };
    let http = midil_http::client(server.url())?.auth(provider).build()?;
    show("a provider", &http, "ApiKey").await?;

    // 2. The same in a closure. It is asked before every attempt.
    let asked = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&asked);
    let source = move || {
        let number = counter.fetch_add(1, Ordering::Relaxed) + 1;
        async move {
            // Ask a vault, a metadata service, another process…
            Ok(AuthNToken::new(format!("token-{number}"))
                .with_expires_in(Duration::from_secs(3600)))
        }
    };
    let http = midil_http::client(server.url())?.auth(source.clone()).build()?;
    for _ in 0..3 {
        show("a closure", &http, "Bearer").await?;
    }
    println!("  the closure was asked {} times\n", asked.swap(0, Ordering::Relaxed));

    // 3. With a cache around it: one token for all calls, renewed before it expires, fetched anew after a 401.
    let cache = TokenCache::new(source);
    let http = midil_http::client(server.url())?.auth(cache.clone()).build()?;
    for _ in 0..3 {
        show("a cached closure", &http, "Bearer").await?;
    }
    println!("  the closure was asked {} time(s)", asked.load(Ordering::Relaxed));
    if cache.status().fetches == 1 { Ok(()) } else { Err("the cache asked more than once".into()) }
}

async fn show(what: &str, http: &HttpClient, wanted: &str) -> Result<(), Box<dyn Error>> {
    let scheme = http.get("/").send().await?.text().await?;
    println!("{what:<17} sent: Authorization: {scheme} …");
    if scheme == wanted { Ok(()) } else { Err(format!("{wanted} should have been sent").into()) }
}
