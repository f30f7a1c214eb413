//! Limits, breakers and hedges.

use std::time::Duration;

use futures_util::FutureExt;
use midil_http::{Bulkhead, CircuitBreaker, Hedge, RateLimit, standard};
use midil_http_test::{ManualRuntime, MockTransport, Reply};
use opentelemetry_semantic_conventions::metric;

use super::recorded::Recorded;
use super::{ERROR, HTTP_11, STATUS, client, get};

const QUEUE: &str = "midil.client.queue.duration";
const STATE: &str = "midil.client.circuit.state";

fn waits<'a>(limit: &'a str, outcome: &'a str) -> Vec<(&'a str, &'a str)> {
    get([("midil.limit.name", limit), ("midil.limit.outcome", outcome)])
}

fn state(key: &'static str, state: &'static str) -> Vec<(&'static str, &'static str)> {
    vec![("midil.circuit.key", key), ("midil.circuit.state", state)]
}

#[test]
fn a_queue_at_a_bulkhead() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let mock = MockTransport::always(
        Reply::ok().body("hello").delayed(Duration::from_secs(3), runtime.clone()),
    );
    let bulkhead = Bulkhead::builder().max_in_flight(1).max_waiting(2).build().unwrap();
    let client = client(&mock, &recorded, &runtime).attempt_middleware(bulkhead).build().unwrap();
    runtime.block_on(async {
        let call = || async { client.get("/").send().await?.text().await };
        let mut waits = Box::pin(client.get("/").send());
        let both = futures_util::future::join(call(), async {
            assert!(waits.as_mut().now_or_never().is_none());
            let second = futures_util::future::join(call(), async {
                client.get("/").send().await.unwrap_err(); // the third that would wait
                drop(waits);
            });
            second.await.0
        });
        let (first, second) = both.await;
        assert!(first.is_ok() && second.is_ok());
    });
    recorded.assert(
        QUEUE,
        &[
            (waits("bulkhead", "admitted"), 1, 3.0),
            (waits("bulkhead", "left"), 1, 0.0),
            (waits("bulkhead", "refused"), 1, 0.0),
        ],
    );
    let ok = get([(STATUS, "200"), HTTP_11]);
    recorded.assert(metric::HTTP_CLIENT_REQUEST_DURATION, &[(ok.clone(), 2, 6.0)]);
    recorded.assert(
        "midil.client.call.duration",
        &[(get([(ERROR, "Limit")]), 1, 0.0), (get([(ERROR, "Cancelled")]), 1, 0.0), (ok, 2, 9.0)],
    );
    recorded.assert_idle();
}

#[test]
fn a_queue_at_a_rate_limit() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let limit = RateLimit::builder(1, Duration::from_secs(1)).max_wait(Duration::from_secs(1));
    let mock = MockTransport::always(Reply::ok());
    let client = client(&mock, &recorded, &runtime).attempt_middleware(limit.build().unwrap());
    let client = client.build().unwrap();
    runtime.block_on(async {
        let call = || client.get("/").send();
        let (first, second, third) = futures_util::join!(call(), call(), call());
        assert!(first.is_ok() && second.is_ok() && third.is_err());
    });
    recorded.assert(
        QUEUE,
        &[(waits("rate_limit", "admitted"), 1, 1.0), (waits("rate_limit", "refused"), 1, 0.0)],
    );
    recorded.assert_idle();
}

#[test]
fn a_breaker_and_its_states() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let breaker = CircuitBreaker::new(1, Duration::from_secs(60));
    let mock = MockTransport::sequence([Reply::status(500), Reply::ok()]);
    let client = client(&mock, &recorded, &runtime).attempt_middleware(breaker.clone());
    let client = client.build().unwrap();
    let call = || runtime.block_on(client.get("/").send());
    call().unwrap();
    let key = "https://api.test";
    recorded.assert(STATE, &[(state(key, "closed"), 0, 0.0), (state(key, "open"), 0, 1.0)]);
    runtime.advance(Duration::from_secs(60));
    call().unwrap();
    // What is done by hand is told to the observer of the calls that came by.
    breaker.force_open(key);
    recorded.assert(
        STATE,
        &[
            (state(key, "closed"), 0, 0.0),
            (state(key, "forced_open"), 0, 1.0),
            (state(key, "half_open"), 0, 0.0),
            (state(key, "open"), 0, 0.0),
        ],
    );
    let once = |name| (state(key, name), 0, 1.0);
    let changes = [once("closed"), once("forced_open"), once("half_open"), once("open")];
    recorded.assert("midil.client.circuit.changes", &changes);
}

#[test]
fn a_call_that_is_hedged() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let slow = Reply::ok().delayed(Duration::from_secs(3), runtime.clone());
    let quick = Reply::ok().delayed(Duration::from_millis(20), runtime.clone());
    let mock = MockTransport::sequence([slow, quick]);
    let hedge = Hedge::new(Duration::from_millis(100));
    let client = client(&mock, &recorded, &runtime).attempt_middleware(hedge).build().unwrap();
    runtime.block_on(client.get("/").send()).unwrap();
    recorded.assert("midil.client.hedges", &[(get([]), 0, 1.0)]);
    recorded.assert("midil.client.hedge_wins", &[(get([]), 0, 1.0)]);
    let ok = get([(STATUS, "200"), HTTP_11]);
    recorded.assert(
        metric::HTTP_CLIENT_REQUEST_DURATION,
        &[(ok.clone(), 1, 0.02), (get([(ERROR, "Cancelled")]), 1, 0.12)],
    );
    recorded.assert("midil.client.call.duration", &[(ok.clone(), 1, 0.12)]);
    recorded.assert("midil.client.call.attempts", &[(ok, 1, 1.0)]);
    recorded.assert_idle();
}

#[test]
fn a_budget_that_is_used_up() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let mock = MockTransport::always(Reply::status(503));
    let client = client(&mock, &recorded, &runtime).with(standard().no_breaker()).build().unwrap();
    for _ in 0..20 {
        runtime.block_on(client.get("/").send()).unwrap_err();
    }
    let points = recorded.points("midil.client.give_ups");
    let reasons: Vec<_> = points
        .iter()
        .flat_map(|point| &point.attributes)
        .filter(|(name, _)| name == "midil.give_up.reason")
        .map(|(_, reason)| reason.as_str())
        .collect();
    assert_eq!(reasons, ["attempts", "budget"]);
    assert_eq!(points.iter().map(|point| point.sum).sum::<f64>(), 20.0);
    recorded.assert_idle();
}
