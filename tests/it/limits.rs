//! Limits at work together: bulkhead, rate limit, retries and the total timeout, in a client.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use midil_http::{
    Bulkhead, CircuitBreaker, DefaultRetryStrategy, Error, FixedDelayBackoff, GiveUpReason,
    HttpClient, HttpClientBuilder, Phase, RateLimit, Runtime, Sent, TimeoutKind,
};
use midil_http_test::{ManualRuntime, MockTransport, Reply};

use crate::support::{BASE, over};

const SECOND: Duration = Duration::from_secs(1);
const TENTH: Duration = Duration::from_millis(100);

/// A client on time that moves when everybody waits.
fn client(mock: &MockTransport, runtime: &ManualRuntime) -> HttpClientBuilder {
    over(mock.clone()).runtime(runtime.clone()).seed(7)
}

/// A server that takes its time.
fn taking(time: Duration, runtime: &ManualRuntime, status: u16) -> MockTransport {
    MockTransport::always(Reply::status(status).delayed(time, runtime.clone()))
}

/// Three attempts, a second apart.
fn every_second() -> DefaultRetryStrategy {
    let strategy = DefaultRetryStrategy::builder().backoff(FixedDelayBackoff::new(SECOND));
    strategy.build().unwrap()
}

fn one_at_a_time() -> Bulkhead {
    Bulkhead::builder().max_in_flight(1).max_waiting(100).max_wait(60 * SECOND).build().unwrap()
}

/// One call every second.
fn one_per_second(max_wait: Duration) -> RateLimit {
    RateLimit::builder(1, SECOND).burst(1).max_wait(max_wait).build().unwrap()
}

/// What each of so many calls of one moment comes to, and how much later.
fn calls(client: &HttpClient, runtime: &ManualRuntime, count: usize) -> Vec<(String, Duration)> {
    let begun = runtime.elapsed();
    let call = async || {
        let outcome = match client.get("/").send().await {
            Ok(response) => response.status().as_str().to_owned(),
            Err(Error::Timeout(error)) => format!("{:?}", error.kind()),
            Err(error) => error.kind().to_owned(),
        };
        (outcome, runtime.elapsed() - begun)
    };
    runtime.block_on(join_all((0..count).map(|_| call())))
}

fn outcomes(calls: &[(String, Duration)]) -> Vec<(&str, u128)> {
    calls.iter().map(|(outcome, after)| (outcome.as_str(), after.as_millis())).collect()
}

#[test]
fn who_waits_for_the_next_attempt_holds_no_place() {
    let runtime = ManualRuntime::new();
    let mock = taking(TENTH, &runtime, 503);
    let client = client(&mock, &runtime).retry(every_second()).attempt_middleware(one_at_a_time());
    let calls = calls(&client.build().unwrap(), &runtime, 3);
    // Each call has three attempts of 100 ms and two waits of 1 s; attempts go one after the other, waits go on together.
    let expected = [2300, 2400, 2500].map(|after| ("RetryExhausted", after));
    assert_eq!(outcomes(&calls), expected);
    assert_eq!(mock.request_count(), 9);
}

/// Nothing was sent and nothing was learned: no attempt to repeat, nothing to pay for, nothing to hold against the server.
#[test]
fn a_call_that_a_limit_refuses_is_not_retried_costs_no_token_and_says_nothing_of_the_server() {
    let runtime = ManualRuntime::new();
    let refuse = || one_per_second(Duration::ZERO);
    let full = || Bulkhead::builder().max_in_flight(1).max_waiting(0).build().unwrap();
    type Limit = fn(HttpClientBuilder, RateLimit, Bulkhead) -> HttpClientBuilder;
    let limits: [Limit; 2] = [
        |builder, rate, _| builder.attempt_middleware(rate),
        |builder, _, bulkhead| builder.attempt_middleware(bulkhead),
    ];
    for limit in limits {
        let mock = taking(TENTH, &runtime, 503);
        let breaker = CircuitBreaker::new(5, SECOND);
        let strategy = every_second();
        let limited = limit(client(&mock, &runtime).retry(strategy.clone()), refuse(), full());
        let limited = limited.attempt_middleware(breaker.clone()).build().unwrap();
        let calls = calls(&limited, &runtime, 50);
        let at_once = calls.iter().filter(|(kind, after)| kind == "Limit" && after.is_zero());
        assert_eq!(at_once.count(), 49);
        assert_eq!(breaker.state(BASE), midil_http::CircuitState::Closed);

        // The budget of ten tokens paid for the two retries of the call that went out, and for nothing else.
        let unlimited = client(&mock, &runtime).retry(strategy).build().unwrap();
        let reasons: Vec<_> = (0..4)
            .map(|_| match runtime.block_on(unlimited.get("/").send()) {
                Err(Error::RetryExhausted(exhausted)) => exhausted.reason().clone(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert!(reasons.iter().all(|reason| *reason == GiveUpReason::Attempts), "{reasons:?}");
    }
}

#[test]
fn an_attempt_that_is_refused_ends_its_call_with_the_limit() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::always(Reply::status(503));
    let slow = RateLimit::builder(1, 10 * SECOND).burst(1).max_wait(SECOND).build().unwrap();
    let client = client(&mock, &runtime).retry(every_second()).attempt_middleware(slow);
    let client = client.build().unwrap();
    match runtime.block_on(client.get("/").send()) {
        // Ten seconds, of which one was waited before the second attempt.
        Err(Error::Limit(error)) => {
            assert_eq!((error.retry_in(), error.sent()), (Some(9 * SECOND), Sent::No));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!((mock.request_count(), runtime.elapsed()), (1, SECOND));
}

#[test]
fn retries_keep_to_the_rate_as_first_attempts_do() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::sequence([503, 503, 200].map(Reply::status));
    let at_once = DefaultRetryStrategy::builder().backoff(FixedDelayBackoff::new(Duration::ZERO));
    let client = client(&mock, &runtime)
        .retry(at_once.build().unwrap())
        .attempt_middleware(one_per_second(60 * SECOND));
    assert_eq!(outcomes(&calls(&client.build().unwrap(), &runtime, 1)), [("200", 2000)]);
}

#[test]
fn every_wait_is_within_the_total_timeout() {
    let runtime = ManualRuntime::new();
    let mock = taking(2 * SECOND, &runtime, 200);
    let client = client(&mock, &runtime)
        .total_timeout(3 * SECOND)
        .attempt_middleware(one_at_a_time())
        .attempt_middleware(one_per_second(60 * SECOND));
    let client = client.build().unwrap();
    // The second has its place after 2 s and would be through after 4; the third has none until it is too late.
    let expected = [("200", 2000), ("Total", 3000), ("Total", 3000)];
    assert_eq!(outcomes(&calls(&client, &runtime, 3)), expected);
}

/// Where the wait is known beforehand, nobody waits in vain; and the caller is told how long it would have been.
#[test]
fn a_turn_that_comes_too_late_is_refused_at_once_and_frees_its_place() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::always(Reply::ok());
    let bulkhead = Bulkhead::new(10);
    let client = client(&mock, &runtime)
        .total_timeout(SECOND * 3 / 2)
        .attempt_middleware(bulkhead.clone())
        .attempt_middleware(one_per_second(60 * SECOND));
    let client = client.build().unwrap();
    let calls = calls(&client, &runtime, 4);
    let expected = [("200", 0), ("200", 1000), ("Limit", 0), ("Limit", 0)];
    assert_eq!(outcomes(&calls), expected);
    assert_eq!(bulkhead.state(BASE).in_flight, 0);
}

/// The bulkhead is outside: a call that waits for its turn has its place already.
#[test]
fn who_waits_for_its_turn_holds_its_place() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::always(Reply::ok());
    let bulkhead = Bulkhead::builder().max_in_flight(2).max_waiting(0).build().unwrap();
    let client = client(&mock, &runtime)
        .attempt_middleware(bulkhead)
        .attempt_middleware(one_per_second(60 * SECOND));
    let calls = calls(&client.build().unwrap(), &runtime, 3);
    // The first is through at once, so its place is free again for the third.
    assert_eq!(outcomes(&calls), [("200", 0), ("200", 1000), ("200", 2000)]);
}

#[test]
fn the_timeout_says_that_it_was_the_queue() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::always(Reply::pending());
    let bulkhead = one_at_a_time();
    let holder = client(&mock, &runtime).attempt_middleware(bulkhead.clone()).build().unwrap();
    let waiter = client(&mock, &runtime).total_timeout(SECOND).attempt_middleware(bulkhead);
    let waiter = waiter.build().unwrap();
    let phase = runtime.block_on(async {
        let mut held = Box::pin(holder.get("/").send());
        assert!(held.as_mut().now_or_never().is_none());
        match waiter.get("/").send().await {
            Err(Error::Timeout(error)) => (error.kind(), error.phase(), error.sent()),
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(phase, (TimeoutKind::Total, Phase::Queue, Sent::No));
    assert_eq!(runtime.elapsed(), SECOND);
}

#[test]
fn a_call_that_ends_in_the_queue_may_have_sent_an_attempt_before() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::always(Reply::status(503));
    // Its second attempt would not wait for so long, but for somebody who is ahead and does not go.
    let (bulkhead, kept) = (one_at_a_time(), MockTransport::always(Reply::ok().body("kept")));
    let holder = client(&kept, &runtime).attempt_middleware(bulkhead.clone()).build().unwrap();
    let retrying = client(&mock, &runtime).retry(every_second()).total_timeout(5 * SECOND);
    let retrying = retrying.attempt_middleware(bulkhead).build().unwrap();
    let error = runtime.block_on(async {
        let mut call = Box::pin(retrying.get("/").send());
        assert!(call.as_mut().now_or_never().is_none(), "it waits for its second attempt");
        let _held = holder.get("/").send().await.unwrap();
        call.await.unwrap_err()
    });
    assert!(matches!(&error, Error::Timeout(error) if error.phase() == Phase::Queue), "{error:?}");
    assert_eq!(error.sent(), Sent::Maybe);
}

/// A call that is dropped in any queue leaves nothing behind.
#[test]
fn who_loses_interest_leaves_every_queue() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::always(Reply::pending());
    let (bulkhead, rate) = (one_at_a_time(), one_per_second(60 * SECOND));
    let client = client(&mock, &runtime)
        .attempt_middleware(bulkhead.clone())
        .attempt_middleware(rate.clone())
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut calls: Vec<_> = (0..5).map(|_| Box::pin(client.get("/").send())).collect();
        for call in &mut calls {
            assert!(call.as_mut().now_or_never().is_none());
        }
        let state = bulkhead.state(BASE);
        assert_eq!((state.in_flight, state.waiting), (1, 4));
        // The one in flight goes, and the next waits for the rate.
        drop(calls.remove(0));
        assert!(calls[0].as_mut().now_or_never().is_none());
        assert_eq!(rate.state(BASE, runtime.now()).waiting, 1);
        drop(calls);
        let state = bulkhead.state(BASE);
        assert_eq!((state.in_flight, state.waiting), (0, 0));
        assert_eq!(rate.state(BASE, runtime.now()).waiting, 0);
    });
}

/// A limit of the transport's own, of which it tells.
mod in_the_transport {
    use std::sync::{Arc, Mutex};

    use midil_http::{Body, Request, RetryEvent, RetryTransport, Transport, async_trait, in_line};
    use tokio::sync::{OwnedSemaphorePermit, Semaphore};

    use super::*;

    /// A transport with one place, which it needs until the head.
    struct OnePlace(MockTransport, Arc<Semaphore>);

    #[async_trait]
    impl Transport for OnePlace {
        async fn send(&self, request: Request) -> Result<http::Response<Body>, Error> {
            let _place = match self.1.try_acquire() {
                Ok(place) => place,
                Err(_) => in_line(self.1.acquire()).await.map_err(|_| Error::Closed)?,
            };
            self.0.send(request).await
        }
    }

    fn one_place(mock: &MockTransport) -> (OnePlace, Arc<Semaphore>) {
        let places = Arc::new(Semaphore::new(1));
        (OnePlace(mock.clone(), Arc::clone(&places)), places)
    }

    /// What a timeout says.
    fn said<T>(outcome: Result<T, Error>) -> (TimeoutKind, Phase, Sent) {
        match outcome {
            Err(Error::Timeout(error)) => (error.kind(), error.phase(), error.sent()),
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("no timeout"),
        }
    }

    #[test]
    fn the_time_without_progress_is_counted_from_the_turn_on() {
        let runtime = ManualRuntime::new();
        let (transport, places) = one_place(&taking(2 * SECOND, &runtime, 200));
        let client = over(transport).runtime(runtime.clone()).build().unwrap();
        let call =
            |held_for: Duration,
             change: fn(midil_http::RequestBuilder) -> midil_http::RequestBuilder| {
                let held = places.try_acquire().unwrap();
                let begun = runtime.elapsed();
                let leave = async {
                    runtime.sleep(held_for).await;
                    drop(held);
                };
                let call = change(client.get("/")).send();
                let (outcome, ()) = runtime.block_on(futures_util::future::join(call, leave));
                (outcome, runtime.elapsed() - begun)
            };
        let (outcome, after) = call(2 * SECOND, |call| call.timeout(3 * SECOND));
        assert_eq!((outcome.unwrap().status().as_u16(), after), (200, 4 * SECOND));
        // An attempt is not longer for that, and says where most of its time went.
        for (held_for, phase) in [(SECOND * 3 / 2, Phase::Head), (2 * SECOND, Phase::Queue)] {
            let (outcome, after) = call(held_for, |call| call.attempt_timeout(3 * SECOND));
            assert_eq!(said(outcome), (TimeoutKind::Attempt, phase, Sent::Maybe));
            assert_eq!(after, 3 * SECOND);
        }
    }

    /// A strategy whose hook takes the place, so that the next attempt waits.
    fn taking_the_place(places: &Arc<Semaphore>) -> DefaultRetryStrategy {
        let (places, taken) =
            (Arc::clone(places), Mutex::<Option<OwnedSemaphorePermit>>::default());
        let hook = move |_: &mut RetryEvent<'_>| {
            let place = Arc::clone(&places).try_acquire_owned().expect("it is free");
            *taken.lock().unwrap() = Some(place);
        };
        let strategy = DefaultRetryStrategy::builder().backoff(FixedDelayBackoff::new(SECOND));
        strategy.on_retry(hook).build().unwrap()
    }

    #[test]
    fn an_attempt_before_may_have_been_sent() {
        let runtime = ManualRuntime::new();
        let mock = MockTransport::always(Reply::status(503));
        let (transport, places) = one_place(&mock);
        let client = over(transport).runtime(runtime.clone()).retry(taking_the_place(&places));
        let client = client.total_timeout(5 * SECOND).build().unwrap();
        let outcome = runtime.block_on(client.get("/").send());
        assert_eq!(said(outcome), (TimeoutKind::Total, Phase::Queue, Sent::Maybe));
        assert_eq!(mock.request_count(), 1);
    }

    /// To the client it is one exchange, whatever its transport makes of it.
    #[test]
    fn what_a_transport_retries_may_have_been_sent() {
        let runtime = ManualRuntime::new();
        let mock = MockTransport::always(Reply::status(503));
        for timeout in [HttpClientBuilder::timeout, HttpClientBuilder::attempt_timeout] {
            let (transport, places) = one_place(&mock);
            let transport = RetryTransport::new(transport, taking_the_place(&places));
            let client = over(transport.with_runtime(runtime.clone())).runtime(runtime.clone());
            let client = timeout(client, 5 * SECOND).build().unwrap();
            let (_, phase, sent) = said(runtime.block_on(client.get("/").send()));
            assert_eq!((phase, sent), (Phase::Head, Sent::Maybe));
        }
    }
}

#[cfg(feature = "reqwest")]
mod on_the_wire {
    use std::sync::{Arc, Mutex};

    use midil_http::{
        CircuitState, FromSettings, ReqwestTransport, RetryEvent, Transport, TransportSettings,
    };
    use midil_http_test::fault_server::{FaultServer, Gate, Reply};

    use super::*;
    use crate::support::whole::{on_the_wire, timed_out, until};

    /// `max_connections` is the transport's limit; the client's clock runs while it is waited for.
    #[test]
    fn waiting_for_a_connection_is_within_the_total_timeout() {
        on_the_wire(async {
            let gate = Gate::new();
            let server = FaultServer::always(Reply::ok("hello").hold(&gate));
            let transport = ReqwestTransport::builder().max_connections(1).build().unwrap();
            let runtime = ManualRuntime::new();
            let client = HttpClient::builder(transport)
                .base_url(server.url())
                .retry(DefaultRetryStrategy::default())
                .runtime(runtime.clone())
                .build()
                .unwrap();
            let first = tokio::spawn(client.get("/").no_retry().timeout(Duration::MAX).send());
            until(|| server.request_count() == 1).await;
            let later = async { runtime.advance(5 * SECOND) };
            let call = client.get("/").total_timeout(5 * SECOND).send();
            let (second, ()) = tokio::join!(call, later);
            let (kind, after, _) = timed_out(second);
            assert_eq!((kind, after), (TimeoutKind::Total, 5 * SECOND));
            gate.open();
            assert_eq!(first.await.unwrap().unwrap().text().await.unwrap(), "hello");
            assert_eq!(server.request_count(), 1);
        });
    }

    /// A transport over each stack, each with one place.
    fn with_one_place() -> Vec<Arc<dyn Transport>> {
        fn one<T: FromSettings>() -> Arc<dyn Transport> {
            let mut settings = TransportSettings::default();
            settings.max_connections = 1;
            Arc::new(T::from_settings(&settings).expect("it works here"))
        }
        vec![
            one::<ReqwestTransport>(),
            #[cfg(feature = "hyper")]
            one::<midil_http::HyperTransport>(),
            #[cfg(feature = "isahc")]
            one::<midil_http::IsahcTransport>(),
        ]
    }

    /// A slow server has the only place. What another server never saw says nothing of it, and can be sent again.
    #[test]
    fn waiting_for_a_connection_is_no_failure_of_the_server() {
        on_the_wire(async {
            for transport in with_one_place() {
                let gate = Gate::new();
                let slow = FaultServer::always(Reply::ok("hello").hold_body_after(2, &gate));
                let healthy = FaultServer::always(Reply::ok("hello"));
                let (runtime, breaker) = (ManualRuntime::new(), CircuitBreaker::new(1, SECOND));
                let client = HttpClient::builder(transport)
                    .base_url(slow.url())
                    .allow_origin(healthy.url())
                    .attempt_middleware(breaker.clone())
                    .runtime(runtime.clone())
                    .build()
                    .unwrap();
                let held = client.get("/").timeout(Duration::MAX).send().await.unwrap();

                let call = || client.post(healthy.url()).body("once").timeout(Duration::MAX);
                for (kind, call) in [
                    (TimeoutKind::Progress, call().timeout(5 * SECOND)),
                    (TimeoutKind::Attempt, call().attempt_timeout(5 * SECOND)),
                    (TimeoutKind::Total, call().total_timeout(5 * SECOND)),
                ] {
                    let later = async { runtime.advance(5 * SECOND) };
                    let Err(Error::Timeout(error)) = tokio::join!(call.send(), later).0 else {
                        panic!("no timeout")
                    };
                    let seen = (error.kind(), error.phase(), error.sent());
                    assert_eq!(seen, (kind, Phase::Queue, Sent::No));
                    assert_eq!(breaker.state(&healthy.url()), CircuitState::Closed);
                    assert_eq!(healthy.request_count(), 0);
                }

                let held = Mutex::new(Some(held));
                let leave = move |_: &mut RetryEvent<'_>| drop(held.lock().unwrap().take());
                let strategy = DefaultRetryStrategy::builder().on_retry(leave);
                let strategy = strategy.backoff(FixedDelayBackoff::new(Duration::ZERO));
                let call = call().retry(strategy.build().unwrap()).timeout(5 * SECOND).send();
                let later = async { runtime.advance(5 * SECOND) };
                let response = tokio::join!(call, later).0.unwrap();
                assert_eq!((response.attempts(), healthy.request_count()), (2, 1));
            }
        });
    }
}
