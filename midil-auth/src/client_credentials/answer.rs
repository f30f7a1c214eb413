//! What a token endpoint's answer comes to.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};
use midil_http_core::{
    AuthError, AuthErrorKind, AuthNToken, Secret, is_transient_status, retry_after,
};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A successful answer ([RFC 6749, section 5.1](https://www.rfc-editor.org/rfc/rfc6749#section-5.1)); fields of a wrong
/// type are told apart below, so that the message can name them.
#[derive(Deserialize)]
struct Success<'a> {
    #[serde(borrow)]
    access_token: Option<&'a RawValue>,
    #[serde(borrow)]
    token_type: Option<&'a RawValue>,
    #[serde(borrow)]
    expires_in: Option<&'a RawValue>,
}

/// An error answer ([RFC 6749, section 5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2)).
#[derive(Deserialize)]
struct Failure<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    error_description: Option<&'a RawValue>,
}

/// The codes of [RFC 6749, section 5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2), and of
/// [RFC 8707](https://www.rfc-editor.org/rfc/rfc8707#section-2).
const CODES: [&str; 7] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_target",
];

/// The token in a 2xx.
pub(super) fn token(
    headers: &HeaderMap,
    body: &[u8],
    clean: impl Fn(&str) -> String,
) -> Result<AuthNToken, AuthError> {
    let malformed = |problem: &str| {
        AuthError::new(AuthErrorKind::Malformed, format!("the token endpoint's answer {problem}"))
    };
    let Some(answer) = object::<Success<'_>>(body) else {
        return Err(malformed(&format!(
            "is no JSON object of a token{}: is token_url right?",
            content_type(headers, clean)
        )));
    };
    let access_token = match answer.access_token.map(text) {
        None => return Err(malformed("has no access_token: is token_url right?")),
        Some(None) => return Err(malformed("has an access_token that is no text")),
        Some(Some(token)) if token.expose().is_empty() => {
            return Err(malformed("has an empty access_token"));
        }
        Some(Some(token)) => token,
    };
    match answer.token_type.map(text) {
        None => {}
        Some(Some(kind)) if kind.expose().eq_ignore_ascii_case("bearer") => {}
        // RFC 6749, section 7.1: a client must not use a token of a type that it does not understand.
        Some(_) => {
            return Err(malformed(
                "has a token_type other than Bearer, which is all that this client understands",
            ));
        }
    }
    let token = AuthNToken::new(access_token);
    Ok(match answer.expires_in.and_then(lifetime) {
        Some(lifetime) => token.with_expires_in(lifetime),
        None => token,
    })
}

/// Whether a 2xx is a refusal all the same: some authorities have but one status.
pub(super) fn is_refusal(body: &[u8]) -> bool {
    let token = object::<Success<'_>>(body).is_some_and(|answer| answer.access_token.is_some());
    let code = object::<Failure<'_>>(body).and_then(|answer| text(answer.error?));
    !token && code.is_some_and(|code| !code.expose().is_empty())
}

/// What any other status means, or [`is_refusal`].
pub(super) fn refusal(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: impl FnOnce() -> SystemTime,
    clean: impl Fn(&str) -> String,
) -> AuthError {
    let answer = object::<Failure<'_>>(body);
    let code = answer.as_ref().and_then(|answer| text(answer.error?));
    let (kind, message) = explain(status, code.as_ref().map(Secret::expose));
    let mut error = AuthError::new(kind, message).with_status(status);
    let show = |text: &str| {
        // What characters without a shape hid is looked for again without them: RFC 6749 allows visible ASCII and spaces.
        let has_shape =
            |c: &char| *c == ' ' || c.is_alphanumeric() || c.is_ascii_graphic() || *c == '…';
        let line: String = clean(text).chars().filter(has_shape).collect();
        let shown: String = clean(&line).chars().take(200).collect();
        (!shown.is_empty()).then_some(shown)
    };
    // A code that everybody knows gives nothing away, whatever the client is called.
    let shown = code.and_then(|code| match code.expose() {
        known if CODES.contains(&known) => Some(known.to_owned()),
        other => show(other),
    });
    if let Some(shown) = shown {
        let description = answer.and_then(|answer| text(answer.error_description?));
        error = error.with_oauth(shown, description.and_then(|text| show(text.expose())));
    }
    if is_transient_status(status)
        && let Some(asked) = retry_after(headers, now)
    {
        error = error.with_retry_in(asked);
    }
    error
}

fn explain(status: StatusCode, code: Option<&str>) -> (AuthErrorKind, &'static str) {
    use AuthErrorKind::{Configuration, Rejected, Unavailable};
    match code {
        _ if status == StatusCode::TOO_MANY_REQUESTS => {
            return (Unavailable, "the token endpoint limits how often it is asked");
        }
        _ if status.is_server_error() => return (Unavailable, "the token endpoint failed"),
        Some("invalid_client") => {
            return (
                Rejected,
                "the token endpoint refused the client: check client_id, client_secret and auth_method",
            );
        }
        Some("invalid_scope" | "invalid_target") => {
            return (
                Rejected,
                "the token endpoint refused what was asked for: check scope, audience and resource",
            );
        }
        Some("unauthorized_client" | "unsupported_grant_type") => {
            return (
                Rejected,
                "the token endpoint does not give client credentials to this client: allow the grant there",
            );
        }
        Some(_) => return (Rejected, "the token endpoint refused the request"),
        None => {}
    }
    match status.as_u16() {
        300..=399 => (
            Configuration,
            "the token endpoint redirects, and a secret does not follow: set token_url to where it leads",
        ),
        404 | 405 | 410 => (Configuration, "there is no token endpoint at token_url: check it"),
        401 | 403 => (
            Rejected,
            "the token endpoint refused the client: check client_id, client_secret and auth_method",
        ),
        408 | 425 => (Unavailable, "the token endpoint did not take the request in time"),
        _ => (Rejected, "the token endpoint refused the request: is token_url right?"),
    }
}

/// The fields of a JSON object. An array of as many values is none, though serde would take it for one.
fn object<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Option<T> {
    let is_object = body.trim_ascii_start().starts_with(b"{");
    is_object.then(|| serde_json::from_slice(body).ok())?
}

fn text(raw: &RawValue) -> Option<Secret> {
    serde_json::from_str::<String>(raw.get()).ok().map(Secret::from)
}

/// Seconds, as a number or as text; what is below zero is zero, what is above all measure is the longest. `None` for what
/// is no number.
fn lifetime(raw: &RawValue) -> Option<Duration> {
    let text = raw.get().trim_matches('"').trim();
    let seconds: f64 = text.parse().ok().filter(|seconds: &f64| !seconds.is_nan())?;
    Some(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX))
}

/// What the answer says that it is, unless that is JSON; less the secrets that an authority may repeat even there.
fn content_type(headers: &HeaderMap, clean: impl Fn(&str) -> String) -> String {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if essence.is_empty() || essence.to_ascii_lowercase().ends_with("json") {
        return String::new();
    }
    format!(", but {}", clean(essence).chars().take(60).collect::<String>())
}
