//! Open, half-open and closed again.

use futures_util::FutureExt;

use super::*;

#[test]
fn it_opens_refuses_probes_and_closes() {
    let (runtime, breaker) = (ManualRuntime::new(), CircuitBreaker::new(3, MINUTE));
    let mock = MockTransport::sequence((0..4).map(|_| Reply::status(503))).reply(Reply::ok());
    let client = client(&mock, &runtime, &breaker).build().unwrap();
    runtime.block_on(async {
        let call = || async { client.get("/").send().await.map(|response| response.status()) };
        for _ in 0..3 {
            assert_eq!(call().await.unwrap(), 503);
        }
        assert_eq!(retry_in(call().await), MINUTE);
        runtime.advance(Duration::from_millis(59_999));
        assert_eq!(retry_in(call().await), Duration::from_millis(1));
        assert_eq!(mock.request_count(), 3, "an open circuit sends nothing");

        runtime.advance(Duration::from_millis(1));
        assert_eq!(call().await.unwrap(), 503, "the probe");
        assert_eq!(retry_in(call().await), MINUTE, "for another minute");
        runtime.advance(MINUTE);
        assert_eq!(call().await.unwrap(), 200);
        assert_eq!(breaker.state(ORIGIN), CircuitState::Closed);
    });
    assert_eq!(mock.request_count(), 5);
}

#[test]
fn half_open_lets_so_many_through_and_refuses_the_rest() {
    let runtime = ManualRuntime::new();
    let breaker = CircuitBreaker::builder().failure_threshold(1).half_open_probes(2).build();
    let breaker = breaker.unwrap();
    let mock = MockTransport::sequence([Reply::status(500)])
        .reply_always(Reply::ok().delayed(SECOND, runtime.clone()));
    let client = client(&mock, &runtime, &breaker).build().unwrap();
    runtime.block_on(async {
        client.get("/").send().await.unwrap();
        runtime.advance(MINUTE);
        let calls = (0..5).map(|_| client.get("/").send());
        let outcomes = futures_util::future::join_all(calls).await;
        let (through, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!((through.len(), refused.len()), (2, 3));
        for refused in refused {
            assert_eq!(retry_in(refused), MINUTE, "unless a probe fails before");
        }
        assert_eq!(breaker.state(ORIGIN), CircuitState::Closed);
    });
}

#[test]
fn a_dropped_probe_gives_its_place_to_the_next() {
    let (runtime, breaker) = (ManualRuntime::new(), CircuitBreaker::new(1, MINUTE));
    let mock = MockTransport::sequence([Reply::status(500), Reply::pending(), Reply::ok()]);
    let client = client(&mock, &runtime, &breaker).build().unwrap();
    assert!(client.get("/").send().now_or_never().unwrap().is_ok());
    runtime.advance(MINUTE);
    assert!(client.get("/").send().now_or_never().is_none(), "the probe hangs, and is dropped");
    assert_eq!(breaker.state(ORIGIN), CircuitState::HalfOpen);
    assert!(client.get("/").send().now_or_never().unwrap().is_ok());
    assert_eq!(breaker.state(ORIGIN), CircuitState::Closed);
}

#[test]
fn a_probe_that_is_never_heard_of_again_does_not_hold_its_place_for_ever() {
    let (runtime, breaker) = (ManualRuntime::new(), CircuitBreaker::new(1, MINUTE));
    let mock = MockTransport::sequence([Reply::status(500), Reply::pending(), Reply::ok()]);
    let client = client(&mock, &runtime, &breaker).no_timeout().build().unwrap();
    assert!(client.get("/").send().now_or_never().unwrap().is_ok());
    runtime.advance(MINUTE);
    let mut forgotten = Box::pin(client.get("/").send());
    assert!(forgotten.as_mut().now_or_never().is_none());
    std::mem::forget(forgotten);
    assert_eq!(retry_in(client.get("/").send().now_or_never().unwrap()), MINUTE);
    runtime.advance(MINUTE);
    assert!(client.get("/").send().now_or_never().unwrap().is_ok());
    assert_eq!(breaker.state(ORIGIN), CircuitState::Closed);
    drop(mock.mismatch());
}

#[test]
fn what_began_before_it_opened_has_no_say_after_it() {
    let (runtime, breaker) = (ManualRuntime::new(), CircuitBreaker::new(1, MINUTE));
    let mock = MockTransport::sequence([
        Reply::ok().delayed(2 * SECOND, runtime.clone()),
        Reply::status(503),
    ]);
    let client = client(&mock, &runtime, &breaker).build().unwrap();
    runtime.block_on(async {
        let (late, failed) =
            futures_util::future::join(client.get("/").send(), client.get("/").send()).await;
        assert_eq!(
            (late.unwrap().status().as_u16(), failed.unwrap().status().as_u16()),
            (200, 503)
        );
    });
    assert_eq!(breaker.state(ORIGIN), CircuitState::Open);
}

#[test]
fn what_is_refused_keeps_its_stream_untouched() {
    let (runtime, breaker) = (ManualRuntime::new(), CircuitBreaker::new(1, MINUTE));
    breaker.force_open(ORIGIN);
    let mock = MockTransport::new();
    let client = client(&mock, &runtime, &breaker).build().unwrap();
    let body = futures_util::stream::poll_fn(
        |_| -> std::task::Poll<Option<Result<&'static str, std::io::Error>>> {
            panic!("an open circuit polled the body")
        },
    );
    let outcome = client.post("/").body(Body::stream(body)).send().now_or_never().unwrap();
    assert_eq!(retry_in(outcome), Duration::MAX);
}

#[test]
fn an_open_circuit_is_not_worth_a_retry() {
    let (runtime, breaker) = (ManualRuntime::new(), CircuitBreaker::new(1, MINUTE));
    let mock = MockTransport::always(Reply::status(503));
    let client =
        client(&mock, &runtime, &breaker).retry(DefaultRetryStrategy::default()).build().unwrap();
    runtime.block_on(async {
        // The first attempt opens the circuit, the second is refused: that is what the call comes to, at once.
        let outcome = client.get("/").send().await;
        assert!(retry_in(outcome) > MINUTE - SECOND);
        let waits = runtime.completed_sleeps().len();
        retry_in(client.get("/").send().await);
        assert_eq!(runtime.completed_sleeps().len(), waits, "it waited for nothing");
    });
    assert_eq!(mock.request_count(), 1);
}

#[test]
fn the_wrapper_of_a_transport_is_the_same() {
    let (runtime, breaker) = (ManualRuntime::new(), CircuitBreaker::new(2, MINUTE));
    let mock = MockTransport::sequence([Reply::status(500), Reply::status(500), Reply::ok()]);
    let transport =
        CircuitBreakerTransport::new(mock.clone(), breaker.clone()).with_runtime(runtime.clone());
    let send = || transport.send(get()).now_or_never().unwrap();
    assert!(send().is_ok() && send().is_ok());
    assert_eq!(retry_in(send()), MINUTE);
    runtime.advance(MINUTE);
    assert!(send().is_ok());
    assert_eq!(breaker.state(ORIGIN), CircuitState::Closed);
}

#[test]
fn a_part_of_the_calls_opens_it_too_but_never_one_that_goes_well() {
    let runtime = ManualRuntime::new();
    let breaker = CircuitBreaker::builder().failure_ratio(0.5).minimum_calls(4).build().unwrap();
    let statuses = [500, 500, 500, 200, 200, 500];
    let mock = MockTransport::sequence(statuses.map(Reply::status));
    let client = client(&mock, &runtime, &breaker).build().unwrap();
    let mut states = Vec::new();
    for _ in statuses {
        client.get("/").send().now_or_never().unwrap().unwrap();
        states.push(breaker.state(ORIGIN));
    }
    let mut expected = [CircuitState::Closed; 6];
    expected[5] = CircuitState::Open;
    assert_eq!(states[..], expected, "three of four at the fourth call, but that went well");
}
