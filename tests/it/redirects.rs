//! Redirects: where they lead, what goes along, and what is given back instead.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use midil_http::{Body, Error, HttpClient, Redirect, Request, Response};
use midil_http_test::{ManualRuntime, MockTransport, RecordedRequest, Reply};

use crate::support::{Tokens, and_what_is_accepted, over, up_to, values};

/// A redirect.
fn to(status: u16, location: &'static str) -> Reply {
    Reply::status(status).header("location", location)
}

/// What became of a GET of `/a` that was answered by a redirect, and where its second request went, if there was one.
async fn followed(client: &HttpClient, mock: &MockTransport) -> (Response, Option<String>) {
    let response = client.get("/a").send().await.expect("no error");
    let second = mock.requests().get(1).map(|request| request.url().to_string());
    assert_eq!(response.url().as_str(), second.as_deref().unwrap_or("https://api.test/v1/a"));
    (response, second)
}

/// What method the second request has where the first, of that method, had a body, and whether it has the body, too.
type Change = fn(&'static str) -> (&'static str, bool);

#[tokio::test]
async fn method_and_body_change_as_the_status_says() {
    let moved: Change = |method| if method == "POST" { ("GET", false) } else { (method, true) };
    let see_other: Change =
        |method| if method == "HEAD" { ("HEAD", false) } else { ("GET", false) };
    let replayed: Change = |method| (method, true);
    for (status, change) in
        [(301, moved), (302, moved), (303, see_other), (307, replayed), (308, replayed)]
    {
        for first in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"] {
            let mock = MockTransport::sequence([to(status, "/b"), Reply::ok()]);
            let client = over(mock.clone()).build().unwrap();
            let method = Method::try_from(first).unwrap();
            client.request(method, "/a").body("hello").send().await.unwrap();
            let request = &mock.requests()[1];
            let body = request.text();
            assert!(["", "hello"].contains(&body), "{status} to {first}: {body}");
            let second = (request.method().as_str(), !body.is_empty());
            assert_eq!(second, change(first), "{status} to {first}");
            assert_eq!(request.headers().contains_key("content-type"), second.1);
        }
    }
}

/// RFC 9110, section 15.4, step 5.
#[tokio::test]
async fn the_headers_of_a_dropped_body_are_dropped() {
    let of_body = [
        "content-type",
        "content-length",
        "content-encoding",
        "content-language",
        "content-location",
        "digest",
        "last-modified",
        "transfer-encoding",
        "expect",
        "trailer",
    ];
    for (status, kept) in [(303, false), (302, false), (307, true), (308, true)] {
        let mock = MockTransport::sequence([to(status, "/b"), Reply::ok()]);
        let post = over(mock.clone()).build().unwrap().post("/a").body("hello");
        let post = of_body.into_iter().fold(post, |post, name| post.header(name, "x"));
        post.header("x-other", "kept").send().await.unwrap();
        let request = &mock.requests()[1];
        let wrong: Vec<_> = of_body
            .into_iter()
            .filter(|name| request.headers().contains_key(*name) != kept)
            .collect();
        assert!(wrong.is_empty(), "{status}: {wrong:?}");
        assert_eq!(request.header("x-other"), Some("kept"));
    }
}

#[tokio::test]
async fn ten_redirects_are_followed_and_the_eleventh_is_an_error() {
    let chain = |hops: usize| (0..hops).map(|_| to(302, "/next"));
    let mock = MockTransport::sequence(chain(10).chain([Reply::ok()]));
    over(mock.clone()).build().unwrap().get("/a").send().await.unwrap();
    assert_eq!(mock.request_count(), 11);

    let mock = MockTransport::sequence(chain(11));
    let error = over(mock.clone()).build().unwrap().get("/a").send().await.unwrap_err();
    assert!(matches!(error, Error::Redirect(_)), "{error:?}");
    assert_eq!(error.status(), Some(StatusCode::FOUND));
    assert!(error.to_string().starts_with("more than 10 redirects"), "{error}");
    assert_eq!(mock.request_count(), 11);
}

#[tokio::test]
async fn the_limit_can_be_set() {
    for (redirect, sent) in [
        (Redirect::limit(0), 1),
        (Redirect::limit(3), 4),
        (Redirect::limit(12), 13),
        (Redirect::any(), 11),
        (Redirect::limit(2).to_any_origin(), 3),
    ] {
        let mock = MockTransport::always(to(307, "/a"));
        let client = over(mock.clone()).redirect(redirect).build().unwrap();
        let error = client.get("/a").send().await.unwrap_err();
        assert!(matches!(error, Error::Redirect(_)), "{error:?}");
        assert_eq!(mock.request_count(), sent, "{redirect:?}");
    }
}

#[tokio::test]
async fn none_are_followed_when_none_are_wanted() {
    for status in [301, 302, 303, 307, 308] {
        let mock = MockTransport::sequence([to(status, "/b").body("moved")]);
        let client = over(mock.clone()).redirect(Redirect::none()).build().unwrap();
        let (response, second) = followed(&client, &mock).await;
        assert_eq!((response.status().as_u16(), second), (status, None));
        assert_eq!(values(response.headers(), "location"), ["/b"]);
        assert_eq!(response.text().await.unwrap(), "moved");
    }
}

#[tokio::test]
async fn other_statuses_are_no_redirects() {
    for status in [200, 201, 202, 300, 304, 305, 306, 399, 400] {
        let mock = MockTransport::sequence([to(status, "/b")]);
        let client = over(mock.clone()).build().unwrap();
        let (response, second) = followed(&client, &mock).await;
        assert_eq!((response.status().as_u16(), second), (status, None));
    }
}

#[tokio::test]
async fn a_location_is_relative_to_the_url_that_answered() {
    for (location, url) in [
        ("https://api.test/b", "https://api.test/b"),
        ("https://API.test:443/b", "https://api.test/b"),
        ("//api.test/b", "https://api.test/b"),
        ("/b", "https://api.test/b"),
        ("b", "https://api.test/v1/x/b"),
        ("./b", "https://api.test/v1/x/b"),
        ("../b", "https://api.test/v1/b"),
        ("../../../b", "https://api.test/b"),
        ("?q=2", "https://api.test/v1/x/a?q=2"),
        ("", "https://api.test/v1/x/a?q=1"),
        ("/b c", "https://api.test/b%20c"),
    ] {
        let mock = MockTransport::sequence([to(302, location), to(302, "c"), Reply::ok()]);
        let client = over(mock.clone()).build().unwrap();
        let response = client.get("/x/a?q=1").send().await.unwrap();
        let requests = mock.requests();
        assert_eq!(requests[1].url().as_str(), url, "{location:?}");
        assert_eq!(requests[2].url(), &requests[1].url().join("c").unwrap(), "{location:?}");
        assert_eq!(response.url(), requests[2].url());
    }
}

/// RFC 9110, section 10.2.2.
#[tokio::test]
async fn a_fragment_is_kept_unless_the_location_has_one() {
    for (location, fragment) in [("/b", Some("mine")), ("/b#theirs", Some("theirs"))] {
        let mock = MockTransport::sequence([to(302, location), Reply::ok()]);
        let client = over(mock.clone()).build().unwrap();
        let response = client.get("https://api.test/v1/a#mine").send().await.unwrap();
        assert_eq!(response.url().fragment(), fragment, "{location}");
    }
}

#[tokio::test]
async fn a_hop_of_the_same_origin_may_leave_the_base_path() {
    let mock = MockTransport::sequence([to(302, "/v2/b"), Reply::ok()]);
    let client = over(mock.clone()).header("x-base", "1").build().unwrap();
    let (response, second) = followed(&client, &mock).await;
    assert_eq!(
        (response.status(), second.as_deref()),
        (StatusCode::OK, Some("https://api.test/v2/b"))
    );
    assert_eq!(mock.requests()[1].header("x-base"), Some("1"));
}

#[tokio::test]
async fn where_the_location_leads_nowhere_the_3xx_is_returned() {
    let malformed = HeaderValue::from_bytes(b"/\xff").expect("a valid header value");
    let replies = [
        Reply::status(302),
        Reply::status(302).header("location", malformed),
        to(302, "https://"),
        to(302, "https://api.test:port/"),
        to(302, "https://[::1/"),
        to(302, "ftp://api.test/b"),
        to(302, "file:///etc/passwd"),
        to(302, "data:text/plain,x"),
        to(302, "javascript:alert(1)"),
        to(302, "https://user:pass@api.test/b"),
        to(302, "https://user@api.test/b"),
    ];
    for (case, reply) in replies.into_iter().enumerate() {
        let mock = MockTransport::sequence([reply]);
        let client = over(mock.clone()).redirect(Redirect::any()).build().unwrap();
        let (response, second) = followed(&client, &mock).await;
        assert_eq!((response.status(), second), (StatusCode::FOUND, None), "{case}");
    }
}

const ELSEWHERE: [&str; 8] = [
    "https://files.test/b",
    "//files.test/b",
    "/\\files.test/b",
    "\\\\files.test/b",
    "/\t/files.test/b",
    "https://api.test:8443/b",
    "https://sub.api.test/b",
    "https://api.test.files.test/b",
];

#[tokio::test]
async fn a_redirect_to_another_origin_is_returned() {
    for location in ELSEWHERE {
        let mock = MockTransport::sequence([to(302, location).body("moved")]);
        let client = over(mock.clone()).build().unwrap();
        let (response, second) = followed(&client, &mock).await;
        assert_eq!((response.status(), second), (StatusCode::FOUND, None), "{location}");
        assert_eq!(response.text().await.unwrap(), "moved");
    }
}

#[tokio::test]
async fn a_redirect_to_any_origin_is_followed_when_that_is_wanted() {
    for redirect in [Redirect::any(), Redirect::limit(1).to_any_origin()] {
        for location in ELSEWHERE {
            let mock = MockTransport::sequence([to(302, location), Reply::ok()]);
            let client = over(mock.clone()).redirect(redirect).build().unwrap();
            let (response, second) = followed(&client, &mock).await;
            assert_eq!(response.status(), StatusCode::OK, "{location}, {redirect:?}");
            assert!(second.unwrap().ends_with("/b"));
        }
    }
}

#[tokio::test]
async fn a_redirect_to_an_allowed_origin_is_followed() {
    for (location, followed) in [
        ("https://files.test/b", true),
        ("https://files.test:8443/b", false),
        ("https://x.test/", false),
    ] {
        let replies = [to(302, location)].into_iter().chain(followed.then(Reply::ok));
        let mock = MockTransport::sequence(replies);
        let client = over(mock.clone()).allow_origin("https://files.test").build().unwrap();
        client.get("/a").send().await.unwrap();
        assert_eq!(mock.request_count(), 1 + usize::from(followed), "{location}");
    }
}

/// The second request of a POST with all sorts of headers that is redirected to `location`.
async fn second(redirect: Redirect, location: &'static str) -> RecordedRequest {
    let mock = MockTransport::sequence([to(307, location), Reply::ok()]);
    let client = over(mock.clone())
        .header("x-base", "base")
        .header("authorization", "base")
        .header("user-agent", "ours")
        .header("accept", "text/plain")
        .auth(crate::support::Fixed::new(&[("x-api-key", "auth"), ("x-date", "auth")]))
        .allow_origin("https://files.test")
        .redirect(redirect)
        .build()
        .expect("a good client");
    let mut marked = HeaderValue::from_static("own");
    marked.set_sensitive(true);
    let mut two = http::HeaderMap::new();
    two.append("x-half", HeaderValue::from_static("own"));
    two.append("x-half", marked.clone());
    client
        .post("/a")
        .header("x-own", "own")
        .header("x-marked", marked)
        .header("proxy-authorization", "own")
        .header("host", "api.test")
        .header("idempotency-key", "own")
        .headers(&two)
        .cookie("session", "own")
        .json("hello")
        .send()
        .await
        .expect("no error");
    mock.requests().remove(1)
}

#[tokio::test]
async fn secrets_and_base_headers_stay_behind_when_the_origin_changes() {
    for (redirect, location) in [
        (Redirect::new(), "https://files.test/b"),
        (Redirect::any(), "https://files.test/b"),
        (Redirect::any(), "https://any.test/b"),
        (Redirect::any(), "https://api.test:8443/b"),
    ] {
        let request = second(redirect, location).await;
        let mut names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            and_what_is_accepted([
                "accept",
                "content-type",
                "idempotency-key",
                "user-agent",
                "x-own",
            ]),
            "{location}"
        );
        assert_eq!(request.header("user-agent"), Some("ours"));
        assert_eq!(request.header("accept"), Some("text/plain"));
        assert_eq!(request.text(), "\"hello\"");
    }
}

#[tokio::test]
async fn everything_goes_along_within_the_origin() {
    let request = second(Redirect::new(), "/b").await;
    for name in ["x-own", "x-marked", "proxy-authorization", "idempotency-key"] {
        assert_eq!(values(request.headers(), name), ["own"], "{name}");
    }
    assert_eq!(values(request.headers(), "x-half"), ["own", "own"]);
    assert_eq!(values(request.headers(), "cookie"), ["session=own"]);
    assert_eq!(values(request.headers(), "x-base"), ["base"]);
    assert_eq!(values(request.headers(), "x-api-key"), ["auth"]);
}

/// Nobody marked them: they were put on the request itself.
#[tokio::test]
async fn unmarked_secrets_go_along_within_the_origin_and_no_further() {
    let secrets = ["authorization", "cookie", "proxy-authorization"];
    for (location, goes) in [("/b", true), ("https://files.test/b", false)] {
        let mock = MockTransport::sequence([to(302, location), Reply::ok()]);
        let client = over(mock.clone()).redirect(Redirect::any()).build().unwrap();
        let mut request = Request::get("https://api.test/v1/a").unwrap();
        for name in secrets {
            request.headers_mut().insert(name, HeaderValue::from_static("own"));
        }
        client.execute(request).await.unwrap();
        for name in secrets {
            let expected = goes.then_some("own");
            assert_eq!(mock.requests()[1].header(name), expected, "{name} to {location}");
        }
    }
}

#[tokio::test]
async fn each_hop_asks_the_provider_anew_where_it_may() {
    let tokens = Tokens::default();
    let replies = ["/b", "https://files.test/c", "https://login.test/d", "https://api.test/e"];
    let mock =
        MockTransport::sequence(replies.map(|url| to(302, url)).into_iter().chain([Reply::ok()]));
    let client = over(mock.clone())
        .header("x-base", "1")
        .auth(tokens.clone())
        .allow_origin("https://files.test")
        .auth_origin("https://login.test")
        .build()
        .unwrap();
    client.get("/a").cookie("session", "own").send().await.unwrap();
    let seen: Vec<_> = mock
        .requests()
        .iter()
        .map(|request| {
            ["authorization", "x-base", "cookie"].map(|name| values(request.headers(), name).pop())
        })
        .collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        seen,
        [
            [some("Bearer t1"), some("1"), some("session=own")],
            [some("Bearer t2"), some("1"), some("session=own")],
            [None, None, None],
            [some("Bearer t3"), None, None],
            [some("Bearer t4"), some("1"), None], // at home again; what was dropped stays dropped
        ]
    );
    assert_eq!(tokens.given(), 4);
}

#[tokio::test]
async fn without_a_base_the_origin_of_the_request_is_home() {
    let mock =
        MockTransport::sequence([to(302, "/b"), to(302, "https://files.test/c"), Reply::ok()]);
    let client = HttpClient::builder(mock.clone())
        .header("x-base", "1")
        .allow_origin("https://files.test")
        .build()
        .unwrap();
    client.get("https://any.test/a").send().await.unwrap();
    let seen: Vec<_> =
        mock.requests().iter().map(|request| values(request.headers(), "x-base")).collect();
    assert_eq!(seen, [vec!["1"], vec!["1"], vec![]]);
}

#[tokio::test]
async fn from_https_to_http_is_an_error_whatever_is_allowed() {
    for redirect in [Redirect::new(), Redirect::any()] {
        for location in ["http://api.test/b", "http://files.test/b"] {
            let mock = MockTransport::sequence([to(308, location)]);
            let client = over(mock.clone())
                .allow_origin("http://files.test")
                .redirect(redirect)
                .build()
                .unwrap();
            let error = client.get("/a").send().await.unwrap_err();
            assert!(matches!(error, Error::Redirect(_)), "{error:?}");
            assert!(error.to_string().starts_with("a redirect from https to http"), "{error}");
            assert_eq!(error.status(), Some(StatusCode::PERMANENT_REDIRECT));
            assert_eq!(mock.request_count(), 1);
        }
    }
}

#[tokio::test]
async fn from_http_to_https_is_another_origin() {
    for (allowed, sent) in [(false, 1), (true, 2)] {
        let mock = MockTransport::new().reply(to(302, "https://api.test/b"));
        let builder = HttpClient::builder(mock.clone()).base_url("http://api.test");
        let client = if allowed {
            mock.reply(Reply::ok());
            builder.allow_origin("https://api.test")
        } else {
            builder
        };
        client.build().unwrap().get("/a").cookie("a", "1").send().await.unwrap();
        assert_eq!(mock.request_count(), sent);
        assert!(!allowed || mock.requests()[1].header("cookie").is_none());
    }
}

/// A body that can be read once.
fn once() -> Body {
    Body::stream(stream::iter([Ok::<_, Error>("hello")]))
}

#[tokio::test]
async fn a_307_or_308_is_replayed_as_long_as_the_body_can_be() {
    let replayable = || Body::replayable(None, || stream::iter([Ok::<_, Error>("hello")]));
    for (kind, body, read, replayed) in [
        ("bytes", Body::from("hello"), true, true),
        ("replayable", replayable(), true, true),
        ("a stream that nobody read from", once(), false, true),
        ("a stream that was read from", once(), true, false),
    ] {
        let first = to(if replayed { 307 } else { 308 }, "/b").body("moved");
        let first = if read { first } else { first.without_reading_body() };
        let mock = MockTransport::sequence([first].into_iter().chain(replayed.then(Reply::ok)));
        let client = over(mock.clone()).build().unwrap();
        let response = client.put("/a").body(body).send().await.unwrap();
        assert_eq!(mock.requests().pop().unwrap().text(), "hello", "{kind}");
        assert_eq!(response.status(), if replayed { 200 } else { 308 }, "{kind}");
        assert_eq!(response.text().await.unwrap(), if replayed { "" } else { "moved" }, "{kind}");
    }
}

#[tokio::test]
async fn a_redirect_that_drops_the_body_is_followed_though_it_was_read() {
    let mock = MockTransport::sequence([to(303, "/b"), Reply::ok()]);
    let client = over(mock.clone()).build().unwrap();
    assert_eq!(client.put("/a").body(once()).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn each_hop_has_its_attempts() {
    let busy = || Reply::status(503);
    let mock =
        MockTransport::sequence([busy(), busy(), to(307, "/b"), busy(), busy(), Reply::ok()]);
    let client = over(mock.clone()).retry(up_to(3)).build().unwrap();
    let response = client.post("/a").body("hello").send().await.unwrap();
    assert_eq!((response.status(), response.attempts()), (StatusCode::OK, 5));
    let paths: Vec<_> =
        mock.requests().iter().map(|request| request.url().path().to_owned()).collect();
    assert_eq!(paths, ["/v1/a", "/v1/a", "/v1/a", "/b", "/b", "/b"]);
}

#[tokio::test]
async fn hops_are_no_attempts() {
    let mock = MockTransport::sequence([to(302, "/b"), to(302, "/c"), Reply::ok()]);
    let client = over(mock).retry(up_to(3)).build().unwrap();
    assert_eq!(client.get("/a").send().await.unwrap().attempts(), 1);
}

/// A body of `pieces` KiB that counts how many of them were read.
fn counted(pieces: usize) -> (Body, Arc<AtomicUsize>) {
    let read = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&read);
    let piece = move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok::<_, Error>(Bytes::from_static(&[0; 1024]))
    };
    (Body::stream(stream::iter((0..pieces).map(piece))), read)
}

#[tokio::test]
async fn a_redirect_is_drained_up_to_64_kib_before_the_next_request() {
    for (pieces, most) in [(1, 1), (64, 64), (10_000, 65)] {
        let (body, read) = counted(pieces);
        let at_second = Arc::new(AtomicUsize::new(0));
        let (seen, note) = (Arc::clone(&read), Arc::clone(&at_second));
        let second = Reply::from_fn(move |_| {
            note.store(seen.load(Ordering::Relaxed), Ordering::Relaxed);
            Ok(http::Response::new(Body::empty()))
        });
        let mock = MockTransport::sequence([to(302, "/b").body(body), second]);
        over(mock).build().unwrap().get("/a").send().await.unwrap();
        let read = at_second.load(Ordering::Relaxed);
        assert!(read >= pieces.min(64) && read <= most, "{read} of {pieces} KiB");
    }
}

#[test]
fn a_redirect_is_drained_for_100_ms_at_most() {
    let runtime = ManualRuntime::new();
    let stalled = Body::stream(stream::pending::<Result<Bytes, Error>>());
    let mock = MockTransport::sequence([to(302, "/b").body(stalled), Reply::ok()]);
    let client = over(mock).runtime(runtime.clone()).no_timeout().build().unwrap();
    let response = runtime.block_on(client.get("/a").send()).unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(runtime.elapsed(), Duration::from_millis(100));
}
