//! What a call looks like in your traces: retried after a 503, healed by a new token after a 401, as OpenTelemetry exports it.
//!
//! ```text
//! cargo run --features otel --example trace_tree      # servers on this machine: no setting, no network
//! ```
//!
//! A service has an exporter of its own in place of the one in memory, and all else as it is here: a layer that makes spans of
//! `tracing` into those of OpenTelemetry, and [`TraceContext`], so that the spans of the server hang from those of its client.

#![allow(clippy::print_stdout, reason = "it shows a person what happened")]

mod server;
mod tree;

use std::error::Error;
use std::time::Duration;

use midil_http::{
    ClientCredentials, DefaultRetryStrategy, ReqwestTransport, Retry, TraceContext, TraceSettings,
};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use tracing::{Instrument, Level};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::server::Server;
use crate::tree::Tree;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Once, when the service starts. Spans are info, what happens within them debug.
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("trace_tree"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(
            Targets::new().with_targets([("midil", Level::DEBUG), ("trace_tree", Level::INFO)]),
        );
    tracing_subscriber::registry().with(layer).init();
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());

    // A server whose first answer is 503, and which has revoked the first token by the time of the second.
    let server = Server::start();
    let credentials = ClientCredentials::builder(ReqwestTransport::try_new()?)
        .token_url(server.url("/token"))
        .client_id("orders")
        .client_secret("not shown")
        .build()?;
    let http = midil_http::client(server.url("/v1"))?
        .auth(credentials)
        .retry(
            DefaultRetryStrategy::builder()
                .backoff(|_: &Retry| Duration::from_millis(50))
                .build()?,
        )
        .trace(TraceSettings::new().exchange_spans().query_parameters(["page"]))
        .propagate(TraceContext::new())
        .build()?;

    let request = http.get("/orders").query(&[("page", "2"), ("key", "not shown")]);
    let caller = tracing::info_span!("list orders");
    let response = request.send().instrument(caller).await?;
    println!("GET /orders: {} after {} attempts\n", response.status(), response.attempts());
    // A call is over, and its span with it, when its body has been read.
    response.bytes().await?;

    let tree = Tree::new(exporter.get_finished_spans()?);
    println!("{tree}");
    println!(
        "The server was told of each exchange by the id of its span: {}",
        server.parents().join(", ")
    );
    check(&tree, &server)
}

/// What is shown to people should be true.
fn check(tree: &Tree, server: &Server) -> Result<(), Box<dyn Error>> {
    let text = tree.to_string();
    let exchanges = tree.exchanges();
    let statuses: Vec<_> = exchanges.iter().map(|exchange| exchange.0.as_str()).collect();
    let ids: Vec<_> = exchanges.iter().map(|exchange| exchange.1.clone()).collect();
    let claims = [
        ("there is one trace, from the caller's span", tree.is_one_trace_below("list orders")),
        ("each exchange is a client span", statuses == ["503", "401", "200"]),
        ("the wait is told of", text.contains("HTTP retry") && text.contains("50ms")),
        ("the rejected token is told of", text.contains("HTTP credentials rejected")),
        ("both token fetches are in the tree", text.matches("token fetch").count() == 2),
        ("token requests are client spans", text.matches("POST").count() == 2),
        ("the server's spans would hang from the exchanges", server.parents() == ids),
        (
            "the token endpoint, a third party, is told of none",
            server.token_requests_had_no_context(),
        ),
        ("no secret is shown", !text.contains("not shown") && !text.contains("secret-token")),
        ("the query is shown as far as it was asked for", text.contains("?page=2&key=REDACTED")),
    ];
    let broken: Vec<_> = claims.iter().filter(|claim| !claim.1).map(|claim| claim.0).collect();
    if broken.is_empty() {
        return Ok(());
    }
    Err(format!("this should hold, and did not: {}", broken.join("; ")).into())
}
