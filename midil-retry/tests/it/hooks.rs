//! `on_retry`, sync and async, through both doors.

use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use midil_http_core::{
    Event, GiveUpReason, HttpClient, Outcome, OwnedRetryEvent, RetryEvent, async_retry_hook,
};
use midil_http_test::ManualRuntime;
use midil_retry::{Bulkhead, RetryTransport};

use super::*;

/// What `x-retry` each request had.
type Seen = Arc<Mutex<Vec<String>>>;

/// A transport that answers 503, 503, 200, and notes what it has seen.
fn watched(seen: &Seen) -> impl Transport + use<> {
    let (seen, answer) = (Arc::clone(seen), scripted(&[503, 503, 200]));
    move |request: Request| {
        let mark = request.headers().get("x-retry").and_then(|value| value.to_str().ok());
        seen.lock().expect("no panic").push(mark.unwrap_or_default().to_owned());
        answer(request)
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_is_told_and_may_change_the_next_request() {
    let (told, seen) = (Arc::new(Mutex::new(Vec::new())), Seen::default());
    let strategy = || {
        let told = Arc::clone(&told);
        let hook = move |event: &mut RetryEvent<'_>| {
            let Outcome::Response(head) = event.outcome else { panic!("{event:?}") };
            told.lock().unwrap().push((event.attempt, head.status.as_u16(), event.delay));
            event.request.headers.insert("x-retry", event.attempt.into());
        };
        every_second().on_retry(hook).build().unwrap()
    };
    let check = |outcome: Result<http::Response<Body>, Error>| {
        assert_eq!(outcome.unwrap().status(), 200);
        let told = std::mem::take(&mut *told.lock().unwrap());
        assert_eq!(told, [(1, 503, SECOND), (2, 503, SECOND)]);
        assert_eq!(std::mem::take(&mut *seen.lock().unwrap()), ["", "1", "2"]);
    };
    through_both_doors(|| watched(&seen), strategy, get, check).await;
}

#[tokio::test(start_paused = true)]
async fn a_strategy_that_is_shared_has_its_hook_all_the_same() {
    let seen = Seen::default();
    let hook = |event: &mut RetryEvent<'_>| {
        event.request.headers.insert("x-retry", event.attempt.into());
    };
    let shared = Arc::new(every_second().on_retry(hook).build().unwrap());
    let transport = RetryTransport::new(watched(&seen), Arc::clone(&shared));
    assert_eq!(transport.send(get()).await.unwrap().status(), 200);
    assert_eq!(*seen.lock().unwrap(), ["", "1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn an_async_hook_is_waited_for() {
    let seen = Seen::default();
    let strategy = || {
        let hook = async_retry_hook(|mut event: OwnedRetryEvent| async move {
            tokio::time::sleep(SECOND / 2).await;
            let mark = format!("{}-{}", event.attempt, event.status.unwrap().as_u16());
            event.request.headers.insert("x-retry", mark.parse().unwrap());
            event.request
        });
        every_second().on_retry(hook).build().unwrap()
    };
    let start = tokio::time::Instant::now();
    let check = |outcome: Result<http::Response<Body>, Error>| {
        assert_eq!(outcome.unwrap().status(), 200);
        assert_eq!(std::mem::take(&mut *seen.lock().unwrap()), ["", "1-503", "2-503"]);
    };
    through_both_doors(|| watched(&seen), strategy, get, check).await;
    let spent = start.elapsed();
    assert!(spent < SECOND * 41 / 10, "the wait is counted from the end of the attempt: {spent:?}");
}

#[tokio::test(start_paused = true)]
async fn a_conditional_strategy_has_hooks_too() {
    let told = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&told);
    let strategy = midil_retry::ConditionalRetryStrategy::builder(
        |attempt| matches!(attempt.outcome, Outcome::Response(head) if head.status == 503),
    )
    .on_retry(move |_: &mut RetryEvent<'_>| {
        count.fetch_add(1, Ordering::Relaxed);
    })
    .build()
    .unwrap();
    let transport = RetryTransport::new(scripted(&[503, 503, 200]), strategy);
    assert_eq!(transport.send(get()).await.unwrap().status(), 200);
    assert_eq!(told.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_of_a_retry_that_is_not_made() {
    let strategy = || {
        let hook = |event: &mut RetryEvent<'_>| panic!("{event:?}");
        every_second().max_attempts(1).on_retry(hook).build().unwrap()
    };
    let check = |outcome: Result<http::Response<Body>, Error>| {
        assert_eq!(outcome.unwrap_err().kind(), "RetryExhausted");
    };
    through_both_doors(|| scripted(&[503]), strategy, get, check).await;
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_takes_too_long_leaves_no_time_for_another_attempt() {
    let hook = async_retry_hook(|event: OwnedRetryEvent| async move {
        tokio::time::sleep(SECOND * 10).await;
        event.request
    });
    let strategy = every_second().on_retry(hook).build().unwrap();
    let sent = Arc::new(Mutex::new(0));
    let count = Arc::clone(&sent);
    let transport = RetryTransport::new(
        move |_: Request| {
            *count.lock().unwrap() += 1;
            std::future::ready(response(503, &[]))
        },
        strategy,
    );
    let mut settings = midil_http_core::CallSettings::default();
    settings.total_timeout = Some(SECOND * 5);
    let mut request = get();
    request.extensions_mut().insert(settings);
    let Error::RetryExhausted(exhausted) = transport.send(request).await.unwrap_err() else {
        panic!("sent again")
    };
    let reason = exhausted.reason();
    assert!(matches!(reason, GiveUpReason::Deadline { .. }), "{reason}");
    assert_eq!(*sent.lock().unwrap(), 1);
}

/// The deadline is the call's, and not the head's to lose.
#[test]
fn a_hook_that_makes_a_head_of_its_own_leaves_the_call_its_deadline() {
    let fresh = || {
        async_retry_hook(|event: OwnedRetryEvent| async move {
            midil_http_core::RequestHead::new(event.request.method, event.request.url)
        })
    };
    let runtime = ManualRuntime::new();
    let due = midil_http_core::Runtime::now(&runtime) + SECOND * 60;
    let earlier = move |event: &mut RetryEvent<'_>| {
        event.request.deadline = Some(due - SECOND * u32::from(event.attempt == 2));
    };
    let later = move |event: &mut RetryEvent<'_>| event.request.deadline = Some(due + SECOND);
    let strategies = [
        (every_second().on_retry(fresh()).build().unwrap(), [due; 3]),
        (every_second().on_retry(later).build().unwrap(), [due; 3]),
        (every_second().on_retry(earlier).build().unwrap(), [due, due, due - SECOND]),
    ];
    for (strategy, expected) in strategies {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&seen), scripted(&[503, 503, 200]));
        let transport = move |request: Request| {
            log.lock().unwrap().push(request.head().deadline);
            answer(request)
        };
        let transport = RetryTransport::new(transport, strategy).with_runtime(runtime.clone());
        let mut request = get();
        request.head_mut().deadline = Some(due);
        runtime.block_on(transport.send(request)).unwrap();
        assert_eq!(*seen.lock().unwrap(), expected.map(Some));
    }
}

#[tokio::test(start_paused = true)]
async fn who_observes_a_transport_that_retries_is_told_of_each_wait_and_of_the_end() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    let observer = move |event: &Event<'_>| {
        log.lock().unwrap().push(match event {
            Event::RetryScheduled(retry) => {
                format!("{}: again in {:?}", retry.attempt, retry.delay)
            }
            Event::RetryGivenUp(end) => format!("{}: no more", end.attempts),
            other => format!("{other:?}"),
        });
    };
    let transport =
        RetryTransport::new(scripted(&[503, 503, 503]), every_second().build().unwrap());
    transport.with_observer(observer).send(get()).await.unwrap_err();
    assert_eq!(*told.lock().unwrap(), ["1: again in 1s", "2: again in 1s", "3: no more"]);
}

/// A body that comes after its head.
fn later(text: &'static str) -> Body {
    let arrives = async move {
        tokio::task::yield_now().await;
        Ok::<_, std::io::Error>(Bytes::from_static(text.as_bytes()))
    };
    Body::stream(arrives.into_stream().boxed())
}

/// A transport that is busy at first, and says so in a body that comes after its head.
fn busy_at_first() -> impl Transport {
    let answer = scripted(&[503, 200]);
    move |request: Request| {
        let outcome = match request.url().path() {
            "/token" => response(200, &[]),
            _ => answer(request).into_inner(),
        };
        let outcome = outcome.map(|response| match response.status().as_u16() {
            503 => response.map(|_| later("busy")),
            _ => response,
        });
        std::future::ready(outcome)
    }
}

/// The hook of a 503 must not wait for the place that the 503 holds.
#[test]
fn a_hook_may_call_through_the_same_client() {
    let (runtime, itself) = (ManualRuntime::new(), Arc::new(OnceLock::<HttpClient>::new()));
    let hook = {
        let itself = Arc::clone(&itself);
        async_retry_hook(move |event: OwnedRetryEvent| {
            let client = itself.get().expect("it was made").clone();
            async move {
                client.get("/token").no_retry().send().await.expect("it has a place");
                event.request
            }
        })
    };
    let client = HttpClient::builder(busy_at_first())
        .base_url("https://api.example.com")
        .runtime(runtime.clone())
        .retry(every_second().on_retry(hook).build().unwrap())
        .attempt_middleware(Bulkhead::new(1))
        .build()
        .unwrap();
    itself.set(client.clone()).unwrap();
    let response = runtime.block_on(client.get("/users").send()).unwrap();
    assert_eq!((response.status().as_u16(), response.attempts()), (200, 2));
    assert_eq!(runtime.elapsed(), SECOND, "the wait between attempts, and no other");
}

/// Its body was read before the hook, and is there all the same.
#[test]
fn a_hook_that_takes_too_long_leaves_the_last_body() {
    let runtime = ManualRuntime::new();
    let slow = {
        let runtime = runtime.clone();
        async_retry_hook(move |event: OwnedRetryEvent| {
            let pause = midil_http_core::Runtime::sleep(&runtime, 3 * SECOND);
            async move {
                pause.await;
                event.request
            }
        })
    };
    let transport =
        RetryTransport::new(busy_at_first(), every_second().on_retry(slow).build().unwrap())
            .with_runtime(runtime.clone());
    let mut request = get();
    request.head_mut().deadline = Some(midil_http_core::Runtime::now(&runtime) + SECOND * 5 / 2);
    let error = runtime.block_on(transport.send(request)).unwrap_err();
    let Error::RetryExhausted(exhausted) = error else { panic!("{error:?}") };
    assert!(matches!(exhausted.reason(), GiveUpReason::Deadline { .. }), "{exhausted:?}");
    let last = exhausted.into_response().expect("a response");
    let body = last.into_body().collect(100).now_or_never().unwrap().unwrap();
    assert_eq!(body, "busy");
}
