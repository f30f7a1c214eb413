//! What URLs a client takes. A byte that chooses the base, and what is given to `get`; from 128 on, a path that is made of the
//! bytes that follow: dots and slashes, encoded in part or whole, and what comes of it again.
//!
//! What is taken has an origin that is allowed and no userinfo, reads the same to `http::Uri`, and below its base it stays
//! however its servers read it: slashes merged, dots and slashes decoded once, more than once, or slashes not at all, what
//! follows a semicolon dropped. As a service of tower, a client takes the same.

use std::sync::LazyLock;

use http::Uri;
use midil_http_core::{Body, Error, HttpClient, Request};
use tower::Service;
use url::{Position, Url};

use super::input::{Input, now, rendered};

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
    let transport = |request: Request| async move {
        Ok(http::Response::new(Body::from(request.url().to_string())))
    };
    let client = |base: &&str| {
        HttpClient::builder(transport).base_url(*base).allow_origin(ALLOWED).build().unwrap()
    };
    BASES.iter().map(client).collect()
});

pub(super) fn check(data: &[u8]) {
    let mut input = Input(data);
    let index = usize::from(input.byte()) % BASES.len();
    let made = (data.first() >= Some(&128)).then(|| made_of(&mut input));
    let Ok(text) = made.as_deref().map_or_else(|| std::str::from_utf8(input.0), Ok) else { return };
    let (base, client) = (Url::parse(BASES[index]).unwrap(), &CLIENTS[index]);
    if let Ok(uri) = Uri::try_from(text) {
        as_service(client, uri);
    }
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

/// A path of pieces that servers may read as dots and slashes: a byte for each.
fn made_of(input: &mut Input<'_>) -> String {
    let mut path = String::new();
    while !input.is_over() && path.len() < 200 {
        let style = input.byte();
        let mut piece =
            ["..", ".", "/", "a", "/..", "\\", ";", "//"][usize::from(style & 7)].to_owned();
        for round in 0..style >> 3 & 3 {
            // All of it, or what comes last: that leaves codes which are half encoded.
            let at = if style >> (5 + round) & 1 == 0 { 0 } else { piece.len() - 1 };
            let encoded: String = piece[at..].bytes().map(|byte| format!("%{byte:02x}")).collect();
            piece.replace_range(at.., &encoded);
        }
        path.push_str(&piece);
    }
    path
}

/// What is called as a service is called where `get` calls, or not at all.
fn as_service(mut client: &HttpClient, uri: Uri) {
    let text = uri.to_string();
    let is_path = uri.authority().is_none() && text != "*";
    let expected = client.get(&text).build().ok().filter(|_| is_path || uri.scheme().is_some());
    let request = http::Request::builder().uri(uri).body(Body::empty()).unwrap();
    let called = now(client.call(request))
        .ok()
        .map(|response| now(response.into_body().collect(u64::MAX)).unwrap());
    let expected = expected.map(|request| request.url().to_string());
    assert_eq!(called.as_deref(), expected.as_deref().map(str::as_bytes), "{text:?}");
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
