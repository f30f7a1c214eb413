//! The bulkhead at work: in a client, around a transport, and what it costs.

use futures_util::future::{join, join_all};
use futures_util::{FutureExt, StreamExt};
use midil_http_core::{HttpClient, HttpClientBuilder, Middleware, Next, Phase};
use midil_http_test::{ManualRuntime, MockTransport, Reply};
use midil_retry::{Bulkhead, BulkheadState, BulkheadTransport};

use super::*;

const ORIGIN: &str = "https://api.example.com";

fn client(
    transport: &MockTransport,
    runtime: &ManualRuntime,
    bulkhead: &Bulkhead,
) -> HttpClientBuilder {
    HttpClient::builder(transport.clone())
        .base_url(ORIGIN)
        .runtime(runtime.clone())
        .attempt_middleware(bulkhead.clone())
}

fn slow(runtime: &ManualRuntime) -> MockTransport {
    MockTransport::always(Reply::ok().body("done").delayed(SECOND, runtime.clone()))
}

/// The setting that refused a call.
fn setting<T: std::fmt::Debug>(outcome: Result<T, Error>) -> String {
    match outcome {
        Err(Error::Limit(error)) => {
            assert_eq!(error.sent(), Sent::No);
            error.setting().to_owned()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn so_many_are_in_flight_and_the_rest_wait_in_their_order() {
    let (runtime, bulkhead) = (ManualRuntime::new(), Bulkhead::new(2));
    let mock = slow(&runtime);
    let client = client(&mock, &runtime, &bulkhead).build().unwrap();
    runtime.block_on(async {
        let calls = (0..4).map(|number| {
            let (client, runtime) = (&client, &runtime);
            async move {
                let response = client.get(format!("/{number}")).send().await.unwrap();
                response.text().await.unwrap();
                runtime.elapsed()
            }
        });
        let ends = join_all(calls).await;
        assert_eq!(ends, [SECOND, SECOND, 2 * SECOND, 2 * SECOND]);
    });
    let paths: Vec<_> =
        mock.requests().iter().map(|request| request.url().path().to_owned()).collect();
    assert_eq!(paths, ["/0", "/1", "/2", "/3"]);
}

#[test]
fn whoever_finds_the_queue_full_is_refused_at_once() {
    let (runtime, bulkhead) = (ManualRuntime::new(), Bulkhead::new(1));
    let client = client(&slow(&runtime), &runtime, &bulkhead).build().unwrap();
    runtime.block_on(async {
        let outcomes = join_all((0..3).map(|_| async {
            let outcome = client.get("/").send().await;
            match outcome {
                Ok(response) => response.text().await.map(|_| runtime.elapsed()),
                Err(error) => {
                    assert_eq!(runtime.elapsed(), Duration::ZERO);
                    Err(error)
                }
            }
        }))
        .await;
        let [first, second, third] = outcomes.try_into().unwrap();
        assert_eq!((first.unwrap(), second.unwrap()), (SECOND, 2 * SECOND));
        let message = third.as_ref().unwrap_err().to_string();
        let expected = "max_waiting: 1 calls are in flight and 1 wait already: \
                        send fewer, or raise max_in_flight or max_waiting";
        assert_eq!(message, expected);
        assert_eq!(setting(third), "max_waiting");
    });
}

#[test]
fn whoever_waits_too_long_is_refused() {
    let runtime = ManualRuntime::new();
    let bulkhead = Bulkhead::builder().max_in_flight(1).max_wait(SECOND / 2).build().unwrap();
    let client = client(&slow(&runtime), &runtime, &bulkhead).build().unwrap();
    runtime.block_on(async {
        let refused = async { (setting(client.get("/").send().await), runtime.elapsed()) };
        let (first, refused) = join(client.get("/").send(), refused).await;
        assert!(first.is_ok());
        assert_eq!(refused, ("max_wait".to_owned(), SECOND / 2));
    });
}

#[test]
fn waiting_counts_towards_the_total_timeout_and_no_other() {
    let runtime = ManualRuntime::new();
    let bulkhead = Bulkhead::builder().max_in_flight(1).max_waiting(2).build().unwrap();
    let mock = slow(&runtime);
    let patient = client(&mock, &runtime, &bulkhead).timeout(SECOND * 3 / 2).build().unwrap();
    let hasty = client(&mock, &runtime, &bulkhead).total_timeout(SECOND / 2).build().unwrap();
    runtime.block_on(async {
        let read = async |client: &HttpClient| client.get("/").send().await?.text().await;
        let calls = join(read(&patient), join(read(&hasty), read(&patient)));
        let (first, (late, last)) = calls.await;
        assert!(
            first.is_ok() && last.is_ok(),
            "it waited 1 s and took 1 s, with a timeout of 1.5 s"
        );
        match late {
            Err(Error::Timeout(error)) => assert_eq!(error.phase(), Phase::Queue),
            other => panic!("{other:?}"),
        }
        assert_eq!(runtime.elapsed(), 2 * SECOND);
    });
    assert_eq!(mock.request_count(), 2);
}

#[test]
fn a_call_is_in_flight_until_its_body_has_ended_or_is_dropped() {
    let (runtime, bulkhead) = (ManualRuntime::new(), Bulkhead::new(3));
    let chunks = || {
        Ok(http::Response::new(Body::stream(
            futures_util::stream::iter(["one", "two"]).map(Ok::<_, std::io::Error>),
        )))
    };
    let mock = MockTransport::always(Reply::from_fn(move |_| chunks()));
    let client = client(&mock, &runtime, &bulkhead).build().unwrap();
    let in_flight = || bulkhead.state(ORIGIN).in_flight;
    runtime.block_on(async {
        let mut read = client.get("/").send().await.unwrap();
        let dropped = client.get("/").send().await.unwrap();
        assert_eq!(in_flight(), 2);
        while read.chunk().await.unwrap().is_some() {
            assert_eq!(in_flight(), 2);
        }
        assert_eq!(in_flight(), 1, "it has ended, though it is still there");
        drop(dropped);
        assert_eq!(in_flight(), 0);
    });
}

#[test]
fn what_has_no_body_or_fails_gives_its_place_up_at_once() {
    let (runtime, bulkhead) = (ManualRuntime::new(), Bulkhead::new(1));
    let mock = MockTransport::sequence([
        Reply::status(204),
        Reply::error(reset),
        Reply::pending(),
        Reply::ok(),
    ]);
    let client = client(&mock, &runtime, &bulkhead).build().unwrap();
    let kept = client.get("/").send().now_or_never().unwrap();
    assert!(client.get("/").send().now_or_never().unwrap().is_err());
    assert!(client.get("/").send().now_or_never().is_none(), "it hangs, and is dropped");
    assert!(client.get("/").send().now_or_never().unwrap().is_ok());
    drop(kept);
}

#[test]
fn a_call_gives_its_place_up_between_attempts() {
    let (runtime, bulkhead) = (ManualRuntime::new(), Bulkhead::new(1));
    let mock = MockTransport::new();
    mock.when(|request| request.url.path() == "/busy")
        .reply_always(Reply::status(503).body("busy"));
    let mock = mock.reply_always(Reply::ok().body("done"));
    let client = client(&mock, &runtime, &bulkhead).retry(three_attempts()).build().unwrap();
    runtime.block_on(async {
        let other = async {
            let response = client.get("/").send().await.unwrap();
            (response.text().await.unwrap(), runtime.elapsed())
        };
        let (busy, other) = join(client.get("/busy").send(), other).await;
        assert!(busy.is_err());
        assert_eq!(other, ("done".to_owned(), Duration::ZERO));
    });
    assert_eq!(bulkhead.state(ORIGIN), BulkheadState::default());
}

#[test]
fn a_local_limit_is_not_worth_a_retry() {
    let runtime = ManualRuntime::new();
    let bulkhead = Bulkhead::builder().max_in_flight(1).max_waiting(0).build().unwrap();
    let mock = MockTransport::always(Reply::pending());
    let client = client(&mock, &runtime, &bulkhead).retry(three_attempts()).build().unwrap();
    let mut first = Box::pin(client.get("/").send());
    assert!(first.as_mut().now_or_never().is_none());
    assert_eq!(setting(client.get("/").send().now_or_never().unwrap()), "max_waiting");
}

#[test]
fn each_origin_has_a_bulkhead_unless_told_otherwise() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::always(Reply::pending());
    let hold = |bulkhead: &Bulkhead, paths: &[&str]| {
        let transport = BulkheadTransport::new(mock.clone(), bulkhead.clone());
        let transport = transport.with_runtime(runtime.clone());
        for path in paths {
            let mut call = transport.send(Request::get(path).unwrap());
            assert!(call.as_mut().now_or_never().is_none());
            std::mem::forget(call);
        }
    };
    let bulkhead = Bulkhead::new(1);
    hold(&bulkhead, &["https://a.example/1", "https://a.example/2", "https://b.example/"]);
    let mut states: Vec<_> = bulkhead
        .states()
        .map(|(key, state)| (key.to_string(), state.in_flight, state.waiting))
        .collect();
    states.sort();
    let expected = [("https://a.example".to_owned(), 1, 1), ("https://b.example".to_owned(), 1, 0)];
    assert_eq!(states, expected);

    let one = Bulkhead::builder().max_in_flight(1).key(|_| "all".into()).build().unwrap();
    hold(&one, &["https://a.example/1", "https://b.example/"]);
    let state = one.state("all");
    assert_eq!((state.in_flight, state.waiting), (1, 1));
}

#[test]
fn what_cannot_be_is_refused_with_a_remedy() {
    let error = Bulkhead::builder().max_wait(Duration::ZERO).build().unwrap_err();
    let expected = "max_wait is zero: give a positive duration, or refuse at once by max_waiting 0";
    assert_eq!(error.to_string(), expected);
    let error = Bulkhead::builder().max_in_flight(0).build().unwrap_err();
    assert_eq!(error.to_string(), "max_in_flight is 0: give at least 1");
    let bulkhead = Bulkhead::new(usize::MAX);
    let mock = MockTransport::always(Reply::ok());
    let client = client(&mock, &ManualRuntime::new(), &bulkhead).build().unwrap();
    assert!(client.get("/").send().now_or_never().unwrap().is_ok());
    assert_eq!(bulkhead.state(ORIGIN), BulkheadState::default());
}

#[test]
fn a_place_that_is_free_costs_one_allocation_and_one_for_the_body() {
    let full = |_: Request| std::future::ready(Ok(http::Response::new(Body::from("hello"))));
    let bulkhead = Bulkhead::new(5);
    let next = Next::new(&full);
    assert!(bulkhead.handle(get(), next).now_or_never().unwrap().is_ok());
    let (bare, through) = (get(), get());
    let without = allocation_counter::measure(|| drop(next.run(bare).now_or_never()));
    let with = allocation_counter::measure(|| drop(bulkhead.handle(through, next).now_or_never()));
    assert_eq!(with.count_total, without.count_total + 2, "{with:?} instead of {without:?}");
}
