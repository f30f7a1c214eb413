//! [`Instruments`]: their names, units and buckets. They are made once.

use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter, UpDownCounter};

/// The buckets that the conventions advise for durations, in seconds.
const SECONDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Most calls have one attempt, some have a few.
const ATTEMPTS: [f64; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 10.0];

pub(super) struct Instruments {
    pub(super) request_duration: Histogram<f64>,
    pub(super) active_requests: UpDownCounter<i64>,
    pub(super) call_duration: Histogram<f64>,
    pub(super) call_attempts: Histogram<u64>,
    pub(super) active_calls: UpDownCounter<i64>,
    pub(super) body_failures: Counter<u64>,
    pub(super) retries: Counter<u64>,
    pub(super) give_ups: Counter<u64>,
    pub(super) queue_duration: Histogram<f64>,
    pub(super) circuit_state: Gauge<u64>,
    pub(super) circuit_changes: Counter<u64>,
    pub(super) hedges: Counter<u64>,
    pub(super) hedge_wins: Counter<u64>,
    pub(super) token_fetch_duration: Histogram<f64>,
    pub(super) token_age: Gauge<f64>,
}

impl Instruments {
    pub(super) fn new(meter: &Meter) -> Self {
        let seconds = |name, description| {
            let histogram = meter.f64_histogram(name).with_unit("s");
            histogram.with_boundaries(SECONDS.to_vec()).with_description(description).build()
        };
        let counter = |name, unit, description| {
            meter.u64_counter(name).with_unit(unit).with_description(description).build()
        };
        let up_and_down = |name, unit, description| {
            meter.i64_up_down_counter(name).with_unit(unit).with_description(description).build()
        };
        Self {
            request_duration: seconds(
                "http.client.request.duration",
                "Duration of HTTP client requests.",
            ),
            active_requests: up_and_down(
                "http.client.active_requests",
                "{request}",
                "Number of active HTTP requests.",
            ),
            call_duration: seconds(
                "midil.client.call.duration",
                "Duration of calls, with their retries, waits, token fetches and redirects.",
            ),
            call_attempts: meter
                .u64_histogram("midil.client.call.attempts")
                .with_unit("{attempt}")
                .with_boundaries(ATTEMPTS.to_vec())
                .with_description("Number of attempts that a call took.")
                .build(),
            active_calls: up_and_down(
                "midil.client.active_calls",
                "{call}",
                "Number of calls whose response has not come or is being read.",
            ),
            body_failures: counter(
                "midil.client.body.failures",
                "{failure}",
                "Number of response bodies that broke off.",
            ),
            retries: counter(
                "midil.client.retries",
                "{retry}",
                "Number of attempts that were followed by another, by what they came to.",
            ),
            give_ups: counter(
                "midil.client.give_ups",
                "{call}",
                "Number of calls that were worth a retry and got none, by the reason.",
            ),
            queue_duration: seconds(
                "midil.client.queue.duration",
                "Time that calls waited for a limit of the client's own.",
            ),
            circuit_state: meter
                .u64_gauge("midil.client.circuit.state")
                .with_unit("1")
                .with_description("1 for the state that a circuit is in, 0 for the others.")
                .build(),
            circuit_changes: counter(
                "midil.client.circuit.changes",
                "{change}",
                "Number of times that a circuit went into a state.",
            ),
            hedges: counter(
                "midil.client.hedges",
                "{request}",
                "Number of requests that were sent a second time because they took long.",
            ),
            hedge_wins: counter(
                "midil.client.hedge_wins",
                "{request}",
                "Number of second requests that were the first to come to something good.",
            ),
            token_fetch_duration: seconds(
                "midil.auth.token.fetch.duration",
                "Duration of token fetches, with their retries.",
            ),
            token_age: meter
                .f64_gauge("midil.auth.token.age")
                .with_unit("s")
                .with_description("Age of the token that was used last.")
                .build(),
        }
    }
}
