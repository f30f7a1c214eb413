//! What is refused before anything is sent.

use midil_http::*;
use midil_http_test::{ManualRuntime, MockTransport};
use serde::Serialize;

use super::super::secrets::*;
use super::super::service;
use super::Failure;

/// URLs that cannot be, with all the secrets that they may hold.
fn bad_urls() -> Vec<String> {
    let (query, userinfo) = (form_encoded(QUERY), format!("{USER}:{PASSWORD}@"));
    let authorities = ["exa mple.test", "[::1", "api.test:port", "", "api.test:99999", "%"];
    let mut urls: Vec<_> = authorities
        .into_iter()
        .flat_map(|host| {
            [
                format!("https://{userinfo}{host}/a?token={query}#{FRAGMENT}"),
                format!("https:/{userinfo}{host}/a?token={query}"),
                format!("//{userinfo}{host}/a?token={query}"),
                format!("\\\\{userinfo}{host}\\a?token={query}"),
                format!("{userinfo}{host}"),
            ]
        })
        .collect();
    urls.extend([
        service::url_text("https", "api.test"),
        service::url_text("http", "api.test"),
        service::url_text("ftp", "api.test"),
        service::url_text("HTTPS", "other.test:8443"),
        format!("https:{userinfo}api.test/?token={query}"),
        format!("https:\t//{userinfo}api.test/?token={query}"),
        format!("ht tps://{userinfo}api.test/?token={query}"),
        format!("http://api.test/?token={query}#{FRAGMENT}"),
        format!("data:text/plain?{query}"),
        format!("/a/../../b?token={query}"),
        format!("/%2e%2e/%2e%2e/b?token={query}#{FRAGMENT}"),
        format!("/a\r\nb?token={query}"),
        format!("?token={query}\n"),
        format!("//evil.test?token={query}"),
        format!("https://other.test/a?token={query}#{FRAGMENT}"),
        format!("#{FRAGMENT}\t"),
    ]);
    urls
}

/// What no header, cookie or setting can hold, with a secret in it.
fn unfit(secret: &str) -> [String; 3] {
    [format!("{secret}\r\nx: y"), format!("{secret}\0"), format!("{secret}\n")]
}

pub(in super::super) fn all() -> Vec<Failure> {
    let mut failures = Vec::new();
    let mut note = |what: String, outcome: Result<(), Error>| {
        failures.extend(outcome.err().map(|error| (what, error)));
    };
    let begin = || service::client(MockTransport::new(), ManualRuntime::new());
    let client = begin().build().expect("a good client");
    for url in bad_urls() {
        note(format!("base_url {url}"), begin().base_url(&url).build().map(drop));
        note(format!("allow_origin {url}"), begin().allow_origin(&url).build().map(drop));
        note(format!("auth_origin {url}"), begin().auth_origin(&url).build().map(drop));
        note(format!("get {url}"), client.get(&url).build().map(drop));
        note(format!("Request::get {url}"), Request::get(&url).map(drop));
        if let Ok(request) = http::Request::get(&url).body(()) {
            note(format!("http::Request {url}"), Request::try_from(request).map(drop));
        }
        note(
            format!("credential_url {url}"),
            Ok(()).and(credential_url("x", &url).map(drop).map_err(Error::from)),
        );
        note(
            format!("base_url of a config {url}"),
            HttpConfig::builder().base_url(&url).build().map(drop),
        );
        let builder = || ClientCredentials::builder(MockTransport::new()).client_id(CLIENT_ID);
        let built = builder().client_secret(CLIENT_SECRET).token_url(&url).build();
        note(format!("token_url {url}"), built.map(drop));
        let cognito = CognitoClientCredentialsAuthenticator::builder(MockTransport::new());
        note(format!("domain {url}"), cognito.domain(&url).client_id(CLIENT_ID).build().map(drop));
        let one = || StaticToken::try_new(TOKEN).expect("a token");
        note(format!("origin {url}"), PerOrigin::builder().origin(&url, one()).build().map(drop));
        let twice = PerOrigin::builder().origin(&url, one()).origin(&url, one());
        note(format!("origin {url} twice"), twice.build().map(drop));
    }
    settings(&mut note);
    headers(&mut note);
    failures
}

fn settings(note: &mut impl FnMut(String, Result<(), Error>)) {
    let builder = || {
        let builder = ClientCredentials::builder(MockTransport::new());
        builder
            .token_url("https://login.test/token")
            .client_id(CLIENT_ID)
            .client_secret(CLIENT_SECRET)
    };
    for (what, built) in [
        ("no client_id", builder().client_id("").build()),
        ("an empty secret", builder().client_secret("").build()),
        (
            "client_secret as a parameter",
            builder().parameter("client_secret", CLIENT_SECRET).build(),
        ),
        ("authorization by hand", builder().header("authorization", TOKEN).build()),
        ("fetch_timeout", builder().fetch_timeout(std::time::Duration::ZERO).build()),
    ] {
        assert!(built.is_err(), "{what}");
        note(what.to_owned(), built.map(drop));
    }
    for value in unfit(API_KEY) {
        note(
            "a header of the credentials".to_owned(),
            builder().header("x-key", value).build().map(drop),
        );
    }
    for secret in unfit(TOKEN).into_iter().chain([format!(" {TOKEN}"), format!("Bearer {TOKEN}")]) {
        note("StaticToken".to_owned(), StaticToken::try_new(secret.as_str()).map(drop));
        let token = StaticToken::try_new("abc").expect("a token");
        note("the type of StaticToken".to_owned(), token.with_type(secret.as_str()).map(drop));
        note(
            "the key of ApiKey".to_owned(),
            ApiKey::try_new("x-api-key", secret.as_str()).map(drop),
        );
        note("the name of ApiKey".to_owned(), ApiKey::try_new(secret.as_str(), API_KEY).map(drop));
        let (user, colon) = (format!("{BASIC_USER}:"), format!("{BASIC_USER}\n"));
        note("the user".to_owned(), BasicAuth::try_new(user, BASIC_PASSWORD).map(drop));
        note("the user, too".to_owned(), BasicAuth::try_new(colon, BASIC_PASSWORD).map(drop));
        note("the password".to_owned(), BasicAuth::try_new("ada", secret.as_str()).map(drop));
        let token = AuthNToken::new(secret.as_str());
        note("a token".to_owned(), AuthNHeaders::from_token(&token).map(drop).map_err(Error::from));
        let token = AuthNToken::new(TOKEN).with_token_type(secret.as_str());
        note("a type".to_owned(), AuthNHeaders::from_token(&token).map(drop).map_err(Error::from));
    }
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n", base64(BODY.as_bytes()));
    for certificate in [BODY.to_owned(), pem] {
        let built = ReqwestTransport::builder().root_certificate(certificate).build();
        note("a certificate".to_owned(), built.map(drop));
    }
}

fn headers(note: &mut impl FnMut(String, Result<(), Error>)) {
    #[derive(Serialize)]
    enum Unfit {
        Tuple(&'static str, &'static str),
    }
    let begin = || service::client(MockTransport::new(), ManualRuntime::new());
    let client = begin().build().expect("a good client");
    for value in unfit(API_KEY) {
        note(
            "a value of a base header".to_owned(),
            begin().header("x-key", &value).build().map(drop),
        );
        note("a name of a base header".to_owned(), begin().header(&value, "1").build().map(drop));
        for (what, call) in [
            ("the value of a header", client.get("/").header("x-key", &value)),
            ("the value of authorization", client.get("/").header("authorization", &value)),
            ("the name of a header", client.get("/").header(&value, "1")),
            ("the value of a cookie", client.get("/").cookie("session", &value)),
            ("the name of a cookie", client.get("/").cookie(&value, "1")),
            ("an idempotency key", client.get("/").idempotency_key(&value)),
        ] {
            note(what.to_owned(), call.build().map(drop));
        }
    }
    for (what, call) in [
        ("a query that is none", client.get("/").query(QUERY)),
        ("a query that is an enum", client.get("/").query(&Unfit::Tuple(QUERY, QUERY))),
        ("a form that is none", client.post("/").form(BODY)),
        ("a form that is an enum", client.post("/").form(&[Unfit::Tuple(BODY, BODY)])),
        (
            "JSON whose key is none",
            client.post("/").json(
                &[(vec![BODY], BODY)].into_iter().collect::<std::collections::BTreeMap<_, _>>(),
            ),
        ),
    ] {
        note(what.to_owned(), call.build().map(drop));
    }
}
