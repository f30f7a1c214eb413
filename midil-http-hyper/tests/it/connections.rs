//! How many connections there are, and how often they are used.

use std::future::Future as _;
use std::sync::Arc;
use std::time::Duration;

use midil_http_core::{Body, Transport};
use midil_http_hyper::HyperTransport;
use midil_http_test::fault_server::{Cut, FaultServer, Gate, Reply};

use super::support::{exchange, get, post, run, run_on_one_thread, transport};

#[test]
fn a_thousand_calls_in_a_row_need_one_connection() {
    run(async {
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
        let transport = HyperTransport::builder().max_connections(LIMIT).build().unwrap();
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

/// A place is taken until the body has ended or is dropped, not only until the head is there.
#[test]
fn a_body_holds_its_place() {
    run(async {
        let gate = Gate::new();
        let held = Reply::ok("hello").hold_body_after(2, &gate);
        let stalled = Reply::ok("hello").stall_body_after(2);
        let server = FaultServer::start([held, Reply::ok("next"), stalled, Reply::ok("last")]);
        let transport = HyperTransport::builder().max_connections(1).build().unwrap();
        let free =
            |transport: &HyperTransport| format!("{transport:?}").contains("free_connections: 1");

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

#[test]
fn a_failed_exchange_gives_its_place_back() {
    run(async {
        let server = FaultServer::start([
            Reply::close_before_head(),
            Reply::ok("hello").content_length(100),
            Reply::ok("hello"),
        ]);
        let transport = HyperTransport::builder().max_connections(1).build().unwrap();
        exchange(&transport, get(&server.url())).await.unwrap_err();
        exchange(&transport, get(&server.url())).await.unwrap_err();
        assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hello");
    });
}

#[test]
fn an_idle_connection_expires() {
    run_on_one_thread(async {
        let server = FaultServer::always(Reply::ok("hello"));
        let at_once = HyperTransport::builder().keepalive_expiry(Duration::from_nanos(1));
        let never_idle = HyperTransport::builder().max_keepalive_connections(0);
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

/// A runtime that nobody drives while the call is made would never wake it.
#[test]
fn a_connection_of_another_runtime_is_left_alone() {
    let server = FaultServer::always(Reply::ok("hello"));
    let transport = transport();
    let [first, second] = [(), ()]
        .map(|()| tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
    for (runtime, connections) in [(&first, 1), (&second, 2), (&first, 2), (&second, 2)] {
        runtime.block_on(async {
            assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hello");
        });
        assert_eq!(server.connections(), connections);
    }
}

fn current_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Nobody else has the use of what it keeps.
#[test]
fn a_connection_of_another_runtime_takes_no_place_from_ours() {
    let server = FaultServer::always(Reply::ok("hello"));
    let transport = HyperTransport::builder().max_keepalive_connections(1).build().unwrap();
    let [first, second] = [current_thread(), current_thread()];
    for (runtime, connections) in [(&first, 1), (&second, 2), (&second, 2)] {
        runtime.block_on(async {
            assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hello");
        });
        assert_eq!(server.connections(), connections);
    }
}

/// The task that looks after the connections is of a runtime that nobody drives: another one takes over.
#[test]
fn a_connection_of_a_runtime_that_nobody_drives_expires() {
    let (server, other) =
        (FaultServer::always(Reply::ok("hello")), FaultServer::always(Reply::ok("hello")));
    let builder = HyperTransport::builder().keepalive_expiry(Duration::from_nanos(1));
    let transport = builder.build().unwrap();
    let [first, second] = [current_thread(), current_thread()];
    first.block_on(async {
        assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hello");
    });
    second.block_on(async {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(60)).await;
        tokio::time::resume();
        assert_eq!(exchange(&transport, get(&other.url())).await.unwrap(), "hello");
        let closed = async {
            while server.open_connections() > 0 {
                tokio::task::yield_now().await;
            }
        };
        let closed = tokio::time::timeout(Duration::from_secs(10), closed).await;
        closed.expect("it is kept for as long as its runtime");
    });
}

fn pieces() -> Body {
    Body::stream(futures_util::stream::iter(["a", "b"].map(Ok::<_, std::io::Error>)))
}

/// The server says keep-alive, and closes later. tokio's driver has no turn in between, so nobody but the system knows.
#[test]
fn a_connection_that_the_server_has_closed_costs_nothing() {
    use std::io::{Read as _, Write as _};

    run_on_one_thread(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (close, closing) = std::sync::mpsc::channel();
        let (closed, is_closed) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let (mut socket, mut request) = (socket.unwrap(), Vec::new());
                while !(request.ends_with(b"bytes") || request.ends_with(b"\r\n0\r\n\r\n")) {
                    let mut byte = [0];
                    socket.read_exact(&mut byte).unwrap();
                    request.extend(byte);
                }
                socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").unwrap();
                let Ok(()) = closing.recv() else { return };
                drop(socket);
                closed.send(()).unwrap();
            }
        });
        let transport = transport();
        for count in 0..10 {
            let request = if count % 2 == 0 { post(&url, "bytes") } else { post(&url, pieces()) };
            assert_eq!(exchange(&transport, request).await.unwrap(), "hello");
            close.send(()).unwrap();
            is_closed.recv().unwrap();
        }
    });
}

/// Many threads, and a server that closes after each answer: hyper-util would lose one call in some ten thousand.
#[test]
fn no_call_is_lost_when_connections_end() {
    run(async {
        let server = FaultServer::always(Reply::ok("hello").close_silently()).keep_requests(0);
        let server = Arc::new(server);
        let transport = transport();
        let callers = (0..8).map(|_| {
            let (transport, server) = (transport.clone(), Arc::clone(&server));
            tokio::spawn(async move {
                for _ in 0..100 {
                    // It may have been sent when the server closed: an error, but never silence.
                    let _ = exchange(&transport, post(&server.url(), "bytes")).await;
                }
            })
        });
        futures_util::future::join_all(callers).await;
        assert!(server.request_count() <= 800, "a request was sent twice");
    });
}

#[test]
fn an_idle_connection_is_closed_when_it_expires() {
    run(async {
        let server = FaultServer::always(Reply::ok("hello"));
        let transport =
            HyperTransport::builder().keepalive_expiry(Duration::from_millis(1)).build().unwrap();
        exchange(&transport, get(&server.url())).await.unwrap();
        server.wait_for_connections_closed();
        drop(transport);
    });
}

/// The server has closed its half, and waits for ours.
#[test]
fn an_idle_connection_that_the_server_has_closed_is_closed() {
    run(async {
        let server = FaultServer::always(Reply::ok("hello").close());
        let keeping = FaultServer::always(Reply::ok("hello"));
        let transport = transport();
        exchange(&transport, get(&keeping.url())).await.unwrap();
        exchange(&transport, get(&server.url())).await.unwrap();
        server.wait_for_connections_closed();
        assert_eq!(keeping.connections(), 1);
    });
}

#[test]
fn a_transport_that_is_dropped_closes_its_connections() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = FaultServer::always(Reply::ok("hello"));
        let transport = transport();
        exchange(&transport, get(&server.url())).await.unwrap();
        drop(transport);
        server.wait_for_connections_closed();
        tokio::task::yield_now().await;
        assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
    });
}

#[test]
fn connections_are_made_from_the_local_address() {
    run(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let address = std::net::IpAddr::from([127, 0, 0, 2]);
        let transport = HyperTransport::builder().local_address(address).build().unwrap();
        let sending = transport.send(get(&url));
        let accepted = async { listener.accept().await.unwrap().1 };
        tokio::select! {
            _ = sending => panic!("nobody answers"),
            peer = accepted => assert_eq!(peer.ip(), address),
        }
    });
}

/// It has ended, whether it is read or not: the server is done with it.
#[test]
fn a_body_that_came_with_the_head_holds_no_place() {
    run(async {
        let server = FaultServer::always(Reply::ok("hello"));
        let transport = HyperTransport::builder().max_connections(1).build().unwrap();
        let first = transport.send(get(&server.url())).await.unwrap();
        let first_is_whole = first.body().as_bytes().is_some();
        if first_is_whole {
            assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hello");
            assert_eq!(server.connections(), 1);
        }
        assert_eq!(super::support::text(first).await.unwrap(), "hello");
    });
}

/// tokio lets a task do no more than so much in one go. Whoever is cut short must be woken again, wherever that happens.
#[test]
fn a_task_that_has_done_its_share_is_woken_again() {
    const SHARE: usize = 128;
    run_on_one_thread(async {
        for left in 1..12 {
            // Head and a piece of the body come together; the piece is in the way of more.
            let reply = Reply::ok("hello").stall_body_after(2);
            let server = FaultServer::always(reply);
            let transport = transport();
            let mut sending = transport.send(get(&server.url()));
            let head = std::future::poll_fn(|cx| {
                for _ in left..SHARE {
                    let _ = std::pin::pin!(tokio::task::coop::consume_budget()).poll(cx);
                }
                sending.as_mut().poll(cx)
            });
            let status = tokio::select! {
                biased;
                () = tokio::time::sleep(Duration::from_secs(5)) => panic!("nobody woke it, {left} left"),
                head = head => head.unwrap().status(),
            };
            assert_eq!(status, 200);
        }
    });
}

#[test]
fn an_ipv6_address_is_a_host() {
    run(async {
        // Not every machine has one.
        let Ok(listener) = tokio::net::TcpListener::bind("[::1]:0").await else { return };
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let transport = transport();
        let sending = transport.send(get(&url));
        tokio::select! {
            _ = sending => panic!("nobody answers"),
            accepted = listener.accept() => assert!(accepted.unwrap().1.is_ipv6()),
        }
    });
}

#[test]
fn settings_are_checked_and_extremes_do_not_panic() {
    run(async {
        let server = FaultServer::always(Reply::ok("hello"));
        for most in [Duration::MAX, Duration::from_nanos(1)] {
            let transport = HyperTransport::builder()
                .max_connections(usize::MAX)
                .max_keepalive_connections(usize::MAX)
                .keepalive_expiry(most)
                .tcp_keepalive(most)
                .connect_timeout(Duration::MAX)
                .build()
                .unwrap();
            for _ in 0..2 {
                assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hello");
            }
        }
    });
    for (builder, setting) in [
        (HyperTransport::builder().max_connections(0), "max_connections"),
        (HyperTransport::builder().connect_timeout(Duration::ZERO), "connect_timeout"),
        (HyperTransport::builder().tcp_keepalive(Duration::ZERO), "tcp_keepalive"),
    ] {
        let error = builder.build().unwrap_err();
        assert!(error.to_string().starts_with(setting), "{error}");
    }
}

/// Whatever happens: when the calls are over, so is all that they began.
#[test]
fn faulty_calls_leave_nothing_behind() {
    run(async {
        let faults = [
            Reply::close_before_head(),
            Reply::reset_before_head(),
            Reply::garbage(),
            Reply::ok("hello").content_length(100),
            Reply::ok("hello").close_silently(),
            Reply::ok("").chunked(["one", "two"]).cut_body_after(4, Cut::Reset),
            Reply::ok("hello"),
        ];
        let server =
            FaultServer::start(faults.iter().cycle().take(2000).cloned().collect::<Vec<_>>());
        let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let before = tasks();
        let transport = transport();
        for count in 0..2000 {
            let request =
                if count % 2 == 0 { get(&server.url()) } else { post(&server.url(), pieces()) };
            let _ = exchange(&transport, request).await;
        }
        drop(transport);
        server.wait_for_connections_closed();
        assert!(server.request_count() <= 2000);
        while tasks() > before {
            tokio::task::yield_now().await;
        }
    });
}

/// The task that looks after idle connections has had its look at it, long before the server closes.
#[test]
fn a_connection_that_was_idle_for_long_is_looked_at_too() {
    use std::io::{Read as _, Write as _};

    run_on_one_thread(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (close, closing) = std::sync::mpsc::channel();
        let (closed, is_closed) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let (mut socket, mut request) = (socket.unwrap(), Vec::new());
                while !request.ends_with(b"bytes") {
                    let mut byte = [0];
                    socket.read_exact(&mut byte).unwrap();
                    request.extend(byte);
                }
                socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").unwrap();
                let Ok(()) = closing.recv() else { return };
                drop(socket);
                closed.send(()).unwrap();
            }
        });
        let transport = transport();
        for _ in 0..10 {
            assert_eq!(exchange(&transport, post(&url, "bytes")).await.unwrap(), "hello");
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(2)).await;
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            tokio::time::resume();
            close.send(()).unwrap();
            is_closed.recv().unwrap();
        }
    });
}
