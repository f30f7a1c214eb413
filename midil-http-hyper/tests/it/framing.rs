//! What goes out on the wire.

use futures_util::stream;
use http::{HeaderValue, Method, Version, header};
use midil_http_core::{Body, Error, Request, Transport};
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
