//! What is dropped is broken off, and frees its place.

use futures_util::FutureExt as _;
use midil_http_core::{Body, Transport};
use midil_http_hyper::HyperTransport;
use midil_http_test::fault_server::{FaultServer, Gate, Reply};

use super::support::{exchange, get, post, run};

fn one_at_a_time() -> HyperTransport {
    HyperTransport::builder().max_connections(1).build().unwrap()
}

#[test]
fn dropping_the_future_closes_the_connection() {
    run(async {
        let server = FaultServer::start([Reply::stall(), Reply::ok("hello")]);
        let transport = one_at_a_time();
        let mut sending = transport.send(get(&server.url()));
        // Polled until the server has the request.
        std::future::poll_fn(|cx| {
            assert!(sending.poll_unpin(cx).is_pending());
            match server.request_count() {
                0 => {
                    cx.waker().wake_by_ref();
                    std::task::Poll::Pending
                }
                _ => std::task::Poll::Ready(()),
            }
        })
        .await;
        drop(sending);
        server.wait_for_connections_closed();
        assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hello");
    });
}

#[test]
fn dropping_the_body_closes_the_connection() {
    run(async {
        let server = FaultServer::start([Reply::ok("hello").stall_body_after(2), Reply::ok("hi")]);
        let transport = one_at_a_time();
        let mut body = transport.send(get(&server.url())).await.unwrap().into_body();
        assert_eq!(body.chunk().await.unwrap().unwrap(), "he");
        drop(body);
        server.wait_for_connections_closed();
        assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hi");
    });
}

#[test]
fn dropping_an_upload_closes_the_connection() {
    run(async {
        let server = FaultServer::always(Reply::ok("hi"));
        let transport = one_at_a_time();
        let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>("more"));
        let sending = transport.send(post(&server.url(), Body::stream(endless)));
        let seen = async {
            while server.body_bytes_received() == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = sending => panic!("an endless upload ended"),
            () = seen => {}
        }
        server.wait_for_connections_closed();
        assert!(!server.requests()[0].body_complete());
    });
}

#[test]
fn who_waits_for_a_place_can_leave() {
    run(async {
        let gate = Gate::new();
        let server = FaultServer::always(Reply::ok("hello").hold(&gate));
        let transport = one_at_a_time();
        let first = tokio::spawn({
            let (transport, request) = (transport.clone(), get(&server.url()));
            async move { exchange(&transport, request).await }
        });
        server.wait_for_requests(1);
        let mut waiting = transport.send(get(&server.url()));
        assert!((&mut waiting).now_or_never().is_none());
        drop(waiting);
        gate.open();
        first.await.unwrap().unwrap();
        assert_eq!(exchange(&transport, get(&server.url())).await.unwrap(), "hello");
        assert_eq!(server.request_count(), 2);
    });
}

/// A body that was never polled can be sent again.
#[test]
fn a_body_is_not_touched_before_there_is_a_connection() {
    run(async {
        let untouched = || {
            let stream = futures_util::stream::poll_fn(
                |_| -> std::task::Poll<Option<Result<&str, std::io::Error>>> {
                    panic!("the body was polled")
                },
            );
            Body::stream(stream)
        };
        let port = FaultServer::refusing();
        one_at_a_time().send(post(&port.url(), untouched())).await.unwrap_err();

        #[cfg(feature = "rustls")]
        {
            use midil_http_test::fault_server::{OnConnect, Script};

            let script = Script::always(Reply::ok("")).on_connect([OnConnect::Close]);
            let server = FaultServer::start(script);
            let url = server.url().replace("http:", "https:");
            one_at_a_time().send(post(&url, untouched())).await.unwrap_err();
            assert_eq!(server.connections(), 1);
        }
    });
}
