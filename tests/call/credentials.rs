//! Credentials: each scheme, and what is kept out of sight.

use midil_http_test::fault_server::{FaultServer, Reply};
use serde_json::json;

use crate::process::{Temp, call, kind};

const SECRET: &str = "s3cr3t-value";

#[test]
fn each_static_scheme_sends_its_header() {
    for (option, value, name, header) in [
        ("--bearer", SECRET.to_owned(), "authorization", format!("Bearer {SECRET}")),
        ("--basic", "user:pass".to_owned(), "authorization", "Basic dXNlcjpwYXNz".to_owned()),
        ("--api-key", format!("x-api-key: {SECRET}"), "x-api-key", SECRET.to_owned()),
    ] {
        let server = FaultServer::always(Reply::ok(""));
        let (_, code) = call([option, &value, &server.url()]).line();
        assert_eq!(code, 0, "{option}");
        assert_eq!(server.requests()[0].header(name), Some(header.as_str()), "{option}");
    }
}

#[test]
fn a_token_is_fetched_once_for_all_calls_wherever_the_secret_comes_from() {
    let file = Temp::new("secret", SECRET);
    let from_file = format!("@{}", file.path());
    for (options, variable) in [
        (&["--client-secret", SECRET][..], None),
        (&["--client-secret", &from_file][..], None),
        (&[][..], Some(SECRET)),
    ] {
        let token = r#"{"access_token":"t-1","expires_in":3600,"token_type":"Bearer"}"#;
        let authority =
            FaultServer::always(Reply::ok(token).header("content-type", "application/json"));
        let server = FaultServer::always(Reply::ok(""));
        let (token_url, url) = (format!("{}/oauth2/token", authority.url()), server.url());
        let fixed =
            ["--token-url", &token_url, "--client-id", "me", "--scope", "a", "--scope", "b"];
        let mut run = call(fixed.into_iter().chain(options.iter().copied()).chain([
            "--repeat",
            "3",
            url.as_str(),
        ]));
        if let Some(secret) = variable {
            run = run.variable("MIDIL_CLIENT_SECRET", secret);
        }
        let ran = run.run();
        assert_eq!((ran.code, authority.request_count(), server.request_count()), (0, 1, 3));
        let body = String::from_utf8_lossy(authority.requests()[0].body()).into_owned();
        assert!(body.contains("scope=a+b") && !body.contains(SECRET), "{body}");
        assert_eq!(server.requests()[2].header("authorization"), Some("Bearer t-1"));
        assert!(!ran.output.contains(SECRET) && !ran.output.contains("t-1"), "{}", ran.output);
    }
}

#[test]
fn the_secret_goes_into_the_form_when_it_is_asked_for() {
    let authority = FaultServer::always(Reply::ok(r#"{"access_token":"t-1"}"#));
    let server = FaultServer::always(Reply::ok(""));
    let token_url = format!("{}/oauth2/token", authority.url());
    let (_, code) = call([
        "--token-url",
        &token_url,
        "--client-id",
        "me",
        "--client-secret",
        SECRET,
        "--auth-method",
        "post",
        &server.url(),
    ])
    .line();
    let request = &authority.requests()[0];
    let body = String::from_utf8_lossy(request.body()).into_owned();
    assert_eq!((code, request.header("authorization")), (0, None));
    assert!(body.contains(&format!("client_secret={SECRET}")), "{body}");
}

#[test]
fn credentials_that_are_refused_are_an_error_of_the_call_without_the_secret() {
    let refusal = r#"{"error":"invalid_client","error_description":"unknown"}"#;
    let authority = FaultServer::always(Reply::status(401).body(refusal));
    let server = FaultServer::always(Reply::ok(""));
    let token_url = format!("{}/oauth2/token", authority.url());
    let ran = call([
        "--token-url",
        &token_url,
        "--client-id",
        "me",
        "--client-secret",
        SECRET,
        &server.url(),
    ])
    .run();
    assert_eq!((ran.code, kind(&ran.lines[0]), server.request_count()), (1, "Auth", 0));
    assert_eq!(ran.lines[0]["status"], json!(null));
    assert!(ran.output.contains("invalid_client") && !ran.output.contains(SECRET));
}
