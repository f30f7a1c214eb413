//! What targets of pages share: a client that reads them, and the watch over what it sends.

use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue};
use midil_auth::StaticToken;
use midil_http_core::{Body, HttpClient, PageStrategy, Request};
use url::{Position, Url};

use super::input::now;

pub(super) const FIRST: &str = "https://api.test/v1/items?page=1";
const HOME: &str = "https://api.test";
const ALLOWED: &str = "https://cdn.test";

pub(super) fn may_be_asked(url: &Url) -> bool {
    [HOME, ALLOWED].contains(&&url[..Position::BeforePath])
}

/// Reads pages, of which the first has these headers and this JSON. Gives what was asked for after the first; as an error
/// where the pages end in one.
///
/// Wherever that leads, no secret goes to any origin but its own.
pub(super) fn read(
    headers: HeaderMap,
    json: &[u8],
    strategy: impl PageStrategy,
) -> Result<Vec<Url>, Vec<Url>> {
    let sent: Arc<Mutex<Vec<(Url, HeaderMap)>>> = Arc::default();
    let record = Arc::clone(&sent);
    let first = Mutex::new(Some((headers, json.to_vec())));
    let transport = move |request: Request| {
        record.lock().unwrap().push((request.url().clone(), request.headers().clone()));
        let (headers, json) =
            first.lock().unwrap().take().unwrap_or_else(|| (HeaderMap::new(), b"[1]".to_vec()));
        let mut response = http::Response::new(Body::from(json));
        *response.headers_mut() = headers;
        async { Ok(response) }
    };
    let client = HttpClient::builder(transport)
        .base_url("https://api.test/v1")
        .allow_origin(ALLOWED)
        .header("x-base", "1")
        .auth(StaticToken::try_new("hunter2").unwrap())
        .build()
        .unwrap();
    let mut key = HeaderValue::from_static("hunter2");
    key.set_sensitive(true);
    let request = client.get(FIRST).header("x-key", key).header("cookie", "a=hunter2");
    let pages = client.paginate(request).by(strategy).max_pages(4).pages();
    let pages: Vec<_> = now(pages.collect());
    let sent = std::mem::take(&mut *sent.lock().unwrap());
    for (url, headers) in &sent {
        assert!(may_be_asked(url), "{url}");
        let at_home = &url[..Position::BeforePath] == HOME;
        for name in ["authorization", "cookie", "x-key", "x-base"] {
            assert_eq!(headers.contains_key(name), at_home, "{name} to {url}");
        }
    }
    let asked = sent.into_iter().skip(1).map(|(url, _)| url).collect();
    if pages.iter().all(Result::is_ok) { Ok(asked) } else { Err(asked) }
}

/// What must come of a first page that names `next` as the URL of the second.
pub(super) fn led_to(next: Option<&str>) -> Result<Vec<Url>, Vec<Url>> {
    match next.map(|target| Url::parse(FIRST).unwrap().join(target)) {
        None => Ok(vec![]),
        Some(Ok(mut url)) if may_be_asked(&url) && !has_userinfo(&url) => {
            url.set_fragment(None);
            // A page that is its own next one is a circle, which is an error.
            if url.as_str() == FIRST { Err(vec![]) } else { Ok(vec![url]) }
        }
        Some(_) => Err(vec![]),
    }
}

fn has_userinfo(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}
