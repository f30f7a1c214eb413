//! Links, cursors and pages as servers should not send them, but do.

use super::*;
use crate::support::SECRET;

/// What the second request asks for when the first page, of `/v1/a/users?x=1`, links to this; or the error.
fn linked(link: &str) -> Result<String, Error> {
    let header = http::HeaderValue::from_bytes(format!("<{link}>; rel=next").as_bytes()).unwrap();
    let mock = MockTransport::sequence([Reply::ok().body("[]").header("link", header)]);
    mock.reply_always(Reply::ok().body("[]"));
    let client = over(mock.clone()).build().unwrap();
    let pages = client.paginate(client.get("/a/users?x=1")).pages();
    let had = pages.try_collect::<Vec<_>>().now_or_never().unwrap();
    had.map(|_| mock.requests()[1].url().to_string())
}

#[test]
fn references_are_resolved_as_rfc_3986_has_it_and_stay_where_they_may_be() {
    for (link, expected) in [
        ("?x=2", "https://api.test/v1/a/users?x=2"),
        ("?", "https://api.test/v1/a/users?"),
        ("more", "https://api.test/v1/a/more"),
        ("../b", "https://api.test/v1/b"),
        // A link of the server's own may leave the base path, as absolute URLs may.
        ("../../../../etc", "https://api.test/etc"),
        ("./%2e%2e/b", "https://api.test/v1/b"),
        ("/v1/a/users?x=3#top", "https://api.test/v1/a/users?x=3"),
        ("//api.test/b", "https://api.test/b"),
        ("https://API.test:443/b", "https://api.test/b"),
        ("https:/b", "https://api.test/b"),
        ("?name=Zoë&q=a b", "https://api.test/v1/a/users?name=Zo%C3%AB&q=a%20b"),
    ] {
        assert_eq!(linked(link).unwrap(), expected, "{link}");
    }
    use PageErrorKind::{Downgrade, ForeignOrigin, Loop, Malformed};
    for (link, kind) in [
        ("", Loop),
        ("#page-2", Loop),
        ("?x=1#page-2", Loop),
        ("users?x=1", Loop),
        ("https://api.test:443/v1/a/users?x=1", Loop),
        ("https://user:hunter2@api.test/b", Malformed),
        ("//hunter2@api.test/b", Malformed),
        ("//user:hunter2@evil.test/b", Malformed),
        ("ftp://api.test/?hunter2", Malformed),
        ("data:,hunter2", Malformed),
        ("javascript:hunter2", Malformed),
        ("https://[::1?hunter2", Malformed),
        ("http://api.test/b?hunter2", Downgrade),
        ("http://api.test:443/b?hunter2", Downgrade),
        ("https://api.test:8443/b?hunter2", ForeignOrigin),
        ("https://api.test.evil.test/?hunter2", ForeignOrigin),
        ("//evil.test/?hunter2", ForeignOrigin),
        ("\\\\evil.test/?hunter2", ForeignOrigin),
        ("/\\evil.test/?hunter2", ForeignOrigin),
        ("/\t/evil.test/?hunter2", ForeignOrigin),
        ("https:evil.test?hunter2", Loop),
    ] {
        let outcome = linked(link);
        if link == "https:evil.test?hunter2" {
            // Of the same scheme, it is a relative path: RFC 3986, section 5.2.2, and every browser.
            assert_eq!(outcome.unwrap(), "https://api.test/v1/a/evil.test?hunter2");
            continue;
        }
        let Err(Error::Page(error)) = &outcome else { panic!("{link}: {outcome:?}") };
        assert_eq!(error.kind(), kind, "{link}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(SECRET), "{link}: {shown}");
    }
}

#[test]
fn pages_without_bodies_have_links_too_and_other_statuses_are_errors() {
    let next = || ("link", "<?b>; rel=next");
    let mock = MockTransport::sequence([
        Reply::ok().header(next().0, next().1),
        Reply::status(204).header("link", "<?c>; rel=next"),
        Reply::status(206).header("link", "<?d>; rel=next"),
        Reply::status(304).header("link", "<?e>; rel=next"),
    ]);
    let client = over(mock.clone()).build().unwrap();
    let mut pages = client.paginate(client.head("/")).pages();
    for status in [200, 204, 206] {
        let page = pages.next().now_or_never().unwrap().unwrap().unwrap();
        assert_eq!((page.status().as_u16(), page.item_count().unwrap()), (status, 0));
    }
    let error = pages.next().now_or_never().unwrap().unwrap().unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::NOT_MODIFIED));
    assert!(pages.next().now_or_never().unwrap().is_none());
    assert!(mock.requests().iter().all(|request| request.method() == http::Method::HEAD));

    // A link of an error is not followed, and the error stays what it is.
    let mock = MockTransport::sequence([Reply::status(404).header(next().0, next().1)]);
    let (had, error) = all(paginate(mock.clone()).items());
    assert_eq!((had.len(), mock.request_count()), (0, 1));
    assert_eq!(error.unwrap().status(), Some(StatusCode::NOT_FOUND));
}

/// Where the token of `{"items":[1],"next":TOKEN}` goes; or the error.
fn token(json: &str, by: PageToken) -> Result<RecordedRequest, Error> {
    let mock = MockTransport::new();
    mock.reply(Reply::ok().body(format!("{{\"items\":[1],\"next\":{json}}}")));
    mock.reply_always(Reply::ok().body("{\"items\":[]}"));
    let (had, error) = all(paginate(mock.clone()).by(by).items());
    assert_eq!(had, [1]);
    match error {
        Some(error) => Err(error),
        None => Ok(mock.requests().pop().unwrap()),
    }
}

#[test]
fn tokens_are_given_back_as_they_came_or_not_at_all() {
    let value = |json: &str| {
        let url = token(json, PageToken::at("/next")).map(|request| request.url().clone())?;
        Ok::<_, Error>(url.query_pairs().find(|(name, _)| name == "cursor").unwrap().1.into_owned())
    };
    let long = "x".repeat(50_000);
    for (json, expected) in [
        (r#""a b+c/d=&é#?%00""#, "a b+c/d=&é#?%00"),
        (r#""\u0000\n""#, "\0\n"),
        ("0", "0"),
        ("-7", "-7"),
        ("18446744073709551615", "18446744073709551615"),
        ("1.5", "1.5"),
        ("1700000000.12345", "1700000000.12345"),
        (&format!("\"{long}\""), &long),
    ] {
        assert_eq!(value(json).unwrap(), expected, "{json:.40}");
    }
    // Read as a number, they are not what the server wrote any more: to ask by them is to skip items, or have some twice.
    for json in
        ["18446744073709551617", "123456789012345678901234567890", "1700000000.1234567891", "1e300"]
    {
        let error = value(json).unwrap_err();
        assert!(error.to_string().contains("have the server send a text"), "{json}: {error}");
    }
    for json in ["true", "false", "[]", "{}", "[\"a\"]"] {
        assert!(matches!(value(json), Err(Error::Page(_))), "{json}");
    }
}

#[test]
fn a_token_in_a_header_is_a_header_or_an_error_and_changes_no_other() {
    let by = || PageToken::at("/next").with_header("x-next");
    let sent = token("\"a=b; c\"", by()).unwrap();
    assert_eq!(sent.header("x-next"), Some("a=b; c"));
    assert!(sent.headers()["x-next"].is_sensitive());
    for json in [r#""hunter2\r\nx-evil: 1""#, r#""hunter2\u0000""#, r#""hunter2\u007f""#] {
        let error = token(json, by()).unwrap_err();
        let Error::Page(page) = &error else { panic!("{error:?}") };
        assert_eq!(page.kind(), PageErrorKind::Malformed);
        assert!(error.to_string().contains("x-next") && !error.to_string().contains(SECRET));
    }
    let error = token("\"x\"", PageToken::at("/next").with_header("no name")).unwrap_err();
    assert!(matches!(error, Error::Page(_)), "{error:?}");
    for name in ["authorization", "Cookie", "HOST", "content-length", "transfer-encoding", "te"] {
        let error = token("\"hunter2\"", PageToken::at("/next").with_header(name)).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&name.to_lowercase()) && !text.contains(SECRET), "{text}");
    }
    // As Heroku has it.
    assert!(token("\"id x..\"", PageToken::at("/next").with_header("range")).is_ok());
}

#[test]
fn a_cursor_of_another_client_or_of_somebody_else_leads_nowhere_else() {
    let resume = |cursor: &str| {
        let cursor: PageCursor = serde_json::from_str(cursor).unwrap();
        let mock = MockTransport::always(Reply::ok().body("[]"));
        let client = HttpClient::builder(mock.clone()).base_url("https://new.test/v2");
        let client = client.auth(Tokens::default()).build().unwrap();
        let pages = client.paginate(client.get("/users")).resume(cursor).pages();
        let outcome = pages.try_collect::<Vec<_>>().now_or_never().unwrap();
        (outcome.map(|pages| pages.len()), mock)
    };
    for cursor in [
        // Kept before the base URL changed.
        r#"{"url":"https://old.test/v1/users?after=7"}"#,
        r#"{"url":"http://new.test/v2/users"}"#,
        r#"{"url":"//old.test/users"}"#,
        r#"{"url":"https://hunter2@new.test/v2/users"}"#,
        r#"{"url":"file:///etc/passwd"}"#,
        r#"{"headers":[["authorization","Bearer x"]]}"#,
        r#"{"headers":[["x-api-key","mine"]]}"#,
        r#"{"headers":[["x-forwarded-user","admin"]]}"#,
        r#"{"headers":[["idempotency-key","7"]]}"#,
        r#"{"headers":[["host","old.test"]]}"#,
        r#"{"headers":[["x-a","b\r\nx-evil: 1"]]}"#,
        r#"{"headers":[["a b","c"]]}"#,
        r#"{"json":[["no pointer",1]]}"#,
        r#"{"json":[["/a~2",1]]}"#,
        r#"{"json":[["",1]]}"#,
    ] {
        let (outcome, mock) = resume(cursor);
        assert!(matches!(outcome, Err(Error::Page(_) | Error::Build(_))), "{cursor}: {outcome:?}");
        assert_eq!(mock.request_count(), 0, "{cursor}");
    }
    // What it is for.
    for (cursor, url) in [
        ("{}", "https://new.test/v2/users"),
        (r#"{"url":"?after=7"}"#, "https://new.test/v2/users?after=7"),
        (
            r#"{"query":[["a&b","c=d"]],"skip":18446744073709551615}"#,
            "https://new.test/v2/users?a%26b=c%3Dd",
        ),
    ] {
        let (outcome, mock) = resume(cursor);
        assert_eq!(outcome.unwrap(), 1);
        assert_eq!(mock.requests()[0].url().as_str(), url);
    }
    for tampered in [
        r#"{"skip":-1}"#,
        r#"{"skip":1e3}"#,
        r#"{"query":{"a":"b"}}"#,
        r#"{"query":[["a"]]}"#,
        r#"{"url":7}"#,
        r#"{"headers":[["a","b","c"]]}"#,
        r#"{"method":"DELETE"}"#,
        "null",
        "",
    ] {
        assert!(serde_json::from_str::<PageCursor>(tampered).is_err(), "{tampered}");
    }
}

#[test]
fn pointers_are_those_of_rfc_6901() {
    let page = r#"{"a/b":{"m~n":[[1],[2,3]]},"":[9]}"#;
    for (pointer, expected) in [
        ("/a~1b/m~0n/1", Ok(vec![2, 3])),
        ("/", Ok(vec![9])),
        ("/a~1b/m~0n/01", Err("Decode")),
        ("/a~1b/m~0n/-", Err("Decode")),
        ("/a~1b/m~0n/2", Err("Decode")),
        ("/a/b/m~0n/1", Err("Decode")),
        // No pointers: what is meant is said, as nothing would be found by them, whatever the page.
        ("/a~1b/m~n/1", Err("Build")),
        ("/a~1b/m~", Err("Build")),
        ("a~1b", Err("Build")),
    ] {
        let mock = MockTransport::always(Reply::ok().body(page));
        let (had, error) = all(paginate(mock).items_at(pointer).items());
        let outcome = error.map_or(Ok(had), |error| Err(error.kind()));
        assert_eq!(outcome, expected, "{pointer}");
    }
    // Where the next page is, too: a slip must not look like the last page.
    for by in [JsonLink::at("/next~page"), JsonLink::at("next")] {
        let (had, error) =
            all(paginate(MockTransport::always(Reply::ok().body("{\"items\":[1]}")))
                .by(by)
                .items());
        assert!(had == [1] && matches!(error, Some(Error::Build(_))), "{error:?}");
    }
    for (page, is_error) in [
        (r#"{"items":[1],"next":{"url":"?page=2"}}"#, true),
        (r#"{"items":[1],"next":{"href":7}}"#, true),
        (r#"{"items":[1],"next":{"href":null}}"#, false),
        (r#"{"items":[1],"next":{}}"#, false),
    ] {
        let mock = MockTransport::always(Reply::ok().body(page));
        let (had, error) = all(paginate(mock).by(JsonLink::at("/next")).items());
        assert_eq!((had, error.is_some()), (vec![1], is_error), "{page}");
    }
    // And where a token goes.
    for (pointer, body) in [
        ("/p~1q/0/~0", Some(r#"{"list":[{"t":0}],"p/q":{"0":{"~":"n"}}}"#)),
        ("/list/0/t", Some(r#"{"list":[{"t":"n"}]}"#)),
        ("/list/00/t", None),
        ("/list/+0/t", None),
        ("/list/1/t", None),
        ("/list/0/t/deeper", None),
        ("/p~q", None),
        ("", None),
    ] {
        let mock = MockTransport::new();
        mock.reply(Reply::ok().body("{\"items\":[],\"next\":\"n\"}"));
        mock.reply_always(Reply::ok().body("{\"items\":[]}"));
        let client = over(mock.clone()).build().unwrap();
        let request = client.post("/search").json(&json!({"list": [{"t": 0}]}));
        let pages = client.paginate(request).by(PageToken::at("/next").with_json(pointer)).pages();
        let outcome = pages.try_collect::<Vec<_>>().now_or_never().unwrap();
        match body {
            Some(body) => {
                outcome.unwrap();
                let expected: Value = serde_json::from_str(body).unwrap();
                assert_eq!(mock.requests()[1].json::<Value>(), expected, "{pointer}");
            }
            None => {
                let error = outcome.unwrap_err();
                assert!(matches!(error, Error::Build(_)), "{pointer}: {error:?}");
                assert_eq!(mock.request_count(), 1);
            }
        }
    }
}

#[test]
fn numbers_that_overflow_or_are_none_are_errors() {
    let end = |first: &str, by: fn(Paginate) -> Paginate| {
        let mock = MockTransport::always(
            Reply::ok().body("{\"items\":[1,2],\"total\":-1,\"last\":\"x\"}"),
        );
        let client = over(mock.clone()).build().unwrap();
        let all = by(client.paginate(client.get(first)).items_at("/items").max_pages(3));
        let mut items = all.items::<u64>();
        let mut had = 0;
        loop {
            match items.next().now_or_never().unwrap() {
                Some(Ok(_)) => had += 1,
                Some(Err(Error::Page(error))) => break (had, error.to_string()),
                other => panic!("{first}: {other:?}"),
            }
        }
    };
    let offset = |all: Paginate| all.by(OffsetLimit::new("n"));
    let number = |all: Paginate| all.by(PageNumber::new("n"));
    type By = fn(Paginate) -> Paginate;
    let cases: [(&str, By, u64, &str); 8] = [
        ("/?n=18446744073709551613", offset, 4, "64 bits"),
        ("/?n=18446744073709551615", offset, 2, "64 bits"),
        ("/?n=18446744073709551615", number, 2, "64 bits"),
        ("/?n=18446744073709551616", number, 2, "parameter n"),
        ("/?n=-1", offset, 2, "parameter n"),
        ("/?n=", offset, 2, "parameter n"),
        ("/", |all| all.by(OffsetLimit::new("n").total_at("/total")), 2, "/total"),
        ("/", |all| all.by(PageNumber::new("n").last_at("/last")), 2, "/last"),
    ];
    for (first, by, had, text) in cases {
        let (count, message) = end(first, by);
        assert_eq!(count, had, "{first}");
        assert!(message.contains(text), "{message}");
    }
}

/// Two cursors in turn: the circle is found when the first comes again.
#[test]
fn cursors_that_alternate_are_a_circle() {
    let mock = MockTransport::always(Reply::from_fn(|request: &RecordedRequest| {
        let next = if request.url().query() == Some("cursor=a") { "b" } else { "a" };
        Ok(http::Response::new(Body::from(format!("{{\"items\":[1],\"next\":\"{next}\"}}"))))
    }));
    let (had, error) = all(paginate(mock.clone()).by(PageToken::at("/next")).items());
    assert_eq!((had.len(), mock.request_count()), (3, 3));
    let Some(Error::Page(error)) = error else { panic!("{error:?}") };
    assert_eq!(error.kind(), PageErrorKind::Loop);
    assert!(error.to_string().contains("which page 2 was"), "{error}");
}

#[cfg(feature = "gzip")]
#[test]
fn pages_are_decoded_and_limited_by_what_comes_out() {
    use async_compression::futures::bufread::GzipEncoder;
    use futures_util::AsyncReadExt;

    let text = serde_json::to_vec(&vec![7_u64; 10_000]).unwrap();
    let mut encoded = Vec::new();
    let mut encoder = GzipEncoder::new(&*text);
    encoder.read_to_end(&mut encoded).now_or_never().unwrap().unwrap();
    let mock = MockTransport::sequence([
        Reply::ok()
            .header("content-encoding", "gzip")
            .header("link", "<?b>; rel=next")
            .body(encoded.clone()),
        Reply::ok().body("[8]"),
    ]);
    let client = over(mock).build().unwrap();
    let (had, error) = all(client.paginate(client.get("/")).items());
    assert!(error.is_none() && had.len() == 10_001 && had[10_000] == 8);

    let mock = MockTransport::always(Reply::ok().header("content-encoding", "gzip").body(encoded));
    let client = over(mock).max_response_bytes(10_000).build().unwrap();
    let (had, error) = all(client.paginate(client.get("/")).items());
    assert!(had.is_empty() && matches!(error, Some(Error::Limit(_))), "{error:?}");
}

/// Its items could not be had, so that page is what comes next, though it named another.
#[test]
fn the_stream_stands_at_a_page_whose_items_cannot_be_found() {
    let mock = MockTransport::sequence([
        Reply::ok().body("{\"items\":[1],\"next\":\"b\"}"),
        Reply::ok().body("{\"itms\":[2],\"next\":\"c\"}"),
    ]);
    let mut items = paginate(mock).by(PageToken::at("/next")).items::<u64>();
    assert_eq!(items.next().now_or_never().unwrap().unwrap().unwrap(), 1);
    let error = items.next().now_or_never().unwrap().unwrap().unwrap_err();
    assert!(matches!(error, Error::Decode(_)), "{error:?}");
    assert_eq!(items.cursor(), Some(PageCursor::new().with_query("cursor", "b")));
    assert!(items.next().now_or_never().unwrap().is_none());
}

#[test]
fn an_empty_text_where_the_next_page_would_be_is_the_last_page() {
    let page = r#"{"items":[1],"next":"","links":{"next":{"href":""}}}"#;
    for by in [
        |all: Paginate| all.by(PageToken::at("/next")),
        |all: Paginate| all.by(PageToken::in_header("x-next")),
        |all: Paginate| all.by(JsonLink::at("/next")),
        |all: Paginate| all.by(JsonLink::at("/links/next")),
    ] {
        let mock = MockTransport::always(Reply::ok().header("x-next", "").body(page));
        let (had, error) = all(by(paginate(mock.clone())).items());
        assert!(had == [1] && error.is_none(), "{error:?}");
        assert_eq!(mock.request_count(), 1);
    }
}

#[test]
fn a_page_number_begins_where_it_is_told_and_asks_for_so_many_items() {
    let mock = MockTransport::sequence(["[1,2]", "[3]", "[]"].map(|page| Reply::ok().body(page)));
    let client = over(mock.clone()).build().unwrap();
    let by = PageNumber::new("page").starting_at(0).size("per_page", 2);
    let (had, error) = all(client.paginate(client.get("/")).by(by).items());
    assert!(had == [1, 2, 3] && error.is_none(), "{error:?}");
    let asked = mock.requests().into_iter().map(|request| request.url().query().map(str::to_owned));
    let asked: Vec<_> = asked.map(Option::unwrap).collect();
    assert_eq!(asked, ["per_page=2", "per_page=2&page=1", "per_page=2&page=2"]);
}

#[test]
fn what_is_in_a_page_is_had_as_it_is_or_an_error_says_where() {
    let body = r#"{"items":[1,"hunter2"],"total":"hunter2","none":null}"#;
    let client = over(MockTransport::always(Reply::ok().body(body))).build().unwrap();
    let mut pages = client.paginate(client.get("/")).items_at("/items").pages();
    let page = pages.next().now_or_never().unwrap().unwrap().unwrap();
    assert_eq!(page.bytes(), body);
    assert_eq!(page.at::<String>("/total").unwrap().as_deref(), Some(SECRET));
    assert_eq!(page.at::<u64>("/none").unwrap(), None);
    assert_eq!(page.items::<Value>().unwrap(), [json!(1), json!(SECRET)]);
    for (error, place) in [
        (page.at::<u64>("/total").unwrap_err(), "at /total in page 1"),
        (page.items::<u64>().unwrap_err(), "item 1 (counted from 0) of page 1"),
    ] {
        let text = format!("{error} {error:?}");
        assert!(text.contains(place) && !text.contains(SECRET), "{text}");
    }
}

#[test]
fn what_cannot_be_a_next_page_says_so() {
    let page = || Reply::ok().body(r#"{"items":[1],"next":7}"#);
    let (_, error) = all(paginate(MockTransport::always(page())).by(JsonLink::at("/next")).items());
    let error = error.unwrap().to_string();
    assert!(error.contains("the link at /next is neither a text nor null"), "{error}");

    let header = http::HeaderValue::from_bytes(b"\xff").unwrap();
    let mock = MockTransport::always(page().header("x-next", header));
    let (_, error) = all(paginate(mock).by(PageToken::in_header("x-next")).items());
    let error = error.unwrap().to_string();
    assert!(error.contains("x-next is no UTF-8"), "{error}");

    let client = over(MockTransport::always(page())).build().unwrap();
    let (_, error) = all(client.paginate(client.get("/")).items());
    let error = format!("{:?}", error.unwrap());
    assert!(error.contains("say by `items_at` where in it the items are"), "{error}");
}

/// As on a redirect: what is for the first request's origin is for no other, whoever may be called.
#[tokio::test]
async fn without_a_base_a_page_of_another_origin_gets_no_base_headers() {
    let next = |link: &str| Reply::ok().body("[]").header("link", format!("<{link}>; rel=next"));
    let elsewhere = Reply::status(302).header("location", "https://files.test/a");
    for (replies, expected) in [
        (
            vec![next("?page=2"), next("https://files.test/y"), next("/z"), Reply::ok().body("[]")],
            [true, true, false, false],
        ),
        // A relative link is of the origin that the page came from.
        (
            vec![elsewhere, next("?page=2"), next("https://any.test/y"), Reply::ok().body("[]")],
            [true, false, false, true],
        ),
    ] {
        let mock = MockTransport::sequence(replies);
        let client = HttpClient::builder(mock.clone())
            .header("x-base", SECRET)
            .allow_origin("https://files.test")
            .build()
            .unwrap();
        let pages = client.paginate(client.get("https://any.test/x")).pages();
        assert_eq!(
            pages.try_collect::<Vec<_>>().await.unwrap().len(),
            mock.requests().len() - usize::from(!expected[1])
        );
        let seen: Vec<_> =
            mock.requests().iter().map(|request| request.header("x-base").is_some()).collect();
        assert_eq!(seen, expected);
    }
}
