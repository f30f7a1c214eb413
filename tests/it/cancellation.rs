//! Cancellation: a call that is dropped, wherever it waits, leaves nothing behind.
#![cfg(all(feature = "reqwest", feature = "retry"))]

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, Stream, StreamExt, stream};
use http::{HeaderValue, StatusCode};
use midil_http::{
    AuthError, AuthNHeaders, AuthNProvider, AuthNToken, Body, Error, FixedDelayBackoff, HttpClient,
    Next, OwnedRetryEvent, Request, RequestHead, ReqwestTransport, RetryBudget, Runtime, Transport,
    async_retry_hook, async_trait,
};
use midil_http_test::ManualRuntime;
use midil_http_test::fault_server::{Cut, FaultServer, Gate, Received, Reply, Script};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use crate::support::whole::{Door, at_once, by_default, on_the_wire, until, until_left};
use crate::support::{Tokens, over};

const HELLO: &str = "hello, world";

/// Gives the others a turn: a place where a call can be dropped.
async fn turn() {
    let mut had = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut had, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Whoever has a share is under way.
type Share = Arc<()>;

/// "hello, world" in three pieces, each of which takes a turn.
fn hello(
    share: Share,
    permit: Option<OwnedSemaphorePermit>,
) -> impl Stream<Item = io::Result<&'static str>> + Send {
    let held = (share, permit);
    stream::iter(["hello", ", ", "world"]).then(move |piece| {
        let _ = &held;
        async move {
            turn().await;
            Ok(piece)
        }
    })
}

/// Takes one request at a time: reads it piece by piece, and has the call go all the ways that there are.
///
/// The first attempt comes to a 503, the second to a redirect, the third to a 401, the fourth to a response.
struct Server {
    share: Share,
    places: Arc<Semaphore>,
    sent: Arc<AtomicUsize>,
}

#[async_trait]
impl Transport for Server {
    async fn send(&self, request: Request) -> Result<http::Response<Body>, Error> {
        let _share = Arc::clone(&self.share);
        let permit = Arc::clone(&self.places).acquire_owned().await.expect("it is never closed");
        self.sent.fetch_add(1, Ordering::Relaxed);
        turn().await;
        let (head, mut body) = request.into_parts();
        let mut read = Vec::new();
        while let Some(piece) = body.chunk().await? {
            turn().await;
            read.extend_from_slice(&piece);
        }
        assert_eq!(read, HELLO.as_bytes());
        turn().await;
        let response = http::Response::builder();
        let response = match (head.url.path(), head.headers.contains_key("x-retry")) {
            ("/v1/a", false) => response.status(503),
            ("/v1/a", true) => response.status(307).header("location", "/v1/b"),
            (_, _) if head.headers["authorization"] == "Bearer t3" => response.status(401),
            (_, _) => response.status(200),
        };
        let body = Body::stream(hello(Arc::clone(&self.share), Some(permit)));
        Ok(response.body(body).expect("a valid response"))
    }
}

/// A provider that takes its time.
struct Slow(Tokens, Share);

#[async_trait]
impl AuthNProvider for Slow {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        self.0.get_token().await
    }

    async fn get_headers(&self, head: &RequestHead) -> Result<AuthNHeaders, AuthError> {
        let _share = Arc::clone(&self.1);
        turn().await;
        self.0.get_headers(head).await
    }

    fn invalidate(&self, rejected: &AuthNHeaders) {
        self.0.invalidate(rejected);
    }
}

/// A middleware that waits before and after.
async fn patient(request: Request, next: Next<'_>) -> Result<http::Response<Body>, Error> {
    turn().await;
    let outcome = next.run(request).await;
    turn().await;
    outcome
}

/// A client with everything that can hold a call up, and what would tell if a call left something behind.
struct World {
    runtime: ManualRuntime,
    client: HttpClient,
    budget: RetryBudget,
    share: Share,
    places: Arc<Semaphore>,
    sent: Arc<AtomicUsize>,
    /// How many shares there are when nothing is under way.
    idle: usize,
}

impl World {
    fn new(door: Door) -> Self {
        let (runtime, share, sent) =
            (ManualRuntime::new(), Share::default(), Arc::<AtomicUsize>::default());
        let (places, budget) = (Arc::new(Semaphore::new(1)), RetryBudget::default());
        let server = Server {
            share: Arc::clone(&share),
            places: Arc::clone(&places),
            sent: Arc::clone(&sent),
        };
        let of_hook = Arc::clone(&share);
        let hook = async_retry_hook(move |mut event: OwnedRetryEvent| {
            let share = Arc::clone(&of_hook);
            async move {
                turn().await;
                drop(share);
                event.request.headers.insert("x-retry", HeaderValue::from_static("1"));
                event.request
            }
        });
        let strategy = at_once()
            .backoff(FixedDelayBackoff::new(Duration::from_secs(1)))
            .budget(budget.clone())
            .on_retry(hook)
            .build()
            .expect("a good strategy");
        let client = door
            .client(server, strategy, &runtime)
            .auth(Slow(Tokens::default(), Arc::clone(&share)))
            .middleware(patient)
            .attempt_middleware(patient)
            .attempt_timeout(Duration::from_secs(60))
            .total_timeout(Duration::from_secs(600))
            .build()
            .expect("a good client");
        let idle = Arc::strong_count(&share);
        Self { runtime, client, budget, share, places, sent, idle }
    }

    /// A call that goes all ways, to the end of its response.
    fn call(&self) -> impl Future<Output = Result<Bytes, Error>> + Send + use<> {
        let share = Arc::clone(&self.share);
        let body = Body::replayable(None, move || hello(Arc::clone(&share), None));
        let call = self.client.put("/a").body(body);
        async move { call.send().await?.error_for_status().await?.bytes().await }
    }

    /// Polls `future` up to so many times; time moves on when nothing else does.
    fn drive<F: Future>(&self, future: F, polls: usize) -> Option<F::Output> {
        let mut future = pin!(future);
        let woken = Arc::new(Woken::default());
        for _ in 0..polls {
            let waker = Waker::from(Arc::clone(&woken));
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Some(output);
            }
            if !woken.0.swap(false, Ordering::Relaxed) {
                self.runtime.advance_to_next_timer().expect("somebody is waited for");
            }
        }
        None
    }

    /// Nothing is under way, and nothing waits.
    #[track_caller]
    fn assert_idle(&self, after: usize) {
        assert_eq!(Arc::strong_count(&self.share), self.idle, "after {after} polls");
        assert_eq!(self.places.available_permits(), 1, "after {after} polls");
        let waiting = (self.runtime.timers(), self.runtime.tasks());
        assert_eq!(waiting, (0, 0), "timers and tasks, after {after} polls");
    }

    fn tokens(&self) -> f64 {
        let url = Url::parse("https://api.test/").expect("a valid URL");
        self.budget.available(&url, self.runtime.now())
    }
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Drops calls after ever more polls, until one comes to its end.
fn drop_everywhere(door: Door, check: impl Fn(&World, usize)) {
    for polls in 0.. {
        let world = World::new(door);
        match world.drive(world.call(), polls) {
            None => check(&world, polls),
            Some(outcome) => {
                assert_eq!(outcome.expect("it goes well"), HELLO);
                // The mark of the hook goes no further than the wrapper: from there, the replay is not needed.
                let sent = if door == Door::Client { 4 } else { 3 };
                assert_eq!(world.sent.load(Ordering::Relaxed), sent);
                assert!(polls > 40, "{polls} places to be dropped at");
                return;
            }
        }
    }
}

#[test]
fn a_call_that_is_dropped_leaves_nothing_behind_and_the_next_goes_through() {
    for door in Door::BOTH {
        drop_everywhere(door, |world, polls| {
            world.assert_idle(polls);
            let next = world.drive(world.call(), 10_000).expect("it comes to its end");
            assert_eq!(next.unwrap(), HELLO);
            world.assert_idle(polls);
        });
    }
}

/// A token that was taken stays spent, and no more than that.
#[test]
fn a_call_that_is_dropped_has_spent_the_retry_that_was_decided_upon_at_most() {
    drop_everywhere(Door::Client, |world, polls| {
        let spent = if world.sent.load(Ordering::Relaxed) > 0 { 1.0 } else { 0.0 };
        let tokens = world.tokens();
        assert!(tokens >= 10.0 - spent, "{tokens} tokens after {polls} polls");
    });
}

/// One piece at a time, and each is asked for twice.
#[test]
fn a_reader_that_is_dropped_loses_nothing() {
    let world = World::new(Door::Client);
    let mut response =
        world.drive(world.client.put("/a").body(HELLO).send(), 10_000).unwrap().unwrap();
    let mut read = Vec::new();
    loop {
        assert!(world.drive(response.chunk(), 1).is_none(), "it takes a turn");
        match world.drive(response.chunk(), 1).unwrap().unwrap() {
            Some(chunk) => read.extend_from_slice(&chunk),
            None => break,
        }
        if read.len() == HELLO.len() {
            break;
        }
    }
    assert_eq!(read, HELLO.as_bytes());
    drop(response);
    world.assert_idle(0);

    let mut response =
        world.drive(world.client.put("/a").body(HELLO).send(), 10_000).unwrap().unwrap();
    let mut read = Vec::new();
    while world.drive(response.read_to_end(&mut read), 1).is_none() {}
    assert_eq!(read, HELLO.as_bytes());
}

#[test]
fn a_response_that_is_dropped_before_its_end_leaves_nothing_behind() {
    for polls in 0..3 {
        let world = World::new(Door::Client);
        let call = world.client.put("/a").body(HELLO).send();
        let response = world.drive(call, 10_000).unwrap().unwrap();
        assert_eq!(world.places.available_permits(), 0);
        assert!(world.drive(response.bytes(), polls).is_none());
        world.assert_idle(polls);
    }
}

/// Lets `future` have so many turns; `None` when that was not enough.
async fn turns<F: Future>(future: F, turns: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = turns;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

fn one_at_a_time() -> ReqwestTransport {
    ReqwestTransport::builder().max_connections(1).build().expect("good settings")
}

fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// A call that goes all ways, over one connection at a time, dropped at each of its turns.
#[test]
fn over_real_sockets_nothing_is_left_behind_either() {
    let answer = |request: &Received| {
        let marked = request.header("x-retry").is_some();
        match (request.target(), marked) {
            ("/a", false) => Reply::status(503).body("busy"),
            ("/a", true) => Reply::status(307).header("location", "/b").body("over there"),
            _ if request.header("authorization") == Some("Bearer t3") => {
                Reply::status(401).body("who?")
            }
            _ => Reply::ok("").chunked(["hello", ", ", "world"]),
        }
    };
    on_the_wire(async {
        let server = FaultServer::start(Script::respond_with(answer));
        let transport = one_at_a_time();
        let mut places = 0;
        for limit in 1.. {
            let mark = |event: &mut midil_http::RetryEvent<'_>| {
                event.request.headers.insert("x-retry", HeaderValue::from_static("1"));
            };
            let strategy = at_once().no_budget().on_retry(mark).build().unwrap();
            let client = HttpClient::builder(transport.clone())
                .base_url(server.url())
                .auth(Tokens::default())
                .retry(strategy)
                .runtime(ManualRuntime::new())
                .build()
                .unwrap();
            let call = || {
                let body =
                    Body::replayable(None, || stream::iter(["ab", "cd"].map(Ok::<_, io::Error>)));
                let call = client.put("/a").body(body);
                async move { call.send().await?.error_for_status().await?.bytes().await }
            };
            let outcome = turns(call(), limit).await;
            let complete = outcome.is_some();
            assert_eq!(outcome.unwrap_or(Ok(HELLO.into())).unwrap(), HELLO);
            // There is but one place.
            assert_eq!(call().await.unwrap(), HELLO, "after {limit} turns");
            if complete {
                places = limit;
                break;
            }
        }
        assert!(places > 4, "{places} places");
        // What is left are connections that may be used again (a connect that was under way comes to its end), with a
        // task each, and the one task of their pool.
        until(|| server.open_connections() <= 2 && tasks() <= server.open_connections() + 1).await;
    });
}

/// Where a call waits for its peer, dropping it breaks the exchange off: the server sees the end of the connection.
#[test]
fn an_exchange_that_is_dropped_is_broken_off_on_the_wire() {
    let endless = || stream::repeat_with(|| Ok::<_, io::Error>(Bytes::from_static(&[7; 1000])));
    let arrived = |server: &FaultServer| server.request_count() == 1;
    let uploading = |server: &FaultServer| server.body_bytes_received() > 100_000;
    type Seen = fn(&FaultServer) -> bool;
    let rows: [(&str, Reply, Option<Body>, Seen); 4] = [
        ("the head", Reply::stall(), None, arrived),
        ("the rest of the head", Reply::ok("").cut_head_after(9, Cut::Stall), None, arrived),
        ("the upload", Reply::ok("never"), Some(Body::stream(endless())), uploading),
        (
            "the producer",
            Reply::ok("never"),
            Some(Body::stream(
                stream::once(async { Ok::<_, io::Error>("some") }).chain(stream::pending()),
            )),
            arrived,
        ),
    ];
    on_the_wire(async {
        for (waiting_for, reply, body, seen) in rows {
            let server = FaultServer::start([reply, Reply::ok("next")]);
            let client = HttpClient::builder(one_at_a_time()).base_url(server.url());
            let client = client.runtime(ManualRuntime::new()).build().unwrap();
            let call = client.put("/").body(body.unwrap_or_default());
            tokio::select! {
                outcome = call.send() => panic!("{waiting_for}: {outcome:?}"),
                () = until(|| seen(&server)) => {}
            }
            until_left(&server).await;
            assert!(waiting_for.contains("head") || !server.requests()[0].body_complete());
            assert_eq!(client.get("/").send().await.unwrap().text().await.unwrap(), "next");
        }
    });
}

#[test]
fn who_waits_for_a_place_may_leave() {
    on_the_wire(async {
        let gate = Gate::new();
        let server = FaultServer::always(Reply::ok("hello").hold(&gate));
        let client = HttpClient::builder(one_at_a_time()).base_url(server.url());
        let client = client.runtime(ManualRuntime::new()).build().unwrap();
        let first = tokio::spawn(client.get("/").send());
        until(|| server.request_count() == 1).await;
        for _ in 0..3 {
            assert!(client.get("/").send().now_or_never().is_none());
        }
        gate.open();
        assert_eq!(first.await.unwrap().unwrap().status(), StatusCode::OK);
        assert_eq!(client.get("/").send().await.unwrap().text().await.unwrap(), "hello");
        assert_eq!(server.request_count(), 2);
    });
}

/// A stream goes with the call that it was lent to.
#[tokio::test]
async fn a_body_that_nobody_has_read_goes_too() {
    let share = Share::default();
    let never = |_: Request| std::future::pending();
    let client = over(never).retry(by_default()).build().unwrap();
    let body = Body::stream(hello(Arc::clone(&share), None));
    assert!(client.put("/").body(body).send().now_or_never().is_none());
    assert_eq!(Arc::strong_count(&share), 1);
}
