//! What begins is told of once, what ends as well, whatever becomes of it.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicI64, AtomicUsize};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use midil_http::{
    Attempt, Body, Ended, Error, Event, GiveUpReason, HttpClient, HttpClientBuilder, Middleware,
    Next, Observer, Outcome, Request, Response, RetryDecision, Runtime, Sent, Target,
    TransportError, TransportErrorKind,
};
use midil_http_test::{ManualRuntime, MockTransport, Reply};
use proptest::prelude::*;

/// What happened, in a word each.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Observer for Log {
    fn observe(&self, event: &Event<'_>) {
        let line = match event {
            Event::CallStarted(call) => format!("call {}", call.target.method_name()),
            Event::CallEnded(call) => {
                let ended = ended(&call.ended);
                format!("call ended {ended} a{} r{}", call.attempts, call.requests)
            }
            Event::CallClosed(call) => format!("call closed {:?}", call.body),
            Event::RequestStarted(request) => format!("request {}", request.resend_count),
            Event::RequestEnded(request) => format!("request ended {}", ended(&request.ended)),
            Event::RequestClosed(request) => format!("request closed {:?}", request.body),
            Event::RetryScheduled(retry) => {
                format!("retry after {} {:?}", retry.attempt, retry.delay)
            }
            Event::RetryGivenUp(retry) => format!("gave up: {}", retry.reason_name()),
            other => format!("{other:?}"),
        };
        self.0.lock().unwrap().push(line);
    }
}

impl Log {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn ended(ended: &Ended<'_>) -> String {
    match (ended.status(), ended.error_type()) {
        (Some(status), _) => status.as_str().to_owned(),
        (None, error) => error.unwrap_or_default().to_owned(),
    }
}

fn client(mock: &MockTransport, log: &Log, runtime: &ManualRuntime) -> HttpClientBuilder {
    HttpClient::builder(mock.clone())
        .base_url("https://api.test/v1")
        .observer(log.clone())
        .runtime(runtime.clone())
}

fn streaming() -> Reply {
    Reply::from_fn(|_| {
        let pieces = stream::iter([Ok::<_, Error>("one"), Ok("two")]);
        Ok(http::Response::new(Body::stream(pieces)))
    })
}

#[test]
fn a_call_is_in_flight_until_its_body_was_read() {
    let (log, runtime) = (Log::default(), ManualRuntime::new());
    let client = client(&MockTransport::always(streaming()), &log, &runtime).build().unwrap();
    runtime.block_on(async {
        let mut response = client.get("/a").send().await.unwrap();
        assert_eq!(
            log.take(),
            ["call GET", "request 0", "request ended 200", "call ended 200 a1 r1"]
        );
        while response.chunk().await.unwrap().is_some() {}
        let closed = ["request closed Some(Complete)", "call closed Some(Complete)"];
        assert_eq!(log.take(), closed);
        drop(response);
        assert_eq!(log.take(), [""; 0]);
    });
}

#[test]
fn a_body_that_is_dropped_or_breaks_off_is_over() {
    let (log, runtime) = (Log::default(), ManualRuntime::new());
    let mock = MockTransport::new();
    mock.reply(streaming());
    mock.reply(Reply::from_fn(|_| {
        let response = http::Response::builder().header("content-length", 9);
        let pieces = stream::iter([Ok::<_, Error>("short")]);
        Ok(response.body(Body::stream(pieces)).unwrap())
    }));
    let client = client(&mock, &log, &runtime).build().unwrap();
    runtime.block_on(async {
        drop(client.get("/a").send().await.unwrap());
        let closed = ["request closed Some(Dropped)", "call closed Some(Dropped)"];
        assert_eq!(log.take()[4..], closed);
        client.get("/a").send().await.unwrap().bytes().await.unwrap_err();
        let closed = [
            r#"request closed Some(Failed("Transport"))"#,
            r#"call closed Some(Failed("Transport"))"#,
        ];
        assert_eq!(log.take()[4..], closed);
    });
}

#[test]
fn retries_are_told_of_with_their_reasons() {
    let (log, runtime) = (Log::default(), ManualRuntime::new());
    let twice = |attempt: &Attempt<'_>| match attempt.outcome {
        Outcome::Response(head) if head.status != 503 => RetryDecision::Accept,
        _ if attempt.number < 2 => RetryDecision::Retry { after: Duration::from_secs(3) },
        _ => RetryDecision::GiveUp { reason: GiveUpReason::Attempts },
    };
    let mock = MockTransport::sequence([Reply::status(503), streaming()]);
    mock.reply_always(Reply::error(|| {
        TransportError::new(TransportErrorKind::Connect, Sent::No, "refused").into()
    }));
    let client = client(&mock, &log, &runtime).retry(twice).build().unwrap();
    runtime.block_on(async {
        client.get("/a").send().await.unwrap();
        assert_eq!(
            log.take()[1..7],
            [
                "request 0",
                "request ended 503",
                "request closed Some(Complete)",
                "retry after 1 3s",
                "request 1",
                "request ended 200",
            ]
        );
        client.get("/a").send().await.unwrap_err();
        assert_eq!(
            log.take(),
            [
                "call GET",
                "request 0",
                "request ended Transport",
                "request closed None",
                "retry after 1 3s",
                "request 1",
                "request ended Transport",
                "request closed None",
                "gave up: attempts",
                "call ended RetryExhausted a2 r2",
                "call closed None",
            ]
        );
    });
}

#[test]
fn what_total_timeout_cuts_short_is_told_apart_from_what_is_dropped() {
    let (log, runtime) = (Log::default(), ManualRuntime::new());
    let client = client(&MockTransport::always(Reply::pending()), &log, &runtime);
    let client = client.total_timeout(Duration::from_secs(5)).build().unwrap();
    runtime.block_on(async { client.get("/a").send().await.unwrap_err() });
    assert_eq!(
        log.take(),
        [
            "call GET",
            "request 0",
            "request ended Timeout",
            "request closed None",
            "call ended Timeout a1 r1",
            "call closed None",
        ]
    );
    let mut call = Box::pin(client.get("/a").send());
    assert!(call.as_mut().now_or_never().is_none());
    drop(call);
    assert_eq!(
        log.take(),
        [
            "call GET",
            "request 0",
            "request ended Cancelled",
            "request closed None",
            "call ended Cancelled a1 r1",
            "call closed None",
        ]
    );
}

#[test]
fn what_closing_refuses_drops_or_breaks_off_is_told_apart_too() {
    let second = Duration::from_secs(1);
    let (log, runtime) = (Log::default(), ManualRuntime::new());
    let refusing = client(&MockTransport::new(), &log, &runtime).build().unwrap();
    let dropping = client(&MockTransport::always(Reply::pending()), &log, &runtime);
    let dropping = dropping.build().unwrap();
    let breaking = client(&MockTransport::always(streaming()), &log, &runtime).build().unwrap();
    runtime.block_on(async {
        assert!(refusing.close().await.is_clean());
        refusing.get("/a").send().await.unwrap_err();
        assert_eq!(log.take(), ["call GET", "call ended Closed a1 r0", "call closed None"]);

        let call = dropping.get("/a").send();
        tokio::join!(call, dropping.close_within(second)).0.unwrap_err();
        assert_eq!(
            log.take(),
            [
                "call GET",
                "request 0",
                "request ended Closed",
                "request closed None",
                "call ended Closed a1 r1",
                "call closed None",
            ]
        );

        let mut response = breaking.get("/a").send().await.unwrap();
        response.chunk().await.unwrap();
        drop(breaking.close_within(second).await);
        response.chunk().await.unwrap_err();
        let closed =
            [r#"request closed Some(Failed("Closed"))"#, r#"call closed Some(Failed("Closed"))"#];
        assert_eq!(log.take()[4..], closed);
    });
}

/// Whoever sends out the last metrics when `close` is done must not miss the last call.
#[test]
fn whoever_waits_for_close_is_woken_when_all_is_told() {
    struct Bell(Log);
    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.0.lock().unwrap().push("woken".to_owned());
        }
    }
    fn assert_woken_last(what: &str, reply: Reply, read: impl AsyncFnOnce(Response)) {
        let (log, runtime) = (Log::default(), ManualRuntime::new());
        // Not at once: the client is closed meanwhile.
        let mock = MockTransport::always(reply.delayed(Duration::from_secs(1), runtime.clone()));
        let client = client(&mock, &log, &runtime).build().unwrap();
        let mut call = pin!(async {
            if let Ok(response) = client.get("/a").send().await {
                read(response).await;
            }
        });
        let mut closing = pin!(async {
            drop(client.close().await);
        });
        runtime.block_on(async {
            let mut polled = false;
            poll_fn(|cx| {
                let call = call.as_mut().poll(cx);
                if !std::mem::replace(&mut polled, true) {
                    let waker = Arc::new(Bell(log.clone())).into();
                    assert!(closing.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                }
                call
            })
            .await;
        });
        let log = log.take();
        let is_closed = |line: &String| line.starts_with("call closed");
        assert_eq!(log.iter().position(is_closed), Some(log.len() - 2), "{what}: {log:?}");
        assert_eq!(log.last().map(String::as_str), Some("woken"), "{what}: {log:?}");
    }
    let fails = Reply::from_fn(|_| {
        Err(TransportError::new(TransportErrorKind::Closed, Sent::Maybe, "reset").into())
    });
    assert_woken_last("read", streaming(), async |response| drop(response.bytes().await));
    assert_woken_last("dropped", streaming(), async |response| drop(response));
    assert_woken_last("in memory", Reply::ok(), async |_| {});
    assert_woken_last("failed", fails, async |_| {});
}

#[test]
fn a_panic_on_the_way_ends_the_call_and_one_of_an_observer_does_not() {
    let (log, runtime) = (Log::default(), ManualRuntime::new());
    let panics = |_: Request| -> std::future::Ready<Result<http::Response<Body>, Error>> {
        panic!("a bug of the transport's")
    };
    let client = HttpClient::builder(panics)
        .base_url("https://api.test")
        .observer(|_: &Event<'_>| panic!("a bug of the observer's"))
        .observer(log.clone())
        .build()
        .unwrap();
    let call = std::panic::AssertUnwindSafe(client.get("/a").send()).catch_unwind();
    assert!(runtime.block_on(call).is_err());
    assert_eq!(log.take(), ["call GET", "call ended Cancelled a1 r1", "call closed None"]);
}

#[test]
fn a_middleware_that_answers_by_another_client_mixes_nothing_up() {
    struct Elsewhere(HttpClient);
    #[midil_http::async_trait]
    impl Middleware for Elsewhere {
        async fn handle(&self, _: Request, _: Next<'_>) -> Result<http::Response<Body>, Error> {
            Ok(self.0.get("/other").send().await?.into_http())
        }
    }
    let (outer, inner, runtime) = (Log::default(), Log::default(), ManualRuntime::new());
    let mock = MockTransport::always(streaming());
    let other = client(&mock, &inner, &runtime).build().unwrap();
    let client = client(&mock, &outer, &runtime).middleware(Elsewhere(other)).build().unwrap();
    runtime.block_on(async {
        let response = client.get("/a").send().await.unwrap();
        assert_eq!(outer.take(), ["call GET", "call ended 200 a1 r0"]);
        assert_eq!(inner.take().len(), 4);
        response.text().await.unwrap();
    });
    assert_eq!(outer.take(), ["call closed Some(Complete)"]);
    let closed = ["request closed Some(Complete)", "call closed Some(Complete)"];
    assert_eq!(inner.take(), closed);
}

#[test]
fn a_target_shows_what_there_are_few_of() {
    let target = |url: &str| {
        let method = http::Method::from_bytes(b"PURGE").unwrap();
        Request::get(url).unwrap().with_method(method)
    };
    let request = target("http://user:hunter2@[::1]:8080/users/hunter2?token=hunter2#hunter2");
    let found = Target::of(request.head());
    assert_eq!((found.method_name(), found.scheme()), ("_OTHER", "http"));
    assert_eq!((found.address(), found.port()), ("::1", 8080));
    assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
    assert_eq!(Target::of(target("https://api.test/").head()).port(), 443);
}

#[test]
fn an_empty_template_is_refused() {
    let (log, runtime) = (Log::default(), ManualRuntime::new());
    let client = client(&MockTransport::new(), &log, &runtime).build().unwrap();
    let error = client.get("/a").url_template("").build().unwrap_err();
    assert!(error.to_string().starts_with("url_template is empty: give the path"), "{error}");
}

/// Calls and requests, begun and not over.
#[derive(Default)]
struct Balance {
    calls: AtomicI64,
    unended: AtomicI64,
    requests: AtomicI64,
    unended_requests: AtomicI64,
}

impl Observer for Balance {
    fn observe(&self, event: &Event<'_>) {
        let (count, by) = match event {
            Event::CallStarted(_) => {
                self.unended.fetch_add(1, Relaxed);
                (&self.calls, 1)
            }
            Event::CallEnded(_) => (&self.unended, -1),
            Event::CallClosed(_) => (&self.calls, -1),
            Event::RequestStarted(_) => {
                self.unended_requests.fetch_add(1, Relaxed);
                (&self.requests, 1)
            }
            Event::RequestEnded(_) => (&self.unended_requests, -1),
            Event::RequestClosed(_) => (&self.requests, -1),
            _ => return,
        };
        count.fetch_add(by, Relaxed);
    }
}

impl Balance {
    fn now(&self) -> [i64; 4] {
        let Self { calls, unended, requests, unended_requests } = self;
        [calls, unended, requests, unended_requests].map(|count| count.load(Relaxed))
    }
}

/// What a server does, and how long it takes.
async fn answer(kind: u8, runtime: ManualRuntime) -> Result<http::Response<Body>, Error> {
    runtime.sleep(Duration::from_millis(10 * u64::from(kind))).await;
    let response = http::Response::builder();
    Ok(match kind {
        0 => http::Response::new(Body::empty()),
        1 => http::Response::new(Body::from("all of it")),
        2 => response.status(503).body(Body::from("busy")).unwrap(),
        3 => response.status(302).header("location", "/v1/b").body(Body::empty()).unwrap(),
        4 => return Err(Error::Closed),
        5 => {
            let broken = [Ok("part"), Err(Error::custom("broke off"))];
            http::Response::new(Body::stream(stream::iter(broken)))
        }
        _ => {
            let pieces = stream::iter([Ok::<_, Error>("one"), Ok("two")]);
            let response = response.header("content-length", 6).header("etag", "\"v1\"");
            response.body(Body::stream(pieces)).unwrap()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Calls that are dropped at any time, with bodies that are read so far, over any replies.
    #[test]
    fn whatever_is_dropped_the_counts_are_zero_in_the_end(
        replies in proptest::collection::vec(0_u8..7, 1..6),
        patience in 0_u64..400,
        chunks in 0_usize..4,
        timeout in proptest::option::of(1_u64..300),
    ) {
        let runtime = ManualRuntime::new();
        let (clock, next) = (runtime.clone(), AtomicUsize::new(0));
        let transport = move |_: Request| {
            let kind = replies.get(next.fetch_add(1, Relaxed)).copied().unwrap_or(6);
            answer(kind, clock.clone())
        };
        let balance = Arc::new(Balance::default());
        let retry = |attempt: &Attempt<'_>| match attempt.outcome {
            Outcome::Response(head) if head.status != 503 => RetryDecision::Accept,
            _ if attempt.number < 3 => RetryDecision::Retry { after: Duration::from_millis(15) },
            _ => RetryDecision::Accept,
        };
        let mut client = HttpClient::builder(transport)
            .base_url("https://api.test/v1")
            .observer(Arc::clone(&balance))
            .runtime(runtime.clone())
            .retry(retry);
        if let Some(timeout) = timeout {
            client = client.total_timeout(Duration::from_millis(timeout));
        }
        let client = client.build().unwrap();
        runtime.block_on(async {
            let call = Box::pin(async {
                let mut stream = client.get("/a").resumable(chunks % 2 == 1).send().await?.stream();
                for _ in 0..chunks {
                    if stream.next().await.transpose()?.is_none() {
                        break;
                    }
                }
                Ok::<_, Error>(stream)
            });
            let patience = runtime.sleep(Duration::from_millis(patience));
            drop(futures_util::future::select(call, patience).await);
        });
        prop_assert_eq!(balance.now(), [0; 4]);
    }
}
