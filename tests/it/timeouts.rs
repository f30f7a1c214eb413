//! Timeouts: what is a stall and what is not, which timeout fires, after how long, and in which phase.
#![cfg(all(feature = "reqwest", feature = "retry"))]

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, Stream, StreamExt, stream};
use midil_http::{
    Attempt, AuthError, AuthNProvider, AuthNToken, Body, Error, GiveUpReason, HttpClient,
    HttpClientBuilder, HttpConfig, Middleware, Next, Phase, Request, RequestBuilder, RetryDecision,
    RetryStrategy, Runtime, Sent, TimeoutKind, Transport, async_trait, middleware_fn,
};
use midil_http_test::fault_server::{Cut, FaultServer, Gate, Reply};
use midil_http_test::{ManualRuntime, MockTransport, Reply as Mocked};

use crate::support::whole::{
    Door, by_default, exhausted, of, on_the_wire, timed_out, until, until_left,
};
use crate::support::{build_error, over};

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn pieces(count: usize) -> impl Stream<Item = io::Result<&'static str>> + Send {
    stream::iter((0..count).map(|_| Ok("piece")))
}

/// A stream of so many pieces, each of which takes its time.
fn slowly(
    runtime: &ManualRuntime,
    pieces: usize,
    pause: Duration,
) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    let runtime = runtime.clone();
    stream::iter(0..pieces).then(move |_| runtime.sleep(pause).map(|()| Ok("piece".into())))
}

/// A peer that takes its time.
#[derive(Clone, Copy, Default)]
struct Peer {
    /// For each piece of a request's body, once it has it.
    taking: Duration,
    /// For the head.
    thinking: Duration,
    /// For each of so many pieces of a response's body.
    giving: (usize, Duration),
}

impl Peer {
    fn over(self, runtime: &ManualRuntime) -> HttpClientBuilder {
        let clock = runtime.clone();
        let transport = move |request: Request| {
            let clock = clock.clone();
            async move {
                let mut body = request.into_body();
                while body.chunk().await?.is_some() {
                    clock.sleep(self.taking).await;
                }
                clock.sleep(self.thinking).await;
                let (pieces, pause) = self.giving;
                Ok::<_, Error>(http::Response::new(Body::stream(slowly(&clock, pieces, pause))))
            }
        };
        over(transport).runtime(runtime.clone())
    }
}

/// Makes a call and reads all of its response.
async fn whole(call: RequestBuilder) -> Result<Bytes, Error> {
    call.send().await?.bytes().await
}

fn never() -> impl Transport {
    |_: Request| pending()
}

#[test]
fn without_progress_a_call_ends_after_30_s_and_says_so() {
    let runtime = ManualRuntime::new();
    let client = over(never()).runtime(runtime.clone()).build().unwrap();
    let error = runtime.block_on(client.get("/").send()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "timeout: no progress for 30s, when waiting for the response head; raise timeout or look at the server"
    );
    assert_eq!(timed_out(Err::<(), _>(error)), (TimeoutKind::Progress, seconds(30), Phase::Head));
    assert_eq!(runtime.elapsed(), seconds(30));
}

/// HTTP/1.1 asks for no more than the `Content-Length` that it has sent.
#[test]
fn a_stream_of_which_all_is_sent_is_no_longer_being_sent() {
    let runtime = ManualRuntime::new();
    let transport = |request: Request| async move {
        let mut body = request.into_body();
        while body.length() != Some(0) {
            body.chunk().await?;
        }
        drop(body);
        pending().await
    };
    let client = over(transport).runtime(runtime.clone()).build().unwrap();
    let outcome =
        runtime.block_on(client.put("/").body(Body::replayable(Some(10), || pieces(2))).send());
    assert_eq!(timed_out(outcome), (TimeoutKind::Progress, seconds(30), Phase::Head));
}

#[test]
fn a_body_that_was_read_to_its_end_stays_whole() {
    let runtime = ManualRuntime::new();
    let peer = Peer { giving: (2, seconds(1)), ..Peer::default() };
    let client = peer.over(&runtime).total_timeout(seconds(5)).build().unwrap();
    runtime.clone().block_on(async move {
        let mut response = client.get("/").send().await.unwrap();
        while response.chunk().await.unwrap().is_some() {}
        runtime.sleep(seconds(10)).await;
        assert_eq!(response.chunk().await.unwrap(), None);
    });
}

/// 5 830 s in all, with a timeout of 30 s.
#[test]
fn what_keeps_moving_lives_however_long_it_takes() {
    let pause = seconds(29);
    let peer = Peer { taking: pause, thinking: pause, giving: (100, pause) };
    let large = Bytes::from(vec![7; 100 * 64 * 1024]);
    for body in [
        Body::stream(pieces(100)),
        Body::replayable(Some(500), || pieces(100)),
        // It goes out in pieces, so that it is seen to move.
        Body::from(large),
    ] {
        let runtime = ManualRuntime::new();
        let client = peer.over(&runtime).build().unwrap();
        let shown = format!("{body:?}");
        let received = runtime.block_on(whole(client.put("/").body(body))).expect(&shown);
        assert_eq!(received.len(), 500);
        assert_eq!(runtime.elapsed(), pause * 201, "{shown}");
    }
}

#[test]
fn what_stops_moving_does_not() {
    let (quick, slow) = (seconds(29), seconds(31));
    for (peer, phase, elapsed) in [
        (Peer { taking: slow, ..Peer::default() }, Phase::Send, 30),
        (Peer { taking: quick, thinking: slow, ..Peer::default() }, Phase::Head, 29 + 29 + 30),
        (Peer { thinking: quick, giving: (9, slow), ..Peer::default() }, Phase::Body, 29 + 30),
    ] {
        let runtime = ManualRuntime::new();
        let client = peer.over(&runtime).build().unwrap();
        let two_pieces = vec![7; 128 * 1024];
        let outcome = runtime.block_on(whole(client.put("/").body(two_pieces)));
        assert_eq!(timed_out(outcome), (TimeoutKind::Progress, seconds(30), phase));
        assert_eq!(runtime.elapsed(), seconds(elapsed), "{phase:?}");
    }
}

#[test]
fn a_slow_producer_is_no_stall_of_the_peer() {
    let runtime = ManualRuntime::new();
    let client = Peer::default().over(&runtime).build().unwrap();
    let body = Body::stream(slowly(&runtime, 10, seconds(600)));
    runtime.block_on(whole(client.put("/").body(body))).unwrap();
    assert_eq!(runtime.elapsed(), seconds(6000));

    // From when it has gone on, the peer has its time again, and no more.
    let client = Peer { taking: seconds(31), ..Peer::default() }.over(&runtime).build().unwrap();
    let body = Body::stream(slowly(&runtime, 2, seconds(600)));
    let outcome = runtime.block_on(whole(client.put("/").body(body)));
    assert_eq!(timed_out(outcome), (TimeoutKind::Progress, seconds(30), Phase::Send));
    assert_eq!(runtime.elapsed(), seconds(6000 + 600 + 30));
}

#[test]
fn a_slow_reader_is_no_stall_of_the_peer() {
    let runtime = ManualRuntime::new();
    let client = Peer { giving: (4, seconds(20)), ..Peer::default() }.over(&runtime);
    let client = client.build().unwrap();
    runtime.block_on(async {
        let mut response = client.get("/").send().await.unwrap();
        runtime.sleep(seconds(600)).await;
        assert!(response.chunk().await.unwrap().is_some());
        // Somebody who asks, and does something else before the answer is there.
        assert!(response.chunk().now_or_never().is_none());
        runtime.sleep(seconds(600)).await;
        assert!(response.chunk().await.unwrap().is_some());
        runtime.sleep(seconds(600)).await;
        assert_eq!(response.bytes().await.unwrap().len(), 10);
    });
}

/// The head of the response is there at once, its body once that of the request has arrived, a piece every 20 s.
#[test]
fn an_upload_that_keeps_moving_after_the_head_is_progress_too() {
    let runtime = ManualRuntime::new();
    let clock = runtime.clone();
    let early = move |request: Request| {
        let clock = clock.clone();
        let taken = stream::once(async move {
            let mut body = request.into_body();
            while body.chunk().await?.is_some() {
                clock.sleep(seconds(20)).await;
            }
            Ok::<_, Error>("done")
        });
        std::future::ready(Ok(http::Response::new(Body::stream(taken))))
    };
    let client = over(early).runtime(runtime.clone()).build().unwrap();
    let call = client.put("/").body(Body::stream(pieces(10)));
    assert_eq!(runtime.block_on(whole(call)).unwrap(), "done");
    assert_eq!(runtime.elapsed(), seconds(200));
}

/// Sends back what comes, as it comes.
fn echo() -> impl Transport {
    |request: Request| std::future::ready(Ok(http::Response::new(request.into_body())))
}

#[test]
fn a_slow_producer_is_no_stall_of_a_peer_that_answers_as_it_reads() {
    let runtime = ManualRuntime::new();
    let client = over(echo()).runtime(runtime.clone()).build().unwrap();
    let body = Body::stream(slowly(&runtime, 10, seconds(600)));
    let received = runtime.block_on(whole(client.put("/").body(body)));
    assert_eq!(received.unwrap().len(), 50);
}

#[tokio::test]
async fn a_stream_that_fails_after_the_head_is_a_body_error_too() {
    let client = over(echo()).build().unwrap();
    let failing = stream::iter([Ok("some"), Err(io::Error::other("unplugged"))]);
    let error = whole(client.put("/").body(Body::stream(failing))).await.unwrap_err();
    assert!(matches!(error, Error::Body(_)), "{error:?}");
    let cause = std::error::Error::source(&error).unwrap();
    assert_eq!(cause.to_string(), "unplugged");
}

/// A provider that never comes to a token.
struct NoToken;

#[async_trait]
impl AuthNProvider for NoToken {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        pending().await
    }
}

/// A call that gets as far as `phase`, and no further.
fn stuck_in(phase: Phase) -> HttpClientBuilder {
    let answer = |status: u16| {
        move |_: Request| {
            let body = Body::stream(stream::pending::<io::Result<Bytes>>());
            let response = http::Response::builder().status(status).body(body);
            std::future::ready(Ok(response.expect("a valid response")))
        }
    };
    match phase {
        Phase::Queue => over(never()).attempt_middleware(middleware_fn(|_, _| Box::pin(pending()))),
        Phase::Credentials => over(never()).auth(NoToken),
        Phase::Send => over(|request: Request| async move {
            request.into_body().chunk().await?;
            pending().await
        }),
        Phase::Head => over(never()),
        Phase::Body => over(answer(200)),
        // While the discarded response is drained.
        Phase::Backoff => over(answer(503))
            .retry(|_: &Attempt<'_>| RetryDecision::Retry { after: Duration::ZERO }),
        other => panic!("{other:?} is the transport's own"),
    }
}

/// Sets a timeout, for a client or for a call.
fn set(builder: HttpClientBuilder, kind: TimeoutKind, limit: Duration) -> HttpClientBuilder {
    match kind {
        TimeoutKind::Progress => builder.timeout(limit),
        TimeoutKind::Attempt => builder.attempt_timeout(limit),
        _ => builder.total_timeout(limit),
    }
}

fn set_for_call(call: RequestBuilder, kind: TimeoutKind, limit: Duration) -> RequestBuilder {
    match kind {
        TimeoutKind::Progress => call.timeout(limit),
        TimeoutKind::Attempt => call.attempt_timeout(limit),
        _ => call.total_timeout(limit),
    }
}

const KINDS: [TimeoutKind; 3] = [TimeoutKind::Progress, TimeoutKind::Attempt, TimeoutKind::Total];

/// What `kind`, set to `limit`, comes to for a call that is stuck in `phase`.
#[track_caller]
fn check(kind: TimeoutKind, phase: Phase) {
    const LIMIT: Duration = Duration::from_millis(50);
    let runtime = ManualRuntime::new();
    let builder = || stuck_in(phase).runtime(runtime.clone()).no_timeout();
    let clients = [builder(), set(builder(), kind, LIMIT), set(builder(), kind, seconds(1))];
    for (number, builder) in clients.into_iter().enumerate() {
        let started = runtime.elapsed();
        let client = builder.build().expect("a good client");
        let mut call = match phase {
            Phase::Send => client.put("/").body(Body::stream(pieces(2))),
            _ => client.put("/"),
        };
        if number != 1 {
            call = set_for_call(call, kind, LIMIT); // wins over the client's
        }
        let outcome = runtime.block_on(whole(call));
        let nothing_sent = matches!(phase, Phase::Queue | Phase::Credentials);
        let sent = outcome.as_ref().err().map(Error::sent);
        assert_eq!(sent, Some(if nothing_sent { Sent::No } else { Sent::Maybe }));
        assert_eq!(timed_out(outcome), (kind, LIMIT, phase));
        assert_eq!(runtime.elapsed() - started, LIMIT);
        assert_eq!(runtime.timers(), 0, "somebody is still waiting");
    }
}

#[test]
fn an_attempt_is_bounded_wherever_the_peer_keeps_it_waiting() {
    for kind in KINDS {
        for phase in [Phase::Head, Phase::Body] {
            check(kind, phase);
        }
    }
    check(TimeoutKind::Progress, Phase::Send);
    check(TimeoutKind::Attempt, Phase::Send);
}

#[test]
fn a_call_is_bounded_wherever_it_waits() {
    for phase in [Phase::Queue, Phase::Credentials, Phase::Backoff] {
        check(TimeoutKind::Total, phase);
    }
}

#[test]
fn a_call_that_ends_in_its_upload_says_so() {
    check(TimeoutKind::Total, Phase::Send);
}

#[test]
fn a_timeout_of_a_call_wins_over_that_of_its_client() {
    for kind in KINDS {
        for (of_client, of_call) in [(10, 20), (20, 10)] {
            let runtime = ManualRuntime::new();
            let client =
                set(over(never()).runtime(runtime.clone()).no_timeout(), kind, seconds(of_client));
            let call = set_for_call(client.build().unwrap().get("/"), kind, seconds(of_call));
            let outcome = runtime.block_on(call.send());
            assert_eq!(timed_out(outcome), (kind, seconds(of_call), Phase::Head));
            assert_eq!(runtime.elapsed(), seconds(of_call));
        }
    }
}

#[tokio::test]
async fn a_timeout_of_zero_is_refused_wherever_it_is_set() {
    let names = ["timeout", "attempt_timeout", "total_timeout"];
    for (kind, name) in KINDS.into_iter().zip(names) {
        let problem = build_error(set(over(never()), kind, Duration::ZERO).build());
        assert!(problem.starts_with(&format!("{name} is zero")), "{problem}");
        let client = over(never()).build().unwrap();
        let problem = build_error(set_for_call(client.get("/"), kind, Duration::ZERO).send().await);
        assert!(problem.starts_with(&format!("{name} is zero")), "{problem}");
        for bad in ["0", "-1", "-0.0", "1e999", "1e300"] {
            let text = format!("{{ \"{name}\": {bad} }}");
            let config = serde_json::from_str::<HttpConfig>(&text);
            assert!(config.is_err(), "{text}: {config:?}");
        }
    }
    let nothing = HttpConfig::builder().timeout(Duration::ZERO).build();
    assert!(build_error(nothing).starts_with("timeout is zero"));
}

#[test]
fn the_longest_timeout_does_not_overflow() {
    for kind in KINDS {
        let runtime = ManualRuntime::new();
        let client = set(
            Peer { thinking: seconds(1 << 20), ..Peer::default() }.over(&runtime).no_timeout(),
            kind,
            Duration::MAX,
        );
        let call = set_for_call(client.build().unwrap().get("/"), kind, Duration::MAX);
        runtime.block_on(whole(call)).unwrap();
    }
}

#[test]
fn each_attempt_has_its_own_time_and_the_call_has_one() {
    for kind in [TimeoutKind::Progress, TimeoutKind::Attempt] {
        let runtime = ManualRuntime::new();
        let client = set(over(never()).runtime(runtime.clone()), kind, seconds(10));
        let client = client.retry(by_default()).build().unwrap();
        let exhausted = exhausted(runtime.block_on(client.get("/").send()));
        assert_eq!((exhausted.attempts(), runtime.elapsed()), (3, seconds(30)));
        assert!(Error::from(exhausted).is_timeout());

        // What may have been done already is not done again.
        let outcome = runtime.block_on(client.post("/").send());
        assert_eq!(timed_out(outcome), (kind, seconds(10), Phase::Head));

        let call = client.get("/").total_timeout(seconds(25));
        let outcome = runtime.block_on(call.send());
        assert_eq!(timed_out(outcome), (TimeoutKind::Total, seconds(25), Phase::Head));
        assert_eq!(runtime.elapsed(), seconds(30 + 10 + 25));
    }
}

#[test]
fn redirects_are_bounded_by_the_time_of_the_call() {
    let runtime = ManualRuntime::new();
    let moved = Mocked::status(302).header("location", "/next");
    let mock = MockTransport::always(moved.delayed(seconds(2), runtime.clone()));
    let client = over(mock.clone()).runtime(runtime.clone()).build().unwrap();
    let outcome = runtime.block_on(client.get("/").total_timeout(seconds(5)).send());
    assert_eq!(timed_out(outcome), (TimeoutKind::Total, seconds(5), Phase::Head));
    assert_eq!((mock.request_count(), runtime.elapsed()), (3, seconds(5)));
}

#[test]
fn what_was_handed_over_is_not_sent_again() {
    for kind in KINDS {
        let runtime = ManualRuntime::new();
        let count = Arc::new(AtomicUsize::new(0));
        let sent = Arc::clone(&count);
        let counting = move |_: Request| {
            sent.fetch_add(1, Ordering::Relaxed);
            let body = Body::stream(stream::pending::<io::Result<Bytes>>());
            std::future::ready(Ok(http::Response::new(body)))
        };
        let client = set(over(counting).runtime(runtime.clone()), kind, seconds(5));
        let client = client.retry(by_default()).build().unwrap();
        let outcome = runtime.block_on(whole(client.get("/")));
        assert_eq!(timed_out(outcome), (kind, seconds(5), Phase::Body));
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }
}

/// A body that is handed over carries what is left of each timeout: when it stalls, this is left.
#[test]
fn a_body_has_what_is_left() {
    type Set = fn(HttpClientBuilder) -> HttpClientBuilder;
    let rows: [(Set, TimeoutKind, u64); 7] = [
        // The head of the last request comes 10 s after it, and one piece of the body 10 s after that.
        (|client| client.timeout(seconds(15)), TimeoutKind::Progress, 10 + 10 + 15),
        (|client| client.no_timeout().attempt_timeout(seconds(25)), TimeoutKind::Attempt, 25),
        (|client| client.no_timeout().total_timeout(seconds(35)), TimeoutKind::Total, 35 - 20),
        (
            |client| client.timeout(seconds(12)).attempt_timeout(seconds(25)),
            TimeoutKind::Attempt,
            25,
        ),
        (
            |client| client.attempt_timeout(seconds(31)).total_timeout(seconds(50)),
            TimeoutKind::Total,
            30,
        ),
        (
            |client| client.attempt_timeout(seconds(29)).total_timeout(seconds(50)),
            TimeoutKind::Attempt,
            29,
        ),
        (
            |client| client.timeout(seconds(11)).total_timeout(seconds(1 << 40)),
            TimeoutKind::Progress,
            31,
        ),
    ];
    for (row, (set, kind, left)) in rows.into_iter().enumerate() {
        let runtime = ManualRuntime::new();
        let clock = runtime.clone();
        let count = AtomicUsize::new(0);
        let transport = move |_: Request| {
            let number = count.fetch_add(1, Ordering::Relaxed);
            let clock = clock.clone();
            async move {
                clock.sleep(seconds(10)).await;
                let piece = slowly(&clock, 1, seconds(10));
                let response = match number {
                    0 => http::Response::builder().status(503),
                    1 => http::Response::builder().status(302).header("location", "/b"),
                    _ => {
                        return Ok(http::Response::new(Body::stream(
                            piece.chain(stream::pending()),
                        )));
                    }
                };
                Ok::<_, Error>(response.body(Body::empty()).expect("a valid response"))
            }
        };
        let client = set(over(transport).runtime(runtime.clone())).retry(by_default());
        let client = client.build().unwrap();
        let outcome = runtime.block_on(whole(client.get("/a")));
        let (fired, _, phase) = timed_out(outcome);
        assert_eq!((fired, phase), (kind, Phase::Body), "row {row}");
        // A redirect and a retry went before.
        assert_eq!(runtime.elapsed(), seconds(20 + left), "row {row}");
    }
}

#[test]
fn the_body_of_a_middleware_is_bounded_by_the_time_of_the_call_too() {
    struct Own;

    #[async_trait]
    impl Middleware for Own {
        async fn handle(&self, _: Request, _: Next<'_>) -> Result<http::Response<Body>, Error> {
            Ok(http::Response::new(Body::stream(stream::pending::<io::Result<Bytes>>())))
        }
    }

    let runtime = ManualRuntime::new();
    let client = over(never()).runtime(runtime.clone()).attempt_middleware(Own);
    let client = client.total_timeout(seconds(7)).build().unwrap();
    let outcome = runtime.block_on(whole(client.get("/")));
    assert_eq!(timed_out(outcome), (TimeoutKind::Total, seconds(7), Phase::Body));
}

/// Whatever the strategy says: the loop cannot be talked out of it.
#[test]
fn a_wait_that_would_go_past_the_end_of_the_call_is_not_begun() {
    let busy = || Mocked::status(503).header("retry-after", "3");
    let obstinate = |_: &Attempt<'_>| RetryDecision::Retry { after: seconds(3) };
    for door in Door::BOTH {
        for (total, attempts, elapsed) in [(1, 1, 0), (3, 1, 0), (5, 2, 3)] {
            let strategies: [Arc<dyn RetryStrategy>; 2] =
                [Arc::new(by_default()), Arc::new(obstinate)];
            for strategy in strategies {
                let runtime = ManualRuntime::new();
                let mock = MockTransport::always(busy());
                let client = door.client(mock.clone(), strategy, &runtime).build().unwrap();
                let call = client.get("/").total_timeout(seconds(total));
                let exhausted = exhausted(runtime.block_on(call.send()));
                let GiveUpReason::Deadline { wait, remaining } = exhausted.reason() else {
                    panic!("{exhausted:?}")
                };
                assert!(wait >= remaining && *wait >= seconds(3), "{wait:?}, {remaining:?}");
                assert_eq!(
                    (exhausted.attempts(), mock.request_count()),
                    (attempts, usize::try_from(attempts).unwrap())
                );
                let spent = (runtime.elapsed(), *remaining);
                assert!((seconds(elapsed)..seconds(elapsed) + seconds(1)).contains(&spent.0));
                assert_eq!(spent.0 + spent.1, seconds(total), "{door:?}");
            }
        }
    }
}

/// What the last response of a call that was given up has to say is waited for as long as there is time.
#[test]
fn a_call_that_is_given_up_says_so_though_its_last_response_stalls() {
    let runtime = ManualRuntime::new();
    let pieces = || pieces(1).chain(stream::pending());
    let busy = Mocked::status(503).header("retry-after", "5");
    let mock = MockTransport::always(busy.body(Body::replayable(None, pieces)));
    let client = over(mock).retry(by_default()).runtime(runtime.clone());
    let call = client.build().unwrap().get("/").total_timeout(Duration::from_millis(500));
    let exhausted = exhausted(runtime.block_on(call.send()));
    assert!(matches!(exhausted.reason(), GiveUpReason::Deadline { .. }), "{exhausted:?}");
    assert!(runtime.elapsed() <= Duration::from_millis(500));
}

/// Over a transport that retries, it is the upload of the last attempt that counts.
#[test]
fn an_upload_that_is_sent_again_is_an_upload() {
    let runtime = ManualRuntime::new();
    let count = AtomicUsize::new(0);
    let transport = move |request: Request| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        async move {
            let mut body = request.into_body();
            while body.chunk().await?.is_some() {
                if number == 1 {
                    pending().await
                }
            }
            Ok(http::Response::builder().status(503).body(Body::empty()).expect("a response"))
        }
    };
    let strategy = by_default();
    let client = Door::Transport.client(transport, strategy, &runtime).build().unwrap();
    let outcome = runtime.block_on(client.put("/").body(vec![7; 128 * 1024]).send());
    assert_eq!(timed_out(outcome), (TimeoutKind::Progress, seconds(30), Phase::Send));
}

/// Nobody waits for an exchange that has run out of time: it is dropped.
#[test]
fn what_has_run_out_of_time_is_broken_off() {
    let held = Arc::new(());
    for phase in [Phase::Head, Phase::Body] {
        for kind in KINDS {
            let runtime = ManualRuntime::new();
            let guard = Arc::clone(&held);
            let transport = move |_: Request| {
                let guard = Arc::clone(&guard);
                async move {
                    if phase == Phase::Head {
                        let _guard = guard;
                        return pending().await;
                    }
                    let held = stream::poll_fn(move |_| {
                        let _ = &guard;
                        std::task::Poll::<Option<io::Result<Bytes>>>::Pending
                    });
                    Ok::<_, Error>(http::Response::new(Body::stream(held)))
                }
            };
            let client = set(over(transport).runtime(runtime.clone()), kind, seconds(5));
            let client = client.build().unwrap();
            runtime.block_on(async {
                let response = client.get("/").send().await;
                let response = match phase {
                    Phase::Head => return assert!(response.unwrap_err().is_timeout()),
                    _ => &mut response.unwrap(),
                };
                assert!(response.chunk().await.unwrap_err().is_timeout());
                // The response is still there; what it held is not.
                assert_eq!(Arc::strong_count(&held), 2);
            });
            assert_eq!((Arc::strong_count(&held), runtime.timers()), (2, 0), "{kind:?}, {phase:?}");
        }
    }
}

/// On real sockets, time moves when the test says so.
fn timed(server: &FaultServer) -> (ManualRuntime, HttpClient) {
    let runtime = ManualRuntime::new();
    let client = of(server).runtime(runtime.clone()).build().expect("a good client");
    (runtime, client)
}

#[test]
fn a_server_that_does_not_answer_is_left() {
    let timeout = |phase| (TimeoutKind::Progress, seconds(30), phase);
    on_the_wire(async {
        for reply in [Reply::stall(), Reply::ok("hello").cut_head_after(9, Cut::Stall)] {
            let server = FaultServer::always(reply);
            let (runtime, client) = timed(&server);
            let call = tokio::spawn(client.get("/").send());
            until(|| server.request_count() == 1 && runtime.timers() == 1).await;
            runtime.advance(seconds(30));
            assert_eq!(timed_out(call.await.unwrap()), timeout(Phase::Head));
            until_left(&server).await;
        }
        for sent in ["", "he"] {
            let server = FaultServer::always(Reply::ok("hello").stall_body_after(sent.len()));
            let (runtime, client) = timed(&server);
            let mut response = client.get("/").send().await.unwrap();
            if !sent.is_empty() {
                assert_eq!(response.chunk().await.unwrap().unwrap(), sent);
            }
            let later = async { runtime.advance(seconds(30)) };
            let (outcome, ()) = tokio::join!(response.chunk(), later);
            assert_eq!(timed_out(outcome), timeout(Phase::Body));
            until_left(&server).await;
        }
    });
}

#[test]
fn a_server_that_stops_reading_is_left() {
    on_the_wire(async {
        let server = FaultServer::always(Reply::stall().stop_reading());
        let (runtime, client) = timed(&server);
        let taken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&taken);
        let endless = stream::repeat_with(move || {
            count.fetch_add(1, Ordering::Relaxed);
            Ok::<_, io::Error>(Bytes::from_static(&[7; 64 * 1024]))
        });
        let call = tokio::spawn(client.put("/").body(Body::stream(endless)).send());
        // The buffers are filled: nothing was taken for many turns.
        let mut still = 0;
        while still < 1000 || taken.load(Ordering::Relaxed) == 0 {
            let before = taken.load(Ordering::Relaxed);
            tokio::task::yield_now().await;
            still = if before == taken.load(Ordering::Relaxed) { still + 1 } else { 0 };
        }
        // Some 5 MB of an upload may sit in buffers.
        let buffered = taken.load(Ordering::Relaxed) * 64 * 1024;
        assert!(buffered < 16 << 20, "{buffered} bytes");
        runtime.advance(seconds(30));
        let outcome = call.await.unwrap();
        assert_eq!(timed_out(outcome), (TimeoutKind::Progress, seconds(30), Phase::Send));
    });
}

/// hyper reads the body on a task of its own.
#[test]
fn over_real_sockets_a_slow_producer_is_no_stall_either() {
    on_the_wire(async {
        let server = FaultServer::always(Reply::ok("thanks"));
        let (runtime, client) = timed(&server);
        let (asked, clock) = (Arc::new(AtomicBool::new(false)), runtime.clone());
        let flag = Arc::clone(&asked);
        let pieces = stream::iter(0..5).then(move |_| {
            let sleep = clock.sleep(seconds(600));
            flag.store(true, Ordering::Relaxed);
            sleep.map(|()| Ok::<_, io::Error>("piece"))
        });
        let call = tokio::spawn(whole(client.put("/").body(Body::stream(pieces))));
        for _ in 0..5 {
            until(|| asked.swap(false, Ordering::Relaxed)).await;
            // It has been polled, and everybody has seen so.
            for _ in 0..5 {
                tokio::task::yield_now().await;
            }
            runtime.advance(seconds(600));
        }
        assert_eq!(call.await.unwrap().unwrap(), "thanks");
        assert_eq!(server.requests()[0].body_bytes_received(), 25);
    });
}

#[test]
fn over_real_sockets_a_slow_reader_is_no_stall_either() {
    on_the_wire(async {
        let gates: Vec<_> = (0..2).map(|_| Gate::new()).collect();
        let server =
            FaultServer::always(Reply::ok("12345").hold(&gates[0]).hold_body_after(2, &gates[1]));
        let (runtime, client) = timed(&server);
        let call = tokio::spawn(client.get("/").send());
        until(|| server.request_count() == 1 && runtime.timers() == 1).await;
        runtime.advance(seconds(29));
        gates[0].open();
        let mut response = call.await.unwrap().unwrap();
        runtime.advance(seconds(600));
        assert_eq!(response.chunk().await.unwrap().unwrap(), "12");
        runtime.advance(seconds(600));
        gates[1].open();
        assert_eq!(response.bytes().await.unwrap(), "345");
    });
}
