//! Both ways between tower and a client: layers around it, layers below it, and another stack beneath.
//!
//! ```text
//! cargo run --features tower --example tower
//! ```
//!
//! Around a client, a layer sees calls: retries, credentials and waits are inside. Below it, in a `TowerTransport`, a layer sees
//! single exchanges.

#![allow(clippy::print_stdout, reason = "it shows a person what happened")]

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use midil_http::{
    Body, BoxError, DefaultRetryStrategy, HttpClient, ReqwestTransport, StaticToken,
    TowerTransport, TransportService,
};
use midil_http_test::fault_server::{FaultServer, Reply};
use tower::{ServiceBuilder, ServiceExt};
use tower_http::set_header::SetRequestHeaderLayer;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let busy = Reply::status(503).header("retry-after", "0");
    let server =
        FaultServer::sequence([busy, Reply::ok("ada"), Reply::ok("ada"), Reply::ok("ada")]);

    around_a_client(&server).await?;
    below_a_client(&server).await?;
    another_stack(&server).await
}

/// A client is a service like any other; its URLs may be paths below its base URL.
async fn around_a_client(server: &FaultServer) -> Result<(), BoxError> {
    let client = midil_http::client(server.url())?
        .auth(StaticToken::try_new("a-token")?)
        .retry(DefaultRetryStrategy::default())
        .build()?;
    let service = ServiceBuilder::new()
        .concurrency_limit(64)
        .timeout(Duration::from_secs(5))
        .layer(from_tower("around"))
        .service(client);

    let request = http::Request::get("/users/1").body(Body::empty())?;
    let name = service.oneshot(request).await?.into_body().collect(1024).await?;
    claim("a call through tower's layers is answered", name == "ada")?;
    claim("the layers saw one call, the server two attempts", server.request_count() == 2)?;
    let all = |name, value| server.requests().iter().all(|seen| seen.header(name) == Some(value));
    claim("each attempt had the token", all("authorization", "Bearer a-token"))?;
    claim("each attempt had the layer's header", all("x-layer", "around"))
}

/// The same layers around single exchanges: below retries and credentials.
async fn below_a_client(server: &FaultServer) -> Result<(), BoxError> {
    let exchange = ServiceBuilder::new()
        .concurrency_limit(64)
        .layer(from_tower("below"))
        .service(TransportService::new(ReqwestTransport::try_new()?));
    let client =
        HttpClient::builder(TowerTransport::new(exchange)).base_url(server.url()).build()?;
    let name = client.get("/users/1").send().await?.text().await?;
    let seen = server.requests().pop().ok_or("nothing came")?;
    claim("layers below a client see its exchanges", name == "ada")?;
    claim("and what they set is sent", seen.header("x-layer") == Some("below"))
}

/// Whatever is a service of `http::Request` is a transport: here, hyper-util's own client.
async fn another_stack(server: &FaultServer) -> Result<(), BoxError> {
    let stack: Client<_, Body> = Client::builder(TokioExecutor::new()).build_http();
    let client = HttpClient::builder(TowerTransport::new(stack)).base_url(server.url()).build()?;
    let name = client.get("/users/1").send().await?.text().await?;
    claim("a client of another crate is a transport", name == "ada")
}

/// A layer of tower-http's.
fn from_tower(place: &'static str) -> SetRequestHeaderLayer<HeaderValue> {
    let name = HeaderName::from_static("x-layer");
    SetRequestHeaderLayer::overriding(name, HeaderValue::from_static(place))
}

/// Prints what is claimed, and fails where it does not hold.
fn claim(what: &str, holds: bool) -> Result<(), BoxError> {
    println!("{} {what}", if holds { "✓" } else { "✗" });
    if holds { Ok(()) } else { Err(format!("it does not hold that {what}").into()) }
}
