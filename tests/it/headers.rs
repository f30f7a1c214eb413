//! Headers: whose wins, what a body says of itself, what is a secret.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use midil_http::{
    AuthError, AuthNHeaders, AuthNProvider, AuthNToken, Body, Error, HttpClientBuilder, Middleware,
    Request, RequestBuilder, RequestHead, async_trait, middleware_fn,
};
use midil_http_test::{MockTransport, RecordedRequest, Reply};

use crate::support::{
    Fixed, SECRET, Tokens, and_what_is_accepted, build_error, over, up_to, values,
};

/// What the transport gets of a request that `describe` begins, over a client that `set` sets.
async fn sent(
    set: impl FnOnce(HttpClientBuilder) -> HttpClientBuilder,
    describe: impl FnOnce(RequestBuilder) -> RequestBuilder,
) -> RecordedRequest {
    let mock = MockTransport::new().reply(Reply::ok());
    let client = set(over(mock.clone())).build().expect("a good client");
    describe(client.post("/users")).send().await.expect("a good request");
    mock.requests().remove(0)
}

/// The client or the request as it is.
const fn same<T>(as_it_is: T) -> T {
    as_it_is
}

#[tokio::test]
async fn a_bare_request_has_the_default_headers_and_no_other() {
    let bare = sent(same, same).await;
    let mut names: Vec<_> = bare.headers().keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, and_what_is_accepted(["accept", "user-agent"]));
    assert_eq!(bare.header("accept"), Some("*/*"));
    assert!(bare.header("user-agent").unwrap().starts_with("midil-http/"));
}

#[tokio::test]
async fn request_beats_auth_beats_base() {
    for set in 0_u8..8 {
        let (by_request, by_auth, by_base) = (set & 4 != 0, set & 2 != 0, set & 1 != 0);
        let request = sent(
            |mut client| {
                if by_base {
                    client = client.header("X-Tenant", "base");
                }
                let tenant = [("x-key", "k"), ("x-tenant", "auth")];
                client.auth(Fixed::new(if by_auth { &tenant } else { &tenant[..1] }))
            },
            |request| if by_request { request.header("x-TENANT", "request") } else { request },
        )
        .await;
        let winner = [(by_request, "request"), (by_auth, "auth"), (by_base, "base")]
            .into_iter()
            .find_map(|(sets, name)| sets.then_some(name));
        assert_eq!(values(request.headers(), "x-tenant"), Vec::from_iter(winner), "{set:03b}");
        assert_eq!(request.header("x-key"), Some("k"));
    }
}

#[tokio::test]
async fn request_beats_auth_beats_base_beats_default() {
    for name in ["user-agent", "accept"] {
        let by_base = |client: HttpClientBuilder| client.header(name.to_uppercase(), "base");
        let by_auth = |client| by_base(client).auth(Fixed::new(&[(name, "auth")]));
        let by_request = |request: RequestBuilder| request.header(name, "request");
        for (request, winner) in [
            (sent(by_base, same).await, "base"),
            (sent(by_auth, same).await, "auth"),
            (sent(by_auth, by_request).await, "request"),
        ] {
            assert_eq!(values(request.headers(), name), [winner], "{name}");
        }
    }
}

#[tokio::test]
async fn authorization_is_the_requests_or_the_providers_or_the_bases() {
    let base = |client: HttpClientBuilder| client.header("Authorization", "base");
    let own = |request: RequestBuilder| request.header("authorization", "request");
    let token = |client: HttpClientBuilder| client.auth(Tokens::default());
    for (request, expected) in [
        (sent(base, same).await, "base"),
        (sent(token, same).await, "Bearer t1"),
        (sent(|client| token(base(client)), same).await, "Bearer t1"),
        (sent(base, own).await, "request"),
        (sent(token, own).await, "request"),
        (sent(|client| token(base(client)), own).await, "request"),
    ] {
        assert_eq!(values(request.headers(), "authorization"), [expected]);
    }
}

/// A provider wins over the header that it emits, not over others.
#[tokio::test]
async fn a_base_authorization_stays_beside_a_provider_that_emits_something_else() {
    let request = sent(
        |client| client.header("authorization", "base").auth(Fixed::new(&[("x-api-key", "k")])),
        same,
    )
    .await;
    assert_eq!(values(request.headers(), "x-api-key"), ["k"]);
    assert_eq!(values(request.headers(), "authorization"), ["base"]);
}

#[tokio::test]
async fn several_values_of_a_header_are_kept() {
    let mut own = HeaderMap::new();
    own.append("x-own", HeaderValue::from_static("1"));
    own.append("x-own", HeaderValue::from_static("2"));
    let request = sent(
        |client| client.header("x-base", "1").header("X-Base", "2"),
        |request| request.header("x-own", "before").headers(&own),
    )
    .await;
    assert_eq!(values(request.headers(), "x-base"), ["1", "2"]);
    assert_eq!(values(request.headers(), "x-own"), ["1", "2"]);
}

#[tokio::test]
async fn several_values_of_a_header_replace_several() {
    let mut own = HeaderMap::new();
    own.append("x-a", HeaderValue::from_static("1"));
    own.append("x-a", HeaderValue::from_static("2"));
    let base = |client: HttpClientBuilder| client.header("x-a", "3").header("x-a", "4");
    let request = sent(base, |request| request.headers(&own)).await;
    assert_eq!(values(request.headers(), "x-a"), ["1", "2"]);
    let request = sent(base, |request| request.headers(&own).header("x-a", "5")).await;
    assert_eq!(values(request.headers(), "x-a"), ["5"]);
}

#[tokio::test]
async fn several_values_of_a_providers_header_are_kept() {
    let signed = || Fixed::new(&[("x-signature", "a"), ("x-signature", "b")]);
    for base in [false, true] {
        let request = sent(
            |client| if base { client.header("x-signature", "c") } else { client }.auth(signed()),
            same,
        )
        .await;
        assert_eq!(values(request.headers(), "x-signature"), ["a", "b"], "base: {base}");
    }
}

#[tokio::test]
async fn several_values_of_a_responses_header_are_kept() {
    let reply = Reply::ok().header("set-cookie", "a=1").header("set-cookie", "b=2");
    let client = over(MockTransport::new().reply(reply)).build().unwrap();
    let response = client.get("/").send().await.unwrap();
    assert_eq!(values(response.headers(), "set-cookie"), ["a=1", "b=2"]);
}

#[tokio::test]
async fn a_body_says_what_it_is_or_the_provider_does_or_it_is_json() {
    type Describe = fn(RequestBuilder) -> RequestBuilder;
    let bytes: Describe = |request| request.body("hello");
    let stream: Describe =
        |request| request.body(Body::stream(futures_util::stream::iter([Ok::<_, Error>("hello")])));
    let json: Describe = |request| request.json(&["hello"]);
    let form: Describe = |request| request.form(&[("a", "b")]);
    let own: Describe = |request| request.body("hello").header("Content-Type", "text/own");
    let own_json: Describe = |request| request.header("content-type", "text/own").json("hello");
    let no_auth: Describe = |request| request.body("hello").no_auth();
    let none: Describe = same;
    let empty: Describe = |request| request.body("");

    let of_json = Some("application/json");
    let of_form = Some("application/x-www-form-urlencoded");
    let (of_auth, of_own) = (Some("text/auth"), Some("text/own"));
    for (what, describe, plain, with_provider) in [
        ("bytes", bytes, of_json, of_auth),
        ("stream", stream, of_json, of_auth),
        ("json", json, of_json, of_json),
        ("form", form, of_form, of_form),
        ("own", own, of_own, of_own),
        ("own json", own_json, of_own, of_own),
        ("no_auth", no_auth, of_json, of_json),
        ("none", none, None, None),
        ("empty", empty, None, None),
    ] {
        let silent = sent(|client| client.auth(Fixed::new(&[("x-key", "k")])), describe).await;
        let auth = Fixed::new(&[("content-type", "text/auth"), ("x-key", "k")]);
        let speaking = sent(|client| client.auth(auth), describe).await;
        assert_eq!(sent(same, describe).await.header("content-type"), plain, "{what}");
        assert_eq!(silent.header("content-type"), plain, "{what}, a provider without");
        assert_eq!(speaking.header("content-type"), with_provider, "{what}, a provider with");
    }
}

#[tokio::test]
async fn json_and_forms_are_written_as_their_content_type_says() {
    let json = sent(same, |request| request.json(&[("a", 1)])).await;
    assert_eq!(json.text(), r#"[["a",1]]"#);
    let form = sent(same, |request| request.form(&[("a", "1 2"), ("a", "&")])).await;
    assert_eq!(form.text(), "a=1+2&a=%26");
}

#[tokio::test]
async fn a_bad_header_value_is_an_error_that_names_the_header_and_never_the_value() {
    let mock = MockTransport::new();
    let client = over(mock.clone()).build().unwrap();
    let get = || client.get("/");
    for bad in ["hunter2\r", "hunter2\n", "\r\nx: hunter2", "hunter2\0", "hunter2\x7f"] {
        for outcome in [
            get().header("x-secret", bad).send().await.map(drop),
            get().idempotency_key(bad).send().await.map(drop),
            get().cookie("x-secret", bad).send().await.map(drop),
            get().header("x-secret", bad).build().map(drop),
            over(mock.clone()).header("x-secret", bad).build().map(drop),
        ] {
            let debug = format!("{outcome:?}");
            let message = build_error(outcome);
            let named = message.contains("x-secret") || message.contains("idempotency-key");
            assert!(named && message.contains("invalid"), "{message}");
            assert!(!message.contains(SECRET) && !debug.contains(SECRET), "{bad:?}: {debug}");
        }
    }
}

#[tokio::test]
async fn a_bad_header_name_is_an_error() {
    let client = over(MockTransport::new()).build().unwrap();
    for bad in ["", "a b", "a:b", "a\r\nb", "ü"] {
        let message = build_error(client.get("/").header(bad, SECRET).send().await);
        assert!(message.starts_with("a header's name is invalid"), "{message}");
        assert_eq!(build_error(over(MockTransport::new()).header(bad, SECRET).build()), message);
    }
}

/// RFC 6265, section 5.4.
#[tokio::test]
async fn a_request_has_one_cookie_header() {
    let mut two = HeaderMap::new();
    two.append(header::COOKIE, HeaderValue::from_static("a=1"));
    two.append(header::COOKIE, HeaderValue::from_static("b=2"));
    let base = |client: HttpClientBuilder| client.header("cookie", "x=1").header("cookie", "y=2");
    for (request, expected) in [
        (sent(same, |request| request.cookie("a", "1")).await, "a=1"),
        (sent(same, |request| request.cookie("a", "1").cookie("b", "2")).await, "a=1; b=2"),
        (sent(same, |request| request.header("cookie", "x").cookie("a", "1")).await, "x; a=1"),
        (sent(same, |request| request.headers(&two)).await, "a=1; b=2"),
        (sent(same, |request| request.headers(&two).cookie("c", "3")).await, "a=1; b=2; c=3"),
        (sent(base, |request| request.cookie("a", "1")).await, "a=1"),
        (sent(base, |request| request.header("x-own", "1")).await, "x=1; y=2"),
        (sent(base, same).await, "x=1; y=2"),
    ] {
        assert_eq!(values(request.headers(), "cookie"), [expected]);
    }
}

#[tokio::test]
async fn a_cookie_that_cannot_stand_in_a_header_is_an_error_that_names_it() {
    let client = over(MockTransport::new()).build().unwrap();
    for value in ["hunter2; b=c", "hunter2,", "hunter 2", "\"hunter2\"", "hunter2\\", "hünter2"] {
        let message = build_error(client.get("/").cookie("session", value).send().await);
        assert!(message.starts_with("the value of cookie session is invalid"), "{message}");
        assert!(!message.contains("nter"), "{message}");
    }
    for name in ["", "a b", "a=b", "a;b", "ü"] {
        let message = build_error(client.get("/").cookie(name, SECRET).send().await);
        assert!(message.starts_with("a cookie's name is invalid"), "{message}");
    }
}

/// A `HeaderMap` has room for 24 576 of them, and panics beyond where nobody asks first.
#[tokio::test]
async fn more_headers_than_there_is_room_for_are_an_error() {
    let mock = MockTransport::always(Reply::ok());
    let client = over(mock.clone()).header("x-base", "1").auth(Tokens::default()).build().unwrap();
    let mut own = HeaderMap::new();
    let mut refused = 0;
    for number in 0..24_576 {
        own.insert(HeaderName::try_from(format!("x-{number}")).unwrap(), 1.into());
        if [20_000, 24_570, 24_572, 24_574, 24_575].contains(&number) {
            let outcome = client.post("/").headers(&own).body("hello").send().await;
            if let Err(error) = outcome {
                assert_eq!((error.kind(), number > 20_000), ("Build", true), "{error}");
                refused += 1;
            }
        }
    }
    assert_eq!(mock.request_count(), 5 - refused);
}

/// What is a secret in every request.
fn secrets() -> HeaderMap {
    let secret = |name| (name, HeaderValue::from_static(SECRET));
    [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION]
        .map(secret)
        .into_iter()
        .collect()
}

/// A middleware that adds secrets.
fn adding_secrets() -> impl Middleware {
    middleware_fn(|mut request, next| {
        request.headers_mut().extend(secrets());
        Box::pin(next.run(request))
    })
}

#[tokio::test]
async fn what_is_a_secret_is_marked_wherever_it_was_set() {
    let base = |client| {
        secrets().into_iter().fold(client, |client: HttpClientBuilder, (name, value)| {
            client.header(name.expect("each has one value"), value)
        })
    };
    let one_by_one = |request| {
        secrets().into_iter().fold(request, |request: RequestBuilder, (name, value)| {
            request.header(name.expect("each has one value"), value)
        })
    };
    let elsewhere = MockTransport::new().reply(Reply::ok());
    let mut request = Request::get("https://api.test/v1").unwrap();
    request.headers_mut().extend(secrets());
    over(elsewhere.clone()).build().unwrap().execute(request).await.unwrap();

    for (how, request) in [
        ("header", sent(same, one_by_one).await),
        ("headers", sent(same, |request| request.headers(&secrets())).await),
        ("base header", sent(base, same).await),
        ("execute", elsewhere.requests().remove(0)),
        ("middleware", sent(|client| client.middleware(adding_secrets()), same).await),
        (
            "attempt middleware",
            sent(|client| client.attempt_middleware(adding_secrets()), same).await,
        ),
    ] {
        for (name, value) in request.headers() {
            assert_eq!(value.is_sensitive(), secrets().contains_key(name), "{name} by {how}");
        }
        assert!(secrets().keys().all(|name| request.headers().contains_key(name)), "{how}");
    }
    let cookie = sent(same, |request| request.cookie("a", SECRET).header("set-cookie", "b")).await;
    assert!(
        cookie.headers()["cookie"].is_sensitive() && cookie.headers()["set-cookie"].is_sensitive()
    );
}

#[tokio::test]
async fn all_that_a_provider_emits_is_marked_as_a_secret() {
    let provider = Fixed::new(&[("x-api-key", "k"), ("x-date", "now"), ("authorization", "s")]);
    let request = sent(|client| client.auth(provider), same).await;
    for name in ["x-api-key", "x-date", "authorization"] {
        assert!(request.headers()[name].is_sensitive(), "{name}");
    }
    let token = sent(|client| client.auth(Tokens::default()), same).await;
    assert!(token.headers()["authorization"].is_sensitive());
    assert!(!token.headers()["user-agent"].is_sensitive());
}

#[tokio::test]
async fn a_responses_cookies_are_marked_as_secrets() {
    let reply = Reply::ok().header("set-cookie", "a=1").header("set-cookie", "b=2");
    let client = over(MockTransport::new().reply(reply)).build().unwrap();
    let response = client.get("/").send().await.unwrap();
    assert!(response.headers().get_all("set-cookie").iter().all(HeaderValue::is_sensitive));
}

#[tokio::test]
async fn allowed_origins_get_no_base_headers_but_user_agent_and_accept() {
    let mock = MockTransport::always(Reply::ok());
    let client = over(mock.clone())
        .header("x-client-version", "1.0")
        .header("cookie", "a=1")
        .header("authorization", "base")
        .header("user-agent", "ours")
        .header("accept", "text/plain")
        .allow_origin("https://files.test")
        .auth_origin("https://login.test")
        .build()
        .unwrap();
    for url in ["https://files.test/a", "https://login.test/a"] {
        client.get(url).header("x-own", "1").send().await.unwrap();
        let request = mock.requests().pop().unwrap();
        let mut names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, and_what_is_accepted(["accept", "user-agent", "x-own"]), "{url}");
        assert_eq!(request.header("user-agent"), Some("ours"));
        assert_eq!(request.header("accept"), Some("text/plain"));
    }
}

#[tokio::test]
async fn every_attempt_has_the_same_headers() {
    let mock = MockTransport::sequence([Reply::status(503), Reply::status(503), Reply::ok()]);
    let client = over(mock.clone())
        .header("x-base", "1")
        .header("x-base", "2")
        .auth(Fixed::new(&[("x-api-key", "k")]))
        .retry(up_to(3))
        .build()
        .unwrap();
    client.post("/").idempotency_key("order-17").cookie("a", "1").json(&[1]).send().await.unwrap();
    let requests = mock.requests();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert_eq!(request.headers(), requests[0].headers());
        assert_eq!(values(request.headers(), "idempotency-key"), ["order-17"]);
        assert_eq!(request.text(), "[1]");
    }
}

#[tokio::test]
async fn a_provider_sees_the_request_that_it_signs() {
    struct Signature;

    #[async_trait]
    impl AuthNProvider for Signature {
        async fn get_token(&self) -> Result<AuthNToken, AuthError> {
            unreachable!("get_headers needs no token")
        }

        async fn get_headers(&self, request: &RequestHead) -> Result<AuthNHeaders, AuthError> {
            let tenant = request.headers["x-tenant"].to_str().unwrap_or_default();
            let text = format!("{} {} {tenant}", request.method, request.url);
            let value = HeaderValue::try_from(text).expect("a valid value");
            Ok(AuthNHeaders::new().with(HeaderName::from_static("x-signed"), value))
        }
    }

    let request = sent(
        |client| client.header("x-tenant", "7").auth(Signature),
        |request| request.query(&[("a", "b")]),
    )
    .await;
    assert_eq!(request.header("x-signed"), Some("POST https://api.test/v1/users?a=b 7"));
}
