//! What a builder refuses, and what it says.

use super::super::*;

fn refusal(builder: CircuitBreakerBuilder) -> String {
    builder.build().unwrap_err().to_string()
}

#[test]
fn what_cannot_be_is_refused_with_a_remedy() {
    let new = CircuitBreaker::builder;
    let ratio = "give a part above 0 and up to 1, such as 0.5";
    let window = "give a duration from 10 ms to 24 h";
    for (builder, expected) in [
        (new().failure_threshold(0), "failure_threshold is 0: give at least 1".to_owned()),
        (
            new().recovery_timeout(Duration::ZERO),
            "recovery_timeout is zero: give a positive duration".to_owned(),
        ),
        (
            new().half_open_probes(0),
            "half_open_probes is 0: give a number from 1 to 1000".to_owned(),
        ),
        (
            new().half_open_probes(1_001),
            "half_open_probes is 1001: give a number from 1 to 1000".to_owned(),
        ),
        (new().failure_ratio(0.0), format!("failure_ratio is 0: {ratio}")),
        (new().failure_ratio(-0.5), format!("failure_ratio is -0.5: {ratio}")),
        (new().failure_ratio(1.01), format!("failure_ratio is 1.01: {ratio}")),
        (new().failure_ratio(f64::NAN), format!("failure_ratio is NaN: {ratio}")),
        (new().failure_ratio(f64::INFINITY), format!("failure_ratio is inf: {ratio}")),
        (new().window(Duration::from_millis(9)), format!("window is 9ms: {window}")),
        (new().window(Duration::from_secs(90_000)), format!("window is 90000s: {window}")),
        (new().minimum_calls(0), "minimum_calls is 0: give a number from 1 to 32768".to_owned()),
        (
            new().minimum_calls(32_769),
            "minimum_calls is 32769: give a number from 1 to 32768".to_owned(),
        ),
    ] {
        assert_eq!(refusal(builder), expected);
    }
}

#[test]
fn what_a_refusal_offers_is_taken() {
    let new = || CircuitBreaker::builder().failure_ratio(1.0);
    for builder in [
        new().failure_threshold(1),
        new().recovery_timeout(Duration::from_nanos(1)),
        new().half_open_probes(1_000),
        new().window(Duration::from_millis(10)),
        new().window(Duration::from_secs(24 * 3600)),
        new().minimum_calls(1),
        new().minimum_calls(32_768),
    ] {
        builder.build().unwrap();
    }
}

#[test]
fn extremes_are_no_harm() {
    for breaker in [
        CircuitBreaker::new(0, Duration::ZERO),
        CircuitBreaker::new(u32::MAX, Duration::MAX),
        CircuitBreaker::builder()
            .failure_ratio(f64::MIN_POSITIVE)
            .recovery_timeout(Duration::MAX)
            .failure_threshold(1)
            .build()
            .unwrap(),
    ] {
        let rules = &breaker.0.rules;
        let circuit = Circuit::new("key".into(), 0, Phase::Closed { failures: 0 });
        for now in [0, 1, u64::MAX] {
            if let Ok((ticket, _)) = circuit.admit(rules, || now) {
                circuit.settle(rules, ticket, Verdict::Failure, || now);
            }
        }
        let debug = format!("{breaker:?} {circuit:?}");
        assert!(debug.contains("CircuitBreaker"));
    }
}

/// The only rounding: a circuit is open for as long as it was told, or up to a millisecond longer, and says how long.
#[test]
fn what_a_refused_call_is_told_is_when_the_probe_goes_through() {
    let rules = Rules {
        threshold: Some(1),
        ratio: None,
        recovery: Duration::from_nanos(1_500_001),
        probes: 1,
    };
    for opened in [0_u64, 1, 999_999, 1_000_000, 123_456_789] {
        let circuit = Circuit::new("key".into(), 0, Phase::Closed { failures: 0 });
        let (ticket, _) = circuit.admit(&rules, || opened).unwrap();
        circuit.settle(&rules, ticket, Verdict::Failure, || opened);
        let wait = circuit.admit(&rules, || opened).unwrap_err();
        assert!((1_500_001..=3_000_000).contains(&wait.as_nanos()), "{wait:?} at {opened}");
        let due = opened + u64::try_from(wait.as_nanos()).unwrap();
        assert_eq!(circuit.admit(&rules, || due - 1).unwrap_err(), Duration::from_nanos(1));
        assert!(circuit.admit(&rules, || due).is_ok());
    }
}

#[test]
fn a_change_reads_well() {
    let change = StateChange {
        key: "https://api.example.com".into(),
        from: CircuitState::Closed,
        to: CircuitState::Open,
        reason: StateChangeReason::FailureRatio { failures: 12, calls: 20 },
    };
    let expected =
        "the circuit of https://api.example.com went from closed to open: 12 of 20 calls failed";
    assert_eq!(change.to_string(), expected);
}

#[test]
fn a_change_reads_as_a_sentence() {
    let told = |reason: StateChangeReason, text: &str| assert_eq!(reason.to_string(), text);
    let failures = 5;
    told(
        StateChangeReason::ConsecutiveFailures { failures },
        "calls failed one after the other: 5",
    );
    told(StateChangeReason::FailureRatio { failures, calls: 8 }, "5 of 8 calls failed");
    told(StateChangeReason::RecoveryTimeout, "the recovery timeout is over");
    told(StateChangeReason::ProbeFailed, "a probe failed");
    told(StateChangeReason::ProbesSucceeded, "the probes went well");
    told(StateChangeReason::Forced, "it was forced");
    told(StateChangeReason::Reset, "it was reset");
    for (state, name, text) in [
        (CircuitState::Closed, "closed", "closed"),
        (CircuitState::Open, "open", "open"),
        (CircuitState::HalfOpen, "half_open", "half-open"),
        (CircuitState::ForcedOpen, "forced_open", "forced open"),
        (CircuitState::ForcedClosed, "forced_closed", "forced closed"),
    ] {
        assert_eq!((state.name(), state.to_string().as_str()), (name, text));
    }
}

/// Middleware below the breaker may make errors of statuses, and retries of their own.
#[test]
fn a_status_is_the_same_failure_in_an_error() {
    use http::{HeaderMap, StatusCode};
    use midil_http_core::{Body, GiveUpReason, LastOutcome, RetryExhausted, StatusError};

    let of = |error: Error| Verdict::of(Outcome::Error(&error));
    let exhausted = |last| {
        let reason = GiveUpReason::Attempts;
        of(RetryExhausted::new(2, Duration::ZERO, reason, last).into())
    };
    for (code, verdict) in [
        (200, Verdict::Success),
        (404, Verdict::Success),
        (429, Verdict::Ignore),
        (503, Verdict::Failure),
    ] {
        let status = StatusCode::from_u16(code).unwrap();
        let mut response = http::Response::new(Body::empty());
        *response.status_mut() = status;
        let error = || Error::from(StatusError::new(status, HeaderMap::new(), ""));
        assert_eq!(of(error()), verdict, "{code}");
        assert_eq!(exhausted(LastOutcome::Error(error())), verdict, "{code}");
        let head = response.into_parts().0;
        assert_eq!(Verdict::of(Outcome::Response(&head)), verdict, "{code}");
        let response = http::Response::from_parts(head, Body::empty());
        assert_eq!(exhausted(LastOutcome::Response(response)), verdict, "{code}");
    }
}
