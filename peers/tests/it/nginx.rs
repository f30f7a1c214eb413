//! Every backend against an nginx: TLS, HTTP/2, compression, connections, ranges, uploads.

use std::collections::BTreeSet;
use std::future::Future;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use http::{HeaderName, HeaderValue, Method, StatusCode, Version, header};
use midil_http::{
    Body, Error, HttpClient, Protocol, Request, Response, Sent, Transport, TransportErrorKind,
    TransportSettings,
};
use midil_http_peers::NginxServer;
use midil_http_test::fault_server::{FaultServer, Received, Reply};

use crate::backends::BACKENDS;

/// Runs `test` over each backend: its name, the server, and what makes a transport that trusts the server.
fn each<F: Future<Output = ()>>(server: &NginxServer, test: impl Fn(&'static str, Trusting) -> F) {
    for (name, make) in BACKENDS {
        let trusting = Trusting { root: server.root_certificate().to_owned(), make: *make };
        // One thread, where it is known what comes first: see the README of the reqwest backend, "Good to know".
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let limit = Duration::from_secs(60);
        runtime.block_on(async {
            let outcome = tokio::time::timeout(limit, test(name, trusting)).await;
            assert!(outcome.is_ok(), "{name} hangs");
        });
    }
}

/// Makes transports of one backend.
#[derive(Clone)]
struct Trusting {
    root: String,
    make: crate::backends::Make,
}

impl Trusting {
    fn settings(&self) -> TransportSettings {
        let mut settings = TransportSettings::default();
        settings.root_certificates = vec![self.root.clone().into_bytes()];
        settings
    }

    fn transport(&self) -> Arc<dyn Transport> {
        self.with(&self.settings())
    }

    fn with(&self, settings: &TransportSettings) -> Arc<dyn Transport> {
        (self.make)(settings).expect("good settings")
    }
}

/// Over plain http, and over TLS with HTTP/2.
fn urls(server: &NginxServer) -> [(String, Version); 2] {
    [(server.url(), Version::HTTP_11), (server.tls_url(), Version::HTTP_2)]
}

fn request(method: Method, url: &str, body: impl Into<Body>) -> Request {
    let mut request = Request::get(url).expect("a good URL").with_body(body);
    request.head_mut().method = method;
    request
}

fn get(url: &str) -> Request {
    request(Method::GET, url, ())
}

fn with(mut request: Request, name: HeaderName, value: &str) -> Request {
    request.headers_mut().insert(name, HeaderValue::from_str(value).expect("a good value"));
    request
}

/// A whole response.
struct Whole {
    head: http::response::Parts,
    body: Vec<u8>,
}

impl Whole {
    fn header(&self, name: &str) -> &str {
        let value = self.head.headers.get(name);
        value.map_or("", |value| value.to_str().expect("it is text"))
    }

    fn status(&self) -> StatusCode {
        self.head.status
    }
}

async fn exchange(transport: &impl Transport, request: Request) -> Result<Whole, Error> {
    let (head, body) = transport.send(request).await?.into_parts();
    let body = body.collect(u64::MAX).await?.to_vec();
    Ok(Whole { head, body })
}

/// The same; a failure ends the test.
async fn whole(transport: &impl Transport, request: Request) -> Whole {
    exchange(transport, request).await.expect("nginx answers")
}

/// A stream whose length nobody knows.
fn pieces(count: usize, size: usize) -> Body {
    Body::stream(stream::iter((0..count).map(move |_| Ok::<_, io::Error>(vec![7; size]))))
}

#[test]
fn a_certificate_is_trusted_with_its_root_alone() {
    let server = NginxServer::start();
    each(&server, async |name, trusting| {
        let url = format!("{}/text", server.tls_url());
        let response = whole(&trusting.transport(), get(&url)).await;
        assert_eq!((response.status(), response.body), (StatusCode::OK, NginxServer::text()));
        let stranger = trusting.with(&TransportSettings::default());
        match exchange(&stranger, get(&url)).await.map(|whole| whole.status()) {
            Err(Error::Transport(error)) => {
                assert_eq!((error.kind(), error.sent()), (TransportErrorKind::Tls, Sent::No));
            }
            other => panic!("{name} trusts anybody: {other:?}"),
        }
    });
}

#[test]
fn http2_is_negotiated_where_both_speak_it() {
    let server = NginxServer::start();
    each(&server, async |name, trusting| {
        let mut http1 = trusting.settings();
        http1.protocol = Protocol::Http1;
        for (transport, url, version, spoken) in [
            (trusting.transport(), server.tls_url(), Version::HTTP_2, "HTTP/2.0"),
            (trusting.transport(), server.url(), Version::HTTP_11, "HTTP/1.1"),
            (trusting.with(&http1), server.tls_url(), Version::HTTP_11, "HTTP/1.1"),
        ] {
            let response = whole(&transport, get(&format!("{url}/text"))).await;
            let seen = (response.head.version, response.header("x-protocol"));
            assert_eq!(seen, (version, spoken), "{name}");
        }
    });
}

/// A transport leaves it as it is; the client asks for it, and decodes it.
#[test]
fn what_is_compressed_comes_as_it_is_over_a_transport_and_decoded_over_a_client() {
    const GZIP: &[u8] = &[0x1f, 0x8b, 8];
    let server = NginxServer::start();
    each(&server, async |name, trusting| {
        let transport = trusting.transport();
        for (base, version) in urls(&server) {
            let url = format!("{base}/text");
            let plain = whole(&transport, get(&url)).await;
            assert_eq!(plain.header("content-encoding"), "", "{name}");
            assert_eq!(plain.body, NginxServer::text());
            let asked = with(get(&url), header::ACCEPT_ENCODING, "gzip");
            let packed = whole(&transport, asked).await;
            assert_eq!(packed.header("content-encoding"), "gzip", "{name}");
            assert!(packed.body.starts_with(GZIP) && packed.body.len() < 1000, "{name}");

            let http = HttpClient::builder(Arc::clone(&transport)).base_url(base).build();
            let http = http.expect("a good client");
            let decoded = http.get("/text").send().await.expect("nginx answers");
            assert_eq!(decoded.version(), version, "{name}");
            for gone in [header::CONTENT_ENCODING, header::CONTENT_LENGTH] {
                assert_eq!(decoded.headers().get(gone), None, "{name}");
            }
            // nginx weakens the validator of what it compresses, and of nothing else.
            let is_weak = |response: &Response| {
                response.headers()[header::ETAG].as_bytes().starts_with(b"W/")
            };
            assert!(is_weak(&decoded), "{name}: it came as it is");
            assert_eq!(decoded.bytes().await.expect("whole"), NginxServer::text(), "{name}");
            let unasked = http.get("/text").decompress(false).send().await.expect("nginx answers");
            assert!(!is_weak(&unasked), "{name}");
            assert_eq!(unasked.bytes().await.expect("whole"), NginxServer::text(), "{name}");
        }
    });
}

#[test]
fn calls_in_a_row_need_one_connection() {
    const CALLS: usize = 50;
    let server = NginxServer::start();
    each(&server, async |name, trusting| {
        for (url, _) in urls(&server) {
            let transport = trusting.transport();
            let mut connections = BTreeSet::new();
            for number in 1..=CALLS {
                let request = match number % 3 {
                    0 => get(&format!("{url}/text")),
                    1 => get(&format!("{url}/status/404")),
                    _ => request(Method::HEAD, &format!("{url}/blob"), ()),
                };
                let response = whole(&transport, request).await;
                connections.insert(response.header("x-connection").to_owned());
                assert_eq!(response.header("x-requests"), number.to_string(), "{name}");
            }
            assert_eq!(connections.len(), 1, "{name} {url}");
        }
    });
}

/// How many connections nginx has, but for the one that asks.
fn connections(server: &NginxServer) -> io::Result<usize> {
    let mut asking = TcpStream::connect(server.url().trim_start_matches("http://"))?;
    asking.write_all(b"GET /connections HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    asking.read_to_string(&mut answer)?;
    let count = answer.lines().find_map(|line| line.strip_prefix("Active connections: "));
    let count = count.and_then(|count| count.trim().parse::<usize>().ok());
    count.map(|count| count - 1).ok_or_else(|| io::Error::other(answer))
}

/// nginx says nothing of it, and closes 10 ms after the reply.
#[test]
fn an_idle_connection_that_nginx_closed_costs_nothing() {
    let server = NginxServer::start();
    each(&server, async |name, trusting| {
        for url in [server.brief_url(), server.brief_tls_url()] {
            let transport = trusting.transport();
            for number in 0..30 {
                let request = match number % 3 {
                    0 => get(&url),
                    1 => request(Method::POST, &url, "bytes"),
                    _ => request(Method::POST, &url, pieces(2, 3)),
                };
                let response = whole(&transport, request).await;
                assert_eq!(response.body, b"hello", "{name}");
                assert_eq!(response.header("x-requests"), "1", "{name}: it is a new one");
                while connections(&server).expect("nginx tells") > 0 {
                    tokio::task::yield_now().await;
                }
                // What came in last has its turn, and then whoever waited for it.
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
            }
        }
    });
}

#[test]
fn ranges_are_exact() {
    let server = NginxServer::start();
    let blob = NginxServer::blob();
    each(&server, async |name, trusting| {
        let transport = trusting.transport();
        for (url, _) in urls(&server) {
            let url = format!("{url}/blob");
            let last = blob.len() - 1;
            for (range, part) in [
                ("bytes=0-0".to_owned(), 0..=0),
                ("bytes=1000-200000".to_owned(), 1000..=200_000),
                ("bytes=-5".to_owned(), last - 4..=last),
                (format!("bytes={}-", last - 99), last - 99..=last),
            ] {
                let response = whole(&transport, with(get(&url), header::RANGE, &range)).await;
                assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT, "{name}");
                let said = format!("bytes {}-{}/{}", part.start(), part.end(), blob.len());
                assert_eq!(response.header("content-range"), said);
                assert_eq!(response.body, blob[part]);
            }
            let beyond = format!("bytes={}-", blob.len());
            let response = whole(&transport, with(get(&url), header::RANGE, &beyond)).await;
            assert_eq!(response.status(), StatusCode::RANGE_NOT_SATISFIABLE, "{name}");
            assert_eq!(whole(&transport, get(&url)).await.body, blob, "{name}: all of it");
        }
    });
}

#[test]
fn a_head_has_a_length_and_no_body_and_what_is_known_is_not_sent_again() {
    let server = NginxServer::start();
    each(&server, async |name, trusting| {
        let transport = trusting.transport();
        for (url, version) in urls(&server) {
            let url = format!("{url}/blob");
            let head = whole(&transport, request(Method::HEAD, &url, ())).await;
            assert_eq!((head.status(), head.head.version), (StatusCode::OK, version), "{name}");
            assert_eq!(head.header("content-length"), (4 << 20).to_string());
            assert!(head.body.is_empty());
            for (condition, value) in [
                (header::IF_NONE_MATCH, head.header("etag")),
                (header::IF_MODIFIED_SINCE, head.header("last-modified")),
            ] {
                let response = whole(&transport, with(get(&url), condition, value)).await;
                assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{name}");
                assert!(response.body.is_empty());
            }
            let other = with(get(&url), header::IF_NONE_MATCH, "\"other\"");
            assert_eq!(whole(&transport, other).await.status(), StatusCode::OK);
        }
    });
}

#[test]
fn uploads_arrive_as_they_were_sent_sized_or_not() {
    const PIECE: usize = 10_000;
    let server = NginxServer::start();
    each(&server, async |name, trusting| {
        let transport = trusting.transport();
        for (number, (url, _)) in urls(&server).into_iter().enumerate() {
            let sized = || {
                let pieces = (0..100).map(|_| Ok::<_, io::Error>(vec![7; PIECE]));
                Body::stream_with_length(stream::iter(pieces), 100 * 10_000)
            };
            for (what, body, length) in [
                ("nothing", Body::empty(), 0),
                ("bytes", Body::from(vec![7; 1_000_000]), 1_000_000),
                ("chunks", pieces(100, PIECE), 1_000_000),
                ("sized", sized(), 1_000_000),
            ] {
                let url = format!("{url}/files/{name}-{number}/{what}");
                let response = whole(&transport, request(Method::PUT, &url, body)).await;
                assert_eq!(response.status(), StatusCode::CREATED, "{name} {what}");
                assert_eq!(
                    whole(&transport, get(&url)).await.body,
                    vec![7; length],
                    "{name} {what}"
                );
            }
        }
    });
}

/// What nginx passes on while it comes in reaches the server behind it once, and whole.
#[test]
fn uploads_pass_through_to_a_server_behind() {
    let behind = FaultServer::respond_with(|request| Reply::ok(request.method()));
    let server = NginxServer::start_before(behind.address());
    each(&server, async |name, trusting| {
        let transport = trusting.transport();
        for (url, _) in urls(&server) {
            let url = format!("{url}/upstream/orders");
            for body in [Body::from(vec![7; 1_000_000]), pieces(100, 10_000)] {
                let before = behind.request_count();
                let response = whole(&transport, request(Method::POST, &url, body)).await;
                assert_eq!(response.body, b"POST", "{name}");
                assert_eq!(behind.request_count(), before + 1, "{name}");
                let received = behind.requests().pop().expect("it came");
                assert_eq!(received.body_checksum(), Received::checksum([vec![7; 1_000_000]]));
                assert!(received.body_complete());
            }
        }
    });
}

/// It says so before it has read the body.
#[test]
fn an_upload_that_is_too_large_is_a_413() {
    let server = NginxServer::start();
    each(&server, async |name, trusting| {
        for (url, _) in urls(&server) {
            let transport = trusting.transport();
            for body in [Body::from(vec![7; 8 << 20]), pieces(128, 64 << 10)] {
                let url = format!("{url}/small/{name}");
                let response = whole(&transport, request(Method::PUT, &url, body)).await;
                assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE, "{name} {url}");
            }
            let next = whole(&transport, get(&format!("{url}/text"))).await;
            assert_eq!(next.status(), StatusCode::OK, "{name}: the next call is none the worse");
        }
    });
}

/// Over HTTP/1.1 it is answered (494 is what nginx calls it in its log), over HTTP/2 the connection ends.
#[test]
fn a_header_that_is_too_large_is_a_response_or_an_error() {
    use TransportErrorKind::{Closed, Protocol, Refused, Reset};
    let server = NginxServer::start();
    each(&server, async |name, trusting| {
        let transport = trusting.transport();
        for (url, version) in urls(&server) {
            let url = format!("{url}/text");
            let large = with(get(&url), header::REFERER, &"x".repeat(20_000));
            match exchange(&transport, large).await {
                Ok(response) => {
                    let seen = (response.status(), response.head.version);
                    assert_eq!(seen, (StatusCode::BAD_REQUEST, Version::HTTP_11), "{name}");
                }
                Err(Error::Transport(error)) => {
                    // curl has but one word for whatever ends an HTTP/2 connection.
                    let kinds = [Closed, Protocol, Refused, Reset];
                    assert!(kinds.contains(&error.kind()), "{name}: {error:?}");
                    assert_eq!(version, Version::HTTP_2, "{name}: {error:?}");
                }
                Err(error) => panic!("{name}: {error:?}"),
            }
            assert_eq!(whole(&transport, get(&url)).await.status(), StatusCode::OK, "{name}");
        }
    });
}

#[test]
fn statuses_are_responses_and_nothing_is_followed() {
    let server = NginxServer::start();
    each(&server, async |name, trusting| {
        let transport = trusting.transport();
        for (url, _) in urls(&server) {
            for (status, field, value) in [
                (204, "", ""),
                (301, "location", "/text"),
                (404, "", ""),
                (429, "retry-after", "7"),
                (503, "", ""),
            ] {
                let response = whole(&transport, get(&format!("{url}/status/{status}"))).await;
                assert_eq!(response.status(), status, "{name}");
                assert!(response.header(field).ends_with(value), "{name}");
            }
        }
    });
}

#[test]
fn a_thousand_calls_64_at_a_time() {
    const AT_A_TIME: usize = 64;
    let server = NginxServer::start();
    let text = NginxServer::text();
    each(&server, async |name, trusting| {
        for (url, version) in urls(&server) {
            let mut settings = trusting.settings();
            settings.max_connections = AT_A_TIME;
            settings.max_keepalive_connections = AT_A_TIME;
            let transport = trusting.with(&settings);
            let client = HttpClient::builder(transport).base_url(&url).build().expect("a client");
            // Without it, each of the first calls makes a connection of its own, for none knows yet of HTTP/2.
            let first = client.get("/text").send().await.expect("nginx answers");
            first.bytes().await.expect("nginx goes on");
            let calls = stream::iter(0..1000).map(|_| {
                let call = client.get("/text").send();
                async {
                    let response = call.await.expect("nginx answers");
                    let connection = response.headers().get("x-connection").cloned();
                    let body = response.bytes().await.expect("nginx goes on");
                    (connection.map(|value| value.as_bytes().to_vec()), body)
                }
            });
            let outcomes = calls.buffer_unordered(AT_A_TIME).collect::<Vec<_>>().await;
            assert!(outcomes.iter().all(|(_, body)| *body == text), "{name}");
            let connections = outcomes.iter().map(|(connection, _)| connection);
            let connections = connections.collect::<BTreeSet<_>>().len();
            if version == Version::HTTP_2 {
                assert_eq!(connections, 1, "{name}");
            }
            // One that is on its way back to the pool is not waited for.
            assert!(connections < 500, "{name}: {connections}");
        }
    });
}
