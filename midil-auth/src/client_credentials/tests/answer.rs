//! The token in a 2xx, field by field.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use midil_http_core::{AuthError, AuthErrorKind, AuthNHeaders, AuthNToken};
use proptest::prelude::*;

use crate::client_credentials::answer;

const NO_TOKEN: &str =
    "the token endpoint's answer is no JSON object of a token: is token_url right?";

fn token(body: impl AsRef<[u8]>) -> Result<AuthNToken, AuthError> {
    answer::token(&HeaderMap::new(), body.as_ref(), str::to_owned)
}

/// Why there is no token in this answer.
#[track_caller]
fn problem(body: impl AsRef<[u8]>) -> String {
    let body = body.as_ref();
    let error = token(body).expect_err(&String::from_utf8_lossy(body));
    assert_eq!(error.kind(), AuthErrorKind::Malformed, "{error}");
    assert_eq!((error.status(), error.error(), error.retry_in()), (None, None, None));
    error.to_string()
}

#[test]
fn a_token_as_the_rfc_has_it() {
    let body =
        r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"example","expires_in":3600}"#;
    let token = token(body.replace("example", "Bearer")).unwrap();
    assert_eq!(token.access_token().expose(), "2YotnFZFEjr1zCsicMWpAA");
    assert_eq!(token.token_type(), "Bearer");
    assert_eq!(token.expires_in(), Some(Duration::from_secs(3600)));
    assert_eq!(token.issued_at(), None, "an answer does not say when");
    assert!(!format!("{token:?}").contains("2Yotn"));
}

#[test]
fn an_access_token_is_text_that_is_not_empty() {
    for (value, problem_is) in [
        ("null", "has no access_token: is token_url right?"),
        ("\"\"", "has an empty access_token"),
        ("7", "has an access_token that is no text"),
        ("true", "has an access_token that is no text"),
        (r#"["hunter2"]"#, "has an access_token that is no text"),
        (r#"{"token":"hunter2"}"#, "has an access_token that is no text"),
        (r#""hunter2\ud800""#, "has an access_token that is no text"),
    ] {
        let says = problem(format!(r#"{{"access_token":{value},"token_type":"Bearer"}}"#));
        assert_eq!(says, format!("the token endpoint's answer {problem_is}"), "{value}");
        assert!(!says.contains("hunter2"), "{says}");
    }
    assert_eq!(
        problem(r#"{"token_type":"Bearer","expires_in":3600}"#),
        "the token endpoint's answer has no access_token: is token_url right?"
    );
    let huge = "x".repeat(200_000);
    let given = token(format!(r#"{{"access_token":"{huge}"}}"#)).unwrap();
    assert_eq!(given.access_token().expose(), huge);
    let escaped = token(r#"{"access_token":"a\/b\u002bc"}"#).unwrap();
    assert_eq!(escaped.access_token().expose(), "a/b+c");
}

#[test]
fn a_token_that_fits_no_header_is_told_without_a_word_of_it() {
    for escape in ["\\n", "\\r\\nx-evil: 1", "\\u0000", "\\u007f"] {
        let token = token(format!(r#"{{"access_token":"hunter2{escape}"}}"#)).unwrap();
        let error = AuthNHeaders::from_token(&token).unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::Malformed, "{escape}");
        assert_eq!(
            error.to_string(),
            "the token holds characters that a header cannot: check what the authority issues"
        );
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}

#[test]
fn the_type_is_bearer_in_any_case() {
    for value in ["\"Bearer\"", "\"bearer\"", "\"BEARER\"", "\"bEaReR\"", "null"] {
        let given = token(format!(r#"{{"access_token":"t","token_type":{value}}}"#)).unwrap();
        assert_eq!(given.token_type(), "Bearer", "{value}");
    }
    assert_eq!(token(r#"{"access_token":"t"}"#).unwrap().token_type(), "Bearer");
    for value in ["\"mac\"", "\"DPoP\"", "\"\"", "\"Bearer \"", "1", "false", "[\"Bearer\"]", "{}"]
    {
        assert_eq!(
            problem(format!(r#"{{"access_token":"t","token_type":{value}}}"#)),
            "the token endpoint's answer has a token_type other than Bearer, \
             which is all that this client understands",
            "{value}"
        );
    }
}

#[test]
fn lifetimes_of_any_shape() {
    let seconds = |count| Some(Duration::from_secs(count));
    let longest = Some(Duration::MAX);
    for (value, lifetime) in [
        ("3600", seconds(3600)),
        ("\"3600\"", seconds(3600)),
        ("\" 3600 \"", seconds(3600)),
        ("3.6e3", seconds(3600)),
        ("3599.9", Some(Duration::from_secs_f64(3599.9))),
        ("\"3599.9\"", Some(Duration::from_secs_f64(3599.9))),
        ("1e18", seconds(1_000_000_000_000_000_000)),
        ("18446744073709551615", longest),
        ("1e400", longest),
        ("\"1e400\"", longest),
        ("0", seconds(0)),
        ("-0.0", seconds(0)),
        ("-5", seconds(0)),
        ("\"-5\"", seconds(0)),
        ("-1e400", seconds(0)),
        ("1e-400", seconds(0)),
        ("\"soon\"", None),
        ("\"\"", None),
        ("\"3600 s\"", None),
        ("\"NaN\"", None),
        ("\"-nan\"", None),
        ("null", None),
        ("true", None),
        ("[]", None),
        ("[3600]", None),
        (r#"{"seconds":3600}"#, None),
    ] {
        let body = format!(r#"{{"access_token":"t","expires_in":{value}}}"#);
        assert_eq!(token(body).unwrap().expires_in(), lifetime, "{value}");
    }
    assert_eq!(token(r#"{"access_token":"t"}"#).unwrap().expires_in(), None);
    for value in ["NaN", "Infinity", "+5", "0x10", ""] {
        let body = format!(r#"{{"access_token":"t","expires_in":{value}}}"#);
        assert_eq!(problem(body), NO_TOKEN, "{value}");
    }
}

#[test]
fn a_body_that_is_no_token_object() {
    for body in [
        "",
        " ",
        "<!DOCTYPE html><title>Sign in</title>",
        "null",
        "[]",
        r#"["hunter2","Bearer",3600]"#, // the fields in their order are no object
        "\"hunter2\"",
        "42",
        r#"{"access_token":"hunter2""#,
        r#"{"access_token":"hunter2"} {"#,
        r#"{"access_token":"hunter2","access_token":"hunter3"}"#,
        r#"{"access_token":"t","expires_in":1,"expires_in":2}"#,
        "\u{feff}{\"access_token\":\"hunter2\"}",
        "access_token=hunter2&token_type=Bearer",
    ] {
        assert_eq!(problem(body), NO_TOKEN, "{body}");
    }
    assert_eq!(problem(b"{\"access_token\":\"\xff\"}"), NO_TOKEN);
    assert_eq!(problem("[".repeat(250_000)), NO_TOKEN);
    assert_eq!(problem(format!(r#"{{"x":{}"#, "{\"x\":".repeat(40_000))), NO_TOKEN);
}

#[test]
fn what_surrounds_the_fields_does_not_matter() {
    let body = "\r\n\t {\"scope\":null,\"access_token\" :\n\"t\",\"x\":{\"access_token\":[1,2]},\"x\":1}\n";
    assert_eq!(token(body).unwrap().access_token().expose(), "t");
}

#[test]
fn a_content_type_that_is_no_json_is_told() {
    for (kind, told) in [
        ("text/html; charset=utf-8", ", but text/html"),
        ("application/x-www-form-urlencoded", ", but application/x-www-form-urlencoded"),
        ("application/json", ""),
        ("application/vnd.pki+json;charset=UTF-8", ""),
        ("", ""),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        let error = answer::token(&headers, b"<html>", str::to_owned).unwrap_err();
        let says = NO_TOKEN.replace(':', &format!("{told}:"));
        assert_eq!(error.to_string(), says, "{kind}");
    }
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(&"x".repeat(9000)).unwrap());
    let error = |headers: &HeaderMap| {
        answer::token(headers, b"", |text| text.replace("hunter2", "…")).unwrap_err()
    };
    assert!(error(&headers).to_string().len() < 200);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_bytes(b"text/\xff").unwrap());
    assert_eq!(error(&headers).to_string(), NO_TOKEN);
    // Whatever an authority repeats, and wherever.
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/hunter2"));
    assert_eq!(error(&headers).to_string(), NO_TOKEN.replace(':', ", but text/…:"));
}

/// Fields that are nearly right.
fn nearly() -> impl Strategy<Value = String> {
    let name = prop_oneof!["access_token", "token_type", "expires_in", "error", "\\PC{0,4}"];
    let value = prop_oneof![
        "\"[^\"\\\\\\x00-\\x1f]{0,12}\"",
        "-?[0-9]{1,30}(\\.[0-9]{1,4})?(e-?[0-9]{1,4})?",
        "\"-?[0-9]{0,30}(\\.[0-9]{1,4})?(e-?[0-9]{1,4})?\"",
        "null|true|\\[\\]|\\{\\}|\"bearer\"|\"inf\"|\"nan\"",
    ];
    proptest::collection::vec((name, value), 0..5).prop_map(|fields| {
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", fields.join(","))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(token(body));
    }

    #[test]
    fn nor_do_fields_of_any_value(body in nearly()) {
        if let Ok(token) = token(&body) {
            prop_assert!(!token.access_token().expose().is_empty(), "{body}");
        }
    }
}
