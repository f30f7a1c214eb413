//! [`PageToken`].

use http::HeaderName;
use serde_json::{Number, Value};

use super::super::pointer;
use super::{Page, PageCursor, PageStrategy};
use crate::{Error, PageError};

/// A page names a token, or cursor, which the next is asked for with.
///
/// It comes in the JSON or in a header, and goes into the query (as `cursor`, unless it is told otherwise), a header, or the
/// JSON of the body. A page that names none, `null` or an empty text is the last; one with a token is not, and be it empty
/// of items.
///
/// # Examples
///
/// ```
/// use futures_util::TryStreamExt;
/// use midil_http_core::{Body, HttpClient, PageToken, Request};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let transport = |request: Request| async move {
///     Ok(http::Response::new(Body::from(match request.body().as_bytes().map(|body| &body[..]) {
///         Some(br#"{"name":"A*"}"#) => r#"{"nextPageToken":"t2","users":["Ada","Alan"]}"#,
///         Some(br#"{"name":"A*","pageToken":"t2"}"#) => r#"{"users":["Alonzo"]}"#,
///         other => panic!("{other:?}"),
///     })))
/// };
/// let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
/// let search = client.post("/users:search").json(&serde_json::json!({ "name": "A*" })).idempotent(true);
/// let token = PageToken::at("/nextPageToken").with_json("/pageToken");
/// let users = client.paginate(search).by(token).items_at("/users");
/// assert_eq!(users.items::<String>().try_collect::<Vec<_>>().await?, ["Ada", "Alan", "Alonzo"]);
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct PageToken {
    source: Place,
    target: Place,
}

#[derive(Debug, Clone)]
enum Place {
    Query(String),
    Header(String),
    Json(String),
}

impl PageToken {
    const fn from(source: Place) -> Self {
        Self { source, target: Place::Query(String::new()) }
    }

    /// The token is in the page's JSON, where this pointer leads ([RFC 6901]): `/meta/next_cursor`. It may be a text or a
    /// number; one of more digits than can be given back exactly is an [`Error::Page`].
    ///
    /// [RFC 6901]: https://www.rfc-editor.org/rfc/rfc6901
    #[must_use]
    pub fn at(pointer: impl Into<String>) -> Self {
        Self::from(Place::Json(pointer.into()))
    }

    /// The token is in this header of the page.
    #[must_use]
    pub fn in_header(name: impl Into<String>) -> Self {
        Self::from(Place::Header(name.into()))
    }

    /// The token goes into the query, under this name.
    #[must_use]
    pub fn with_query(mut self, name: impl Into<String>) -> Self {
        self.target = Place::Query(name.into());
        self
    }

    /// The token goes into this header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>) -> Self {
        self.target = Place::Header(name.into());
        self
    }

    /// The token goes into the JSON of the body, where this pointer leads.
    #[must_use]
    pub fn with_json(mut self, pointer: impl Into<String>) -> Self {
        self.target = Place::Json(pointer.into());
        self
    }

    /// The token that the page names.
    fn token(&self, page: &Page) -> Result<Option<Value>, Error> {
        let unclear = |what: &str, name: &str, problem: &str| {
            PageError::malformed(
                format_args!("the page token {what} {}", name.escape_debug()),
                problem,
            )
        };
        match &self.source {
            Place::Header(name) | Place::Query(name) => {
                let Some(value) = page.headers().get(name) else { return Ok(None) };
                let text = str::from_utf8(value.as_bytes()).map_err(|_| {
                    unclear("in header", name, "is no UTF-8: check what the server sends")
                })?;
                Ok((!text.is_empty()).then(|| text.into()))
            }
            Place::Json(pointer) => match pointer::find(page.value()?, pointer)? {
                None | Some(Value::Null) => Ok(None),
                Some(Value::String(text)) if text.is_empty() => Ok(None),
                Some(Value::Number(number)) if !is_exact(number) => {
                    let problem = "is a number that cannot be given back as it came: have the server send a text";
                    Err(unclear("at", pointer, problem).into())
                }
                Some(token @ (Value::String(_) | Value::Number(_))) => Ok(Some(token.clone())),
                Some(_) => {
                    let problem = "is neither a text nor a number nor null: correct the pointer";
                    Err(unclear("at", pointer, problem).into())
                }
            },
        }
    }
}

/// Whether a number is what the server wrote: one of more digits than it can hold was rounded when it was read. Of 15 digits, none
/// is.
fn is_exact(number: &Number) -> bool {
    let text = if number.is_f64() { number.to_string() } else { return true };
    !text.contains('e') && text.bytes().filter(u8::is_ascii_digit).count() <= 15
}

impl PageStrategy for PageToken {
    fn next(&self, page: &Page) -> Result<Option<PageCursor>, Error> {
        let Some(token) = self.token(page)? else { return Ok(None) };
        let text = |token: Value| match token {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let cursor = PageCursor::new();
        Ok(Some(match &self.target {
            Place::Query(name) if name.is_empty() => cursor.with_query("cursor", text(token)),
            Place::Query(name) => cursor.with_query(name, text(token)),
            Place::Header(name) => cursor.with_header(name, text(token)),
            Place::Json(pointer) => cursor.with_value(pointer, token),
        }))
    }

    fn may_set(&self, header: &HeaderName) -> bool {
        matches!(&self.target, Place::Header(name) if name.eq_ignore_ascii_case(header.as_str()))
    }
}
