use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join;
use futures_util::{FutureExt, stream};
use http::{StatusCode, Version};
use midil_http_core::{
    Attempt, BoxError, HttpClient, Outcome, RetryDecision, Sent, TransportError, TransportErrorKind,
};

use super::*;
use crate::ManualRuntime;

fn get(path: &str) -> Request {
    Request::get(&format!("https://api.example.com{path}")).unwrap()
}

fn post(path: &str, body: impl Into<Body>) -> Request {
    let mut request = get(path).with_body(body);
    request.head_mut().method = Method::POST;
    request
}

/// Sends a request to a mock that answers at once.
fn send(mock: &MockTransport, request: Request) -> Result<http::Response<Body>, Error> {
    mock.send(request).now_or_never().expect("an answer at once")
}

fn status(mock: &MockTransport, request: Request) -> u16 {
    send(mock, request).unwrap().status().as_u16()
}

fn text(response: http::Response<Body>) -> Bytes {
    response.into_body().collect(1024).now_or_never().unwrap().unwrap()
}

/// What a panic said.
fn message(work: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(work)).expect_err("a panic");
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => panic.downcast_ref::<&str>().map(ToString::to_string).unwrap_or_default(),
    }
}

fn refused() -> Error {
    TransportError::new(TransportErrorKind::Connect, Sent::No, "connection refused").into()
}

#[test]
fn replies_come_in_their_order() {
    let mock = MockTransport::new().reply(Reply::ok()).reply(Reply::status(404));
    mock.reply(Reply::status(StatusCode::IM_A_TEAPOT));
    let codes = [(); 3].map(|()| status(&mock, get("/")));
    assert_eq!(codes, [200, 404, 418]);
    assert_eq!(mock.request_count(), 3);
    mock.verify();
}

#[test]
fn the_last_reply_may_be_given_for_ever() {
    let mock = MockTransport::new().reply(Reply::status(503)).reply_always(Reply::ok());
    assert_eq!([(); 4].map(|()| status(&mock, get("/"))), [503, 200, 200, 200]);
    mock.verify();
    MockTransport::always(Reply::ok()).verify();
}

#[test]
fn a_reply_has_status_headers_and_body() {
    let reply = Reply::status(207)
        .header("x-tag", "a")
        .header("x-tag", "b")
        .json(&[1, 2])
        .header("content-language", "en");
    let response = send(&MockTransport::sequence([reply]), get("/")).unwrap();
    assert_eq!(response.status(), 207);
    assert_eq!(Vec::from_iter(response.headers().get_all("x-tag")), ["a", "b"]);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(text(response), "[1,2]");

    let own_type = Reply::ok().header("content-type", "application/problem+json").json("x");
    let response = send(&MockTransport::sequence([own_type]), get("/")).unwrap();
    assert_eq!(
        Vec::from_iter(response.headers().get_all("content-type")),
        ["application/problem+json"]
    );
}

#[test]
fn a_replayable_body_is_given_again_and_a_stream_once() {
    let again = Body::replayable(None, || stream::iter([Ok::<_, BoxError>("again")]));
    let mock = MockTransport::always(Reply::ok().body(again));
    for _ in 0..2 {
        assert_eq!(text(send(&mock, get("/")).unwrap()), "again");
    }

    let once = Body::stream(stream::iter([Ok::<_, BoxError>("once")]));
    let mock = MockTransport::always(Reply::ok().body(once));
    assert_eq!(text(send(&mock, get("/")).unwrap()), "once");
    let error = send(&mock, get("/")).unwrap_err().to_string();
    assert!(error.contains("use Body::replayable"), "{error}");
}

#[test]
fn errors_are_made_anew_for_each_request() {
    let mock = MockTransport::always(Reply::error(refused));
    for _ in 0..2 {
        assert!(send(&mock, get("/")).unwrap_err().is_connect());
    }
}

#[test]
fn a_function_sees_the_request_with_its_body() {
    let mock = MockTransport::always(Reply::from_fn(|request| match request.text() {
        "" => Err(Error::custom("nothing to echo")),
        text => Ok(http::Response::new(Body::from(format!("{} {text}", request.method())))),
    }));
    assert_eq!(text(send(&mock, post("/", "hello")).unwrap()), "POST hello");
    assert_eq!(send(&mock, get("/")).unwrap_err().to_string(), "nothing to echo");
}

#[test]
fn a_pending_reply_never_comes() {
    let mock = MockTransport::always(Reply::pending());
    assert!(mock.send(get("/")).now_or_never().is_none());
    assert_eq!((mock.request_count(), mock.in_flight()), (1, 0));
}

#[test]
fn a_delayed_reply_comes_in_its_time() {
    let runtime = ManualRuntime::new();
    let slow = || Reply::ok().delayed(Duration::from_secs(3), runtime.clone());
    let mock = MockTransport::sequence([slow(), slow()]);
    runtime.block_on(async {
        let (one, other) = join(mock.send(get("/")), mock.send(get("/"))).await;
        assert!(one.is_ok() && other.is_ok());
    });
    assert_eq!(runtime.elapsed(), Duration::from_secs(3));
}

#[test]
fn requests_are_recorded_whole() {
    let mock = MockTransport::always(Reply::ok());
    let mut request =
        post("/users?a=1", Body::stream(stream::iter([Ok::<_, BoxError>("[\"A\""), Ok("]")])));
    request.head_mut().version = Version::HTTP_2;
    request.headers_mut().insert("X-Tenant", "7".parse().unwrap());
    request.extensions_mut().insert(42_u8);
    send(&mock, request).unwrap();
    send(&mock, get("/other")).unwrap();

    let [first, second] = mock.requests().try_into().unwrap();
    assert_eq!((first.method(), first.url().query()), (&Method::POST, Some("a=1")));
    assert_eq!((first.version(), first.header("x-tenant")), (Version::HTTP_2, Some("7")));
    assert_eq!((first.header("x-none"), first.headers().len()), (None, 1));
    assert_eq!(first.head().extensions.get(), Some(&42_u8));
    assert_eq!((first.text(), first.json::<[String; 1]>()), ("[\"A\"]", ["A".to_owned()]));
    assert!(first.body_complete() && second.body_complete() && second.body().is_empty());
    assert_eq!(second.url().path(), "/other");
}

#[test]
fn what_is_no_text_or_json_is_told() {
    let mock = MockTransport::always(Reply::ok());
    send(&mock, post("/users?key=hunter2", &b"\xFF"[..])).unwrap();
    let request = &mock.requests()[0];
    let told = message(|| drop(request.json::<String>()));
    let expected = "the body of POST https://api.example.com/users?… (1 bytes) is no JSON of the expected shape, at line 1 column 1";
    assert!(told.starts_with(expected), "{told}");
    let told = message(|| drop(request.text().to_owned()));
    assert!(
        told.starts_with("the body of POST https://api.example.com/users?… is no UTF-8: "),
        "{told}"
    );
}

#[test]
fn a_body_that_fails_is_the_answer() {
    let mock = MockTransport::always(Reply::ok());
    let broken = Body::stream(stream::iter([Ok("half"), Err("unplugged")]));
    assert_eq!(send(&mock, post("/", broken)).unwrap_err().kind(), "Body");
    let request = &mock.requests()[0];
    assert_eq!((request.text(), request.body_complete()), ("half", false));
    assert_eq!(mock.in_flight(), 0);
}

#[test]
fn a_request_that_is_given_up_in_the_midst_of_its_body_is_recorded() {
    let mock = MockTransport::always(Reply::ok());
    let first = stream::iter([Ok::<_, BoxError>("half")]);
    let slow = Body::stream(stream::StreamExt::chain(first, stream::pending()));
    let mut sending = mock.send(post("/", slow));
    assert!((&mut sending).now_or_never().is_none());
    assert_eq!(mock.in_flight(), 1);
    drop(sending);
    assert_eq!(mock.in_flight(), 0);
    let request = &mock.requests()[0];
    assert_eq!((request.text(), request.body_complete()), ("half", false));
}

#[test]
fn a_body_may_be_left_unread() {
    let read = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&read);
    let body = Body::stream(stream::once(async move {
        noted.store(true, Ordering::SeqCst);
        Ok::<_, BoxError>("data")
    }));
    let mock = MockTransport::sequence([Reply::ok().without_reading_body()]);
    send(&mock, post("/", body)).unwrap();
    assert!(!read.load(Ordering::SeqCst));
    let request = &mock.requests()[0];
    assert!(request.body().is_empty() && !request.body_complete());
}

#[test]
fn an_untouched_stream_is_sent_again_and_a_touched_one_is_not() {
    let upload = |first: Reply| {
        let runtime = ManualRuntime::new();
        let mock = MockTransport::new().reply(first).reply_always(Reply::ok());
        let twice = |attempt: &Attempt<'_>| match attempt.outcome {
            Outcome::Error(_) => RetryDecision::Retry { after: Duration::from_secs(1) },
            Outcome::Response(_) => RetryDecision::Accept,
        };
        let client = HttpClient::builder(mock.clone())
            .base_url("https://api.example.com")
            .retry(twice)
            .runtime(runtime.clone())
            .build()
            .unwrap();
        let stream = Body::stream(stream::iter([Ok::<_, BoxError>("data")]));
        let outcome = runtime.block_on(client.put("/file").body(stream).send());
        (outcome.map(|response| response.attempts()), mock)
    };

    let (outcome, mock) = upload(Reply::error(refused).without_reading_body());
    assert_eq!((outcome.unwrap(), mock.requests()[1].text()), (2, "data"));

    let (outcome, mock) = upload(Reply::error(refused));
    assert!(outcome.unwrap_err().is_connect());
    assert_eq!((mock.request_count(), mock.requests()[0].text()), (1, "data"));
}

#[test]
fn a_target_is_a_path_or_a_url_with_or_without_query() {
    let fits = |target: &str, url: &str| {
        let mock = MockTransport::new();
        mock.on(Method::GET, target).reply(Reply::ok());
        let fits = send(&mock, Request::get(url).unwrap()).is_ok();
        let _ = mock.mismatch();
        fits
    };
    for (target, url) in [
        ("/users", "http://a/users"),
        ("/users", "https://b:8443/users?limit=10"),
        ("/users?limit=10", "http://a/users?limit=10"),
        ("/users?", "http://a/users?"),
        ("/a b/ü", "http://a/a%20b/%C3%BC"),
        ("/x/../users", "http://a/users"),
        ("http://a/users", "http://a:80/users?limit=10"),
        ("http://a", "http://a/"),
        ("//double/slash", "http://a//double/slash"),
    ] {
        assert!(fits(target, url), "{target} should fit {url}");
    }
    for (target, url) in [
        ("/users", "http://a/users/"),
        ("/users", "http://a/v1/users"),
        ("/users?limit=10", "http://a/users?limit=100"),
        ("/users?limit=10", "http://a/users"),
        ("http://a/users", "http://b/users"),
        ("http://a/users", "https://a/users"),
        ("http://a:81/users", "http://a/users"),
    ] {
        assert!(!fits(target, url), "{target} should not fit {url}");
    }
    for wrong in ["users", "", "mailto:a@b", "http://"] {
        let told = message(|| drop(MockTransport::new().on(Method::GET, wrong)));
        assert!(told.contains("is no target: give a path that begins with '/'"), "{told}");
    }
}

#[test]
fn expectations_come_before_the_sequence_and_in_their_order() {
    let mock = MockTransport::always(Reply::status(404));
    mock.on(Method::GET, "/a").reply(Reply::status(201)).reply(Reply::status(202));
    mock.on(Method::GET, "/a").reply(Reply::status(203));
    mock.when(|request| request.url.path() == "/a" && request.method == Method::POST)
        .reply_always(Reply::status(204));
    assert_eq!([(); 4].map(|()| status(&mock, get("/a"))), [201, 202, 203, 404]);
    assert_eq!([(); 2].map(|()| status(&mock, post("/a", "x"))), [204, 204]);
    assert_eq!(status(&mock, get("/b")), 404);
    mock.verify();
}

#[test]
fn times_repeats_the_last_reply_and_no_more() {
    let mock = MockTransport::new();
    let three = mock.on(Method::GET, "/").reply(Reply::status(503)).reply(Reply::ok()).times(3);
    assert_eq!([(); 3].map(|()| status(&mock, get("/"))), [503, 200, 200]);
    mock.verify();
    assert_eq!((three.request_count(), three.requests().len()), (3, 3));

    assert!(send(&mock, get("/")).is_err());
    assert!(mock.mismatch().is_some());

    let mock = MockTransport::new();
    mock.on(Method::GET, "/").reply_always(Reply::ok()).times(2);
    assert_eq!(status(&mock, get("/")), 200);
    assert!(mock.mismatch().unwrap().contains("✗ GET /: 2 times, came once\n"));
}

#[test]
fn what_must_not_come_is_an_error_whatever_else_fits() {
    let mock = MockTransport::always(Reply::ok());
    let never = mock.on(Method::DELETE, "/users").times(0);
    mock.verify();
    let mut delete = get("/users");
    delete.head_mut().method = Method::DELETE;
    let error = send(&mock, delete).unwrap_err();
    assert!(error.to_string().contains("✗ DELETE /users: 0 times, came once\n"), "{error}");
    assert_eq!(never.request_count(), 1);
    assert!(mock.mismatch().is_some());
}

#[test]
fn an_unexpected_request_is_an_error_that_tells_all() {
    let mock = MockTransport::new().reply(Reply::ok());
    mock.on(Method::GET, "/users").reply(Reply::ok()).times(2);
    send(&mock, get("/users?token=hunter2")).unwrap();
    send(&mock, get("/")).unwrap();
    let error = send(&mock, post("/users?token=hunter2", "x")).unwrap_err();
    assert_eq!(error.kind(), "Custom");
    assert_eq!(
        error.to_string(),
        "\
the mock transport has no reply to POST https://api.example.com/users?…

expected:
  ✗ GET /users: 2 times, came once
  ✓ any other request: once, came once
came:
    1. GET https://api.example.com/users?…: 200 OK, as GET /users
    2. GET https://api.example.com/: 200 OK, as any other request
  ✗ 3. POST https://api.example.com/users?…: unexpected
"
    );
    assert_eq!(format!("{error:?}"), format!("Custom({error})"), "unwrapped, it is as readable");
    assert!(mock.mismatch().is_some());
}

#[test]
fn the_report_names_every_outcome() {
    let mock = MockTransport::new();
    mock.on(Method::GET, "/a?q=1").reply(Reply::error(refused));
    mock.when(|_| true).reply(Reply::pending()).reply(Reply::pending());
    let _forgotten = mock.on(Method::GET, "/forgotten");
    let line = line!() - 2;
    send(&mock, get("/a?q=1")).unwrap_err();
    assert!(mock.send(get("/b?q=2")).now_or_never().is_none());
    let _in_flight = mock.send(get("/c")).shared_poll();
    assert_eq!(mock.in_flight(), 1);
    mock.reply(Reply::ok());
    assert_eq!(
        mock.mismatch().unwrap(),
        format!(
            "\
the requests were not those that the mock transport expects

expected:
  ✓ GET /a?q=1: once, came once
  ✓ a request as in `when` at {file}:{line}: 2 times, came 2 times
  ✓ GET /forgotten: 0 times, came 0 times (it has no reply: add one)
  ✗ any other request: once, came 0 times
came:
    1. GET https://api.example.com/a?q=1: error Transport, as GET /a?q=1
    2. GET https://api.example.com/b?q=2: given up by the caller, as a request as in `when` at {file}:{line}
    3. GET https://api.example.com/c: not answered yet, as a request as in `when` at {file}:{line}
",
            file = file!(),
        )
    );
}

/// Polls a future once and keeps it.
trait SharedPoll: Future + Unpin + Sized {
    fn shared_poll(mut self) -> Self {
        assert!((&mut self).now_or_never().is_none());
        self
    }
}

impl<F: Future + Unpin> SharedPoll for F {}

#[test]
fn a_mock_that_expects_nothing_says_so() {
    let mock = MockTransport::default();
    mock.verify();
    let error = send(&mock, get("/")).unwrap_err().to_string();
    assert!(error.contains("nothing: add replies with `reply`, `on` or `when`"), "{error}");
    assert!(mock.mismatch().is_some());
}

#[test]
fn verify_panics_with_the_report() {
    let mock = MockTransport::sequence([Reply::ok(), Reply::ok()]);
    send(&mock, get("/")).unwrap();
    let told = message(|| mock.verify());
    assert!(told.starts_with("the requests were not those that the mock transport expects\n"));
    assert!(told.contains("✗ any other request: 2 times, came once\n"), "{told}");
}

#[test]
fn the_last_clone_verifies_when_it_is_dropped() {
    let mock = MockTransport::new().reply(Reply::ok());
    let clone = mock.clone();
    drop(mock);
    assert!(message(|| drop(clone)).contains("✗ any other request: once, came 0 times"));

    let mock = MockTransport::new().reply(Reply::ok());
    assert!(mock.mismatch().is_some());
    drop(mock); // somebody has looked

    let mock = MockTransport::new().reply(Reply::ok());
    let _ = mock.mismatch();
    let _ = send(&mock, get("/"));
    let _ = send(&mock, get("/"));
    assert!(message(|| drop(mock)).contains("unexpected"), "nobody has looked since");

    let mock = MockTransport::new().reply(Reply::ok());
    let told = message(|| {
        let _mock = mock;
        panic!("the test's own words");
    });
    assert_eq!(told, "the test's own words");
}

#[test]
fn closures_may_ask_the_mock() {
    let mock = MockTransport::new();
    let (one, other) = (mock.clone(), mock.clone());
    mock.when(move |_| one.request_count() == 0).reply_always(Reply::from_fn(move |_| {
        Ok(http::Response::new(Body::from(other.requests().len().to_string())))
    }));
    assert_eq!(text(send(&mock, get("/")).unwrap()), "1");
    mock.verify();
}

#[tokio::test]
async fn a_test_may_wait_for_requests() {
    let mock = MockTransport::always(Reply::ok());
    mock.wait_for_requests(0).await;
    assert!(mock.wait_for_requests(1).now_or_never().is_none());
    let clone = mock.clone();
    let waiting = tokio::spawn(async move { clone.wait_for_requests(2).await });
    for _ in 0..2 {
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        mock.send(get("/")).await.unwrap();
    }
    waiting.await.unwrap();
}

#[test]
fn debug_shows_no_secret() {
    let mock = MockTransport::always(Reply::ok().header("set-cookie", "hunter2").body("hunter2"));
    let expectation = mock.on(Method::GET, "/").reply_always(Reply::ok());
    let mut request = post("/?key=hunter2", "hunter2");
    let mut secret = http::HeaderValue::from_static("hunter2");
    request.headers_mut().insert("cookie", secret.clone());
    secret.set_sensitive(true);
    request.headers_mut().insert("x-api-key", secret);
    send(&mock, request).unwrap();
    let recorded = &mock.requests()[0];
    assert_eq!(recorded.header("x-api-key"), Some("hunter2"));
    let reply = Reply::ok().header("set-cookie", "hunter2").body("hunter2");
    let shown = format!("{mock:?} {expectation:?} {recorded:?} {recorded} {reply:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("x-api-key") && shown.contains("GET /"), "{shown}");
}

#[test]
fn wrong_replies_are_told_where_they_are_made() {
    for (wrong, told) in [
        (message(|| drop(Reply::status(99_u16))), "from 100 to 999"),
        (message(|| drop(Reply::ok().header("a b", "x"))), "the name of a reply's header"),
        (message(|| drop(Reply::ok().header("x", "a\nb"))), "the value of header x"),
        (message(|| drop(Reply::pending().body("x"))), "`body` is for a reply with a status"),
        (message(|| drop(Reply::ok().json(&Broken))), "cannot be written"),
    ] {
        assert!(wrong.contains(told), "{wrong}");
    }
}

struct Broken;

impl serde::Serialize for Broken {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no"))
    }
}

#[test]
fn everything_crosses_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<MockTransport>();
    check::<Expectation>();
    check::<RecordedRequest>();
    check::<Reply>();
    check::<ManualRuntime>();
}
