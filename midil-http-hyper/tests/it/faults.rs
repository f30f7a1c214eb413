//! Every fault: what it is taken for, and whether the request counts as sent.

use http::Method;
use midil_http_core::TransportErrorKind::{Closed, Connect, Protocol, Reset};
use midil_http_core::{Body, Error, Request, Sent, Transport, TransportErrorKind};
use midil_http_test::fault_server::{Cut, FaultServer, OnConnect, Reply, Script};

use super::support::{exchange, get, post, request, run, text, transport, verdict};

/// The same fault, met by each kind of request.
fn requests(url: &str) -> [Request; 4] {
    let stream = futures_util::stream::iter(["a", "b"].map(Ok::<_, std::io::Error>));
    [
        get(url),
        post(url, "bytes"),
        post(url, Body::stream(stream)),
        request(Method::DELETE, url, ()),
    ]
}

/// Before the head, and with the request on the wire: nobody knows what the server made of it.
#[test]
fn a_fault_before_the_head() {
    let cases = [
        (Reply::close_before_head(), Closed),
        (Reply::reset_before_head(), Reset),
        (Reply::garbage(), Protocol),
        (Reply::ok("hi").cut_head_after(12, Cut::Close), Closed),
        (Reply::ok("hi").cut_head_after(12, Cut::Reset), Reset),
        (Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n"), Protocol),
        (Reply::ok("").header("x-large", vec![b'x'; 1 << 20]), Protocol),
    ];
    run(async {
        let transport = transport();
        for (reply, kind) in cases {
            let server = FaultServer::always(reply.clone());
            for (count, request) in requests(&server.url()).into_iter().enumerate() {
                let error = transport.send(request).await.unwrap_err();
                assert_eq!(verdict(&error), (kind, Sent::Maybe), "{reply:?}: {error:?}");
                assert_eq!(server.request_count(), count + 1, "{reply:?}: one exchange each");
            }
        }
    });
}

#[test]
fn a_fault_within_the_body() {
    let chunks = || Reply::ok("").chunked(["one", "two"]);
    let cases: [(Reply, TransportErrorKind); 7] = [
        (Reply::ok("hello").cut_body_after(2, Cut::Close), Closed),
        (Reply::ok("hello").cut_body_after(2, Cut::Reset), Reset),
        (Reply::ok("hello").content_length(100), Closed),
        (chunks().cut_body_after(3, Cut::Close), Closed),
        (chunks().cut_body_after(4, Cut::Close), Closed),
        (chunks().cut_body_after(4, Cut::Reset), Reset),
        (Reply::raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno chunk\r\n"), Protocol),
    ];
    run(async {
        let transport = transport();
        for (reply, kind) in cases {
            let server = FaultServer::always(reply.clone());
            for request in requests(&server.url()) {
                let response = transport.send(request).await.unwrap();
                assert_eq!(response.status(), 200);
                let error = text(response).await.unwrap_err();
                assert_eq!(verdict(&error), (kind, Sent::Maybe), "{reply:?}: {error:?}");
            }
        }
    });
}

#[test]
fn a_refused_connection_was_not_sent() {
    run(async {
        let transport = transport();
        let port = FaultServer::refusing();
        for request in requests(&port.url()) {
            let error = transport.send(request).await.unwrap_err();
            assert_eq!(verdict(&error), (Connect, Sent::No), "{error:?}");
            assert!(error.is_connect());
        }
    });
}

/// Whether the request was on its way already is up to the scheduler.
#[test]
fn a_connection_that_ends_at_once() {
    for (fate, kinds) in
        [(OnConnect::Close, &[Closed][..]), (OnConnect::Reset, &[Reset, Closed, Connect][..])]
    {
        run(async {
            let transport = transport();
            let server = FaultServer::start(Script::always(Reply::ok("")).on_connect([fate]));
            let error = transport.send(get(&server.url())).await.unwrap_err();
            let (kind, _) = verdict(&error);
            assert!(kinds.contains(&kind), "{fate:?}: {error:?}");
        });
    }
}

#[test]
fn an_unknown_host_was_not_sent() {
    run(async {
        let transport = transport();
        let error = transport.send(get("http://nowhere.invalid/")).await.unwrap_err();
        assert_eq!(verdict(&error), (TransportErrorKind::Dns, Sent::No));
        assert!(error.is_connect());
    });
}

#[test]
fn an_error_status_is_a_response() {
    run(async {
        let transport = transport();
        for status in [204, 302, 304, 401, 404, 429, 500, 503] {
            let server = FaultServer::always(Reply::status(status));
            let response = transport.send(get(&server.url())).await.unwrap();
            assert_eq!(response.status(), status);
        }
    });
}

#[test]
fn a_body_that_ends_with_its_connection_is_whole() {
    run(async {
        let server = FaultServer::always(Reply::ok("all of it").until_close().close());
        assert_eq!(exchange(&transport(), get(&server.url())).await.unwrap(), "all of it");
    });
}

#[test]
fn what_cannot_be_sent_at_all_is_a_build_error() {
    run(async {
        let transport = transport();
        let server = FaultServer::always(Reply::ok(""));
        let mut newest = get(&server.url());
        newest.head_mut().version = http::Version::HTTP_3;
        // Nothing but a TLS handshake could agree on it.
        let mut newer = get(&server.url());
        newer.head_mut().version = http::Version::HTTP_2;
        let userinfo = get(&server.url().replace("//", "//user:hunter2@"));
        for request in [get("ftp://localhost/"), get("data:,"), newest, newer, userinfo] {
            let error = transport.send(request).await.unwrap_err();
            assert!(matches!(error, Error::Build(_)), "{error:?}");
            assert_eq!(error.sent(), Sent::No);
            assert!(!super::support::rendered(&error).contains("hunter2"));
        }
        assert_eq!(server.request_count(), 0);
    });
}

#[cfg(not(feature = "rustls"))]
#[test]
fn https_without_tls_is_a_build_error() {
    run(async {
        let error = transport().send(get("https://localhost/")).await.unwrap_err();
        assert!(matches!(error, Error::Build(_)), "{error:?}");
    });
}

#[cfg(not(feature = "rustls"))]
#[test]
fn settings_of_tls_without_tls_are_refused() {
    use midil_http_core::ClientCertificate;
    use midil_http_hyper::HyperTransport;

    let certificate = ClientCertificate::from_pem("chain", "key");
    for (builder, setting) in [
        (HyperTransport::builder().root_certificate("pem"), "root_certificates"),
        (HyperTransport::builder().client_certificate(certificate), "client_certificate"),
    ] {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.starts_with(setting) && error.contains("feature `rustls`"), "{error}");
    }
}

#[cfg(not(feature = "http2"))]
#[test]
fn http2_alone_without_http2_is_refused() {
    use midil_http_core::Protocol;
    use midil_http_hyper::HyperTransport;

    let builder = HyperTransport::builder().protocol(Protocol::Http2PriorKnowledge);
    let error = builder.build().unwrap_err().to_string();
    assert!(error.starts_with("protocol") && error.contains("feature `http2`"), "{error}");
}
