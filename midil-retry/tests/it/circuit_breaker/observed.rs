//! Keys, states and their changes.

use futures_util::FutureExt;
use midil_http_core::Event;

use super::*;

#[test]
fn every_change_is_told_with_its_reason() {
    let runtime = ManualRuntime::new();
    let changes = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&changes);
    let breaker = CircuitBreaker::builder()
        .failure_threshold(2)
        .on_state_change(move |change: &StateChange| log.lock().unwrap().push(change.clone()))
        .build()
        .unwrap();
    let mock = MockTransport::sequence([500, 500, 500, 200].map(Reply::status));
    let client = client(&mock, &runtime, &breaker).build().unwrap();
    for _ in 0..4 {
        runtime.advance(MINUTE);
        client.get("/users?secret=1").send().now_or_never().unwrap().unwrap();
    }
    breaker.force_open(ORIGIN);
    breaker.reset(ORIGIN);
    breaker.reset(ORIGIN);

    use CircuitState::{Closed, ForcedOpen, HalfOpen, Open};
    let expected = [
        (Closed, Open, StateChangeReason::ConsecutiveFailures { failures: 2 }),
        (Open, HalfOpen, StateChangeReason::RecoveryTimeout),
        (HalfOpen, Open, StateChangeReason::ProbeFailed),
        (Open, HalfOpen, StateChangeReason::RecoveryTimeout),
        (HalfOpen, Closed, StateChangeReason::ProbesSucceeded),
        (Closed, ForcedOpen, StateChangeReason::Forced),
        (ForcedOpen, Closed, StateChangeReason::Reset),
    ];
    let changes = changes.lock().unwrap();
    let told: Vec<_> = changes.iter().map(|told| (told.from, told.to, told.reason)).collect();
    assert_eq!(told, expected);
    assert!(changes.iter().all(|change| &*change.key == ORIGIN), "{changes:?}");
}

/// A circuit that is forced is no call's: those are told who came along first, and still live.
#[test]
fn the_first_client_is_told_of_forced_circuits_and_when_it_is_gone_the_next() {
    let (runtime, breaker) = (ManualRuntime::new(), CircuitBreaker::new(1, MINUTE));
    let mock = MockTransport::always(Reply::ok());
    let told = [(); 2].map(|()| Arc::new(Mutex::new(Vec::new())));
    let [first, second] = told.each_ref().map(|told| {
        let log = Arc::clone(told);
        let observer = move |event: &Event<'_>| {
            if let Event::CircuitChanged(change) = event {
                log.lock().unwrap().push((change.from, change.to));
            }
        };
        client(&mock, &runtime, &breaker).observer(observer).build().unwrap()
    });
    let call = |client: &HttpClient| {
        assert!(client.get("/").send().now_or_never().unwrap().is_ok());
    };
    call(&first);
    call(&second);
    breaker.force_closed(ORIGIN);
    assert_eq!(*told[0].lock().unwrap(), [("closed", "forced_closed")]);
    drop(first);
    breaker.reset(ORIGIN);
    call(&second);
    breaker.force_open(ORIGIN);
    assert_eq!(told[0].lock().unwrap().len(), 1);
    assert_eq!(*told[1].lock().unwrap(), [("closed", "forced_open")]);
}

#[test]
fn each_origin_has_a_circuit_unless_told_otherwise() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::always(Reply::status(500));
    let call = |breaker: &CircuitBreaker, url: &str| {
        let client = client(&mock, &runtime, breaker).allow_origin("https://b.example.com");
        client.build().unwrap().get(url).send().now_or_never().unwrap().is_ok()
    };
    let breaker = CircuitBreaker::new(1, MINUTE);
    assert!(call(&breaker, "/a"));
    assert!(!call(&breaker, "/b"), "the same origin");
    assert!(call(&breaker, "https://b.example.com/"));
    let mut states: Vec<_> = breaker.states().collect();
    states.sort_by(|one, other| one.0.cmp(&other.0));
    let open = |key: &str| (Arc::from(key), CircuitState::Open);
    assert_eq!(states, [open(ORIGIN), open("https://b.example.com")]);

    let by_path = CircuitBreaker::builder().failure_threshold(1);
    let by_path = by_path.key(|request| request.url.path().into()).build().unwrap();
    assert!(call(&by_path, "/a") && call(&by_path, "/b"));
    assert!(!call(&by_path, "https://b.example.com/a"), "the same path");
    assert_eq!(by_path.state("/a"), CircuitState::Open);
    assert_eq!(by_path.state(ORIGIN), CircuitState::Closed);
}

#[test]
fn clones_share_their_circuits() {
    let (runtime, breaker) = (ManualRuntime::new(), CircuitBreaker::new(1, MINUTE));
    let mock = MockTransport::always(Reply::status(500));
    let clients = [0, 1].map(|_| client(&mock, &runtime, &breaker).build().unwrap());
    let call = |client: &HttpClient| client.get("/").send().now_or_never().unwrap().is_ok();
    assert!(call(&clients[0]));
    assert!(!call(&clients[1]));
}
