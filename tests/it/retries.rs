//! Retries: what is sent again, how often, when, and what the caller gets in the end.
#![cfg(all(feature = "reqwest", feature = "retry"))]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use http::{Method, StatusCode};
use midil_http::{
    Attempt, AuthError, AuthErrorKind, Body, BodyError, BuildError, DecodeError,
    DefaultRetryStrategy, Error, FixedDelayBackoff, GiveUpReason, HttpClient, LimitError, Outcome,
    OwnedRetryEvent, Phase, Request, RequestBuilder, ReqwestTransport, Response, RetryBudget,
    RetryDecision, RetryEvent, RetryExhausted, RetryHook, RetryTransport, Runtime, Sent,
    TimeoutError, TimeoutKind, Transport, TransportErrorKind, async_retry_hook,
};
use midil_http_test::fault_server::{Cut, FaultServer, Reply};
use midil_http_test::{ManualRuntime, MockTransport, Reply as Mocked};
use url::Url;

use crate::support::whole::{
    Door, at_once, by_default, exhausted, failure, of, on_the_wire, until,
};
use crate::support::{Tokens, over, values};

const SECOND: Duration = Duration::from_secs(1);

/// For which requests an outcome is sent again.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Retried {
    Always,
    IfIdempotent,
    Never,
}

use Retried::{Always, IfIdempotent, Never};

impl Retried {
    /// How many attempts there are.
    fn attempts(self, idempotent: bool) -> usize {
        if self == Always || (self == IfIdempotent && idempotent) { 3 } else { 1 }
    }
}

/// A call that is idempotent, or not.
type Call = (bool, fn(&HttpClient) -> RequestBuilder);

const CALLS: [Call; 12] = [
    (true, |client| client.get("/")),
    (true, |client| client.head("/")),
    (true, |client| client.request(Method::OPTIONS, "/")),
    (true, |client| client.request(Method::TRACE, "/")),
    (true, |client| client.put("/").body("hello")),
    (true, |client| client.delete("/")),
    (true, |client| client.post("/").body("hello").idempotency_key("order-17")),
    (true, |client| client.patch("/").body("hello").idempotent(true)),
    (false, |client| client.post("/").body("hello")),
    (false, |client| client.patch("/").body("hello")),
    (false, |client| client.get("/").idempotent(false)),
    (false, |client| client.post("/").idempotency_key("order-17").idempotent(false)),
];

/// What a call came to: as its last attempt came, and how many attempts there were when the strategy gave up.
fn last(outcome: Result<Response, Error>) -> (Result<StatusCode, Error>, Option<u32>) {
    match outcome {
        Ok(response) => (Ok(response.status()), None),
        Err(Error::RetryExhausted(exhausted)) => {
            assert_eq!(*exhausted.reason(), GiveUpReason::Attempts);
            let attempts = exhausted.attempts();
            let last = match exhausted.into_last() {
                midil_http::LastOutcome::Response(response) => Ok(response.status()),
                midil_http::LastOutcome::Error(error) => Err(error),
            };
            (last, Some(attempts))
        }
        Err(error) => (Err(error), None),
    }
}

/// How many attempts were made when the strategy gave up; `None` when the outcome is as it came.
fn given_up(attempts: usize) -> Option<u32> {
    (attempts > 1).then(|| u32::try_from(attempts).expect("few"))
}

/// Through both doors, each with a fresh budget, over `transport`, all calls to `url`.
fn clients(transport: &ReqwestTransport, url: &str) -> [HttpClient; 2] {
    Door::BOTH.map(|door| {
        let strategy = at_once().no_budget().build().expect("a good strategy");
        let client = door.client(transport.clone(), strategy, &ManualRuntime::new());
        client.base_url(url).build().expect("a good client")
    })
}

#[test]
fn statuses_are_sent_again_as_the_table_says() {
    on_the_wire(async {
        let transport = ReqwestTransport::try_new().unwrap();
        for (retried, statuses) in [
            (Always, &[429][..]),
            (IfIdempotent, &[408, 425, 500, 502, 503, 504, 507, 508, 511, 520, 599]),
            (
                Never,
                &[200, 201, 204, 304, 400, 401, 403, 404, 405, 409, 410, 413, 422, 451, 501, 505],
            ),
        ] {
            for &status in statuses {
                for (number, (idempotent, call)) in CALLS.into_iter().enumerate() {
                    let server = FaultServer::always(Reply::status(status).body("why"));
                    for client in clients(&transport, &server.url()) {
                        let before = server.request_count();
                        let (last, attempts) = last(call(&client).send().await);
                        assert_eq!(last.unwrap(), status);
                        let expected = retried.attempts(idempotent);
                        let sent = server.request_count() - before;
                        assert_eq!(sent, expected, "{status} to call {number}");
                        assert_eq!(attempts, given_up(expected), "{status} to call {number}");
                    }
                    assert_eq!(server.connections(), 1, "{status} to call {number}");
                }
            }
        }
    });
}

#[test]
fn broken_exchanges_are_sent_again_as_the_table_says() {
    use TransportErrorKind::{Closed, Protocol, Reset};
    let late = || Reply::status(204);
    on_the_wire(async {
        let transport = ReqwestTransport::try_new().unwrap();
        for (kind, reply) in [
            (Reset, Reply::reset_before_head()),
            (Reset, late().cut_head_after(12, Cut::Reset)),
            (Closed, Reply::close_before_head()),
            (Closed, late().cut_head_after(12, Cut::Close)),
            (Protocol, Reply::garbage()),
            (Protocol, Reply::raw("HTTP/1.1 2xx OK\r\n\r\n")),
        ] {
            for (number, (idempotent, call)) in CALLS.into_iter().enumerate() {
                let server = FaultServer::always(reply.clone());
                for client in clients(&transport, &server.url()) {
                    let before = (server.request_count(), server.connections());
                    let (last, attempts) = last(call(&client).send().await);
                    let Err(Error::Transport(error)) = last else { panic!("{last:?}") };
                    assert_eq!(error.sent(), Sent::Maybe);
                    // The server sends nothing but a head to HEAD, whatever it is made of.
                    assert!(error.kind() == kind || number == 1, "{error:?}");
                    let expected = IfIdempotent.attempts(idempotent);
                    assert_eq!(attempts, given_up(expected), "{kind:?} to call {number}");
                    let sent = server.request_count() - before.0;
                    let connections = server.connections() - before.1;
                    assert_eq!(
                        (sent, connections),
                        (expected, expected),
                        "{kind:?} to call {number}"
                    );
                }
            }
        }
    });
}

#[test]
fn what_was_refused_is_sent_again_whatever_the_method() {
    on_the_wire(async {
        let transport = ReqwestTransport::try_new().unwrap();
        let port = FaultServer::refusing();
        for (_, call) in CALLS {
            for client in clients(&transport, &port.url()) {
                let (last, attempts) = last(call(&client).send().await);
                let error = last.unwrap_err();
                assert!(error.is_connect() && error.sent() == Sent::No, "{error:?}");
                assert_eq!(attempts, Some(3));
            }
        }
    });
}

/// The other side speaks no TLS: that will not heal by itself.
#[test]
fn tls_that_cannot_be_set_up_is_tried_once() {
    on_the_wire(async {
        let transport = ReqwestTransport::try_new().unwrap();
        for (_, call) in CALLS {
            let server = FaultServer::always(Reply::ok("plain"));
            for client in clients(&transport, &server.url().replace("http:", "https:")) {
                let before = server.connections();
                let (last, attempts) = last(call(&client).send().await);
                let Err(Error::Transport(error)) = last else { panic!("{last:?}") };
                assert_eq!((error.kind(), attempts), (TransportErrorKind::Tls, None));
                until(|| server.connections() > before).await;
                assert_eq!(server.connections() - before, 1);
            }
            assert_eq!(server.request_count(), 0);
        }
    });
}

#[tokio::test]
async fn errors_are_sent_again_as_the_table_says() {
    use TransportErrorKind::{Closed, Connect, Dns, Other, Protocol, Refused, Reset, Tls};
    fn timeout(kind: TimeoutKind) -> Error {
        TimeoutError::new(kind, SECOND, Phase::Head).into()
    }
    let rows: [(Retried, fn() -> Error); 25] = [
        (Always, || failure(Dns, Sent::No)),
        (Always, || failure(Connect, Sent::No)),
        (Always, || failure(Refused, Sent::No)),
        (Always, || failure(Reset, Sent::No)),
        (Always, || failure(Closed, Sent::No)),
        (Always, || TimeoutError::connect(SECOND).into()),
        (IfIdempotent, || failure(Refused, Sent::Maybe)),
        (IfIdempotent, || failure(Reset, Sent::Maybe)),
        (IfIdempotent, || failure(Closed, Sent::Maybe)),
        (IfIdempotent, || failure(Protocol, Sent::Maybe)),
        (IfIdempotent, || failure(Other, Sent::Maybe)),
        (IfIdempotent, || timeout(TimeoutKind::Progress)),
        (IfIdempotent, || timeout(TimeoutKind::Attempt)),
        (Never, || failure(Tls, Sent::No)),
        (Never, || failure(Tls, Sent::Maybe)),
        (Never, || timeout(TimeoutKind::Total)),
        (Never, || BuildError::new("URL", "is bad").into()),
        (Never, || DecodeError::new("JSON", "no").into()),
        (Never, || AuthError::new(AuthErrorKind::Unavailable, "no token").into()),
        (Never, || AuthError::new(AuthErrorKind::Rejected, "no").into()),
        (Never, || Error::circuit_open(SECOND)),
        (Never, || LimitError::new("rate", "no").into()),
        (Never, || BodyError::new("unplugged").into()),
        (Never, || Error::Closed),
        (Never, || Error::custom("the tenant is suspended")),
    ];
    for (retried, error) in rows {
        for (number, (idempotent, call)) in CALLS.into_iter().enumerate() {
            for door in Door::BOTH {
                let mock = MockTransport::always(Mocked::error(error));
                let runtime = ManualRuntime::new();
                let client = door.client(mock.clone(), by_default(), &runtime);
                let (last, attempts) = last(call(&client.build().unwrap()).send().await);
                let expected = retried.attempts(idempotent);
                assert_eq!(last.unwrap_err().to_string(), error().to_string());
                let seen = (mock.request_count(), attempts);
                assert_eq!(seen, (expected, given_up(expected)), "{:?} to call {number}", error());
            }
        }
    }
}

#[tokio::test]
async fn too_many_redirects_are_not_followed_twice() {
    let mock = MockTransport::always(Mocked::status(302).header("location", "/next"));
    let client = over(mock.clone()).retry(by_default()).build().unwrap();
    assert!(matches!(client.get("/").send().await, Err(Error::Redirect(_))));
    assert_eq!(mock.request_count(), 11);
}

#[test]
fn without_a_strategy_the_outcome_is_as_it_came() {
    on_the_wire(async {
        let server =
            FaultServer::start([503, 429, 503].map(|status| Reply::status(status).body("why")));
        for door in Door::BOTH {
            let client = door.of(server.url(), by_default());
            let before = server.request_count();
            let response = client.get("/").no_retry().send().await.unwrap();
            assert!([503, 429].contains(&response.status().as_u16()));
            assert_eq!((response.attempts(), server.request_count() - before), (1, 1), "{door:?}");
            assert_eq!(response.text().await.unwrap(), "why");
        }
        let response = of(&server).build().unwrap().get("/").send().await.unwrap();
        assert_eq!((response.status().as_u16(), server.request_count()), (503, 3));

        let server = FaultServer::always(Reply::reset_before_head());
        let client = of(&server).retry(by_default()).build().unwrap();
        let error = client.get("/").no_retry().send().await.unwrap_err();
        assert!(matches!(error, Error::Transport(_)), "{error:?}");
        assert_eq!(server.request_count(), 1);
    });
}

#[tokio::test]
async fn a_strategy_of_a_call_wins_over_that_of_its_client() {
    for door in Door::BOTH {
        let mock = MockTransport::always(Mocked::status(503));
        let client = door.client(mock.clone(), by_default(), &ManualRuntime::new());
        let once = at_once().max_attempts(1).build().unwrap();
        let outcome = client.build().unwrap().get("/").retry(once).send().await;
        assert_eq!((exhausted(outcome).attempts(), mock.request_count()), (1, 1), "{door:?}");
    }
}

/// What is accepted is handed over untouched, however long it is.
#[test]
fn what_is_accepted_is_as_it_came() {
    let accept = |_: &Attempt<'_>| RetryDecision::Accept;
    on_the_wire(async {
        for door in Door::BOTH {
            let long = vec![7; 1 << 20];
            let server =
                FaultServer::always(Reply::status(503).body(long.clone()).header("x-why", "busy"));
            let response = door.of(server.url(), accept).get("/").send().await.unwrap();
            assert_eq!(response.status(), 503);
            assert_eq!(values(response.headers(), "x-why"), ["busy"]);
            assert!(response.bytes().await.unwrap() == long);
            assert_eq!(server.request_count(), 1);
        }
    });
}

/// The last response of a call that was given up, and the call.
async fn last_response(reply: Reply) -> (FaultServer, HttpClient, RetryExhausted) {
    let server = FaultServer::start([reply, Reply::ok("next")]);
    let transport = ReqwestTransport::builder().max_connections(1).build().expect("good settings");
    let strategy = at_once().max_attempts(1).build().expect("a good strategy");
    let client = HttpClient::builder(transport).base_url(server.url()).retry(strategy);
    let client = client.runtime(ManualRuntime::new()).build().expect("a good client");
    let exhausted = exhausted(client.get("/").send().await);
    (server, client, exhausted)
}

#[test]
fn the_last_response_can_be_had_and_holds_no_connection() {
    const LIMIT: usize = 64 * 1024;
    on_the_wire(async {
        for (length, chunked) in [
            (0, false),
            (3, false),
            (LIMIT, false),
            (LIMIT, true),
            (LIMIT + 1, false),
            (LIMIT + 1, true),
            (1 << 20, false),
        ] {
            let content = vec![7; length];
            let reply = Reply::status(503).header("x-why", "busy");
            let reply = if chunked { reply.chunked([content]) } else { reply.body(content) };
            let (server, client, exhausted) = last_response(reply).await;
            assert_eq!(
                (exhausted.attempts(), exhausted.status()),
                (1, Some(StatusCode::SERVICE_UNAVAILABLE))
            );
            assert!(exhausted.last_error().is_none());
            // There is but one place.
            assert_eq!(client.get("/").send().await.unwrap().text().await.unwrap(), "next");
            let dropped = server.connections() == 2;
            assert!(
                if length > LIMIT { dropped || length == LIMIT + 1 } else { !dropped },
                "{length}"
            );

            let mut response = exhausted.into_response().unwrap();
            assert_eq!(values(response.headers(), "x-why"), ["busy"]);
            let mut kept = 0;
            let end = loop {
                match response.body_mut().chunk().await {
                    Ok(Some(chunk)) => kept += chunk.len(),
                    end => break end,
                }
            };
            assert_eq!((kept, end.is_ok()), (length.min(LIMIT), length <= LIMIT), "{end:?}");
        }
    });
}

#[test]
fn a_last_response_that_breaks_off_says_so_when_it_is_read() {
    on_the_wire(async {
        let reply = Reply::status(503).body("12345").cut_body_after(3, Cut::Reset);
        let (_server, _, exhausted) = last_response(reply).await;
        let mut body = exhausted.into_response().unwrap().into_body();
        assert_eq!(body.chunk().await.unwrap().unwrap(), "123");
        assert!(matches!(body.chunk().await, Err(Error::Transport(_))));
    });
}

#[test]
fn a_last_response_is_waited_for_no_longer_than_a_second() {
    for door in Door::BOTH {
        let runtime = ManualRuntime::new();
        let stalled = || stream::iter([Ok::<_, std::io::Error>("busy")]).chain(stream::pending());
        let mock = MockTransport::always(Mocked::status(503).body(Body::replayable(None, stalled)));
        let strategy = at_once().max_attempts(1).build().unwrap();
        let client = door.client(mock, strategy, &runtime).build().unwrap();
        let exhausted = exhausted(runtime.block_on(client.get("/").send()));
        assert_eq!((runtime.elapsed(), runtime.timers()), (SECOND, 0), "{door:?}");
        let mut body = exhausted.into_response().unwrap().into_body();
        let mut chunk = || body.chunk().now_or_never().unwrap();
        assert_eq!(chunk().unwrap().unwrap(), "busy");
        assert!(chunk().unwrap_err().to_string().contains("did not arrive within 1"));
    }
}

#[test]
fn an_exhausted_call_tells_all_about_itself() {
    let waiting = || DefaultRetryStrategy::builder().backoff(FixedDelayBackoff::new(2 * SECOND));
    for door in Door::BOTH {
        let runtime = ManualRuntime::new();
        let mock = MockTransport::always(Mocked::status(503));
        let client = door.client(mock, waiting().build().unwrap(), &runtime).build().unwrap();
        let error = runtime.block_on(client.get("/").send()).unwrap_err();
        assert!(error.is_status() && error.status() == Some(StatusCode::SERVICE_UNAVAILABLE));
        assert_eq!(
            error.to_string(),
            "gave up after 3 attempts in 4s: all attempts are used up; the last one came to status 503"
        );
        let exhausted = exhausted(Err::<(), _>(error));
        assert_eq!((exhausted.attempts(), exhausted.elapsed()), (3, 4 * SECOND));
        assert_eq!(runtime.completed_sleeps(), [2 * SECOND; 2], "and none after the last attempt");

        let down = || failure(TransportErrorKind::Connect, Sent::No);
        let once = waiting().max_attempts(1).build().unwrap();
        let client = door.client(MockTransport::always(Mocked::error(down)), once, &runtime);
        let error = runtime.block_on(client.build().unwrap().post("/").send()).unwrap_err();
        assert!(error.is_connect(), "{error:?}");
        let exhausted = crate::support::whole::exhausted(Err::<(), _>(error));
        assert_eq!((exhausted.attempts(), exhausted.elapsed()), (1, Duration::ZERO));
        assert!(exhausted.last_error().is_some() && exhausted.into_response().is_none());
    }
}

#[test]
fn a_strategys_own_reason_is_told() {
    let reason = || GiveUpReason::Other("the moon is full".into());
    let strategy = move |_: &Attempt<'_>| RetryDecision::GiveUp { reason: reason() };
    let client = over(MockTransport::always(Mocked::ok())).retry(strategy).build().unwrap();
    let exhausted = exhausted(client.get("/").send().now_or_never().unwrap());
    assert_eq!((exhausted.reason(), exhausted.attempts()), (&reason(), 1));
}

/// What `Retry-After`, and perhaps `Date`, have the call wait for, when it would wait for 7 s by itself: from, to.
#[test]
fn the_server_is_never_asked_again_earlier_than_it_said() {
    const OWN: (u32, u32) = (7, 7);
    let rows: [(&str, Option<&str>, (u32, u32)); 20] = [
        ("20", None, (20, 22)),
        (" 20 ", None, (20, 22)),
        ("60", None, (60, 66)),
        ("0", None, OWN),
        ("5", None, OWN),
        ("-20", None, OWN),
        ("+20", None, OWN),
        ("20.5", None, OWN),
        ("soon", None, OWN),
        ("", None, OWN),
        ("20, 30", None, OWN),
        ("Thu, 01 Jan 2026 00:00:20 GMT", None, (20, 22)),
        ("Thursday, 01-Jan-26 00:00:20 GMT", None, (20, 22)),
        ("Thu Jan  1 00:00:20 2026", None, (20, 22)),
        ("Thu, 01 Jan 2026 00:00:20 CET", None, OWN),
        ("Wed, 31 Dec 2025 23:59:00 GMT", None, OWN),
        ("Wed, 01 Jan 2020 00:00:20 GMT", Some("Wed, 01 Jan 2020 00:00:00 GMT"), (20, 22)),
        ("Fri, 01 Jan 2100 00:00:20 GMT", Some("Fri, 01 Jan 2100 00:00:00 GMT"), (20, 22)),
        ("Thu, 01 Jan 2026 00:00:20 GMT", Some("yesterday"), (20, 22)),
        ("20", Some("Wed, 01 Jan 2020 00:00:00 GMT"), (20, 22)),
    ];
    for (asked, date, (from, to)) in rows {
        for door in Door::BOTH {
            for (seed, status) in [429, 503, 500, 408, 425].into_iter().enumerate() {
                let busy = Mocked::status(status).header("retry-after", asked);
                let busy = date.into_iter().fold(busy, |busy, date| busy.header("date", date));
                let mock = MockTransport::sequence([busy, Mocked::ok()]);
                let runtime = ManualRuntime::new();
                let backoff = FixedDelayBackoff::new(7 * SECOND);
                let strategy = DefaultRetryStrategy::builder().backoff(backoff).build().unwrap();
                let seed = u64::try_from(seed).unwrap();
                let client = door.client(mock, strategy, &runtime).seed(seed).no_timeout();
                let call = client.build().unwrap().put("/").total_timeout(1000 * SECOND);
                assert_eq!(runtime.block_on(call.send()).unwrap().status(), 200);
                let waited = runtime.elapsed();
                let expected = SECOND * from..=SECOND * to;
                assert!(expected.contains(&waited), "{asked:?}, {date:?}: {waited:?}, {door:?}");
            }
        }
    }
}

#[test]
fn the_wait_for_a_server_is_spread() {
    let waited = |seed| {
        let busy = Mocked::status(503).header("retry-after", "50");
        let runtime = ManualRuntime::new();
        let client = over(MockTransport::sequence([busy, Mocked::ok()])).seed(seed);
        let client = client.retry(by_default()).runtime(runtime.clone());
        runtime.block_on(client.build().unwrap().get("/").send()).unwrap();
        runtime.elapsed()
    };
    let waits: Vec<_> = (0..100).map(waited).collect();
    assert!(waits.iter().all(|wait| (50 * SECOND..=55 * SECOND).contains(wait)), "{waits:?}");
    assert!(waits.iter().any(|wait| *wait < 51 * SECOND), "{waits:?}");
    assert!(waits.iter().any(|wait| *wait > 54 * SECOND), "{waits:?}");
    assert_eq!(waited(7), waited(7), "the same seed waits the same");
}

#[test]
fn a_server_that_asks_for_too_much_is_given_up_at_once() {
    for (asked, seconds) in [
        ("61", 61),
        ("3600", 3600),
        ("99999999999999999999", u64::MAX),
        ("Thu, 01 Jan 2026 01:00:00 GMT", 3600),
    ] {
        for door in Door::BOTH {
            let runtime = ManualRuntime::new();
            let mock = MockTransport::always(Mocked::status(429).header("retry-after", asked));
            let client = door.client(mock, by_default(), &runtime).build().unwrap();
            let exhausted = exhausted(runtime.block_on(client.post("/").send()));
            let (asked, limit) = (Duration::from_secs(seconds), 60 * SECOND);
            assert_eq!(*exhausted.reason(), GiveUpReason::RetryAfter { asked, limit });
            assert_eq!((exhausted.attempts(), runtime.elapsed()), (1, Duration::ZERO));
        }
    }
    let runtime = ManualRuntime::new();
    let mock =
        MockTransport::sequence([Mocked::status(429).header("retry-after", "90"), Mocked::ok()]);
    let patient = at_once().max_retry_after(100 * SECOND).build().unwrap();
    let client = over(mock).retry(patient).runtime(runtime.clone()).build().unwrap();
    runtime.block_on(client.get("/").send()).unwrap();
    assert!(runtime.elapsed() >= 90 * SECOND);
}

/// Full jitter: anything up to 200 ms, then anything up to 400 ms.
#[test]
fn waits_are_spread_from_nothing_to_their_limit_which_doubles() {
    let mut waits = [Vec::new(), Vec::new()];
    for seed in 0..200 {
        let runtime = ManualRuntime::new();
        let client = over(MockTransport::always(Mocked::status(503))).seed(seed);
        let client = client.retry(DefaultRetryStrategy::default()).runtime(runtime.clone());
        let outcome = runtime.block_on(client.build().unwrap().get("/").send());
        assert_eq!(exhausted(outcome).attempts(), 3);
        let slept = runtime.completed_sleeps();
        assert_eq!(slept.len(), 2);
        waits.iter_mut().zip(slept).for_each(|(waits, slept)| waits.push(slept));
    }
    for (waits, limit) in waits.into_iter().zip([200, 400].map(Duration::from_millis)) {
        assert!(waits.iter().all(|wait| *wait <= limit));
        let mean = waits.iter().sum::<Duration>() / 200;
        assert!((limit * 2 / 5..limit * 3 / 5).contains(&mean), "{mean:?} of {limit:?}");
        let (least, most) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
        assert!(*least < limit / 20 && *most > limit * 19 / 20, "{least:?} to {most:?}");
    }
}

/// What hooks were told: attempt, what it came to, and the delay.
type Told = Arc<Mutex<Vec<(u32, String, Duration)>>>;

fn sync_hook(told: &Told) -> impl RetryHook + use<> {
    let told = Arc::clone(told);
    move |event: &mut RetryEvent<'_>| {
        let came_to = match event.outcome {
            Outcome::Response(head) => {
                format!("{} {:?}", head.status.as_u16(), head.headers["x-why"])
            }
            Outcome::Error(error) => error.kind().to_owned(),
        };
        told.lock().expect("no panic").push((event.attempt, came_to, event.delay));
        event.request.headers.append("x-retry", event.attempt.into());
    }
}

fn async_hook(told: &Told, runtime: &ManualRuntime) -> impl RetryHook + use<> {
    let (told, runtime) = (Arc::clone(told), runtime.clone());
    async_retry_hook(move |mut event: OwnedRetryEvent| {
        let (told, pause) = (Arc::clone(&told), runtime.sleep(SECOND / 2));
        async move {
            pause.await;
            let came_to = match event.status {
                Some(status) => format!("{} {:?}", status.as_u16(), event.headers["x-why"]),
                None => event.error.map(|_| "Transport".to_owned()).unwrap_or_default(),
            };
            told.lock().expect("no panic").push((event.attempt, came_to, event.delay));
            event.request.headers.append("x-retry", event.attempt.into());
            event.request
        }
    })
}

#[test]
fn hooks_are_told_before_each_retry_and_may_change_the_requests_that_follow() {
    for door in Door::BOTH {
        for asynchronous in [false, true] {
            let (runtime, told) = (ManualRuntime::new(), Told::default());
            let reset = || failure(TransportErrorKind::Reset, Sent::Maybe);
            let mock = MockTransport::sequence([
                Mocked::status(503).header("x-why", "busy"),
                Mocked::error(reset),
                Mocked::status(503).header("x-why", "still busy"),
            ]);
            let strategy = at_once().backoff(FixedDelayBackoff::new(SECOND));
            let strategy = match asynchronous {
                false => strategy.on_retry(sync_hook(&told)),
                true => strategy.on_retry(async_hook(&told, &runtime)),
            };
            let client = door.client(mock.clone(), strategy.build().unwrap(), &runtime);
            let client = client.header("x-base", "here").build().unwrap();
            let call = client.put("/").header("x-own", "mine").body("hello");
            assert_eq!(exhausted(runtime.block_on(call.send())).attempts(), 3);

            let expected =
                [(1, "503 \"busy\"".to_owned(), SECOND), (2, "Transport".to_owned(), SECOND)];
            assert_eq!(*told.lock().unwrap(), expected, "and no third time");
            let marks: Vec<_> = mock
                .requests()
                .iter()
                .map(|request| values(request.headers(), "x-retry"))
                .collect();
            assert_eq!(marks, [vec![], vec!["1".to_owned()], vec!["1".into(), "2".into()]]);
            for request in mock.requests() {
                let kept = (request.header("x-base"), request.header("x-own"), request.text());
                assert_eq!(kept, (Some("here"), Some("mine"), "hello"));
            }
            // The wait is counted from the end of the attempt: the hook's half second is within it.
            assert_eq!(runtime.elapsed(), 2 * SECOND, "{door:?}, {asynchronous}");
        }
    }
}

#[tokio::test]
async fn each_attempt_has_fresh_credentials_and_the_same_key() {
    let mock = MockTransport::sequence([503, 503, 200].map(Mocked::status));
    let client = over(mock.clone()).auth(Tokens::default()).retry(by_default());
    let client = client.build().unwrap();
    let response = client.post("/").idempotency_key("order-17").body("hello").send().await.unwrap();
    assert_eq!(response.attempts(), 3);
    for (number, request) in mock.requests().iter().enumerate() {
        let token = format!("Bearer t{}", number + 1);
        assert_eq!(request.header("authorization"), Some(&*token));
        assert_eq!(
            (request.header("idempotency-key"), request.text()),
            (Some("order-17"), "hello")
        );
    }
}

/// Attempts are counted over all hops; hops, and the replay after a 401, are none.
#[tokio::test]
async fn attempts_are_one_and_the_retries_of_the_whole_call() {
    let moved = |to| Mocked::status(307).header("location", to);
    let mock = MockTransport::new();
    for (path, replies) in [
        ("/v1/a", vec![Mocked::status(503), Mocked::status(401), moved("/v1/b")]),
        ("/v1/b", vec![Mocked::status(503), Mocked::status(503), moved("/v1/c")]),
        ("/v1/c", vec![Mocked::status(503), Mocked::status(503), Mocked::status(503)]),
    ] {
        let expected = mock.on(Method::GET, path);
        replies.into_iter().fold(expected, |expected, reply| expected.reply(reply));
    }
    let runtime = ManualRuntime::new();
    let strategy = at_once().no_budget().build().unwrap();
    let client = over(mock.clone()).auth(Tokens::default()).retry(strategy).runtime(runtime);
    let exhausted = exhausted(client.build().unwrap().get("/a").send().await);
    assert_eq!((exhausted.attempts(), mock.request_count()), (1 + 1 + 2 + 2, 9));
}

#[tokio::test]
async fn a_budget_is_shared_by_clones_and_kept_per_origin() {
    for door in Door::BOTH {
        let mock = MockTransport::always(Mocked::status(503));
        let (runtime, budget) = (ManualRuntime::new(), RetryBudget::default());
        let strategy = at_once().budget(budget.clone()).build().unwrap();
        let client = door.client(mock.clone(), strategy, &runtime);
        let client = client.allow_origin("https://other.test").build().unwrap();
        let give_up = |client: HttpClient, url: &'static str| async move {
            let exhausted = exhausted(client.get(url).send().await);
            (exhausted.attempts(), exhausted.reason().clone())
        };
        for _ in 0..5 {
            let outcome = give_up(client.clone(), "/").await;
            assert_eq!(outcome, (3, GiveUpReason::Attempts), "10 tokens are 10 retries");
        }
        assert_eq!(give_up(client.clone(), "/").await, (1, GiveUpReason::Budget));
        assert_eq!(give_up(client.clone(), "https://other.test/").await.0, 3);
        runtime.advance(10 * SECOND);
        assert_eq!(give_up(client.clone(), "/").await, (2, GiveUpReason::Budget));
        assert_eq!(mock.request_count(), 5 * 3 + 1 + 3 + 2, "{door:?}");

        // A first attempt that succeeds earns 0.1, a retry that does 2.5.
        for (replies, earned) in [(vec![200; 10], 1.0), (vec![503, 200], 1.0 - 1.0 + 2.5)] {
            let calls = replies.iter().filter(|status| **status == 200).count();
            let script = MockTransport::sequence(replies.into_iter().map(Mocked::status));
            let strategy = at_once().budget(budget.clone()).build().unwrap();
            let client = door.client(script, strategy, &runtime).build().unwrap();
            for _ in 0..calls {
                client.get("/").send().await.unwrap();
            }
            let url = Url::parse("https://api.test/").unwrap();
            let available = budget.available(&url, runtime.now());
            assert!((available - earned).abs() < 0.01, "{available} tokens, {earned} expected");
        }
    }
}

#[test]
fn a_quiet_client_always_has_its_attempts() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::always(Mocked::status(503));
    let client = over(mock).retry(by_default()).runtime(runtime.clone());
    let client = client.build().unwrap();
    for _ in 0..100 {
        assert_eq!(exhausted(runtime.block_on(client.get("/").send())).attempts(), 3);
        runtime.advance(20 * SECOND);
    }
}

/// The shortest way to a client has all of this.
#[test]
fn a_client_of_the_facade_retries_by_itself() {
    on_the_wire(async {
        let server = FaultServer::start([503, 503, 200].map(Reply::status));
        let runtime = ManualRuntime::new();
        let client =
            midil_http::client(server.url()).unwrap().no_timeout().runtime(runtime.clone());
        let client = client.build().unwrap();
        let call = tokio::spawn(client.get("/").send());
        while !call.is_finished() {
            runtime.advance_to_next_timer();
            tokio::task::yield_now().await;
        }
        assert_eq!(call.await.unwrap().unwrap().attempts(), 3);
        assert!(runtime.completed_sleeps().len() <= 2);
    });
}

/// A transport that somebody else retries, without any client.
#[tokio::test]
async fn a_retry_transport_needs_no_client() {
    let mock = MockTransport::sequence([503, 503, 200].map(Mocked::status));
    let transport = RetryTransport::new(mock.clone(), by_default());
    let response = transport.send(Request::get("https://api.test/").unwrap()).await.unwrap();
    assert_eq!((response.status().as_u16(), mock.request_count()), (200, 3));
}
