//! A service that calls another: axum in front, one client for all requests behind, and an end in good order.
//!
//! ```text
//! cargo run --example axum_service
//! ```
//!
//! Both services are on loopback. What is shown of this one:
//!
//! - the client is made once, and is the state that handlers share: a clone of it is a pointer;
//! - a caller's time budget and request id go along to the call upstream (`x-timeout-ms`, `x-request-id`);
//! - what a call came to becomes a response: a rate limit stays one, a timeout is a 504, whatever else fails a 502;
//! - when the service stops, what is in flight may finish, and what had to be dropped is told of.
//!
//! It calls itself, stops itself and checks what it claims: the exit status tells.

#![allow(clippy::print_stdout, reason = "it shows a person what happened")]

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, serve};
use midil_http::{Error, HttpClient, RequestId};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, oneshot};

/// The longest that a request to this service may take, whatever its caller says.
const LONGEST: Duration = Duration::from_secs(5);

/// How long what is in flight may go on when the service stops.
const GRACE: Duration = Duration::from_secs(2);

/// The server has asked us to slow down.
#[derive(Debug)]
struct RateLimited {
    retry_after: Option<header::HeaderValue>,
}

impl std::fmt::Display for RateLimited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the users service has asked us to slow down")
    }
}

impl StdError for RateLimited {}

fn rate_limit(head: &http::response::Parts) -> Result<(), RateLimited> {
    match head.status {
        StatusCode::TOO_MANY_REQUESTS => {
            Err(RateLimited { retry_after: head.headers.get(header::RETRY_AFTER).cloned() })
        }
        _ => Ok(()),
    }
}

/// The client of the users service, made once.
fn users(base_url: &str) -> Result<HttpClient, Error> {
    midil_http::client(base_url)?
        .middleware(RequestId::new())
        .validate(rate_limit)
        .total_timeout(LONGEST)
        .build()
}

/// This service.
fn service(users: HttpClient) -> Router {
    Router::new().route("/greetings/{id}", get(greet)).with_state(users)
}

async fn greet(
    State(users): State<HttpClient>,
    Path(id): Path<u32>,
    headers: HeaderMap,
) -> Result<String, Failure> {
    let mut call = users.get(format!("/users/{id}")).total_timeout(budget(&headers));
    if let Some(id) = headers.get("x-request-id") {
        call = call.header("x-request-id", id);
    }
    let response = call.send().await?;
    if response.status() == StatusCode::NOT_FOUND {
        return Err(Failure::NotFound);
    }
    let name = response.error_for_status().await?.text().await?;
    Ok(format!("Hello, {name}!"))
}

/// What is left of the caller's time, a little less than that: the answer takes time, too.
fn budget(headers: &HeaderMap) -> Duration {
    let given = headers.get("x-timeout-ms").and_then(|value| value.to_str().ok()?.parse().ok());
    let given = given.map_or(LONGEST, Duration::from_millis).min(LONGEST);
    given.saturating_sub(given / 10).max(Duration::from_millis(1))
}

/// Why there is no greeting.
enum Failure {
    NotFound,
    Upstream(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Upstream(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let error = match self {
            Self::NotFound => {
                return (StatusCode::NOT_FOUND, "there is no such user").into_response();
            }
            Self::Upstream(error) => error,
        };
        if let Some(limited) = error.downcast_ref::<RateLimited>() {
            let retry_after = limited.retry_after.clone().map(|value| (header::RETRY_AFTER, value));
            let headers: HeaderMap = retry_after.into_iter().collect();
            return (StatusCode::SERVICE_UNAVAILABLE, headers, limited.to_string()).into_response();
        }
        let status = match &error {
            // This service is stopping: another instance has an answer.
            Error::Closed | Error::CircuitOpen { .. } => StatusCode::SERVICE_UNAVAILABLE,
            error if error.is_timeout() => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_GATEWAY,
        };
        // Messages of the client show no secret, and no more of a URL than its path.
        println!("  the users service: {error}");
        (status, "the users service did not answer as it should").into_response()
    }
}

/// What is going on at the users service.
struct Upstream {
    /// A permit for each request that has to wait.
    waiting: Semaphore,
    /// Answers one of them.
    answer: Notify,
}

/// The users service, as it behaves on a bad day.
fn upstream(state: Arc<Upstream>) -> Router {
    async fn user(
        State(state): State<Arc<Upstream>>,
        Path(id): Path<u32>,
        headers: HeaderMap,
    ) -> Response {
        match id {
            1 => "Ada".into_response(),
            2 => headers["x-request-id"].clone().as_bytes().to_vec().into_response(),
            3 => (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "3600")]).into_response(),
            4 => (StatusCode::BAD_REQUEST, "no").into_response(),
            5 => {
                state.waiting.add_permits(1);
                state.answer.notified().await;
                "Grace".into_response()
            }
            6 => {
                state.waiting.add_permits(1);
                std::future::pending().await
            }
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }
    Router::new().route("/v1/users/{id}", get(user)).with_state(state)
}

/// Serves `app` until it is told to stop; then until what is in flight is answered.
async fn start(
    app: Router,
) -> Result<
    (String, oneshot::Sender<()>, tokio::task::JoinHandle<std::io::Result<()>>),
    Box<dyn StdError>,
> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let (stop, stopped) = oneshot::channel::<()>();
    // In a service of yours, this waits for a signal: `tokio::signal::ctrl_c()`.
    let signal = async move { drop(stopped.await) };
    let task =
        tokio::spawn(async move { serve(listener, app).with_graceful_shutdown(signal).await });
    Ok((url, stop, task))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let bad_day = Arc::new(Upstream { waiting: Semaphore::new(0), answer: Notify::new() });
    let (upstream_url, stop_upstream, _) = start(upstream(Arc::clone(&bad_day))).await?;
    let users = users(&format!("{upstream_url}/v1"))?;
    let (url, stop, served) = start(service(users.clone())).await?;

    // Somebody who calls this service, and makes one attempt.
    let caller =
        HttpClient::builder(midil_http::ReqwestTransport::try_new()?).base_url(url).build()?;
    let ask = |id: u32| caller.get(format!("/greetings/{id}")).header("x-request-id", "call-7");

    let mut claims = Vec::new();
    let greeting = ask(1).send().await?.text().await?;
    claims.push(("a greeting comes through", greeting == "Hello, Ada!"));
    let id = ask(2).send().await?.text().await?;
    claims.push(("the caller's request id goes along", id == "Hello, call-7!"));
    let limited = ask(3).send().await?;
    let told = limited.headers().get(header::RETRY_AFTER).is_some_and(|value| value == "3600");
    claims.push(("a rate limit is handed on", limited.status() == 503 && told));
    claims.push(("a bad answer is a 502", ask(4).send().await?.status() == 502));
    claims.push(("no such user is a 404", ask(9).send().await?.status() == 404));
    let hasty = ask(6).header("x-timeout-ms", "200").send().await?;
    claims.push(("the caller's time budget is kept", hasty.status() == 504));

    // The service stops while one call is about to be answered, and another would never be.
    let (slow, stuck) = (tokio::spawn(ask(5).send()), tokio::spawn(ask(6).send()));
    drop(bad_day.waiting.acquire_many(3).await?); // these two, and the hasty one
    drop(stop); // no new requests from now on
    let answer = async { bad_day.answer.notify_one() };
    let (report, ()) = tokio::join!(users.close_within(GRACE), answer);
    println!("  {report}");
    for call in report.dropped() {
        println!("  dropped: {call}");
    }
    claims.push(("what was in flight finished", slow.await??.text().await? == "Hello, Grace!"));
    claims.push(("what hung was dropped", stuck.await??.status() == 503));
    claims.push(("and told of", report.finished() == 1 && report.dropped().len() == 1));
    claims.push(("the service has ended", served.await?.is_ok()));
    claims
        .push(("the client is closed", matches!(users.get("/").send().await, Err(Error::Closed))));
    drop(stop_upstream);

    for (claim, holds) in &claims {
        println!("  {} {claim}", if *holds { "yes:" } else { "NO: " });
    }
    if claims.iter().all(|(_, holds)| *holds) {
        Ok(())
    } else {
        Err("a claim does not hold".into())
    }
}
