//! Connections: how many there are, what keeps them in use, and what gives them up.
#![cfg(all(feature = "reqwest", feature = "retry"))]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Method, StatusCode};
use midil_http::{
    Error, FixedDelayBackoff, HttpClient, HttpConfig, ReqwestTransport, Response, TimeoutKind,
};
use midil_http_test::ManualRuntime;
use midil_http_test::fault_server::{FaultServer, Gate, Reply, Script};

use crate::support::Tokens;
use crate::support::whole::{
    Door, at_once, by_default, of, on_the_wire, timed_out, until, until_left,
};

const KIB: usize = 1024;

/// Answers every other request with `reply`, and those between with 200.
fn every_other(reply: Reply) -> Script {
    let count = AtomicUsize::new(0);
    Script::respond_with(move |_| match count.fetch_add(1, Ordering::Relaxed) % 2 {
        0 => reply.clone(),
        _ => Reply::ok("hello"),
    })
}

#[test]
fn a_thousand_calls_in_a_row_need_one_connection() {
    on_the_wire(async {
        let server = FaultServer::always(Reply::ok("hello"));
        let client = midil_http::client(server.url()).unwrap().build().unwrap();
        for number in 0..1000 {
            let call =
                if number % 2 == 0 { client.get("/") } else { client.post("/").body("hello") };
            assert_eq!(call.send().await.unwrap().text().await.unwrap(), "hello");
        }
        assert_eq!((server.connections(), server.request_count()), (1, 1000));
    });
}

#[test]
fn a_thousand_calls_that_are_retried_need_one_connection() {
    on_the_wire(async {
        for door in Door::BOTH {
            let server =
                FaultServer::start(every_other(Reply::status(503).body(vec![7; 60 * KIB])));
            let strategy = at_once().no_budget().build().unwrap();
            let client = door.of(server.url(), strategy);
            for _ in 0..1000 {
                client.get("/").send().await.unwrap().bytes().await.unwrap();
            }
            let seen = (server.connections(), server.request_count());
            assert_eq!(seen, (1, 2000), "{door:?}");
        }
    });
}

/// Whatever is discarded on the way of a call: a response to be retried, a redirect, a 401.
#[test]
fn a_discarded_response_of_64_kib_leaves_its_connection_in_use_and_a_longer_one_does_not() {
    const LIMIT: usize = 64 * KIB;
    on_the_wire(async {
        for (length, connections) in [(0, 1), (1, 1), (LIMIT, 1), (KIB * KIB, 2)] {
            for status in [503, 302, 401] {
                for chunked in [false, true] {
                    let reply = Reply::status(status).header("location", "/b");
                    let content = vec![7; length];
                    let reply =
                        if chunked { reply.chunked([content]) } else { reply.body(content) };
                    // Nobody waits for more than 64 KiB and a byte.
                    let gate = Gate::new();
                    if length <= LIMIT {
                        gate.open();
                    }
                    let reply = reply.hold_body_after(LIMIT + 1, &gate);
                    let server = FaultServer::start([reply, Reply::ok("hello")]);
                    let client = of(&server).auth(Tokens::default()).retry(by_default());
                    let response = client.build().unwrap().get("/a").send().await.unwrap();
                    assert_eq!(response.text().await.unwrap(), "hello");
                    let seen = (server.connections(), server.request_count());
                    assert_eq!(seen, (connections, 2), "{status}, {length} bytes, {chunked}");
                    until(|| server.open_connections() <= 1).await;
                }
            }
        }
    });
}

/// The time for it is part of the wait before the next attempt.
#[test]
fn a_discarded_response_that_stalls_is_dropped_after_100_ms() {
    const DRAIN: Duration = Duration::from_millis(100);
    on_the_wire(async {
        for (status, wait) in [(503, 0), (503, 1000), (302, 0), (401, 0)] {
            let stalled = Reply::status(status).header("location", "/b").body("hello");
            let server = FaultServer::start([stalled.stall_body_after(2), Reply::ok("next")]);
            let runtime = ManualRuntime::new();
            let wait = Duration::from_millis(wait);
            let strategy = at_once().backoff(FixedDelayBackoff::new(wait)).build().unwrap();
            let client = of(&server).auth(Tokens::default()).retry(strategy);
            let client = client.no_timeout().runtime(runtime.clone()).build().unwrap();
            let call = tokio::spawn(client.get("/a").send());
            until(|| runtime.timers() == 1).await;
            assert_eq!(runtime.sleeps(), [DRAIN], "{status}");
            runtime.advance(DRAIN - Duration::from_millis(1));
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            assert_eq!((server.request_count(), server.open_connections()), (1, 1), "{status}");
            runtime.advance(Duration::from_millis(1));
            if !wait.is_zero() {
                until(|| runtime.timers() == 1).await;
                assert_eq!(runtime.advance_to_next_timer(), Some(wait - DRAIN));
            }
            assert_eq!(call.await.unwrap().unwrap().text().await.unwrap(), "next");
            assert_eq!((server.connections(), server.request_count()), (2, 2), "{status}");
            assert_eq!(runtime.elapsed(), wait.max(DRAIN));
            until(|| server.open_connections() == 1).await;
        }
    });
}

/// A client that makes one exchange at a time.
fn one_at_a_time(server: &FaultServer) -> (HttpClient, ManualRuntime) {
    let transport = ReqwestTransport::builder().max_connections(1).build().expect("good settings");
    let client = HttpClient::builder(transport).base_url(server.url()).retry(by_default());
    let runtime = ManualRuntime::new();
    (client.runtime(runtime.clone()).build().expect("a good client"), runtime)
}

#[test]
fn no_more_exchanges_are_in_flight_than_allowed() {
    const LIMIT: usize = 3;
    on_the_wire(async {
        let gate = Gate::new();
        let server = FaultServer::always(Reply::ok("hello").hold(&gate));
        let config = HttpConfig::builder().max_connections(LIMIT).build().unwrap();
        let client = midil_http::client_from(config).unwrap().base_url(server.url());
        let client = client.runtime(ManualRuntime::new()).build().unwrap();
        let calls: Vec<_> = (0..10).map(|_| tokio::spawn(client.clone().get("/").send())).collect();
        until(|| server.request_count() == LIMIT).await;
        // Who could come now has had every chance.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        assert_eq!((server.request_count(), server.connections()), (LIMIT, LIMIT));
        gate.open();
        for call in calls {
            call.await.unwrap().unwrap().bytes().await.unwrap();
        }
        assert_eq!(server.request_count(), 10);
        assert!(server.connections() <= LIMIT, "{}", server.connections());
    });
}

/// It makes no progress: there is no connection.
#[test]
fn who_waits_for_a_place_does_not_wait_for_ever() {
    on_the_wire(async {
        let gate = Gate::new();
        let server = FaultServer::always(Reply::ok("hello").hold(&gate));
        let (client, runtime) = one_at_a_time(&server);
        let first = tokio::spawn(client.get("/").no_retry().timeout(Duration::MAX).send());
        until(|| server.request_count() == 1).await;
        let later = async { runtime.advance(Duration::from_secs(30)) };
        let (second, ()) = tokio::join!(client.get("/").no_retry().send(), later);
        let (kind, after, _) = timed_out(second);
        assert_eq!((kind, after), (TimeoutKind::Progress, Duration::from_secs(30)));
        gate.open();
        assert_eq!(first.await.unwrap().unwrap().text().await.unwrap(), "hello");
        assert_eq!(client.get("/").send().await.unwrap().text().await.unwrap(), "hello");
        assert_eq!(server.request_count(), 2);
    });
}

#[test]
fn a_place_is_held_to_the_end_of_the_body() {
    on_the_wire(async {
        type End = fn(Response) -> futures_util::future::BoxFuture<'static, Option<Response>>;
        let ends: [(&str, End); 3] = [
            ("read", |mut response| {
                Box::pin(async {
                    while response.chunk().await.unwrap().is_some() {}
                    Some(response)
                })
            }),
            ("dropped", |response| {
                Box::pin(async {
                    drop(response);
                    None
                })
            }),
            ("an error", |mut response| {
                Box::pin(async {
                    while let Ok(Some(_)) = response.chunk().await {}
                    Some(response)
                })
            }),
        ];
        for (end, finish) in ends {
            let gate = Gate::new();
            let first = Reply::ok("hello").hold_body_after(2, &gate);
            let first = if end == "an error" { first.content_length(100) } else { first };
            let server = FaultServer::start([first, Reply::ok("next")]);
            let (client, _) = one_at_a_time(&server);
            let mut response = client.get("/").send().await.unwrap();
            assert_eq!(response.chunk().await.unwrap().unwrap(), "he");
            let next = tokio::spawn(client.get("/").send());
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
            assert_eq!(server.request_count(), 1, "{end}");
            gate.open();
            let kept = finish(response).await;
            assert_eq!(next.await.unwrap().unwrap().text().await.unwrap(), "next", "{end}");
            drop(kept);
        }
    });
}

/// However a call ends, it leaves its place to the next one.
#[test]
fn a_call_that_fails_gives_its_place_back() {
    on_the_wire(async {
        for reply in [
            Reply::reset_before_head(),
            Reply::close_before_head(),
            Reply::garbage(),
            Reply::status(503).body(vec![7; 100 * KIB]),
            Reply::status(404).body(vec![7; 100 * KIB]),
            Reply::ok("hello").content_length(100),
        ] {
            let server = FaultServer::start(every_other(reply));
            let (client, _) = one_at_a_time(&server);
            for _ in 0..5 {
                let call = client.get("/").no_retry().raise_for_status();
                let outcome = async { call.send().await?.bytes().await };
                outcome.await.unwrap_err();
                assert_eq!(client.get("/").send().await.unwrap().text().await.unwrap(), "hello");
            }
        }
    });
}

#[test]
fn what_is_dropped_before_its_end_takes_its_connection_along() {
    on_the_wire(async {
        let server =
            FaultServer::start([Reply::ok("hello").stall_body_after(2), Reply::ok("next")]);
        let client = of(&server).build().unwrap();
        drop(client.get("/").send().await.unwrap());
        until_left(&server).await;
        assert_eq!(client.get("/").send().await.unwrap().text().await.unwrap(), "next");
        assert_eq!(server.connections(), 2);
    });
}

#[test]
fn a_status_that_is_made_an_error_leaves_its_connection_in_use() {
    on_the_wire(async {
        let server = FaultServer::always(Reply::status(404).body(vec![b'x'; KIB]));
        let client = of(&server).build().unwrap();
        for _ in 0..100 {
            let Err(Error::Status(error)) = client.get("/").raise_for_status().send().await else {
                panic!("no error")
            };
            assert_eq!(error.body().len(), KIB);
        }
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn responses_without_a_body_leave_their_connection_in_use() {
    on_the_wire(async {
        let server = FaultServer::always(Reply::status(204));
        let client = of(&server).build().unwrap();
        for method in [Method::HEAD, Method::DELETE, Method::GET, Method::PUT] {
            for _ in 0..10 {
                let response = client.request(method.clone(), "/").send().await.unwrap();
                assert_eq!(response.status(), StatusCode::NO_CONTENT);
            }
        }
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn a_connection_that_was_idle_for_too_long_is_not_used_again() {
    on_the_wire(async {
        let settings = || HttpConfig::builder();
        for (config, connections) in [
            (settings().keepalive_expiry(Duration::from_nanos(1)), 5),
            (settings().max_keepalive_connections(0), 5),
            (settings().keepalive_expiry(Duration::from_secs(3600)), 1),
        ] {
            let server = FaultServer::always(Reply::ok("hello"));
            let client = midil_http::client_from(config.build().unwrap()).unwrap();
            let client = client.base_url(server.url()).build().unwrap();
            for _ in 0..5 {
                client.get("/").send().await.unwrap().bytes().await.unwrap();
            }
            assert_eq!(server.connections(), connections);
        }
    });
}

/// The server says keep-alive and closes: no call notices, and what is not idempotent is not sent twice.
#[test]
fn a_connection_that_went_stale_costs_no_attempt() {
    on_the_wire(async {
        let server = FaultServer::always(Reply::ok("hello").close_silently());
        let client = of(&server).retry(by_default()).build().unwrap();
        for count in 1..20 {
            let response = client.post("/").body("hello").send().await.unwrap();
            assert_eq!(response.attempts(), 1);
            assert_eq!(response.text().await.unwrap(), "hello");
            until(|| server.connections() == count && server.open_connections() == 0).await;
            // One turn brings the news, and one runs the task that waits for it.
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            assert_eq!(server.request_count(), count);
        }
    });
}
