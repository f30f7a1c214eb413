//! Token fetches that fail, whatever the authority says about it.

use std::path::Path;
use std::time::Duration;

use midil_http::*;
use midil_http_test::{ManualRuntime, MockTransport, Reply};

use super::super::secrets::*;
use super::super::service;
use super::Failure;

/// What an authority may repeat of what it was told, in the form in which it got it, or another.
fn echoes() -> Vec<String> {
    let pair = format!("{}:{}", form_encoded(CLIENT_ID), form_encoded(CLIENT_SECRET));
    let mut all = vec![
        format!("no {CLIENT_ID} with {CLIENT_SECRET}"),
        pair.clone(),
        format!("{}:{}", percent_encoded(CLIENT_ID), percent_encoded(CLIENT_SECRET)),
        format!("{CLIENT_ID}:{CLIENT_SECRET}"),
        format!("{:?}", (CLIENT_ID, CLIENT_SECRET)),
    ];
    all.push(format!("Authorization: Basic {}", base64(pair.as_bytes())));
    all
}

/// The answers of token endpoints that are no token.
fn answers() -> Vec<(String, Reply)> {
    let mut all = Vec::new();
    for (case, echo) in echoes().into_iter().enumerate() {
        let text = serde_json::to_string(&echo).expect("JSON");
        for status in [400, 401, 403, 429, 500, 503] {
            let description = format!(r#"{{"error":"invalid_client","error_description":{text}}}"#);
            all.push((format!("echo {case}, {status}"), Reply::status(status).body(description)));
            let code = format!(r#"{{"error":{text}}}"#);
            all.push((format!("code {case}, {status}"), Reply::status(status).body(code)));
        }
        let page = Reply::ok().header("content-type", "text/html").body(format!("<html>{echo}"));
        all.push((format!("page {case}"), page));
        let kind = format!(r#"{{"access_token":"{TOKEN}","token_type":{text}}}"#);
        all.push((format!("type {case}"), Reply::ok().body(kind)));
    }
    let location = service::url();
    for (what, reply) in [
        ("a redirect", Reply::status(302).header("location", location.as_str()).body(BODY)),
        ("a truncated token", Reply::ok().body(format!(r#"{{"access_token":"{TOKEN}"#))),
        ("a list", Reply::ok().body(format!(r#"{{"access_token":["{TOKEN}"]}}"#))),
        ("a token in a list", Reply::ok().body(format!(r#"[{{"access_token":"{TOKEN}"}}]"#))),
        ("another name", Reply::ok().body(format!(r#"{{"id_token":"{TOKEN}"}}"#))),
        ("a token of two lines", Reply::ok().body(format!(r#"{{"access_token":"{TOKEN}\n"}}"#))),
        ("the bare token", Reply::ok().body(TOKEN)),
        (
            "a refusal with a token",
            Reply::status(403).body(format!(r#"{{"access_token":"{TOKEN}"}}"#)),
        ),
        (
            "a huge token",
            Reply::ok().body(format!(r#"{{"access_token":"{}"}}"#, TOKEN.repeat(20_000))),
        ),
        ("a stall", Reply::pending()),
        (
            "a failure",
            Reply::error(|| {
                TransportError::new(TransportErrorKind::Reset, Sent::Maybe, "it was reset").into()
            }),
        ),
        (
            "a body that breaks off",
            Reply::ok().body(Body::replayable(None, || {
                let reset =
                    TransportError::new(TransportErrorKind::Reset, Sent::Maybe, "it was reset");
                futures_util::stream::iter([
                    Ok(format!(r#"{{"access_token":"{TOKEN}"#)),
                    Err(reset),
                ])
            })),
        ),
    ] {
        all.push((what.to_owned(), reply));
    }
    all
}

pub(in super::super) fn all() -> Vec<Failure> {
    let mut failures = Vec::new();
    for method in [ClientAuthMethod::Basic, ClientAuthMethod::Post] {
        for (what, reply) in answers() {
            let runtime = ManualRuntime::new();
            let endpoint = MockTransport::always(reply);
            let credentials = service::credentials(endpoint, method, &runtime).build();
            let credentials = credentials.expect("good settings");
            failures.push((format!("{what}, {method:?}"), call(credentials, &runtime)));
        }
    }
    for (what, content) in [
        ("no file", None),
        ("an empty file", Some(Vec::new())),
        ("no UTF-8", Some([CLIENT_SECRET.as_bytes(), b"\xff"].concat())),
        ("a long file", Some(CLIENT_SECRET.repeat(4096).into_bytes())),
    ] {
        failures.push((format!("the secret's file: {what}"), of_file(what, content.as_deref())));
    }
    let runtime = ManualRuntime::new();
    let per_origin = PerOrigin::builder()
        .origin("https://other.test", StaticToken::try_new(TOKEN).expect("a token"))
        .build()
        .expect("good origins");
    failures.push(("nobody's origin".to_owned(), call(per_origin, &runtime)));
    let unfit = || async { Ok(AuthNToken::new(format!("{TOKEN}\r\nx: y"))) };
    failures.push(("a token that fits no header".to_owned(), call(unfit, &runtime)));
    let hanging = || std::future::pending::<Result<AuthNToken, AuthError>>();
    failures.push(("a call's own timeout".to_owned(), call(TokenCache::new(hanging), &runtime)));
    failures
}

/// What a call gets that has no token.
fn call(provider: impl AuthNProvider, runtime: &ManualRuntime) -> Error {
    let client = service::client(MockTransport::new(), runtime.clone());
    let client = client.auth(provider).total_timeout(Duration::from_secs(60)).build();
    // Without credentials of its own, so that the provider is asked.
    let get = client.expect("a good client").get(format!("/a?token={}", form_encoded(QUERY)));
    runtime.block_on(get.cookie("session", COOKIE).send()).expect_err("there is no token")
}

fn of_file(what: &str, content: Option<&[u8]>) -> Error {
    let name = format!("midil-leaks-{}-{}", std::process::id(), what.replace(' ', "-"));
    let path = std::env::temp_dir().join(name);
    if let Some(content) = content {
        std::fs::write(&path, content).expect("a file");
    }
    let runtime = ManualRuntime::new();
    let error = call(from_file(&path, &runtime), &runtime);
    if content.is_some() {
        std::fs::remove_file(&path).expect("it is there");
    }
    error
}

fn from_file(path: &Path, runtime: &ManualRuntime) -> ClientCredentials {
    let builder = service::credentials(MockTransport::new(), ClientAuthMethod::Basic, runtime);
    builder.client_secret(SecretSource::file(path)).build().expect("good settings")
}
