//! What counts as a failure, as a success, and as nothing.

use futures_util::FutureExt;
use midil_http_core::{
    Attempt, AuthError, AuthErrorKind, AuthNToken, GiveUpReason, LimitError, Next, Phase,
    RetryDecision, StatusError, TimeoutError, TimeoutKind,
};

use super::*;

/// What a breaker makes of an outcome that comes between two failures, when two in a row open it.
fn verdict(reply: impl Fn() -> Reply) -> Verdict {
    let (runtime, breaker) = (ManualRuntime::new(), CircuitBreaker::new(2, MINUTE));
    let mock = MockTransport::sequence([Reply::status(500), reply(), Reply::status(500)]);
    let client = client(&mock, &runtime, &breaker).build().unwrap();
    for _ in 0..3 {
        drop(client.get("/").send().now_or_never());
    }
    drop(mock.mismatch());
    match (breaker.state(ORIGIN), mock.request_count()) {
        (CircuitState::Open, 2) => Verdict::Failure,
        (CircuitState::Open, 3) => Verdict::Ignore,
        (CircuitState::Closed, 3) => Verdict::Success,
        other => panic!("{other:?}"),
    }
}

#[test]
fn statuses() {
    for (statuses, expected) in [
        (&[200, 204, 301, 304, 400, 401, 403, 404, 408, 418, 499][..], Verdict::Success),
        (&[500, 501, 502, 503, 504, 505, 599][..], Verdict::Failure),
        (&[429][..], Verdict::Ignore),
    ] {
        for status in statuses {
            assert_eq!(verdict(|| Reply::status(*status)), expected, "{status}");
        }
    }
}

/// As middleware of the whole call, with the retries inside.
#[test]
fn what_retries_gave_up_on_is_judged_by_its_last_outcome() {
    for (reply, expected) in [
        (Reply::status(503), CircuitState::Open),
        (Reply::status(429), CircuitState::Closed),
        (Reply::error(reset), CircuitState::Open),
    ] {
        let (runtime, breaker) = (ManualRuntime::new(), CircuitBreaker::new(1, MINUTE));
        let give_up = |_: &Attempt<'_>| RetryDecision::GiveUp { reason: GiveUpReason::Attempts };
        let client = HttpClient::builder(MockTransport::sequence([reply]))
            .base_url(ORIGIN)
            .runtime(runtime)
            .retry(give_up)
            .middleware(breaker.clone())
            .build()
            .unwrap();
        let error = client.get("/").send().now_or_never().unwrap().unwrap_err();
        assert!(matches!(error, Error::RetryExhausted(_)), "{error:?}");
        assert_eq!(breaker.state(ORIGIN), expected, "{error:?}");
    }
}

#[test]
fn errors() {
    let transport = |kind| move || TransportError::new(kind, Sent::Maybe, "it failed").into();
    use TransportErrorKind::{Connect, Dns, Protocol, Refused, Reset, Tls};
    for kind in [Connect, Dns, Protocol, Refused, Reset, Tls] {
        assert_eq!(verdict(|| Reply::error(transport(kind))), Verdict::Failure, "{kind:?}");
    }
    let timeout = |kind, phase| move || TimeoutError::new(kind, SECOND, phase).into();
    for (kind, phase, expected) in [
        (TimeoutKind::Connect, Phase::Connect, Verdict::Failure),
        (TimeoutKind::Progress, Phase::Send, Verdict::Failure),
        (TimeoutKind::Attempt, Phase::Head, Verdict::Failure),
        (TimeoutKind::Attempt, Phase::Connect, Verdict::Failure),
        (TimeoutKind::Attempt, Phase::Send, Verdict::Ignore),
        (TimeoutKind::Attempt, Phase::Queue, Verdict::Ignore),
        (TimeoutKind::Connect, Phase::Queue, Verdict::Ignore),
        (TimeoutKind::Progress, Phase::Queue, Verdict::Ignore),
        (TimeoutKind::Total, Phase::Head, Verdict::Failure),
        (TimeoutKind::Total, Phase::Send, Verdict::Ignore),
        (TimeoutKind::Total, Phase::Queue, Verdict::Ignore),
        (TimeoutKind::Total, Phase::Credentials, Verdict::Ignore),
    ] {
        let found = verdict(|| Reply::error(timeout(kind, phase)));
        assert_eq!(found, expected, "{kind:?} in {phase:?}");
    }
    for (status, expected) in
        [(404, Verdict::Success), (503, Verdict::Failure), (429, Verdict::Ignore)]
    {
        let status = http::StatusCode::from_u16(status).unwrap();
        let error = move || StatusError::new(status, http::HeaderMap::new(), "").into();
        assert_eq!(verdict(|| Reply::error(error)), expected, "{status}");
    }
    let local: [fn() -> Error; 4] = [
        || LimitError::new("max_in_flight", "is reached").into(),
        || Error::custom("no quota"),
        || Error::Closed,
        || Error::circuit_open(SECOND),
    ];
    for error in local {
        assert_eq!(verdict(|| Reply::error(error)), Verdict::Ignore, "{:?}", error());
    }
}

/// Whether a call that ends like this opens a circuit that one failure opens.
fn opens(
    build: impl FnOnce(HttpClientBuilder) -> HttpClientBuilder,
    transport: &MockTransport,
    call: impl AsyncFnOnce(HttpClient, ManualRuntime),
) -> bool {
    let (runtime, breaker) = (ManualRuntime::new(), CircuitBreaker::new(1, MINUTE));
    let client = build(client(transport, &runtime, &breaker)).build().unwrap();
    runtime.block_on(call(client, runtime.clone()));
    breaker.state(ORIGIN) == CircuitState::Open
}

#[test]
fn a_server_that_hangs_has_failed_whichever_timeout_ends_it() {
    let hang = || MockTransport::always(Reply::pending());
    let fails = async |client: HttpClient, _| {
        assert!(client.get("/").send().await.unwrap_err().is_timeout());
    };
    assert!(opens(|client| client.timeout(SECOND), &hang(), fails));
    assert!(opens(|client| client.attempt_timeout(SECOND), &hang(), fails));
    assert!(opens(|client| client.total_timeout(SECOND), &hang(), fails));
}

#[test]
fn an_upload_whose_producer_is_slow_says_nothing_of_the_server() {
    let slow = async |client: HttpClient, _| {
        let body = Body::stream(futures_util::stream::pending::<Result<&str, Error>>());
        assert!(client.post("/").body(body).send().await.unwrap_err().is_timeout());
    };
    let reads = || MockTransport::always(Reply::ok());
    assert!(!opens(|client| client.attempt_timeout(SECOND), &reads(), slow));
    assert!(!opens(|client| client.total_timeout(SECOND), &reads(), slow));
    // A peer that takes nothing of it is another matter.
    let stalls = async |client: HttpClient, _| {
        assert!(client.post("/").body("hello").send().await.unwrap_err().is_timeout());
    };
    let takes_nothing = MockTransport::always(Reply::pending().without_reading_body());
    assert!(opens(|client| client.timeout(SECOND), &takes_nothing, stalls));
}

#[test]
fn so_it_has_below_the_wrapper_of_a_transport() {
    let (runtime, breaker) = (ManualRuntime::new(), CircuitBreaker::new(1, MINUTE));
    let hang = MockTransport::always(Reply::pending());
    let transport =
        CircuitBreakerTransport::new(hang, breaker.clone()).with_runtime(runtime.clone());
    let client = HttpClient::builder(transport)
        .base_url(ORIGIN)
        .runtime(runtime.clone())
        .total_timeout(SECOND)
        .build()
        .unwrap();
    assert!(runtime.block_on(client.get("/").send()).unwrap_err().is_timeout());
    assert_eq!(breaker.state(ORIGIN), CircuitState::Open);
}

#[test]
fn a_caller_who_lost_interest_says_nothing_of_the_server() {
    let hang = MockTransport::always(Reply::pending());
    let gives_up = async |client: HttpClient, runtime: ManualRuntime| {
        let sleep = midil_http_core::Runtime::sleep(&runtime, SECOND);
        let call = std::pin::pin!(client.get("/").send());
        futures_util::future::select(call, sleep).await;
    };
    assert!(!opens(|client| client.total_timeout(2 * SECOND), &hang, gives_up));
}

#[test]
fn time_that_was_spent_in_a_queue_says_nothing_of_the_server() {
    async fn queue(request: Request, next: Next<'_>) -> Result<http::Response<Body>, Error> {
        next.runtime().sleep(MINUTE).await;
        next.run(request).await
    }
    let fails = async |client: HttpClient, _| {
        assert!(client.get("/").send().await.unwrap_err().is_timeout());
    };
    let mock = MockTransport::always(Reply::ok());
    let queued = |client: HttpClientBuilder| client.attempt_middleware(queue).total_timeout(SECOND);
    assert!(!opens(queued, &mock, fails));
    assert_eq!(mock.request_count(), 0);
}

#[test]
fn credentials_that_cannot_be_had_say_nothing_of_the_server() {
    let fails = async |client: HttpClient, _| {
        assert_eq!(client.get("/").send().await.unwrap_err().kind(), "Auth");
    };
    let no_token = || async { Err::<AuthNToken, _>(AuthError::new(AuthErrorKind::Rejected, "no")) };
    assert!(!opens(|client| client.auth(no_token), &MockTransport::new(), fails));

    // Nor when the deadline ends the wait for them.
    let slow = || std::future::pending::<Result<AuthNToken, AuthError>>();
    let late = async |client: HttpClient, _| {
        assert!(client.get("/").send().await.unwrap_err().is_timeout());
    };
    let build = |client: HttpClientBuilder| client.auth(slow).total_timeout(SECOND);
    assert!(!opens(build, &MockTransport::new(), late));
}

#[test]
fn a_callers_own_stream_that_fails_says_nothing_of_the_server() {
    let fails = async |client: HttpClient, _| {
        let broken = futures_util::stream::iter([Err::<&str, _>(std::io::Error::other("no disk"))]);
        let outcome = client.post("/").body(Body::stream(broken)).send().await;
        assert_eq!(outcome.unwrap_err().kind(), "Body");
    };
    assert!(!opens(|client| client, &MockTransport::always(Reply::ok()), fails));
}

#[test]
fn a_401_that_is_healed_is_one_success() {
    let (runtime, breaker) = (ManualRuntime::new(), CircuitBreaker::new(2, MINUTE));
    let mock = MockTransport::sequence([500, 401, 200, 500].map(Reply::status));
    let tokens = AtomicUsize::new(0);
    let fresh = move || {
        let number = tokens.fetch_add(1, Ordering::Relaxed);
        async move { Ok(AuthNToken::new(format!("token {number}"))) }
    };
    let client = client(&mock, &runtime, &breaker).auth(fresh).build().unwrap();
    runtime.block_on(async {
        for expected in [500, 200, 500] {
            assert_eq!(client.get("/").send().await.unwrap().status(), expected);
        }
    });
    assert_eq!(breaker.state(ORIGIN), CircuitState::Closed);
}

#[test]
fn a_classifier_of_ones_own_sees_the_head_and_may_ask_the_default() {
    let runtime = ManualRuntime::new();
    let breaker = CircuitBreaker::builder()
        .failure_threshold(1)
        .classify(|outcome| match outcome {
            midil_http_core::Outcome::Response(head) if head.headers.contains_key("x-degraded") => {
                Verdict::Failure
            }
            midil_http_core::Outcome::Error(Error::Custom(_)) => Verdict::Failure,
            other => Verdict::of(other),
        })
        .build()
        .unwrap();
    for (reply, expected) in [
        (Reply::ok().body("kept"), CircuitState::Closed),
        (Reply::ok().header("x-degraded", "1"), CircuitState::Open),
        (Reply::error(|| Error::custom("no quota")), CircuitState::Open),
        (Reply::status(503), CircuitState::Open),
        (Reply::status(429), CircuitState::Closed),
    ] {
        breaker.reset(ORIGIN);
        let client = client(&MockTransport::always(reply), &runtime, &breaker).build().unwrap();
        let outcome = client.get("/").send().now_or_never().unwrap();
        assert_eq!(breaker.state(ORIGIN), expected);
        if let Ok(response) = outcome
            && response.status() == 200
            && expected == CircuitState::Closed
        {
            assert_eq!(response.text().now_or_never().unwrap().unwrap(), "kept");
        }
    }
}
