//! Validation: responses that become errors of the caller's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, stream};
use http::StatusCode;
use http::response::Parts;
use midil_http::{
    Attempt, Body, Error, GiveUpReason, HttpClient, MiddlewareTransport, Outcome, Request,
    RetryDecision, StatusError, Validation,
};
use midil_http_test::{ManualRuntime, MockTransport, Reply};

use crate::support::{over, up_to};

/// As the Python module has it.
#[derive(Debug, PartialEq, Eq)]
struct RateLimitError {
    retry_after: Option<String>,
}

impl std::fmt::Display for RateLimitError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("too many requests")
    }
}

impl std::error::Error for RateLimitError {}

fn rate_limit(head: &Parts) -> Result<(), RateLimitError> {
    if head.status != StatusCode::TOO_MANY_REQUESTS {
        return Ok(());
    }
    let retry_after = head.headers.get("retry-after").and_then(|value| value.to_str().ok());
    Err(RateLimitError { retry_after: retry_after.map(str::to_owned) })
}

fn busy() -> Reply {
    Reply::status(429).header("retry-after", "7").body("slow down")
}

/// Gives up on a 429 after two attempts.
fn give_up(attempt: &Attempt<'_>) -> RetryDecision {
    match attempt.outcome {
        Outcome::Response(head) if head.status.is_success() => RetryDecision::Accept,
        _ if attempt.number < 2 => RetryDecision::Retry { after: Duration::ZERO },
        _ => RetryDecision::GiveUp { reason: GiveUpReason::Attempts },
    }
}

fn send(client: &HttpClient) -> Result<midil_http::Response, Error> {
    client.get("/a").send().now_or_never().unwrap()
}

#[test]
fn a_429_becomes_the_caller_s_own_error_which_can_be_had_back() {
    let client = over(MockTransport::always(busy())).validate(rate_limit).build().unwrap();
    let error = send(&client).unwrap_err();
    assert!(matches!(error, Error::Custom(_)));
    let expected = RateLimitError { retry_after: Some("7".into()) };
    assert_eq!(error.downcast_ref::<RateLimitError>(), Some(&expected));
    assert!(error.downcast_ref::<std::io::Error>().is_none());
    let error = error.downcast::<std::io::Error>().unwrap_err();
    assert_eq!(error.downcast::<RateLimitError>().unwrap(), expected);
}

#[test]
fn what_is_not_refused_comes_as_it_is() {
    let client = over(MockTransport::always(Reply::status(404).body("no")));
    let client = client.validate(rate_limit).build().unwrap();
    let response = send(&client).unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(response.text().now_or_never().unwrap().unwrap(), "no");
}

#[test]
fn retries_come_first_and_where_they_were_in_vain_the_last_response_is_judged() {
    let mock = MockTransport::always(busy());
    let client = over(mock.clone()).retry(give_up).validate(rate_limit).build().unwrap();
    let error = send(&client).unwrap_err();
    assert!(error.downcast_ref::<RateLimitError>().is_some(), "{error:?}");
    assert_eq!(mock.request_count(), 2);

    let mock = MockTransport::sequence([busy(), Reply::ok()]);
    let client = over(mock.clone()).retry(give_up).validate(rate_limit).build().unwrap();
    assert_eq!(send(&client).unwrap().status(), 200);
}

#[test]
fn a_retry_that_gave_up_for_another_reason_stays_what_it_was() {
    for reply in [Reply::status(503).body("down"), Reply::error(|| Error::custom("broken"))] {
        let client = over(MockTransport::always(reply)).retry(give_up);
        let client = client.validate(rate_limit).build().unwrap();
        let Err(Error::RetryExhausted(exhausted)) = send(&client) else { panic!("no error") };
        assert_eq!(exhausted.attempts(), 2);
        if let Some(response) = exhausted.into_response() {
            let body = response.into_body().collect(100).now_or_never().unwrap().unwrap();
            assert_eq!(body, "down");
        }
    }
}

#[cfg(feature = "retry")]
#[test]
fn a_transport_that_retries_below_is_seen_through() {
    let transport = midil_http::RetryTransport::new(MockTransport::always(busy()), give_up);
    for strategy in [false, true] {
        let client = over(transport.clone()).validate(rate_limit);
        let client = if strategy { client.retry(give_up) } else { client };
        let error = send(&client.build().unwrap()).unwrap_err();
        assert!(error.downcast_ref::<RateLimitError>().is_some(), "{error:?}");
    }
}

#[test]
fn a_call_may_have_a_validation_of_its_own_after_the_client_s_and_before_raise_for_status() {
    let client = over(MockTransport::always(busy())).build().unwrap();
    let own = client.get("/a").raise_for_status().validate(rate_limit);
    let error = own.send().now_or_never().unwrap().unwrap_err();
    assert!(error.downcast_ref::<RateLimitError>().is_some(), "{error:?}");

    // Whoever takes the long way does not lose it.
    let built = client.get("/a").validate(rate_limit).build().unwrap();
    let error = client.execute(built).now_or_never().unwrap().unwrap_err();
    assert!(error.downcast_ref::<RateLimitError>().is_some(), "{error:?}");

    let client = over(MockTransport::always(busy())).validate(rate_limit).build().unwrap();
    let second = client.get("/a").validate(|_| Err::<(), _>("too late"));
    let error = second.send().now_or_never().unwrap().unwrap_err();
    assert!(error.downcast_ref::<RateLimitError>().is_some(), "{error:?}");
}

#[test]
fn several_are_asked_in_their_order_until_one_refuses() {
    let client = over(MockTransport::always(Reply::ok())).build().unwrap();
    let call = client
        .get("/a")
        .validate(|_| Ok::<_, Error>(()))
        .validate(|_| Err::<(), _>("second"))
        .validate(|_| Err::<(), _>("third"));
    assert_eq!(call.send().now_or_never().unwrap().unwrap_err().to_string(), "second");
}

#[test]
fn an_error_of_ours_stays_itself() {
    let refuse = |head: &Parts| -> Result<(), Error> {
        Err(StatusError::new(head.status, head.headers.clone(), Vec::new()).into())
    };
    let client = over(MockTransport::always(Reply::status(404))).validate(refuse).build().unwrap();
    let error = send(&client).unwrap_err();
    assert!(matches!(error, Error::Status(_)), "{error:?}");
    assert_eq!(error.status(), Some(StatusCode::NOT_FOUND));
}

/// A server that says 200 when it is busy.
#[derive(Debug)]
struct Busy;

impl std::fmt::Display for Busy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the server is busy, and says 200")
    }
}

impl std::error::Error for Busy {}

fn not_busy(limit: usize) -> Validation {
    let judge = |_: &Parts, body: &[u8]| {
        if body.starts_with(b"{\"busy\"") { Err(Busy) } else { Ok(()) }
    };
    Validation::of_body(limit, |head| !head.headers.contains_key("x-events"), judge)
}

/// Counts its pieces as they are asked for, and breaks off after the last if `broken`.
fn pieces(pieces: &[&'static str], broken: bool, asked: &Arc<AtomicUsize>) -> Body {
    let asked = Arc::clone(asked);
    let end = broken.then(|| Err(std::io::Error::other("broken off")));
    let all: Vec<_> = pieces.iter().map(|piece| Ok(*piece)).chain(end).collect();
    Body::stream(stream::iter(all.into_iter().inspect(move |_| {
        asked.fetch_add(1, Ordering::Relaxed);
    })))
}

#[test]
fn an_attempt_that_is_refused_by_its_body_can_be_retried() {
    let again = |attempt: &Attempt<'_>| match attempt.outcome {
        Outcome::Error(error) if error.downcast_ref::<Busy>().is_some() && attempt.number < 3 => {
            RetryDecision::Retry { after: Duration::ZERO }
        }
        Outcome::Error(_) => RetryDecision::GiveUp { reason: GiveUpReason::Attempts },
        Outcome::Response(_) => RetryDecision::Accept,
    };
    let says_busy = || Reply::ok().body("{\"busy\":true}");
    let mock = MockTransport::sequence([says_busy(), Reply::ok().body("{\"id\":7}")]);
    let client = over(mock.clone()).attempt_middleware(not_busy(64)).retry(again).build().unwrap();
    let response = send(&client).unwrap();
    assert_eq!((response.attempts(), mock.request_count()), (2, 2));
    assert_eq!(response.text().now_or_never().unwrap().unwrap(), "{\"id\":7}");

    let mock = MockTransport::always(says_busy());
    let client = over(mock.clone()).attempt_middleware(not_busy(64)).retry(again).build().unwrap();
    let error = send(&client).unwrap_err();
    assert!(matches!(error, Error::RetryExhausted(_)), "{error:?}");
    assert!(error.downcast_ref::<Busy>().is_some());
    assert!(error.downcast::<Busy>().is_ok());
}

#[test]
fn a_body_is_looked_at_up_to_the_limit_and_read_whole_later() {
    for (limit, looked_at) in [(0, 0), (1, 1), (5, 1), (6, 2), (12, 3), (1000, 3)] {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let transport = move |_: Request| {
            let body = pieces(&["hello", ", ", "world"], false, &counted);
            async move { Ok(http::Response::new(body)) }
        };
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let note = Arc::clone(&seen);
        let judge = move |_: &Parts, body: &[u8]| {
            note.lock().unwrap().extend_from_slice(body);
            Ok::<_, Error>(())
        };
        let validation = Validation::of_body(limit, |_| true, judge);
        let client = over(transport).middleware(validation).build().unwrap();
        let response = send(&client).unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), looked_at, "{limit}");
        let start = &"hello, world"[..limit.min(12)];
        assert_eq!(*seen.lock().unwrap(), start.as_bytes(), "{limit}");
        assert_eq!(response.text().now_or_never().unwrap().unwrap(), "hello, world", "{limit}");
    }
}

#[test]
fn a_body_that_breaks_off_while_it_is_looked_at_breaks_off_for_its_reader() {
    let transport = |_: Request| async {
        Ok(http::Response::new(pieces(&["hel", "lo"], true, &Arc::default())))
    };
    let client = over(transport).middleware(not_busy(100)).build().unwrap();
    let mut response = send(&client).unwrap();
    let mut read = Vec::new();
    let outcome = response.read_to_end(&mut read).now_or_never().unwrap();
    assert_eq!(read, b"hello");
    assert!(outcome.is_err());
}

/// Whoever streams events does not wait for 100 bytes of them.
#[test]
fn a_body_that_is_not_wanted_is_not_waited_for() {
    let transport = |_: Request| async {
        let body = Body::stream(stream::pending::<Result<Bytes, std::io::Error>>());
        Ok(http::Response::builder().header("x-events", "1").body(body).unwrap())
    };
    let client = over(transport).middleware(not_busy(100)).build().unwrap();
    assert!(client.get("/a").send().now_or_never().is_some());
}

#[test]
fn a_stall_while_the_body_is_looked_at_is_a_timeout_of_its_reader() {
    let runtime = ManualRuntime::new();
    let transport = |_: Request| async {
        Ok(http::Response::new(Body::stream(stream::pending::<Result<Bytes, std::io::Error>>())))
    };
    let client = over(transport).runtime(runtime.clone()).middleware(not_busy(100));
    let client = client.timeout(Duration::from_secs(5)).build().unwrap();
    let body = runtime.block_on(async { client.get("/a").send().await?.bytes().await });
    assert!(matches!(body, Err(Error::Timeout(_))), "{body:?}");
    assert_eq!(runtime.elapsed(), Duration::from_secs(5));
}

#[test]
fn a_refused_response_is_drained_for_its_connection() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let transport = move |_: Request| {
        let body = pieces(&["slow", " down"], false, &counted);
        async move { Ok(http::Response::builder().status(429).body(body).unwrap()) }
    };
    let client = over(transport).validate(rate_limit).build().unwrap();
    assert!(send(&client).is_err());
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[test]
fn a_validation_wraps_a_transport_too() {
    let mock = MockTransport::always(busy());
    let transport = MiddlewareTransport::new(mock, Validation::new(rate_limit));
    let client = over(transport).retry(up_to(1)).build().unwrap();
    assert!(send(&client).unwrap_err().downcast_ref::<RateLimitError>().is_some());
}

#[test]
fn what_a_validation_of_the_call_accepts_is_the_response_as_it_came() {
    let mock = MockTransport::sequence([busy(), Reply::ok().body("{\"id\":7}")]);
    let client = over(mock).middleware(not_busy(64)).retry(give_up).build().unwrap();
    let call = client.get("/a").validate(rate_limit).validate(|_| Ok::<_, Error>(()));
    let response = call.send().now_or_never().unwrap().unwrap();
    assert_eq!((response.status(), response.attempts()), (StatusCode::OK, 2));
    assert_eq!(response.url().as_str(), "https://api.test/v1/a");
    assert_eq!(response.text().now_or_never().unwrap().unwrap(), "{\"id\":7}");
}

/// The last response of retries that were given up is in memory: nothing waits for it, and nothing of it is lost.
#[test]
fn the_body_of_the_last_response_is_looked_at_too() {
    let limits = [(3, false), (7, true), (64, true)];
    for (limit, is_refused) in limits {
        let mock = MockTransport::always(Reply::status(429).body("{\"busy\":true}"));
        let client = over(mock).middleware(not_busy(limit)).retry(give_up).build().unwrap();
        let error = send(&client).unwrap_err();
        assert_eq!(error.downcast_ref::<Busy>().is_some(), is_refused, "{limit}: {error:?}");
        if let Error::RetryExhausted(exhausted) = error {
            let body = exhausted.into_response().unwrap().into_body();
            let body = body.collect(100).now_or_never().unwrap().unwrap();
            assert_eq!(body, "{\"busy\":true}");
        }
    }
}
