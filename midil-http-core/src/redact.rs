//! What is shown of things that may hold a secret.

use std::fmt;

use http::{HeaderMap, header};
use url::Url;

/// A URL without userinfo, query and fragment.
pub(crate) fn url(url: &Url) -> impl fmt::Display + fmt::Debug + '_ {
    RedactedUrl(url)
}

/// Headers without the values that are sensitive.
pub(crate) fn headers(headers: &HeaderMap) -> impl fmt::Debug + '_ {
    RedactedHeaders(headers)
}

/// Text that did not parse as a URL, cut where a secret might begin.
pub(crate) fn url_text(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let shown = &text[..end];
    let authority = shown.find("//").map_or(0, |at| at + 2);
    let authority_end = shown[authority..].find('/').map_or(shown.len(), |at| authority + at);
    let host = shown[..authority_end].rfind('@').map_or(authority, |at| (at + 1).max(authority));
    let query = if end < text.len() { "?…" } else { "" };
    format!("{}{}{query}", &shown[..authority], &shown[host..]).escape_debug().to_string()
}

struct RedactedUrl<'a>(&'a Url);

impl fmt::Display for RedactedUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.0;
        write!(f, "{}://{}", url.scheme(), url.host_str().unwrap_or_default())?;
        if let Some(port) = url.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(url.path())?;
        if url.query().is_some() { f.write_str("?…") } else { Ok(()) }
    }
}

impl fmt::Debug for RedactedUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

struct RedactedHeaders<'a>(&'a HeaderMap);

impl fmt::Debug for RedactedHeaders<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (name, value) in self.0 {
            let secret = [
                header::AUTHORIZATION,
                header::PROXY_AUTHORIZATION,
                header::COOKIE,
                header::SET_COOKIE,
            ];
            if secret.contains(name) {
                map.entry(name, &"Sensitive");
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
        assert_eq!(url_text(""), "");
    }

    #[test]
    fn secret_headers_are_hidden_even_when_unmarked() {
        let mut map = HeaderMap::new();
        map.insert("cookie", "a=hunter2".parse().unwrap());
        map.insert("x-plain", "shown".parse().unwrap());
        let text = format!("{:?}", headers(&map));
        assert!(!text.contains("hunter2") && text.contains("shown"), "{text}");
    }
}
