//! What `Logging` logs, and what it leaves as it is.

use futures_util::stream;
use http::header;
use midil_http::{Body, LogLevel, Logging, LoggingTransport, Request, Transport};

use super::*;

/// The events of the log, each with its level.
fn logged(recorder: &Recorder) -> Vec<(Level, Fields)> {
    let events = recorder.events.lock().expect("nobody panics");
    let events = events.iter().filter(|event| event.metadata.target() == "midil_http::log");
    events.map(|event| (*event.metadata.level(), event.fields.clone())).collect()
}

/// What a GET over this client is logged as; its response is read to its end.
async fn lines(client: HttpClientBuilder) -> Vec<(Level, Fields)> {
    let (recorder, client) = (Recorder::default(), client.build().expect("a good client"));
    let call = async {
        if let Ok(response) = client.get("/a?token=hunter2").send().await {
            drop(response.bytes().await);
        }
    };
    recorder.listen(call).await;
    logged(&recorder)
}

fn with(logging: Logging, reply: Reply) -> HttpClientBuilder {
    over(MockTransport::always(reply)).middleware(logging).runtime(ManualRuntime::new())
}

fn json(text: &'static str) -> Reply {
    Reply::ok().header("content-type", "application/json; charset=utf-8").body(text)
}

#[tokio::test]
async fn an_outcome_is_a_line_at_its_level() {
    for (reply, level, expected) in [
        (Reply::ok(), Level::INFO, ["200", "-"]),
        (Reply::status(304), Level::INFO, ["304", "-"]),
        (Reply::status(404), Level::WARN, ["404", "-"]),
        (Reply::status(503), Level::ERROR, ["503", "-"]),
        (reset(), Level::ERROR, ["-", "Transport"]),
    ] {
        let lines = lines(with(Logging::new(), reply)).await;
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].0, lines[0].1.all([STATUS, ERROR])), (level, expected));
        let fields = lines[0].1.all(["request", "took", "request.headers", "response.headers"]);
        assert_eq!(fields, ["GET https://api.test/v1/a?…", "0ns", "-", "-"]);
    }
}

#[tokio::test]
async fn levels_are_the_callers() {
    let quiet = Logging::new()
        .success_level(LogLevel::Off)
        .client_error_level(LogLevel::Trace)
        .failure_level(LogLevel::Debug)
        .request_level(LogLevel::Info);
    for (status, expected) in [
        (200, vec![Level::INFO]),
        (404, vec![Level::INFO, Level::TRACE]),
        (500, vec![Level::INFO, Level::DEBUG]),
    ] {
        let lines = lines(with(quiet.clone(), Reply::status(status))).await;
        assert_eq!(lines.iter().map(|line| line.0).collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn headers_are_shown_by_name_and_secrets_never() {
    let reply = || Reply::ok().header("x-cache", "hit").header("set-cookie", SECRET);
    let client =
        |logging| with(logging, reply()).header("x-team", "orders").header("cookie", SECRET);
    let some = Logging::new()
        .query_parameters(["page"])
        .response_headers([HeaderName::from_static("x-cache"), header::SET_COOKIE]);
    let lines_of_some = lines(client(some)).await;
    assert_eq!(
        lines_of_some[0].1.all(["request", "request.headers", "response.headers"]),
        ["GET https://api.test/v1/a?token=REDACTED", "-", "x-cache: hit; set-cookie: Sensitive"]
    );

    let mock = MockTransport::always(reply());
    let transport = LoggingTransport::new(mock, Logging::new().all_headers());
    let client = over(transport).header("x-team", "orders").header("cookie", SECRET);
    let client = client.auth(Changing::default()).header("x-session-id", SECRET);
    let on_the_wire = lines(client).await;
    let headers = on_the_wire[0].1.get("request.headers").unwrap();
    for shown in [
        "x-team: orders",
        "cookie: Sensitive",
        "authorization: Sensitive",
        "x-api-key: Sensitive",
        "x-session-id: Sensitive",
    ] {
        assert!(headers.contains(shown), "{shown} in {headers}");
    }
    assert!(!format!("{on_the_wire:?}").contains(SECRET));
}

#[tokio::test]
async fn each_attempt_is_a_line_where_it_is_around_attempts() {
    let mock = MockTransport::sequence([Reply::status(503), Reply::ok()]);
    let client = over(mock).attempt_middleware(Logging::new()).retry(up_to(2));
    let statuses: Vec<_> =
        lines(client).await.iter().map(|line| line.1.get(STATUS).unwrap().to_owned()).collect();
    assert_eq!(statuses, ["503", "200"]);
}

#[tokio::test]
async fn a_call_that_is_dropped_is_a_line_too() {
    let client = with(Logging::new(), Reply::pending()).build().unwrap();
    let recorder = Recorder::default();
    let call = async {
        let mut call = Box::pin(client.get("/a").send());
        assert!(futures_util::poll!(&mut call).is_pending());
    };
    recorder.listen(call).await;
    let lines = logged(&recorder);
    assert_eq!((lines[0].0, lines[0].1.get(ERROR)), (Level::WARN, Some("Cancelled")));
}

#[tokio::test(start_paused = true)]
async fn an_exchange_that_the_total_timeout_ends_says_so() {
    let client = over(MockTransport::always(Reply::pending()))
        .attempt_middleware(Logging::new())
        .total_timeout(Duration::from_secs(2))
        .build()
        .unwrap();
    let recorder = Recorder::default();
    recorder.listen(async { client.get("/a").send().await.unwrap_err() }).await;
    let lines = logged(&recorder);
    assert_eq!((lines[0].0, lines[0].1.get(ERROR)), (Level::WARN, Some("Timeout")));
}

const BODY_FIELDS: [&str; 5] = ["body", "bytes", "end", "cut", "media_type"];

#[tokio::test]
async fn bodies_are_shown_up_to_a_limit_without_their_secrets() {
    let text = r#"{"id":7,"access_token":"hunter2","name":"Ada"}"#;
    for (limit, body, cut) in [
        (1024, r#"{"id":7,"access_token":"REDACTED","name":"Ada"}"#, "false"),
        (30, r#"{"id":7,"access_token":"REDACTED""#, "true"),
        (12, r#"{"id":7,"#, "true"),
    ] {
        let lines = lines(with(Logging::new().response_bodies(limit), json(text))).await;
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1].0, Level::DEBUG);
        assert_eq!(lines[1].1.all(BODY_FIELDS), [body, "46", "complete", cut, "application/json"]);
    }
}

/// A limit within a character, a name that hides behind an escape, a name that is there twice.
#[tokio::test]
async fn bodies_that_try_it_on_show_no_secrets() {
    let form = "application/x-www-form-urlencoded";
    for (media_type, limit, body, shown) in [
        ("application/json", 9, r#"{"a":"éé"}"#, r#"{"a":"é"#),
        (
            "application/json",
            1024,
            r#"{"access_\u0074oken":"hunter2"}"#,
            r#"{"access_\u0074oken":"REDACTED"}"#,
        ),
        (
            "application/json",
            1024,
            r#"{"token":1,"token":"hunter2","a":2}"#,
            r#"{"token":"REDACTED","token":"REDACTED","a":2}"#,
        ),
        (
            "application/problem+json",
            1024,
            r#"[{"b":[{"password":["hunter2"]}]}]"#,
            r#"[{"b":[{"password":"REDACTED"}]}]"#,
        ),
        ("application/json", 1024, "\u{feff}{\"token\":\"hunter2\"}", "not shown"),
        ("application/json", 1024, r#""hunter2""#, "not shown"),
        (
            form,
            1024,
            "a=1&client%5Fsecret=hunter2&user[password]=hunter2",
            "a=1&client%5Fsecret=REDACTED&user[password]=REDACTED",
        ),
    ] {
        let reply = Reply::ok().header("content-type", media_type).body(body);
        let lines = lines(with(Logging::new().response_bodies(limit), reply)).await;
        assert_eq!(lines[1].1.get("body"), Some(shown), "{body}");
    }
    // No text in truth.
    let binary =
        Reply::ok().header("content-type", "application/json").body(vec![b'{', 0xff, b'}']);
    let lines = lines(with(Logging::new().response_bodies(1024), binary)).await;
    assert_eq!(lines[1].1.all(["body", "bytes"]), ["not shown", "3"]);
}

/// What is logged is kept; the rest of the body passes as it comes, however much it is.
#[tokio::test]
async fn a_body_past_the_limit_streams_on() {
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    let transport = move |_: Request| {
        let counted = Arc::clone(&counted);
        let pieces = (0..1000).map(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::io::Error>("[1,2,3]\n")
        });
        let response = http::Response::builder().header("content-type", "text/plain");
        async move { Ok(response.body(Body::stream(stream::iter(pieces))).unwrap()) }
    };
    let seen = Arc::new(Mutex::new(String::new()));
    let noted = Arc::clone(&seen);
    let logging = Logging::new().response_bodies(10).redact_bodies(move |_, text| {
        noted.lock().unwrap().push_str(text);
        None
    });
    let client = over(transport).middleware(logging).build().unwrap();
    let recorder = Recorder::default();
    let call = async {
        let mut response = client.get("/a").send().await.unwrap();
        response.chunk().await.unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        response.bytes().await.unwrap().len()
    };
    assert_eq!(recorder.listen(call).await, 999 * 8);
    assert_eq!(logged(&recorder)[1].1.all(["bytes", "end", "cut"]), ["8000", "complete", "true"]);
    assert_eq!(*seen.lock().unwrap(), "[1,2,3]\n[1");
}

/// Nobody who is called can write lines of the log, or to the terminal that it is read on.
#[tokio::test]
async fn what_a_server_says_makes_no_lines_of_its_own() {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    every_thread_is_heard();
    let evil = "a\r\nERROR forged\u{1b}[31m\u{9b}31m";
    let ok = |status: u16| {
        Reply::status(status)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-evil", HeaderValue::from_bytes(b"a\tb\xc2\x9b31m").unwrap())
            .body(evil)
    };
    let failed = move || {
        TransportError::new(TransportErrorKind::Other, Sent::No, "a\r\nforged\u{1b}[31m").into()
    };
    let lines = Lines::default();
    let writer = lines.clone();
    let listening = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let logging = Logging::new()
        .all_headers()
        .full_query()
        .response_bodies(1024)
        .redact_bodies(|_, text| Some(text.to_owned()));
    let mock = MockTransport::sequence([ok(200), ok(503), Reply::error(failed)]);
    let client = over(mock).middleware(logging).build().unwrap();
    let calls = async {
        for _ in 0..3 {
            let call = client.get("/a").query(&[("q", evil)]).header("x-own", "b\tc");
            if let Ok(response) = call.send().await {
                drop(response.bytes().await);
            }
        }
    };
    calls.with_subscriber(listening).await;
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("forged"), "{text}");
    let ours = text.lines().filter(|line| line.contains(" midil")).count();
    assert_eq!(text.lines().count(), ours, "{text}");
    assert!(!text.contains(['\r', '\u{1b}', '\u{9b}']), "{text:?}");
}

#[tokio::test]
async fn what_cannot_be_searched_for_secrets_is_not_shown() {
    let typed =
        |media_type: &'static str| Reply::ok().header("content-type", media_type).body(SECRET);
    let all = || Logging::new().response_bodies(1024);
    for reply in [typed("text/plain"), typed("application/json")] {
        let lines = lines(with(all(), reply)).await;
        assert_eq!(lines[1].1.all(["body", "bytes"]), ["not shown", "7"]);
    }
    // No text at all: there is nothing to tell.
    let encoded = json("{}").header("content-encoding", "x-own");
    for reply in [typed("image/png"), Reply::ok().body(SECRET), encoded, Reply::ok()] {
        assert_eq!(lines(with(all(), reply)).await.len(), 1);
    }
}

#[tokio::test]
async fn a_function_of_the_callers_may_redact() {
    let logging = Logging::new().response_bodies(1024).redact_bodies(|media_type, text| {
        (media_type == "text/plain").then(|| text.replace(SECRET, "…"))
    });
    let reply = Reply::ok().header("content-type", "text/plain").body("it is hunter2");
    assert_eq!(lines(with(logging.clone(), reply)).await[1].1.get("body"), Some("it is …"));
    assert_eq!(lines(with(logging, json("{}"))).await[1].1.get("body"), Some("not shown"));
}

/// The answer to a token request is not shown, whatever its members are called.
#[tokio::test]
async fn a_token_response_is_not_shown_at_all() {
    let mock = MockTransport::always(json(r#"{"t":"hunter2","error_description":"hunter2"}"#));
    let logging = Logging::new().request_bodies(1024).response_bodies(1024);
    let client = over(LoggingTransport::new(mock, logging)).build().unwrap();
    let recorder = Recorder::default();
    let form = [("grant_type", "client_credentials"), ("client_secret", SECRET), ("scope", "a")];
    let call = async { client.post("/token").form(&form).send().await.unwrap().bytes().await };
    recorder.listen(call).await.unwrap();
    let bodies: Vec<_> =
        logged(&recorder).iter().filter_map(|line| Some(line.1.get("body")?.to_owned())).collect();
    assert_eq!(
        bodies,
        ["grant_type=client_credentials&client_secret=REDACTED&scope=a", "not shown"]
    );
    assert!(!format!("{:?}", recorder.everything()).contains(SECRET));
}

#[tokio::test]
async fn a_body_that_is_dropped_or_breaks_off_is_told_of() {
    let pieces = || stream::iter([Ok("{\"a\":"), Ok("1}"), Err(std::io::Error::other("broken"))]);
    let transport = move |_: Request| async move {
        let response = http::Response::builder().header("content-type", "application/json");
        Ok(response.body(Body::stream(pieces())).unwrap())
    };
    let logging = Logging::new().response_bodies(1024);
    let client = over(transport).middleware(logging).build().unwrap();
    let recorder = Recorder::default();
    recorder
        .listen(async {
            let mut response = client.get("/a").send().await.unwrap();
            response.chunk().await.unwrap();
            drop(response);
            client.get("/a").send().await.unwrap().bytes().await.unwrap_err();
        })
        .await;
    let bodies: Vec<_> =
        logged(&recorder).into_iter().filter(|line| line.1.get("body").is_some()).collect();
    assert_eq!(bodies[0].1.all(["body", "bytes", "end"]), ["{\"a\":", "5", "dropped"]);
    assert_eq!(bodies[1].1.all(["body", "bytes", "end"]), ["{\"a\":1}", "7", "Body"]);
}

/// A stream that is lent to attempts stays lent: it is not read for the log, and goes with the attempt that reads it.
#[tokio::test]
async fn a_stream_is_sent_again_as_long_as_nobody_has_read_it() {
    let logging = Logging::new().request_bodies(1024);
    let attempt = AtomicU32::new(0);
    let transport = move |request: Request| {
        let number = attempt.fetch_add(1, Ordering::Relaxed);
        async move {
            // Refused, then rejected, both before the body was read; then read.
            assert_eq!(request.body().length(), Some(7));
            match number {
                0 => {
                    Err(TransportError::new(TransportErrorKind::Connect, Sent::No, "refused")
                        .into())
                }
                1 => Ok(http::Response::builder().status(401).body(Body::empty()).unwrap()),
                _ => Ok(http::Response::new(Body::from(request.into_body().collect(1024).await?))),
            }
        }
    };
    let client = over(LoggingTransport::new(transport, logging.clone()))
        .attempt_middleware(logging)
        .auth(Tokens::default())
        .retry(up_to(2))
        .build()
        .unwrap();
    let recorder = Recorder::default();
    let body = Body::stream_with_length(stream::iter([Ok::<_, Error>("{\"a\":"), Ok("1}")]), 7);
    let call = async {
        let post = client.post("/a").header("content-type", "application/json").body(body);
        post.idempotent(true).send().await.unwrap().bytes().await
    };
    assert_eq!(recorder.listen(call).await.unwrap(), "{\"a\":1}");
    let bodies: Vec<_> = logged(&recorder)
        .into_iter()
        .filter(|line| line.1.get("body").is_some())
        .map(|line| line.1.all(["body", "end"]).map(str::to_owned))
        .collect();
    // By the attempt's and by the transport's: the replay is of what the attempt's middleware made of the request.
    assert_eq!(bodies, [["{\"a\":1}", "complete"]; 2]);
}

/// A request whose bytes are in memory is not touched: it stays one that is built again without a copy.
#[tokio::test]
async fn a_request_in_memory_goes_on_as_it_came() {
    let logging = Logging::new().request_bodies(4).all_headers();
    let same = middleware_fn(|request, next| {
        assert!(next.rebuilds(&request) && request.body().as_bytes().is_some());
        Box::pin(next.run(request))
    });
    let client = over(MockTransport::always(Reply::ok())).attempt_middleware(logging);
    let client = client.attempt_middleware(same).build().unwrap();
    let recorder = Recorder::default();
    recorder.listen(client.post("/a").body("{\"a\":1}").send()).await.unwrap();
    let lines = logged(&recorder);
    assert_eq!(
        lines[0].1.all(["body", "bytes", "cut", "end"]),
        ["{\"a\"", "7", "true", "complete"]
    );
}

#[tokio::test]
async fn nobody_who_does_not_listen_is_told_anything() {
    let logging = Logging::new().request_bodies(1024).response_bodies(1024);
    let transport = LoggingTransport::new(MockTransport::always(json("{}")), logging);
    let response = transport.send(Request::get("https://api.test/").unwrap()).await.unwrap();
    assert!(response.body().as_bytes().is_some(), "nobody is around the body");
}
