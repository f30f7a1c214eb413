use super::*;

fn base(text: &str) -> BaseUrl {
    BaseUrl::parse(text).unwrap()
}

fn resolve(base_url: &str, text: &str) -> Result<String, String> {
    check_characters(text)
        .and_then(|()| base(base_url).resolve(text, &Origins::default()))
        .map(String::from)
        .map_err(|error| error.to_string())
}

#[test]
fn a_relative_url_is_appended_to_the_base_path() {
    for (base, text, url) in [
        ("https://a.test/v1", "/users", "https://a.test/v1/users"),
        ("https://a.test/v1", "users", "https://a.test/v1/users"),
        ("https://a.test/v1/", "/users", "https://a.test/v1/users"),
        ("https://a.test/v1/", "users/", "https://a.test/v1/users/"),
        ("https://a.test/v1///", "users", "https://a.test/v1/users"),
        ("https://a.test", "users", "https://a.test/users"),
        ("https://a.test", "/", "https://a.test/"),
        ("https://a.test", "", "https://a.test/"),
        ("https://a.test/v1", "", "https://a.test/v1"),
        ("https://a.test/v1", "/", "https://a.test/v1/"),
        ("https://a.test/v1", "?a=b", "https://a.test/v1?a=b"),
        ("https://a.test/v1", "/?a=b", "https://a.test/v1/?a=b"),
        ("https://a.test/v1", "/users?a=b&c=%20d#part", "https://a.test/v1/users?a=b&c=%20d"),
        ("https://a.test/v1", "/a#b?c", "https://a.test/v1/a"),
        ("https://a.test/v1", "/users//x", "https://a.test/v1/users//x"),
        ("https://a.test/v1", "/users/./x", "https://a.test/v1/users/x"),
        ("https://a.test/v1", "/users/../groups", "https://a.test/v1/groups"),
        ("https://a.test/v1", "/users:batchGet", "https://a.test/v1/users:batchGet"),
        ("https://a.test/v1", "users:batchGet", "https://a.test/v1/users:batchGet"),
        ("https://a.test/v1", "/a b/ü", "https://a.test/v1/a%20b/%C3%BC"),
        (
            "https://a.test/v1",
            "/a?redirect=https://b.test/../x\\y",
            "https://a.test/v1/a?redirect=https://b.test/../x\\y",
        ),
        ("https://a.test/v1", "/a%2Fb", "https://a.test/v1/a%2Fb"),
        ("https://a.test/v1", "...", "https://a.test/v1/..."),
    ] {
        assert_eq!(resolve(base, text).as_deref(), Ok(url), "{base} + {text}");
    }
}

#[test]
fn what_leaves_the_base_is_refused() {
    for text in [
        "..",
        "/..",
        "/../admin",
        "/users/../../admin",
        "/%2e%2e/admin",
        "/%2E%2e/admin",
        "/.%2e/admin",
        "/..%2fadmin",
        "/..%5cadmin",
        "/%252e%252e/admin",
        "/%25252e%252e%252fadmin",
        "//evil.test",
        "//evil.test/v1/x",
        "///evil.test",
        "\\\\evil.test",
        "/\\evil.test",
        "\\evil.test",
        "/a\\..\\..\\b",
        "/a\tb",
        "/\t/evil.test",
        "\t//evil.test",
        "/a\r\nHost: evil.test",
        "/a\u{0}b",
        "/a\u{7f}",
        "\n",
        "\u{7f}",
        "https://evil.test/",
        "https://a.testevil/",
        "https://a.test:8443/",
        "https://a.test.evil.test/x",
        "HTTPS://evil.test/",
        "https:evil.test",
        "http:/evil.test",
        "https:\\\\evil.test",
        "http://a.test/v1/x",
        "https://a.test:8443/v1",
        "https://a.test@evil.test/",
        "https://user:hunter2@a.test/v1",
        "https://user@a.test/v1",
        "ftp://a.test/v1",
        "file:///etc/passwd",
        "https://",
        "https://[::1",
    ] {
        let error = resolve("https://a.test/v1", text).expect_err(text);
        assert!(!error.contains("hunter2"), "{error}");
        assert!(error.starts_with("URL \""), "{error}");
    }
}

#[test]
fn an_absolute_url_of_the_same_origin_is_fine_inside_the_base_path_or_not() {
    assert_eq!(
        resolve("https://a.test/v1", "https://a.test/other").as_deref(),
        Ok("https://a.test/other")
    );
    assert_eq!(
        resolve("https://a.test/v1", "HTTPS://A.test:443/v1").as_deref(),
        Ok("https://a.test/v1")
    );
}

#[test]
fn another_origin_is_refused_with_the_way_to_allow_it() {
    let error = resolve("https://a.test/v1", "https://b.test/x?token=hunter2").unwrap_err();
    assert_eq!(
        error,
        "URL \"https://b.test/x?…\" cannot be used: its origin is not that of the base URL, https://a.test; \
         permit it with `allow_origin` if it is meant"
    );
    let allowed = [Origin::parse("allow_origin", "https://b.test").unwrap()];
    let allowed = Origins::from_iter(allowed);
    assert!(base("https://a.test/v1").resolve("https://b.test/x", &allowed).is_ok());
}

#[test]
fn a_base_that_cannot_be_is_refused() {
    for text in [
        "",
        "/v1",
        "a.test",
        "ftp://a.test",
        "https://u:hunter2@a.test",
        "https://u@a.test",
        "https://:hunter2@a.test",
        "https://a.test/?q=hunter2",
        "https://a.test/#f",
    ] {
        let error = BaseUrl::parse(text).err().expect(text).to_string();
        assert!(error.starts_with("base_url cannot be") && !error.contains("hunter2"), "{error}");
    }
}
