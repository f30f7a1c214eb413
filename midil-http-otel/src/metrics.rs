//! [`OtelMetrics`]: what an observer is told, as metrics.

mod attributes;
mod builder;
mod instruments;

use std::fmt;
use std::sync::Arc;

use midil_http_core::{
    BodyEnd, CallClosed, CallEnded, CircuitChanged, Event, Observer, QueueEnded, QueueOutcome,
    RequestEnded, RetryGivenUp, RetryScheduled, Target, TokenFetched, TokenUsed,
};
use opentelemetry::KeyValue;

pub use builder::OtelMetricsBuilder;

use self::attributes::{AttributeSets, Key};
use self::instruments::Instruments;

/// Records what calls do by OpenTelemetry's instruments.
///
/// Names, units and attributes are those of the [conventions for HTTP metrics] where they have any, and begin with `midil.`
/// where they have none; the front page of this crate lists them. Its clones record into the same instruments, so one is enough
/// for a process, and as many clients as there are.
///
/// It takes the place of no exporter: without an SDK that is set up, nothing is recorded.
///
/// # Cost
///
/// Sets of attributes are made once and kept, up to 2000 of them: to record allocates nothing, but for the first time.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, HttpClient, Request};
/// use midil_http_otel::OtelMetrics;
///
/// # futures_executor::block_on(async {
/// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
/// let metrics = OtelMetrics::new(); // by the global meter provider, which is set before
/// let client = HttpClient::builder(transport).base_url("https://api.example.com").observer(metrics).build()?;
/// client.get("/users/7").url_template("/users/{id}").send().await?;
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap();
/// ```
///
/// [conventions for HTTP metrics]: https://opentelemetry.io/docs/specs/semconv/http/http-metrics/
#[derive(Clone)]
pub struct OtelMetrics(Arc<Inner>);

struct Inner {
    instruments: Instruments,
    attributes: AttributeSets,
}

impl OtelMetrics {
    /// Records by the global meter provider, as it is now: set yours before, by `opentelemetry::global::set_meter_provider`.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Begins with the global meter provider and the methods of the conventions.
    pub fn builder() -> OtelMetricsBuilder {
        OtelMetricsBuilder::new()
    }
}

impl Default for OtelMetrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for OtelMetrics {
    fn observe(&self, event: &Event<'_>) {
        let Inner { instruments, attributes } = &*self.0;
        match event {
            Event::RequestStarted(request) => {
                attributes.with(&Key::target(&request.target), |attributes| {
                    instruments.active_requests.add(1, attributes);
                });
            }
            Event::RequestEnded(RequestEnded { target, ended, elapsed, .. }) => {
                attributes.with(&Key::target(target).ended(ended), |attributes| {
                    instruments.request_duration.record(elapsed.as_secs_f64(), attributes);
                });
            }
            Event::RequestClosed(request) => {
                attributes.with(&Key::target(&request.target), |attributes| {
                    instruments.active_requests.add(-1, attributes);
                });
            }
            Event::CallStarted(call) => {
                attributes.with(&Key::target(&call.target), |attributes| {
                    instruments.active_calls.add(1, attributes);
                });
            }
            Event::CallEnded(CallEnded { target, ended, elapsed, attempts, .. }) => {
                attributes.with(&Key::target(target).ended(ended), |attributes| {
                    instruments.call_duration.record(elapsed.as_secs_f64(), attributes);
                    instruments.call_attempts.record(u64::from(*attempts), attributes);
                });
            }
            Event::CallClosed(CallClosed { target, body, .. }) => {
                attributes.with(&Key::target(target), |attributes| {
                    instruments.active_calls.add(-1, attributes);
                });
                if let Some(BodyEnd::Failed(error)) = body {
                    attributes.with(&Key::target(target).failed(error), |attributes| {
                        instruments.body_failures.add(1, attributes);
                    });
                }
            }
            Event::TokenUsed(TokenUsed { target, age: Some(age), .. }) => {
                attributes.with(&Key::server(target), |attributes| {
                    instruments.token_age.record(age.as_secs_f64(), attributes);
                });
            }
            other => self.0.observe_rare(other),
        }
    }
}

impl Inner {
    /// What is no part of a call that goes well.
    fn observe_rare(&self, event: &Event<'_>) {
        let Self { instruments, attributes } = self;
        match event {
            Event::RetryScheduled(RetryScheduled { target, ended, .. }) => {
                attributes.with(&Key::target(target).ended(ended), |attributes| {
                    instruments.retries.add(1, attributes);
                });
            }
            Event::RetryGivenUp(event @ RetryGivenUp { target, .. }) => {
                let reason = KeyValue::new("midil.give_up.reason", event.reason_name());
                instruments.give_ups.add(1, &self.target_and(target, [reason]));
            }
            Event::QueueEnded(QueueEnded { target, limit, waited, outcome, .. }) => {
                let outcome = match outcome {
                    QueueOutcome::Admitted => "admitted",
                    QueueOutcome::Refused => "refused",
                    QueueOutcome::Left => "left",
                    _ => "_OTHER",
                };
                let more = [
                    KeyValue::new("midil.limit.name", *limit),
                    KeyValue::new("midil.limit.outcome", outcome),
                ];
                let attributes = self.target_and(target, more);
                instruments.queue_duration.record(waited.as_secs_f64(), &attributes);
            }
            Event::CircuitChanged(CircuitChanged { key, from, to, .. }) => {
                let key = KeyValue::new("midil.circuit.key", (*key).to_owned());
                let state = |state| [key.clone(), KeyValue::new("midil.circuit.state", state)];
                instruments.circuit_state.record(0, &state(*from));
                instruments.circuit_state.record(1, &state(*to));
                instruments.circuit_changes.add(1, &state(*to));
            }
            Event::HedgeSent(hedge) => {
                attributes.with(&Key::target(&hedge.target), |attributes| {
                    instruments.hedges.add(1, attributes);
                });
            }
            Event::HedgeWon(hedge) => {
                attributes.with(&Key::target(&hedge.target), |attributes| {
                    instruments.hedge_wins.add(1, attributes);
                });
            }
            Event::TokenFetched(fetch @ TokenFetched { name, elapsed, .. }) => {
                let mut attributes = vec![KeyValue::new("midil.token.name", (*name).to_owned())];
                attributes
                    .extend(fetch.error_type().map(|error| KeyValue::new("error.type", error)));
                instruments.token_fetch_duration.record(elapsed.as_secs_f64(), &attributes);
            }
            _ => {}
        }
    }

    fn target_and<const N: usize>(
        &self,
        target: &Target<'_>,
        more: [KeyValue; N],
    ) -> Vec<KeyValue> {
        let mut all = self.attributes.make(&Key::target(target));
        all.extend(more);
        all
    }
}

impl fmt::Debug for OtelMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OtelMetrics")
    }
}
