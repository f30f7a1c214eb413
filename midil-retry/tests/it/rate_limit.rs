//! The rate limit at work: in a client, around a transport, and what it costs.

use futures_util::FutureExt;
use futures_util::future::join_all;
use midil_http_core::{HttpClient, HttpClientBuilder, Middleware, Next, Runtime, middleware_fn};
use midil_http_test::{ManualRuntime, MockTransport, Reply};
use midil_retry::{RateLimit, RateLimitTransport};

use super::*;

const ORIGIN: &str = "https://api.example.com";

fn client(
    transport: &MockTransport,
    runtime: &ManualRuntime,
    limit: &RateLimit,
) -> HttpClientBuilder {
    HttpClient::builder(transport.clone())
        .base_url(ORIGIN)
        .runtime(runtime.clone())
        .attempt_middleware(limit.clone())
}

/// When calls of one moment came to something, in milliseconds, and how long those that were refused would have waited.
fn calls(client: &HttpClient, runtime: &ManualRuntime, count: usize) -> Vec<Result<u128, u128>> {
    runtime.block_on(join_all((0..count).map(|_| async {
        match client.get("/").send().await {
            Ok(_) => Ok(runtime.elapsed().as_millis()),
            Err(Error::Limit(error)) => {
                assert_eq!((runtime.elapsed(), error.sent()), (Duration::ZERO, Sent::No));
                Err(error.retry_in().expect("it is known").as_millis())
            }
            Err(other) => panic!("{other:?}"),
        }
    })))
}

#[test]
fn calls_go_at_even_distances_after_the_burst() {
    let runtime = ManualRuntime::new();
    let limit = RateLimit::builder(10, SECOND).burst(3).build().unwrap();
    let mock = MockTransport::always(Reply::ok());
    let client = client(&mock, &runtime, &limit).build().unwrap();
    assert_eq!(calls(&client, &runtime, 6), [0, 0, 0, 100, 200, 300].map(Ok));
    runtime.advance(SECOND);
    assert_eq!(limit.state(ORIGIN, runtime.now()).available, 3);
}

#[test]
fn who_would_wait_too_long_is_refused_at_once_and_told_how_long() {
    let runtime = ManualRuntime::new();
    let limit = RateLimit::builder(10, SECOND).burst(1);
    let limit = limit.max_wait(SECOND / 5).build().unwrap();
    let mock = MockTransport::always(Reply::ok());
    let client = client(&mock, &runtime, &limit).build().unwrap();
    assert_eq!(calls(&client, &runtime, 5), [Ok(0), Ok(100), Ok(200), Err(300), Err(300)]);
    assert_eq!(mock.request_count(), 3);
    let refuse = RateLimit::builder(1, SECOND).max_wait(Duration::ZERO).build().unwrap();
    let client = self::client(&mock, &runtime, &refuse).build().unwrap();
    assert!(client.get("/").send().now_or_never().unwrap().is_ok());
    let error = client.get("/").send().now_or_never().unwrap().unwrap_err();
    let expected = "max_wait: the rate is used up for 1s, longer than 0ns: send fewer, or raise the rate or max_wait";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn who_would_wait_beyond_the_total_timeout_is_refused_at_once() {
    let runtime = ManualRuntime::new();
    let limit = RateLimit::builder(10, SECOND).burst(1).build().unwrap();
    let mock = MockTransport::always(Reply::ok());
    let client = client(&mock, &runtime, &limit).total_timeout(SECOND / 5).build().unwrap();
    assert_eq!(calls(&client, &runtime, 4), [Ok(0), Ok(100), Err(200), Err(200)]);
}

/// A deadline that the request brings with it (through tower, say) gets past the middleware of the whole call.
#[test]
fn who_would_wait_beyond_the_deadline_of_the_request_is_refused_at_once() {
    for middleware in [false, true] {
        let runtime = ManualRuntime::new();
        let limit = RateLimit::builder(10, SECOND).burst(1).build().unwrap();
        let mock = MockTransport::always(Reply::ok());
        let builder = client(&mock, &runtime, &limit);
        let pass = middleware_fn(|request, next| Box::pin(next.run(request)));
        let client = if middleware { builder.middleware(pass) } else { builder };
        let client = client.build().unwrap();
        let mut request = get();
        request.head_mut().deadline = Some(runtime.now() + SECOND / 20);
        client.get("/").send().now_or_never().unwrap().unwrap();
        let outcome = client.execute(request).now_or_never().expect("it waits in vain");
        assert_eq!(outcome.unwrap_err().kind(), "Limit", "with middleware: {middleware}");
    }
}

#[test]
fn who_loses_interest_uses_up_nothing() {
    let runtime = ManualRuntime::new();
    let limit = RateLimit::builder(1, SECOND).build().unwrap();
    let mock = MockTransport::always(Reply::ok());
    let client = client(&mock, &runtime, &limit).build().unwrap();
    assert!(client.get("/").send().now_or_never().unwrap().is_ok());
    for _ in 0..100 {
        assert!(client.get("/").send().now_or_never().is_none());
    }
    assert_eq!(limit.state(ORIGIN, runtime.now()).waiting, 0);
    runtime.block_on(client.get("/").send()).unwrap();
    assert_eq!(runtime.elapsed(), SECOND);
}

#[test]
fn who_comes_later_does_not_overtake_who_has_yet_to_notice_that_it_is_its_turn() {
    let runtime = ManualRuntime::new();
    let limit = RateLimit::builder(1, SECOND).build().unwrap();
    let mock = MockTransport::always(Reply::ok());
    let client = client(&mock, &runtime, &limit).build().unwrap();
    assert!(client.get("/").send().now_or_never().unwrap().is_ok());
    let mut first = Box::pin(client.get("/").send());
    assert!(first.as_mut().now_or_never().is_none());
    runtime.advance(SECOND);
    assert!(client.get("/").send().now_or_never().is_none(), "it overtook");
    assert!(first.now_or_never().unwrap().is_ok());
}

#[test]
fn who_waits_and_is_never_polled_again_holds_nobody_up_for_ever() {
    let runtime = ManualRuntime::new();
    let limit = RateLimit::builder(1, SECOND).build().unwrap();
    let mock = MockTransport::always(Reply::ok());
    let client = client(&mock, &runtime, &limit).build().unwrap();
    assert!(client.get("/").send().now_or_never().unwrap().is_ok());
    let mut forgotten = Box::pin(client.get("/").send());
    assert!(forgotten.as_mut().now_or_never().is_none());
    let error = runtime.block_on(client.get("/").send()).unwrap_err();
    assert_eq!(error.kind(), "Limit", "{error}");
    assert_eq!(runtime.elapsed(), 13 * SECOND, "2 s, max_wait, and a second");
    drop(forgotten);
    runtime.block_on(client.get("/").send()).unwrap();
}

#[test]
fn retries_count_and_a_refusal_is_not_retried() {
    let runtime = ManualRuntime::new();
    let limit = RateLimit::builder(1, 5 * SECOND).build().unwrap();
    let mock = MockTransport::always(Reply::status(503));
    let client = client(&mock, &runtime, &limit).retry(three_attempts()).build().unwrap();
    assert!(runtime.block_on(client.get("/").send()).is_err());
    assert_eq!(runtime.elapsed(), 10 * SECOND, "three attempts, 5 s apart, and not 1 s");

    let none = RateLimit::builder(1, 5 * SECOND).max_wait(Duration::ZERO).build().unwrap();
    let client = self::client(&mock, &runtime, &none).retry(three_attempts()).build().unwrap();
    let error = runtime.block_on(client.get("/").send()).unwrap_err();
    assert_eq!(error.kind(), "Limit", "{error}");
}

/// Whoever watches a rate may do so by another clock, and before anybody called.
#[test]
fn to_look_at_a_rate_does_not_begin_its_time() {
    let runtime = ManualRuntime::new();
    let limit = RateLimit::builder(10, SECOND).burst(1).build().unwrap();
    let later = runtime.now() + 3_600 * SECOND;
    assert_eq!(limit.state(ORIGIN, later).available, 1);
    assert_eq!(limit.states(later).count(), 0);
    let mock = MockTransport::always(Reply::ok());
    let client = client(&mock, &runtime, &limit).build().unwrap();
    assert_eq!(calls(&client, &runtime, 3), [0, 100, 200].map(Ok));
}

#[test]
fn each_origin_has_a_rate_unless_told_otherwise() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::always(Reply::ok());
    let passes = |limit: &RateLimit, url: &str| {
        let transport = RateLimitTransport::new(mock.clone(), limit.clone());
        let transport = transport.with_runtime(runtime.clone());
        transport.send(Request::get(url).unwrap()).now_or_never().is_some_and(|sent| sent.is_ok())
    };
    let limit = RateLimit::new(1, SECOND);
    assert!(passes(&limit, "https://a.example/1") && !passes(&limit, "https://a.example/2"));
    assert!(passes(&limit, "https://b.example/"));
    let mut states: Vec<_> = limit
        .states(runtime.now())
        .map(|(key, state)| (key.to_string(), state.available))
        .collect();
    states.sort();
    assert_eq!(states, [("https://a.example".to_owned(), 0), ("https://b.example".to_owned(), 0)]);
    assert_eq!(limit.state("https://c.example", runtime.now()).available, 1);

    let one = RateLimit::builder(1, SECOND).key(|_| "all".into()).build().unwrap();
    assert!(passes(&one, "https://a.example/") && !passes(&one, "https://b.example/"));
}

#[test]
fn memory_is_bounded_by_the_keys_of_late() {
    let runtime = ManualRuntime::new();
    let limit = RateLimit::builder(1, SECOND).key(|head| head.url.path().into()).build().unwrap();
    let client = client(&MockTransport::always(Reply::ok()), &runtime, &limit).build().unwrap();
    for number in 0..5_000 {
        runtime.advance(SECOND / 10);
        client.get(format!("/{number}")).send().now_or_never().unwrap().unwrap();
    }
    let count = limit.states(runtime.now()).count();
    assert!(count <= 256, "{count}");
}

#[test]
fn what_cannot_be_is_refused_with_a_remedy_and_extremes_are_no_harm() {
    for (builder, expected) in [
        (RateLimit::builder(0, SECOND), "calls is 0: give at least 1"),
        (RateLimit::builder(1, Duration::ZERO), "per is 0ns: give a duration from 1 ns to 24 h"),
        (
            RateLimit::builder(1, Duration::MAX),
            "per is 18446744073709551615.999999999s: give a duration from 1 ns to 24 h",
        ),
        (RateLimit::builder(1, SECOND).burst(0), "burst is 0: give a number from 1 to 100000"),
    ] {
        assert_eq!(builder.build().unwrap_err().to_string(), expected);
    }
    let day = Duration::from_secs(24 * 3600);
    for limit in [
        RateLimit::new(0, Duration::ZERO),
        RateLimit::new(u32::MAX, Duration::MAX),
        RateLimit::builder(1, day).burst(100_000).max_wait(Duration::MAX).build().unwrap(),
        RateLimit::builder(u32::MAX, Duration::from_nanos(1)).build().unwrap(),
    ] {
        let runtime = ManualRuntime::new();
        let mock = MockTransport::always(Reply::ok());
        let client = client(&mock, &runtime, &limit).build().unwrap();
        for _ in 0..3 {
            drop(client.get("/").send().now_or_never());
            runtime.advance(Duration::from_secs(100 * 365 * 24 * 3600));
        }
        assert!(limit.state(ORIGIN, runtime.now()).available >= 1);
    }
}

#[test]
fn a_call_that_need_not_wait_costs_one_allocation() {
    let healthy = |_: Request| std::future::ready(response(200, &[]));
    let limit = RateLimit::new(1_000, SECOND);
    let next = Next::new(&healthy);
    assert!(limit.handle(get(), next).now_or_never().unwrap().is_ok());
    let (bare, through) = (get(), get());
    let without = allocation_counter::measure(|| drop(next.run(bare).now_or_never()));
    let with = allocation_counter::measure(|| drop(limit.handle(through, next).now_or_never()));
    assert_eq!(with.count_total, without.count_total + 1, "{with:?} instead of {without:?}");
}
