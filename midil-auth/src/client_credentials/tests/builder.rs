//! Settings that are refused, and how that is said.

use std::error::Error as _;
use std::time::Duration;

use http::Method;
use midil_http_core::{AuthNProvider, Error, Request};
use midil_http_test::{ManualRuntime, MockTransport, Reply};
use url::form_urlencoded;

use crate::{
    ClientAuthMethod, ClientCredentials, ClientCredentialsBuilder,
    CognitoClientCredentialsAuthenticator as Cognito, SecretSource,
};

fn nobody()
-> impl Fn(Request) -> std::future::Ready<Result<http::Response<midil_http_core::Body>, Error>>
+ Send
+ Sync
+ Clone
+ 'static {
    |_| std::future::ready(Err(Error::custom("nobody is there")))
}

/// A client to which nothing is wrong.
fn good() -> ClientCredentialsBuilder {
    ClientCredentials::builder(nobody())
        .token_url("https://login.test/token")
        .client_id("reports")
        .client_secret("hunter2")
}

fn pool() -> ClientCredentialsBuilder<Cognito> {
    Cognito::builder(nobody()).client_id("reports").client_secret("hunter2")
}

/// What is wrong with the settings.
#[track_caller]
fn problem<T: std::fmt::Debug>(outcome: Result<T, Error>) -> String {
    match outcome {
        Err(error @ Error::Build(_)) => {
            for shown in [error.to_string(), format!("{error:?}")] {
                assert!(!shown.contains("hunter2"), "{shown}");
            }
            assert!(error.source().is_none_or(|source| !source.to_string().contains("hunter2")));
            error.to_string()
        }
        other => panic!("no Error::Build, but {other:?}"),
    }
}

#[test]
fn what_is_required() {
    let builder = || ClientCredentials::builder(nobody());
    let url = "https://login.test/token";
    for (outcome, says) in [
        (
            builder().client_id("reports").client_secret("hunter2").build(),
            "token_url is not set: give the https URL of the token endpoint",
        ),
        (
            builder().token_url(url).client_secret("hunter2").build(),
            "client_id is not set: give the id that the authority knows you by",
        ),
        (
            good().client_id("").build(),
            "client_id is not set: give the id that the authority knows you by",
        ),
        (
            builder().token_url(url).client_id("reports").build(),
            "client_secret is not set: give the secret, or a SecretSource of it",
        ),
        (good().client_secret("").build(), "client_secret is empty: give the secret"),
        (
            good().fetch_timeout(Duration::ZERO).build(),
            "fetch_timeout is zero: give a positive duration",
        ),
    ] {
        assert_eq!(problem(outcome), says);
    }
    good().build().unwrap();
    good().fetch_timeout(Duration::MAX).build().unwrap();
    // What a file holds is known when it is read.
    good().client_secret(SecretSource::file("/no/such/file")).build().unwrap();
}

#[test]
fn token_urls_that_would_give_a_secret_away() {
    for (url, begins) in [
        (
            "http://login.test/token",
            "token_url cannot be \"http://login.test/token\": secrets would travel in the clear; give an https URL",
        ),
        (
            "http://10.0.0.1/token?key=hunter2",
            "token_url cannot be \"http://10.0.0.1/token?…\": secrets would travel in the clear",
        ),
        (
            "http://localhost.evil.test/",
            "token_url cannot be \"http://localhost.evil.test/\": secrets would",
        ),
        (
            "https://user:hunter2@login.test/token",
            "token_url cannot be \"https://login.test/token\": userinfo in a URL ends up in logs",
        ),
        ("https://hunter2@login.test/", "token_url cannot be \"https://login.test/\": userinfo"),
        ("ftp://login.test/", "token_url cannot be \"ftp://login.test/\": only http and https"),
        ("login.test/token", "token_url cannot be \"login.test/token\": "),
        ("/token", "token_url cannot be \"/token\": "),
        ("", "token_url cannot be \"\": "),
        ("https://", "token_url cannot be \"https://\": "),
        ("https://user:hunter2@log in.test/", "token_url cannot be \"https://log in.test/\": "),
    ] {
        let says = problem(good().token_url(url).build());
        assert!(says.starts_with(begins), "{says}");
    }
    for url in [
        "http://localhost:8080/token",
        "http://127.0.0.1/",
        "http://[::1]:1/",
        "HTTPS://Login.Test",
    ] {
        good().token_url(url).build().unwrap();
    }
}

#[test]
fn scopes_that_no_request_can_hold() {
    for scope in ["a\"b", "a\\b", "é", "a\tb", "a\nb", "\u{7f}"] {
        let says = problem(good().scope(scope).build());
        let expected = format!(
            "scope \"{}\" has characters that no scope can have: \
             use visible ASCII without quotes and backslashes",
            scope.escape_debug()
        );
        assert_eq!(says, expected);
    }
    good().scopes(["orders/read", "!#[]~", "", "  "]).build().unwrap();
}

#[test]
fn headers_that_cannot_be() {
    let says = problem(good().header("authorization", "Bearer hunter2").build());
    assert_eq!(
        says,
        "header authorization is made of client_id and client_secret: use auth_method"
    );
    let says = problem(good().header("AUTHORIZATION", "hunter2\n").build());
    assert!(says.contains("use auth_method"), "{says}");
    for value in ["hunter2\n", "hunter2\r\nx: y", "hunter2\0"] {
        let says = problem(good().header("x-key", value).build());
        assert_eq!(
            says,
            "header x-key has a value with characters that no header can hold: use visible ASCII"
        );
    }
    for name in ["", "a b", "x\n", "é", "x: hunter2"] {
        let says = problem(good().header(name, "hunter2").build());
        let expected =
            "a header's name has characters that no name can have: use letters, digits and -";
        assert_eq!(says, expected);
    }
}

#[test]
fn fields_with_a_method_of_their_own() {
    for name in ["grant_type", "client_id", "client_secret", "scope", "audience", "resource"] {
        let says = problem(good().parameter(name, "hunter2").build());
        assert_eq!(says, format!("parameter {name} is set by a method of its own name: use that"));
    }
    good().parameter("tenant", "17").parameter("", "").build().unwrap();
}

#[test]
fn the_first_of_several_problems_is_told() {
    let builder = good().header("a b", "").parameter("scope", "").token_url("no").client_id("");
    assert!(problem(builder.build()).starts_with("a header's name"));
}

#[test]
fn neither_builder_nor_client_show_a_secret() {
    let url = "https://login.test/token?key=hunter2";
    let secret = || SecretSource::from("hunter2");
    let builder = good()
        .token_url(url)
        .client_id("hunter2-id")
        .client_secret(secret())
        .auth_method(ClientAuthMethod::Post)
        .parameter("assertion", "hunter2")
        .header("x-key", "hunter2");
    let texts = [format!("{builder:?}"), format!("{:?}", builder.build().unwrap())];
    let pool =
        pool().domain("pool.test").client_id("hunter2-id").aws_client_metadata("k", "hunter2");
    let more =
        [format!("{pool:?}"), format!("{:?}", pool.build().unwrap()), format!("{:?}", secret())];
    for shown in texts.into_iter().chain(more) {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let shown = format!("{:?}", good().token_url(url).build().unwrap());
    assert!(shown.contains("\"https://login.test/token\""), "{shown}");
}

#[test]
fn domains_of_a_user_pool() {
    for (domain, url) in [
        (
            "x.auth.us-east-1.amazoncognito.com",
            "https://x.auth.us-east-1.amazoncognito.com/oauth2/token",
        ),
        ("login.example.com", "https://login.example.com/oauth2/token"),
        ("LOGIN.example.com", "https://login.example.com/oauth2/token"),
        ("login.example.com/", "https://login.example.com/oauth2/token"),
        ("https://login.example.com", "https://login.example.com/oauth2/token"),
        ("https://login.example.com:8443/", "https://login.example.com:8443/oauth2/token"),
        ("http://localhost:9000", "http://localhost:9000/oauth2/token"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000/oauth2/token"),
    ] {
        let built = pool().domain(domain).build().unwrap();
        let shown = format!("{built:?}");
        assert!(shown.contains(&format!("\"{url}\"")), "{domain}: {shown}");
    }
    let host_alone = "domain is a host alone: for a whole URL use token_url";
    for (domain, says) in [
        ("login.example.com/oauth2/token", host_alone),
        ("https://login.example.com/?key=hunter2", host_alone),
        ("login.example.com#hunter2", host_alone),
        (
            "http://login.example.com",
            "domain cannot be \"http://login.example.com\": secrets would",
        ),
        (
            "user:hunter2@login.example.com",
            "domain cannot be \"https://login.example.com\": userinfo",
        ),
        ("", "domain cannot be \"https://\": "),
        ("log in.example.com", "domain cannot be \"https://log in.example.com\": "),
        (
            "ftp://login.example.com",
            "domain cannot be \"ftp://login.example.com\": only http and https",
        ),
    ] {
        let outcome = problem(pool().domain(domain).build());
        assert!(outcome.starts_with(says), "{domain}: {outcome}");
    }
    let says = problem(pool().build());
    assert_eq!(says, "domain is not set: give the user pool's domain, or token_url");
    let says =
        problem(Cognito::builder(nobody()).domain("pool.test").client_secret("hunter2").build());
    assert!(says.starts_with("client_id is not set"), "{says}");
    pool().token_url("https://pool.test/oauth2/token").build().unwrap();
}

#[test]
fn a_user_pool_is_asked_as_cognito_wants_it() {
    let (runtime, mock) = (ManualRuntime::new(), MockTransport::new());
    mock.on(Method::POST, "https://pool.test/oauth2/token")
        .reply(Reply::ok().body(r#"{"access_token":"t","token_type":"Bearer","expires_in":3600}"#));
    let pool = Cognito::builder(mock.clone())
        .domain("pool.test")
        .client_id("reports")
        .client_secret("hunter2")
        .scope("orders/read")
        .aws_client_metadata("team", "bil\"ling & co")
        .aws_client_metadata("env", "prüf")
        .aws_client_metadata("team", "bil\"ling & söhne")
        .runtime(runtime.clone())
        .build()
        .unwrap();
    let token = runtime.block_on(pool.get_token()).unwrap();
    assert_eq!(token.access_token().expose(), "t");
    let body = mock.requests()[0].body().clone();
    let form: std::collections::BTreeMap<_, _> = form_urlencoded::parse(&body).collect();
    let metadata: serde_json::Value = serde_json::from_str(&form["aws_client_metadata"]).unwrap();
    let expected = serde_json::json!({ "team": "bil\"ling & söhne", "env": "prüf" });
    assert_eq!((metadata, form.len()), (expected, 3));
    assert_eq!(&form["scope"], "orders/read");
}

#[cfg(feature = "store")]
mod shared {
    use super::*;
    use crate::MemoryTokenStore;

    /// How many tokens are fetched for two clients that share a store and differ in this.
    fn fetches(
        one: impl FnOnce(ClientCredentialsBuilder) -> ClientCredentialsBuilder,
        other: impl FnOnce(ClientCredentialsBuilder) -> ClientCredentialsBuilder,
    ) -> usize {
        let runtime = ManualRuntime::new();
        let body = r#"{"access_token":"t0ken","expires_in":3600}"#;
        let endpoint = MockTransport::always(Reply::ok().body(body));
        let store = MemoryTokenStore::with_runtime(runtime.clone());
        let shared = || {
            ClientCredentials::builder(endpoint.clone())
                .token_url("https://login.test/token")
                .client_id("reports")
                .client_secret("hunter2")
                .runtime(runtime.clone())
                .store(store.clone())
        };
        for credentials in [one(shared()), other(shared())] {
            runtime.block_on(credentials.build().unwrap().warm_up()).unwrap();
        }
        endpoint.request_count()
    }

    #[test]
    fn a_token_of_one_tenant_is_not_given_to_another() {
        assert_eq!(fetches(|a| a, |b| b), 1);
        assert_eq!(fetches(|a| a.header("x-tenant", "a"), |b| b.header("X-Tenant", "a")), 1);
        assert_eq!(fetches(|a| a.header("x-tenant", "a"), |b| b.header("x-tenant", "b")), 2);
        assert_eq!(fetches(|a| a.header("x-tenant", "a"), |b| b), 2);
        assert_eq!(fetches(|a| a.header("x-a", "b"), |b| b.parameter("x-a", "b")), 2);
        let in_order = |a: ClientCredentialsBuilder| a.header("x-a", "1").header("x-b", "2");
        assert_eq!(fetches(in_order, |b| b.header("x-b", "2").header("x-a", "1")), 1);
    }
}
