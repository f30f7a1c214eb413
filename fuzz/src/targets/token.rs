//! What a token endpoint answers. A line of status and content type, and the body.
//!
//! The oracle reads the body with `serde_json` as RFC 6749, section 5.1, has it. What comes of it is that token or an error;
//! no error, whatever the endpoint repeats, shows the client's secret.

use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use midil_auth::ClientCredentials;
use midil_http_core::{AuthNProvider, Body, Request, RequestHead};
use midil_http_test::ManualRuntime;
use serde_json::Value;

use super::input::{Input, rendered};

const ID: &str = "reports&more";
const SECRET: &str = "hunter2/+ ok";
/// The ways in which a form, a URL and `Basic` have it.
const SPELLINGS: [&str; 6] = [
    SECRET,
    "hunter2%2F%2B+ok",
    "hunter2%2f%2b+ok",
    "hunter2%2F%2B%20ok",
    "hunter2/%2B%20ok",
    "cmVwb3J0cyUyNm1vcmU6aHVudGVyMiUyRiUyQitvaw==",
];

pub(super) fn check(data: &[u8]) {
    let mut input = Input(data);
    let line = input.line();
    let (status, kind) = line.split_at(line.len().min(3));
    let Ok(status) = StatusCode::from_bytes(status) else { return };
    if status.is_informational() {
        return;
    }
    let kind = HeaderValue::from_bytes(kind.trim_ascii()).ok();
    let body = input.0.to_vec();

    let answer = body.clone();
    let transport = move |_: Request| {
        let mut response = http::Response::new(Body::from(answer.clone()));
        *response.status_mut() = status;
        response.headers_mut().extend(kind.clone().map(|kind| (header::CONTENT_TYPE, kind)));
        async { Ok(response) }
    };
    let runtime = ManualRuntime::new();
    let credentials = ClientCredentials::builder(transport)
        .token_url("https://login.test/token")
        .client_id(ID)
        .client_secret(SECRET)
        .runtime(runtime.clone())
        .seed(1)
        .build()
        .unwrap();
    let head: RequestHead = Request::get("https://api.test/").unwrap().into_parts().0;
    let expected = Expected::of(&body);
    match runtime.block_on(credentials.get_token()) {
        Ok(token) => {
            assert!(status.is_success(), "{status}");
            let secret = token.access_token().expose();
            assert!(!secret.is_empty());
            match &expected {
                Expected::Token { text, lifetime } => {
                    assert_eq!(secret, text);
                    assert!(token.token_type().eq_ignore_ascii_case("bearer"));
                    if let Some(lifetime) = lifetime {
                        assert_eq!(token.expires_in(), Some(*lifetime));
                    }
                }
                Expected::Unsure => {}
                Expected::None => panic!("a token came of {:?}", String::from_utf8_lossy(&body)),
            }
            assert!(!format!("{token:?} {credentials:?}").contains(secret) || secret.len() < 8);
            let fits = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
            let sound = secret.bytes().all(fits) && secret.trim() == secret;
            match runtime.block_on(credentials.get_headers(&head)) {
                Ok(headers) => {
                    let all: Vec<_> = headers.iter().collect();
                    let value = format!("Bearer {secret}");
                    assert!(sound && all.len() == 1, "{headers:?}");
                    assert_eq!(all[0].0, header::AUTHORIZATION);
                    assert_eq!(all[0].1.as_bytes(), value.as_bytes());
                    assert!(all[0].1.is_sensitive());
                }
                Err(error) => assert!(!sound, "{error}"),
            }
        }
        Err(error) => {
            let expects_token = matches!(&expected, Expected::Token { text, .. } if text.is_ascii()
                && !text.bytes().any(|byte| byte.is_ascii_control()) && text.trim() == text);
            assert!(!(status.is_success() && expects_token), "{error}");
            let shown = format!("{} {credentials:?}", rendered(&error));
            for spelling in SPELLINGS {
                assert!(!shown.contains(spelling), "{shown}");
            }
            if let Expected::Token { text, .. } = expected {
                let said = [error.to_string(), format!("{error:?}")].concat();
                assert!(text.len() < 16 || !said.contains(&text), "{said}");
            }
        }
    }
}

enum Expected {
    Token {
        text: String,
        lifetime: Option<Duration>,
    },
    None,
    /// JSON that parsers differ about: the same name twice, numbers out of range.
    Unsure,
}

impl Expected {
    fn of(body: &[u8]) -> Self {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            // A number that no f64 holds is no error to those who do not look at it.
            let raw = serde_json::from_slice::<serde::de::IgnoredAny>(body);
            return if raw.is_ok() { Self::Unsure } else { Self::None };
        };
        let Value::Object(fields) = value else { return Self::None };
        let names = ["\"access_token\"", "\"token_type\"", "\"expires_in\"", "\\u", "\"error"];
        let text = String::from_utf8_lossy(body);
        if names.iter().any(|name| text.matches(name).count() > 1) || text.contains("\\u") {
            return Self::Unsure;
        }
        let is_bearer = match fields.get("token_type") {
            None | Some(Value::Null) => true,
            Some(Value::String(kind)) => kind.eq_ignore_ascii_case("bearer"),
            Some(_) => false,
        };
        let lifetime = match fields.get("expires_in") {
            Some(Value::Number(seconds)) => seconds.as_u64().filter(|seconds| *seconds < 1 << 40),
            _ => None,
        };
        match fields.get("access_token") {
            Some(Value::String(text)) if !text.is_empty() && is_bearer => {
                Self::Token { text: text.clone(), lifetime: lifetime.map(Duration::from_secs) }
            }
            _ => Self::None,
        }
    }
}
