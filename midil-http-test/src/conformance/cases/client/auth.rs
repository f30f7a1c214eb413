//! Credentials are the client's, and replayed once.

use std::sync::atomic::{AtomicU64, Ordering};

use midil_http_core::{
    AuthError, AuthNHeaders, AuthNProvider, AuthNToken, RequestHead, async_trait,
};

use crate::conformance::bench::Bench;
use crate::conformance::case::cases;
use crate::conformance::uploads::once;
use crate::conformance::verdict::{Verdict, same};
use crate::fault_server::{FaultServer, Reply};

cases!["Client":
    the_client_sends_its_credentials,
    the_client_replays_a_401_once,
    the_client_returns_a_401_whose_stream_was_read,
];

/// Bearer tokens `t1`, `t2` and so on: a new one whenever it is asked.
#[derive(Default)]
struct Tokens(AtomicU64);

#[async_trait]
impl AuthNProvider for Tokens {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        Ok(AuthNToken::new(format!("t{}", self.0.fetch_add(1, Ordering::SeqCst) + 1)))
    }

    async fn get_headers(&self, _: &RequestHead) -> Result<AuthNHeaders, AuthError> {
        let token = self.get_token().await?;
        Ok(AuthNHeaders::from_token(&token)?.with_generation(self.0.load(Ordering::SeqCst)))
    }
}

/// Rejects the first token.
fn strict() -> FaultServer {
    FaultServer::respond_with(|request| match request.header("authorization") {
        Some("Bearer t1") | None => Reply::status(401).body("who are you"),
        _ => Reply::ok("welcome"),
    })
}

async fn the_client_sends_its_credentials(bench: &Bench) -> Verdict {
    let server = FaultServer::always(Reply::ok("welcome"));
    let client = bench.client(&server)?.auth(Tokens::default()).build()?;
    same("the body", client.get("/").send().await?.text().await?, "welcome")?;
    same("Authorization", server.requests()[0].header("authorization"), Some("Bearer t1"))
}

async fn the_client_replays_a_401_once(bench: &Bench) -> Verdict {
    let server = strict();
    let client = bench.client(&server)?.auth(Tokens::default()).build()?;
    let response = client.post("/").body("bytes").send().await?;
    same("the status", response.status().as_u16(), 200)?;
    for request in server.requests() {
        same("the body", request.body(), b"bytes")?;
    }
    same("the requests", server.request_count(), 2)
}

async fn the_client_returns_a_401_whose_stream_was_read(bench: &Bench) -> Verdict {
    let server = strict();
    let client = bench.client(&server)?.auth(Tokens::default()).build()?;
    let response = client.post("/").body(once(&["by", "tes"])).send().await?;
    same("the status", response.status().as_u16(), 401)?;
    same("the body", response.text().await?, "who are you")?;
    same("the requests", server.request_count(), 1)
}
