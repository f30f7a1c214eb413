//! One test per row of the table.

use midil_http_core::{
    AuthError, AuthErrorKind, BodyError, BuildError, DecodeError, LimitError, Phase, Sent,
    StatusError, TimeoutError, TimeoutKind, TransportError, TransportErrorKind, is_transient,
};

use super::*;

const IDEMPOTENT: [Method; 6] =
    [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE, Method::PUT, Method::DELETE];
const OTHERS: [Method; 2] = [Method::POST, Method::PATCH];

fn by_status(method: Method, status: u16) -> RetryDecision {
    first(method, Outcome::Response(&response(status, &[])))
}

fn by_error(method: Method, error: &Error) -> RetryDecision {
    first(method, Outcome::Error(error))
}

fn transport(kind: TransportErrorKind, sent: Sent) -> Error {
    TransportError::new(kind, sent, "it failed").into()
}

fn timeout(kind: TimeoutKind) -> Error {
    TimeoutError::new(kind, SECOND, Phase::Head).into()
}

/// Retried for every method.
fn assert_any_method(what: &str, decide: impl Fn(Method) -> RetryDecision) {
    for method in IDEMPOTENT.into_iter().chain(OTHERS) {
        assert!(is_retried(&decide(method.clone())), "{what}, {method}");
    }
}

/// Retried for idempotent methods; for others, returned as it came.
fn assert_idempotent_only(what: &str, decide: impl Fn(Method) -> RetryDecision) {
    for method in IDEMPOTENT {
        assert!(is_retried(&decide(method.clone())), "{what}, {method}");
    }
    for method in OTHERS {
        assert_eq!(decide(method.clone()), RetryDecision::Accept, "{what}, {method}");
    }
}

/// Returned as it came.
fn assert_never(what: &str, decide: impl Fn(Method) -> RetryDecision) {
    for method in IDEMPOTENT.into_iter().chain(OTHERS) {
        assert_eq!(decide(method.clone()), RetryDecision::Accept, "{what}, {method}");
    }
}

#[test]
fn what_was_not_sent_is_retried_for_any_method() {
    use TransportErrorKind::{Closed, Connect, Dns, Other, Protocol, Refused, Reset};
    for kind in [Dns, Connect, Refused, Reset, Closed, Protocol, Other] {
        let error = transport(kind, Sent::No);
        assert_any_method(&format!("{kind:?}"), |method| by_error(method, &error));
    }
    let error = error(TimeoutError::connect(SECOND));
    assert_any_method("connect_timeout", |method| by_error(method, &error));
}

#[test]
fn what_may_have_been_sent_is_retried_when_that_does_no_harm() {
    use TransportErrorKind::{Closed, Connect, Dns, Other, Protocol, Refused, Reset};
    for kind in [Dns, Connect, Refused, Reset, Closed, Protocol, Other] {
        let error = transport(kind, Sent::Maybe);
        assert_idempotent_only(&format!("{kind:?}"), |method| by_error(method, &error));
    }
    for kind in [TimeoutKind::Progress, TimeoutKind::Attempt] {
        let error = timeout(kind);
        assert_idempotent_only(&format!("{kind:?}"), |method| by_error(method, &error));
    }
}

#[test]
fn what_will_not_heal_is_never_retried() {
    for sent in [Sent::No, Sent::Maybe] {
        let error = transport(TransportErrorKind::Tls, sent);
        assert_never("TLS", |method| by_error(method, &error));
    }
    for error in [
        timeout(TimeoutKind::Total),
        BuildError::new("URL", "is bad: mend it").into(),
        AuthError::new(AuthErrorKind::Unavailable, "no token").into(),
        AuthError::new(AuthErrorKind::Rejected, "no token").into(),
        DecodeError::new("gzip", "a bad header").into(),
        LimitError::new("max_connections", "is reached").with_retry_in(SECOND).into(),
        BodyError::new("the stream failed").into(),
        Error::circuit_open(SECOND),
        Error::Closed,
        Error::custom("the tenant is suspended"),
    ] {
        assert_never(error.kind(), |method| by_error(method, &error));
    }
}

#[test]
fn a_redirect_that_must_not_be_followed_is_never_retried() {
    // Only the client makes these errors.
    let transport = |_: Request| async {
        let moved = http::Response::builder().status(302).header("location", "/");
        Ok(moved.body(midil_http_core::Body::empty()).unwrap())
    };
    let client = midil_http_core::HttpClient::builder(transport).build().unwrap();
    let looping = futures_util::future::FutureExt::now_or_never(
        client.get("https://api.example.com/").send(),
    );
    let error = looping.unwrap().unwrap_err();
    assert_eq!(error.kind(), "Redirect");
    assert_never("Redirect", |method| by_error(method, &error));
}

#[test]
fn what_a_retrying_transport_gave_up_on_is_not_retried_again() {
    let last = midil_http_core::LastOutcome::Error(transport(TransportErrorKind::Dns, Sent::No));
    let reason = midil_http_core::GiveUpReason::Attempts;
    let error = error(midil_http_core::RetryExhausted::new(3, SECOND, reason, last));
    assert_never("RetryExhausted", |method| by_error(method, &error));
}

#[test]
fn too_many_requests_is_retried_for_any_method() {
    assert_any_method("429", |method| by_status(method, 429));
}

#[test]
fn a_server_in_trouble_is_asked_again_when_that_does_no_harm() {
    for status in [408, 425, 500, 502, 503, 504, 506, 507, 508, 511, 520, 529, 598, 599] {
        assert_idempotent_only(&status.to_string(), |method| by_status(method, status));
    }
}

#[test]
fn every_other_status_is_returned_as_it_came() {
    for status in (200..408).chain(409..425).chain(426..429).chain(430..500).chain([501, 505]) {
        assert_never(&status.to_string(), |method| by_status(method, status));
    }
    assert_never("600", |method| by_status(method, 600));
}

#[test]
fn a_key_or_the_callers_word_makes_a_request_idempotent() {
    let strategy = DefaultRetryStrategy::default();
    let busy = response(503, &[]);
    let decide = |head: &RequestHead| {
        is_retried(&strategy.decide(&Attempt::new(head, Outcome::Response(&busy))))
    };
    let mut post = request(Method::POST);
    assert!(!decide(&post));
    post.headers.insert("idempotency-key", "42".parse().unwrap());
    assert!(decide(&post));

    let mut settings = midil_http_core::CallSettings::default();
    settings.idempotent = Some(true);
    let mut post = request(Method::POST);
    post.extensions.insert(settings);
    assert!(decide(&post));
}

#[test]
fn a_status_that_a_middleware_made_an_error_is_judged_as_a_status() {
    let status = |code: u16| {
        let code = StatusCode::from_u16(code).unwrap();
        error(StatusError::new(code, http::HeaderMap::new(), ""))
    };
    let (busy, limited, missing) = (status(503), status(429), status(404));
    assert_idempotent_only("503", |method| by_error(method, &busy));
    assert_any_method("429", |method| by_error(method, &limited));
    assert_never("404", |method| by_error(method, &missing));
    // Whoever asks the table itself is told the same.
    assert!(is_transient(&busy) && is_transient(&limited) && !is_transient(&missing));
}
