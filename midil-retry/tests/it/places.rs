//! A place of a bulkhead comes back, whichever way its call takes.

use std::task::Poll;

use futures_util::FutureExt;
use midil_http_core::{AuthNToken, HttpClient, HttpClientBuilder, middleware_fn};
use midil_http_test::{ManualRuntime, MockTransport, Reply};
use midil_retry::{Bulkhead, BulkheadState, Hedge};

use super::*;

const ORIGIN: &str = "https://api.example.com";

/// A response whose body has a byte and never ends.
fn endless(status: u16) -> Reply {
    Reply::from_fn(move |_| {
        let mut first = true;
        let body = futures_util::stream::poll_fn(move |_| {
            if std::mem::take(&mut first) {
                Poll::Ready(Some(Ok::<_, std::io::Error>("x")))
            } else {
                Poll::Pending
            }
        });
        let mut response = http::Response::new(Body::stream(body));
        *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
        response.headers_mut().insert("location", http::HeaderValue::from_static("/elsewhere"));
        Ok(response)
    })
}

/// Makes a call with one place for all, and tells what its response was; it is dropped, and the place must be free.
fn through<const N: usize>(
    replies: [Reply; N],
    build: impl FnOnce(HttpClientBuilder, &ManualRuntime) -> HttpClientBuilder,
) -> Result<u16, String> {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::sequence(replies);
    let bulkhead = Bulkhead::builder().max_in_flight(1).max_waiting(0).build().unwrap();
    let client = HttpClient::builder(mock.clone())
        .base_url(ORIGIN)
        .runtime(runtime.clone())
        .attempt_middleware(bulkhead.clone());
    let client = build(client, &runtime).build().unwrap();
    let outcome = runtime.block_on(client.get("/").send());
    let status = outcome.map(|response| response.status().as_u16());
    assert_eq!(bulkhead.state(ORIGIN), BulkheadState::default());
    assert_eq!((mock.request_count(), mock.in_flight()), (N, 0));
    status.map_err(|error| error.kind().to_owned())
}

#[test]
fn what_is_redirected_retried_or_healed_takes_one_place_after_the_other() {
    let plain = |client: HttpClientBuilder, _: &ManualRuntime| client;
    assert_eq!(through([endless(302), endless(200)], plain), Ok(200));
    let retrying = |client: HttpClientBuilder, _: &ManualRuntime| client.retry(three_attempts());
    assert_eq!(through([endless(503), endless(503), endless(200)], retrying), Ok(200));
    let exhausted = Err("RetryExhausted".to_owned());
    assert_eq!(through([endless(503), endless(503), endless(503)], retrying), exhausted);
    let tokens = |client: HttpClientBuilder, _: &ManualRuntime| {
        let number = AtomicUsize::new(0);
        client.auth(move || {
            let number = number.fetch_add(1, Ordering::Relaxed);
            async move { Ok(AuthNToken::new(format!("token {number}"))) }
        })
    };
    assert_eq!(through([endless(401), endless(200)], tokens), Ok(200));
}

#[test]
fn a_hedge_shares_the_place_of_its_request() {
    let hedged = |client: HttpClientBuilder, _: &ManualRuntime| {
        client.attempt_middleware(Hedge::new(SECOND)).timeout(10 * SECOND)
    };
    assert_eq!(through([Reply::pending(), endless(200)], hedged), Ok(200));
    assert_eq!(through([Reply::pending(), Reply::pending()], hedged), Err("Timeout".to_owned()));
}

#[test]
fn what_middleware_makes_of_a_body_is_all_one() {
    let replaced = |client: HttpClientBuilder, _: &ManualRuntime| {
        client.attempt_middleware(middleware_fn(|request, next| {
            Box::pin(async move { Ok(next.run(request).await?.map(|_| Body::from("other"))) })
        }))
    };
    assert_eq!(through([endless(200)], replaced), Ok(200));
}

#[test]
fn a_body_that_is_cut_by_a_timeout_gives_its_place_up_though_it_is_held() {
    let runtime = ManualRuntime::new();
    let bulkhead = Bulkhead::builder().max_in_flight(1).max_waiting(0).build().unwrap();
    for build in [
        |client: HttpClientBuilder| client.timeout(SECOND),
        |client: HttpClientBuilder| client.attempt_timeout(SECOND),
        |client: HttpClientBuilder| client.total_timeout(SECOND),
    ] {
        let mock = MockTransport::sequence([endless(200)]);
        let client = HttpClient::builder(mock.clone())
            .base_url(ORIGIN)
            .runtime(runtime.clone())
            .attempt_middleware(bulkhead.clone());
        let client = build(client).build().unwrap();
        runtime.block_on(async {
            let mut response = client.get("/").send().await.unwrap();
            assert!(response.chunk().await.unwrap().is_some());
            assert_eq!(bulkhead.state(ORIGIN).in_flight, 1);
            assert!(response.chunk().await.unwrap_err().is_timeout());
            assert_eq!(bulkhead.state(ORIGIN).in_flight, 0, "the response is still there");
            drop(response);
        });
    }
}

/// A place that was granted to a call which is dropped before it looks goes to the next.
#[test]
fn a_place_that_was_granted_in_vain_is_passed_on() {
    let runtime = ManualRuntime::new();
    let bulkhead = Bulkhead::builder().max_in_flight(1).max_waiting(2).build().unwrap();
    let mock = MockTransport::sequence([Reply::pending(), Reply::ok()]);
    let client = HttpClient::builder(mock.clone())
        .base_url(ORIGIN)
        .runtime(runtime.clone())
        .attempt_middleware(bulkhead.clone())
        .build()
        .unwrap();
    let mut calls = [0, 1, 2].map(|_| Box::pin(client.get("/").send()));
    for call in &mut calls {
        assert!(call.as_mut().now_or_never().is_none());
    }
    let [first, second, third] = calls;
    drop(first); // the second is granted its place now, and does not know it
    drop(second);
    assert!(third.now_or_never().unwrap().is_ok());
    assert_eq!(bulkhead.state(ORIGIN), BulkheadState::default());
}

/// Who holds an unread body and calls once more waits for itself: an error that says so, and no deadlock.
#[test]
fn a_call_within_the_reading_of_another_ends_in_an_error_that_names_the_setting() {
    let runtime = ManualRuntime::new();
    let bulkhead = Bulkhead::builder().max_in_flight(1).max_wait(SECOND).build().unwrap();
    let client = HttpClient::builder(MockTransport::sequence([endless(200)]))
        .base_url(ORIGIN)
        .runtime(runtime.clone())
        .attempt_middleware(bulkhead)
        .build()
        .unwrap();
    runtime.block_on(async {
        let held = client.get("/").send().await.unwrap();
        let error = client.get("/").send().await.unwrap_err();
        let expected = "max_wait: 1 calls were in flight for 1s: send fewer, or raise max_in_flight or max_wait";
        assert_eq!(error.to_string(), expected);
        drop(held);
    });
}

fn of_paths(builder: midil_retry::BulkheadBuilder) -> Bulkhead {
    builder.key(|head| head.url.path().into()).build().unwrap()
}

/// A key that is in use keeps its bulkhead however many others come; one that is not is forgotten.
#[test]
fn who_is_in_flight_is_not_forgotten_and_who_is_not_is() {
    let runtime = ManualRuntime::new();
    let bulkhead = of_paths(Bulkhead::builder().max_in_flight(1).max_waiting(0));
    let mock = MockTransport::new();
    mock.when(|request| request.url.path() == "/read").reply_always(endless(200));
    mock.when(|request| request.url.path() == "/awaited").reply_always(Reply::pending());
    let mock = mock.reply_always(Reply::ok());
    let client = HttpClient::builder(mock)
        .base_url(ORIGIN)
        .runtime(runtime)
        .attempt_middleware(bulkhead.clone())
        .build()
        .unwrap();
    let read = client.get("/read").send().now_or_never().unwrap().unwrap();
    let mut awaited = Box::pin(client.get("/awaited").send());
    assert!(awaited.as_mut().now_or_never().is_none());
    for number in 0..5_000 {
        client.get(format!("/{number}")).send().now_or_never().unwrap().unwrap();
    }
    let count = bulkhead.states().count();
    assert!(count <= 256, "{count}");
    for path in ["/read", "/awaited"] {
        let error = client.get(path).send().now_or_never().unwrap().unwrap_err();
        assert_eq!(error.kind(), "Limit", "{path}");
    }
    drop((read, awaited));
}

/// A place that comes free at the very moment when the wait is over is taken.
#[test]
fn a_place_at_the_last_moment_is_one() {
    let runtime = ManualRuntime::new();
    let bulkhead = Bulkhead::builder().max_in_flight(1).max_wait(SECOND).build().unwrap();
    let slow = MockTransport::always(Reply::ok().body("done").delayed(SECOND, runtime.clone()));
    let client = HttpClient::builder(slow)
        .base_url(ORIGIN)
        .runtime(runtime.clone())
        .attempt_middleware(bulkhead)
        .build()
        .unwrap();
    let call = async || client.get("/").send().await?.text().await;
    let (first, second) = runtime.block_on(futures_util::future::join(call(), call()));
    assert!(first.is_ok() && second.is_ok(), "{second:?}");
    assert_eq!(runtime.elapsed(), 2 * SECOND);
}
