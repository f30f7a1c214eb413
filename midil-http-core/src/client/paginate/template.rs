//! [`Template`]: the first request, of which those of all pages are made.

use http::{HeaderName, HeaderValue, header};
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use super::{PageCursor, PageStrategy};
use crate::header_input::header_pair;
use crate::origin::{self, Origin};
use crate::pipeline::{LeftOrigin, strip_secrets};
use crate::{BuildError, Error, HttpClient, PageError, Request};

/// The first request, and who sends it.
pub(super) struct Template {
    pub(super) client: HttpClient,
    pub(super) request: Request,
}

impl Template {
    /// The request of the page at `cursor`. What must not leave the first request's origin stays there.
    pub(super) fn request(
        &self,
        cursor: &PageCursor,
        strategy: &dyn PageStrategy,
    ) -> Result<Request, Error> {
        let mut request = self.request.try_clone().ok_or_else(|| {
            let problem = "is a stream that can be sent once, and there may be several pages: give bytes or `Body::replayable`";
            BuildError::new("the body", problem)
        })?;
        let mut url = match &cursor.url {
            Some(text) => self.guarded(text)?,
            None => request.url().clone(),
        };
        for (name, value) in &cursor.query {
            set_query(&mut url, name, value);
        }
        url.set_fragment(None);
        if !Origin::of(self.request.url()).is_of(&url) {
            strip_secrets(request.headers_mut());
            request.extensions_mut().insert(LeftOrigin);
        }
        request.head_mut().url = url;
        for (name, value) in &cursor.headers {
            let (name, value) = header_pair(name.as_str(), value.as_str())
                .map_err(|error| not_a_header(name, error.problem()))?;
            if let Some(problem) = self.refusal(&name, strategy) {
                return Err(not_a_header(name.as_str(), problem).into());
            }
            request.headers_mut().insert(name, sensitive(value));
        }
        if !cursor.json.is_empty() {
            let body = json_body(&request, &cursor.json)?;
            *request.body_mut() = body.into();
        }
        Ok(request)
    }

    /// Why a cursor may not set that header. It may have been where others could write.
    fn refusal(&self, name: &HeaderName, strategy: &dyn PageStrategy) -> Option<&'static str> {
        if FRAMING_OR_CALLER.contains(name) {
            return Some(
                "it says who calls, or how the request is framed, and not which page is meant; \
                 has somebody changed the cursor?",
            );
        }
        let of_request = self.request.headers().get_all(name);
        if self.client.0.headers.iter().any(|(of_client, _)| of_client == name)
            || of_request.iter().any(HeaderValue::is_sensitive)
        {
            return Some(
                "the client sets it, or it is a secret of the first request; has somebody changed the cursor?",
            );
        }
        let problem = "the strategy's cursors may not set it (`PageStrategy::may_set`); has somebody changed the cursor?";
        (!strategy.may_set(name)).then_some(problem)
    }

    /// The URL of a page, if it may be called.
    fn guarded(&self, text: &str) -> Result<Url, Error> {
        let first = self.request.url();
        let url = first.join(text).map_err(|error| {
            let what = format!("the URL of the next page, \"{}\",", crate::redact::url_text(text));
            PageError::malformed(
                what,
                format_args!("is none: {error}; check what the server sends"),
            )
        })?;
        origin::check(&url)
            .map_err(|why| PageError::url(&url, format_args!("is not asked for: {why}")))?;
        if first.scheme() == "https" && url.scheme() == "http" {
            return Err(PageError::downgrade(&url).into());
        }
        if !(Origin::of(first).is_of(&url) || self.client.0.allows(&url)) {
            return Err(PageError::foreign(&url).into());
        }
        Ok(url)
    }
}

/// A cursor is the server's word; whether it is a secret is not known.
fn sensitive(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

/// What no cursor may set.
const FRAMING_OR_CALLER: [HeaderName; 11] = [
    header::AUTHORIZATION,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::COOKIE,
    header::EXPECT,
    header::HOST,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

fn not_a_header(name: &str, problem: &str) -> PageError {
    let what = format!("the header {} of the next page", name.escape_debug());
    PageError::malformed(what, format_args!("cannot be sent: {problem}"))
}

/// Puts a parameter into the query, in place of those of its name; all others stay as they were written.
fn set_query(url: &mut Url, name: &str, value: &str) {
    let is_other = |pair: &&str| {
        !pair.is_empty() && form_urlencoded::parse(pair.as_bytes()).all(|(of, _)| of != name)
    };
    let mut query: String = url
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(is_other)
        .flat_map(|pair| [pair, "&"])
        .collect();
    query.extend(form_urlencoded::byte_serialize(name.as_bytes()));
    query.push('=');
    query.extend(form_urlencoded::byte_serialize(value.as_bytes()));
    url.set_query(Some(&query));
}

/// The request's JSON with these values in it.
fn json_body(request: &Request, values: &[(String, Value)]) -> Result<Vec<u8>, BuildError> {
    let problem = "is no JSON in memory, which a page token goes into: build the request by `json`";
    let body = match (request.body().as_bytes(), request.body().is_empty()) {
        (Some(bytes), _) => {
            serde_json::from_slice(bytes).map_err(|_| BuildError::new("the body", problem))?
        }
        (None, true) => Value::Object(Map::new()),
        (None, false) => return Err(BuildError::new("the body", problem)),
    };
    let mut body: Value = body;
    for (pointer, value) in values {
        let place = place(&mut body, pointer).ok_or_else(|| {
            let problem = "leads to no place in the body's JSON: name one below an object, as in \"/query/page_token\"";
            BuildError::new(format!("the pointer \"{}\"", pointer.escape_debug()), problem)
        })?;
        *place = value.clone();
    }
    serde_json::to_vec(&body).map_err(|error| {
        BuildError::new("the body", "cannot be written: see the cause").with_source(error)
    })
}

/// The place that a pointer leads to; objects on the way are made.
fn place<'a>(root: &'a mut Value, pointer: &str) -> Option<&'a mut Value> {
    super::pointer::check(pointer).ok()?;
    let mut place = root;
    for token in pointer.strip_prefix('/')?.split('/') {
        let key = token.replace("~1", "/").replace("~0", "~");
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        place = match place {
            Value::Object(map) => map.entry(key).or_insert(Value::Null),
            Value::Array(list) => list.get_mut(index(&key)?)?,
            _ => return None,
        };
    }
    Some(place)
}

/// The index of an array (RFC 6901, section 4): digits, without a zero before them.
fn index(token: &str) -> Option<usize> {
    let is_index =
        token == "0" || !token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit());
    token.parse().ok().filter(|_| is_index)
}

#[cfg(test)]
mod tests;
