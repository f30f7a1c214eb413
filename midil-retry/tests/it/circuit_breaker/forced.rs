//! What operations do by hand.

use futures_util::FutureExt;

use super::*;

/// A client of two servers, of which the first is down.
fn scene() -> (HttpClient, CircuitBreaker) {
    let (runtime, breaker) = (ManualRuntime::new(), CircuitBreaker::new(1, MINUTE));
    let mock = MockTransport::new();
    mock.when(|request| request.url.host_str() == Some("api.example.com"))
        .reply_always(Reply::status(500));
    let mock = mock.reply_always(Reply::ok());
    let client = client(&mock, &runtime, &breaker).allow_origin(OTHER).build().unwrap();
    (client, breaker)
}

const OTHER: &str = "https://other.example.com";

fn passes(client: &HttpClient, url: &str) -> bool {
    client.get(url).send().now_or_never().unwrap().is_ok()
}

#[test]
fn one_key_is_forced_and_the_others_are_not() {
    let (client, breaker) = scene();
    breaker.force_open(OTHER);
    assert!(!passes(&client, OTHER));
    assert!(passes(&client, ORIGIN), "the other one is not asked");
    assert_eq!(breaker.state(OTHER), CircuitState::ForcedOpen);

    breaker.force_closed("https://api.example.com/v1/users");
    assert!((0..10).all(|_| passes(&client, ORIGIN)), "whatever they come to");
    assert_eq!(breaker.state(ORIGIN), CircuitState::ForcedClosed);

    breaker.reset(OTHER);
    breaker.reset(ORIGIN);
    assert!(passes(&client, OTHER));
    assert!(passes(&client, ORIGIN) && !passes(&client, ORIGIN), "it opens by itself again");
}

#[test]
fn a_circuit_that_is_held_open_says_so() {
    let (client, breaker) = scene();
    breaker.force_open(OTHER);
    let error = client.get(OTHER).send().now_or_never().unwrap().unwrap_err();
    let expected = "the circuit breaker is held open by hand: reset it to let calls through";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn all_keys_are_forced_those_to_come_as_well() {
    let (client, breaker) = scene();
    assert!(passes(&client, ORIGIN));
    breaker.force_all_open();
    assert!(!passes(&client, ORIGIN) && !passes(&client, OTHER));
    breaker.force_closed(OTHER);
    assert!(passes(&client, OTHER) && !passes(&client, ORIGIN), "one may be let through");
    breaker.force_all_closed();
    assert!((0..3).all(|_| passes(&client, ORIGIN)));
    breaker.reset_all();
    assert_eq!(breaker.state("https://never.called.example"), CircuitState::Closed);
    assert!(passes(&client, ORIGIN) && !passes(&client, ORIGIN));
}

#[test]
fn a_probe_that_was_under_way_when_somebody_forced_the_circuit_says_nothing() {
    let (runtime, breaker) = (ManualRuntime::new(), CircuitBreaker::new(1, MINUTE));
    let mock = MockTransport::sequence([
        Reply::status(500),
        Reply::status(500).delayed(SECOND, runtime.clone()),
    ]);
    let client = client(&mock, &runtime, &breaker).build().unwrap();
    runtime.block_on(async {
        client.get("/").send().await.unwrap();
        runtime.advance(MINUTE);
        let reset = async { breaker.reset(ORIGIN) };
        assert!(futures_util::future::join(client.get("/").send(), reset).await.0.is_ok());
    });
    assert_eq!(breaker.state(ORIGIN), CircuitState::Closed);
}
