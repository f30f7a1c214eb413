//! Each trap of curl and isahc that is known, and what was made of it.

use std::future::poll_fn;
use std::task::Poll;

use futures_util::{FutureExt as _, future};
use http::Method;
use midil_http_core::{Body, Request, Transport};
use midil_http_isahc::IsahcTransport;
use midil_http_test::fault_server::{Cut, FaultServer, Gate, Reply};

use super::support::{get, outcome, pieces, post, request, run, transport};

/// The first call leaves a connection, which dies when the second has come in over it.
async fn over_a_dying_connection(
    transport: &IsahcTransport,
    sending: impl Fn(&str) -> Request,
) -> (String, usize) {
    let server =
        FaultServer::sequence([Reply::ok("first"), Reply::close_before_head(), Reply::ok("again")]);
    outcome(transport, sending(&server.url())).await;
    let second = outcome(transport, sending(&server.url())).await;
    (second, server.request_count())
}

/// What is idempotent may be sent twice, and is, where it can be: not a stream.
#[test]
fn a_request_that_is_idempotent_is_sent_again_over_a_connection_that_died() {
    run(async {
        let transport = transport();
        let again = ("200 again".to_owned(), 3);
        assert_eq!(over_a_dying_connection(&transport, get).await, again);
        let put = |url: &str| request(Method::PUT, url, "upload");
        assert_eq!(over_a_dying_connection(&transport, put).await, again);
        let put = |url: &str| request(Method::PUT, url, pieces());
        let once = ("head: Closed, Maybe".to_owned(), 2);
        assert_eq!(over_a_dying_connection(&transport, put).await, once);
    });
}

/// Once for each kept connection that dies, up to five times: a server that is going down sees it six times.
#[test]
fn it_is_sent_again_up_to_five_times_when_several_connections_died() {
    const KEPT: usize = 8;
    run(async {
        let (transport, gate) = (transport(), Gate::new());
        let held = std::iter::repeat_n(Reply::ok("first").hold(&gate), KEPT);
        let server = FaultServer::sequence(held.chain([Reply::close_before_head()]));
        let calls = (0..KEPT).map(|_| outcome(&transport, get(&server.url())));
        // Polled after the calls, which go on by themselves then.
        let opens = async {
            server.wait_for_requests(KEPT);
            gate.open();
        };
        future::join(future::join_all(calls), opens).await;
        assert_eq!(outcome(&transport, get(&server.url())).await, "head: Reset, Maybe");
        assert_eq!(server.request_count(), KEPT + 6);
    });
}

/// curl reads a body to its length, and looks once a second at most whether a connection has more to say: within that second, what
/// came behind the response is taken for the next one. On a machine that is busy for longer, it is not.
#[test]
fn what_a_server_sends_behind_a_response_may_pass_for_the_next_one() {
    run(async {
        let (transport, gate) = (transport(), Gate::new());
        let surplus = "helloHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nstolen";
        let first = Reply::ok(surplus).content_length(5).hold_body_after(1, &gate);
        let server = FaultServer::sequence([first, Reply::ok("mine")]);
        let mut response = transport.send(get(&server.url())).await.unwrap();
        // Had all of it come at once, with the head, curl would have seen it.
        gate.open();
        assert_eq!(std::mem::take(response.body_mut()).collect(99).await.unwrap(), "hello");
        let second = outcome(&transport, get(&server.url())).await;
        assert!(["200 stolen", "200 mine"].contains(&&*second), "{second}");
    });
}

#[test]
fn a_request_that_is_not_idempotent_never_reaches_the_server_twice() {
    run(async {
        let transport = transport();
        for body in [|| Body::empty(), || Body::from("upload"), pieces] {
            let outcome = over_a_dying_connection(&transport, |url| post(url, body())).await;
            assert_eq!(outcome, ("head: Closed, Maybe".to_owned(), 2));
        }
    });
}

/// With a single client of the caller's, a call may fail that need not; but it is not sent twice.
#[test]
fn nor_does_it_with_one_client_of_the_callers() {
    run(async {
        let transport = IsahcTransport::from(isahc::HttpClient::new().unwrap());
        for body in [|| Body::empty(), || Body::from("upload"), pieces] {
            let outcome = over_a_dying_connection(&transport, |url| post(url, body())).await;
            assert_eq!(outcome, ("head: Closed, Maybe".to_owned(), 2));
        }
    });
}

#[test]
fn a_connection_that_the_server_closed_between_calls_costs_nothing() {
    run(async {
        let transport = transport();
        let server = FaultServer::always(Reply::ok("hello").close_silently());
        for _ in 0..5 {
            assert_eq!(outcome(&transport, get(&server.url())).await, "200 hello");
            assert_eq!(outcome(&transport, post(&server.url(), "upload")).await, "200 hello");
            assert_eq!(outcome(&transport, post(&server.url(), pieces())).await, "200 hello");
            server.wait_for_connections_closed();
        }
        assert_eq!(server.request_count(), 15);
    });
}

/// What it costs: a connection for each.
#[test]
fn a_request_that_is_not_idempotent_has_a_connection_of_its_own() {
    run(async {
        let transport = transport();
        for (method, connections) in [(Method::GET, 1), (Method::POST, 5)] {
            let server = FaultServer::always(Reply::ok("hello"));
            for _ in 0..5 {
                let request = request(method.clone(), &server.url(), ());
                assert_eq!(outcome(&transport, request).await, "200 hello");
            }
            assert_eq!(server.connections(), connections, "{method}");
        }
    });
}

#[test]
fn the_head_comes_with_the_first_byte_of_the_body() {
    run(async {
        let (transport, gate) = (transport(), Gate::new());
        let server = FaultServer::always(Reply::ok("late").hold_body(&gate));
        let mut sending = transport.send(get(&server.url()));
        until_received(&server, &mut sending).await;
        assert!((&mut sending).now_or_never().is_none(), "the head is there");
        gate.open();
        let body = sending.await.unwrap().into_body();
        assert_eq!(body.collect(10).await.unwrap(), "late");
    });
}

/// Polls until the server has the whole request.
async fn until_received<F: Future + Unpin>(server: &FaultServer, sending: &mut F) {
    poll_fn(|cx| match sending.poll_unpin(cx) {
        Poll::Ready(_) => panic!("a held reply was sent"),
        Poll::Pending if server.request_count() == 1 => Poll::Ready(()),
        Poll::Pending => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

#[test]
fn a_head_that_is_cut_is_no_empty_response() {
    run(async {
        let transport = transport();
        let hello = Reply::ok("hello");
        for (head, expected) in [
            ("HTTP/1.1 200 OK\r\n", "head: Closed, Maybe"),
            ("HTTP/1.1 200 OK\r\nx: y\r\n", "head: Closed, Maybe"),
            ("HTTP/1.1 200 OK\r\nx: y\r\n\r\n", "head: Closed, Maybe"),
            ("HTTP/1.1 200 OK\r\nx: y\r\n\r\nhi", "200 hi"),
            ("HTTP/1.1 204 No Content\r\nx: y\r\n\r\n", "204"),
            ("HTTP/1.1 304 Not Modified\r\nx: y\r\n\r\n", "304"),
            ("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", "200"),
            ("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n", "head: Closed, Maybe"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx: ", "head: Closed, Maybe"),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "head: Closed, Maybe"),
        ] {
            for sending in [get, |url: &str| post(url, "upload")] {
                let server = FaultServer::always(Reply::raw(head));
                assert_eq!(outcome(&transport, sending(&server.url())).await, expected, "{head:?}");
                assert_eq!(server.request_count(), 1);
            }
        }
        for at in 1..hello_head() {
            let server = FaultServer::always(hello.clone().cut_head_after(at, Cut::Close));
            let outcome = outcome(&transport, get(&server.url())).await;
            assert!(outcome.starts_with("head: "), "{at}: {outcome}");
        }
    });
}

/// The length of a head, give or take: each shorter one is cut inside of it.
const fn hello_head() -> usize {
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n".len()
}

/// What cannot be told: curl does not say whether it saw the end of the head.
#[test]
fn a_head_that_is_cut_after_its_framing_passes_when_it_frames_nothing() {
    run(async {
        let transport = transport();
        for head in ["content-length: 0", "connection: close", "transfer-encoding: chunked"] {
            let server =
                FaultServer::always(Reply::raw(format!("HTTP/1.1 200 OK\r\n{head}\r\nx:")));
            assert_eq!(outcome(&transport, get(&server.url())).await, "200", "{head}");
        }
    });
}

#[test]
fn a_redirect_is_a_response() {
    run(async {
        let transport = transport();
        for status in [301, 302, 303, 307, 308] {
            let server =
                FaultServer::always(Reply::status(status).header("location", "/elsewhere"));
            let ours = outcome(&transport, post(&server.url(), "upload")).await;
            assert_eq!((ours, server.request_count()), (status.to_string(), 1));
        }
    });
}

/// Nothing is waited for, nothing sent again after a 417.
#[test]
fn there_is_no_expect() {
    run(async {
        let transport = transport();
        let large = Body::stream(futures_util::stream::iter([Ok::<_, std::io::Error>(vec![
                b'x';
                2 << 20
            ])]));
        let server = FaultServer::always(Reply::status(417));
        assert_eq!(outcome(&transport, post(&server.url(), large)).await, "417");
        let received = &server.requests()[0];
        assert_eq!((received.header("expect"), received.body_bytes_received()), (None, 2 << 20));
        assert_eq!(server.request_count(), 1);

        let mut expecting = post(&server.url(), "upload");
        expecting.headers_mut().insert("expect", "100-continue".parse().unwrap());
        let error = transport.send(expecting).await.unwrap_err();
        assert!(error.to_string().starts_with("header expect "), "{error}");
    });
}

#[test]
fn a_dropped_future_closes_the_connection_of_a_silent_server() {
    run(async {
        for sending in [get, |url: &str| post(url, "upload"), |url: &str| post(url, pieces())] {
            let (transport, gate) = (transport(), Gate::new());
            let server = FaultServer::always(Reply::ok("hello").hold(&gate));
            let mut exchange = transport.send(sending(&server.url()));
            until_received(&server, &mut exchange).await;
            drop(exchange);
            server.wait_for_connections_closed();
            gate.open();
            assert_eq!(outcome(&transport, sending(&server.url())).await, "200 hello");
        }
    });
}

#[test]
fn a_dropped_body_closes_the_connection_of_a_silent_server() {
    run(async {
        let transport = transport();
        let server = FaultServer::always(Reply::ok("hello").stall_body_after(2));
        let mut body = transport.send(get(&server.url())).await.unwrap().into_body();
        assert_eq!(body.chunk().await.unwrap().unwrap(), "he");
        drop(body);
        server.wait_for_connections_closed();
    });
}

/// While other exchanges are under way, what was dropped goes with the last of them, or with the 64th that is dropped, or when
/// the server speaks.
#[test]
fn what_is_dropped_beside_others_does_not_break_them_off() {
    run(async {
        let (transport, gate, other_gate) = (transport(), Gate::new(), Gate::new());
        let other = FaultServer::always(
            Reply::ok("").chunked(["one", "two"]).hold_body_after(3, &other_gate),
        );
        let mut beside = transport.send(get(&other.url())).await.unwrap().into_body();
        assert_eq!(beside.chunk().await.unwrap().unwrap(), "one");

        let server = FaultServer::always(Reply::ok("hello").hold(&gate));
        let mut exchange = transport.send(get(&server.url()));
        until_received(&server, &mut exchange).await;
        drop(exchange);
        assert_eq!(server.open_connections(), 1);

        other_gate.open();
        assert_eq!(beside.chunk().await.unwrap().unwrap(), "two");
        assert!(beside.chunk().await.unwrap().is_none());
        server.wait_for_connections_closed();
    });
}

/// The end of the body need not be asked for.
#[test]
fn a_body_that_was_read_leaves_its_connection_fit_for_use() {
    run(async {
        let transport = transport();
        let server = FaultServer::always(Reply::ok("hello"));
        for _ in 0..3 {
            let mut body = transport.send(get(&server.url())).await.unwrap().into_body();
            assert_eq!(body.chunk().await.unwrap().unwrap(), "hello");
        }
        assert_eq!(server.connections(), 1);
    });
}

/// Trailers of an empty body come among the headers: curl reports both alike.
#[test]
fn trailers_of_an_empty_body_are_headers() {
    run(async {
        let transport = transport();
        let server = FaultServer::always(Reply::ok("").chunked([""; 0]).trailer("x-count", "1"));
        let response = transport.send(get(&server.url())).await.unwrap();
        assert_eq!(response.headers()["x-count"], "1");
        let server = FaultServer::always(Reply::ok("").chunked(["data"]).trailer("x-count", "1"));
        assert_eq!(outcome(&transport, get(&server.url())).await, "200 data + trailers");
    });
}

/// curl takes all that follows for a body.
#[test]
fn what_follows_a_change_of_protocol_is_no_body() {
    run(async {
        let switch =
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
        let server =
            FaultServer::start([Reply::raw(format!("{switch}of the other")), Reply::ok("next")]);
        let transport = transport();
        assert_eq!(outcome(&transport, get(&server.url())).await, "101");
        assert_eq!(outcome(&transport, get(&server.url())).await, "200 next");
    });
}
