//! What is shown of bodies.

use http::{HeaderMap, header};
use url::form_urlencoded;

use super::json;
use crate::{Request, redact};

/// How a body says what it is, in lower case and without parameters; `None` where it does not say so, or is encoded.
pub(super) fn media_type(headers: &HeaderMap) -> Option<String> {
    let is_encoded =
        headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity");
    let text = headers.get(header::CONTENT_TYPE)?.to_str().ok().filter(|_| !is_encoded)?;
    let essence = text.split(';').next().unwrap_or_default().trim();
    Some(essence.to_ascii_lowercase())
}

const FORM: &str = "application/x-www-form-urlencoded";

/// Whether it is text, by its type.
pub(super) fn is_text(media_type: &str) -> bool {
    let structured = ["+json", "+xml", "+yaml"].iter().any(|suffix| media_type.ends_with(suffix));
    let known =
        ["json", "xml", "yaml", "x-ndjson", "javascript", "graphql", "x-www-form-urlencoded"];
    let application = media_type.strip_prefix("application/");
    structured
        || media_type.starts_with("text/")
        || application.is_some_and(|subtype| known.contains(&subtype))
}

/// JSON and forms without what is a secret by its name; nothing of anything else, for nothing tells there what is one.
pub(super) fn redacted(media_type: &str, text: &str) -> Option<String> {
    if media_type == "application/json" || media_type.ends_with("+json") {
        return json::redacted(text);
    }
    (media_type == FORM).then(|| form(text))
}

fn form(text: &str) -> String {
    let pairs = text.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_secret_field(name) => format!("{name}=REDACTED"),
        Some(_) => pair.to_owned(),
        // No pair, or one that is cut off.
        None => "REDACTED".to_owned(),
    });
    pairs.collect::<Vec<_>>().join("&")
}

fn is_secret_field(name: &str) -> bool {
    let name =
        form_urlencoded::parse(name.as_bytes()).next().map(|(name, _)| name).unwrap_or_default();
    // `code` and `code_verifier` of OAuth are as good as a token.
    redact::is_secret_name(&name) || name.to_ascii_lowercase().starts_with("code")
}

/// Whether credentials are asked for ([RFC 6749]): then the answer is about nothing else, whatever its members are called.
///
/// [RFC 6749]: https://www.rfc-editor.org/rfc/rfc6749#section-4.4.2
pub(super) fn is_token_request(request: &Request) -> bool {
    let is_form = media_type(request.headers()).is_some_and(|media_type| media_type == FORM);
    is_form
        && request.body().as_bytes().is_some_and(|bytes| {
            form_urlencoded::parse(bytes).any(|(name, _)| name == "grant_type")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_form_are_hidden_by_their_name() {
        let text =
            "grant_type=authorization_code&code=hunter2&client%5Fsecret=hunter2&scope=a+b&hunter2";
        assert_eq!(
            redacted(FORM, text).unwrap(),
            "grant_type=authorization_code&code=REDACTED&client%5Fsecret=REDACTED&scope=a+b&REDACTED"
        );
    }

    #[test]
    fn what_cannot_be_searched_for_secrets_is_not_shown() {
        for other in ["text/plain", "text/html", "application/xml", "application/octet-stream"] {
            assert_eq!(redacted(other, "hunter2"), None, "{other}");
        }
        assert_eq!(redacted("application/problem+json", "{\"a\":1}").as_deref(), Some("{\"a\":1}"));
    }

    #[test]
    fn text_is_known_by_its_type() {
        for (media_type, expected) in [
            ("application/json", true),
            ("application/hal+json", true),
            ("text/csv", true),
            (FORM, true),
            ("image/png", false),
            ("application/octet-stream", false),
            ("multipart/form-data", false),
            ("image/svg+xml", true),
        ] {
            assert_eq!(is_text(media_type), expected, "{media_type}");
        }
    }
}
