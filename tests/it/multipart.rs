//! Multipart forms on the wire, as a decoder that we did not write understands them.
#![cfg(all(feature = "reqwest", feature = "retry", feature = "multipart"))]

use std::error::Error as _;
use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use midil_http::{Body, Error, Form, HttpClient, Part, RetryEvent, Transport};
use midil_http_test::MockTransport;
use midil_http_test::fault_server::{FaultServer, Received, Reply};

use crate::support::whole::{Door, TempFile, at_once, by_default, of, on_the_wire, until_left};
use crate::support::{build_error, over};

/// Name, file name, type and content of a part.
type Decoded = (String, Option<String>, Option<String>, Bytes);

/// The parts of a request.
async fn decoded(request: &Received) -> Vec<Decoded> {
    assert!(request.body_complete());
    let content_type = request.header("content-type").expect("a form says that it is one");
    let boundary = multer::parse_boundary(content_type).expect("a boundary");
    let pieces = request.body().chunks(1000).map(Bytes::copy_from_slice).map(Ok::<_, io::Error>);
    let pieces: Vec<_> = pieces.collect();
    let mut parts = multer::Multipart::new(stream::iter(pieces), boundary);
    let mut all = Vec::new();
    while let Some(part) = parts.next_field().await.expect("a whole form") {
        let name = part.name().expect("every part has a name").to_owned();
        let file_name = part.file_name().map(str::to_owned);
        let kind = part.content_type().map(ToString::to_string);
        all.push((name, file_name, kind, part.bytes().await.expect("a whole part")));
    }
    all
}

fn field(name: &str, value: &'static str) -> Decoded {
    (name.to_owned(), None, None, value.into())
}

fn file(name: &str, file_name: &str, kind: &str, content: impl Into<Bytes>) -> Decoded {
    (name.to_owned(), Some(file_name.to_owned()), Some(kind.to_owned()), content.into())
}

fn hello() -> impl futures_util::Stream<Item = io::Result<&'static str>> + Send {
    stream::iter([Ok("hel"), Ok("lo")])
}

#[test]
fn every_kind_of_part_arrives_as_it_was_given() {
    on_the_wire(async {
        let server = FaultServer::always(Reply::ok(""));
        let client = of(&server).build().unwrap();
        let large: Bytes = (0..=250).collect::<Vec<u8>>().repeat(1000).into();
        let on_disk = TempFile::new(&large);
        let form = Form::new()
            .text("\u{fc}ber \"x\"", "a\nb\r\nc")
            .part("json", Part::text("{}").mime("application/json"))
            .part("raw", Part::bytes(large.clone()).file_name("raw\n\u{fc}.png"))
            .part("stream", Part::stream(hello()).file_name("a.csv").mime("text/plain"))
            .file("disk", &on_disk)
            .await
            .unwrap();
        client.post("/").multipart(form).send().await.unwrap();
        let request = server.requests().pop().unwrap();
        assert_eq!(request.header("transfer-encoding"), Some("chunked"), "a stream has no length");
        let disk_name = on_disk.as_ref().file_name().unwrap().to_str().unwrap();
        let json = Some("application/json".to_owned());
        assert_eq!(
            decoded(&request).await,
            [
                field("\u{fc}ber %22x%22", "a\nb\r\nc"),
                ("json".into(), None, json, "{}".into()),
                file("raw", "raw%0A\u{fc}.png", "image/png", large.clone()),
                file("stream", "a.csv", "text/plain", "hello"),
                file("disk", disk_name, "application/octet-stream", large),
            ]
        );
    });
}

#[test]
fn a_form_of_known_length_says_so_and_one_without_parts_is_one() {
    on_the_wire(async {
        let server = FaultServer::always(Reply::ok(""));
        let client = of(&server).build().unwrap();
        let known = Part::stream_with_length(hello(), 5);
        for (form, expected) in [
            (Form::new(), vec![]),
            (Form::new().text("a", "b"), vec![field("a", "b")]),
            (
                Form::new().part("a", known).text("a", "b"),
                vec![field("a", "hello"), field("a", "b")],
            ),
        ] {
            let content_type = form.content_type();
            // What was set before is no boundary of this form.
            let post = client.post("/").header("content-type", "multipart/form-data");
            post.multipart(form).send().await.unwrap();
            let request = server.requests().pop().unwrap();
            let length = request.body().len().to_string();
            assert_eq!(request.header("content-length"), Some(&*length));
            assert_eq!(request.headers_named("content-type").collect::<Vec<_>>(), [content_type]);
            assert_eq!(decoded(&request).await, expected);
        }
    });
}

#[test]
fn a_form_of_files_is_read_from_the_disk_anew_for_each_attempt() {
    on_the_wire(async {
        for door in Door::BOTH {
            let on_disk = TempFile::new(b"first");
            let form = Form::new().text("a", "b").file("f", &on_disk).await.unwrap();
            let path = on_disk.as_ref().to_owned();
            let rewrite = move |_: &mut RetryEvent<'_>| std::fs::write(&path, "later").unwrap();
            let server =
                FaultServer::start([Reply::status(503), Reply::reset_before_head(), Reply::ok("")]);
            let client = door.of(server.url(), at_once().on_retry(rewrite).build().unwrap());
            let response = client.put("/").multipart(form).send().await.unwrap();
            let requests = server.requests();
            assert_eq!((response.status().as_u16(), requests.len()), (200, 3), "{door:?}");
            for (request, content) in requests.iter().zip(["first", "later", "later"]) {
                let parts = decoded(request).await;
                assert_eq!(parts[0], field("a", "b"));
                assert_eq!(parts[1].3, content);
                let first = requests[0].header("content-type");
                assert_eq!(request.header("content-type"), first, "one form, one boundary");
            }
        }
    });
}

#[test]
fn one_stream_makes_a_form_that_is_sent_until_somebody_reads_it() {
    on_the_wire(async {
        for door in Door::BOTH {
            let form = || Form::new().text("a", "b").part("s", Part::stream(hello()));
            let server = FaultServer::start([Reply::status(503).body("busy"), Reply::ok("")]);
            let client = door.of(server.url(), by_default());
            let response = client.put("/").multipart(form()).send().await.unwrap();
            assert_eq!(response.status(), 503, "the first outcome, as it came");
            assert_eq!(response.text().await.unwrap(), "busy");
            assert_eq!(server.request_count(), 1, "{door:?}");

            let port = FaultServer::refusing();
            let url = port.url();
            let place = Arc::new((Mutex::new(Some(port)), Mutex::new(None)));
            let switch = Arc::clone(&place);
            let up = move |_: &mut RetryEvent<'_>| {
                let port = switch.0.lock().unwrap().take().expect("one retry is enough");
                *switch.1.lock().unwrap() = Some(port.start(Reply::ok("")));
            };
            let client = door.of(url, at_once().on_retry(up).build().unwrap());
            client.post("/").multipart(form()).send().await.unwrap();
            let server = place.1.lock().unwrap().take().unwrap();
            let request = server.requests().pop().unwrap();
            assert_eq!(decoded(&request).await, [field("a", "b"), field("s", "hello")]);
        }
    });
}

#[test]
fn a_part_that_fails_is_a_body_error_and_never_a_whole_request() {
    on_the_wire(async {
        let failing = || hello().chain(stream::iter([Err(io::Error::other("unplugged"))]));
        let mended = TempFile::new(b"hello");
        for (what, cause) in [
            ("fails", "unplugged"),
            ("too short", "the body was announced with 6 bytes and has 5: announce what it has"),
            ("too long", "the body was announced with 4 bytes and has 5: announce what it has"),
            ("shrinks", "the body was announced with 5 bytes and has 3: announce what it has"),
        ] {
            let part = match what {
                "fails" => Part::stream(failing()),
                "too short" => Part::stream_with_length(hello(), 6),
                "too long" => Part::stream_with_length(hello(), 4),
                _ => Part::file(&mended).await.unwrap(),
            };
            mended.set_length(3);
            let server = FaultServer::always(Reply::ok("never"));
            let client = of(&server).retry(by_default()).build().unwrap();
            let form = Form::new().text("a", "b").part("p", part).text("c", "d");
            let error = client.put("/").multipart(form).send().await.unwrap_err();
            assert!(matches!(error, Error::Body(_)), "{what}: {error:?}");
            assert_eq!(error.source().unwrap().to_string(), cause, "{what}");
            until_left(&server).await;
            assert!(server.requests().iter().all(|request| !request.body_complete()), "{what}");
            mended.set_length(5);
        }
    });
}

/// A client that must not send.
fn mute() -> HttpClient {
    let mock: Arc<dyn Transport> = Arc::new(MockTransport::new());
    over(mock).build().unwrap()
}

#[tokio::test]
async fn what_cannot_be_sent_is_told_before_anything_is() {
    let missing = std::env::temp_dir().join("midil-http-no-such-file");
    let error = build_error(Form::new().file("f", &missing).await);
    let expected = format!("file {} cannot be read: check that it exists", missing.display());
    assert!(error.starts_with(&expected), "{error}");

    let client = mute();
    for part in [
        Part::text("").mime("text/plain\r\nx-evil: 1"),
        Part::text("").header("x-a", "1\n2"),
        Part::text("").header("x-a", "\0"),
        Part::text("").header("content-disposition", "form-data; name=\"other\""),
        Part::text("").file_name("a\0.png"),
    ] {
        let form = Form::new().part("p", part);
        build_error(client.post("/").multipart(form).send().await);
    }
    build_error(client.post("/").multipart(Form::new().text("a\0", "")).build());
}

#[tokio::test]
async fn a_form_is_a_body_for_those_who_build_requests_themselves() {
    let form = Form::new().text("a", "b");
    let content_type = form.content_type();
    let body = Body::try_from(form).unwrap().collect(1024).await.unwrap();
    let boundary = multer::parse_boundary(content_type).unwrap();
    assert!(body.starts_with(format!("--{boundary}\r\n").as_bytes()));
    assert!(body.ends_with(format!("\r\n--{boundary}--\r\n").as_bytes()));
}
