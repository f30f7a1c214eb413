//! The scenarios of a call.

use std::time::Duration;

use futures_util::FutureExt;
use midil_http::{
    Body, CircuitBreaker, Error, Sent, StaticToken, TokenCache, TransportError, TransportErrorKind,
};
use midil_http_test::{ManualRuntime, MockTransport, Reply};
use opentelemetry_semantic_conventions::{attribute as attr, metric};

use super::recorded::Recorded;
use super::{ERROR, HTTP_11, OF_A_CALL, STATUS, client, get, retries, with_method};

const REQUEST: &str = metric::HTTP_CLIENT_REQUEST_DURATION;
const CALL: &str = "midil.client.call.duration";
const ATTEMPTS: &str = "midil.client.call.attempts";

fn after(milliseconds: u64, reply: Reply, runtime: &ManualRuntime) -> Reply {
    reply.delayed(Duration::from_millis(milliseconds), runtime.clone())
}

fn refused() -> Error {
    TransportError::new(TransportErrorKind::Connect, Sent::No, "connection refused").into()
}

#[test]
fn a_200() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let mock = MockTransport::always(after(250, Reply::ok().body("hello"), &runtime));
    let client = client(&mock, &recorded, &runtime).build().unwrap();
    runtime.block_on(async {
        let call = client.get("/users/7?token=hunter2").url_template("/users/{id}");
        let response = call.send().await.unwrap();
        response.text().await.unwrap();
    });
    assert_eq!(recorded.names(), OF_A_CALL);
    let template = (attr::URL_TEMPLATE, "/users/{id}");
    let ok = get([(STATUS, "200"), HTTP_11, template]);
    recorded.assert(REQUEST, &[(ok.clone(), 1, 0.25)]);
    recorded.assert(CALL, &[(ok.clone(), 1, 0.25)]);
    recorded.assert(ATTEMPTS, &[(ok, 1, 1.0)]);
    recorded.assert(metric::HTTP_CLIENT_ACTIVE_REQUESTS, &[(get([template]), 0, 0.0)]);
    recorded.assert("midil.client.active_calls", &[(get([template]), 0, 0.0)]);
}

#[test]
fn shapes_are_those_of_the_conventions() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let client = client(&MockTransport::always(Reply::ok()), &recorded, &runtime).build().unwrap();
    runtime.block_on(client.get("/").send()).unwrap();
    let buckets =
        vec![0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
    assert_eq!(recorded.shape(REQUEST), ("histogram", "s".to_owned(), buckets));
    let active = ("updowncounter", "{request}".to_owned(), Vec::new());
    assert_eq!(recorded.shape(metric::HTTP_CLIENT_ACTIVE_REQUESTS), active);
}

#[test]
fn a_404() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let mock = MockTransport::always(Reply::status(404));
    let client = client(&mock, &recorded, &runtime).retry(retries()).build().unwrap();
    runtime.block_on(client.get("/users/7").send()).unwrap();
    assert_eq!(recorded.names(), OF_A_CALL);
    let missing = get([(STATUS, "404"), (ERROR, "404"), HTTP_11]);
    recorded.assert(REQUEST, &[(missing.clone(), 1, 0.0)]);
    recorded.assert(CALL, &[(missing, 1, 0.0)]);
    recorded.assert_idle();
}

#[test]
fn a_503_that_is_retried() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let replies = [after(100, Reply::status(503), &runtime), after(200, Reply::ok(), &runtime)];
    let mock = MockTransport::sequence(replies);
    let client = client(&mock, &recorded, &runtime).retry(retries()).build().unwrap();
    runtime.block_on(client.get("/").send()).unwrap();
    let busy = get([(STATUS, "503"), (ERROR, "503"), HTTP_11]);
    let ok = get([(STATUS, "200"), HTTP_11]);
    recorded.assert(REQUEST, &[(busy.clone(), 1, 0.1), (ok.clone(), 1, 0.2)]);
    recorded.assert(CALL, &[(ok.clone(), 1, 1.3)]);
    recorded.assert(ATTEMPTS, &[(ok, 1, 2.0)]);
    recorded.assert("midil.client.retries", &[(busy, 0, 1.0)]);
    assert!(!recorded.names().contains(&"midil.client.give_ups".to_owned()));
    recorded.assert_idle();
}

#[test]
fn retries_that_are_exhausted() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let mock = MockTransport::always(Reply::status(429).body("busy"));
    let client = client(&mock, &recorded, &runtime).retry(retries()).build().unwrap();
    runtime.block_on(client.get("/").send()).unwrap_err();
    let busy = get([(STATUS, "429"), (ERROR, "429"), HTTP_11]);
    let exhausted = get([(STATUS, "429"), (ERROR, "RetryExhausted")]);
    recorded.assert(REQUEST, &[(busy.clone(), 3, 0.0)]);
    recorded.assert(CALL, &[(exhausted.clone(), 1, 2.0)]);
    recorded.assert(ATTEMPTS, &[(exhausted, 1, 3.0)]);
    recorded.assert("midil.client.retries", &[(busy, 0, 2.0)]);
    let why = get([("midil.give_up.reason", "attempts")]);
    recorded.assert("midil.client.give_ups", &[(why, 0, 1.0)]);
    recorded.assert_idle();
}

#[test]
fn a_total_timeout() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let mock = MockTransport::always(Reply::pending());
    let client = client(&mock, &recorded, &runtime).total_timeout(Duration::from_secs(5));
    runtime.block_on(client.build().unwrap().get("/").send()).unwrap_err();
    let late = get([(ERROR, "Timeout")]);
    recorded.assert(REQUEST, &[(late.clone(), 1, 5.0)]);
    recorded.assert(CALL, &[(late, 1, 5.0)]);
    recorded.assert_idle();
}

#[test]
fn a_connection_that_is_refused() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let mock = MockTransport::always(Reply::error(refused));
    let client = client(&mock, &recorded, &runtime).retry(retries()).build().unwrap();
    runtime.block_on(client.post("/").body("{}").send()).unwrap_err();
    let failed = with_method("POST", [(ERROR, "Transport")]);
    recorded.assert(REQUEST, &[(failed.clone(), 3, 0.0)]);
    recorded.assert("midil.client.retries", &[(failed, 0, 2.0)]);
    recorded.assert(CALL, &[(with_method("POST", [(ERROR, "RetryExhausted")]), 1, 2.0)]);
    recorded.assert_idle();
}

#[test]
fn a_401_that_is_healed_by_a_replay() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let mock = MockTransport::sequence([Reply::status(401), Reply::ok()]);
    let number = std::sync::atomic::AtomicU32::new(0);
    let source = move || {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move { Ok(midil_http::AuthNToken::new(format!("t{number}"))) }
    };
    let cache = TokenCache::builder(source).runtime(runtime.clone()).build().unwrap();
    let client = client(&mock, &recorded, &runtime).auth(cache).build().unwrap();
    runtime.block_on(client.get("/").send()).unwrap();
    let (rejected, ok) =
        (get([(STATUS, "401"), (ERROR, "401"), HTTP_11]), get([(STATUS, "200"), HTTP_11]));
    recorded.assert(REQUEST, &[(rejected, 1, 0.0), (ok.clone(), 1, 0.0)]);
    recorded.assert(CALL, &[(ok.clone(), 1, 0.0)]);
    recorded.assert(ATTEMPTS, &[(ok, 1, 1.0)]);
    let fetches = vec![("midil.token.name", "token")];
    recorded.assert("midil.auth.token.fetch.duration", &[(fetches, 2, 0.0)]);
    recorded.assert_idle();
}

#[test]
fn a_redirect_that_is_followed() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let moved = Reply::status(302).header("location", "https://other.test:8443/here");
    let mock = MockTransport::sequence([moved, Reply::ok()]);
    let client = client(&mock, &recorded, &runtime).allow_origin("https://other.test:8443");
    let client = client.auth(StaticToken::try_new("t0ken").unwrap()).build().unwrap();
    runtime.block_on(client.post("/").body("{}").send()).unwrap();
    let moved = with_method("POST", [(STATUS, "302"), HTTP_11]);
    let here = |more: &[(&'static str, &'static str)]| {
        let mut all = vec![
            (attr::HTTP_REQUEST_METHOD, "GET"),
            (attr::SERVER_ADDRESS, "other.test"),
            (attr::SERVER_PORT, "8443"),
            (attr::URL_SCHEME, "https"),
        ];
        all.extend_from_slice(more);
        all
    };
    recorded.assert(REQUEST, &[(moved, 1, 0.0), (here(&[(STATUS, "200"), HTTP_11]), 1, 0.0)]);
    // The call is about what its caller asked for.
    recorded.assert(CALL, &[(with_method("POST", [(STATUS, "200"), HTTP_11]), 1, 0.0)]);
    let active = [(with_method("POST", []), 0, 0.0), (here(&[]), 0, 0.0)];
    recorded.assert(metric::HTTP_CLIENT_ACTIVE_REQUESTS, &active);
}

#[test]
fn a_503_to_a_post_that_is_not_retried() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let mock = MockTransport::always(Reply::status(503));
    let client = client(&mock, &recorded, &runtime).retry(retries()).build().unwrap();
    runtime.block_on(client.post("/").body("{}").send()).unwrap();
    assert_eq!(recorded.names(), OF_A_CALL);
    let busy = with_method("POST", [(STATUS, "503"), (ERROR, "503"), HTTP_11]);
    recorded.assert(REQUEST, &[(busy.clone(), 1, 0.0)]);
    recorded.assert(CALL, &[(busy, 1, 0.0)]);
}

#[test]
fn a_breaker_that_is_open() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let breaker = CircuitBreaker::new(1, Duration::from_secs(60));
    let mock = MockTransport::always(Reply::status(500));
    let client = client(&mock, &recorded, &runtime).attempt_middleware(breaker).build().unwrap();
    runtime.block_on(client.get("/").send()).unwrap();
    runtime.block_on(client.get("/").send()).unwrap_err();
    // Nothing was sent for the second, so there is no request of it.
    let failed = get([(STATUS, "500"), (ERROR, "500"), HTTP_11]);
    recorded.assert(REQUEST, &[(failed.clone(), 1, 0.0)]);
    recorded.assert(CALL, &[(failed, 1, 0.0), (get([(ERROR, "CircuitOpen")]), 1, 0.0)]);
    recorded.assert_idle();
}

#[test]
fn a_call_that_is_cancelled() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let mock = MockTransport::always(Reply::pending());
    let client = client(&mock, &recorded, &runtime).build().unwrap();
    let mut call = Box::pin(client.get("/").send());
    assert!(call.as_mut().now_or_never().is_none());
    recorded.assert(metric::HTTP_CLIENT_ACTIVE_REQUESTS, &[(get([]), 0, 1.0)]);
    runtime.advance(Duration::from_secs(2));
    drop(call);
    let cancelled = get([(ERROR, "Cancelled")]);
    recorded.assert(REQUEST, &[(cancelled.clone(), 1, 2.0)]);
    recorded.assert(CALL, &[(cancelled, 1, 2.0)]);
    recorded.assert_idle();
}

#[test]
fn calls_of_a_client_that_is_closed() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let mock = MockTransport::always(Reply::pending());
    let client = client(&mock, &recorded, &runtime).build().unwrap();
    runtime.block_on(async {
        let closing = client.close_within(Duration::from_secs(2));
        futures_util::join!(client.get("/").send(), closing).0.unwrap_err();
        client.get("/").send().await.unwrap_err();
    });
    let closed = get([(ERROR, "Closed")]);
    recorded.assert(REQUEST, &[(closed.clone(), 1, 2.0)]);
    recorded.assert(CALL, &[(closed, 2, 2.0)]);
    recorded.assert_idle();
}

#[test]
fn a_body_that_breaks_off() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let mock = MockTransport::always(Reply::from_fn(|_| {
        let pieces = futures_util::stream::iter([Ok::<_, Error>("short")]);
        let response = http::Response::builder().header("content-length", 9);
        Ok(response.body(Body::stream(pieces)).unwrap())
    }));
    let client = client(&mock, &recorded, &runtime).build().unwrap();
    runtime.block_on(async {
        client.get("/").send().await.unwrap().text().await.unwrap_err();
    });
    let broken = get([(ERROR, "Transport")]);
    recorded.assert("midil.client.body.failures", &[(broken, 0, 1.0)]);
    recorded.assert(REQUEST, &[(get([(STATUS, "200"), HTTP_11]), 1, 0.0)]);
    recorded.assert_idle();
}

#[test]
fn a_method_that_somebody_made_up() {
    let (recorded, runtime) = (Recorded::new(), ManualRuntime::new());
    let mock = MockTransport::always(Reply::ok());
    let client = client(&mock, &recorded, &runtime).build().unwrap();
    for method in ["PURGE", "PURGE2", "get"] {
        let method = http::Method::from_bytes(method.as_bytes()).unwrap();
        runtime.block_on(client.request(method, "/").send()).unwrap();
    }
    let other = with_method("_OTHER", [(STATUS, "200"), HTTP_11]);
    recorded.assert(REQUEST, &[(other, 3, 0.0)]);
}
