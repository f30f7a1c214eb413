//! Who wins.

use midil_http_core::{AuthError, AuthNProvider, AuthNToken, async_trait};
use midil_retry::{CircuitBreaker, CircuitState};

use super::*;

#[test]
fn what_is_quick_is_sent_once() {
    let world = World::new().reply(Reply::ok(), 99);
    assert_eq!(world.seen(), (Some(200), 99, 1));
}

#[test]
fn what_is_slow_is_sent_once_more_and_the_first_to_answer_wins() {
    let world = World::new().reply(Reply::ok(), 5_000).reply(Reply::status(201), 50);
    assert_eq!(world.seen(), (Some(201), 150, 2), "the hedge");
    let world = World::new().reply(Reply::ok(), 150).reply(Reply::status(201), 5_000);
    assert_eq!(world.seen(), (Some(200), 150, 2), "the request itself");
}

#[test]
fn any_answer_that_is_not_worth_a_retry_wins() {
    for status in [200, 302, 404, 403, 501, 505] {
        let world = World::new().reply(Reply::ok(), 500).reply(Reply::status(status), 50);
        assert_eq!(world.seen(), (Some(status), 150, 2));
    }
}

#[test]
fn what_is_not_good_waits_for_the_other() {
    for status in [401, 408, 425, 429, 500, 503] {
        let world = World::new().reply(Reply::ok(), 500).reply(Reply::status(status), 50);
        assert_eq!(world.seen(), (Some(200), 500, 2), "{status} of the hedge");
        let world = World::new().reply(Reply::status(status), 150).reply(Reply::ok(), 400);
        assert_eq!(world.seen(), (Some(200), 500, 2), "{status} of the request");
    }
    let world = World::new().reply(Reply::error(reset), 150).reply(Reply::ok(), 400);
    assert_eq!(world.seen(), (Some(200), 500, 2));
    let world = World::new().reply(Reply::ok(), 500).reply(Reply::error(reset), 50);
    assert_eq!(world.seen(), (Some(200), 500, 2));
}

#[test]
fn when_none_is_good_it_is_the_first_response_or_else_the_first_error() {
    let busy = || Reply::status(503);
    let world = World::new().reply(busy(), 150).reply(Reply::status(502), 400);
    assert_eq!(world.seen(), (Some(503), 500, 2));
    let world = World::new().reply(Reply::status(502), 500).reply(busy(), 50);
    assert_eq!(world.seen(), (Some(503), 500, 2));
    let world = World::new().reply(Reply::error(reset), 150).reply(busy(), 400);
    assert_eq!(world.seen(), (Some(503), 500, 2));
    let world = World::new().reply(busy(), 150).reply(Reply::error(reset), 400);
    assert_eq!(world.seen(), (Some(503), 500, 2));
    let closed = Reply::error(|| Error::Closed);
    let world = World::new().reply(Reply::error(reset), 150).reply(closed, 400);
    let (outcome, at) = world.get(&hedge());
    assert_eq!((outcome.unwrap_err().kind(), at), ("Transport", 500));
}

#[test]
fn what_fails_before_its_hedge_is_for_a_retry_to_mend() {
    let world = World::new().reply(Reply::status(503), 50);
    assert_eq!(world.seen(), (Some(503), 50, 1));
    let world = World::new().reply(Reply::error(reset), 50);
    assert_eq!(world.seen(), (None, 50, 1));
}

#[test]
fn a_hedge_is_no_attempt() {
    let world = World::new().reply(Reply::ok(), 5_000).reply(Reply::ok(), 50);
    assert_eq!(world.get(&hedge()).0.unwrap().attempts(), 1);
    // And each attempt may have one.
    let world = World::new()
        .reply(Reply::status(503), 150)
        .reply(Reply::status(503), 50)
        .reply(Reply::ok(), 5_000)
        .reply(Reply::ok(), 50);
    let retrying =
        client(&world.mock, &world.runtime, &hedge()).retry(three_attempts()).build().unwrap();
    let response = world.runtime.block_on(retrying.get("/").send()).unwrap();
    assert_eq!((response.attempts(), world.mock.request_count()), (2, 4));
    assert_eq!(world.runtime.elapsed(), millis(150 + 1_000 + 150));
}

#[test]
fn there_may_be_several() {
    let hedge = Hedge::builder().delay(millis(100)).max_hedges(2).build().unwrap();
    let world = World::new()
        .reply(Reply::ok(), 5_000)
        .reply(Reply::ok(), 5_000)
        .reply(Reply::status(203), 50);
    let (outcome, at) = world.get(&hedge);
    assert_eq!((outcome.unwrap().status().as_u16(), at), (203, 250));
    let state = hedge.state(ORIGIN);
    assert_eq!((state.sent, state.won), (2, 1));
}

#[test]
fn what_is_not_idempotent_or_cannot_be_sent_again_is_sent_once() {
    let stream = || Body::stream(futures_util::stream::iter([Ok::<_, Error>("a")]));
    let world = || World::new().reply(Reply::ok(), 500);
    type Make = fn(&HttpClient) -> midil_http_core::RequestBuilder;
    let once: [Make; 3] = [
        |client| client.post("/").body("a"),
        |client| client.patch("/"),
        |client| client.get("/").idempotent(false),
    ];
    for make in once {
        let world = world();
        let request = make(&world.client(&hedge()));
        world.runtime.block_on(request.send()).unwrap();
        assert_eq!((world.mock.request_count(), world.runtime.elapsed()), (1, millis(500)));
    }
    let world = world();
    let request = world.client(&hedge()).put("/").body(stream());
    world.runtime.block_on(request.send()).unwrap();
    assert_eq!(world.mock.request_count(), 1, "the stream is gone");

    let twice: [Make; 5] = [
        |client| client.get("/"),
        |client| client.put("/").body("a"),
        |client| client.delete("/").header("x-own", "1").extension(7),
        |client| client.post("/").body("a").idempotency_key("k"),
        |client| client.post("/").json("a").idempotent(true),
    ];
    for make in twice {
        let world = World::new().reply(Reply::ok(), 5_000).reply(Reply::ok(), 50);
        let request = make(&world.client(&hedge()));
        world.runtime.block_on(request.send()).unwrap();
        let requests = world.mock.requests();
        assert_eq!(world.runtime.elapsed(), millis(150));
        assert_eq!(requests[0].headers(), requests[1].headers());
        assert_eq!(requests[0].body(), requests[1].body());
    }
}

#[test]
fn what_may_change_something_is_sent_once_when_asked_for() {
    let hedge = Hedge::builder().delay(millis(100)).safe_only(true).build().unwrap();
    type Make = fn(&HttpClient) -> midil_http_core::RequestBuilder;
    let requests: [(Make, usize); 5] = [
        (|client| client.get("/"), 2),
        (|client| client.head("/"), 2),
        (|client| client.put("/").body("a"), 1),
        (|client| client.delete("/"), 1),
        (|client| client.post("/").idempotent(true), 1),
    ];
    for (make, expected) in requests {
        let world = World::new().reply(Reply::ok(), 500).reply(Reply::ok(), 50);
        let request = make(&world.client(&hedge));
        world.runtime.block_on(request.send()).unwrap();
        drop(world.mock.mismatch());
        assert_eq!(world.mock.request_count(), expected);
    }
}

#[test]
fn what_middleware_made_of_a_request_is_sent_twice() {
    let world = World::new().reply(Reply::ok(), 5_000).reply(Reply::ok(), 50);
    let mark = midil_http_core::middleware_fn(|mut request: Request, next| {
        request.headers_mut().insert("x-mark", http::HeaderValue::from_static("1"));
        Box::pin(next.run(request))
    });
    let client = HttpClient::builder(world.mock.clone())
        .base_url(ORIGIN)
        .runtime(world.runtime.clone())
        .attempt_middleware(mark)
        .attempt_middleware(hedge())
        .build()
        .unwrap();
    world.runtime.block_on(client.get("/").send()).unwrap();
    assert!(world.mock.requests().iter().all(|request| request.headers()["x-mark"] == "1"));
    assert_eq!(world.mock.request_count(), 2);
}

#[test]
fn it_goes_around_any_transport() {
    let world = World::new().reply(Reply::ok(), 5_000).reply(Reply::status(201), 50);
    let transport =
        HedgeTransport::new(world.mock.clone(), hedge()).with_runtime(world.runtime.clone());
    let response = world.runtime.block_on(transport.send(get())).unwrap();
    assert_eq!((response.status().as_u16(), world.runtime.elapsed()), (201, millis(150)));
}

#[test]
fn each_has_credentials_of_its_own() {
    struct Counting(AtomicUsize);

    #[async_trait]
    impl AuthNProvider for Counting {
        async fn get_token(&self) -> Result<AuthNToken, AuthError> {
            Ok(AuthNToken::new(format!("t{}", self.0.fetch_add(1, Ordering::Relaxed))))
        }
    }
    let tokens = Counting(AtomicUsize::new(1));
    let world =
        World::new().reply(Reply::ok(), 5_000).reply(Reply::status(401), 20).reply(Reply::ok(), 20);
    let client = client(&world.mock, &world.runtime, &hedge()).auth(tokens).build().unwrap();
    let response = world.runtime.block_on(client.get("/").send()).unwrap();
    assert_eq!((response.status().as_u16(), world.runtime.elapsed()), (200, millis(140)));
    let sent: Vec<_> = world
        .mock
        .requests()
        .iter()
        .map(|request| request.headers()["authorization"].to_str().unwrap().to_owned())
        .collect();
    assert_eq!(sent, ["Bearer t1", "Bearer t2", "Bearer t3"]);
}

#[test]
fn whoever_loses_interest_aborts_both() {
    let world = World::new().reply(Reply::ok(), 5_000).reply(Reply::ok(), 5_000);
    let client = world.client(&hedge());
    let mut call = Box::pin(client.get("/").send());
    assert!(call.as_mut().now_or_never().is_none());
    world.runtime.advance(millis(100));
    assert!(call.as_mut().now_or_never().is_none());
    assert_eq!(world.mock.in_flight(), 2);
    drop(call);
    assert_eq!((world.mock.in_flight(), world.runtime.timers()), (0, 0));
    world.mock.verify();
}

#[test]
fn a_breaker_around_it_hears_of_both_together() {
    let breaker = CircuitBreaker::new(1, SECOND);
    let world = World::new().reply(Reply::status(503), 150).reply(Reply::ok(), 400);
    let client = HttpClient::builder(world.mock.clone())
        .base_url(ORIGIN)
        .runtime(world.runtime.clone())
        .attempt_middleware(breaker.clone())
        .attempt_middleware(hedge())
        .build()
        .unwrap();
    world.runtime.block_on(client.get("/").send()).unwrap();
    assert_eq!(breaker.state(ORIGIN), CircuitState::Closed);
}

/// A stream that waits for its connection is there still when the hedge would be sent; but there is one of it.
#[test]
fn a_stream_that_nobody_has_read_yet_is_sent_once_all_the_same() {
    let runtime = ManualRuntime::new();
    let sends = std::sync::Arc::new(AtomicUsize::new(0));
    let (clock, counted) = (runtime.clone(), std::sync::Arc::clone(&sends));
    let connects_slowly = move |request: Request| {
        counted.fetch_add(1, Ordering::Relaxed);
        let connecting = clock.sleep(SECOND);
        async move {
            connecting.await;
            request.into_body().collect(100).await?;
            Err::<http::Response<Body>, _>(reset())
        }
    };
    let client = HttpClient::builder(connects_slowly)
        .base_url(ORIGIN)
        .runtime(runtime.clone())
        .attempt_middleware(hedge())
        .build()
        .unwrap();
    let stream = Body::stream(futures_util::stream::iter([Ok::<_, Error>("a")]));
    let outcome = runtime.block_on(client.put("/").body(stream).send());
    assert_eq!(outcome.unwrap_err().kind(), "Transport");
    assert_eq!(sends.load(Ordering::Relaxed), 1);
}
