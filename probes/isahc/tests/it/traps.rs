//! Traps of curl: which were met, and what helps.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use futures_util::{FutureExt as _, stream};
use midil_http_core::{Body, Error, HttpClient, Phase, Request, Transport};
use midil_http_test::fault_server::{FaultServer, Gate, Reply};
use midil_isahc_probe::IsahcTransport;

use super::support::{Sending, outcome, run};

fn transport() -> IsahcTransport {
    IsahcTransport::try_new().expect("isahc")
}

/// The first call leaves a connection, which dies when the second has come in over it.
async fn over_a_dying_connection(transport: &IsahcTransport, sending: Sending) -> (String, usize) {
    let server =
        FaultServer::sequence([Reply::ok("first"), Reply::close_before_head(), Reply::ok("again")]);
    outcome(transport, sending.request(&server.url())).await;
    let second = outcome(transport, sending.request(&server.url())).await;
    (second, server.request_count())
}

/// What is idempotent may be sent twice, and is.
#[test]
fn curl_sends_again_over_a_connection_that_died() {
    run(async {
        let two_handles = over_a_dying_connection(&transport(), Sending::Get).await;
        assert_eq!(two_handles, ("200 again".to_owned(), 3));
    });
}

/// With one handle the server sees a POST twice, or the call fails with curl's own error 65.
#[test]
fn a_second_handle_keeps_curl_from_sending_a_post_twice() {
    run(async {
        let one = transport().with_one_handle();
        let bytes = over_a_dying_connection(&one, Sending::PostBytes).await;
        assert_eq!(bytes, ("200 again".to_owned(), 3));
        let stream = over_a_dying_connection(&one, Sending::PostStream).await;
        assert_eq!(stream, ("head: Other, Maybe".to_owned(), 2));

        for sending in [Sending::PostBytes, Sending::PostStream] {
            let two = over_a_dying_connection(&transport(), sending).await;
            assert_eq!(two, ("head: Closed, Maybe".to_owned(), 2), "{sending:?}");
        }
    });
}

/// What that costs: a connection per POST.
#[test]
fn a_second_handle_costs_a_connection_per_post() {
    run(async {
        let transport = transport();
        for (sending, connections) in [(Sending::Get, 1), (Sending::PostBytes, 5)] {
            let server = FaultServer::always(Reply::ok("hello"));
            for _ in 0..5 {
                assert_eq!(outcome(&transport, sending.request(&server.url())).await, "200 hello");
            }
            assert_eq!(server.connections(), connections, "{sending:?}");
        }
    });
}

#[test]
fn the_head_comes_with_the_first_byte_of_the_body() {
    run(async {
        let (transport, gate) = (transport(), Gate::new());
        let server = FaultServer::always(Reply::ok("late").hold_body(&gate));
        let mut sending = transport.send(Sending::Get.request(&server.url()));
        let waits = tokio::time::timeout(Duration::from_millis(50), &mut sending).await;
        assert!(waits.is_err(), "the head is there");
        gate.open();
        let body = sending.await.expect("a response").into_body();
        assert_eq!(body.collect(10).await.expect("a body"), "late");
    });
}

#[test]
fn there_is_no_expect() {
    run(async {
        let server = FaultServer::always(Reply::ok(""));
        let large = Body::stream(stream::iter([Ok::<_, std::io::Error>(vec![b'x'; 2 << 20])]));
        let mut request = Sending::Get.request(&server.url()).with_body(large);
        request.head_mut().method = http::Method::POST;
        assert_eq!(outcome(&transport(), request).await, "200");
        let received = &server.requests()[0];
        assert_eq!((received.header("expect"), received.body_bytes_received()), (None, 2 << 20));
    });
}

#[test]
fn a_failing_upload_is_the_callers_error() {
    run(async {
        let server = FaultServer::always(Reply::ok(""));
        let failing = [Ok("first"), Err(std::io::Error::other("the sensor was unplugged"))];
        let mut request =
            Sending::Get.request(&server.url()).with_body(Body::stream(stream::iter(failing)));
        request.head_mut().method = http::Method::POST;
        let error = transport().send(request).await.expect_err("a failure");
        assert!(matches!(error, Error::Body(_)), "{error:?}");
    });
}

/// isahc looks whether somebody still waits only when curl has something to say.
#[test]
fn a_dropped_future_is_broken_off_when_the_server_speaks() {
    run(async {
        let gate = Gate::new();
        let server = FaultServer::always(Reply::ok("hello").hold(&gate));
        let transport = transport();
        let mut sending = transport.send(Sending::Get.request(&server.url()));
        poll_fn(|cx| match sending.poll_unpin(cx) {
            Poll::Ready(_) => panic!("a held reply was sent"),
            Poll::Pending if server.request_count() == 1 => Poll::Ready(()),
            Poll::Pending => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        })
        .await;
        drop(sending);
        assert_eq!(server.open_connections(), 1);
        gate.open();
        server.wait_for_connections_closed();
    });
}

#[test]
fn dropping_the_body_closes_the_connection() {
    run(async {
        let server = FaultServer::always(Reply::ok("hello").stall_body_after(2));
        let mut body = transport()
            .send(Sending::Get.request(&server.url()))
            .await
            .expect("a head")
            .into_body();
        assert_eq!(body.chunk().await.expect("a chunk").expect("data"), "he");
        drop(body);
        server.wait_for_connections_closed();
    });
}

/// Neither core's timeouts and redirects nor curl need tokio.
#[test]
fn a_client_without_tokio() {
    let server = FaultServer::sequence([
        Reply::status(302).header("location", "/there"),
        Reply::ok("hello").header("content-type", "text/plain"),
        Reply::ok("hello").stall_body_after(2),
    ]);
    let client = HttpClient::builder(transport())
        .base_url(server.url())
        .timeout(Duration::from_millis(100))
        .build()
        .expect("a client");
    let call = async {
        let greeting = client.get("/here").send().await?.text().await?;
        assert_eq!(greeting, "hello");
        client.get("/stall").send().await?.text().await
    };
    let error = futures_executor::block_on(call).expect_err("a stall");
    assert!(
        matches!(&error, Error::Timeout(timeout) if timeout.phase() == Phase::Body),
        "{error:?}"
    );
    assert_eq!(server.requests()[1].target(), "/there");
}

/// None of isahc's errors shows a secret.
#[test]
fn errors_show_no_secret() {
    run(async {
        let refusing = FaultServer::refusing();
        let server = FaultServer::always(Reply::close_before_head());
        for base in [refusing.url(), server.url()] {
            let request = Request::get(&format!("{base}/path?token=hunter2")).expect("a URL");
            let error = transport().send(request).await.expect_err("a failure");
            let mut text = format!("{error} {error:?}");
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                text.push_str(&format!(" {error} {error:?}"));
                cause = error.source();
            }
            assert!(!text.contains("hunter2"), "{text}");
        }
    });
}
