//! What URLs a client takes. A byte that chooses the base, and what is given to `get`.
//!
//! What is taken has an origin that is allowed and no userinfo, reads the same to `http::Uri`, and below its base it stays
//! however its servers read it: slashes merged, dots and slashes decoded once, more than once, or slashes not at all, what
//! follows a semicolon dropped.

use std::sync::LazyLock;

use http::Uri;
use midil_http_core::{Body, Error, HttpClient, Request};
use url::{Position, Url};

use super::input::{Input, rendered};

const BASES: [&str; 6] = [
    "https://api.test/v1",
    "https://api.test",
    "https://api.test:8443/v1/x/",
    "http://127.0.0.1/a%20b",
    "http://[::1]:80/v1",
    "https://b\u{fc}cher.test/v1/",
];
const ALLOWED: &str = "https://cdn.test";

static CLIENTS: LazyLock<Vec<HttpClient>> = LazyLock::new(|| {
    let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
    let client = |base: &&str| {
        HttpClient::builder(transport).base_url(*base).allow_origin(ALLOWED).build().unwrap()
    };
    BASES.iter().map(client).collect()
});

pub(super) fn check(data: &[u8]) {
    let mut input = Input(data);
    let index = usize::from(input.byte()) % BASES.len();
    let Ok(text) = std::str::from_utf8(input.0) else { return };
    let (base, client) = (Url::parse(BASES[index]).unwrap(), &CLIENTS[index]);
    let url = match client.get(text).build() {
        Ok(request) => request.url().clone(),
        Err(error) => {
            assert!(matches!(error, Error::Build(_)), "{error:?}");
            assert!(!rendered(&error).contains("hunter2") || !text.contains(":hunter2@"));
            return;
        }
    };
    assert!(matches!(url.scheme(), "http" | "https"), "{text:?}: {url}");
    assert!(url.username().is_empty() && url.password().is_none(), "{text:?}: {url}");
    let origin = &url[..Position::BeforePath];
    if is_absolute(text) {
        assert!(origin == &base[..Position::BeforePath] || origin == ALLOWED, "{text:?}: {url}");
    } else {
        assert_eq!(origin, &base[..Position::BeforePath], "{text:?}");
        assert!(!leaves(base.path(), url.path()), "{text:?}: {url}");
        // A slash more or less makes no difference.
        if !text.is_empty() && !text.starts_with(['/', '?', '#']) {
            let with_slash = client.get(format!("/{text}")).build();
            assert_eq!(with_slash.ok().map(|request| request.url().clone()), Some(url.clone()));
        }
    }
    // What a transport makes of it is the same place.
    if let Ok(uri) = Uri::try_from(&url[..Position::AfterQuery]) {
        assert_eq!(uri.host(), url.host_str(), "{text:?}");
        assert_eq!(uri.port_u16(), url.port(), "{text:?}");
        assert_eq!(uri.path(), url.path(), "{text:?}");
    }
    // What was taken once is taken again, and is what it was.
    let again = client.get(url.as_str()).build().unwrap();
    assert_eq!(again.url(), &url, "{text:?}");
}

/// `https:` and `http:`, or any scheme with two slashes.
fn is_absolute(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let fits = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(fits)
        && (rest.starts_with("//") || ["http", "https"].contains(&&*scheme.to_ascii_lowercase()))
}

/// Whether some server would take `path` for one above `base`: one that decodes slashes so many times, and dots so many.
fn leaves(base: &str, path: &str) -> bool {
    let base = base.trim_end_matches('/');
    let Some(below) =
        path.strip_prefix(base).filter(|below| below.is_empty() || below.starts_with('/'))
    else {
        return true;
    };
    (0..4).any(|slashes| {
        let segments = split(below.to_owned(), slashes);
        (0..4).any(|dots| {
            let names = segments.iter().map(|segment| decoded(segment, dots));
            let mut depth = 0_i32;
            names.into_iter().any(|name| {
                match name.split(';').next().unwrap_or_default() {
                    "" | "." => {}
                    ".." => depth -= 1,
                    _ => depth += 1,
                }
                depth < 0
            })
        })
    })
}

/// The segments of a path whose slashes are decoded so many times before.
fn split(path: String, times: u32) -> Vec<String> {
    let mut path = path;
    for _ in 0..times {
        path = decode(&path);
    }
    path.split(['/', '\\']).map(str::to_owned).collect()
}

fn decoded(text: &str, times: u32) -> String {
    (0..times).fold(text.to_owned(), |text, _| decode(&text))
}

/// Percent-decoding, once.
fn decode(text: &str) -> String {
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&first, more)) = rest.split_first() {
        let code = more.get(..2).filter(|code| first == b'%' && code.is_ascii());
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &rest[3..];
            }
            None => {
                out.push(first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
