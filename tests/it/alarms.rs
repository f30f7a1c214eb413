//! All who wait for the same answer share a timer, and whatever stands between them, each is heard in time.

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use midil_http::{
    Alarm, AttemptResult, Body, Budget, Error, Hedge, HttpClient, Middleware, Next, Request,
    Runtime, TimeoutKind, middleware_fn,
};
use midil_http_test::{ManualRuntime, MockTransport, Reply};
use url::Url;

use crate::support::over;

const SECOND: Duration = Duration::from_secs(1);
const TENTH: Duration = Duration::from_millis(100);

type Outcome = Result<http::Response<Body>, Error>;

/// A client of a server that never answers: a hedge after 100 ms, a stall after 1 s, the end after 5 s.
fn client(
    runtime: &ManualRuntime,
    mock: &MockTransport,
    middleware: impl Middleware,
) -> HttpClient {
    over(mock.clone())
        .runtime(runtime.clone())
        .timeout(SECOND)
        .total_timeout(5 * SECOND)
        .attempt_middleware(Hedge::new(TENTH))
        .attempt_middleware(middleware)
        .build()
        .unwrap()
}

fn silent() -> MockTransport {
    MockTransport::always(Reply::pending())
}

/// Which timeout ended the call, and when.
fn ended(runtime: &ManualRuntime, client: &HttpClient) -> (TimeoutKind, Duration) {
    match runtime.block_on(client.get("/").send()) {
        Err(Error::Timeout(error)) => (error.kind(), runtime.elapsed()),
        other => panic!("{other:?}"),
    }
}

async fn pass(request: Request, next: Next<'_>) -> Outcome {
    next.run(request).await
}

#[test]
fn total_timeout_hedge_and_exchange_share_one_timer() {
    let (runtime, mock) = (ManualRuntime::new(), silent());
    let client = client(&runtime, &mock, pass);
    let mut call = Box::pin(client.get("/").send());
    assert!(call.as_mut().now_or_never().is_none());
    assert_eq!((mock.in_flight(), runtime.timers()), (1, 1));
    assert_eq!(runtime.sleeps(), [TENTH], "for the first that wants it");

    // The hedge is another exchange, with a timer of its own.
    runtime.advance(TENTH);
    assert!(call.as_mut().now_or_never().is_none());
    assert_eq!((mock.in_flight(), runtime.timers()), (2, 2));
    drop(call);
    assert_eq!((mock.in_flight(), runtime.timers()), (0, 0));
}

#[test]
fn each_rings_at_its_time() {
    let (runtime, mock) = (ManualRuntime::new(), silent());
    // The request stalls after a second, and its hedge a tenth later.
    assert_eq!(
        ended(&runtime, &client(&runtime, &mock, pass)),
        (TimeoutKind::Progress, SECOND + TENTH)
    );
    assert_eq!((mock.request_count(), runtime.timers()), (2, 0));
}

/// It pays for nothing.
struct Empty;

impl Budget for Empty {
    fn record(&self, _: &Url, _: Instant, _: AttemptResult) {}

    fn withdraw(&self, _: &Url, _: Instant) -> bool {
        false
    }
}

#[test]
fn a_poor_hedge_leaves_the_timer_to_the_others() {
    let (runtime, mock) = (ManualRuntime::new(), silent());
    let hedge = Hedge::builder().delay(TENTH).budget(Empty).build().unwrap();
    let builder = || over(mock.clone()).runtime(runtime.clone()).attempt_middleware(hedge.clone());
    let stalls = builder().timeout(SECOND).build().unwrap();
    assert_eq!(ended(&runtime, &stalls), (TimeoutKind::Progress, SECOND));
    let ends = builder().total_timeout(SECOND).build().unwrap();
    assert_eq!(ended(&runtime, &ends), (TimeoutKind::Total, 2 * SECOND));
    assert_eq!((mock.request_count(), runtime.timers()), (2, 0));
}

/// A middleware that looks at the rest of its way once, and then minds its own business, without end.
fn neglectful(gives_its_waker: bool) -> impl Middleware {
    middleware_fn(move |request, next| {
        Box::pin(async move {
            let mut rest = pin!(next.run(request));
            poll_fn(|cx| {
                let waker = if gives_its_waker { cx.waker() } else { Waker::noop() };
                Poll::Ready(rest.as_mut().poll(&mut Context::from_waker(waker)).is_ready())
            })
            .await;
            pending().await
        })
    })
}

#[test]
fn whoever_is_not_polled_any_more_keeps_nobody_from_being_heard() {
    for gives_its_waker in [true, false] {
        let (runtime, mock) = (ManualRuntime::new(), silent());
        let client = client(&runtime, &mock, neglectful(gives_its_waker));
        assert_eq!(ended(&runtime, &client), (TimeoutKind::Total, 5 * SECOND));
        assert_eq!((mock.request_count(), runtime.timers()), (2, 0), "there was a hedge");
    }
}

#[test]
fn whoever_polls_only_what_was_woken_wakes_all() {
    let (runtime, mock) = (ManualRuntime::new(), silent());
    let picky = middleware_fn(|request: Request, next| {
        Box::pin(async move {
            let mut all: FuturesUnordered<_> = [next.run(request)].into_iter().collect();
            all.next().await.unwrap()
        })
    });
    let client = client(&runtime, &mock, picky);
    assert_eq!(ended(&runtime, &client), (TimeoutKind::Progress, SECOND + TENTH));
    assert_eq!((mock.request_count(), runtime.timers()), (2, 0));
}

#[test]
fn whoever_blocks_its_thread_is_woken_for_what_it_waits_for() {
    let (runtime, mock) = (ManualRuntime::new(), silent());
    runtime.set_auto_advance(false);
    let blocking = middleware_fn(|request: Request, next| {
        let outcome = futures_util::future::ready(futures_executor::block_on(next.run(request)));
        Box::pin(outcome)
    });
    let client = client(&runtime, &mock, blocking);
    let clock = runtime.clone();
    let moving = std::thread::spawn(move || {
        futures_executor::block_on(clock.wait_for_timers(1));
        clock.advance(TENTH); // what the hedge would do, if its thread were free
        futures_executor::block_on(clock.wait_for_timers(1));
        clock.advance(SECOND - TENTH);
    });
    assert_eq!(ended(&runtime, &client), (TimeoutKind::Progress, SECOND));
    moving.join().unwrap();
    assert_eq!((mock.request_count(), runtime.timers()), (1, 0));
}

#[test]
fn an_alarm_has_a_timer_of_its_own_where_nobody_else_has_one() {
    let runtime = ManualRuntime::new();
    let never = |_: Request| pending::<Outcome>();
    let next = Next::new(&never).on(&runtime);
    let alarm = Alarm::new(&next, runtime.now() + SECOND);
    let rang = runtime.block_on(async {
        let mut rest =
            pin!(next.with_alarm(&alarm).run(Request::get("http://localhost/").unwrap()));
        poll_fn(|cx| match rest.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(false),
            Poll::Pending => alarm.poll_rings(cx).map(|()| true),
        })
        .await
    });
    assert!(rang);
    assert_eq!((runtime.elapsed(), runtime.timers()), (SECOND, 0));
    assert!(alarm.poll_rings(&mut Context::from_waker(Waker::noop())).is_ready(), "it has rung");
}
