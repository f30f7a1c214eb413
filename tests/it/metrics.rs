//! What `OtelMetrics` records, name by name and attribute by attribute, against the constants of OpenTelemetry's conventions.
#![cfg(all(feature = "otel", feature = "retry", feature = "auth"))]

mod calls;
mod guards;
mod recorded;
mod tokens;

use std::time::Duration;

use midil_http::{DefaultRetryStrategy, FixedDelayBackoff, HttpClient, HttpClientBuilder};
use midil_http_test::{ManualRuntime, MockTransport};
use opentelemetry_semantic_conventions::{attribute as attr, metric};

use self::recorded::Recorded;

/// The metrics of every call that sent something.
const OF_A_CALL: [&str; 5] = [
    metric::HTTP_CLIENT_ACTIVE_REQUESTS,
    metric::HTTP_CLIENT_REQUEST_DURATION,
    "midil.client.active_calls",
    "midil.client.call.attempts",
    "midil.client.call.duration",
];

/// A GET of `https://api.test`, and `more`.
fn get<'a, const N: usize>(more: [(&'a str, &'a str); N]) -> Vec<(&'a str, &'a str)> {
    with_method("GET", more)
}

fn with_method<'a, const N: usize>(
    method: &'a str,
    more: [(&'a str, &'a str); N],
) -> Vec<(&'a str, &'a str)> {
    let mut all = vec![
        (attr::HTTP_REQUEST_METHOD, method),
        (attr::SERVER_ADDRESS, "api.test"),
        (attr::SERVER_PORT, "443"),
        (attr::URL_SCHEME, "https"),
    ];
    all.extend(more);
    all
}

const STATUS: &str = attr::HTTP_RESPONSE_STATUS_CODE;
const ERROR: &str = attr::ERROR_TYPE;
/// What the mock speaks.
const HTTP_11: (&str, &str) = (attr::NETWORK_PROTOCOL_VERSION, "1.1");

fn client(mock: &MockTransport, recorded: &Recorded, runtime: &ManualRuntime) -> HttpClientBuilder {
    HttpClient::builder(mock.clone())
        .base_url("https://api.test/v1")
        .observer(recorded.metrics.clone())
        .runtime(runtime.clone())
}

/// Three attempts, a second apart.
fn retries() -> DefaultRetryStrategy {
    let second = FixedDelayBackoff::new(Duration::from_secs(1));
    DefaultRetryStrategy::builder().backoff(second).build().unwrap()
}
