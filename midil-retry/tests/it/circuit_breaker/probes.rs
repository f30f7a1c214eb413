//! Whatever becomes of a probe, its place is not lost.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;
use midil_http_core::{AuthNToken, Middleware};
use midil_retry::Bulkhead;

use super::*;

/// A client whose circuit is due for its probe, after the first reply failed.
fn due(
    mock: &MockTransport,
    runtime: &ManualRuntime,
    breaker: &CircuitBreaker,
    build: impl FnOnce(HttpClientBuilder) -> HttpClientBuilder,
) -> HttpClient {
    let client = build(client(mock, runtime, breaker)).build().unwrap();
    assert!(client.get("/").send().now_or_never().unwrap().is_ok());
    assert_eq!(breaker.state(ORIGIN), CircuitState::Open);
    runtime.advance(MINUTE);
    client
}

/// Whether the next call is let through, though no time has passed: the place of the probe is free.
#[track_caller]
fn next_is_a_probe(client: &HttpClient, breaker: &CircuitBreaker) {
    assert_eq!(breaker.state(ORIGIN), CircuitState::HalfOpen);
    assert!(client.get("/").send().now_or_never().unwrap().is_ok());
    assert_eq!(breaker.state(ORIGIN), CircuitState::Closed);
}

#[test]
fn a_probe_that_is_dropped_while_its_401_is_being_healed() {
    let (runtime, breaker) = (ManualRuntime::new(), CircuitBreaker::new(1, MINUTE));
    let mock = MockTransport::sequence([500, 401, 200].map(Reply::status));
    let fetches = AtomicUsize::new(0);
    let provider = move || {
        let number = fetches.fetch_add(1, Ordering::Relaxed);
        async move {
            if number == 2 {
                std::future::pending::<()>().await; // the fetch for the replay
            }
            Ok(AuthNToken::new(format!("token {number}")))
        }
    };
    let client = due(&mock, &runtime, &breaker, |client| client.auth(provider));
    assert!(client.get("/").send().now_or_never().is_none());
    next_is_a_probe(&client, &breaker);
}

#[test]
fn a_probe_whose_body_is_never_read() {
    let (runtime, breaker) = (ManualRuntime::new(), CircuitBreaker::new(1, MINUTE));
    let stalled = || {
        let body = futures_util::stream::pending::<Result<&str, std::io::Error>>();
        Ok(http::Response::new(Body::stream(body)))
    };
    let mock = MockTransport::sequence([
        Reply::status(500),
        Reply::from_fn(move |_| stalled()),
        Reply::ok(),
    ]);
    let client = due(&mock, &runtime, &breaker, |client| client);
    let unread = client.get("/").send().now_or_never().unwrap().unwrap();
    assert_eq!(breaker.state(ORIGIN), CircuitState::Closed, "its head said enough");
    assert!(client.get("/").send().now_or_never().unwrap().is_ok());
    drop(unread);
}

#[test]
fn a_probe_that_finds_a_bulkhead_full() {
    for max_waiting in [0, 1] {
        let (runtime, breaker) = (ManualRuntime::new(), CircuitBreaker::new(1, MINUTE));
        let bulkhead =
            Bulkhead::builder().max_in_flight(1).max_waiting(max_waiting).build().unwrap();
        let mock = MockTransport::sequence([Reply::status(500), Reply::pending(), Reply::ok()]);
        let client = due(&mock, &runtime, &breaker, |client| {
            client.attempt_middleware(bulkhead.clone()).total_timeout(SECOND)
        });
        // Somebody else has the place.
        let other = MockTransport::always(Reply::pending());
        let next = midil_http_core::Next::new(&other);
        let mut holder = bulkhead.handle(get(), next);
        assert!(holder.as_mut().now_or_never().is_none());
        let outcome = runtime.block_on(client.get("/").send()).unwrap_err();
        assert_eq!(outcome.kind(), if max_waiting == 0 { "Limit" } else { "Timeout" });
        drop(holder);
        // The second reply was never asked for: it hangs, and its caller loses interest.
        assert_eq!(breaker.state(ORIGIN), CircuitState::HalfOpen);
        assert!(client.get("/").send().now_or_never().is_none());
        next_is_a_probe(&client, &breaker);
    }
}

#[test]
fn a_probe_that_panics() {
    let (runtime, breaker) = (ManualRuntime::new(), CircuitBreaker::new(1, MINUTE));
    let panics = || -> Result<http::Response<Body>, Error> { panic!("a bug of the transport") };
    let mock = MockTransport::sequence([
        Reply::status(500),
        Reply::from_fn(move |_| panics()),
        Reply::ok(),
    ]);
    let client = due(&mock, &runtime, &breaker, |client| client);
    let call = || client.get("/").send().now_or_never();
    assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
    next_is_a_probe(&client, &breaker);
}

#[test]
fn a_probe_whose_change_of_state_makes_the_hook_panic() {
    let runtime = ManualRuntime::new();
    let once = AtomicUsize::new(0);
    let hook = move |change: &StateChange| {
        if change.to == CircuitState::HalfOpen && once.fetch_add(1, Ordering::Relaxed) == 0 {
            panic!("a bug of the hook");
        }
    };
    let breaker = CircuitBreaker::builder().failure_threshold(1).on_state_change(hook);
    let breaker = breaker.build().unwrap();
    let mock = MockTransport::sequence([500, 200].map(Reply::status));
    let client = due(&mock, &runtime, &breaker, |client| client);
    let call = || client.get("/").send().now_or_never();
    assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
    next_is_a_probe(&client, &breaker);
}

#[test]
fn a_hook_may_ask_the_breaker_and_change_it() {
    use CircuitState::{ForcedOpen, Open};
    let runtime = ManualRuntime::new();
    let own: Arc<Mutex<Option<CircuitBreaker>>> = Arc::default();
    let (breakers, seen) = (Arc::clone(&own), Arc::new(Mutex::new(Vec::new())));
    let log = Arc::clone(&seen);
    let hook = move |change: &StateChange| {
        let breaker = breakers.lock().unwrap().clone().unwrap();
        log.lock().unwrap().push((change.to, breaker.state(&change.key), breaker.states().count()));
        if change.to == Open {
            breaker.force_open(&change.key); // for a person to look at
        }
    };
    let breaker = CircuitBreaker::builder().failure_threshold(1).on_state_change(hook);
    let breaker = breaker.build().unwrap();
    *own.lock().unwrap() = Some(breaker.clone());
    let mock = MockTransport::sequence([Reply::status(500)]);
    let client = client(&mock, &runtime, &breaker).build().unwrap();
    assert!(client.get("/").send().now_or_never().unwrap().is_ok());
    assert_eq!(*seen.lock().unwrap(), [(Open, Open, 1), (ForcedOpen, ForcedOpen, 1)]);
    assert_eq!(retry_in(client.get("/").send().now_or_never().unwrap()), Duration::MAX);
    *own.lock().unwrap() = None;
}
