//! What goes out is what was given, and what framing needs.

use http::{HeaderValue, Method, Version};
use midil_http_core::{Body, Request, Transport};
use midil_http_isahc::IsahcTransport;
use midil_http_test::fault_server::{FaultServer, Received, Reply};

use super::support::{get, outcome, pieces, post, request, run, transport};

async fn received(transport: &IsahcTransport, make: impl FnOnce(&str) -> Request) -> Received {
    let server = FaultServer::always(Reply::ok(""));
    assert_eq!(outcome(transport, make(&server.url())).await, "200");
    server.requests().remove(0)
}

/// Everything but `Host`, in small letters.
fn headers(received: &Received) -> Vec<String> {
    let headers =
        received.headers().iter().map(|(name, value)| format!("{}: {value}", name.to_lowercase()));
    headers.filter(|header| !header.starts_with("host: ")).collect()
}

#[test]
fn headers_go_out_as_they_were_given() {
    run(async {
        let received = received(&transport(), |url| {
            let mut request = get(url);
            for (name, value) in [
                ("accept", "text/plain"),
                ("user-agent", "me/1"),
                ("x-many", "one"),
                ("x-other", "x"),
                ("x-many", "two"),
                ("x-many", ""),
                ("x-empty", ""),
                ("x-odd", "a: b; c, \"d\""),
            ] {
                let value = HeaderValue::from_static(value);
                request.headers_mut().append(http::HeaderName::from_static(name), value);
            }
            request
        })
        .await;
        assert_eq!(
            headers(&received),
            [
                "accept: text/plain",
                "user-agent: me/1",
                "x-many: one",
                "x-many: two",
                "x-many: ",
                "x-other: x",
                "x-empty: ",
                "x-odd: a: b; c, \"d\"",
            ]
        );
    });
}

/// curl cannot be kept from saying that it accepts anything, and isahc from saying who it is but by saying nothing.
#[test]
fn what_is_made_up_says_nothing() {
    run(async {
        let transport = transport();
        let made_up = headers(&received(&transport, get).await);
        assert_eq!(made_up, ["accept: */*", "user-agent: "]);
        let made_up = headers(&received(&transport, |url| post(url, "upload")).await);
        assert_eq!(made_up, ["accept: */*", "content-type: ", "user-agent: ", "content-length: 6"]);
        for method in [Method::PUT, Method::PATCH, Method::DELETE] {
            let made_up =
                headers(&received(&transport, |url| request(method, url, "upload")).await);
            assert_eq!(made_up, ["accept: */*", "user-agent: ", "content-length: 6"]);
        }
    });
}

#[test]
fn the_user_agent_of_the_settings_is_for_requests_that_have_none() {
    run(async {
        let settings = IsahcTransport::builder().user_agent(HeaderValue::from_static("svc/1"));
        let transport = settings.build().unwrap();
        assert_eq!(received(&transport, get).await.header("user-agent"), Some("svc/1"));
        let own = received(&transport, |url| {
            let mut request = get(url);
            request.headers_mut().insert("user-agent", HeaderValue::from_static("me/1"));
            request
        });
        assert_eq!(own.await.header("user-agent"), Some("me/1"));
    });
}

#[test]
fn framing_is_not_the_callers() {
    run(async {
        let transport = transport();
        for (body, length) in
            [(Body::from("upload"), Some("6")), (pieces(), None), (Body::empty(), Some("0"))]
        {
            let received = received(&transport, |url| {
                let mut request = post(url, body);
                request.headers_mut().insert("content-length", HeaderValue::from_static("3"));
                request.headers_mut().insert("transfer-encoding", HeaderValue::from_static("gzip"));
                request
            })
            .await;
            assert_eq!(received.header("content-length"), length);
            let chunked = received.header("transfer-encoding");
            assert_eq!(chunked, length.is_none().then_some("chunked"));
            assert!(received.body_complete());
        }
        // No method but those is made to carry content.
        let nothing = received(&transport, |url| request(Method::DELETE, url, ())).await;
        assert_eq!(nothing.header("content-length"), None);
    });
}

#[test]
fn the_version_is_that_which_was_asked_for() {
    run(async {
        let received = received(&transport(), |url| {
            let mut request = get(url);
            request.head_mut().version = Version::HTTP_10;
            request
        })
        .await;
        assert_eq!(received.version(), "HTTP/1.0");
    });
}

#[test]
fn what_curl_cannot_send_is_refused_before_it_is_sent() {
    run(async {
        let transport = transport();
        let server = FaultServer::always(Reply::ok(""));
        let change = |change: fn(&mut Request)| {
            let mut request = get(&server.url());
            change(&mut request);
            request
        };
        let mut requests = vec![
            ("URL is neither http nor https", get("ftp://localhost/")),
            ("URL is neither http nor https", get("file:///etc/hostname")),
            ("URL has userinfo", get("http://user:hunter2@localhost/")),
            ("method is CONNECT", request(Method::CONNECT, &server.url(), ())),
            ("body cannot go with HEAD", request(Method::HEAD, &server.url(), "x")),
            (
                "header x-name has a value",
                change(|request| {
                    let value = HeaderValue::from_bytes(b"caf\xe9").unwrap();
                    request.headers_mut().insert("x-name", value);
                }),
            ),
            ("version HTTP/3.0", change(|request| request.head_mut().version = Version::HTTP_3)),
            (
                "version HTTP/1.0",
                change(|request| {
                    *request.body_mut() = pieces();
                    request.head_mut().version = Version::HTTP_10;
                }),
            ),
        ];
        if cfg!(not(feature = "rustls")) {
            requests.push(("URL is https, and there is no TLS", get("https://localhost/")));
        }
        for (problem, request) in requests {
            let error = transport.send(request).await.unwrap_err().to_string();
            assert!(error.starts_with(problem) && !error.contains("hunter2"), "{error}");
        }
        assert_eq!(server.connections(), 0);
    });
}

#[test]
fn nothing_is_decompressed_and_no_cookie_is_kept() {
    run(async {
        let gzip =
            Reply::ok("not gzip").header("content-encoding", "gzip").header("set-cookie", "a=b");
        let server = FaultServer::always(gzip);
        for transport in [transport(), IsahcTransport::from(isahc::HttpClient::new().unwrap())] {
            for _ in 0..2 {
                assert_eq!(outcome(&transport, get(&server.url())).await, "200 not gzip");
            }
        }
        for received in server.requests() {
            assert_eq!(
                (received.header("accept-encoding"), received.header("cookie")),
                (None, None)
            );
        }
    });
}
