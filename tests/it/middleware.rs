//! Middleware: the forms that it comes in, its places on the way, and what it may do there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::{self, Either};
use http::{HeaderValue, StatusCode};
use midil_http::{
    AuthError, AuthNHeaders, AuthNProvider, AuthNToken, Body, CallSettings, Error, GiveUpReason,
    Middleware, Next, Phase, Request, RequestHead, RetryDecision, TimeoutKind, Transport,
    async_trait, middleware_fn,
};
use midil_http_test::{ManualRuntime, MockTransport, Reply};
use url::Url;

use crate::support::{Log, Tokens, and_what_is_accepted, over, up_to, values};

type Outcome = Result<http::Response<Body>, Error>;

/// A middleware that writes down when it is entered and left.
struct Noting(&'static str, Log);

#[async_trait]
impl Middleware for Noting {
    async fn handle(&self, request: Request, next: Next<'_>) -> Outcome {
        self.1.note(format_args!("> {}", self.0));
        let outcome = next.run(request).await;
        self.1.note(format_args!("< {}", self.0));
        outcome
    }
}

/// A provider that writes down when it is asked.
struct NotingTokens(Tokens, Log);

#[async_trait]
impl AuthNProvider for NotingTokens {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        self.0.get_token().await
    }

    async fn get_headers(&self, request: &RequestHead) -> Result<AuthNHeaders, AuthError> {
        self.1.note("credentials");
        self.0.get_headers(request).await
    }
}

/// A transport over `mock` that writes down what it is asked for.
fn noting(mock: MockTransport, log: Log) -> impl Transport {
    move |request: Request| {
        let (mock, log) = (mock.clone(), log.clone());
        async move {
            log.note(format_args!("{} {}", request.method(), request.url().path()));
            mock.send(request).await
        }
    }
}

/// An `async fn` as a middleware.
async fn stamp(mut request: Request, next: Next<'_>) -> Outcome {
    request.headers_mut().insert("x-stamp", HeaderValue::from_static("1"));
    next.run(request).await
}

/// A middleware that puts a header on.
fn setting(name: &'static str, value: &'static str) -> impl Middleware {
    middleware_fn(move |mut request, next| {
        request.headers_mut().append(name, HeaderValue::from_static(value));
        Box::pin(next.run(request))
    })
}

/// A middleware that answers by itself.
fn answering(status: u16) -> impl Middleware {
    middleware_fn(move |_, _| {
        let response = http::Response::builder().status(status).body(Body::from("by itself"));
        Box::pin(future::ready(Ok(response.expect("a valid response"))))
    })
}

#[tokio::test]
async fn the_slots_run_in_their_order() {
    let log = Log::default();
    let moved = Reply::status(307).header("location", "/b");
    let mock = MockTransport::sequence([
        Reply::status(503),
        Reply::status(401),
        moved,
        Reply::status(503),
        Reply::ok(),
    ]);
    let client = over(noting(mock, log.clone()))
        .middleware(Noting("outer call", log.clone()))
        .middleware(Noting("call", log.clone()))
        .attempt_middleware(Noting("outer attempt", log.clone()))
        .attempt_middleware(Noting("attempt", log.clone()))
        .auth(NotingTokens(Tokens::default(), log.clone()))
        .retry(up_to(2))
        .build()
        .unwrap();
    let response = client.get("/a").send().await.unwrap();
    assert_eq!((response.attempts(), response.url().path()), (3, "/b"));
    let attempt = |exchanges: &[&'static str]| {
        [&["> outer attempt", "> attempt"], exchanges, &["< attempt", "< outer attempt"]].concat()
    };
    let expected = [
        vec!["> outer call", "> call"],
        attempt(&["credentials", "GET /v1/a"]),
        attempt(&["credentials", "GET /v1/a", "credentials", "GET /v1/a"]), // the 401 and its replay
        attempt(&["credentials", "GET /b"]),
        attempt(&["credentials", "GET /b"]),
        vec!["< call", "< outer call"],
    ];
    assert_eq!(log.lines(), expected.concat());
}

#[tokio::test]
async fn functions_closures_types_and_shared_types_are_middleware() {
    struct Counting(AtomicU32);

    #[async_trait]
    impl Middleware for Counting {
        async fn handle(&self, request: Request, next: Next<'_>) -> Outcome {
            self.0.fetch_add(1, Ordering::Relaxed);
            next.run(request).await
        }
    }

    let mock = MockTransport::always(Reply::ok());
    let counting = Arc::new(Counting(AtomicU32::new(0)));
    let shared: Arc<dyn Middleware> = Arc::<Counting>::clone(&counting);
    let captured = HeaderValue::from_static("captured");
    let closure = middleware_fn(move |mut request, next| {
        request.headers_mut().insert("x-closure", captured.clone());
        Box::pin(next.run(request))
    });
    let client = over(mock.clone())
        .middleware(stamp)
        .middleware(closure)
        .middleware(Arc::clone(&counting))
        .attempt_middleware(shared)
        .build()
        .unwrap();
    client.get("/").send().await.unwrap();
    let request = &mock.requests()[0];
    assert_eq!(
        (request.header("x-stamp"), request.header("x-closure")),
        (Some("1"), Some("captured"))
    );
    assert_eq!(counting.0.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn what_was_added_first_is_outermost() {
    let mock = MockTransport::always(Reply::ok());
    let client = over(mock.clone())
        .middleware(setting("x-order", "1"))
        .attempt_middleware(setting("x-order", "3"))
        .middleware(setting("x-order", "2"))
        .attempt_middleware(setting("x-order", "4"))
        .build()
        .unwrap();
    client.get("/").header("x-order", "0").send().await.unwrap();
    assert_eq!(values(mock.requests()[0].headers(), "x-order"), ["0", "1", "2", "3", "4"]);
}

/// A middleware that writes down the headers of the request.
fn noting_headers(log: Log) -> impl Middleware {
    middleware_fn(move |request: Request, next| {
        let mut names: Vec<_> = request.headers().keys().map(ToString::to_string).collect();
        names.sort_unstable();
        log.note(names.join(" "));
        Box::pin(next.run(request))
    })
}

#[tokio::test]
async fn call_middleware_sees_the_callers_request_and_attempt_middleware_the_base_headers_too() {
    let log = Log::default();
    let client = over(MockTransport::always(Reply::ok()))
        .header("x-base", "1")
        .auth(Tokens::default())
        .middleware(noting_headers(log.clone()))
        .attempt_middleware(noting_headers(log.clone()))
        .build()
        .unwrap();
    client.get("/").header("x-own", "1").send().await.unwrap();
    let below = and_what_is_accepted(["accept", "user-agent", "x-base", "x-own"]).join(" ");
    assert_eq!(log.lines(), ["x-own", &*below]);
}

#[tokio::test]
async fn middleware_may_change_the_request_and_the_response() {
    let changing = middleware_fn(|mut request: Request, next: Next<'_>| {
        request.head_mut().method = http::Method::PUT;
        request.head_mut().url = Url::parse("https://api.test/changed?a=b").expect("a valid URL");
        *request.body_mut() = "changed".into();
        Box::pin(async move {
            let mut response = next.run(request).await?;
            response.headers_mut().insert("x-changed", HeaderValue::from_static("1"));
            Ok(response.map(|_| "changed".into()))
        })
    });
    let changing: Arc<dyn Middleware> = Arc::new(changing);
    for at_attempt in [false, true] {
        let mock = MockTransport::always(Reply::ok().body("as it was"));
        let (builder, middleware) = (over(mock.clone()), Arc::clone(&changing));
        let client = if at_attempt {
            builder.attempt_middleware(middleware)
        } else {
            builder.middleware(middleware)
        };
        let response = client.build().unwrap().post("/a").body("as it was").send().await.unwrap();
        let request = &mock.requests()[0];
        assert_eq!((request.method().as_str(), request.text()), ("PUT", "changed"));
        assert_eq!(request.url().as_str(), "https://api.test/changed?a=b");
        assert_eq!(response.headers()["x-changed"], "1");
        assert_eq!(response.url().as_str() == "https://api.test/changed?a=b", !at_attempt);
        assert_eq!(response.text().await.unwrap(), "changed");
    }
}

#[tokio::test]
async fn a_change_of_call_middleware_lasts_for_all_attempts_and_one_of_attempt_middleware_for_one()
{
    let mock = MockTransport::sequence([Reply::status(503), Reply::status(503), Reply::ok()]);
    let client = over(mock.clone())
        .middleware(setting("x-call", "1"))
        .attempt_middleware(setting("x-attempt", "1"))
        .retry(up_to(3))
        .build()
        .unwrap();
    client.get("/").send().await.unwrap();
    for request in mock.requests() {
        assert_eq!(values(request.headers(), "x-call"), ["1"]);
        assert_eq!(values(request.headers(), "x-attempt"), ["1"]);
    }
}

#[tokio::test]
async fn middleware_may_answer_instead_of_the_server() {
    let client = over(MockTransport::new())
        .middleware(answering(418))
        .attempt_middleware(answering(500))
        .build()
        .unwrap();
    let response = client.get("/a").send().await.unwrap();
    assert_eq!((response.status(), response.attempts()), (StatusCode::IM_A_TEAPOT, 1));
    assert_eq!(response.url().as_str(), "https://api.test/v1/a");
    assert_eq!(response.text().await.unwrap(), "by itself");
}

#[tokio::test]
async fn what_attempt_middleware_answers_is_an_attempt_like_any_other() {
    let log = Log::default();
    let client = over(MockTransport::new())
        .attempt_middleware(Noting("attempt", log.clone()))
        .attempt_middleware(answering(503))
        .retry(up_to(3))
        .build()
        .unwrap();
    assert_eq!(client.get("/").send().await.unwrap().attempts(), 3);
    assert_eq!(log.lines(), ["> attempt", "< attempt"].repeat(3));
}

/// Runs the rest of the way once more where it comes to a 5xx.
async fn again(request: Request, next: Next<'_>) -> Outcome {
    let Some(second) = request.try_clone() else { return next.run(request).await };
    let response = next.run(request).await?;
    if response.status().is_server_error() { next.run(second).await } else { Ok(response) }
}

#[tokio::test]
async fn the_rest_of_the_way_may_be_run_twice() {
    for at_attempt in [false, true] {
        let mock = MockTransport::sequence([Reply::status(503), Reply::ok()]);
        let builder = over(mock.clone()).auth(Tokens::default());
        let client =
            if at_attempt { builder.attempt_middleware(again) } else { builder.middleware(again) };
        let response = client.build().unwrap().post("/").body("hello").send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.attempts()), (200, 1), "{at_attempt}");
        let sent: Vec<_> = mock
            .requests()
            .iter()
            .map(|request| (request.text().to_owned(), values(request.headers(), "authorization")))
            .collect();
        let expected = |token: &str| ("hello".to_owned(), vec![format!("Bearer {token}")]);
        assert_eq!(sent, [expected("t1"), expected("t2")], "{at_attempt}");
    }
}

#[tokio::test]
async fn a_hedge_is_two_runs_at_a_time_and_the_loser_is_dropped() {
    let hedge = middleware_fn(|request: Request, next| {
        Box::pin(async move {
            let second = request.try_clone().expect("a body that can be sent twice");
            let (first, second) = (Box::pin(next.run(request)), Box::pin(next.run(second)));
            match future::select(first, second).await {
                Either::Left((outcome, _)) | Either::Right((outcome, _)) => outcome,
            }
        })
    });
    let mock = MockTransport::sequence([Reply::pending(), Reply::ok().body("fast")]);
    let client = over(mock.clone()).attempt_middleware(hedge).build().unwrap();
    let response = client.get("/").send().await.unwrap();
    assert_eq!((mock.request_count(), mock.in_flight()), (2, 0));
    assert_eq!(response.text().await.unwrap(), "fast");
}

#[tokio::test]
async fn an_error_of_middleware_passes_as_it_is() {
    #[derive(Debug, PartialEq)]
    struct Suspended(u32);

    impl std::fmt::Display for Suspended {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "tenant {} is suspended: ask its owner", self.0)
        }
    }

    impl std::error::Error for Suspended {}

    let failing =
        || middleware_fn(|_, _| Box::pin(future::ready(Err(Error::custom(Suspended(7))))));
    let accept = |_: &midil_http::Attempt<'_>| RetryDecision::Accept;
    for client in [
        over(MockTransport::new()).middleware(failing()).retry(up_to(3)),
        over(MockTransport::new()).attempt_middleware(failing()).retry(accept),
        over(MockTransport::new()).attempt_middleware(failing()),
    ] {
        let error = client.build().unwrap().get("/").send().await.unwrap_err();
        assert_eq!(error.to_string(), "tenant 7 is suspended: ask its owner");
        let Error::Custom(error) = error else { panic!("{error:?}") };
        assert_eq!(error.downcast_ref(), Some(&Suspended(7)));
    }
}

#[tokio::test]
async fn an_error_of_attempt_middleware_is_seen_by_the_strategy() {
    let limited = || {
        let error = midil_http::LimitError::new("max_in_flight", "10 calls are in flight: wait");
        Err(Error::from(error))
    };
    let failing = middleware_fn(move |_, _| Box::pin(future::ready(limited())));
    let give_up = |attempt: &midil_http::Attempt<'_>| {
        let midil_http::Outcome::Error(Error::Limit(_)) = attempt.outcome else {
            panic!("{attempt:?}")
        };
        RetryDecision::GiveUp { reason: GiveUpReason::Other("no room".into()) }
    };
    let client =
        over(MockTransport::new()).attempt_middleware(failing).retry(give_up).build().unwrap();
    let error = client.get("/").send().await.unwrap_err();
    let Error::RetryExhausted(exhausted) = error else { panic!("{error:?}") };
    assert_eq!(exhausted.attempts(), 1);
    assert!(matches!(exhausted.last_error(), Some(Error::Limit(_))));
}

#[tokio::test]
async fn any_middleware_wraps_a_bare_transport() {
    struct Wrapped<M, T>(M, T);

    #[async_trait]
    impl<M: Middleware, T: Transport> Transport for Wrapped<M, T> {
        async fn send(&self, request: Request) -> Outcome {
            self.0.handle(request, Next::new(&self.1)).await
        }
    }

    let mock = MockTransport::sequence([Reply::status(503), Reply::ok(), Reply::ok()]);
    let wrapped = Wrapped(again, Wrapped(stamp, mock.clone()));
    let request = Request::get("https://api.test/").unwrap().with_body("hello");
    assert_eq!(wrapped.send(request).await.unwrap().status(), 200);
    over(wrapped).auth(Tokens::default()).build().unwrap().get("/").send().await.unwrap();
    let requests = mock.requests();
    assert!(requests.iter().all(|request| request.header("x-stamp") == Some("1")));
    assert_eq!(requests[1].text(), "hello");
    assert_eq!(requests[2].header("authorization"), Some("Bearer t1"), "below the client's slots");
}

/// One implementation, two doors: what is behind either sees the settings of the call.
#[tokio::test]
async fn the_settings_of_a_call_travel_in_the_requests_extensions() {
    let log = Log::default();
    let noting = || {
        let log = log.clone();
        middleware_fn(move |request: Request, next: Next<'_>| {
            let settings = request.head().settings().cloned().unwrap_or_default();
            let CallSettings { timeout, idempotent, retry, .. } = settings;
            let deadline = request.head().deadline.is_some();
            log.note(format_args!("{timeout:?} {idempotent:?} {} {deadline}", retry.is_some()));
            Box::pin(next.run(request))
        })
    };
    let mock = MockTransport::always(Reply::ok());
    let client =
        over(mock.clone()).middleware(noting()).attempt_middleware(noting()).build().unwrap();
    let request = client.post("/").timeout(Duration::from_secs(3)).idempotent(true).no_retry();
    request.total_timeout(Duration::from_secs(9)).send().await.unwrap();
    client.get("/").send().await.unwrap();
    assert_eq!(
        log.lines(),
        [
            "Some(3s) Some(true) true false", // the deadline is set below call middleware
            "Some(3s) Some(true) true true",
            "None None false false",
            "None None false false",
        ]
    );
    let requests = mock.requests();
    let settings = requests[0].head().settings().unwrap();
    assert_eq!((settings.timeout, settings.idempotent), (Some(Duration::from_secs(3)), Some(true)));
    assert!(requests[0].head().deadline.is_some() && requests[1].head().settings().is_none());
}

#[test]
fn attempt_middleware_that_stalls_runs_into_the_total_timeout() {
    let stalled = middleware_fn(|_, _| Box::pin(future::pending()));
    let runtime = ManualRuntime::new();
    let client = over(MockTransport::new())
        .attempt_middleware(stalled)
        .runtime(runtime.clone())
        .total_timeout(Duration::from_secs(7))
        .build()
        .unwrap();
    let Err(Error::Timeout(error)) = runtime.block_on(client.get("/").send()) else {
        panic!("no timeout");
    };
    assert_eq!((error.kind(), error.phase()), (TimeoutKind::Total, Phase::Queue));
    assert_eq!(runtime.elapsed(), Duration::from_secs(7));
}

/// The time that middleware takes is no time without progress of the exchange.
#[test]
fn attempt_middleware_that_is_slow_does_not_use_up_the_timeout() {
    let runtime = ManualRuntime::new();
    let clock = runtime.clone();
    let slow = middleware_fn(move |request, next: Next<'_>| {
        let pause = midil_http::Runtime::sleep(&clock, Duration::from_secs(3600));
        Box::pin(async move {
            pause.await;
            next.run(request).await
        })
    });
    let client = over(MockTransport::always(Reply::ok()))
        .attempt_middleware(slow)
        .runtime(runtime.clone())
        .timeout(Duration::from_secs(1))
        .attempt_timeout(Duration::from_secs(1))
        .build()
        .unwrap();
    assert_eq!(runtime.block_on(client.get("/").send()).unwrap().status(), 200);
}

#[tokio::test]
async fn clones_share_their_middleware() {
    let log = Log::default();
    let mock = MockTransport::always(Reply::ok());
    let client = over(mock).middleware(Noting("call", log.clone())).build().unwrap();
    for client in [client.clone(), client] {
        client.get("/").send().await.unwrap();
    }
    assert_eq!(log.lines().len(), 4);
}
