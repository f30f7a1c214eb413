//! What an answer that is no 2xx comes to.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use midil_http_core::{AuthError, AuthErrorKind, Secret};
use proptest::prelude::*;
use url::Url;

use crate::client_credentials::answer;
use crate::client_credentials::grant::{ClientAuthMethod, Grant};

use AuthErrorKind::{Configuration, Rejected, Unavailable};

fn refused(status: u16, body: impl AsRef<[u8]>) -> AuthError {
    as_client("reports", "hunter2", status, body)
}

fn as_client(id: &str, secret: &str, status: u16, body: impl AsRef<[u8]>) -> AuthError {
    let grant = Grant {
        url: Url::parse("https://login.test/token").unwrap(),
        client_id: id.to_owned(),
        method: ClientAuthMethod::Basic,
        fields: Vec::new(),
        headers: HeaderMap::new(),
    };
    let status = StatusCode::from_u16(status).unwrap();
    let secret = Secret::from(secret);
    let clean = |text: &str| grant.without_secrets(text, &secret);
    answer::refusal(status, &HeaderMap::new(), body.as_ref(), SystemTime::now, clean)
}

/// The description that is shown of one that an authority gives.
fn description(id: &str, secret: &str, given: &str) -> Option<String> {
    let body = serde_json::json!({ "error": "invalid_client", "error_description": given });
    let error = as_client(id, secret, 400, body.to_string());
    error.error_description().map(str::to_owned)
}

#[test]
fn each_status_says_whose_turn_it_is() {
    let client =
        "the token endpoint refused the client: check client_id, client_secret and auth_method";
    let request = "the token endpoint refused the request: is token_url right?";
    let redirects = "the token endpoint redirects, and a secret does not follow: set token_url to where it leads";
    let nothing = "there is no token endpoint at token_url: check it";
    let late = "the token endpoint did not take the request in time";
    for (status, kind, says) in [
        (300, Configuration, redirects),
        (302, Configuration, redirects),
        (308, Configuration, redirects),
        (400, Rejected, request),
        (401, Rejected, client),
        (403, Rejected, client),
        (404, Configuration, nothing),
        (405, Configuration, nothing),
        (408, Unavailable, late),
        (410, Configuration, nothing),
        (415, Rejected, request),
        (418, Rejected, request),
        (425, Unavailable, late),
        (429, Unavailable, "the token endpoint limits how often it is asked"),
        (500, Unavailable, "the token endpoint failed"),
        (501, Unavailable, "the token endpoint failed"),
        (599, Unavailable, "the token endpoint failed"),
        (999, Rejected, request),
    ] {
        for body in ["", "<html>", "[]", "{}", "null", r#"{"error":null}"#, r#"{"error":7}"#] {
            let error = refused(status, body);
            assert_eq!(error.kind(), kind, "{status}");
            assert_eq!(error.to_string(), format!("{says} (status {status})"));
            assert_eq!(error.status().unwrap().as_u16(), status);
            assert_eq!((error.error(), error.error_description()), (None, None), "{body}");
        }
    }
}

#[test]
fn the_codes_of_the_rfc_say_what_to_check() {
    for (code, status, kind, says) in [
        ("invalid_client", 400, Rejected, "check client_id, client_secret and auth_method"),
        ("invalid_client", 500, Unavailable, "the token endpoint failed"),
        ("invalid_scope", 400, Rejected, "check scope, audience and resource"),
        ("invalid_target", 400, Rejected, "check scope, audience and resource"),
        ("unauthorized_client", 400, Rejected, "allow the grant there"),
        ("unsupported_grant_type", 400, Rejected, "allow the grant there"),
        ("invalid_request", 400, Rejected, "the token endpoint refused the request"),
        ("slow_down", 429, Unavailable, "limits how often it is asked"),
    ] {
        let error = refused(status, format!(r#"{{"error":"{code}","error_description":"why"}}"#));
        assert_eq!((error.kind(), error.error()), (kind, Some(code)));
        assert_eq!(error.error_description(), Some("why"));
        let text = error.to_string();
        assert!(text.contains(says), "{text}");
        assert!(text.ends_with(&format!(" (status {status}) ({code}: why)")), "{text}");
    }
}

#[test]
fn a_client_whose_id_is_a_word_of_a_code_is_told_the_same() {
    for id in ["client", "invalid", "i", "_", "invalid_client"] {
        let error = as_client(id, "hunter2", 400, r#"{"error":"invalid_client"}"#);
        assert_eq!(error.error(), Some("invalid_client"), "{id}");
        assert!(error.to_string().contains("check client_id"), "{error}");
    }
    let custom = as_client("reports", "hunter2", 400, r#"{"error":"no_such_client_reports"}"#);
    assert_eq!(custom.error(), Some("no_such_client_…"));
}

#[test]
fn what_an_authority_repeats_of_id_and_secret_is_left_out() {
    for (id, secret, given, shown) in [
        ("reports", "hunter2", "no client reports with hunter2", "no client … with …"),
        ("reports", "a+b c%/:&", "not a%2Bb+c%25%2F%3A%26", "not …"),
        ("reports", "a+b c%/:&", "not a%2Bb%20c%25%2F%3A%26", "not …"),
        ("reports", "a+b c%/:&", "not a+b c%/:&!", "not …!"),
        ("rep:orts", "h&m", "bad header Basic cmVwJTNBb3J0czpoJTI2bQ==", "bad header Basic …"),
        ("reports", "hunter2", "bad header Basic cmVwb3J0czpodW50ZXIy", "bad header Basic …"),
        ("hunter", "hunter2", "hunter2 is not hunter", "… is not …"),
        ("reports", "hun\tter2", "not hun\tter2", "not …"),
        ("reports", "hunter2", "not hun\u{0}ter2", "not …"),
        ("reports", "ö\"ß", "not ö\"ß or %C3%B6%22%C3%9F", "not … or …"),
    ] {
        assert_eq!(description(id, secret, given).as_deref(), Some(shown), "{given}");
    }
}

#[test]
fn a_description_is_short_and_of_one_line() {
    assert_eq!(description("r", "h", "").as_deref(), None);
    assert_eq!(description("r", "h", "\n\u{7}").as_deref(), None);
    assert_eq!(description("xyz", "zyx", "a\r\nb\u{1b}[31mc").as_deref(), Some("ab[31mc"));
    let long = "é".repeat(5000) + "hunter2";
    let shown = description("xyz", "hunter2", &long).unwrap();
    assert_eq!(shown, "é".repeat(200));
    let half = "x".repeat(196) + "hunter2";
    let shown = description("reports", "hunter2", &half).unwrap();
    assert!(!shown.contains("hun"), "{shown}");
    let bare = refused(400, r#"{"error_description":"why"}"#);
    assert_eq!(bare.error_description(), None, "without a code it is no OAuth2 answer");
}

#[test]
fn retry_after_counts_where_another_try_may_help() {
    for (status, asked) in [(408, 7), (425, 7), (429, 7), (500, 7), (503, 7)]
        .map(|(status, seconds)| (status, Some(Duration::from_secs(seconds))))
        .into_iter()
        .chain([(302, None), (400, None), (401, None), (404, None), (501, None), (505, None)])
    {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("7"));
        let status = StatusCode::from_u16(status).unwrap();
        let error = answer::refusal(status, &headers, b"", SystemTime::now, str::to_owned);
        assert_eq!(error.retry_in(), asked, "{status}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(
        status in 300_u16..600,
        body in proptest::collection::vec(any::<u8>(), 0..200),
        id in "\\PC{0,3}",
        secret in "\\PC{0,3}",
    ) {
        drop(as_client(&id, &secret, status, body));
    }

    #[test]
    fn no_description_shows_a_secret(
        secret in "[a-z+%/:& \"é\t]{12,20}",
        before in "[0-9]{0,220}",
        encode in any::<bool>(),
    ) {
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let repeated = if encode { &encoded } else { &secret };
        let shown = description("ID", &secret, &format!("{before}{repeated}")).unwrap_or_default();
        prop_assert!(!shown.contains(repeated.as_str()), "{shown}");
        let beginning: String = repeated.chars().take(4).collect();
        prop_assert!(!shown.contains(&beginning), "{shown}");
    }
}

#[test]
fn a_2xx_with_an_error_code_and_no_token_is_a_refusal() {
    for (body, is_refusal) in [
        (r#"{"error":"invalid_client"}"#, true),
        (r#"{"error":"invalid_client","access_token":"t"}"#, false),
        (r#"{"error":""}"#, false),
        (r#"{"error":{"code":7}}"#, false),
        (r#"{"access_token":"t"}"#, false),
        ("{}", false),
        ("<html>", false),
    ] {
        assert_eq!(answer::is_refusal(body.as_bytes()), is_refusal, "{body}");
    }
    let error = refused(200, r#"{"error":"invalid_client"}"#);
    assert_eq!((error.kind(), error.error()), (Rejected, Some("invalid_client")));
    assert!(error.to_string().contains("check client_id, client_secret"), "{error}");
}

/// As JavaScript, Python and others spell it.
#[test]
fn no_spelling_of_a_secret_is_shown() {
    let secret = "p+q%r:s/t&u v~w";
    for spelling in [
        "p%2Bq%25r%3As%2Ft%26u%20v~w",
        "p%2Bq%25r%3As/t%26u%20v~w",
        "p%2bq%25r%3as%2ft%26u+v%7ew",
        "p+q%r:s/t&amp;u v~w",
        "p+q%r:s/\u{200b}t&u v~w",
        "p+q%r:s/\u{202e}t&u v~w",
    ] {
        let shown = description("reports", secret, &format!("unknown client_secret={spelling}"));
        assert!(shown.unwrap().ends_with('…'), "{spelling}");
    }
    let harmless = "100% of it, and more: a+b & c";
    assert_eq!(description("reports", secret, harmless).as_deref(), Some(harmless));
}
