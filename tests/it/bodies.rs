//! Bodies: how they are framed, sent again, streamed and limited, and that none is ever silently short.
#![cfg(all(feature = "reqwest", feature = "retry"))]

use std::error::Error as StdError;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{AsyncReadExt, Stream, StreamExt, TryStreamExt, stream};
use http::{Method, StatusCode};
use midil_http::{
    Attempt, Body, Error, GiveUpReason, HttpClient, Request, Response, RetryDecision, RetryEvent,
    RetryStrategy, Sent, TransportErrorKind,
};
use midil_http_test::fault_server::{Cut, FaultServer, Gate, Reply};
use midil_http_test::{MockTransport, Reply as Mocked};
use tokio::sync::mpsc;

use crate::support::over;
use crate::support::whole::{
    Door, TempFile, at_once, by_default, failure, of, on_the_wire, until, until_left,
};

/// "hello", in two pieces.
fn hello() -> impl Stream<Item = io::Result<&'static str>> + Send + Sync + Unpin {
    stream::iter([Ok("hel"), Ok("lo")])
}

#[test]
fn a_body_is_framed_by_its_length_where_that_is_known_and_in_chunks_where_not() {
    let none = || stream::empty::<io::Result<&str>>();
    on_the_wire(async {
        let server = FaultServer::always(Reply::ok(""));
        let client = of(&server).build().unwrap();
        for (what, body, length, text) in [
            ("nothing", Body::empty(), Some("0"), ""),
            ("no bytes", Body::from(""), Some("0"), ""),
            ("bytes", Body::from("hello"), Some("5"), "hello"),
            ("a factory", Body::replayable(None, hello), None, "hello"),
            ("a factory of some length", Body::replayable(Some(5), hello), Some("5"), "hello"),
            ("a file", TempFile::new(b"").body().await, Some("0"), ""),
            ("a stream", Body::stream(hello()), None, "hello"),
            ("a stream of some length", Body::stream_with_length(hello(), 5), Some("5"), "hello"),
            ("an empty stream", Body::stream(none()), None, ""),
            ("a stream of no length", Body::stream_with_length(none(), 0), Some("0"), ""),
        ] {
            client.post("/").body(body).send().await.unwrap();
            let request = server.requests().pop().unwrap();
            assert_eq!(request.header("content-length"), length, "{what}");
            let chunked = length.is_none().then_some("chunked");
            assert_eq!(request.header("transfer-encoding"), chunked, "{what}");
            assert_eq!(
                (request.body(), request.body_complete()),
                (text.as_bytes(), true),
                "{what}"
            );
        }
        client.get("/").send().await.unwrap();
        let request = server.requests().pop().unwrap();
        assert_eq!(request.header("content-length").or(request.header("transfer-encoding")), None);
    });
}

#[test]
fn json_and_forms_are_written_as_they_should_be_and_say_so() {
    on_the_wire(async {
        let server = FaultServer::always(Reply::ok(""));
        let client = of(&server).build().unwrap();
        let json = serde_json::json!({ "name": "Ada \"ℵ\"", "tags": [1, 2.5, null] });
        let form = [("name", "Ada & Co"), ("tag", "1"), ("tag", "ü+")];
        for (post, kind, text) in [
            (client.post("/").json(&json), "application/json", &*json.to_string()),
            (
                client.post("/").form(&form),
                "application/x-www-form-urlencoded",
                "name=Ada+%26+Co&tag=1&tag=%C3%BC%2B",
            ),
        ] {
            post.send().await.unwrap();
            let request = server.requests().pop().unwrap();
            assert_eq!(request.header("content-type"), Some(kind));
            assert_eq!(String::from_utf8_lossy(request.body()), text);
            assert_eq!(request.header("content-length"), Some(&*text.len().to_string()));
        }
    });
}

/// What is sent on each attempt: 5 MiB in which no piece can pass for another.
async fn sends_5_mib_again(door: Door) {
    let content: Bytes = (0..=250).collect::<Vec<u8>>().repeat((5 << 20) / 251 + 1).into();
    let content = content.slice(..5 << 20);
    let file = TempFile::new(&content);
    let pieces = {
        let content = content.clone();
        move || {
            let pieces: Vec<_> = content.chunks(300_000).map(Bytes::copy_from_slice).collect();
            stream::iter(pieces.into_iter().map(Ok::<_, io::Error>))
        }
    };
    for (what, body) in [
        ("bytes", Body::from(content.clone())),
        ("a factory of some length", Body::replayable(Some(5 << 20), pieces.clone())),
        ("a factory", Body::replayable(None, pieces)),
        ("a file", file.body().await),
    ] {
        let server = FaultServer::start([503, 503, 200].map(Reply::status));
        let client = door.of(server.url(), by_default());
        let response = client.put("/").body(body).send().await.expect(what);
        let statuses = (response.status().as_u16(), server.request_count());
        assert_eq!(statuses, (200, 3), "{what}, {door:?}");
        for request in server.requests() {
            assert!(request.body_complete(), "{what}");
            assert!(request.body() == content, "{what}: {request:?}");
        }
    }
}

#[test]
fn a_replayable_body_is_the_same_on_each_attempt() {
    on_the_wire(sends_5_mib_again(Door::Client));
}

#[test]
fn a_replayable_body_is_the_same_on_each_attempt_of_a_retry_transport() {
    on_the_wire(sends_5_mib_again(Door::Transport));
}

#[test]
fn once_a_stream_was_touched_the_first_outcome_is_returned_as_it_came() {
    let again = |attempt: &Attempt<'_>| match attempt.number {
        1..9 => RetryDecision::Retry { after: Duration::ZERO },
        _ => RetryDecision::Accept,
    };
    let enough = |_: &Attempt<'_>| RetryDecision::GiveUp { reason: GiveUpReason::Attempts };
    let strategies: [(&str, Arc<dyn RetryStrategy>); 3] = [
        ("the default", Arc::new(by_default())),
        ("always again", Arc::new(again)),
        ("never again", Arc::new(enough)),
    ];
    on_the_wire(async {
        for (name, strategy) in strategies {
            for door in Door::BOTH {
                let server = FaultServer::start([
                    Reply::status(503).body("busy"),
                    Reply::reset_before_head(),
                    Reply::ok(""),
                ]);
                let client = door.of(server.url(), Arc::clone(&strategy));

                let response = client.put("/").body(Body::stream(hello())).send().await.unwrap();
                assert_eq!((response.status().as_u16(), response.attempts()), (503, 1), "{name}");
                assert_eq!(response.text().await.unwrap(), "busy");

                let error = client.put("/").body(Body::stream(hello())).send().await.unwrap_err();
                let Error::Transport(error) = error else { panic!("{name}: {error:?}") };
                assert_eq!(error.kind(), TransportErrorKind::Reset);
                assert_eq!(server.request_count(), 2, "{name}, {door:?}");
            }
        }
    });
}

#[test]
fn a_stream_that_nobody_has_read_from_is_still_sent() {
    on_the_wire(async {
        for door in Door::BOTH {
            for (method, body) in [
                (Method::PUT, Body::stream(hello())),
                (Method::POST, Body::stream(hello())),
                (Method::POST, Body::stream_with_length(hello(), 5)),
            ] {
                let port = FaultServer::refusing();
                let url = port.url();
                // The server comes up between the attempts.
                let place = Arc::new((Mutex::new(Some(port)), Mutex::new(None)));
                let switch = Arc::clone(&place);
                let up = move |_: &mut RetryEvent<'_>| {
                    let port = switch.0.lock().unwrap().take().expect("one retry is enough");
                    *switch.1.lock().unwrap() = Some(port.start(Reply::ok("")));
                };
                let strategy = at_once().on_retry(up).build().unwrap();
                let client = door.of(url, strategy);
                client.request(method, "/").body(body).send().await.unwrap();
                let server = place.1.lock().unwrap().take().unwrap();
                let requests = server.requests();
                assert_eq!((requests.len(), requests[0].body()), (1, &b"hello"[..]), "{door:?}");
            }
        }
    });
}

#[test]
fn an_upload_is_streamed() {
    on_the_wire(async {
        let server = FaultServer::always(Reply::ok("thanks"));
        let (sender, receiver) = mpsc::channel::<&str>(1);
        let pieces = stream::unfold(receiver, |mut receiver| async {
            let piece = receiver.recv().await?;
            Some((Ok::<_, io::Error>(piece), receiver))
        });
        let client = of(&server).build().unwrap();
        let call = tokio::spawn(client.post("/").body(Body::stream(pieces)).send());
        let mut sent = 0;
        for piece in ["a", "bc", "def"] {
            sender.send(piece).await.unwrap();
            sent += u64::try_from(piece.len()).unwrap();
            // The next one is not there yet.
            until(|| server.body_bytes_received() == sent).await;
        }
        drop(sender);
        assert_eq!(call.await.unwrap().unwrap().text().await.unwrap(), "thanks");
        assert_eq!(server.requests()[0].body(), b"abcdef");
    });
}

#[test]
fn a_download_is_streamed() {
    on_the_wire(async {
        for reply in [Reply::ok("hello, world"), Reply::ok("").chunked(["hello, ", "world"])] {
            let gate = Gate::new();
            let server = FaultServer::always(reply.hold_body_after(7, &gate));
            let client = of(&server).build().unwrap();
            let mut response = client.get("/").send().await.unwrap();
            // The rest is not there yet.
            assert_eq!(response.chunk().await.unwrap().unwrap(), "hello, ");
            gate.open();
            let mut rest = response.stream();
            assert_eq!(rest.next().await.unwrap().unwrap(), "world");
            assert!(rest.next().await.is_none());
        }
    });
}

/// Reads a response in one of all ways; gives back what was read.
async fn read(how: &str, mut response: Response) -> Result<String, Error> {
    let mut read = Vec::new();
    match how {
        "bytes" => return Ok(String::from_utf8_lossy(&response.bytes().await?).into_owned()),
        "text" => return response.text().await,
        "json" => return Ok(response.json::<serde_json::Value>().await?.to_string()),
        "read_to_end" => response.read_to_end(&mut read).await?,
        "chunk" => {
            while let Some(chunk) = response.chunk().await? {
                read.extend_from_slice(&chunk);
            }
        }
        "stream" => {
            let mut stream = response.stream();
            while let Some(chunk) = stream.try_next().await? {
                read.extend_from_slice(&chunk);
            }
        }
        "reader" => {
            let outcome = response.reader().read_to_end(&mut read).await;
            // What reads know only errors of the standard library; ours is in there.
            outcome.map_err(|error| {
                match error.into_inner().map(|error| error.downcast::<Error>()) {
                    Some(Ok(error)) => *error,
                    other => panic!("{other:?}"),
                }
            })?;
        }
        "save" => {
            let file = TempFile::new(b"before");
            match response.save(&file).await {
                Ok(length) => {
                    read = std::fs::read(&file).expect("it was saved");
                    assert_eq!(u64::try_from(read.len()), Ok(length));
                }
                Err(error) => {
                    assert_eq!(std::fs::read(&file).expect("it is still there"), b"before");
                    return Err(error);
                }
            }
        }
        _ => panic!("there is no such way"),
    }
    Ok(String::from_utf8_lossy(&read).into_owned())
}

const WAYS: [&str; 8] =
    ["bytes", "text", "json", "read_to_end", "chunk", "stream", "reader", "save"];

#[tokio::test]
async fn what_is_read_into_memory_has_a_limit_and_streams_have_none() {
    for (body, chunks) in [("12345", ["12345", ""]), ("123456", ["123", "456"])] {
        let pieces = move || stream::iter(chunks.map(Ok::<_, io::Error>));
        let mock = MockTransport::always(Mocked::ok().body(Body::replayable(None, pieces)));
        let client = over(mock).max_response_bytes(5).build().unwrap();
        for how in WAYS {
            let outcome = read(how, client.get("/").send().await.unwrap()).await;
            if body.len() <= 5 || ["chunk", "stream", "reader", "save"].contains(&how) {
                assert_eq!(outcome.unwrap(), body, "{how}");
                continue;
            }
            let Err(Error::Limit(error)) = outcome else { panic!("{how}: {outcome:?}") };
            assert_eq!(error.setting(), "max_response_bytes");
            assert!(error.to_string().contains("more than 5 bytes: raise max_response_bytes"));
        }
    }
}

#[tokio::test]
async fn the_limit_is_64_mib_by_default() {
    let mebibyte = Bytes::from(vec![b' '; 1 << 20]);
    for (mebibytes, more, fits) in [(64, "", true), (64, "x", false)] {
        let mebibyte = mebibyte.clone();
        let pieces = move || {
            let last = stream::iter((!more.is_empty()).then(|| Ok(Bytes::from(more))));
            let mebibyte = mebibyte.clone();
            stream::iter(0..mebibytes)
                .map(move |_| Ok::<_, io::Error>(mebibyte.clone()))
                .chain(last)
        };
        let mock = MockTransport::always(Mocked::ok().body(Body::replayable(None, pieces)));
        let outcome = over(mock).build().unwrap().get("/").send().await.unwrap().bytes().await;
        assert_eq!(outcome.is_ok(), fits, "{:?}", outcome.map(|bytes| bytes.len()));
    }
}

#[test]
fn what_is_over_the_limit_is_not_read_to_its_end() {
    on_the_wire(async {
        let gate = Gate::new();
        let server = FaultServer::always(Reply::ok(vec![0; 1000]).hold_body_after(999, &gate));
        let client = of(&server).max_response_bytes(100).build().unwrap();
        let error = client.get("/").send().await.unwrap().bytes().await.unwrap_err();
        assert!(matches!(error, Error::Limit(_)), "{error:?}");
        until_left(&server).await;
    });
}

/// The pieces of JSON that are left are JSON, too.
#[test]
fn a_body_that_is_cut_is_an_error_however_it_is_read() {
    let whole = || Reply::ok("12345");
    let chunked = || Reply::ok("").chunked(["123", "45"]);
    let cuts = [
        ("shorter than its length", whole().content_length(100)),
        ("closed before its length", whole().cut_body_after(3, Cut::Close)),
        ("reset before its length", whole().cut_body_after(3, Cut::Reset)),
        ("closed within a chunk", chunked().cut_body_after(2, Cut::Close)),
        ("closed between chunks", chunked().cut_body_after(3, Cut::Close)),
        ("closed before the last chunk", chunked().cut_body_after(5, Cut::Close)),
        ("reset within a chunk", chunked().cut_body_after(4, Cut::Reset)),
        ("reset without framing", whole().until_close().cut_body_after(3, Cut::Reset)),
        (
            "no chunk",
            Reply::raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n1\r\n?\r\n"),
        ),
    ];
    on_the_wire(async {
        for (cut, reply) in cuts {
            for how in WAYS {
                let server = FaultServer::always(reply.clone());
                let client = of(&server).retry(by_default()).build().unwrap();
                // The cut may come before anybody looks.
                let outcome = match client.get("/").send().await {
                    Ok(response) => read(how, response).await,
                    Err(error) => panic!("{cut}: {error:?}"),
                };
                let Err(Error::Transport(error)) = outcome else {
                    panic!("{cut}, {how}: {outcome:?}")
                };
                assert_eq!(error.sent(), Sent::Maybe, "{cut}, {how}");
                assert_eq!(server.request_count(), 1, "what was handed over is not sent again");
            }
        }
    });
}

#[tokio::test]
async fn a_transport_that_hides_a_cut_is_seen_through() {
    let pieces = || stream::iter([Ok::<_, io::Error>("1"), Ok("23")]);
    let bodies: [fn() -> Body; 3] =
        [Body::empty, || "123".into(), || Body::wrap(Body::from("123"))];
    for body in bodies.into_iter().map(|body| body()).chain([Body::stream(pieces())]) {
        let shown = format!("{body:?}");
        let cut = Mocked::ok().header("content-length", "5").body(body);
        let client = over(MockTransport::sequence([cut])).build().unwrap();
        let outcome = client.get("/").send().await.unwrap().bytes().await;
        assert!(matches!(outcome, Err(Error::Transport(_))), "{shown}: {outcome:?}");
    }
}

#[test]
fn what_has_no_body_is_not_short() {
    on_the_wire(async {
        let length = |status| Reply::status(status).header("content-length", "5");
        let server = FaultServer::start([Reply::ok("hello"), length(304), Reply::status(204)]);
        let client = of(&server).build().unwrap();
        for method in [Method::HEAD, Method::GET, Method::GET] {
            let response = client.request(method, "/").send().await.unwrap();
            assert_eq!(response.bytes().await.unwrap(), "");
        }
        assert_eq!(server.connections(), 1);
    });
}

#[tokio::test]
async fn a_whole_body_that_is_no_json_is_a_decode_error() {
    for text in ["", "{", "[1,]", "12 34", "\"Ada"] {
        let client = over(MockTransport::always(Mocked::ok().body(text))).build().unwrap();
        let outcome = client.get("/").send().await.unwrap().json::<serde_json::Value>().await;
        assert!(matches!(outcome, Err(Error::Decode(_))), "{text}: {outcome:?}");
    }
}

#[test]
fn trailers_are_passed_over() {
    on_the_wire(async {
        let reply = Reply::ok("").chunked(["12", "345"]).trailer("x-count", "5");
        let server = FaultServer::always(reply);
        let client = of(&server).build().unwrap();
        for how in WAYS {
            let response = client.get("/").send().await.unwrap();
            assert_eq!(read(how, response).await.unwrap(), "12345", "{how}");
        }
        assert_eq!(server.connections(), 1);
    });
}

/// What the stream of an upload failed with.
#[track_caller]
fn cause(error: &Error) -> &(dyn StdError + 'static) {
    assert!(matches!(error, Error::Body(_)), "{error:?}");
    error.source().expect("a cause")
}

#[test]
fn a_stream_that_fails_is_a_body_error_with_its_cause_and_nothing_is_retried() {
    let failing = |after: usize| {
        let pieces = stream::iter((0..after).map(|_| Ok("some")));
        pieces.chain(stream::iter([Err(io::Error::other("unplugged"))]))
    };
    on_the_wire(async {
        for door in Door::BOTH {
            for method in [Method::PUT, Method::POST] {
                for (after, body) in [
                    (0, Body::stream(failing(0))),
                    (3, Body::stream(failing(3))),
                    (3, Body::stream_with_length(failing(3), 100)),
                    (3, Body::replayable(None, move || failing(3))),
                    (3, Body::replayable(Some(100), move || failing(3))),
                    (100_000, Body::replayable(None, move || failing(100_000))),
                ] {
                    let server = FaultServer::always(Reply::ok("never"));
                    let client = door.of(server.url(), by_default());
                    let outcome = client.request(method.clone(), "/").body(body).send().await;
                    let error = outcome.unwrap_err();
                    let cause = cause(&error).downcast_ref::<io::Error>().expect("as it was");
                    assert_eq!(cause.to_string(), "unplugged", "{method} after {after}, {door:?}");
                    until_left(&server).await;
                    let requests = server.requests();
                    assert!(requests.len() <= 1 && server.connections() == 1, "{requests:?}");
                    assert!(requests.iter().all(|request| !request.body_complete()));
                }
            }
        }
    });
}

#[test]
fn a_body_of_another_length_than_announced_is_a_body_error() {
    on_the_wire(async {
        for (announced, what) in [(4, "announced with 4 bytes"), (6, "6 bytes and has 5")] {
            for body in [
                Body::stream_with_length(hello(), announced),
                Body::replayable(Some(announced), hello),
            ] {
                let server = FaultServer::always(Reply::ok("never"));
                let client = of(&server).retry(by_default()).build().unwrap();
                let error = client.put("/").body(body).send().await.unwrap_err();
                assert!(cause(&error).to_string().contains(what), "{:?}", cause(&error));
                until_left(&server).await;
                assert!(server.requests().iter().all(|request| !request.body_complete()));
            }
        }
    });
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_named_before_anything_is_sent() {
    let missing = std::env::temp_dir().join("midil-http-no-such-file");
    for path in [missing, std::env::temp_dir()] {
        let Err(Error::Build(error)) = Body::file(&path).await else { panic!("{path:?}") };
        assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
    }
}

/// What becomes of a file between the making of the body and its sending.
#[test]
fn a_file_that_changes_is_a_body_error() {
    const LENGTH: usize = 200_000;
    type Change = fn(&TempFile);
    let changes: [(Change, &str); 3] = [
        (|file| file.set_length(100_000), "announced with 200000 bytes and has 100000"),
        (|file| file.set_length(300_000), "announced with 200000 bytes and has 262144"),
        (|file| std::fs::remove_file(file).expect("it was there"), "No such file"),
    ];
    on_the_wire(async {
        for (change, expected) in changes {
            let file = TempFile::new(&[7; LENGTH]);
            let server = FaultServer::always(Reply::ok("never"));
            let client = of(&server).retry(by_default()).build().unwrap();
            let body = file.body().await;
            change(&file);
            let error = client.put("/").body(body).send().await.unwrap_err();
            assert!(cause(&error).to_string().contains(expected), "{:?}", cause(&error));
            until_left(&server).await;
            assert!(server.requests().iter().all(|request| !request.body_complete()));
        }
    });
}

#[test]
fn a_file_that_shrinks_between_attempts_is_a_body_error_too() {
    on_the_wire(async {
        let file = Arc::new(TempFile::new(&[7; 200_000]));
        let server = FaultServer::always(Reply::status(503));
        let shrunk = Arc::clone(&file);
        let hook = move |_: &mut RetryEvent<'_>| shrunk.set_length(10);
        let strategy = at_once().on_retry(hook).build().unwrap();
        let client = of(&server).retry(strategy).build().unwrap();
        let error = client.put("/").body(file.body().await).send().await.unwrap_err();
        assert!(cause(&error).to_string().contains("and has 10"), "{:?}", cause(&error));
        until_left(&server).await;
        let complete: Vec<_> =
            server.requests().iter().map(|request| request.body_complete()).collect();
        assert!([vec![true], vec![true, false]].contains(&complete), "{complete:?}");
    });
}

/// Whoever sends twice, a body that can be read once is read once.
#[tokio::test]
async fn a_stream_is_never_sent_by_two() {
    let twice = |request: Request| async move {
        let (head, mut body) = request.into_parts();
        body.chunk().await?;
        drop((head, body));
        Err::<http::Response<Body>, _>(failure(TransportErrorKind::Refused, Sent::No))
    };
    let client = over(twice).retry(by_default()).build().unwrap();
    // Though nothing was sent, says the transport: what it has read is gone.
    let error = client.post("/").body(Body::stream(hello())).send().await.unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error:?}");
    let error = client.post("/").body("hello").send().await.unwrap_err();
    assert!(matches!(error, Error::RetryExhausted(_)), "{error:?}");
}

#[tokio::test]
async fn a_redirect_that_would_send_a_touched_stream_again_is_returned() {
    for (read, status) in [(true, StatusCode::TEMPORARY_REDIRECT), (false, StatusCode::OK)] {
        let moved = Mocked::status(307).header("location", "/b");
        let moved = if read { moved } else { moved.without_reading_body() };
        let mock = MockTransport::sequence([moved]).reply_always(Mocked::ok());
        let client = over(mock.clone()).build().unwrap();
        let response = client.put("/").body(Body::stream(hello())).send().await.unwrap();
        assert_eq!(response.status(), status);
        drop(mock.mismatch());
    }
}

/// curl has a thread of its own, on which there is no tokio; the caller's stream finds it all the same.
#[cfg(feature = "isahc")]
#[test]
fn a_stream_that_needs_tokio_goes_over_isahc() {
    on_the_wire(async {
        let server = FaultServer::always(Reply::ok("thanks"));
        let transport = midil_http::IsahcTransport::try_new().expect("good settings");
        let http = HttpClient::builder(transport).base_url(server.url()).build().expect("good");
        let slow = stream::iter(["hel", "lo"]).then(|piece| async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            tokio::task::spawn_blocking(move || piece).await
        });
        let response = http.post("/").body(Body::stream(slow)).send().await.expect("an answer");
        assert_eq!(response.text().await.expect("whole"), "thanks");
        assert_eq!(server.requests()[0].body(), b"hello");
    });
}
