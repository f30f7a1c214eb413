//! The life of a client: closing it, dropping it, and what becomes of its calls.

mod phases;
mod pools;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, stream};
use midil_http::{
    Body, Error, HttpClient, MiddlewareTransport, Next, Request, Runtime, Transport, async_trait,
};
use midil_http_test::{ManualRuntime, MockTransport, Reply};

use crate::support::{SECRET, over};

const SECOND: Duration = Duration::from_secs(1);

/// Answers after 3 s.
fn slow(runtime: &ManualRuntime) -> MockTransport {
    MockTransport::always(Reply::ok().body("hello").delayed(3 * SECOND, runtime.clone()))
}

fn client(transport: impl Transport, runtime: &ManualRuntime) -> HttpClient {
    over(transport).runtime(runtime.clone()).build().unwrap()
}

/// A response whose body never comes.
fn endless() -> http::Response<Body> {
    let body = stream::pending::<Result<Bytes, std::io::Error>>();
    http::Response::new(Body::stream(body))
}

#[test]
fn a_closed_client_refuses_new_calls_and_so_do_its_clones() {
    let mock = MockTransport::always(Reply::ok());
    let client = over(mock.clone()).build().unwrap();
    let clone = client.clone();
    let begun_before = client.get("/").send();
    let built_before = client.get("/").build().unwrap();
    assert!(!clone.is_closed());
    let report = client.close().now_or_never().unwrap();
    assert!(report.is_clean() && report.finished() == 0 && clone.is_closed());

    let outcomes = [
        begun_before.now_or_never().unwrap(),
        clone.get("/").send().now_or_never().unwrap(),
        clone.execute(built_before).now_or_never().unwrap(),
    ];
    for outcome in outcomes {
        assert!(matches!(outcome, Err(Error::Closed)), "{outcome:?}");
    }
    assert_eq!(mock.request_count(), 0);
}

#[test]
fn new_calls_are_refused_while_those_in_flight_go_on() {
    let runtime = ManualRuntime::new();
    let client = client(slow(&runtime), &runtime);
    runtime.block_on(async {
        let call = client.get("/").send();
        let closing = async {
            let closing = client.close();
            let probe = async {
                runtime.sleep(SECOND).await;
                assert!(matches!(client.get("/").send().await, Err(Error::Closed)));
            };
            tokio::join!(closing, probe).0
        };
        // The call comes first: it is in flight when the client is closed.
        let (response, report) = tokio::join!(call, closing);
        assert_eq!(response.unwrap().text().await.unwrap(), "hello");
        assert!(report.is_clean());
        assert_eq!((report.finished(), report.elapsed()), (1, 3 * SECOND));
    });
}

#[test]
fn what_is_left_after_the_grace_is_dropped_and_told_of() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::always(Reply::pending());
    let client = client(mock.clone(), &runtime);
    runtime.block_on(async {
        let call = client.post(format!("/users?token={SECRET}")).send();
        let closing = async {
            runtime.sleep(SECOND).await;
            client.close_within(4 * SECOND).await
        };
        let (outcome, report) = tokio::join!(call, closing);
        assert!(matches!(outcome, Err(Error::Closed)), "{outcome:?}");
        assert_eq!(mock.in_flight(), 0, "its exchange is dropped");
        let [dropped] = report.dropped() else { panic!("{report:?}") };
        assert_eq!(dropped.method(), http::Method::POST);
        assert_eq!(dropped.url(), "https://api.test/v1/users");
        assert_eq!((dropped.age(), dropped.has_response()), (5 * SECOND, false));
        let text = "POST https://api.test/v1/users, after 5.0s, waiting for the response";
        assert_eq!(dropped.to_string(), text);
        assert_eq!(report.to_string(), "closed in 4.0s: 0 calls finished, 1 dropped");
        assert_eq!(report.elapsed(), 4 * SECOND, "nobody kept it waiting");
    });
}

#[test]
fn the_default_grace_is_ten_seconds() {
    let runtime = ManualRuntime::new();
    let client = client(MockTransport::always(Reply::pending()), &runtime);
    runtime.block_on(async {
        let (_, report) = tokio::join!(client.get("/").send(), client.close());
        assert_eq!(report.elapsed(), 10 * SECOND);
    });
}

#[test]
fn a_body_that_is_read_is_in_flight_to_its_end_and_then_cut_off() {
    let runtime = ManualRuntime::new();
    let transport = |_: Request| async { Ok(endless()) };
    let client = client(transport, &runtime);
    runtime.block_on(async {
        let response = client.get("/").send().await.unwrap();
        let (body, report) = tokio::join!(response.bytes(), client.close_within(2 * SECOND));
        assert!(matches!(body, Err(Error::Closed)), "{body:?}");
        assert!(report.dropped()[0].has_response());
        assert_eq!(report.elapsed(), 2 * SECOND);
    });
}

#[test]
fn a_body_without_timeouts_is_cut_off_too() {
    let runtime = ManualRuntime::new();
    let transport = |_: Request| async { Ok(endless()) };
    let client = over(transport).runtime(runtime.clone()).no_timeout().build().unwrap();
    runtime.block_on(async {
        let response = client.get("/").send().await.unwrap();
        let (body, report) = tokio::join!(response.bytes(), client.close_within(SECOND));
        assert!(matches!(body, Err(Error::Closed)), "{body:?}");
        assert_eq!(report.dropped().len(), 1);
    });
}

/// The report and the reader agree, whatever else happens to the body at the same moment.
#[test]
fn a_body_that_fails_while_it_is_dropped_was_dropped() {
    let runtime = ManualRuntime::new();
    let own = Arc::new(std::sync::OnceLock::<HttpClient>::new());
    let closer = Arc::clone(&own);
    let transport = move |_: Request| {
        let closer = Arc::clone(&closer);
        async move {
            let failing = stream::poll_fn(move |_| {
                // Closed by somebody else, between the reader's look at its client and what the connection says.
                let client = closer.get().expect("it is built");
                assert!(client.close_within(Duration::ZERO).now_or_never().is_none());
                Poll::Ready(Some(Err::<Bytes, _>(std::io::Error::other("it broke"))))
            });
            Ok(http::Response::new(Body::stream(failing)))
        }
    };
    let client = client(transport, &runtime);
    own.set(client.clone()).expect("once");
    runtime.block_on(async {
        let mut response = client.get("/").send().await.unwrap();
        let chunk = response.chunk().await;
        assert!(matches!(chunk, Err(Error::Closed)), "{chunk:?}");
        let report = client.close().await;
        assert_eq!((report.dropped().len(), report.finished()), (1, 0));
    });
}

/// A response that nobody reads must not hang a service that stops.
#[test]
fn a_body_that_nobody_reads_is_given_up_after_a_second() {
    let runtime = ManualRuntime::new();
    let transport = |_: Request| async { Ok(endless()) };
    let client = client(transport, &runtime);
    runtime.block_on(async {
        let mut response = client.get("/").send().await.unwrap();
        let report = client.close_within(2 * SECOND).await;
        assert_eq!(report.dropped().len(), 1);
        assert_eq!(report.elapsed(), 3 * SECOND);
        assert!(matches!(response.chunk().await, Err(Error::Closed)));
    });
}

#[test]
fn what_is_read_dropped_or_in_memory_is_not_in_flight() {
    let runtime = ManualRuntime::new();
    let transport = |request: Request| async move {
        let pieces = stream::iter([Ok::<_, std::io::Error>("hel"), Ok("lo")]);
        Ok(match request.url().path() {
            "/v1/empty" => http::Response::new(Body::empty()),
            "/v1/bytes" => http::Response::new(Body::from("hello")),
            "/v1/length" => http::Response::builder()
                .header("content-length", 5)
                .body(Body::stream(pieces))
                .unwrap(),
            _ => http::Response::new(Body::stream(pieces)),
        })
    };
    let client = client(transport, &runtime);
    runtime.block_on(async {
        let empty = client.get("/empty").send().await.unwrap();
        let bytes = client.get("/bytes").send().await.unwrap();
        drop(client.get("/stream").send().await.unwrap());
        let mut stream = client.get("/stream").send().await.unwrap();
        while stream.chunk().await.unwrap().is_some() {}
        // Its length tells that it is there, though nobody has asked for its end.
        let mut length = client.get("/length").send().await.unwrap();
        assert_eq!(length.chunk().await.unwrap().unwrap(), "hel");
        assert_eq!(length.chunk().await.unwrap().unwrap(), "lo");

        let report = client.close().now_or_never().expect("nothing is in flight");
        assert!(report.is_clean());
        assert_eq!(report.finished(), 0, "they had finished before");
        assert_eq!(length.chunk().await.unwrap(), None);
        assert_eq!(bytes.text().await.unwrap(), "hello");
        drop((empty, stream));
    });
}

#[test]
fn closing_again_has_nothing_to_tell() {
    let runtime = ManualRuntime::new();
    let client = client(MockTransport::always(Reply::pending()), &runtime);
    runtime.block_on(async {
        let (_, report) = tokio::join!(client.get("/").send(), client.close());
        assert_eq!(report.dropped().len(), 1);
        let again = client.clone().close().now_or_never().expect("at once");
        assert!(again.is_clean() && again.finished() == 0);
    });
}

#[test]
fn two_at_a_time_share_the_shorter_grace_and_each_call_is_told_of_once() {
    let runtime = ManualRuntime::new();
    let client = client(MockTransport::always(Reply::pending()), &runtime);
    runtime.block_on(async {
        let hurried = async {
            runtime.sleep(2 * SECOND).await;
            client.close_within(Duration::ZERO).await
        };
        let (one, other, patient, hurried) = tokio::join!(
            client.get("/1").send(),
            client.get("/2").send(),
            client.close_within(Duration::MAX),
            hurried
        );
        assert!(matches!((one, other), (Err(Error::Closed), Err(Error::Closed))));
        assert_eq!(runtime.elapsed(), 2 * SECOND);
        assert_eq!(patient.dropped().len() + hurried.dropped().len(), 2);
    });
}

#[test]
fn a_close_that_is_dropped_refuses_calls_and_another_goes_on() {
    let runtime = ManualRuntime::new();
    let client = client(slow(&runtime), &runtime);
    runtime.block_on(async {
        let mut call = pin!(client.get("/").send());
        assert!(call.as_mut().now_or_never().is_none());
        assert!(client.close_within(SECOND).now_or_never().is_none());
        assert!(matches!(client.get("/").send().await, Err(Error::Closed)));
        assert_eq!(call.await.unwrap().text().await.unwrap(), "hello", "its grace has no end");
        let report = client.close().await;
        assert_eq!((report.finished(), report.is_clean()), (1, true));
    });
}

/// What was dropped is told of by the next one, should the first be dropped while it waits for them to let go.
#[test]
fn a_close_that_is_dropped_late_loses_nothing() {
    let runtime = ManualRuntime::new();
    let client = client(MockTransport::always(Reply::pending()), &runtime);
    runtime.block_on(async {
        let mut call = pin!(client.get("/").send());
        assert!(call.as_mut().now_or_never().is_none());
        assert!(client.close_within(Duration::ZERO).now_or_never().is_none());
        assert!(matches!(call.await, Err(Error::Closed)));
        assert_eq!(client.close().await.dropped().len(), 1);
    });
}

#[test]
fn a_call_that_moves_to_another_task_is_woken_there() {
    let runtime = ManualRuntime::new();
    let client = client(MockTransport::always(Reply::pending()), &runtime);
    runtime.block_on(async {
        let mut call = Box::pin(client.get("/").send());
        assert!(call.as_mut().now_or_never().is_none(), "by a waker that wakes nobody");
        let (sender, receiver) = futures_channel();
        runtime.spawn(Box::pin(async move { sender.send(call.await.is_err()) }));
        let (closed, report) = tokio::join!(receiver.wait(), client.close());
        assert!(closed);
        assert_eq!((report.dropped().len(), report.elapsed()), (1, 10 * SECOND));
    });
}

/// A value from one task to another.
fn futures_channel() -> (Sender, Sender) {
    let shared = Arc::new(std::sync::Mutex::new((None, None)));
    (Sender(Arc::clone(&shared)), Sender(shared))
}

struct Sender(Arc<std::sync::Mutex<(Option<bool>, Option<std::task::Waker>)>>);

impl Sender {
    fn send(&self, value: bool) {
        let mut state = self.0.lock().unwrap();
        state.0 = Some(value);
        if let Some(waker) = state.1.take() {
            waker.wake();
        }
    }

    async fn wait(&self) -> bool {
        poll_fn(|cx| {
            let mut state = self.0.lock().unwrap();
            state.1 = Some(cx.waker().clone());
            state.0.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

#[test]
fn middleware_that_waits_is_dropped_with_its_call() {
    let runtime = ManualRuntime::new();
    async fn stuck(_: Request, _: Next<'_>) -> Result<http::Response<Body>, Error> {
        std::future::pending().await
    }
    let builder = over(MockTransport::new()).runtime(runtime.clone()).middleware(stuck);
    let client = builder.build().unwrap();
    runtime.block_on(async {
        let (outcome, report) = tokio::join!(client.get("/").send(), client.close());
        assert!(matches!(outcome, Err(Error::Closed)));
        assert_eq!(report.dropped().len(), 1);
    });
}

/// Counts how often it is closed.
#[derive(Default)]
struct Counted(AtomicUsize);

#[async_trait]
impl Transport for Counted {
    async fn send(&self, _: Request) -> Result<http::Response<Body>, Error> {
        Ok(http::Response::new(Body::empty()))
    }

    async fn close(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn the_transport_is_closed_through_whatever_wraps_it() {
    async fn through(request: Request, next: Next<'_>) -> Result<http::Response<Body>, Error> {
        next.run(request).await
    }
    let counted = Arc::new(Counted::default());
    let shared: Arc<dyn Transport> = Arc::<Counted>::clone(&counted);
    let wrapped = MiddlewareTransport::new(Arc::new(shared), through);
    #[cfg(feature = "retry")]
    let wrapped = midil_http::RetryTransport::new(wrapped, crate::support::up_to(2));
    let client = over(wrapped).build().unwrap();
    client.get("/").send().now_or_never().unwrap().unwrap();
    assert_eq!(counted.0.load(Ordering::Relaxed), 0);
    assert!(client.close().now_or_never().unwrap().is_clean());
    assert_eq!(counted.0.load(Ordering::Relaxed), 1);
}

#[test]
fn dropping_the_last_clone_drops_the_transport() {
    let transport = Arc::new(Counted::default());
    let client = over(Arc::clone(&transport)).build().unwrap();
    let clone = client.clone();
    drop(client);
    assert_eq!(Arc::strong_count(&transport), 2);
    let request = clone.get("/");
    drop(clone);
    assert_eq!(Arc::strong_count(&transport), 2, "a request holds what it needs");
    drop(request);
    assert_eq!(Arc::strong_count(&transport), 1);
}

/// A client is one pointer; that its clones are counted, not copied, is seen by the transport that they share.
#[test]
fn a_clone_is_a_pointer() {
    assert_eq!(size_of::<HttpClient>(), size_of::<usize>());
    let transport = Arc::new(Counted::default());
    let client = over(Arc::clone(&transport)).build().unwrap();
    let clones = vec![client; 10_000];
    assert_eq!(Arc::strong_count(&transport), 2);
    drop(clones);
    assert_eq!(Arc::strong_count(&transport), 1);
}

#[test]
fn many_threads_call_while_the_client_is_closed_and_nothing_is_lost() {
    let transport = |_: Request| async {
        std::thread::yield_now();
        Ok(http::Response::new(Body::stream(stream::iter([Ok::<_, std::io::Error>("hello")]))))
    };
    let client = over(transport).build().unwrap();
    let (done, closed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let call = async { client.get("/").send().await?.text().await };
                    match futures_executor::block_on(call) {
                        Ok(_) => done.fetch_add(1, Ordering::Relaxed),
                        Err(Error::Closed) => break closed.fetch_add(1, Ordering::Relaxed),
                        Err(error) => panic!("{error:?}"),
                    };
                }
            });
        }
        while done.load(Ordering::Relaxed) < 100 {
            std::thread::yield_now();
        }
        let report = futures_executor::block_on(client.close());
        assert!(report.is_clean(), "{report:?}");
        assert!(report.finished() <= 4, "{report:?}");
    });
    assert_eq!(closed.into_inner(), 4);
}

/// Somebody's waker: when it is woken, and when it is dropped, it looks at the client.
struct Nosy(HttpClient);

impl std::task::Wake for Nosy {
    fn wake(self: Arc<Self>) {
        let _ = self.0.is_closed();
    }
}

impl Drop for Nosy {
    fn drop(&mut self) {
        let _ = self.0.is_closed();
    }
}

/// Wakers are foreign code: none is woken or dropped under a lock.
#[test]
fn wakers_may_call_back() {
    use std::pin::Pin;
    use std::task::{Context, Waker};

    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mock = MockTransport::always(Reply::pending());
        let client = over(mock).runtime(ManualRuntime::new()).build().unwrap();
        let poll = |future: &mut (dyn Future<Output = ()> + Unpin)| {
            let waker: Waker = Arc::new(Nosy(client.clone())).into();
            Pin::new(future).poll(&mut Context::from_waker(&waker))
        };
        let mut call = Box::pin(async {
            assert!(matches!(client.get("/").send().await, Err(Error::Closed)));
        });
        let mut close = Box::pin(async { drop(client.close().await) });
        let mut at_once = Box::pin(async {
            assert_eq!(client.close_within(Duration::ZERO).await.dropped().len(), 1);
        });
        // Each by one task, and then by another.
        for _ in 0..2 {
            assert_eq!(poll(&mut call), Poll::Pending);
            assert_eq!(poll(&mut close), Poll::Pending);
        }
        assert_eq!(poll(&mut at_once), Poll::Pending);
        assert_eq!(poll(&mut at_once), Poll::Pending);
        assert_eq!(poll(&mut call), Poll::Ready(()));
        assert_eq!(poll(&mut at_once), Poll::Ready(()));
        assert_eq!(poll(&mut close), Poll::Ready(()));
        let _ = done.send(());
    });
    // It is there at once, or never.
    is_done.recv_timeout(Duration::from_secs(60)).expect("it fails or hangs");
}

/// Middleware that closes the client which it belongs to.
struct ClosesItsClient(Arc<std::sync::OnceLock<HttpClient>>);

#[async_trait]
impl midil_http::Middleware for ClosesItsClient {
    async fn handle(
        &self,
        request: Request,
        next: Next<'_>,
    ) -> Result<http::Response<Body>, Error> {
        drop(self.0.get().expect("it is built").close_within(3 * SECOND).await);
        next.run(request).await
    }
}

/// It is told not to, and does: the call waits for itself no longer than the grace.
#[test]
fn a_close_within_a_call_ends_with_that_call() {
    let runtime = ManualRuntime::new();
    let own = Arc::new(std::sync::OnceLock::new());
    let mock = MockTransport::always(Reply::ok());
    let client = over(mock.clone())
        .middleware(ClosesItsClient(Arc::clone(&own)))
        .runtime(runtime.clone())
        .build()
        .unwrap();
    own.set(client.clone()).expect("once");
    let outcome = runtime.block_on(client.get("/").send());
    assert!(matches!(outcome, Err(Error::Closed)), "{outcome:?}");
    assert_eq!((runtime.elapsed(), mock.request_count()), (3 * SECOND, 0));
    let report = runtime.block_on(client.close());
    assert_eq!((report.dropped().len(), report.finished()), (1, 0));
}

/// A token is fetched for everybody who waits: the client that is closed takes it from nobody.
#[cfg(feature = "auth")]
#[test]
fn a_token_that_others_wait_for_is_fetched_though_one_client_is_closed() {
    use midil_http::{AuthError, AuthNToken, TokenCache};

    let runtime = ManualRuntime::new();
    let (clock, fetches) = (runtime.clone(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&fetches);
    let source = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        let clock = clock.clone();
        async move {
            clock.sleep(3 * SECOND).await;
            Ok::<_, AuthError>(AuthNToken::new("t1"))
        }
    };
    let cache = TokenCache::builder(source).runtime(runtime.clone()).build().unwrap();
    let cache = Arc::new(cache);
    let [one, other] = [(); 2].map(|()| {
        let mock = MockTransport::always(Reply::ok().body("hello"));
        over(mock).auth(Arc::clone(&cache)).runtime(runtime.clone()).build().unwrap()
    });
    let close = async {
        runtime.sleep(SECOND).await;
        one.close_within(Duration::ZERO).await
    };
    let calls = futures_util::future::join3(one.get("/").send(), other.get("/").send(), close);
    let (first, second, report) = runtime.block_on(calls);
    assert!(matches!(first, Err(Error::Closed)), "{first:?}");
    assert_eq!((second.unwrap().status().as_u16(), report.dropped().len()), (200, 1));
    assert_eq!((fetches.load(Ordering::Relaxed), runtime.elapsed()), (1, 3 * SECOND));
}
