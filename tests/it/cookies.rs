//! The cookie jar on the way of a request: who gets which cookies, and from whom they are learned.

use http::{HeaderName, HeaderValue};
use midil_http::{
    CookieJar, HttpClient, HttpClientBuilder, Redirect, Request, RequestBuilder, middleware_fn,
};
use midil_http_test::{ManualRuntime, MockTransport, RecordedRequest, Reply};

use crate::support::{Fixed, Tokens, over, up_to};

/// What the requests of a mock had as cookies.
fn sent(mock: &MockTransport) -> Vec<Option<String>> {
    let cookie = |request: &RecordedRequest| {
        let all: Vec<_> = request.headers().get_all("cookie").iter().collect();
        assert!(all.len() <= 1, "one header at most: {}", all.len());
        assert!(all.iter().all(|value| value.is_sensitive()));
        all.first().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    mock.requests().iter().map(cookie).collect()
}

fn some(cookies: &str) -> Option<String> {
    Some(cookies.to_owned())
}

fn setting(status: u16, cookies: &[&'static str]) -> Reply {
    let set = |reply: Reply, cookie: &&'static str| reply.header("set-cookie", *cookie);
    cookies.iter().fold(Reply::status(status), set)
}

fn to(location: &'static str, cookies: &[&'static str]) -> Reply {
    setting(307, cookies).header("location", location)
}

/// Makes the calls one after another, with a jar.
async fn calls<const N: usize>(
    replies: impl IntoIterator<Item = Reply>,
    client: impl FnOnce(HttpClientBuilder) -> HttpClientBuilder,
    calls: [fn(&HttpClient) -> RequestBuilder; N],
) -> (Vec<Option<String>>, CookieJar) {
    let (mock, jar) = (MockTransport::sequence(replies), CookieJar::new());
    let client = client(over(mock.clone()).cookie_jar(jar.clone())).build().unwrap();
    for call in calls {
        call(&client).send().await.unwrap();
    }
    (sent(&mock), jar)
}

fn get(client: &HttpClient) -> RequestBuilder {
    client.get("/a")
}

fn plain(client: HttpClientBuilder) -> HttpClientBuilder {
    client
}

#[tokio::test]
async fn there_is_no_jar_unless_one_is_asked_for() {
    let mock = MockTransport::always(setting(200, &["a=1; Path=/"]));
    let client = over(mock.clone()).build().unwrap();
    for _ in 0..2 {
        client.get("/a").send().await.unwrap();
    }
    assert_eq!(sent(&mock), [None, None]);
}

#[tokio::test]
async fn what_a_server_sets_comes_back() {
    let replies = [setting(200, &["a=1; Path=/", "b=2; Path=/v1"]), Reply::ok(), Reply::ok()];
    let (sent, jar) = calls(replies, plain, [get, get, |client| client.post("/b").json(&1)]).await;
    assert_eq!(sent, [None, some("b=2; a=1"), some("b=2; a=1")]);
    assert_eq!(jar.len(), 2);
}

#[tokio::test]
async fn clones_share_a_jar_and_clients_may() {
    let jar = CookieJar::new();
    let mock = MockTransport::sequence([setting(200, &["a=1; Path=/"]), Reply::ok(), Reply::ok()]);
    let client = over(mock.clone()).cookie_jar(jar.clone()).build().unwrap();
    client.get("/").send().await.unwrap();
    client.clone().get("/").send().await.unwrap();
    let other = over(mock.clone()).cookie_jar(jar).build().unwrap();
    other.get("/").send().await.unwrap();
    assert_eq!(sent(&mock), [None, some("a=1"), some("a=1")]);
}

#[tokio::test]
async fn the_requests_own_cookies_win_by_name() {
    let replies = || [setting(200, &["a=jar; Path=/", "b=jar; Path=/"]), Reply::ok(), Reply::ok()];
    let own: fn(&HttpClient) -> RequestBuilder =
        |client| client.get("/a").cookie("b", "own").cookie("c", "own");
    let (sent, jar) = calls(replies(), plain, [get, own, get]).await;
    assert_eq!(sent, [None, some("b=own; c=own; a=jar"), some("a=jar; b=jar")]);
    assert_eq!(jar.get("https://api.test/", "b").unwrap().value(), "jar");

    // So do those of the client.
    let base =
        |client: HttpClientBuilder| client.header("cookie", "a=base").header("cookie", "d=4");
    let (sent, _) = calls(replies(), base, [get, get, own]).await;
    let (first, second) = ("a=base; d=4", "a=base; d=4; b=jar");
    assert_eq!(sent, [some(first), some(second), some("b=own; c=own; a=jar")]);
}

#[tokio::test]
async fn every_hop_sets_and_gets_its_own() {
    let replies = [
        to("/b", &["hop=1; Path=/"]),
        to("https://elsewhere.test/c", &["hop=2; Path=/", "secret=1; Path=/"]),
        to("https://elsewhere.test/d", &["theirs=1; Path=/"]),
        to("https://api.test/v1/e", &["theirs=2; Path=/", "stolen=1; Domain=api.test"]),
        Reply::ok(),
    ];
    let client = |client: HttpClientBuilder| client.redirect(Redirect::any());
    let (sent, jar) = calls(replies, client, [|client| client.get("/a").cookie("own", "1")]).await;
    assert_eq!(
        sent,
        [
            some("own=1"),
            some("own=1; hop=1"),
            None, // neither the caller's nor the jar's of another origin
            some("theirs=1"),
            some("hop=2; secret=1"), // the caller's were left behind
        ]
    );
    assert_eq!(jar.len(), 3);
    assert!(jar.iter().all(|cookie| cookie.name() != "stolen"));
}

#[tokio::test]
async fn hosts_below_a_domain_share_what_is_for_all_of_it() {
    let replies = [
        to("https://b.example.com/", &["all=1; Path=/; Domain=example.com", "mine=1; Path=/"]),
        Reply::ok(),
    ];
    let client = |client: HttpClientBuilder| {
        client.base_url("https://a.example.com").redirect(Redirect::any())
    };
    let (sent, _) = calls(replies, client, [get]).await;
    assert_eq!(sent, [None, some("all=1")]);
}

#[tokio::test]
async fn every_attempt_is_learned_from_and_has_what_is_there_by_then() {
    let replies =
        [setting(503, &["a=1; Path=/"]), setting(503, &["a=2; Path=/", "b=1"]), Reply::ok()];
    let retried = |client: HttpClientBuilder| client.retry(up_to(3));
    let (sent, _) = calls(replies, retried, [get]).await;
    assert_eq!(sent, [None, some("a=1"), some("b=1; a=2")]);
}

#[tokio::test]
async fn a_401_is_learned_from_before_the_replay() {
    let replies =
        || [setting(401, &["a=1; Path=/", "own=theirs; Path=/"]), Reply::ok(), Reply::ok()];
    let authenticated = |client: HttpClientBuilder| client.auth(Tokens::default());
    let own: fn(&HttpClient) -> RequestBuilder = |client| client.get("/a").cookie("own", "1");
    let (sent, _) = calls(replies(), authenticated, [own, get]).await;
    assert_eq!(sent, [some("own=1"), some("own=1; a=1"), some("a=1; own=theirs")]);

    // Where middleware changed the request, too.
    let changed = |client: HttpClientBuilder| {
        client.auth(Tokens::default()).attempt_middleware(middleware_fn(|mut request, next| {
            request.headers_mut().insert("x-changed", HeaderValue::from_static("yes"));
            Box::pin(next.run(request))
        }))
    };
    let (sent, _) = calls(replies(), changed, [own, get]).await;
    assert_eq!(sent, [some("own=1"), some("own=1; a=1"), some("a=1; own=theirs")]);
}

#[tokio::test]
async fn a_providers_cookies_are_put_beside_those_of_the_jar() {
    let session = || Fixed::new(&[("cookie", "session=provided")]);
    let replies = || [setting(200, &["a=1; Path=/", "session=jar; Path=/"]), Reply::ok()];
    let client = |client: HttpClientBuilder| client.auth(session());
    let (sent, _) = calls(replies(), client, [get, get]).await;
    assert_eq!(sent, [some("session=provided"), some("session=provided; a=1")]);

    // What the request sets itself is stronger than the provider, and what the client does is weaker.
    let own: fn(&HttpClient) -> RequestBuilder = |client| client.get("/a").cookie("own", "1");
    let (sent, _) = calls(replies(), client, [get, own]).await;
    assert_eq!(sent[1], some("own=1; a=1; session=jar"));
    let base = |client: HttpClientBuilder| client.auth(session()).header("cookie", "base=1");
    let (sent, _) = calls(replies(), base, [get, get]).await;
    assert_eq!(sent, [some("session=provided"), some("session=provided; a=1")]);
}

/// A provider that signs a request signs the cookies that it is sent with.
#[tokio::test]
async fn a_provider_sees_the_cookies_of_the_jar() {
    struct Signer;
    #[midil_http::async_trait]
    impl midil_http::AuthNProvider for Signer {
        async fn get_token(&self) -> Result<midil_http::AuthNToken, midil_http::AuthError> {
            Ok(midil_http::AuthNToken::new("unused"))
        }
        async fn get_headers(
            &self,
            request: &midil_http::RequestHead,
        ) -> Result<midil_http::AuthNHeaders, midil_http::AuthError> {
            let seen = request.headers.get("cookie").cloned();
            let seen = seen.unwrap_or(HeaderValue::from_static("none"));
            Ok(midil_http::AuthNHeaders::new().with(HeaderName::from_static("x-signed"), seen))
        }
    }
    let mock = MockTransport::sequence([setting(401, &["a=1; Path=/"]), Reply::ok()]);
    let client = over(mock.clone()).auth(Signer).cookie_jar(CookieJar::new()).build().unwrap();
    client.get("/").send().await.unwrap();
    let signed: Vec<_> = mock
        .requests()
        .iter()
        .map(|request| request.header("x-signed").unwrap().to_owned())
        .collect();
    assert_eq!(signed, ["none", "a=1"]);
}

#[tokio::test]
async fn attempt_middleware_sees_no_cookies_of_the_jar_and_may_send_its_request_elsewhere() {
    let jar = CookieJar::new();
    jar.add("https://api.test/", "a=1; Path=/").unwrap();
    jar.add("https://elsewhere.test/", "theirs=1").unwrap();
    let mock = MockTransport::always(setting(200, &["new=1; Path=/"]));
    let client = over(mock.clone()).cookie_jar(jar.clone()).attempt_middleware(middleware_fn(
        |mut request: Request, next| {
            assert!(!request.headers().contains_key("cookie"));
            request.head_mut().url = "https://elsewhere.test/".parse().unwrap();
            Box::pin(next.run(request))
        },
    ));
    client.build().unwrap().get("/").send().await.unwrap();
    assert_eq!(sent(&mock), [some("theirs=1")]);
    assert_eq!(jar.get("https://elsewhere.test/", "new").unwrap().domain(), "elsewhere.test");
}

#[tokio::test]
async fn secure_cookies_stay_off_plain_http() {
    let jar = CookieJar::new();
    jar.add("https://api.test/", "a=1; Path=/; Secure").unwrap();
    jar.add("https://api.test/", "b=2; Path=/").unwrap();
    let mock = MockTransport::always(setting(200, &["c=3; Secure", "a=forged; Path=/"]));
    let client = over(mock.clone()).base_url("http://api.test").cookie_jar(jar.clone());
    client.build().unwrap().get("/").send().await.unwrap();
    assert_eq!(sent(&mock), [some("b=2")]);
    assert_eq!(jar.len(), 2);
}

#[tokio::test]
async fn a_jar_keeps_the_time_of_its_runtime() {
    let runtime = ManualRuntime::new();
    let jar = CookieJar::with_runtime(runtime.clone());
    let mock = MockTransport::sequence([
        setting(200, &["a=1; Path=/; Max-Age=60"]),
        Reply::ok(),
        Reply::ok(),
    ]);
    let client = over(mock.clone()).cookie_jar(jar).build().unwrap();
    for _ in 0..3 {
        client.get("/").send().await.unwrap();
        runtime.advance(std::time::Duration::from_secs(30));
    }
    assert_eq!(sent(&mock), [None, some("a=1"), None]);
}

#[tokio::test]
async fn many_calls_at_once_share_a_jar() {
    let jar = CookieJar::new();
    let mock = MockTransport::always(setting(200, &["a=1; Path=/", "b=2; Path=/; Max-Age=0"]));
    let client = over(mock.clone()).cookie_jar(jar.clone()).build().unwrap();
    let calls = (0..200).map(|_| tokio::spawn(client.get("/").send()));
    for call in futures_util::future::join_all(calls).await {
        call.unwrap().unwrap();
    }
    assert_eq!((jar.len(), mock.request_count()), (1, 200));
}

/// Over real sockets: what the server sees.
#[cfg(all(feature = "reqwest", feature = "retry"))]
#[test]
fn over_real_sockets() {
    use midil_http_test::fault_server::{FaultServer, Reply};

    use crate::support::whole::{of, on_the_wire};

    on_the_wire(async {
        let server = FaultServer::sequence([
            Reply::ok("").header("set-cookie", "a=1; Path=/; Secure").header("set-cookie", "b=2"),
            Reply::ok(""),
        ]);
        let client = of(&server).cookie_jar(CookieJar::new()).build().unwrap();
        for _ in 0..2 {
            client.get("/").send().await.unwrap().bytes().await.unwrap();
        }
        let requests = server.requests();
        assert_eq!(requests[0].header("cookie"), None);
        assert_eq!(requests[1].header("cookie"), Some("a=1; b=2"));
    });
}
