//! What is shown of things that may hold a secret.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use url::Url;

/// A URL without userinfo, query and fragment.
pub(crate) fn url(url: &Url) -> impl fmt::Display + fmt::Debug + '_ {
    RedactedUrl(url)
}

/// Headers without the values that are sensitive.
pub(crate) fn headers(headers: &HeaderMap) -> impl fmt::Debug + '_ {
    RedactedHeaders(headers)
}

/// Text that may be no URL at all, to be shown on one line: without whatever may be userinfo, query or fragment in it.
pub(crate) fn url_text(text: &str) -> String {
    bare_url_text(text).escape_debug().to_string()
}

/// The same with all characters as they are, for a writer that escapes them itself.
pub(crate) fn bare_url_text(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let query = if end < text.len() { "?…" } else { "" };
    let (mut shown, mut at) = (String::new(), 0);
    // The authority is what comes first, or first after a scheme, however many slashes of whatever kind go before; or where two
    // slashes do.
    let (mut is_first, mut is_doubled) = (true, false);
    for piece in text[..end].split_inclusive(['/', '\\']) {
        let name = piece.trim_end_matches(['/', '\\']).trim_matches(char::is_control);
        let may_be_authority = is_first || is_doubled;
        if may_be_authority && has_broken_userinfo(name) && text[at..].contains('@') {
            let after = text[..end].rfind('@').filter(|sign| *sign >= at);
            shown.push_str(after.map_or("…", |sign| &text[sign + 1..end]));
            break;
        }
        at += piece.len();
        shown.push_str(match piece.rfind('@') {
            Some(sign) if may_be_authority || piece[..sign].contains(':') => &piece[sign + 1..],
            _ => piece,
        });
        is_doubled = name.is_empty();
        is_first &= name.is_empty() || (name.ends_with(':') && !name.contains('@'));
    }
    shown + query
}

/// Whether it is the beginning of userinfo that a slash, `?` or `#` in the password cuts off: a port it is not.
fn has_broken_userinfo(name: &str) -> bool {
    let port = name.split_once(':').map_or("", |(_, port)| port);
    !name.contains('@') && !name.starts_with('[') && !port.bytes().all(|byte| byte.is_ascii_digit())
}

struct RedactedUrl<'a>(&'a Url);

impl fmt::Display for RedactedUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        BeforeQuery(self.0).fmt(f)?;
        if self.0.query().is_some() { f.write_str("?…") } else { Ok(()) }
    }
}

/// A URL without userinfo, and up to its query.
pub(crate) fn url_before_query(url: &Url) -> impl fmt::Display + '_ {
    BeforeQuery(url)
}

struct BeforeQuery<'a>(&'a Url);

impl fmt::Display for BeforeQuery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.0;
        if url.cannot_be_a_base() {
            // `data:` and its like: all of it is content.
            return write!(f, "{}:…", url.scheme());
        }
        write!(f, "{}://{}", url.scheme(), url.host_str().unwrap_or_default())?;
        if let Some(port) = url.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(url.path())
    }
}

impl fmt::Debug for RedactedUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Headers that are secrets, marked or not.
const SECRETS: [HeaderName; 4] =
    [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE, header::SET_COOKIE];

/// Headers that hold URLs.
const URLS: [HeaderName; 5] =
    [header::LOCATION, header::CONTENT_LOCATION, header::REFERER, header::LINK, header::REFRESH];

/// The value of a header as it may be logged: `Sensitive` where it is a secret, marked or by its name.
pub(crate) fn header(name: &HeaderName, value: &HeaderValue) -> String {
    if SECRETS.contains(name) || value.is_sensitive() || is_secret_name(name.as_str()) {
        return "Sensitive".to_owned();
    }
    match value.to_str() {
        Ok(text) if holds_url(name, text) => url_text(text),
        Ok(text) => text.to_owned(),
        Err(_) => format!("{} bytes that are no text", value.len()),
    }
}

/// Whether a header holds a URL, by its name or for all that can be seen: `Operation-Location` is as good as `Location`.
fn holds_url(name: &HeaderName, text: &str) -> bool {
    URLS.contains(name) || text.contains("://")
}

/// Whether what has this name (a header, a parameter, a member of a JSON object) is a secret, as names go.
pub(crate) fn is_secret_name(name: &str) -> bool {
    const PARTS: [&str; 21] = [
        "token",
        "secret",
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "apikey",
        "accesskey",
        "privatekey",
        "authkey",
        "subscriptionkey",
        "functionskey",
        "encryptionkey",
        "jwt",
        "authorization",
        "assertion",
        "credential",
        "cookie",
        "session",
        "signature",
        "clientid",
    ];
    let plain: String = name
        .chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    plain != "tokentype" && PARTS.iter().any(|part| plain.contains(part))
}

struct RedactedHeaders<'a>(&'a HeaderMap);

impl fmt::Debug for RedactedHeaders<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (name, value) in self.0 {
            if SECRETS.contains(name) || is_secret_name(name.as_str()) {
                map.entry(name, &"Sensitive");
            } else if let Some(url) =
                value.to_str().ok().filter(|text| !value.is_sensitive() && holds_url(name, text))
            {
                map.entry(name, &url_text(url));
            } else {
                map.entry(name, value); // a HeaderValue hides itself when it is marked
            }
        }
        map.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lose_userinfo_query_and_fragment() {
        let parsed =
            Url::parse("https://user:hunter2@example.com:8443/a/b?token=hunter2#hunter2").unwrap();
        assert_eq!(url(&parsed).to_string(), "https://example.com:8443/a/b?…");
        assert_eq!(format!("{:?}", url(&parsed)), "\"https://example.com:8443/a/b?…\"");
    }

    #[test]
    fn text_that_is_no_url_loses_them_too() {
        assert_eq!(
            url_text("https://user:hunter2@exa mple/a?token=hunter2"),
            "https://exa mple/a?…"
        );
        assert_eq!(url_text("/a\r\nb"), "/a\\r\\nb");
        assert_eq!(url_text("user:hunter2@host"), "host");
        assert_eq!(url_text("//u:hunter2@host/x@y"), "//host/x@y");
        assert_eq!(url_text("///u:hunter2@[host"), "///[host");
        assert_eq!(url_text("https:/u:hunter2@host\t/x"), "https:/host\\t/x");
        assert_eq!(url_text("/\\u:hunter2@host"), "/\\\\host");
        assert_eq!(url_text("https//u:hunter2@host/x"), "https//host/x");
        assert_eq!(url_text("https://https://u:hunter2@host"), "https://https://host");
        assert_eq!(url_text("a/u:hunter2@host"), "a/host");
        // A password with characters that end an authority.
        assert_eq!(url_text("https://u:hunter2/x@host/y"), "https://host/y");
        assert_eq!(url_text("https://u:hunter2?x@host"), "https://…?…");
        assert_eq!(url_text("https://u:hunter2#@host/y?z"), "https://…?…");
        assert_eq!(url_text("/users/@me"), "/users/@me");
        assert_eq!(url_text("https://host:8080/a@b"), "https://host:8080/a@b");
        assert_eq!(url_text("https://[::1]:8080/a@b"), "https://[::1]:8080/a@b");
        assert_eq!(url_text("/users:list"), "/users:list");
        assert_eq!(
            url_text("<https://u:hunter2@a/x>; rel=prev, <https://b:hunter2@c/@me>; rel=next"),
            "<https://a/x>; rel=prev, <https://c/@me>; rel=next"
        );
        assert_eq!(url_text("https://a/, https://b:hun,ter2;hunter2@c"), "https://a/, https://c");
        assert_eq!(url_text("5; url=https://a:hunter2@b"), "5; url=https://b");
        assert_eq!(url_text("/via/https://a:b@hunter2@c/x"), "/via/https://c/x");
        assert_eq!(url_text(""), "");
    }

    #[test]
    fn names_tell_of_secrets_however_they_are_spelt() {
        for secret in [
            "access_token",
            "X-Api-Key",
            "clientSecret",
            "PASSWORD",
            "set-cookie",
            "x-amz-signature",
            "x-auth-key",
            "Ocp-Apim-Subscription-Key",
            "id_jwt",
        ] {
            assert!(is_secret_name(secret), "{secret}");
        }
        for plain in [
            "token_type",
            "expires_in",
            "scope",
            "name",
            "page",
            "retry-after",
            "tok",
            "idempotency-key",
            "etag",
        ] {
            assert!(!is_secret_name(plain), "{plain}");
        }
    }

    #[test]
    fn secret_headers_are_hidden_even_when_unmarked() {
        let mut map = HeaderMap::new();
        map.insert("cookie", "a=hunter2".parse().unwrap());
        map.insert("x-plain", "shown".parse().unwrap());
        map.insert("x-api-key", "hunter2".parse().unwrap());
        map.insert("operation-location", "https://a/b?sig=hunter2".parse().unwrap());
        let mut marked = HeaderValue::from_static("https://hunter2/");
        marked.set_sensitive(true);
        map.insert("location", marked);
        let text = format!("{:?}", headers(&map));
        assert!(!text.contains("hunter2") && text.contains("shown"), "{text}");
        for (name, value) in &map {
            assert!(!header(name, value).contains("hunter2"), "{name}");
        }
    }
}
