//! Responses as users want them: text of any charset, readers, files, trailers.
#![cfg(all(feature = "reqwest", feature = "retry"))]

use futures_util::io::{AsyncBufReadExt, AsyncReadExt};
use futures_util::{FutureExt, TryStreamExt};
use midil_http_test::fault_server::{FaultServer, Gate, Reply};

use crate::support::whole::{TempFile, of, on_the_wire, until, until_left};

#[test]
fn text_is_read_in_the_charset_that_the_server_names() {
    on_the_wire(async {
        for (content_type, bytes, text) in [
            (Some("text/plain; charset=ISO-8859-1"), &b"\xFCber"[..], "\u{fc}ber"),
            (Some("text/plain; charset=\"windows-1252\""), b"\x80", "\u{20ac}"),
            (Some("text/plain; charset=utf-16le"), b"h\0i\0", "hi"),
            (Some("text/plain; charset=utf-8"), b"\xFF\xFEh\0i\0", "hi"),
            (Some("text/plain; charset=klingon"), "\u{fc}ber".as_bytes(), "\u{fc}ber"),
            (None, b"\xEF\xBB\xBFa\xFF", "a\u{fffd}"),
        ] {
            let reply = Reply::ok(bytes);
            let reply = match content_type {
                Some(value) => reply.header("content-type", value),
                None => reply,
            };
            let server = FaultServer::always(reply);
            let client = of(&server).build().unwrap();
            let response = client.get("/").send().await.unwrap();
            assert_eq!(response.text().await.unwrap(), text, "{content_type:?}");
        }
    });
}

#[test]
fn a_reader_streams() {
    on_the_wire(async {
        let gate = Gate::new();
        let reply = Reply::ok("").chunked(["one\ntw", "o\nthree"]).hold_body_after(6, &gate);
        let server = FaultServer::always(reply);
        let client = of(&server).build().unwrap();
        let mut reader = client.get("/").send().await.unwrap().reader();
        let mut line = String::new();
        reader.read_line(&mut line).await.unwrap();
        // The rest is not there yet.
        assert_eq!(line, "one\n");
        let mut piece = [0; 8];
        assert_eq!(reader.read(&mut piece).await.unwrap(), 2);
        assert_eq!(&piece[..2], b"tw");
        assert!(reader.read(&mut piece).now_or_never().is_none());
        gate.open();
        let rest: Vec<_> = reader.lines().try_collect().await.unwrap();
        assert_eq!(rest, ["o", "three"]);
    });
}

#[test]
fn trailers_are_known_when_the_body_is_over() {
    on_the_wire(async {
        let chunked = || Reply::ok("").chunked(["12", "345"]);
        let server = FaultServer::start([
            chunked().trailer("x-count", "5").trailer("x-sum", "15"),
            chunked().trailer("x-count", "5"),
            chunked(),
        ]);
        let client = of(&server).build().unwrap();

        let mut response = client.get("/").send().await.unwrap();
        assert_eq!(response.chunk().await.unwrap().unwrap(), "12");
        assert!(response.trailers().is_none(), "the body is not over");
        while response.chunk().await.unwrap().is_some() {}
        let trailers = response.trailers().unwrap();
        assert_eq!(
            (trailers.len(), &trailers["x-count"], &trailers["x-sum"]),
            (2, &"5".parse().unwrap(), &"15".parse().unwrap())
        );

        let mut response = client.get("/").send().await.unwrap();
        response.read_to_end(&mut Vec::new()).await.unwrap();
        assert_eq!(response.trailers().unwrap()["x-count"], "5");

        let mut response = client.get("/").send().await.unwrap();
        response.read_to_end(&mut Vec::new()).await.unwrap();
        assert!(response.trailers().is_none());
    });
}

#[test]
fn a_file_that_is_being_saved_is_not_seen_and_a_dropped_one_leaves_nothing() {
    on_the_wire(async {
        // A megabyte, so that some of it is on the disk before the server goes on.
        let gate = Gate::new();
        let reply = Reply::ok(vec![7; 1 << 20]).hold_body_after(1_000_000, &gate);
        let server = FaultServer::always(reply);
        let client = of(&server).build().unwrap();
        let parent = TempFile::new(b"");
        std::fs::remove_file(&parent).unwrap();
        std::fs::create_dir(&parent).unwrap();
        let path = parent.as_ref().join("report");
        let partial = || {
            let entry = std::fs::read_dir(&parent).unwrap().next()?.unwrap();
            Some((entry.file_name() == "report", entry.metadata().unwrap().len()))
        };
        for dropped in [true, false] {
            let response = client.get("/").send().await.unwrap();
            let saving = tokio::spawn(response.save(path.clone()));
            until(|| partial().is_some_and(|(final_name, length)| !final_name && length > 0)).await;
            if dropped {
                saving.abort();
                assert!(saving.await.unwrap_err().is_cancelled());
                until(|| partial().is_none()).await;
                until_left(&server).await;
            } else {
                gate.open();
                assert_eq!(saving.await.unwrap().unwrap(), 1 << 20);
                assert_eq!(partial(), Some((true, 1 << 20)));
            }
        }
        std::fs::remove_dir_all(&parent).unwrap();
    });
}
