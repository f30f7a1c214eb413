//! Heads, from and to the types of `http`.

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::reply::Http2Reply;
use crate::fault_server::received::Received;
use crate::fault_server::reply::Fields;

/// A request of which nothing but the head has arrived.
pub(super) fn received(connection: usize, head: &Parts) -> Received {
    let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
    let path = head.uri.path_and_query().map(|path| path.as_str());
    let line = [head.method.to_string(), text(path), "HTTP/2".to_owned()];
    let mut headers = Vec::new();
    let pseudo = [
        (":scheme", head.uri.scheme_str()),
        (":authority", head.uri.authority().map(|authority| authority.as_str())),
    ];
    headers.extend(
        pseudo.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))),
    );
    headers.extend(pairs(&head.headers));
    Received::new(connection, line, headers, Vec::new())
}

/// Names and values, those that are not UTF-8 with replacement characters.
pub(super) fn pairs(map: &HeaderMap) -> Vec<(String, String)> {
    let pair = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    map.iter().map(pair).collect()
}

pub(super) fn fields(fields: &Fields) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in fields.iter() {
        let name = HeaderName::from_bytes(name.to_ascii_lowercase().as_bytes());
        // One that is no header cannot be said in HTTP/2.
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
            map.append(name, value);
        }
    }
    map
}

pub(super) fn status(status: u16) -> Response<()> {
    let mut head = Response::new(());
    *head.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    head
}

pub(super) fn head(code: u16, headers: &Fields) -> Response<()> {
    let mut head = status(code);
    *head.headers_mut() = fields(headers);
    head
}

/// The head of `reply`, with the length of its body where it has one.
pub(super) fn reply_head(reply: &Http2Reply, sends_body: bool) -> Response<()> {
    let mut head = head(reply.status, &reply.headers);
    let has_trailers = reply.trailers.iter().next().is_some();
    // The answer to HEAD has the length of what GET would have got.
    let length = sends_body || (!reply.body.is_empty() && reply.status != 204);
    if length && !has_trailers && !reply.headers.contains("content-length") {
        head.headers_mut().insert(http::header::CONTENT_LENGTH, reply.body.len().into());
    }
    head
}
