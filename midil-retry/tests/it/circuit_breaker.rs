//! The circuit breaker at work: in a client, around a transport, and what it costs.

mod cost;
mod forced;
mod observed;
mod probes;
mod recovery;
mod verdicts;

use std::sync::Arc;
use std::sync::Mutex;

use midil_http_core::{HttpClient, HttpClientBuilder};
use midil_http_test::{ManualRuntime, MockTransport, Reply};
use midil_retry::{
    CircuitBreaker, CircuitBreakerTransport, CircuitState, StateChange, StateChangeReason, Verdict,
};

use super::*;

const ORIGIN: &str = "https://api.example.com";
const MINUTE: Duration = Duration::from_secs(60);

/// A client of that transport on virtual time, with a breaker.
fn client(
    transport: &MockTransport,
    runtime: &ManualRuntime,
    breaker: &CircuitBreaker,
) -> HttpClientBuilder {
    HttpClient::builder(transport.clone())
        .base_url(ORIGIN)
        .runtime(runtime.clone())
        .attempt_middleware(breaker.clone())
}

/// How long until the next probe, as a refused call is told.
fn retry_in<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Duration {
    match outcome {
        Err(Error::CircuitOpen { retry_in, .. }) => retry_in,
        other => panic!("{other:?}"),
    }
}
