use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{Body, JsonLink, LinkHeader, OffsetLimit, PageErrorKind, PageNumber, PageToken};

fn template(first: &str) -> Template {
    let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
    let client = HttpClient::builder(transport).allow_origin("https://files.test");
    let mut request = Request::get(first).unwrap();
    for (name, value) in [("authorization", "Bearer hunter2"), ("x-tenant", "7")] {
        let (name, value) = header_pair(name, value).unwrap();
        request.headers_mut().insert(name, value);
    }
    Template { client: client.build().unwrap(), request }
}

/// A strategy that says nothing of headers, as a closure does.
fn silent(_: &crate::Page) -> Result<Option<PageCursor>, Error> {
    Ok(None)
}

fn url_of(first: &str, cursor: &PageCursor) -> String {
    template(first).request(cursor, &silent).unwrap().url().to_string()
}

#[track_caller]
fn refused(first: &str, cursor: &PageCursor) -> (PageErrorKind, String) {
    match template(first).request(cursor, &silent) {
        Err(Error::Page(error)) => (error.kind(), error.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_parameter_takes_the_place_of_its_name_and_leaves_the_others_as_they_were_written() {
    let set = |first, name, value| url_of(first, &PageCursor::new().with_query(name, value));
    assert_eq!(set("https://a.test/x", "page", "2"), "https://a.test/x?page=2");
    assert_eq!(set("https://a.test/x?", "page", "2"), "https://a.test/x?page=2");
    assert_eq!(
        set("https://a.test/x?a=%41+b&page=1&c&page=9&p%61ge=3", "page", "2"),
        "https://a.test/x?a=%41+b&c&page=2"
    );
    assert_eq!(
        set("https://a.test/x?a=1#top", "c", "a&b=c d"),
        "https://a.test/x?a=1&c=a%26b%3Dc+d"
    );
}

#[test]
fn a_next_url_stays_where_the_client_may_call() {
    let first = "https://a.test/v1/users?limit=2";
    let at = |url: &str| PageCursor::new().with_url(url);
    for (url, reached) in [
        ("https://a.test/other?page=2", "https://a.test/other?page=2"),
        ("?page=2", "https://a.test/v1/users?page=2"),
        ("//files.test/x#y", "https://files.test/x"),
    ] {
        assert_eq!(url_of(first, &at(url)), reached);
    }
    for (url, kind, text) in [
        ("https://evil.test/x?t=hunter2", PageErrorKind::ForeignOrigin, "`allow_origin`"),
        ("//a.test.evil.test/", PageErrorKind::ForeignOrigin, "`allow_origin`"),
        ("https://a.test:8443/", PageErrorKind::ForeignOrigin, "`allow_origin`"),
        ("http://a.test/v1/users", PageErrorKind::Downgrade, "encryption"),
        ("http://evil.test/", PageErrorKind::Downgrade, "encryption"),
        ("https://u:hunter2@a.test/", PageErrorKind::Malformed, "userinfo"),
        ("ftp://a.test/", PageErrorKind::Malformed, "http and https"),
        ("javascript:hunter2()", PageErrorKind::Malformed, "http and https"),
        ("https://", PageErrorKind::Malformed, "what the server sends"),
    ] {
        let (is, message) = refused(first, &at(url));
        assert_eq!(is, kind, "{url}");
        let shows_no_secret = url.starts_with("javascript") || !message.contains("hunter2");
        assert!(message.contains(text) && shows_no_secret, "{message}");
    }
}

#[test]
fn what_is_secret_stays_on_its_origin() {
    let headers = |url: &str| {
        let request = template("https://a.test/x")
            .request(&PageCursor::new().with_url(url), &silent)
            .unwrap();
        let names = request.headers().keys().map(|name| name.as_str().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(headers("https://a.test/y"), ["authorization", "x-tenant"]);
    assert_eq!(headers("https://files.test/y"), ["x-tenant"]);
}

#[test]
fn a_token_that_is_no_header_is_malformed_and_not_shown() {
    let cursor = PageCursor::new().with_header("x-page", "hunter2\r\nx-evil: 1");
    let (kind, message) = refused("https://a.test/x", &cursor);
    assert_eq!(kind, PageErrorKind::Malformed);
    assert!(message.contains("x-page") && !message.contains("hunter2"), "{message}");
}

#[test]
fn a_cursor_that_somebody_changed_takes_no_credentials_along() {
    let client = HttpClient::builder(|_: Request| async { Ok(http::Response::new(Body::empty())) })
        .header("x-tenant", "7");
    let mut request = Request::get("https://a.test/x").unwrap();
    request.headers_mut().insert("x-mine", sensitive(HeaderValue::from_static("hunter2")));
    let template = Template { client: client.build().unwrap(), request };
    for name in [
        "x-api-key",
        "X-Auth-Token",
        "x-session",
        "x-tenant",
        "user-agent",
        "x-mine",
        "idempotency-key",
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
    ] {
        let cursor = PageCursor::new().with_header(name, "sesame");
        match template.request(&cursor, &silent) {
            Err(Error::Page(error)) => {
                assert_eq!(error.kind(), PageErrorKind::Malformed);
                let text = error.to_string();
                assert!(text.contains(&name.to_lowercase()) && !text.contains("sesame"), "{text}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    let request = template.request(&PageCursor::new().with_header("x-page", "2"), &silent).unwrap();
    assert_eq!(request.headers()["x-page"], "2");
}

#[test]
fn a_cursor_sets_the_header_that_its_strategy_names() {
    let sets = |name: &str, strategy: &dyn PageStrategy| {
        let cursor = PageCursor::new().with_header(name, "t");
        template("https://a.test/x").request(&cursor, strategy).is_ok()
    };
    // Named by the caller, it is no secret of anybody's.
    let by_header = PageToken::at("/next").with_header("X-Continuation-Token");
    assert!(sets("x-continuation-token", &by_header));
    assert!(sets("x-continuation-token", &std::sync::Arc::new(by_header.clone())));
    assert!(!sets("x-page", &by_header) && !sets("x-continuation-token", &silent));
    let none: [&dyn PageStrategy; 5] = [
        &PageToken::at("/next"),
        &LinkHeader::new(),
        &JsonLink::at("/next"),
        &OffsetLimit::new("offset"),
        &PageNumber::new("page"),
    ];
    assert!(none.iter().all(|strategy| !sets("x-page", *strategy)));
}

#[test]
fn a_token_goes_into_the_json_of_the_body() {
    let with = |body: Body, pointer: &str| {
        let mut template = template("https://a.test/x");
        *template.request.body_mut() = body;
        let request = template.request(&PageCursor::new().with_json(pointer, "t")?, &silent)?;
        let bytes = request.body().as_bytes().expect("bytes");
        Ok::<Value, Error>(serde_json::from_slice(bytes).unwrap())
    };
    assert_eq!(with(r#"{"a":1}"#.into(), "/b/c~1d").unwrap(), json!({"a": 1, "b": {"c/d": "t"}}));
    assert_eq!(with(r#"{"a":[{"b":null}]}"#.into(), "/a/0/b").unwrap(), json!({"a": [{"b": "t"}]}));
    assert_eq!(with(Body::empty(), "/b").unwrap(), json!({"b": "t"}));
    for (body, pointer, setting) in [
        ("name=A", "/b", "the body"),
        (r#"{"a":1}"#, "b", "the pointer \"b\""),
        (r#"{"a":1}"#, "", "the pointer \"\""),
        (r#"{"a":1}"#, "/a/b", "the pointer \"/a/b\""),
        (r#"{"a":[]}"#, "/a/0", "the pointer \"/a/0\""),
    ] {
        match with(body.into(), pointer) {
            Err(Error::Build(error)) => assert_eq!(error.setting(), setting),
            other => panic!("{other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn whatever_a_server_names_is_a_request_on_an_allowed_origin_or_an_error(
        url in "(https?:)?[/\\\\]{0,3}(a\\.test|evil|files\\.test)?[:@/\\\\?#.a-z0-9]{0,12}",
    ) {
        let template = template("https://a.test/x");
        if let Ok(request) = template.request(&PageCursor::new().with_url(url), &silent) {
            let origin = request.url().origin().ascii_serialization();
            prop_assert!(["https://a.test", "https://files.test"].contains(&origin.as_str()), "{}", origin);
        }
    }

    #[test]
    fn what_goes_into_the_query_is_read_from_it(query in "[a-c=&%+]{0,12}", name in "\\PC{1,8}", value in "\\PC{0,12}") {
        let request = template(&format!("https://a.test/?{query}"));
        let request = request.request(&PageCursor::new().with_query(&name, &value), &silent).unwrap();
        let mut values = request.url().query_pairs().filter(|(of, _)| *of == name);
        prop_assert_eq!(values.next().map(|(_, value)| value.into_owned()), Some(value));
        prop_assert!(values.next().is_none());
    }
}
