//! How many connections there are, and how often they are used.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use midil_http_core::{Transport, TransportSettings};
use midil_http_reqwest::ReqwestTransport;
use midil_http_test::fault_server::{FaultServer, Gate, Reply};

use super::support::{exchange, get, post, run, run_on_one_thread, transport};

#[test]
fn a_thousand_calls_in_a_row_need_one_connection() {
    run_on_one_thread(async {
        let server = FaultServer::always(Reply::ok("hello"));
        let transport = transport();
        for _ in 0..1000 {
            assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hello");
        }
        assert_eq!((server.connections(), server.request_count()), (1, 1000));
    });
}

#[test]
fn no_more_exchanges_are_in_flight_than_allowed() {
    const LIMIT: usize = 3;
    run(async {
        let gate = Gate::new();
        let server = FaultServer::always(Reply::ok("hello").hold(&gate));
        let transport = ReqwestTransport::builder().max_connections(LIMIT).build().unwrap();
        let calls: Vec<_> = (0..10)
            .map(|_| {
                let (transport, request) = (transport.clone(), get(&server.url()));
                tokio::spawn(async move { exchange(&transport, request).await })
            })
            .collect();
        server.wait_for_requests(LIMIT);
        // All three places are taken, so what could come now, cannot.
        assert_eq!(format!("{transport:?}").matches("free_connections: 0").count(), 1);
        assert_eq!(server.request_count(), LIMIT);
        gate.open();
        for call in calls {
            assert_eq!(call.await.unwrap().unwrap(), "hello");
        }
        assert_eq!(server.request_count(), 10);
    });
}

/// What was given cannot be made anew: it is left alone, for others may use it.
#[test]
fn a_client_that_was_given_keeps_its_connections_until_it_is_dropped() {
    run_on_one_thread(async {
        let server = FaultServer::always(Reply::ok("hello"));
        let transport = ReqwestTransport::try_from(reqwest::Client::builder()).unwrap();
        exchange(&transport, get(&server.url())).await.unwrap();
        transport.close().await;
        exchange(&transport, get(&server.url())).await.unwrap();
        assert_eq!((server.connections(), server.open_connections()), (1, 1));
        drop(transport);
        while server.open_connections() > 0 {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn closing_ends_idle_connections_and_spares_those_in_use() {
    run_on_one_thread(async {
        let gate = Gate::new();
        let held = Reply::ok("hello").hold_body_after(2, &gate);
        let server = FaultServer::start([Reply::ok("first"), held, Reply::ok("next")]);
        let transport = transport();
        exchange(&transport, get(&server.url())).await.unwrap();
        let response = transport.send(get(&server.url())).await.unwrap();
        transport.close().await;
        transport.close().await;
        gate.open();
        assert_eq!(super::support::text(response).await.unwrap(), "hello");
        while server.open_connections() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "next");
        assert_eq!(server.connections(), 2);
    });
}

/// A place is taken until the body has ended or is dropped, not only until the head is there.
#[test]
fn a_body_holds_its_place() {
    run(async {
        let (gate, shut) = (Gate::new(), Gate::new());
        let held = |gate| Reply::ok("hello").hold_body_after(2, gate);
        let server =
            FaultServer::start([held(&gate), Reply::ok("next"), held(&shut), Reply::ok("last")]);
        let transport = ReqwestTransport::builder().max_connections(1).build().unwrap();
        let free =
            |transport: &ReqwestTransport| format!("{transport:?}").contains("free_connections: 1");

        let mut first = transport.send(get(&server.url())).await.unwrap().into_body();
        assert_eq!(first.chunk().await.unwrap().unwrap(), "he");
        assert!(!free(&transport));
        gate.open();
        assert_eq!(first.chunk().await.unwrap().unwrap(), "llo");
        assert!(first.chunk().await.unwrap().is_none());
        assert!(free(&transport), "the body has ended, though it is not dropped");
        assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "next");

        let dropped = transport.send(get(&server.url())).await.unwrap();
        assert!(!free(&transport));
        drop(dropped);
        assert!(free(&transport));
        assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "last");
    });
}

/// A short body that came with the head is all there, and holds nothing. A longer one waits for its reader, and so does one that
/// came in part, of which nothing is lost.
#[test]
fn a_short_body_that_came_with_the_head_holds_no_place() {
    run_on_one_thread(async {
        let gate = Gate::new();
        let long = "x".repeat(8 * 1024 + 1);
        let server = FaultServer::start([
            Reply::ok("hello"),
            Reply::ok(long.clone()),
            Reply::ok("hello").hold_body_after(2, &gate),
        ]);
        let transport = ReqwestTransport::builder().max_connections(1).build().unwrap();
        let free = || format!("{transport:?}").contains("free_connections: 1");

        let response = transport.send(get(&server.url())).await.unwrap();
        assert_eq!(response.body().as_bytes().map(|bytes| &bytes[..]), Some(&b"hello"[..]));
        assert!(free());

        let response = transport.send(get(&server.url())).await.unwrap();
        assert!(response.body().as_bytes().is_none() && !free());
        assert_eq!(super::support::text(response).await.unwrap(), long);

        let response = transport.send(get(&server.url())).await.unwrap();
        assert!(response.body().as_bytes().is_none() && !free());
        assert_eq!(response.body().length(), Some(5));
        gate.open();
        assert_eq!(super::support::text(response).await.unwrap(), "hello");
        assert!(free());
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn a_failed_exchange_gives_its_place_back() {
    run(async {
        let server = FaultServer::start([
            Reply::close_before_head(),
            Reply::ok("hello").content_length(100),
            Reply::ok("hello"),
        ]);
        let transport = ReqwestTransport::builder().max_connections(1).build().unwrap();
        exchange(&transport, get(&server.url())).await.unwrap_err();
        exchange(&transport, get(&server.url())).await.unwrap_err();
        assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hello");
    });
}

/// The server says keep-alive and closes; once the client could know, it must not use that connection.
#[test]
fn a_connection_that_went_stale_costs_nothing() {
    const ROUNDS: usize = 1000;
    // On one thread it is known when the client has seen the end: when the task of the connection has run.
    run_on_one_thread(async {
        let server = FaultServer::always(Reply::ok("hello").close_silently());
        let transport = transport();
        // One more than connections: the pool's own, which looks for those that expired.
        let tasks = tokio::runtime::Handle::current().metrics();
        for count in 1..=ROUNDS {
            let url = format!("{}/{count}", server.url());
            let (request, sent) = match count % 3 {
                0 => (get(&url), &b""[..]),
                1 => (post(&url, "bytes"), &b"bytes"[..]),
                _ => {
                    let stream =
                        futures_util::stream::iter(["a", "b"].map(Ok::<_, std::io::Error>));
                    (post(&url, midil_http_core::Body::stream(stream)), &b"ab"[..])
                }
            };
            assert_eq!(exchange(&transport, request).await.unwrap(), "hello");
            while tasks.num_alive_tasks() > 1 {
                tokio::task::yield_now().await;
            }
            assert_eq!((server.connections(), server.request_count()), (count, count));
            let last = server.requests().pop().unwrap();
            assert_eq!((last.target(), last.body()), (&*format!("/{count}"), sent));
        }
    });
}

/// The server has closed, and the thread that could have found out was busy.
#[test]
fn a_connection_that_went_stale_unseen_costs_a_post_nothing() {
    run_on_one_thread(async {
        let server = FaultServer::always(Reply::ok("hello").close_silently());
        let transport = transport();
        for count in 1..=1000 {
            let request = post(&server.url(), "bytes");
            assert_eq!(exchange(&transport, request).await.unwrap(), "hello");
            server.wait_for_connections_closed(); // blocks the only thread
            assert_eq!((server.connections(), server.request_count()), (count, count));
        }
    });
}

#[test]
fn an_idle_connection_expires() {
    run_on_one_thread(async {
        let server = FaultServer::always(Reply::ok("hello"));
        let at_once = ReqwestTransport::builder().keepalive_expiry(Duration::from_nanos(1));
        let never_idle = ReqwestTransport::builder().max_keepalive_connections(0);
        for (transport, connections) in [(at_once.build(), 3), (never_idle.build(), 6)] {
            let transport = transport.unwrap();
            for _ in 0..3 {
                exchange(&transport, get(&server.url())).await.unwrap();
            }
            assert_eq!(server.connections(), connections);
        }
    });
}

#[test]
fn settings_win_over_those_of_the_builder() {
    run_on_one_thread(async {
        let server = FaultServer::always(Reply::ok("hello"));
        let unlimited = || reqwest::Client::builder().pool_max_idle_per_host(10);
        let mut settings = TransportSettings::default();
        settings.max_keepalive_connections = 0;
        let ours = ReqwestTransport::try_from((unlimited(), settings)).unwrap();
        let theirs = ReqwestTransport::try_from(unlimited()).unwrap();
        for (transport, connections) in [(ours, 3), (theirs, 4)] {
            for _ in 0..3 {
                exchange(&transport, get(&server.url())).await.unwrap();
            }
            assert_eq!(server.connections(), connections);
        }
    });
}

#[test]
fn a_transport_outlives_a_runtime() {
    let server = FaultServer::always(Reply::ok("hello"));
    let transport = Arc::new(transport());
    for _ in 0..3 {
        run(async {
            assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hello");
        });
    }
    assert_eq!(server.connections(), 3);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A call on `runtime`, which nobody drives before and after. One that would hang fails instead.
fn call_on(runtime: &tokio::runtime::Runtime, transport: &ReqwestTransport, url: &str) -> String {
    runtime.block_on(async {
        let call = exchange(transport, get(url));
        tokio::time::timeout(Duration::from_secs(10), call).await.expect("it hangs").unwrap()
    })
}

/// A runtime that nobody drives while the call is made would never wake it.
#[test]
fn a_connection_of_another_runtime_is_left_alone() {
    let server = FaultServer::always(Reply::ok("hello"));
    let transport = transport();
    let (first, second) = (runtime(), runtime());
    for (runtime, connections) in [(&first, 1), (&second, 2), (&first, 2), (&second, 2)] {
        assert_eq!(call_on(runtime, &transport, &server.url()), "hello");
        assert_eq!(server.connections(), connections);
    }
}

/// There, reqwest shares connections among runtimes: what the README says of it.
#[test]
fn a_transport_from_a_builder_has_one_pool_for_all_runtimes() {
    let server = FaultServer::always(Reply::ok("hello"));
    let transport = ReqwestTransport::try_from(reqwest::Client::builder()).unwrap();
    let (first, second) = (runtime(), runtime());
    assert_eq!(call_on(&first, &transport, &server.url()), "hello");
    second.block_on(async {
        let mut call = Box::pin(transport.send(get(&server.url())));
        for _ in 0..1000 {
            assert!((&mut call).now_or_never().is_none(), "it has its own connection");
            tokio::task::yield_now().await;
        }
        // Driven, the first one's connection answers.
        let (done, until_done) = tokio::sync::oneshot::channel::<()>();
        let driving = std::thread::spawn(move || first.block_on(until_done));
        assert_eq!(super::support::text(call.await.unwrap()).await.unwrap(), "hello");
        done.send(()).unwrap();
        driving.join().unwrap().unwrap();
    });
    assert_eq!(server.connections(), 1);
}

#[test]
fn closing_ends_the_idle_connections_of_all_runtimes() {
    let server = FaultServer::always(Reply::ok("hello"));
    let transport = transport();
    let (first, second) = (runtime(), runtime());
    for runtime in [&first, &second] {
        assert_eq!(call_on(runtime, &transport, &server.url()), "hello");
    }
    assert_eq!(server.open_connections(), 2);
    second.block_on(transport.close());
    for (runtime, open) in [(&first, 1), (&second, 0)] {
        runtime.block_on(async {
            while server.open_connections() > open {
                tokio::task::yield_now().await;
            }
        });
    }
    assert_eq!(call_on(&first, &transport, &server.url()), "hello");
    assert_eq!(server.connections(), 3);
}
