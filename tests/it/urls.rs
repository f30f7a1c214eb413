//! URLs: what a relative one means, and what is refused before anything is sent.

use http::Method;
use midil_http::{Error, HttpClient, Request};
use midil_http_test::{MockTransport, Reply};
use url::Url;

use crate::support::{BASE, SECRET, build_error, over};

/// The URL that the transport sees for `text`.
async fn sent(base: &str, text: &str) -> String {
    let mock = MockTransport::new().reply(Reply::ok());
    let client = HttpClient::builder(mock.clone()).base_url(base).build().expect("a good base");
    client.get(text).send().await.unwrap_or_else(|error| panic!("{base} + {text}: {error}"));
    mock.requests()[0].url().to_string()
}

/// What is said of `text`, which never reaches the transport.
async fn refused(client: &HttpClient, text: &str) -> String {
    let message = build_error(client.get(text).send().await);
    assert!(message.starts_with("URL \""), "{message}");
    message
}

#[tokio::test]
async fn a_relative_url_is_appended_to_the_base_path_whatever_slashes() {
    for (base, text, url) in [
        ("https://api.test/v1", "/users", "https://api.test/v1/users"),
        ("https://api.test/v1", "users", "https://api.test/v1/users"),
        ("https://api.test/v1/", "/users", "https://api.test/v1/users"),
        ("https://api.test/v1/", "users", "https://api.test/v1/users"),
        ("https://api.test/v1/", "users/", "https://api.test/v1/users/"),
        ("https://api.test", "users", "https://api.test/users"),
        ("https://api.test/", "/users", "https://api.test/users"),
        ("https://api.test:8443/a/b", "c", "https://api.test:8443/a/b/c"),
        ("https://api.test/v1", "", "https://api.test/v1"),
        ("https://api.test/v1", "/", "https://api.test/v1/"),
        ("https://api.test/v1", "?a=b", "https://api.test/v1?a=b"),
        ("https://api.test/v1", "/users?a=b#c", "https://api.test/v1/users?a=b"),
        ("https://api.test/v1", "/users/../groups", "https://api.test/v1/groups"),
        ("https://api.test/v1", "/users/%2E%2e/groups", "https://api.test/v1/groups"),
        ("https://api.test/v1", "/users:batchGet", "https://api.test/v1/users:batchGet"),
        ("https://api.test/v1", "tag:2026/x", "https://api.test/v1/tag:2026/x"),
        ("https://api.test/v1", "/a%2Fb/%C3%BC", "https://api.test/v1/a%2Fb/%C3%BC"),
        ("https://api.test/v1", "/a b/ü", "https://api.test/v1/a%20b/%C3%BC"),
        ("https://api.test/v1", "/x?to=//b.test/..\\", "https://api.test/v1/x?to=//b.test/..\\"),
    ] {
        assert_eq!(sent(base, text).await, url, "{base} + {text}");
    }
}

#[tokio::test]
async fn what_leaves_the_base_is_refused_before_anything_is_sent() {
    let client = over(MockTransport::new()).build().unwrap();
    for text in [
        "..",
        "/../admin",
        "/users/../../admin",
        "/v1/../../admin",
        "/%2e%2e/admin",
        "/.%2E/admin",
        "/%252e%252e/admin",
        "/..%2fadmin",
        "/..%5Cadmin",
        "//evil.test",
        "//evil.test/v1/users",
        "///evil.test",
        "\\\\evil.test",
        "/\\evil.test",
        "/users\\..\\..\\admin",
        "/\t/evil.test",
        "\t//evil.test",
        "/users\tx",
        "/users\r\nx-injected: 1",
        "/users\n",
        "/users\0",
        "https://user:hunter2@api.test/v1/users",
        "https://hunter2@api.test/v1/users",
        "https://api.test@evil.test/v1",
        "https://api.test:hunter2@evil.test/v1",
        "https:evil.test",
        "https:/evil.test",
        "https:\\\\evil.test",
        "HTTPS://EVIL.TEST/",
        "http://api.test/v1/users",
        "https://api.test:8443/v1/users",
        "https://api.test.evil.test/v1",
        "ftp://api.test/v1",
        "file:///etc/passwd",
    ] {
        refused(&client, text).await;
    }
}

#[tokio::test]
async fn the_error_of_a_refused_url_never_shows_its_secrets() {
    let client = over(MockTransport::new()).build().unwrap();
    let mut leaks = Vec::new();
    for text in [
        "//user:hunter2@evil.test",
        "///user:hunter2@evil.test",
        "\\\\user:hunter2@evil.test/x",
        "/\\user:hunter2@evil.test",
        "/\t/user:hunter2@evil.test",
        "https:\t//user:hunter2@evil.test",
        "https:/user:hunter2@evil\t.test",
        "https:///user:hunter2@[evil.test",
        "https://user:hunter2@evil.test:port/",
        "https://evil.test/?token=hunter2",
        "https://evil.test/#hunter2",
        "/../x?token=hunter2",
        "/../x#hunter2",
    ] {
        leaks.push(refused(&client, text).await);
    }
    leaks.retain(|message| message.contains(SECRET));
    assert!(leaks.is_empty(), "{leaks:#?}");
}

#[tokio::test]
async fn an_absolute_url_of_the_same_origin_is_fine_inside_the_base_path_or_not() {
    for (text, url) in [
        ("https://api.test/v1/users", "https://api.test/v1/users"),
        ("https://api.test/other", "https://api.test/other"),
        ("https://api.test/v1/../other", "https://api.test/other"),
        ("HTTPS://API.test:443/other", "https://api.test/other"),
    ] {
        assert_eq!(sent(BASE, text).await, url, "{text}");
    }
}

#[tokio::test]
async fn another_origin_is_refused_by_an_error_that_names_allow_origin() {
    let client = over(MockTransport::new()).build().unwrap();
    assert_eq!(
        refused(&client, "https://files.test/a?token=hunter2").await,
        "URL \"https://files.test/a?…\" cannot be used: its origin is not that of the base URL, \
         https://api.test; permit it with `allow_origin` if it is meant"
    );
}

#[tokio::test]
async fn an_origin_is_allowed_by_scheme_host_and_port() {
    let mock = MockTransport::always(Reply::ok());
    let client = over(mock.clone())
        .allow_origin("https://files.test/whatever/path")
        .allow_origin("http://cache.test:8080")
        .build()
        .unwrap();
    for url in ["https://files.test/a", "https://FILES.test:443/b", "http://cache.test:8080/c"] {
        client.get(url).send().await.unwrap();
    }
    for url in [
        "http://files.test/a",
        "https://files.test:8443/a",
        "https://sub.files.test/a",
        "https://files.test@evil.test/a",
        "http://cache.test/c",
    ] {
        refused(&client, url).await;
    }
    assert_eq!(mock.request_count(), 3);
}

#[tokio::test]
async fn a_client_without_a_base_takes_any_absolute_url_and_no_other() {
    let mock = MockTransport::new().reply(Reply::ok());
    let client = HttpClient::builder(mock).build().unwrap();
    client.get("https://any.test/x").send().await.unwrap();
    for (text, why) in [
        ("/users", "the client has no base_url; set one"),
        ("users", "the client has no base_url; set one"),
        (
            "https://user:hunter2@any.test/",
            "userinfo in a URL ends up in logs: give credentials by `auth`",
        ),
        ("ftp://any.test/", "only http and https can be called"),
        ("https://any.test:port/", "invalid port number"),
    ] {
        let message = refused(&client, text).await;
        assert!(message.contains(why), "{message}");
    }
}

/// A URL parser leaves them out, and what is called then is not what was written.
#[tokio::test]
async fn control_characters_are_refused_with_a_base_and_without() {
    let clients = [
        over(MockTransport::new()).build().unwrap(),
        HttpClient::builder(MockTransport::new()).build().unwrap(),
    ];
    for client in clients {
        for text in ["https://api.test/v1/a\tb", "https://api.\r\ntest/v1", "https://api.test/\0"] {
            let message = refused(&client, text).await;
            assert!(message.contains("control character"), "{message}");
        }
    }
}

#[tokio::test]
async fn a_request_that_was_built_elsewhere_is_guarded_alike() {
    let mock = MockTransport::always(Reply::ok());
    let client = over(mock.clone()).allow_origin("https://files.test").build().unwrap();
    let url = |text: &str| Url::parse(text).unwrap();
    for good in ["https://api.test/other", "https://files.test/a"] {
        client.execute(Request::new(Method::GET, url(good))).await.unwrap();
    }
    for bad in [
        "https://evil.test/",
        "http://api.test/v1",
        "https://u:hunter2@api.test/v1",
        "data:text/plain,x",
    ] {
        let outcome = client.execute(Request::new(Method::GET, url(bad))).await;
        assert!(!build_error(outcome).contains(SECRET), "{bad}");
    }
    assert_eq!(mock.request_count(), 2);
}

#[tokio::test]
async fn a_query_is_appended_and_encoded() {
    #[derive(serde::Serialize)]
    struct Page<'a> {
        limit: u8,
        after: Option<&'a str>,
        tag: &'a [&'a str],
    }

    let mock = MockTransport::always(Reply::ok());
    let client = over(mock.clone()).build().unwrap();
    let get = || client.get("/users");
    let page = Page { limit: 10, after: None, tag: &["a&b", "ü"] };
    let twice = [("tag", "a"), ("tag", "b")];
    let none: [(&str, &str); 0] = [];
    for request in [
        get().query(&[("limit", 10)]),
        get().query(&page),
        get().query(&twice).query(&[("x", "1 2")]),
        get().query(&none),
        client.get("/users?a=b").query(&[("c", "d")]),
        client.get("https://api.test/v1/users?").query(&[("c", "d")]),
    ] {
        request.send().await.unwrap();
    }
    let queries: Vec<_> =
        mock.requests().iter().map(|request| request.url().query().map(str::to_owned)).collect();
    assert_eq!(
        queries.iter().map(Option::as_deref).collect::<Vec<_>>(),
        [
            Some("limit=10"),
            Some("limit=10&tag=a%26b&tag=%C3%BC"),
            Some("tag=a&tag=b&x=1+2"),
            None,
            Some("a=b&c=d"),
            Some("c=d"),
        ]
    );
}

#[tokio::test]
async fn a_query_that_cannot_be_written_is_a_build_error() {
    let client = over(MockTransport::new()).build().unwrap();
    let outcome = client.get("/users").query("hunter2").send().await;
    let message = build_error(outcome);
    assert!(message.starts_with("the query cannot be written") && !message.contains(SECRET));
}

#[test]
fn a_base_url_that_cannot_be_is_a_build_error_that_names_it() {
    for base in [
        "",
        "/v1",
        "api.test/v1",
        "ftp://api.test",
        "data:text/plain,x",
        "https://",
        "https://user:hunter2@api.test",
        "https://api.test/v1?key=hunter2",
        "https://api.test/v1#hunter2",
    ] {
        let outcome = HttpClient::builder(MockTransport::new()).base_url(base).build();
        let message = build_error(outcome);
        assert!(message.starts_with("base_url cannot be"), "{message}");
        assert!(!message.contains(SECRET), "{message}");
    }
}

#[test]
fn an_origin_that_cannot_be_is_a_build_error_that_names_the_setting() {
    for origin in ["", "files.test", "ftp://files.test", "https://user:hunter2@files.test"] {
        let allow = build_error(over(MockTransport::new()).allow_origin(origin).build());
        let auth = build_error(over(MockTransport::new()).auth_origin(origin).build());
        assert!(allow.starts_with("allow_origin cannot be"), "{allow}");
        assert!(auth.starts_with("auth_origin cannot be"), "{auth}");
        assert!(!allow.contains(SECRET) && !auth.contains(SECRET), "{allow} {auth}");
    }
}

#[test]
fn a_request_of_the_http_crate_converts_both_ways() -> Result<(), Error> {
    let given = http::Request::put("https://api.test/v1/a?b=c").header("x-a", "1").body("hello");
    let request = Request::try_from(given.expect("a valid request"))?;
    assert_eq!(request.url().as_str(), "https://api.test/v1/a?b=c");
    let back: http::Request<midil_http::Body> = request.try_into()?;
    assert_eq!((back.method(), back.uri().query()), (&Method::PUT, Some("b=c")));
    assert_eq!(back.headers()["x-a"], "1");
    assert_eq!(back.body().as_bytes().map(|body| &body[..]), Some(&b"hello"[..]));

    let relative = http::Request::get("/v1/a?token=hunter2").body(()).expect("a valid request");
    assert!(!build_error(Request::try_from(relative)).contains(SECRET));
    Ok(())
}
