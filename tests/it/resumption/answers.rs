//! What is taken for the rest of a resource, and what is not.

use super::*;

#[test]
fn it_goes_on_where_it_broke_off() {
    let (text, requests) = download([begun("hello"), rest(5)]);
    assert_eq!(text.unwrap(), HELLO);
    assert_eq!(asked(&requests[0]), (None, None));
    assert_eq!(asked(&requests[1]), (Some("bytes=5-"), Some(TAG)));
}

#[test]
fn it_may_break_off_again_and_before_the_first_byte() {
    let again = tagged(206).header("content-range", "bytes 0-11/12").body(torn("hello"));
    let (text, requests) = download([begun(""), again, rest(5)]);
    assert_eq!(text.unwrap(), HELLO);
    assert_eq!(asked(&requests[1]), (Some("bytes=0-"), Some(TAG)));
    assert_eq!(asked(&requests[2]), (Some("bytes=5-"), Some(TAG)));
}

#[test]
fn a_body_that_is_too_short_goes_on() {
    let short = || tagged(200).header("content-length", "12").body("hello");
    let (text, _) = download([short(), rest(5)]);
    assert_eq!(text.unwrap(), HELLO);
    // So does one that is framed as a smaller part than was asked for, which a server may send.
    let part = tagged(206).header("content-range", "bytes 5-8/12").body(", wo");
    let (text, requests) = download([short(), part, rest(9)]);
    assert_eq!(text.unwrap(), HELLO);
    assert_eq!(asked(&requests[2]).0, Some("bytes=9-"));
}

#[test]
fn the_length_need_not_be_known() {
    let unknown = || tagged(200).body(torn("hello"));
    let (text, _) = download([unknown(), rest(5)]);
    assert_eq!(text.unwrap(), HELLO);

    // Where nobody ever says it, the server is asked whether there is more.
    let open = tagged(206).header("content-range", "bytes 5-11/*").body(", world");
    let nothing = tagged(416).header("content-range", "bytes */12").body("no such range");
    let (text, requests) = download([unknown(), open, nothing]);
    assert_eq!(text.unwrap(), HELLO);
    assert_eq!(asked(&requests[2]).0, Some("bytes=12-"));
}

#[test]
fn what_breaks_off_behind_its_last_byte_is_whole() {
    let (text, _) = download([begun(HELLO)]);
    assert_eq!(text.unwrap(), HELLO);
    let torn_end = tagged(206).header("content-range", "bytes 5-11/12").body(torn(", world"));
    let (text, _) = download([begun("hello"), torn_end]);
    assert_eq!(text.unwrap(), HELLO);
    // Of an unknown length, it is only when the server says so.
    let nothing = tagged(416).header("content-range", "bytes */12");
    let (text, _) = download([tagged(200).body(torn(HELLO)), nothing]);
    assert_eq!(text.unwrap(), HELLO);
}

#[test]
fn a_date_stands_in_for_a_tag() {
    let dated = |status| {
        let reply = Reply::status(status).header("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        reply.header("last-modified", "Sun, 06 Nov 1994 08:49:36 GMT")
    };
    let rest = dated(206).header("content-range", "bytes 5-11/12").body(", world");
    let (text, requests) = download([dated(200).body(torn("hello")), rest]);
    assert_eq!(text.unwrap(), HELLO);
    let date = Some("Sun, 06 Nov 1994 08:49:36 GMT");
    assert_eq!(asked(&requests[1]), (Some("bytes=5-"), date));

    let newer = Reply::status(206)
        .header("date", "Sun, 06 Nov 1994 08:50:00 GMT")
        .header("last-modified", "Sun, 06 Nov 1994 08:49:50 GMT")
        .header("content-range", "bytes 5-11/12")
        .body(", there");
    let message = not_resumed(download([dated(200).body(torn("hello")), newer]).0);
    assert!(message.contains("it has another Last-Modified"), "{message}");
}

#[test]
fn a_server_without_ranges_sends_all_and_what_is_there_is_passed_over() {
    let whole = || tagged(200).header("content-length", "12").body(HELLO);
    let (text, _) = download([begun("hello"), whole()]);
    assert_eq!(text.unwrap(), HELLO);
    let (text, _) = download([begun("hello, w"), begun("hel"), whole()]);
    assert_eq!(text.unwrap(), HELLO, "it may break off among what is there");
    let (text, _) = download([tagged(200).body(torn("hello")), tagged(200).body(HELLO)]);
    assert_eq!(text.unwrap(), HELLO, "without a length");
    let again =
        [tagged(200).body(torn("hello, w")), tagged(200).body("hel"), tagged(200).body(HELLO)];
    let (text, _) = download(again);
    assert_eq!(text.unwrap(), HELLO, "without a length, it may end among what is there");
}

/// Trailers are of the end. Those of a part in the middle are not handed on there, where a reader would take them for it.
#[test]
fn trailers_come_at_the_end_alone() {
    fn with_trailers(data: &'static str, value: &'static str) -> Body {
        let mut trailers = http::HeaderMap::new();
        trailers.insert("x-sum", http::HeaderValue::from_static(value));
        Body::wrap(Frames(vec![Frame::trailers(trailers), Frame::data(data.into())]))
    }
    struct Frames(Vec<Frame<Bytes>>);
    impl http_body::Body for Frames {
        type Data = Bytes;
        type Error = Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
            Poll::Ready(self.0.pop().map(Ok))
        }
    }
    let part = |range: &'static str, data, sum| {
        tagged(206).header("content-range", range).body(with_trailers(data, sum))
    };
    let (middle, last) =
        (part("bytes 5-8/12", ", wo", "middle"), part("bytes 9-11/12", "rld", "end"));
    let runtime = ManualRuntime::new();
    let mock = MockTransport::sequence([begun("hello"), middle, last]);
    let client = client(&mock, &runtime).build().unwrap();
    let frames = runtime.block_on(async {
        let response = client.get("/a").resumable(true).send().await.unwrap();
        let mut body = response.into_http().into_body();
        let mut frames = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.unwrap();
            frames.push(match frame.into_data() {
                Ok(data) => String::from_utf8(data.to_vec()).unwrap(),
                Err(frame) => format!("{:?}", frame.trailers_ref().unwrap()["x-sum"]),
            });
        }
        frames
    });
    assert_eq!(frames, ["hello", ", wo", "rld", "\"end\""]);
}

#[test]
fn nothing_is_spliced() {
    let part = |range: &str| tagged(206).header("content-range", range.to_owned()).body(", world");
    let other = |status: u16, name: &'static str, value: &'static str| {
        let reply = Reply::status(status).header("content-range", "bytes 5-11/12");
        reply.header(name, value).body(", there")
    };
    let multipart = || {
        let reply = tagged(206).header("content-type", "Multipart/Byteranges; boundary=x");
        reply.body("--x\r\ncontent-range: bytes 5-11/12\r\n\r\n, world\r\n--x--")
    };
    let whole = |tag: &'static str| Reply::ok().header("etag", tag).body("hello, there");
    for (case, answer, says) in [
        ("another tag", other(206, "etag", "\"v2\""), "its ETag is another"),
        ("a weak tag", other(206, "etag", "W/\"v1\""), "its ETag is another"),
        ("no tag", other(206, "x-none", ""), "its ETag is another"),
        ("all of another", whole("\"v2\""), "its ETag is another"),
        ("all of a weak tag", whole("W/\"v1\""), "its ETag is another"),
        ("all of no tag", Reply::ok().body("hello, there"), "its ETag is another"),
        (
            "all of a length",
            tagged(200).header("content-length", "4").body("hell"),
            "another length",
        ),
        ("all of an encoding", tagged(200).header("content-encoding", "br"), "Content-Encoding"),
        ("another encoding", part("bytes 5-11/12").header("content-encoding", "br"), "Encoding"),
        ("another length", part("bytes 5-11/13"), "another length"),
        ("an earlier start", part("bytes 4-11/12"), "another range"),
        ("a later start", part("bytes 6-11/12"), "another range"),
        ("a range that cannot be", part("bytes 11-5/12"), "which range"),
        ("an end beyond", part("bytes 5-12/*"), "another range"),
        ("another unit", part("lines 5-11/12"), "which range"),
        ("no range", tagged(206).body(", world"), "which range"),
        (
            "two ranges",
            part("bytes 5-11/12").header("content-range", "bytes 5-11/12"),
            "which range",
        ),
        ("several ranges", multipart(), "several ranges"),
        ("none, for it is shorter", tagged(416).header("content-range", "bytes */4"), "shorter"),
        ("none, of all", Reply::status(416).header("content-range", "bytes */5"), "ETag"),
        ("none, of what", tagged(416), "shorter"),
        ("not modified", tagged(304), "status 304"),
        ("elsewhere", Reply::status(302).header("location", "/b"), "status 302"),
        ("not found", Reply::status(404), "status 404"),
        ("no content", Reply::status(204), "status 204"),
        ("not implemented", Reply::status(501), "status 501"),
    ] {
        let message = not_resumed(download([begun("hello"), answer]).0);
        assert!(message.contains(says), "{case}: {message}");
        assert!(message.ends_with(": begin it anew"), "{case}: {message}");
        assert!(!message.contains("v1"), "{case}: {message}");
    }
}

#[test]
fn what_is_handed_on_before_the_error_is_of_the_resource() {
    let (runtime, changed) = (ManualRuntime::new(), Reply::ok().header("etag", "\"v2\"").body("x"));
    let mock = MockTransport::sequence([begun("hello"), changed]);
    let client = client(&mock, &runtime).build().unwrap();
    runtime.block_on(async {
        let mut response = client.get("/a").resumable(true).send().await.unwrap();
        assert_eq!(response.chunk().await.unwrap().unwrap(), "hello");
        not_resumed(response.chunk().await);
        assert!(response.chunk().await.unwrap().is_none(), "it is over");
    });
}

#[test]
fn more_than_was_announced_is_an_error() {
    let long = tagged(206).header("content-range", "bytes 5-8/12").body(", world");
    let error = download([begun("hello"), long]).0.unwrap_err().to_string();
    assert!(error.contains("more bytes than its head says"), "{error}");
}

#[test]
fn what_is_not_known_for_sure_is_not_resumed() {
    const OLD: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    let plain = |status| Reply::status(status).body(torn("hello"));
    for (case, reply) in [
        ("no validator", plain(200)),
        ("a weak tag", plain(200).header("etag", "W/\"v1\"")),
        ("no tag at all", plain(200).header("etag", "v1")),
        ("two tags", plain(200).header("etag", TAG).header("etag", TAG)),
        ("a date as young", plain(200).header("last-modified", OLD).header("date", OLD)),
        ("a date without Date", plain(200).header("last-modified", OLD)),
        ("no ranges", plain(200).header("etag", TAG).header("accept-ranges", "None")),
        ("another status", plain(203).header("etag", TAG)),
        ("a part nobody asked for", plain(206).header("etag", TAG)),
    ] {
        let (outcome, requests) = download([reply]);
        assert!(is_reset(&outcome), "{case}: {outcome:?}");
        assert_eq!(requests.len(), 1, "{case}");
    }
}

#[test]
fn a_range_of_the_callers_is_resumed_within_it() {
    let part = |range: &'static str, body| tagged(206).header("content-range", range).body(body);
    let ranged = |request: RequestBuilder| request.header("range", "bytes=2-8");
    let replies = [part("bytes 2-8/12", torn("llo")), part("bytes 5-8/12", ", wo".into())];
    let (text, requests) = download_by(replies, ranged);
    assert_eq!(text.unwrap(), "llo, wo");
    assert_eq!(asked(&requests[0]), (Some("bytes=2-8"), None));
    assert_eq!(asked(&requests[1]), (Some("bytes=5-8"), Some(TAG)));

    // A server that has forgotten what ranges are.
    let whole = tagged(200).header("content-length", "12").body(HELLO);
    let (text, _) = download_by([part("bytes 2-8/12", torn("llo")), whole], ranged);
    assert_eq!(text.unwrap(), "llo, wo");

    // More than was asked for.
    let replies = [part("bytes 2-8/12", torn("llo")), part("bytes 5-11/12", ", world".into())];
    let message = not_resumed(download_by(replies, ranged).0);
    assert!(message.contains("another range"), "{message}");
}

#[test]
fn several_ranges_and_all_instead_of_one_are_not_resumed() {
    let several = tagged(206).header("content-type", "multipart/byteranges; boundary=x");
    let (outcome, _) = download_by([several.body(torn("--x"))], |request| {
        request.header("range", "bytes=0-1,4-5")
    });
    assert!(is_reset(&outcome), "{outcome:?}");
    let (outcome, _) =
        download_by([begun("hello")], |request| request.header("range", "bytes=2-8"));
    assert!(is_reset(&outcome), "{outcome:?}");
}

#[test]
fn what_is_encoded_stays_as_it_is() {
    let gzip = |status| tagged(status).header("content-encoding", "gzip");
    let rest = gzip(206).header("content-range", "bytes 5-11/12").body(", world");
    let (text, requests) = download([gzip(200).body(torn("hello")), rest]);
    assert_eq!(text.unwrap(), HELLO, "nothing is decoded");
    for request in &requests {
        assert!(!request.headers().contains_key("accept-encoding"));
    }
    // A 206 need not say again what is known.
    let silent = tagged(206).header("content-range", "bytes 5-11/12").body(", world");
    let (text, _) = download([gzip(200).body(torn("hello")), silent]);
    assert_eq!(text.unwrap(), HELLO);
    let whole = tagged(200).body(HELLO);
    let message = not_resumed(download([gzip(200).body(torn("hello")), whole]).0);
    assert!(message.contains("Content-Encoding"), "{message}");
}
