//! Strategies, circuit breakers and limits at work: around a transport, in a client, and what they cost.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod bodies;
mod bulkhead;
mod circuit_breaker;
mod cost;
mod hedge;
mod hooks;
mod places;
mod rate_limit;
mod settings;
mod waits;

use std::future::Ready;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use midil_http_core::{Body, Error, Request, Sent, Transport, TransportError, TransportErrorKind};
use midil_retry::{DefaultRetryStrategy, DefaultRetryStrategyBuilder, FixedDelayBackoff};

const SECOND: Duration = Duration::from_secs(1);

/// A response of that status, with these headers.
fn response(status: u16, headers: &[(&str, &str)]) -> Result<http::Response<Body>, Error> {
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    Ok(response.body(Body::empty()).expect("a valid response"))
}

/// A connection that broke when the request may have been sent.
fn reset() -> Error {
    TransportError::new(TransportErrorKind::Reset, Sent::Maybe, "the connection was reset").into()
}

/// A transport that answers with these, one after the other, and the last one from then on.
fn scripted(
    statuses: &'static [u16],
) -> impl Fn(Request) -> Ready<Result<http::Response<Body>, Error>> {
    let sent = AtomicUsize::new(0);
    move |_| {
        let turn = sent.fetch_add(1, Ordering::Relaxed).min(statuses.len() - 1);
        std::future::ready(response(statuses[turn], &[]))
    }
}

/// A strategy of three attempts, one second apart.
fn every_second() -> DefaultRetryStrategyBuilder {
    DefaultRetryStrategy::builder().backoff(FixedDelayBackoff::new(SECOND))
}

/// The same, built.
fn three_attempts() -> DefaultRetryStrategy {
    every_second().build().expect("a good strategy")
}

fn get() -> Request {
    Request::get("https://api.example.com/users").expect("a valid URL")
}

/// Both doors: a request sent over a transport with a strategy, by a `RetryTransport` and by a client.
async fn through_both_doors<T: Transport>(
    transport: impl Fn() -> T + Send + Sync,
    strategy: impl Fn() -> DefaultRetryStrategy + Send + Sync,
    request: impl Fn() -> Request + Send + Sync,
    check: impl Fn(Result<http::Response<Body>, Error>) + Send + Sync,
) {
    let wrapped = midil_retry::RetryTransport::new(transport(), strategy());
    check(wrapped.send(request()).await);

    let client = midil_http_core::HttpClient::builder(transport())
        .base_url("https://api.example.com")
        .retry(strategy())
        .build()
        .expect("a good client");
    let response = client.execute(request()).await;
    check(response.map(midil_http_core::Response::into_http));
}
