//! What goes out on the wire.

use futures_util::stream;
use http::{HeaderValue, Method, Version, header};
use midil_http_core::{Body, Error, Request, Transport};
use midil_http_hyper::HyperTransport;
use midil_http_test::fault_server::{FaultServer, Received, Reply};

use super::support::{get, post, request, run, transport};

fn chunks(pieces: &'static [&'static str]) -> Body {
    Body::stream(stream::iter(pieces.iter().map(|piece| Ok::<_, std::io::Error>(*piece))))
}

/// The request as the server received it.
async fn received(request: Request) -> Received {
    let server = FaultServer::always(Reply::ok(""));
    let mut request = request;
    let url = format!("{}{}", server.url(), request.url().path());
    request.head_mut().url = url.parse().unwrap();
    transport().send(request).await.unwrap();
    server.requests().remove(0)
}

fn framing(received: &Received) -> (Option<&str>, Option<&str>) {
    (received.header("content-length"), received.header("transfer-encoding"))
}

#[test]
fn a_request_is_sent_as_it_is() {
    run(async {
        let mut request = get("http://localhost/a%20b?x=%2F&y=#fragment");
        request.head_mut().url.set_query(Some("x=%2F&y="));
        request.headers_mut().append("x-two", HeaderValue::from_static("1"));
        request.headers_mut().append("x-two", HeaderValue::from_static("2"));
        request.headers_mut().insert("accept", HeaderValue::from_static("text/plain"));
        let server = FaultServer::always(Reply::ok(""));
        let port = server.address().port();
        request.head_mut().url.set_host(Some("127.0.0.1")).unwrap();
        request.head_mut().url.set_port(Some(port)).unwrap();
        transport().send(request).await.unwrap();

        let received = &server.requests()[0];
        assert_eq!(received.target(), "/a%20b?x=%2F&y=");
        assert_eq!((received.method(), received.version()), ("GET", "HTTP/1.1"));
        let mut headers: Vec<_> = received.headers().to_vec();
        headers.sort();
        let expected = [
            ("accept", "text/plain".to_owned()),
            ("host", format!("127.0.0.1:{port}")),
            ("x-two", "1".to_owned()),
            ("x-two", "2".to_owned()),
        ];
        assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value)));
    });
}

#[test]
fn a_body_goes_out_with_its_length_when_that_is_known() {
    run(async {
        let pieces = || stream::iter(["ab", "c"].map(Ok::<_, std::io::Error>));
        for body in [
            Body::from("abc"),
            Body::stream_with_length(pieces(), 3),
            Body::replayable(Some(3), pieces),
        ] {
            let received = received(post("http://localhost/", body)).await;
            assert_eq!(framing(&received), (Some("3"), None));
            assert_eq!(received.body(), b"abc");
        }
        for body in [Body::stream(pieces()), Body::replayable(None, pieces)] {
            let received = received(post("http://localhost/", body)).await;
            assert_eq!(framing(&received), (None, Some("chunked")));
            assert_eq!(received.body(), b"abc");
        }
    });
}

/// hyper would leave out the body of a GET that it does not know the length of.
#[test]
fn no_method_loses_its_body() {
    run(async {
        for method in [Method::GET, Method::HEAD, Method::DELETE, Method::OPTIONS, Method::PATCH] {
            let received =
                received(request(method.clone(), "http://localhost/", chunks(&["ab", "c"]))).await;
            assert_eq!(framing(&received), (None, Some("chunked")), "{method}");
            assert_eq!(received.body(), b"abc", "{method}");
        }
    });
}

#[test]
fn no_body_is_said_to_be_none_where_one_is_expected() {
    run(async {
        for (method, length) in [
            (Method::GET, None),
            (Method::HEAD, None),
            (Method::DELETE, None),
            (Method::POST, Some("0")),
            (Method::PUT, Some("0")),
            (Method::PATCH, Some("0")),
        ] {
            let received = received(request(method.clone(), "http://localhost/", ())).await;
            assert_eq!(framing(&received), (length, None), "{method}");
        }
    });
}

/// A wrong length would cut the body, or have the server wait for more.
#[test]
fn the_callers_framing_is_not_believed() {
    run(async {
        for (name, value) in [
            (header::CONTENT_LENGTH, "2"),
            (header::CONTENT_LENGTH, "7"),
            (header::TRANSFER_ENCODING, "gzip"),
        ] {
            for body in [Body::from("abc"), chunks(&["ab", "c"])] {
                let known = body.length().is_some();
                let mut request = post("http://localhost/", body);
                request.headers_mut().insert(&name, HeaderValue::from_static(value));
                let received = received(request).await;
                let expected = if known { (Some("3"), None) } else { (None, Some("chunked")) };
                assert_eq!(framing(&received), expected, "{name}: {value}");
                assert_eq!(received.body(), b"abc");
            }
        }
    });
}

#[test]
fn http_1_0_goes_out_as_such_and_cannot_stream() {
    run(async {
        let mut whole = post("http://localhost/", "abc");
        whole.head_mut().version = Version::HTTP_10;
        let whole = received(whole).await;
        assert_eq!((whole.version(), framing(&whole)), ("HTTP/1.0", (Some("3"), None)));

        let mut stream = post("http://localhost/", chunks(&["abc"]));
        stream.head_mut().version = Version::HTTP_10;
        let error = transport().send(stream).await.unwrap_err();
        assert!(matches!(error, Error::Build(_)), "{error:?}");
    });
}

#[test]
fn there_is_no_expect() {
    run(async {
        let received = received(post("http://localhost/", chunks(&["abc"]))).await;
        assert_eq!(received.header("expect"), None);
    });
}

#[test]
fn the_user_agent_is_added_where_none_is_set() {
    run(async {
        let server = FaultServer::always(Reply::ok(""));
        let agent = HeaderValue::from_static("midil/1");
        let transport = HyperTransport::builder().user_agent(agent).build().unwrap();
        transport.send(get(&server.url())).await.unwrap();
        let mut own = get(&server.url());
        own.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static("own/2"));
        transport.send(own).await.unwrap();
        let seen: Vec<_> = server.requests();
        let agents: Vec<_> = seen.iter().map(|seen| seen.header("user-agent")).collect();
        assert_eq!(agents, [Some("midil/1"), Some("own/2")]);
    });
}

/// It would be a request of its own on the connection.
#[test]
fn a_length_without_a_body_is_not_believed_either() {
    run(async {
        let mut request = get("http://localhost/");
        request.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("5"));
        assert_eq!(framing(&received(request).await), (None, None));
    });
}

#[test]
fn connect_is_refused() {
    run(async {
        let error = transport().send(request(Method::CONNECT, "http://localhost/", ())).await;
        assert!(matches!(error, Err(Error::Build(_))), "{error:?}");
    });
}
