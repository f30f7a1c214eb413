//! Ids that are made once per call: of requests, and of what a server must do once.

use std::time::Duration;

use futures_util::FutureExt;
use http::{HeaderName, Method};
use midil_http::{
    Attempt, CallId, Error, HttpClientBuilder, IdempotencyKeys, Outcome, RequestId, RetryDecision,
};
use midil_http_test::{MockTransport, Reply};

use crate::support::{Tokens, build_error, over, up_to};

const ID: &str = "x-request-id";
const KEY: &str = "idempotency-key";

/// What each request that was sent had in `header`.
fn sent(mock: &MockTransport, header: &str) -> Vec<Option<String>> {
    mock.requests().iter().map(|request| request.header(header).map(str::to_owned)).collect()
}

/// Sends a POST on all the ways there are: a 503 that is retried, a redirect, a 401 that is replayed.
fn all_the_ways(builder: impl FnOnce(HttpClientBuilder) -> HttpClientBuilder) -> MockTransport {
    let mock = MockTransport::sequence([
        Reply::status(503),
        Reply::status(307).header("location", "/v1/b"),
        Reply::status(401),
        Reply::ok(),
    ]);
    let client = over(mock.clone()).auth(Tokens::default()).retry(up_to(3));
    let client = builder(client).build().unwrap();
    let response = client.post("/a").body("hello").send().now_or_never().unwrap().unwrap();
    assert_eq!((response.status().as_u16(), mock.request_count()), (200, 4));
    mock
}

/// The one value that all of them have.
#[track_caller]
fn the_one(values: &[Option<String>]) -> String {
    let first = values[0].clone().expect("it has one");
    assert!(values.iter().all(|value| value.as_ref() == Some(&first)), "{values:?}");
    first
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && text.chars().all(|digit| digit == '-' || digit.is_ascii_hexdigit())
        && parts[2].starts_with('4')
}

#[test]
fn an_id_is_the_same_on_all_ways_of_a_call_and_another_for_each_call() {
    let ids = || RequestId::new();
    let first = the_one(&sent(&all_the_ways(|client| client.middleware(ids())), ID));
    let second = the_one(&sent(&all_the_ways(|client| client.middleware(ids())), ID));
    assert!(is_uuid(&first) && is_uuid(&second), "{first} {second}");
    assert_ne!(first, second);
}

#[test]
fn a_seed_makes_ids_and_keys_repeatable() {
    let once = || {
        let mock = MockTransport::always(Reply::ok());
        let client = over(mock.clone()).seed(7).middleware(RequestId::new());
        let client = client.middleware(IdempotencyKeys::new()).build().unwrap();
        for _ in 0..2 {
            client.post("/a").send().now_or_never().unwrap().unwrap();
        }
        [sent(&mock, ID), sent(&mock, KEY)].concat()
    };
    let ids = once();
    assert_eq!(ids, once());
    let mut different = ids.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), 4, "{ids:?}");
}

#[test]
fn the_caller_s_own_id_wins_and_the_response_tells_either() {
    let mock = MockTransport::always(Reply::ok());
    let client = over(mock.clone()).middleware(RequestId::new()).build().unwrap();
    let own = client.get("/a").header(ID, "served-7").send().now_or_never().unwrap().unwrap();
    let made = client.get("/a").send().now_or_never().unwrap().unwrap();
    let id = |response: &midil_http::Response| {
        response.extensions().get::<CallId>().map(ToString::to_string)
    };
    assert_eq!(id(&own).as_deref(), Some("served-7"));
    assert_eq!([id(&own), id(&made)].to_vec(), sent(&mock, ID));
}

#[test]
fn header_and_generator_can_be_chosen() {
    let mock = MockTransport::always(Reply::ok());
    let ids = RequestId::new()
        .header(HeaderName::from_static("x-correlation-id"))
        .generator(|| "reports-1".to_owned());
    let client = over(mock.clone()).middleware(ids).build().unwrap();
    client.get("/a").send().now_or_never().unwrap().unwrap();
    assert_eq!(mock.requests()[0].header("x-correlation-id"), Some("reports-1"));
    assert_eq!(mock.requests()[0].header(ID), None);
}

#[test]
fn an_id_that_cannot_stand_in_a_header_is_an_error_before_anything_is_sent() {
    let mock = MockTransport::always(Reply::ok());
    let bad = || "a\r\nx-admin: 1".to_owned();
    let client = over(mock.clone()).middleware(RequestId::new().generator(bad)).build().unwrap();
    let error = build_error(client.get("/a").send().now_or_never().unwrap());
    assert!(error.starts_with("the request id cannot stand in a header"), "{error}");
    let keys = IdempotencyKeys::new().generator(bad);
    let client = over(mock.clone()).middleware(keys).build().unwrap();
    let error = build_error(client.post("/a").send().now_or_never().unwrap());
    assert!(error.starts_with("the idempotency key cannot stand in a header"), "{error}");
    assert_eq!(mock.request_count(), 0);
}

#[test]
fn a_key_is_the_same_on_all_ways_of_a_call() {
    let key =
        the_one(&sent(&all_the_ways(|client| client.middleware(IdempotencyKeys::new())), KEY));
    assert!(is_uuid(&key), "{key}");
}

/// Retries what is idempotent alone.
fn careful(attempt: &Attempt<'_>) -> RetryDecision {
    match attempt.outcome {
        Outcome::Response(head) if head.status == 503 && attempt.idempotent => {
            RetryDecision::Retry { after: Duration::ZERO }
        }
        _ => RetryDecision::Accept,
    }
}

#[test]
fn a_call_with_a_key_is_retried_as_what_is_idempotent() {
    let other = HeaderName::from_static("x-idempotency-key");
    for keys in [IdempotencyKeys::new(), IdempotencyKeys::new().header(other)] {
        for (idempotent, requests) in [(None, 2), (Some(false), 1)] {
            let mock = MockTransport::new();
            mock.reply(Reply::status(503)).reply_always(Reply::ok());
            let client = over(mock.clone()).retry(careful).middleware(keys.clone());
            let client = client.build().unwrap();
            let call = client.post("/a");
            let call = match idempotent {
                Some(idempotent) => call.idempotent(idempotent),
                None => call,
            };
            call.send().now_or_never().unwrap().unwrap();
            assert_eq!(mock.request_count(), requests, "{keys:?} {idempotent:?}");
        }
    }
}

#[test]
fn only_the_methods_that_need_a_key_get_one() {
    let mock = MockTransport::always(Reply::ok());
    let given = |keys: IdempotencyKeys| {
        let client = over(mock.clone()).middleware(keys).build().unwrap();
        let methods = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
        let has_key = |method: &Method| {
            client.request(method.clone(), "/a").send().now_or_never().unwrap().unwrap();
            mock.requests().last().unwrap().header(KEY).is_some()
        };
        methods.into_iter().filter(has_key).collect::<Vec<_>>()
    };
    assert_eq!(given(IdempotencyKeys::new()), [Method::POST, Method::PATCH]);
    assert_eq!(given(IdempotencyKeys::new().methods([Method::DELETE])), [Method::DELETE]);
}

#[test]
fn the_caller_s_own_key_wins_and_quotes_are_for_those_that_are_made() {
    let mock = MockTransport::always(Reply::ok());
    let keys = IdempotencyKeys::new().quoted().generator(|| r#"a"b\c"#.to_owned());
    let client = over(mock.clone()).middleware(keys).build().unwrap();
    client.post("/a").send().now_or_never().unwrap().unwrap();
    client.post("/a").idempotency_key("order-17").send().now_or_never().unwrap().unwrap();
    let expected = [Some(r#""a\"b\\c""#.to_owned()), Some("order-17".to_owned())];
    assert_eq!(sent(&mock, KEY), expected);
}

#[cfg(feature = "retry")]
#[test]
fn a_hedge_has_the_key_and_the_id_of_its_call() {
    use midil_http::Hedge;
    use midil_http_test::ManualRuntime;

    let runtime = ManualRuntime::new();
    let mock = MockTransport::sequence([Reply::pending(), Reply::ok()]);
    let hedge = Hedge::builder().delay(Duration::from_millis(50)).build().unwrap();
    let client = over(mock.clone())
        .runtime(runtime.clone())
        .middleware(RequestId::new())
        .middleware(IdempotencyKeys::new())
        .attempt_middleware(hedge)
        .build()
        .unwrap();
    let response: Result<_, Error> = runtime.block_on(client.post("/a").body("1").send());
    assert_eq!((response.unwrap().status().as_u16(), mock.request_count()), (200, 2));
    the_one(&sent(&mock, KEY));
    the_one(&sent(&mock, ID));
}
