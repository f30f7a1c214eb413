//! What curl's errors are taken for, and what they show.

use midil_http_core::Transport;
use midil_http_test::fault_server::{Cut, FaultServer, OnConnect, Reply, Script};

use super::support::{get, outcome, pieces, post, rendered, run, transport};

#[test]
fn what_the_server_did_is_told_apart() {
    run(async {
        let transport = transport();
        let chunks = || Reply::ok("").chunked(["one", "two"]);
        let hello = || Reply::ok("hello");
        let raw = |text: &str| Reply::raw(text);
        let (closed, reset, protocol) =
            ("head: Closed, Maybe", "head: Reset, Maybe", "head: Protocol, Maybe");
        let (cut, torn) = ("body: Closed, Maybe", "body: Reset, Maybe");
        let large = "x".repeat(512 * 1024);
        for (name, reply, expected) in [
            ("closed before the head", Reply::close_before_head(), closed),
            ("reset before the head", Reply::reset_before_head(), reset),
            ("garbage", Reply::garbage(), protocol),
            ("reset in the head", hello().cut_head_after(20, Cut::Reset), reset),
            ("closed after the head", hello().cut_body_after(0, Cut::Close), closed),
            ("reset after the head", hello().cut_body_after(0, Cut::Reset), reset),
            ("closed in the body", hello().cut_body_after(2, Cut::Close), cut),
            ("reset in the body", hello().cut_body_after(2, Cut::Reset), torn),
            ("shorter than its length", hello().content_length(100), cut),
            ("closed in a chunk", chunks().cut_body_after(4, Cut::Close), cut),
            ("closed between chunks", chunks().cut_body_after(3, Cut::Close), cut),
            (
                "a chunk that is none",
                raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n"),
                reset,
            ),
            ("a line that is no header", raw("HTTP/1.1 200 OK\r\nx y\r\n\r\n"), protocol),
            ("a head that is too large", hello().header("x-large", large), protocol),
            ("HTTP/0.9", raw("hello"), protocol),
            ("an unknown version", raw("HTTP/7.0 200 OK\r\n\r\n"), protocol),
        ] {
            for request in [get, |url: &str| post(url, "upload"), |url: &str| post(url, pieces())] {
                let server = FaultServer::always(reply.clone());
                assert_eq!(outcome(&transport, request(&server.url())).await, expected, "{name}");
                assert_eq!(server.request_count(), 1, "{name}");
            }
        }
    });
}

#[test]
fn what_never_left_was_not_sent() {
    run(async {
        let transport = transport();
        let port = FaultServer::refusing();
        let url = port.url();
        for request in [get(&url), post(&url, "upload"), post(&url, pieces())] {
            assert_eq!(outcome(&transport, request).await, "head: Connect, No");
        }
        // curl asks nobody for such a name: RFC 7686.
        let unknown = "http://nowhere.onion/";
        assert_eq!(outcome(&transport, get(unknown)).await, "head: Dns, No");
        assert_eq!(outcome(&transport, post(unknown, pieces())).await, "head: Dns, No");

        // A body that was not touched can be sent again.
        let once = pieces();
        let error = transport.send(post(&url, once)).await.unwrap_err();
        assert!(error.is_connect());
    });
}

/// curl cannot say that nothing was written, once there is a connection.
#[test]
fn a_connection_that_is_closed_at_once_may_have_carried_the_request() {
    run(async {
        let transport = transport();
        for request in [get, |url: &str| post(url, "upload")] {
            let script = Script::always(Reply::ok("")).on_connect([OnConnect::Close]);
            let server = FaultServer::start(script);
            let outcome = outcome(&transport, request(&server.url())).await;
            assert!(
                ["head: Closed, Maybe", "head: Reset, Maybe"].contains(&&*outcome),
                "{outcome}"
            );
        }
    });
}

#[test]
fn errors_show_no_secret() {
    run(async {
        let transport = transport();
        let refusing = FaultServer::refusing();
        let mut urls = vec![refusing.url(), "http://nowhere.onion".to_owned()];
        let replies = [
            Reply::close_before_head(),
            Reply::garbage(),
            Reply::raw("HTTP/1.1 200 OK\r\nhunter2 x\r\n\r\n"),
            Reply::ok("hunter2").cut_body_after(3, Cut::Reset),
        ];
        let servers: Vec<_> = replies.into_iter().map(FaultServer::always).collect();
        urls.extend(servers.iter().map(FaultServer::url));
        for base in urls {
            let mut request = post(&format!("{base}/hunter2?token=hunter2"), "hunter2");
            request.headers_mut().insert("authorization", "hunter2".parse().unwrap());
            let error = match transport.send(request).await {
                Ok(response) => response.into_body().collect(100).await.unwrap_err(),
                Err(error) => error,
            };
            let text = rendered(&error);
            assert!(!text.contains("hunter2"), "{base}: {text}");
        }
    });
}
