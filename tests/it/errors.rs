//! Errors: what they say, what they tell apart, and what they never show.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt::Debug;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode};
use midil_http::{
    Attempt, AuthError, AuthErrorKind, AuthNHeaders, AuthNToken, Body, BodyError, BuildError,
    CallSettings, DecodeError, Error, FileError, GiveUpReason, HttpClientBuilder, HttpConfig,
    LastOutcome, LimitError, Next, OwnedRetryEvent, PageError, Phase, Redirect, Request,
    RequestBuilder, Response, RetryDecision, RetryEvent, RetryExhausted, RetryHook, RetryStrategy,
    Secret, Sent, StatusError, TimeoutError, TimeoutKind, TransportError, TransportErrorKind,
    TransportSettings, async_retry_hook, async_trait, middleware_fn,
};
use midil_http_test::{MockTransport, Reply};

use crate::support::{Fixed, Log, SECRET, build_error, over, up_to};

/// What the errors of these tests come of.
const CAUSE: &str = "the cable was cut";

fn transport(kind: TransportErrorKind, sent: Sent) -> Error {
    TransportError::new(kind, sent, "it failed").with_source(CAUSE).into()
}

fn timeout(kind: TimeoutKind, phase: Phase) -> Error {
    TimeoutError::new(kind, Duration::from_secs(5), phase).into()
}

fn status(code: u16) -> Error {
    let status = StatusCode::from_u16(code).expect("a valid status");
    StatusError::new(status, HeaderMap::new(), "").into()
}

fn auth() -> Error {
    AuthError::new(AuthErrorKind::Rejected, "refused: check id and secret")
        .with_status(StatusCode::BAD_REQUEST)
        .with_oauth("invalid_client", Some("who?".into()))
        .with_source(CAUSE)
        .into()
}

fn full_disk() -> Error {
    FileError::new("/srv/report.csv", io::Error::new(io::ErrorKind::StorageFull, CAUSE)).into()
}

fn exhausted(last: impl Into<Option<Error>>) -> Error {
    let mut busy = http::Response::new(Body::from("busy"));
    *busy.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let last = last.into().map_or(LastOutcome::Response(busy), LastOutcome::Error);
    RetryExhausted::new(3, Duration::from_secs(1), GiveUpReason::Attempts, last).into()
}

#[test]
fn each_kind_tells_what_it_is_and_how_far_the_request_came() {
    use Sent::{Maybe, No};
    use TransportErrorKind::{Connect, Dns, Reset, Tls};
    let late = TimeoutError::connect(Duration::from_secs(10));
    let idle = || timeout(TimeoutKind::Progress, Phase::Head);
    let limit = LimitError::new("max_in_flight", "10 calls are in flight: wait");
    for (error, kind, is, status, sent) in [
        (BuildError::new("timeout", "is zero").into(), "Build", "", None, No),
        (transport(Dns, No), "Transport", "connect", None, No),
        (transport(Connect, No), "Transport", "connect", None, No),
        (transport(Tls, No), "Transport", "connect", None, No),
        (transport(Reset, No), "Transport", "", None, No),
        (transport(Reset, Maybe), "Transport", "", None, Maybe),
        (late.into(), "Timeout", "timeout connect", None, No),
        (idle(), "Timeout", "timeout", None, Maybe),
        (timeout(TimeoutKind::Attempt, Phase::Body), "Timeout", "timeout", None, Maybe),
        (timeout(TimeoutKind::Total, Phase::Backoff), "Timeout", "timeout", None, Maybe),
        (BodyError::new(CAUSE).into(), "Body", "", None, Maybe),
        (status(404), "Status", "status", Some(404), Maybe),
        (exhausted(None), "RetryExhausted", "status", Some(503), Maybe),
        (exhausted(transport(Connect, No)), "RetryExhausted", "connect", None, Maybe),
        (exhausted(idle()), "RetryExhausted", "timeout", None, Maybe),
        (Error::circuit_open(Duration::from_secs(9)), "CircuitOpen", "", None, No),
        (auth(), "Auth", "", None, No),
        (DecodeError::new("JSON", CAUSE).into(), "Decode", "", None, Maybe),
        (full_disk(), "File", "", None, Maybe),
        (limit.into(), "Limit", "", None, No),
        (PageError::malformed("the token", "is odd").into(), "Page", "", None, No),
        (Error::Closed, "Closed", "", None, No),
        (Error::custom("anything"), "Custom", "", None, Maybe),
    ] {
        let truths = [error.is_timeout(), error.is_connect(), error.is_status()];
        let truths = truths.into_iter().zip(["timeout", "connect", "status"]);
        let truths: Vec<_> = truths.filter_map(|(is, what)| is.then_some(what)).collect();
        let told = error.status().map(|status| status.as_u16());
        assert_eq!((error.kind(), truths.join(" ").as_str(), told), (kind, is, status), "{error}");
        assert_eq!(error.sent(), sent, "{error}");
    }
}

#[test]
fn an_error_says_what_went_wrong_and_what_to_do() {
    use Sent::{Maybe, No};
    use TransportErrorKind::{Closed, Connect, Dns, Other, Protocol, Refused, Reset, Tls};
    for (error, says) in [
        (transport(Dns, No), "it failed: check the host name and the resolver"),
        (transport(Connect, No), "it failed: check that the server runs and can be reached"),
        (transport(Tls, No), "it failed: check the certificate, its chain and the trusted roots"),
        (transport(Refused, No), "it failed: nothing was processed; try again"),
        (transport(Closed, No), "it failed: nothing was sent; try again"),
        (
            transport(Reset, Maybe),
            "it failed: the request may have been processed; try again only if it is idempotent",
        ),
        (transport(Protocol, Maybe), "it failed: check that the address is that of an HTTP server"),
        (transport(Other, Maybe), "it failed: see the cause"),
        (
            TimeoutError::connect(Duration::from_secs(10)).into(),
            "connect_timeout: no connection within 10s, when making a connection; \
             raise connect_timeout or look at the server",
        ),
        (
            timeout(TimeoutKind::Progress, Phase::Send),
            "timeout: no progress for 5s, when sending the request body; \
             raise timeout or look at the server",
        ),
        (
            timeout(TimeoutKind::Attempt, Phase::Head),
            "attempt_timeout: no result within 5s, when waiting for the response head; \
             raise attempt_timeout or look at the server",
        ),
        (
            timeout(TimeoutKind::Total, Phase::Credentials),
            "total_timeout: no result within 5s, when fetching credentials; \
             raise total_timeout or look at the server",
        ),
        (
            BodyError::new(CAUSE).into(),
            "the request body failed while it was sent: see the cause and mend the stream or file \
             that it comes from",
        ),
        (
            status(400),
            "the server answered 400 Bad Request: see its body for what is wrong with the request",
        ),
        (status(401), "the server answered 401 Unauthorized: check the credentials"),
        (status(403), "the server answered 403 Forbidden: check what these credentials may do"),
        (status(404), "the server answered 404 Not Found: check the URL"),
        (status(429), "the server answered 429 Too Many Requests: try again later"),
        (status(503), "the server answered 503 Service Unavailable: try again later"),
        (
            exhausted(None),
            "gave up after 3 attempts in 1s: all attempts are used up; the last one came to status 503",
        ),
        (
            exhausted(transport(Reset, Maybe)),
            "gave up after 3 attempts in 1s: all attempts are used up; the last one came to \
             an error (Transport)",
        ),
        (
            Error::circuit_open(Duration::from_secs(9)),
            "the circuit breaker is open: the server has failed too often; try again in 9s",
        ),
        (auth(), "refused: check id and secret (status 400) (invalid_client: who?)"),
        (
            DecodeError::new("JSON", CAUSE).into(),
            "the response body is not valid JSON: check what the server sends",
        ),
        (
            full_disk(),
            "file /srv/report.csv cannot be written: free some space, or save it elsewhere",
        ),
        (Error::Closed, "the client is closed: make calls before `close`, or build another client"),
    ] {
        assert_eq!(error.to_string(), says);
    }
}

#[test]
fn display_prints_its_own_level_and_source_has_the_rest() {
    let reset = || transport(TransportErrorKind::Reset, Sent::Maybe);
    for (error, levels) in [
        (BuildError::new("x", "is bad").with_source(CAUSE).into(), 2),
        (reset(), 2),
        (BodyError::new(CAUSE).into(), 2),
        (auth(), 2),
        (DecodeError::new("JSON", CAUSE).into(), 2),
        (full_disk(), 2),
        (exhausted(reset()), 3),
        (Error::custom(exhausted(reset())), 3),
        (exhausted(None), 1),
        (status(404), 1),
        (Error::Closed, 1),
    ] {
        let chain: Vec<_> = levels_of(&error).map(ToString::to_string).collect();
        assert_eq!(chain.len(), levels, "{chain:?}");
        for pair in chain.windows(2) {
            assert!(!pair[0].contains(&pair[1]), "{chain:?}");
        }
        assert!(levels == 1 || chain[levels - 1] == CAUSE, "{chain:?}");
    }
}

/// The error, what it came of, what that came of, and so on.
fn levels_of(error: &Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let first: &(dyn StdError + 'static) = error;
    std::iter::successors(Some(first), |error| (*error).source())
}

#[test]
fn an_error_is_three_words_wide_and_crosses_threads() {
    fn crosses<T: Send + Sync + 'static>() -> usize {
        size_of::<T>()
    }
    assert!(crosses::<Error>() <= 3 * size_of::<usize>());
}

#[tokio::test]
async fn what_cannot_be_is_a_build_error_that_names_it_and_nothing_is_sent() {
    type Set = fn(RequestBuilder) -> RequestBuilder;
    type SetClient = fn(HttpClientBuilder) -> HttpClientBuilder;
    let requests: [(&str, Set); 6] = [
        ("timeout is zero: give a positive duration", |r| r.timeout(Duration::ZERO)),
        ("attempt_timeout is zero: give a positive duration", |r| {
            r.attempt_timeout(Duration::ZERO)
        }),
        ("total_timeout is zero: give a positive duration", |r| r.total_timeout(Duration::ZERO)),
        ("the JSON body cannot be written: see the cause", |r| r.json(&BTreeMap::from([((), 1)]))),
        (
            "the form cannot be written as pairs of key and value: give a map, a struct or pairs",
            |r| r.form("x"),
        ),
        (
            "the query cannot be written as pairs of key and value: give a map, a struct or pairs",
            |r| r.query("x"),
        ),
    ];
    let client = over(MockTransport::new()).build().unwrap();
    for (message, set) in requests {
        assert_eq!(build_error(set(client.post("/")).send().await), message);
        assert_eq!(build_error(set(client.post("/")).build()), message);
    }
    let clients: [(&str, SetClient); 3] = [
        ("timeout is zero: give a positive duration", |c| c.timeout(Duration::ZERO)),
        ("attempt_timeout is zero: give a positive duration", |c| {
            c.attempt_timeout(Duration::ZERO)
        }),
        ("total_timeout is zero: give a positive duration", |c| c.total_timeout(Duration::ZERO)),
    ];
    for (message, set) in clients {
        assert_eq!(build_error(set(over(MockTransport::new())).build()), message);
    }
}

#[tokio::test]
async fn the_first_of_several_errors_is_reported() {
    let client = over(MockTransport::new()).build().unwrap();
    let request = client.get("/").header("a b", "x").timeout(Duration::ZERO).query("x");
    assert!(build_error(request.send().await).starts_with("a header's name"));
    let request = client.get("//evil.test").header("a b", "x");
    assert!(build_error(request.send().await).starts_with("URL "));
    let builder = over(MockTransport::new()).header("a b", "x").header("x", "\n");
    assert!(build_error(builder.build()).starts_with("a header's name"));
}

#[tokio::test]
async fn an_error_of_the_transport_comes_back_as_it_is() {
    let mock = MockTransport::always(Reply::error(|| Error::custom(io::Error::other("broken"))));
    let client = over(mock.clone()).retry(up_to(2)).build().unwrap();
    let Err(Error::Custom(error)) = client.get("/").send().await else {
        panic!("no Error::Custom")
    };
    assert!(error.is::<io::Error>());
    assert_eq!(mock.request_count(), 2);
}

/// A reply of that status with a body in pieces of 1 KiB, and how many of them were read.
fn in_pieces(status: u16, pieces: usize) -> (Reply, Arc<AtomicUsize>) {
    let read = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&read);
    let piece = move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok::<_, Error>(Bytes::from_static(&[b'x'; 1024]))
    };
    (Reply::status(status).body(Body::stream(stream::iter((0..pieces).map(piece)))), read)
}

async fn status_error(reply: Reply) -> StatusError {
    let client = over(MockTransport::new().reply(reply)).build().expect("a good client");
    match client.get("/").raise_for_status().send().await {
        Err(Error::Status(error)) => error,
        other => panic!("{other:?} is no Error::Status"),
    }
}

#[tokio::test]
async fn a_status_error_keeps_status_headers_and_8_kib_of_the_body() {
    for (bytes, kept) in [(0, 0), (8191, 8191), (8192, 8192), (8193, 8192), (1 << 20, 8192)] {
        let reply = Reply::status(422).header("x-why", "because").body(vec![b'x'; bytes]);
        let error = status_error(reply).await;
        assert_eq!(error.status(), 422);
        assert_eq!(error.headers()["x-why"], "because");
        assert_eq!(error.body().len(), kept, "{bytes}");
    }
    let (reply, read) = in_pieces(500, 1000);
    assert_eq!(status_error(reply).await.body().len(), 8192);
    assert_eq!(read.load(Ordering::Relaxed), 8, "no more is read than is kept");
}

#[tokio::test]
async fn a_status_error_keeps_what_came_of_a_body_that_broke_off() {
    let broken = stream::iter([Ok("half a"), Err(io::Error::from(io::ErrorKind::ConnectionReset))]);
    let error = status_error(Reply::status(500).body(Body::stream(broken))).await;
    assert_eq!(
        (error.status(), error.text().as_ref()),
        (StatusCode::INTERNAL_SERVER_ERROR, "half a")
    );
}

#[tokio::test]
async fn statuses_below_400_are_no_errors() {
    for (status, is_error) in [
        (100, false),
        (200, false),
        (204, false),
        (304, false),
        (399, false),
        (400, true),
        (599, true),
        (600, false),
    ] {
        let mock = MockTransport::always(Reply::status(status).body("body"));
        let client = over(mock).redirect(Redirect::none()).build().unwrap();
        let get = || client.get("/");
        assert_eq!(get().send().await.unwrap().status(), status, "without being asked");
        assert_eq!(get().raise_for_status().send().await.is_err(), is_error, "{status}");
        let asked = get().send().await.unwrap().error_for_status().await;
        match asked {
            Ok(response) => assert_eq!(response.text().await.unwrap(), "body"),
            Err(error) => assert_eq!(error.status().unwrap(), status),
        }
    }
}

/// A request may be built here and sent there.
#[tokio::test]
async fn a_request_that_is_built_keeps_that_its_status_is_an_error() {
    let mock = MockTransport::always(Reply::status(404).body("no such user"));
    let client = over(mock).build().unwrap();
    let request = client.get("/").timeout(Duration::from_secs(1)).raise_for_status();
    let request = request.no_retry().build().unwrap();
    let copy = request.try_clone().unwrap();
    let Err(Error::Status(error)) = client.execute(request).await else { panic!("no error") };
    assert_eq!((error.status().as_u16(), error.body()), (404, &b"no such user"[..]));
    let results = client.batch([copy]).await;
    assert_eq!(results[0].as_ref().unwrap_err().kind(), "Status");
    let plain = client.get("/").build().unwrap();
    assert_eq!(client.execute(plain).await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_status_becomes_an_error_after_the_retries() {
    let mock = MockTransport::sequence([Reply::status(503), Reply::status(200)]);
    let client = over(mock).retry(up_to(2)).build().unwrap();
    assert_eq!(client.get("/").raise_for_status().send().await.unwrap().attempts(), 2);

    let mock = MockTransport::sequence([Reply::status(503), Reply::status(500)]);
    let client = over(mock).retry(up_to(2)).build().unwrap();
    let error = client.get("/").raise_for_status().send().await.unwrap_err();
    assert_eq!((error.kind(), error.status().unwrap().as_u16()), ("Status", 500));
}

#[tokio::test]
async fn a_response_that_is_too_large_is_an_error_that_names_the_setting() {
    let reply = |bytes: usize| Reply::ok().body(vec![b'1'; bytes]);
    let get = async |bytes: usize| {
        let client = over(MockTransport::new().reply(reply(bytes))).max_response_bytes(5);
        client.build().expect("a good client").get("/").send().await.expect("a response")
    };
    assert_eq!(get(5).await.bytes().await.unwrap().len(), 5);
    assert_eq!(get(5).await.json::<u32>().await.unwrap(), 11_111);
    let mut all = Vec::new();
    for error in [
        get(6).await.bytes().await.unwrap_err(),
        get(6).await.text().await.unwrap_err(),
        get(6).await.json::<u32>().await.unwrap_err(),
        get(6).await.read_to_end(&mut all).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), "Limit");
        assert_eq!(
            error.to_string(),
            "max_response_bytes: the body has more than 5 bytes: raise max_response_bytes, or stream the body"
        );
    }
    let mut streamed = get(6).await;
    assert_eq!(streamed.chunk().await.unwrap().unwrap().len(), 6, "streaming has no limit");
}

/// Else a POST would be made twice.
#[tokio::test]
async fn an_error_that_came_after_the_response_does_not_say_that_nothing_was_sent() {
    let client = over(MockTransport::new().reply(Reply::ok().body("too large")));
    let response = client.max_response_bytes(5).build().unwrap().post("/").send().await.unwrap();
    let error = response.bytes().await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), ("Limit", Sent::Maybe));
}

#[tokio::test]
async fn a_body_that_is_no_json_of_the_expected_shape_is_a_decode_error() {
    for body in ["", "{", "\"text\"", "<html>"] {
        let client = over(MockTransport::new().reply(Reply::ok().body(body))).build().unwrap();
        let error = client.get("/").send().await.unwrap().json::<u32>().await.unwrap_err();
        assert_eq!(error.kind(), "Decode", "{body}");
        assert!(error.source().is_some(), "{body}");
    }
}

/// What is shown of things, and where it came from.
#[derive(Default)]
struct Shown(Vec<(String, String)>);

impl Shown {
    fn value(&mut self, what: &str, value: &impl Debug) {
        self.0.push((format!("Debug of {what}"), format!("{value:?} {value:#?}")));
    }

    fn error(&mut self, what: &str, error: &Error) {
        self.value(what, error);
        for level in levels_of(error) {
            self.0.push((format!("a level of {what}"), format!("{level} {level:?}")));
        }
    }

    #[track_caller]
    fn nothing_secret(self) {
        let leaks: Vec<_> = self.0.into_iter().filter(|(_, text)| text.contains(SECRET)).collect();
        assert!(leaks.is_empty(), "{leaks:#?}");
    }
}

/// A request with a secret wherever one can be.
fn secretive() -> Request {
    let mut request = Request::get("https://user:hunter2@api.test/v1?token=hunter2#hunter2")
        .expect("a valid URL")
        .with_body("hunter2");
    for name in ["authorization", "cookie", "set-cookie", "proxy-authorization"] {
        request.headers_mut().insert(name, HeaderValue::from_static(SECRET));
    }
    let mut marked = HeaderValue::from_static(SECRET);
    marked.set_sensitive(true);
    request.headers_mut().insert("x-api-key", marked);
    request
}

/// A reply with a secret wherever one can be.
fn secretive_reply(status: u16) -> Reply {
    Reply::status(status).header("set-cookie", "session=hunter2").body("{\"password\":\"hunter2\"}")
}

/// A client that knows secrets.
fn secretive_client(mock: MockTransport) -> HttpClientBuilder {
    over(mock)
        .header("authorization", SECRET)
        .header("cookie", SECRET)
        .auth(Fixed::new(&[("x-api-key", SECRET)]))
}

#[test]
fn requests_and_what_they_are_made_of_show_no_secrets() {
    let mut shown = Shown::default();
    let request = secretive();
    shown.value("Request", &request);
    shown.value("RequestHead", request.head());
    shown.value("Body", request.body());
    shown.value("Body, a stream", &Body::stream(stream::iter([Ok::<_, Error>(SECRET)])));
    shown.value(
        "Body, replayable",
        &Body::replayable(None, || stream::iter([Ok::<_, Error>(SECRET)])),
    );

    let builder = || secretive_client(MockTransport::new());
    shown.value("HttpClientBuilder", &builder());
    shown.value("HttpClientBuilder with an error", &builder().header("x-secret", "hunter2\n"));
    let client = builder().build().unwrap();
    shown.value("HttpClient", &client);
    let described = client
        .post("/a?token=hunter2")
        .query(&[("token", SECRET)])
        .header("authorization", SECRET)
        .cookie("session", SECRET)
        .json(SECRET);
    shown.value("RequestBuilder", &described);
    shown.value("RequestBuilder with an error", &described.header("x-secret", "hunter2\n"));

    let headers = AuthNHeaders::from_token(&AuthNToken::new(SECRET)).unwrap();
    shown.value("AuthNHeaders", &headers);
    shown.value("AuthNToken", &AuthNToken::new(SECRET));
    shown.value("Secret", &Secret::from(SECRET));
    let mut settings = CallSettings::default();
    settings.idempotent = Some(true);
    shown.value("CallSettings", &settings);
    let mut settings = TransportSettings::default();
    settings.root_certificates.push(SECRET.into());
    shown.value("TransportSettings", &settings);
    shown.nothing_secret();
}

#[test]
fn a_configuration_shows_no_secrets() {
    let mut shown = Shown::default();
    let builder = HttpConfig::builder().base_url("https://user:hunter2@api.test/?key=hunter2");
    shown.value("HttpConfigBuilder", &builder);
    match builder.build() {
        Ok(config) => shown.value("HttpConfig", &config),
        Err(error) => shown.error("the error of HttpConfig", &error),
    }
    shown.nothing_secret();
}

#[tokio::test]
async fn responses_show_no_secrets() {
    let mut shown = Shown::default();
    let get = async |status: u16| {
        let client = secretive_client(MockTransport::new().reply(secretive_reply(status)));
        let client = client.build().expect("a good client");
        client.get("/a?token=hunter2").send().await.expect("a response")
    };
    let response: Response = get(302).await;
    shown.value("Response", &response);
    shown.value("ChunkStream", &response.stream());
    shown.error("Status", &get(500).await.error_for_status().await.unwrap_err());
    shown.nothing_secret();
}

#[tokio::test]
async fn urls_in_headers_are_shown_without_userinfo_and_query() {
    const URL: &str = "https://user:hunter2@api.test/callback?code=hunter2";
    let reply = Reply::status(302).header("location", URL).header("content-location", URL);
    let client = over(MockTransport::new().reply(reply)).build().unwrap();
    let response = client.get("/").send().await.unwrap();
    let mut shown = Shown::default();
    shown.value("Response", &response);
    let mut request = Request::get("https://api.test/").unwrap();
    request.headers_mut().insert("referer", HeaderValue::from_static(URL));
    shown.value("Request", &request);
    shown.nothing_secret();
}

/// The parser quotes what it stumbles over.
#[tokio::test]
async fn a_decode_error_does_not_show_the_body() {
    #[derive(Debug, serde::Deserialize)]
    struct Account {
        #[allow(dead_code, reason = "never gets that far")]
        password: u32,
    }

    let client = over(MockTransport::new().reply(secretive_reply(200))).build().unwrap();
    let error = client.get("/").send().await.unwrap().json::<Account>().await.unwrap_err();
    let mut shown = Shown::default();
    shown.error("Decode", &error);
    shown.nothing_secret();
}

#[tokio::test]
async fn errors_show_no_secrets() {
    let mut shown = Shown::default();
    let give_up = |_: &Attempt<'_>| RetryDecision::GiveUp { reason: GiveUpReason::Attempts };
    let reset = || Reply::error(|| transport(TransportErrorKind::Reset, Sent::Maybe));
    let over = |reply: Reply| secretive_client(MockTransport::new().reply(reply));
    let call = async |builder: HttpClientBuilder| {
        let client = builder.build().expect("a good client");
        let request = client.post("/a?token=hunter2").cookie("session", SECRET).body(SECRET);
        request.raise_for_status().send().await.expect_err("an error")
    };
    for (kind, reply) in [
        ("Status", secretive_reply(403)),
        ("Transport", reset()),
        ("Redirect", Reply::status(308).header("location", "http://x.test/?code=hunter2")),
    ] {
        let error = call(over(reply)).await;
        assert_eq!(error.kind(), kind);
        shown.error(kind, &error);
    }
    for reply in [secretive_reply(503), reset()] {
        let error = call(over(reply).retry(give_up)).await;
        shown.error("RetryExhausted", &error);
        let Error::RetryExhausted(exhausted) = error else { panic!("{error:?}") };
        shown.value("LastOutcome", &exhausted.into_last());
    }
    let client = secretive_client(MockTransport::new()).build().unwrap();
    shown.error("Build", &client.execute(secretive()).await.unwrap_err());
    shown.nothing_secret();
}

#[tokio::test]
async fn what_strategies_hooks_and_middleware_are_shown_shows_no_secrets() {
    #[derive(Clone, Default)]
    struct Shows(Log);

    impl RetryStrategy for Shows {
        fn decide(&self, attempt: &Attempt<'_>) -> RetryDecision {
            self.0.note(format!("{attempt:?} {:?} {:?}", attempt.outcome, attempt.request));
            up_to(3).decide(attempt)
        }

        fn hook(&self) -> Option<&dyn RetryHook> {
            Some(self)
        }
    }

    #[async_trait]
    impl RetryHook for Shows {
        async fn on_retry(&self, event: &mut RetryEvent<'_>) {
            self.0.note(format!("{event:?}"));
            let log = self.0.clone();
            let owned = async_retry_hook(move |event: OwnedRetryEvent| {
                log.note(format!("{event:?}"));
                std::future::ready(event.request)
            });
            owned.on_retry(event).await;
        }
    }

    let shows = Shows::default();
    let log = shows.0.clone();
    let middleware = middleware_fn(move |request: Request, next: Next<'_>| {
        log.note(format!("{request:?} {next:?}"));
        Box::pin(next.run(request))
    });
    let reset = Reply::error(|| transport(TransportErrorKind::Reset, Sent::Maybe));
    let mock = MockTransport::sequence([secretive_reply(503), reset, Reply::ok()]);
    let client =
        secretive_client(mock).attempt_middleware(middleware).retry(shows.clone()).build().unwrap();
    let request = client.post("/a?token=hunter2").header("proxy-authorization", SECRET);
    request.cookie("session", SECRET).body(SECRET).send().await.unwrap();

    let mut shown = Shown::default();
    let lines = shows.0.lines();
    assert_eq!(lines.len(), 3 + 2 * 2 + 3);
    lines.iter().for_each(|line| shown.0.push(("what they are shown".into(), line.clone())));
    shown.nothing_secret();
}

#[test]
fn each_reason_to_give_up_says_what_to_look_at() {
    let seconds = Duration::from_secs;
    for (reason, text) in [
        (GiveUpReason::Attempts, "all attempts are used up"),
        (GiveUpReason::Budget, "the retry budget of this server is empty"),
        (
            GiveUpReason::RetryAfter { asked: seconds(3600), limit: seconds(60) },
            "the server asked to wait 3600s, longer than max_retry_after (60s)",
        ),
        (
            GiveUpReason::Deadline {
                wait: Duration::from_millis(1600),
                remaining: Duration::from_millis(300),
            },
            "the next attempt would begin in 2s, with 300ms left of total_timeout",
        ),
        (GiveUpReason::Other("the tenant is suspended".into()), "the tenant is suspended"),
    ] {
        let last = LastOutcome::Error(timeout(TimeoutKind::Progress, Phase::Head));
        let error: Error = RetryExhausted::new(2, seconds(9), reason, last).into();
        let said = error.to_string();
        assert!(said.starts_with(&format!("gave up after 2 attempts in 9s: {text}; ")), "{said}");
    }
}

#[test]
fn each_phase_of_a_timeout_says_what_was_going_on() {
    for (phase, doing) in [
        (Phase::Queue, "waiting in a middleware or for a limit"),
        (Phase::Backoff, "waiting to try again"),
        (Phase::Credentials, "fetching credentials"),
        (Phase::Head, "waiting for the response head"),
        (Phase::Body, "reading the response body"),
    ] {
        let said = timeout(TimeoutKind::Total, phase).to_string();
        assert!(said.contains(doing), "{said}");
    }
}

/// Whoever asks for an error of another type gets back the one that there is.
#[test]
fn an_error_that_is_asked_for_in_vain_is_not_lost() {
    for error in [timeout(TimeoutKind::Total, Phase::Head), exhausted(None), exhausted(status(500))]
    {
        let text = format!("{error:?}");
        assert!(error.downcast_ref::<io::Error>().is_none());
        assert_eq!(format!("{:?}", error.downcast::<io::Error>().unwrap_err()), text);
    }
}

#[test]
fn more_headers_than_a_request_can_have_are_an_error_and_no_panic() {
    let client = over(MockTransport::new()).build().unwrap();
    let call = (0..40_000).fold(client.get("/"), |call, n| call.header(format!("x-{n}"), "1"));
    assert_eq!(build_error(call.build()), "headers are too many for one request: send fewer");
}
