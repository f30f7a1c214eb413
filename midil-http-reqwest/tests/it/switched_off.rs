//! What reqwest would do of its own accord, it does not: however it was built, whatever its features.

use http::{HeaderValue, header};
use midil_http_core::Transport;
use midil_http_reqwest::ReqwestTransport;
use midil_http_test::fault_server::{FaultServer, Reply};

use super::support::{get, run, text, transport};

/// Ours, and one whose builder asks for everything.
fn transports() -> [ReqwestTransport; 2] {
    let eager = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::limited(5))
        .referer(true)
        .connection_verbose(true)
        .retry(reqwest::retry::for_host("127.0.0.1").classify_fn(|answer| answer.retryable()));
    [transport(), ReqwestTransport::try_from(eager).unwrap()]
}

#[test]
fn redirects_are_returned() {
    run(async {
        for transport in transports() {
            let server = FaultServer::always(Reply::status(302).header("location", "/elsewhere"));
            let response = transport.send(get(&server.url())).await.unwrap();
            assert_eq!(response.status(), 302);
            assert_eq!(response.headers()[header::LOCATION], "/elsewhere");
            assert_eq!(server.request_count(), 1);
        }
    });
}

#[test]
fn nothing_is_sent_twice() {
    run(async {
        for transport in transports() {
            let server = FaultServer::start([Reply::status(503), Reply::close_before_head()]);
            assert_eq!(transport.send(get(&server.url())).await.unwrap().status(), 503);
            transport.send(get(&server.url())).await.unwrap_err();
            assert_eq!(server.request_count(), 2);
        }
    });
}

#[test]
fn encodings_are_neither_asked_for_nor_decoded() {
    run(async {
        for transport in transports() {
            for encoding in ["gzip", "br", "zstd", "deflate"] {
                let reply = Reply::ok("as it came").header("content-encoding", encoding);
                let server = FaultServer::always(reply);
                let response = transport.send(get(&server.url())).await.unwrap();
                assert_eq!(response.headers()[header::CONTENT_ENCODING], encoding);
                assert_eq!(response.headers()[header::CONTENT_LENGTH], "10");
                assert_eq!(text(response).await.unwrap(), "as it came");
                assert_eq!(server.requests()[0].header("accept-encoding"), None);
            }
        }
    });
}

#[test]
fn cookies_are_not_kept() {
    run(async {
        for transport in transports() {
            let server = FaultServer::always(Reply::ok("").header("set-cookie", "a=b"));
            for _ in 0..2 {
                let response = transport.send(get(&server.url())).await.unwrap();
                assert_eq!(response.headers()[header::SET_COOKIE], "a=b");
            }
            assert_eq!(server.requests()[1].header("cookie"), None);
            assert_eq!(server.requests()[1].header("referer"), None);
        }
    });
}

#[test]
fn nothing_of_the_connection_is_in_the_response() {
    run(async {
        for transport in transports() {
            let server = FaultServer::always(Reply::ok(""));
            let mut request = get(&server.url());
            request.extensions_mut().insert("ours");
            request.headers_mut().insert("accept", HeaderValue::from_static("*/*"));
            let response = transport.send(request).await.unwrap();
            assert!(response.extensions().is_empty());
        }
    });
}
