//! Credentials: who gets them, and what a 401 leads to.

use std::error::Error as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream;
use http::{HeaderValue, Method};
use midil_http::{
    AuthError, AuthErrorKind, AuthNHeaders, AuthNProvider, AuthNToken, Body, Error, HttpClient,
    HttpClientBuilder, Phase, Redirect, Request, RequestBuilder, RequestHead, RetryEvent,
    RetryHook, RetryStrategy, Sent, TimeoutKind, async_trait, middleware_fn,
};
use midil_http_test::{ManualRuntime, MockTransport, Reply};
use url::Url;

use crate::support::{Fixed, SECRET, Tokens, build_error, over, up_to};

/// A mock that gives replies of these statuses, a client over it, and the tokens that it is given.
fn answering<const N: usize>(statuses: [u16; N]) -> (MockTransport, HttpClientBuilder, Tokens) {
    let mock = MockTransport::sequence(statuses.map(Reply::status));
    let tokens = Tokens::default();
    (mock.clone(), over(mock).auth(tokens.clone()), tokens)
}

/// The credentials of all requests that came.
fn credentials(mock: &MockTransport) -> Vec<String> {
    let credentials = |request: &midil_http_test::RecordedRequest| {
        request.header("authorization").unwrap_or("none").to_owned()
    };
    mock.requests().iter().map(credentials).collect()
}

#[tokio::test]
async fn every_attempt_has_fresh_credentials() {
    let (mock, builder, tokens) = answering([503, 503, 200]);
    builder.retry(up_to(3)).build().unwrap().get("/").send().await.unwrap();
    assert_eq!(credentials(&mock), ["Bearer t1", "Bearer t2", "Bearer t3"]);
    assert!(tokens.rejected().is_empty());
}

#[tokio::test]
async fn after_a_401_the_request_is_replayed_with_new_credentials() {
    let (mock, builder, tokens) = answering([401, 200]);
    let client = builder.header("x-base", "1").build().unwrap();
    let response = client.post("/a").query(&[("b", "c")]).json("hello").send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.attempts()), (200, 1));
    assert_eq!(credentials(&mock), ["Bearer t1", "Bearer t2"]);
    assert_eq!(tokens.rejected(), ["1"]);
    let requests = mock.requests();
    assert_eq!(requests[1].url(), requests[0].url());
    assert_eq!(requests[1].method(), "POST");
    assert_eq!(requests[1].text(), "\"hello\"");
    for name in ["x-base", "content-type", "user-agent", "accept"] {
        assert_eq!(requests[1].header(name), requests[0].header(name), "{name}");
    }
}

#[tokio::test]
async fn a_second_401_is_returned_and_its_credentials_are_rejected_too() {
    let (mock, builder, tokens) = answering([401, 401]);
    let response = builder.build().unwrap().get("/").send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.attempts()), (401, 1));
    assert_eq!(mock.request_count(), 2);
    assert_eq!(tokens.rejected(), ["1", "2"]);
}

#[tokio::test]
async fn the_replay_is_no_attempt() {
    let (mock, builder, _) = answering([401, 503, 503, 200]);
    let client = builder.retry(up_to(3)).build().unwrap();
    let response = client.get("/").send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.attempts()), (200, 3));
    assert_eq!(mock.request_count(), 4);
}

#[tokio::test]
async fn there_is_one_replay_in_a_call_whatever_its_attempts_and_hops() {
    let (mock, builder, tokens) = answering([401, 503, 401]);
    let client = builder.retry(up_to(3)).build().unwrap();
    let response = client.get("/").send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.attempts()), (401, 2));
    assert_eq!(mock.request_count(), 3);
    assert_eq!(tokens.rejected(), ["1", "3"]);

    let moved = Reply::status(307).header("location", "/b");
    let mock = MockTransport::sequence([Reply::status(401), moved, Reply::status(401)]);
    let client = over(mock.clone()).auth(tokens).build().unwrap();
    assert_eq!(client.get("/").send().await.unwrap().status(), 401);
    assert_eq!(mock.request_count(), 3);
}

#[tokio::test]
async fn each_call_has_its_own_replay() {
    let (mock, builder, _) = answering([401, 200, 401, 200]);
    let client = builder.build().unwrap();
    for _ in 0..2 {
        assert_eq!(client.get("/").send().await.unwrap().status(), 200);
    }
    assert_eq!(mock.request_count(), 4);
}

#[tokio::test]
async fn a_401_to_a_stream_that_was_read_from_is_returned() {
    let once = || Body::stream(stream::iter([Ok::<_, Error>("hello")]));
    for attempt_middleware in [false, true] {
        let (mock, mut builder, tokens) = answering([401]);
        if attempt_middleware {
            builder = builder.attempt_middleware(middleware_fn(|r, next| Box::pin(next.run(r))));
        }
        let client = builder.build().unwrap();
        assert_eq!(client.post("/").body(once()).send().await.unwrap().status(), 401);
        assert_eq!((mock.request_count(), tokens.given()), (1, 1));
        assert_eq!(tokens.rejected(), ["1"], "the next call must not send it again");

        let unread = Reply::status(401).without_reading_body();
        let mock = MockTransport::sequence([unread, Reply::ok()]);
        let client = over(mock.clone()).auth(Tokens::default()).build().unwrap();
        assert_eq!(client.post("/").body(once()).send().await.unwrap().status(), 200);
        assert_eq!(mock.requests()[1].text(), "hello");
    }
}

#[tokio::test]
async fn a_401_to_a_body_that_can_be_replayed_is_replayed() {
    let (mock, builder, _) = answering([401, 200]);
    let body = Body::replayable(Some(5), || stream::iter([Ok::<_, Error>("hello")]));
    builder.build().unwrap().post("/").body(body).send().await.unwrap();
    assert!(mock.requests().iter().all(|request| request.text() == "hello"));
}

#[tokio::test]
async fn a_late_401_rejects_the_credentials_that_it_is_about() {
    let tokens = Tokens::default();
    let others = tokens.clone();
    // While the first request is under way, other calls are given newer tokens.
    let late = Reply::from_fn(move |_| {
        for _ in 0..3 {
            others.skip();
        }
        let unauthorized = http::Response::builder().status(401).body(Body::empty());
        Ok(unauthorized.expect("a valid response"))
    });
    let mock = MockTransport::sequence([late, Reply::ok()]);
    over(mock.clone()).auth(tokens.clone()).build().unwrap().get("/").send().await.unwrap();
    assert_eq!(tokens.rejected(), ["1"]);
    assert_eq!(credentials(&mock), ["Bearer t1", "Bearer t5"]);
}

#[test]
fn a_401_is_drained_before_the_replay() {
    let drained = Arc::new(AtomicBool::new(false));
    let (note, look) = (Arc::clone(&drained), Arc::clone(&drained));
    let body = stream::iter([Ok::<_, Error>("who are"), Ok("you?")]);
    let body = futures_util::StreamExt::inspect(body, move |chunk| {
        note.store(matches!(chunk, Ok("you?")), Ordering::Relaxed);
    });
    let replay = Reply::from_fn(move |_| {
        assert!(look.load(Ordering::Relaxed));
        Ok(http::Response::new(Body::empty()))
    });
    let runtime = ManualRuntime::new();
    let stalled = Body::stream(stream::pending::<Result<&str, Error>>());
    let replies = [
        Reply::status(401).body(Body::stream(body)),
        replay,
        Reply::status(401).body(stalled),
        Reply::ok(),
    ];
    let client = over(MockTransport::sequence(replies))
        .auth(Tokens::default())
        .runtime(runtime.clone())
        .build()
        .unwrap();
    runtime.block_on(client.get("/").send()).unwrap();
    assert_eq!(runtime.elapsed(), Duration::ZERO);
    runtime.block_on(client.get("/").send()).unwrap();
    assert_eq!(runtime.elapsed(), Duration::from_millis(100), "a stalled 401 is dropped");
}

#[tokio::test]
async fn a_provider_is_not_asked_where_its_credentials_are_not_wanted() {
    type Describe = fn(&HttpClient) -> RequestBuilder;
    let cases: [(&str, Describe); 4] = [
        ("own", |client| client.get("/").header("AUTHORIZATION", "own")),
        ("no_auth", |client| client.get("/").no_auth()),
        ("an allowed origin", |client| client.get("https://files.test/")),
        ("own, elsewhere", |client| client.get("https://login.test/").header("authorization", "x")),
    ];
    for (what, describe) in cases {
        let (mock, builder, tokens) = answering([401]);
        let builder = builder
            .header("authorization", "own") // as a request of ours says, too
            .allow_origin("https://files.test")
            .auth_origin("https://login.test");
        let response = describe(&builder.build().unwrap()).send().await.unwrap();
        assert_eq!((response.status().as_u16(), mock.request_count()), (401, 1), "{what}");
        assert_eq!((tokens.given(), tokens.rejected().len()), (0, 0), "{what}");
    }
}

#[tokio::test]
async fn middleware_that_brings_credentials_keeps_the_provider_from_being_asked() {
    let bringing = || {
        middleware_fn(|mut request: Request, next| {
            request.headers_mut().insert("authorization", HeaderValue::from_static("own"));
            Box::pin(next.run(request))
        })
    };
    let (mock, builder, tokens) = answering([401, 401, 401]);
    let other = || over(mock.clone()).auth(tokens.clone()).attempt_middleware(bringing());
    let clients = [
        builder.middleware(bringing()),
        other(),
        // What it brings counts, and not that the base has such a header, or that value in another one.
        other().header("authorization", "base").header("x-key", "own"),
    ];
    for client in clients {
        client.build().unwrap().get("/").send().await.unwrap();
    }
    assert_eq!(credentials(&mock), ["own", "own", "own"]);
    assert_eq!(tokens.given(), 0);
}

#[tokio::test]
async fn credentials_of_the_base_make_way_for_those_of_the_provider() {
    let marking = middleware_fn(|mut request: Request, next| {
        request.headers_mut().insert("x-mark", HeaderValue::from_static("1"));
        Box::pin(next.run(request))
    });
    let (mock, builder, tokens) = answering([200, 200]);
    let base = |builder: HttpClientBuilder| builder.header("authorization", "base");
    let plain = base(builder);
    let changed = base(over(mock.clone()).auth(tokens.clone())).attempt_middleware(marking);
    for client in [plain, changed] {
        client.build().unwrap().get("/").send().await.unwrap();
    }
    assert_eq!(credentials(&mock), ["Bearer t1", "Bearer t2"]);
}

#[tokio::test]
async fn middleware_wins_over_the_provider_where_the_client_has_a_base_header_too() {
    let (mock, builder, _) = answering([200, 200]);
    let builder = builder.header("x-key", "base").auth(Fixed::new(&[("x-key", "provider")]));
    let plain = builder.build().unwrap();
    plain.get("/").send().await.unwrap();
    let changing = middleware_fn(|mut request: Request, next| {
        request.headers_mut().insert("x-key", HeaderValue::from_static("middleware"));
        Box::pin(next.run(request))
    });
    let changed = over(mock.clone())
        .header("x-key", "base")
        .auth(Fixed::new(&[("x-key", "provider")]))
        .attempt_middleware(changing)
        .build()
        .unwrap();
    changed.get("/").send().await.unwrap();
    let sent: Vec<_> =
        mock.requests().iter().map(|request| request.header("x-key").unwrap().to_owned()).collect();
    assert_eq!(sent, ["provider", "middleware"]);
}

#[tokio::test]
async fn an_auth_origin_gets_credentials_and_need_not_be_allowed_besides() {
    let mock = MockTransport::always(Reply::ok());
    let tokens = Tokens::default();
    let client = over(mock.clone())
        .auth(tokens.clone())
        .allow_origin("https://files.test")
        .allow_origin("https://login.test")
        .auth_origin("https://login.test/any/path")
        .auth_origin("https://other.test:8443")
        .build()
        .unwrap();
    for (url, credentials) in [
        ("https://api.test/elsewhere", Some("Bearer t1")),
        ("https://login.test/a", Some("Bearer t2")),
        ("https://other.test:8443/a", Some("Bearer t3")),
        ("https://files.test/a", None),
    ] {
        client.get(url).send().await.unwrap();
        assert_eq!(mock.requests().pop().unwrap().header("authorization"), credentials, "{url}");
    }
    for refused in ["https://other.test/a", "http://login.test/a"] {
        build_error(client.get(refused).send().await);
    }
    assert_eq!(tokens.given(), 3);
}

#[tokio::test]
async fn an_auth_origin_is_enough_where_there_is_no_base() {
    let mock = MockTransport::always(Reply::ok());
    let client = HttpClient::builder(mock.clone())
        .auth(Tokens::default())
        .auth_origin("https://api.test")
        .build()
        .unwrap();
    client.get("https://api.test/a").send().await.unwrap();
    client.get("https://any.test/a").send().await.unwrap();
    assert_eq!(credentials(&mock), ["Bearer t1", "none"]);
}

/// Attempt middleware may keep a request, untouched, and send it in the place of another.
#[tokio::test]
async fn a_request_in_the_place_of_another_gets_only_what_is_for_its_own_server() {
    let (mock, builder, tokens) = answering([200]);
    let kept = Mutex::new(None);
    let swapping = middleware_fn(move |request: Request, next| {
        if request.url().host_str() == Some("files.test") {
            *kept.lock().unwrap() = Some(request);
            return Box::pin(async { Ok(http::Response::new(Body::empty())) });
        }
        Box::pin(next.run(kept.lock().unwrap().take().unwrap()))
    });
    let client =
        builder.allow_origin("https://files.test").attempt_middleware(swapping).build().unwrap();
    client.get("https://files.test/").send().await.unwrap();
    client.get("/").send().await.unwrap();
    assert_eq!(mock.requests()[0].url().as_str(), "https://files.test/");
    assert_eq!((credentials(&mock), tokens.given()), (vec!["none".to_owned()], 0));
}

/// Whoever changes the URL on its way: credentials are for the origins that are trusted with them.
#[tokio::test]
async fn a_request_that_was_sent_elsewhere_takes_no_credentials_along() {
    struct Elsewhere;

    #[async_trait]
    impl RetryHook for Elsewhere {
        async fn on_retry(&self, event: &mut RetryEvent<'_>) {
            event.request.url = elsewhere();
        }
    }

    struct Hooked<S>(S);

    impl<S: RetryStrategy> RetryStrategy for Hooked<S> {
        fn decide(&self, attempt: &midil_http::Attempt<'_>) -> midil_http::RetryDecision {
            self.0.decide(attempt)
        }

        fn hook(&self) -> Option<&dyn RetryHook> {
            Some(&Elsewhere)
        }
    }

    fn elsewhere() -> Url {
        Url::parse("https://evil.test/").expect("a valid URL")
    }

    let moving = || {
        middleware_fn(|mut request: Request, next| {
            request.head_mut().url = elsewhere();
            Box::pin(next.run(request))
        })
    };
    let client = |change: fn(HttpClientBuilder, _) -> HttpClientBuilder| {
        let mock = MockTransport::always(Reply::status(503));
        (mock.clone(), change(over(mock).auth(Tokens::default()), moving()).build().unwrap())
    };
    for (how, (mock, client)) in [
        ("middleware", client(|builder, moving| builder.middleware(moving))),
        ("a hook", client(|builder, _| builder.retry(Hooked(up_to(2))))),
        ("attempt middleware", client(|builder, moving| builder.attempt_middleware(moving))),
    ] {
        client.get("/").send().await.unwrap();
        let request = mock.requests().pop().unwrap();
        assert_eq!(request.url(), &elsewhere(), "{how}");
        assert_eq!(request.header("authorization"), None, "{how}");
    }
}

#[tokio::test]
async fn credentials_never_follow_a_redirect_of_any_kind_to_a_foreign_origin() {
    for status in [301, 302, 303, 307, 308] {
        let away = Reply::status(status).header("location", "https://evil.test/");
        let mock = MockTransport::sequence([away, Reply::status(401)]);
        let tokens = Tokens::default();
        let client =
            over(mock.clone()).auth(tokens.clone()).redirect(Redirect::any()).build().unwrap();
        assert_eq!(client.post("/").body("x").send().await.unwrap().status(), 401);
        assert_eq!(credentials(&mock), ["Bearer t1", "none"], "{status}");
        assert!(tokens.rejected().is_empty());
    }
}

/// A provider that fails after it gave so many tokens.
struct Failing {
    after: usize,
    given: AtomicUsize,
}

impl Failing {
    const fn after(after: usize) -> Self {
        Self { after, given: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl AuthNProvider for Failing {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        if self.given.fetch_add(1, Ordering::Relaxed) < self.after {
            return Ok(AuthNToken::new(SECRET));
        }
        let down = AuthError::new(AuthErrorKind::Unavailable, "no token: look at the authority");
        Err(down.with_source("connection refused"))
    }
}

#[tokio::test]
async fn without_credentials_nothing_is_sent_and_the_error_says_why() {
    let mock = MockTransport::new();
    let client = over(mock.clone()).auth(Failing::after(0)).build().unwrap();
    let error = client.get("/").send().await.unwrap_err();
    assert!(matches!(error, Error::Auth(_)), "{error:?}");
    assert_eq!(error.sent(), Sent::No);
    assert_eq!(error.to_string(), "no token: look at the authority");
    assert_eq!(error.source().unwrap().to_string(), "connection refused");
    assert_eq!(mock.request_count(), 0);
}

#[tokio::test]
async fn a_replay_that_gets_no_credentials_leaves_the_401_as_it_is() {
    let mock = MockTransport::sequence([Reply::status(401).body("who are you?")]);
    let client = over(mock.clone()).auth(Failing::after(1)).build().unwrap();
    let response = client.get("/").send().await.unwrap();
    assert_eq!((response.status().as_u16(), mock.request_count()), (401, 1));
    assert_eq!(response.text().await.unwrap(), "who are you?");
}

#[tokio::test]
async fn get_token_alone_is_enough_of_a_provider() {
    struct Typed(&'static str, &'static str);

    #[async_trait]
    impl AuthNProvider for Typed {
        async fn get_token(&self) -> Result<AuthNToken, AuthError> {
            Ok(AuthNToken::new(self.1).with_token_type(self.0))
        }
    }

    for (kind, expected) in [("Bearer", "Bearer hunter2"), ("DPoP", "DPoP hunter2")] {
        let mock = MockTransport::new().reply(Reply::ok());
        over(mock.clone())
            .auth(Typed(kind, SECRET))
            .build()
            .unwrap()
            .get("/")
            .send()
            .await
            .unwrap();
        assert_eq!(credentials(&mock), [expected]);
    }
    for (kind, token) in
        [("Bearer", "hunter2\r\nx: y"), ("Bea\nrer", SECRET), ("Bearer", "hunter2\0")]
    {
        let client = over(MockTransport::new()).auth(Typed(kind, token)).build().unwrap();
        let error = client.get("/").send().await.unwrap_err();
        assert!(matches!(error, Error::Auth(_)), "{error:?}");
        assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
    }
}

#[test]
fn a_token_fetch_that_stalls_runs_into_the_total_timeout() {
    struct Stalled;

    #[async_trait]
    impl AuthNProvider for Stalled {
        async fn get_token(&self) -> Result<AuthNToken, AuthError> {
            std::future::pending().await
        }
    }

    let runtime = ManualRuntime::new();
    let client = over(MockTransport::new())
        .auth(Stalled)
        .runtime(runtime.clone())
        .total_timeout(Duration::from_secs(7))
        .build()
        .unwrap();
    let Err(Error::Timeout(error)) = runtime.block_on(client.get("/").send()) else {
        panic!("no timeout");
    };
    assert_eq!((error.kind(), error.phase()), (TimeoutKind::Total, Phase::Credentials));
    assert_eq!(
        (error.after(), runtime.elapsed()),
        (Duration::from_secs(7), Duration::from_secs(7))
    );
}

#[test]
fn credentials_do_not_travel_in_the_clear_unless_that_is_permitted() {
    type Set = fn(HttpClientBuilder) -> HttpClientBuilder;
    let build = |base: &str, set: Set| {
        let builder = HttpClient::builder(MockTransport::new()).base_url(base);
        set(builder.auth(Tokens::default())).build()
    };
    let plain: Set = |builder| builder;
    for exposed in [
        "http://api.test",
        "http://10.0.0.1:8080",
        "http://192.168.1.1",
        "http://[2001:db8::1]:8080",
        "http://localhost.evil.test",
        "http://127.0.0.1.evil.test",
        "http://notlocalhost",
    ] {
        let message = build_error(build(exposed, plain));
        assert!(
            message.contains("allow_plain_http_auth") && message.contains(exposed),
            "{message}"
        );
        build(exposed, HttpClientBuilder::allow_plain_http_auth).unwrap();
    }
    for fine in [
        "https://api.test",
        "http://localhost:3000",
        "http://LOCALHOST",
        "http://api.localhost",
        "http://127.0.0.1:3000",
        "http://127.1.2.3",
        "http://[::1]:3000",
    ] {
        build(fine, plain).unwrap();
    }
    build("https://api.test", |builder| builder.allow_origin("http://files.test")).unwrap();
    let message =
        build_error(build("https://api.test", |builder| builder.auth_origin("http://login.test")));
    assert!(message.contains("http://login.test"), "{message}");
    HttpClient::builder(MockTransport::new()).base_url("http://api.test").build().unwrap();
}

#[test]
fn credentials_that_would_go_nowhere_are_a_build_error() {
    let message =
        build_error(HttpClient::builder(MockTransport::new()).auth(Tokens::default()).build());
    assert!(message.contains("base_url") && message.contains("auth_origin"), "{message}");
}

#[tokio::test]
async fn the_replay_is_made_of_what_attempt_middleware_made_of_the_request() {
    type Change = fn(Request) -> Request;
    let changes: [(&str, Change); 13] = [
        ("nothing", |request| request),
        ("nothing, though it could have", |mut request| {
            assert!(!request.headers_mut().is_empty());
            request
        }),
        ("a copy", |request| request.try_clone().unwrap()),
        ("a header more", |mut request| {
            request.headers_mut().insert("x-more", HeaderValue::from_static("1"));
            request
        }),
        ("another value", |mut request| {
            request.headers_mut().insert("x-base", HeaderValue::from_static("2"));
            request
        }),
        ("a header less", |mut request| {
            request.headers_mut().remove("x-base");
            request
        }),
        ("the body", |mut request| {
            *request.body_mut() = "olleh".into();
            request
        }),
        ("another body", |request| request.with_body("olleh")),
        ("the method", |request| request.with_method(Method::PUT)),
        ("the URL", |mut request| {
            request.head_mut().url.set_path("/changed");
            request
        }),
        ("an extension", |mut request| {
            request.extensions_mut().insert("extended");
            request
        }),
        ("its parts", |request| {
            let (mut head, body) = request.into_parts();
            head.headers.remove("x-base");
            Request::from_parts(head, body)
        }),
        ("all of it", |request| Request::new(Method::DELETE, request.url().clone())),
    ];
    for (what, change) in changes {
        let (mock, builder, tokens) = answering([401, 200]);
        let changing = middleware_fn(move |request, next| Box::pin(next.run(change(request))));
        let client = builder.header("x-base", "1").attempt_middleware(changing).build().unwrap();
        client.post("/").body("hello").send().await.unwrap();
        let sent = mock.requests().into_iter().map(|request| {
            let mut headers = request.headers().clone();
            headers.remove("authorization");
            let extension = request.head().extensions.get::<&str>().copied();
            (request.to_string(), headers, request.text().to_owned(), extension)
        });
        let sent: Vec<_> = sent.collect();
        assert_eq!(sent[0], sent[1], "{what}");
        assert_eq!(credentials(&mock), ["Bearer t1", "Bearer t2"], "{what}");
        assert_eq!(tokens.rejected(), ["1"], "{what}");
    }
}

#[tokio::test]
async fn what_a_provider_emits_is_never_in_the_request_that_others_see() {
    struct Watching(Tokens);

    #[async_trait]
    impl AuthNProvider for Watching {
        async fn get_token(&self) -> Result<AuthNToken, AuthError> {
            self.0.get_token().await
        }

        async fn get_headers(&self, request: &RequestHead) -> Result<AuthNHeaders, AuthError> {
            assert!(!request.headers.contains_key("authorization"));
            self.0.get_headers(request).await
        }
    }

    let watching = || {
        middleware_fn(|request: Request, next| {
            assert!(!request.headers().contains_key("authorization"));
            Box::pin(next.run(request))
        })
    };
    let retry = |attempt: &midil_http::Attempt<'_>| {
        assert!(!attempt.request.headers.contains_key("authorization"));
        up_to(2).decide(attempt)
    };
    let mock = MockTransport::sequence([401, 503, 401].map(Reply::status));
    let client = over(mock)
        .auth(Watching(Tokens::default()))
        .middleware(watching())
        .attempt_middleware(watching())
        .retry(retry)
        .build()
        .unwrap();
    assert_eq!(client.get("/").send().await.unwrap().status(), 401);
}
