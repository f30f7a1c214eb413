//! Where a client is led. A byte that chooses the status, one that chooses the method, and the `Location`.
//!
//! The oracle resolves the location with `Url::join` and says whether it is to be followed; what is followed gets
//! credentials, the client's headers and what is sensitive at its own origin alone.

use std::sync::{Arc, Mutex};

use http::{HeaderValue, Method, StatusCode, header};
use midil_auth::StaticToken;
use midil_http_core::{Body, Error, HttpClient, Request};
use url::{Position, Url};

use super::input::{Input, now};

const STATUSES: [u16; 8] = [301, 302, 303, 307, 308, 300, 304, 399];
const FIRST: &str = "https://api.test/v1/a/b?c=d";

pub(super) fn check(data: &[u8]) {
    let mut input = Input(data);
    let status = STATUSES[usize::from(input.byte()) % STATUSES.len()];
    let method = [Method::GET, Method::POST, Method::HEAD][usize::from(input.byte()) % 3].clone();
    let Ok(location) = HeaderValue::from_bytes(input.0) else { return };

    let sent = Arc::new(Mutex::new(Vec::new()));
    let (record, answer) = (Arc::clone(&sent), location.clone());
    let transport = move |request: Request| {
        let mut sent = record.lock().unwrap();
        sent.push((request.method().clone(), request.url().clone(), request.headers().clone()));
        let mut response = http::Response::new(Body::empty());
        if sent.len() == 1 {
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            response.headers_mut().insert(header::LOCATION, answer.clone());
        }
        async { Ok(response) }
    };
    let client = HttpClient::builder(transport)
        .base_url("https://api.test/v1")
        .allow_origin("https://cdn.test")
        .header("x-base", "1")
        .auth(StaticToken::try_new("hunter2").unwrap())
        .build()
        .unwrap();
    let mut key = HeaderValue::from_static("hunter2");
    key.set_sensitive(true);
    let request = client.request(method.clone(), FIRST).header("x-key", key).header("x-own", "1");
    let outcome = now(request.cookie("session", "hunter2").send());

    let sent = sent.lock().unwrap();
    assert!(sent.len() <= 2, "{sent:?}");
    let expected = target(&location).filter(|_| [301, 302, 303, 307, 308].contains(&status));
    match (expected, sent.get(1)) {
        (Some(Target::Allowed(expected)), Some((with, url, headers))) => {
            assert_eq!(url[..Position::AfterQuery], expected[..Position::AfterQuery]);
            let expected = match status {
                301 | 302 if method == Method::POST => Method::GET,
                303 if method != Method::HEAD => Method::GET,
                _ => method,
            };
            assert_eq!(*with, expected);
            let at_home = &url[..Position::BeforePath] == "https://api.test";
            for name in ["authorization", "cookie", "x-key", "x-base"] {
                assert_eq!(headers.contains_key(name), at_home, "{name} to {url}");
            }
            assert!(headers.contains_key("x-own"));
            assert_eq!(outcome.unwrap().status(), StatusCode::OK);
        }
        (Some(Target::Downgrade), None) => {
            assert!(matches!(outcome, Err(Error::Redirect(_))), "{outcome:?}");
        }
        (None, None) => assert_eq!(outcome.unwrap().status().as_u16(), status),
        (expected, second) => panic!("{location:?}: expected {expected:?}, sent {second:?}"),
    }
}

#[derive(Debug)]
enum Target {
    Allowed(Url),
    Downgrade,
}

fn target(location: &HeaderValue) -> Option<Target> {
    let url = Url::parse(FIRST).unwrap().join(location.to_str().ok()?).ok()?;
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    match (url.scheme(), url.host_str()?, url.port()) {
        ("http", _, _) => Some(Target::Downgrade),
        ("https", "api.test" | "cdn.test", None) => Some(Target::Allowed(url)),
        _ => None,
    }
}
