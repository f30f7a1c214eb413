//! HTTP/2, beyond what every transport must do: how many connections it takes, and who makes them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use midil_http_core::{Body, Protocol, Transport as _, TransportBuilder};
use midil_http_hyper::HyperTransport;
use midil_http_test::fault_server::{Gate, Http2Reply, Http2Server, Script};

use super::support::{exchange, get, post, run, run_on_one_thread, text};

/// The reason of a reset (RFC 9113, section 7).
const CANCEL: u32 = 8;

fn builder() -> TransportBuilder<HyperTransport> {
    HyperTransport::builder().protocol(Protocol::Http2PriorKnowledge)
}

fn transport() -> HyperTransport {
    builder().build().unwrap()
}

/// Who knows beforehand that one connection is enough, makes one.
#[test]
fn many_calls_at_once_make_one_connection() {
    run(async {
        let server = Http2Server::start(Http2Reply::ok("hello"));
        let transport = transport();
        let calls = (0..20).map(|_| exchange(&transport, get(&server.url())));
        for outcome in futures_util::future::join_all(calls).await {
            assert_eq!(outcome.unwrap(), "hello");
        }
        assert_eq!((server.connections(), server.request_count()), (1, 20));
    });
}

#[test]
fn an_idle_connection_expires() {
    run(async {
        let server = Http2Server::start(Http2Reply::ok("hello"));
        let transport = builder().keepalive_expiry(Duration::ZERO).build().unwrap();
        for count in 1..4 {
            assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hello");
            assert_eq!(server.connections(), count);
        }
    });
}

/// It connects for all; whoever holds it may have no time for it.
#[test]
fn a_call_that_is_held_and_not_polled_holds_up_no_other() {
    run(async {
        let gate = Gate::new();
        let server = Http2Server::start(Http2Reply::ok("hi").hold(&gate));
        let transport = transport();
        let calls: Vec<_> = (0..3)
            .map(|_| {
                let mut call = transport.send(get(&server.url()));
                assert!((&mut call).now_or_never().is_none());
                call
            })
            .collect();
        gate.open();
        let other = exchange(&transport, get(&server.url()));
        let other = tokio::time::timeout(Duration::from_secs(5), other).await;
        assert_eq!(other.expect("it waits for the others").unwrap(), "hi");
        for call in calls {
            assert_eq!(text(call.await.unwrap()).await.unwrap(), "hi");
        }
    });
}

/// They find out one after the other that one connection is enough.
#[cfg(feature = "rustls")]
#[test]
fn many_calls_at_once_agree_on_http2() {
    use midil_http_test::fault_server::Tls;

    run(async {
        let tls = Tls::good();
        let server = Http2Server::start_tls(Http2Reply::ok("hello"), &tls);
        let builder = HyperTransport::builder().root_certificate(tls.root_certificate_pem());
        let transport = builder.build().unwrap();
        let calls = (0..20).map(|_| exchange(&transport, get(&server.url())));
        for outcome in futures_util::future::join_all(calls).await {
            assert_eq!(outcome.unwrap(), "hello");
        }
        assert_eq!(server.request_count(), 20);
    });
}

/// A proxy speaks HTTP/1.1 to us, whatever the server is known to speak.
#[test]
fn prior_knowledge_goes_through_a_tunnel() {
    use midil_http_core::Proxy;
    use midil_http_test::fault_server::{ProxyScript, ProxyServer};

    run(async {
        let server = Http2Server::start(Http2Reply::ok("hello"));
        let proxy = ProxyServer::start(ProxyScript::new());
        let transport = builder().proxy(Proxy::try_new(&proxy.url()).unwrap()).build().unwrap();
        for _ in 0..2 {
            assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hello");
        }
        let asked = &proxy.requests()[0];
        assert_eq!((asked.method(), asked.target()), ("CONNECT", &*server.address().to_string()));
        assert_eq!((server.connections(), server.request_count()), (1, 2));
    });
}

/// As a server behind a load balancer that has forgotten the flow: nothing comes any more, not even an end.
fn silent_after_the_first_answer() -> Http2Server {
    let answered = AtomicBool::new(false);
    Http2Server::start(Script::respond_with(move |request| {
        if request.connection() > 0 || !answered.swap(true, Ordering::SeqCst) {
            Http2Reply::ok("hello")
        } else {
            Http2Reply::stall()
        }
    }))
}

#[test]
fn a_retry_does_not_go_over_a_connection_that_has_fallen_silent() {
    use midil_http_core::{Attempt, HttpClient, Outcome, RetryDecision};
    use midil_http_test::ManualRuntime;

    run(async {
        let server = silent_after_the_first_answer();
        let time = ManualRuntime::new();
        let again = |attempt: &Attempt<'_>| match attempt.outcome {
            Outcome::Error(error) if error.is_timeout() && attempt.number == 1 => {
                RetryDecision::Retry { after: Duration::ZERO }
            }
            _ => RetryDecision::Accept,
        };
        let http = HttpClient::builder(transport())
            .base_url(server.url())
            .retry(again)
            .runtime(time.clone());
        let http = http.build().unwrap();
        assert_eq!(http.get("/").send().await.unwrap().text().await.unwrap(), "hello");
        let call = tokio::spawn(async move { http.get("/").send().await?.text().await });
        server.wait_for_requests(2);
        time.advance(Duration::from_secs(30));
        assert_eq!(call.await.unwrap().unwrap(), "hello");
        assert_eq!((server.connections(), server.request_count()), (2, 3));
    });
}

/// Whoever loses interest says nothing of a connection over which others are answered.
#[test]
fn a_connection_over_which_a_head_came_meanwhile_is_kept() {
    run(async {
        let server = Http2Server::start([
            Http2Reply::ok("hello"),
            Http2Reply::stall(),
            Http2Reply::ok("hello"),
            Http2Reply::ok("hello"),
        ]);
        let transport = transport();
        assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hello");
        let mut stalled = transport.send(get(&server.url()));
        assert!((&mut stalled).now_or_never().is_none());
        server.wait_for_requests(2);
        assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hello");
        drop(stalled);
        server.wait_for_reset(CANCEL);
        assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hello");
        assert_eq!(server.connections(), 1);
    });
}

/// What goes on over it is nobody else's loss.
#[test]
fn the_streams_of_a_connection_that_is_given_up_go_on() {
    run(async {
        let gate = Gate::new();
        let server = Http2Server::start([
            Http2Reply::ok("hello").hold_body_after(2, &gate),
            Http2Reply::stall(),
            Http2Reply::ok("hello"),
        ]);
        let transport = transport();
        let response = transport.send(get(&server.url())).await.unwrap();
        let mut stalled = transport.send(get(&server.url()));
        assert!((&mut stalled).now_or_never().is_none());
        server.wait_for_requests(2);
        drop(stalled);
        assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hello");
        assert_eq!(server.connections(), 2);
        gate.open();
        assert_eq!(text(response).await.unwrap(), "hello");
        drop(transport);
        server.wait_for_connections_closed();
    });
}

/// A runtime stops being driven while it connects, and with it the task that the others of that runtime wait for.
#[cfg(feature = "rustls")]
#[test]
fn a_runtime_that_nobody_drives_holds_up_no_other() {
    use midil_http_test::fault_server::{OnConnect, Tls};

    let tls = Tls::good();
    let fates = [OnConnect::Serve, OnConnect::Stall, OnConnect::Serve];
    let script = Script::always(Http2Reply::ok("hello")).on_connect(fates);
    let server = Http2Server::start_tls(script, &tls);
    let builder = builder().keepalive_expiry(Duration::ZERO);
    let transport = builder.root_certificate(tls.root_certificate_pem()).build().unwrap();
    let [first, second] = [(), ()]
        .map(|()| tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
    // Now it is known that one connection does for all, and it has expired.
    first.block_on(async {
        assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hello");
    });
    let mut connecting = transport.send(get(&server.url()));
    first.block_on(async {
        assert!((&mut connecting).now_or_never().is_none());
        while server.connections() < 2 {
            tokio::task::yield_now().await;
        }
    });
    drop(connecting);
    let call = async {
        let call = exchange(&transport, get(&server.url()));
        tokio::time::timeout(Duration::from_secs(5), call).await
    };
    let answer = second.block_on(call).expect("it waits for a runtime that nobody drives");
    assert_eq!(answer.unwrap(), "hello");
}

/// A stream without an end; and what tells that it is let go of.
fn endless() -> (Body, tokio::sync::oneshot::Receiver<()>) {
    let (alive, gone) = tokio::sync::oneshot::channel::<()>();
    let pieces = futures_util::stream::repeat_with(move || {
        let _ = &alive;
        Ok::<_, std::io::Error>(vec![b'x'; 16 * 1024])
    });
    (Body::stream(pieces), gone)
}

/// A stream that has a first piece, and the next one never.
fn waiting() -> (Body, tokio::sync::oneshot::Receiver<()>) {
    use futures_util::StreamExt as _;

    let (alive, gone) = tokio::sync::oneshot::channel::<()>();
    let first = futures_util::stream::iter([Ok::<_, std::io::Error>("x")]);
    let pieces = first.chain(futures_util::stream::poll_fn(move |_| {
        let _ = &alive;
        std::task::Poll::Pending
    }));
    (Body::stream(pieces), gone)
}

#[test]
fn an_upload_ends_with_the_response_that_is_dropped() {
    run(async {
        for (body, gone) in [endless(), waiting()] {
            let server = Http2Server::start(Http2Reply::ok("early").before_body()).body_limit(0);
            let transport = transport();
            let mut response = transport.send(post(&server.url(), body)).await.unwrap();
            assert_eq!(response.body_mut().chunk().await.unwrap().unwrap(), "early");
            drop(response);
            server.wait_for_reset(CANCEL);
            assert!(gone.await.is_err(), "its stream is let go of");
            assert_eq!(server.connections(), 1);
        }
    });
}

/// A server that has had enough says so, whether or not it has more to say, and wants no more.
#[test]
fn an_upload_ends_with_the_response_of_a_server_that_is_not_content() {
    run(async {
        for answer in ["too large", ""] {
            for (body, gone) in [endless(), waiting()] {
                let reply = Http2Reply::status(413).body(answer).before_body();
                let server = Http2Server::start(reply).body_limit(0);
                let transport = transport();
                let mut response = transport.send(post(&server.url(), body)).await.unwrap();
                while response.body_mut().chunk().await.unwrap().is_some() {}
                server.wait_for_reset(CANCEL);
                assert!(gone.await.is_err(), "its stream is let go of");
                assert!(format!("{transport:?}").contains("free_connections: 100"));
            }
        }
    });
}

/// A server that is content wants to have it all: the response has not ended before the upload.
#[test]
fn an_upload_goes_on_after_an_early_success() {
    run(async {
        for answer in ["early", ""] {
            let server = Http2Server::start(Http2Reply::ok(answer).before_body());
            let transport = HyperTransport::builder().max_connections(1);
            let transport = transport.protocol(Protocol::Http2PriorKnowledge).build().unwrap();
            let pieces = futures_util::stream::iter(
                (0..64).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 64 * 1024])),
            );
            let response = transport.send(post(&server.url(), Body::stream(pieces))).await.unwrap();
            assert!(format!("{transport:?}").contains("free_connections: 0"));
            assert_eq!(text(response).await.unwrap(), answer);
            server.wait_until(|seen| seen.requests().all(|seen| seen.body_complete()));
            assert_eq!(server.body_bytes_received(), 64 * 64 * 1024);
            assert!(server.resets().is_empty());
            assert!(format!("{transport:?}").contains("free_connections: 1"));
        }
    });
}

/// RFC 9113, section 8.1: `NO_ERROR` tells the client to stop, and to keep the response.
#[test]
fn an_upload_that_a_content_server_breaks_off_ends_the_response() {
    run(async {
        for answer in ["early", ""] {
            let server = Http2Server::start(Http2Reply::ok(answer).reset_upload());
            let transport = transport();
            let (body, gone) = waiting();
            let response = transport.send(post(&server.url(), body)).await.unwrap();
            assert_eq!(text(response).await.unwrap(), answer);
            assert!(gone.await.is_err(), "its stream is let go of");
            assert!(format!("{transport:?}").contains("free_connections: 100"));
        }
    });
}

/// A call that is dropped just when its head has come is one whose response nobody has.
#[test]
fn an_upload_ends_with_a_call_that_is_dropped_at_its_head() {
    run_on_one_thread(async {
        let server = Http2Server::start(Http2Reply::ok("early").before_body()).body_limit(0);
        let transport = transport();
        let (body, gone) = waiting();
        let mut sending = transport.send(post(&server.url(), body));
        while server.request_count() == 0 {
            assert!((&mut sending).now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        // hyper has the head, before anybody asks for it.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        drop(sending);
        let released = tokio::time::timeout(Duration::from_secs(5), gone).await;
        assert!(released.expect("the upload goes on").is_err());
        while server.resets().is_empty() {
            tokio::task::yield_now().await;
        }
    });
}

/// RFC 9113, section 8.3.1: a request has the one or the other, and `:authority` it is.
#[test]
fn the_host_of_the_caller_is_the_authority() {
    run(async {
        let server = Http2Server::start(Http2Reply::ok("hello"));
        let transport = transport();
        for host in ["api.example.com", "api.example.com:8443", "[::1]:80"] {
            let mut request = get(&server.url());
            request.headers_mut().insert("host", host.parse().unwrap());
            exchange(&transport, request).await.unwrap();
            let received = server.requests().pop().unwrap();
            assert_eq!(received.header(":authority"), Some(host));
            assert_eq!(received.headers_named("host").count(), 0);
        }
        for host in ["", "user@api.example.com", "api example", "api.example.com/path"] {
            let mut request = get(&server.url());
            request.headers_mut().insert("host", host.parse().unwrap());
            let error = exchange(&transport, request).await.unwrap_err();
            assert!(error.to_string().starts_with("Host"), "{error}");
        }
        assert_eq!(server.request_count(), 3);
    });
}

/// A server of HTTP/2 need not wait for the client, and its first word may come together with the proxy's.
#[test]
fn a_server_may_speak_first_through_a_tunnel() {
    use std::io::{Read as _, Write as _};

    use midil_http_core::Proxy;

    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    /// Status 204, and the end of the first stream.
    const ANSWER: [u8; 10] = [0, 0, 1, 1, 5, 0, 0, 0, 1, 0x89];
    run(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = format!("http://{}/", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut socket, mut head) = (listener.accept().unwrap().0, Vec::new());
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                socket.read_exact(&mut byte).unwrap();
                head.extend(byte);
            }
            let answer = [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &SETTINGS].concat();
            socket.write_all(&answer).unwrap();
            socket.read_exact(&mut [0; b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len()]).unwrap();
            let mut frame = [0; 9];
            while frame[3] != 1 {
                socket.read_exact(&mut frame).unwrap();
                let length = usize::from(frame[1]) << 8 | usize::from(frame[2]);
                socket.read_exact(&mut vec![0; length]).unwrap();
            }
            socket.write_all(&ANSWER).unwrap();
            socket
        });
        let transport = builder().proxy(Proxy::try_new(&proxy).unwrap()).build().unwrap();
        let response = transport.send(get("http://service.test/")).await.unwrap();
        assert_eq!(response.status(), 204);
        drop(server.join().unwrap());
    });
}
