//! [`JsonLink`].

use http::HeaderName;
use serde_json::Value;

use super::super::pointer;
use super::{Page, PageCursor, PageStrategy};
use crate::{Error, PageError};

/// The next page is at a URL in the JSON, which may be relative: `{"links": {"next": "/users?page=2"}}`, as Django REST
/// framework and [JSON:API] have it, an object with an `href` included.
///
/// The page is the last where the pointer leads to nothing, to `null`, to an empty text, or to an object that is empty or has
/// one of these as its `href`. An object that has other members and no `href` tells nothing, and is a [`PageError`].
///
/// # Examples
///
/// ```
/// use futures_util::TryStreamExt;
/// use midil_http_core::{Body, HttpClient, JsonLink, Request};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let transport = |request: Request| async move {
///     Ok(http::Response::new(Body::from(match request.url().query() {
///         None => r#"{"next":"https://api.example.com/users?page=2","results":["a","b"]}"#,
///         Some(_) => r#"{"next":null,"results":["c"]}"#,
///     })))
/// };
/// let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
/// let users = client.paginate(client.get("/users")).by(JsonLink::at("/next")).items_at("/results");
/// assert_eq!(users.items::<String>().try_collect::<Vec<_>>().await?, ["a", "b", "c"]);
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
///
/// [JSON:API]: https://jsonapi.org/format/#document-links
#[derive(Debug, Clone)]
pub struct JsonLink {
    pointer: String,
}

impl JsonLink {
    /// The URL is where this pointer leads ([RFC 6901]): `/links/next`.
    ///
    /// [RFC 6901]: https://www.rfc-editor.org/rfc/rfc6901
    #[must_use]
    pub fn at(pointer: impl Into<String>) -> Self {
        Self { pointer: pointer.into() }
    }
}

impl PageStrategy for JsonLink {
    fn next(&self, page: &Page) -> Result<Option<PageCursor>, Error> {
        let malformed = |problem: &str| {
            let what = format!("the link at {}", self.pointer.escape_debug());
            Err(PageError::malformed(what, problem).into())
        };
        let link = match pointer::find(page.value()?, &self.pointer)? {
            Some(Value::Object(link)) if !link.is_empty() && !link.contains_key("href") => {
                return malformed("is an object without `href`: correct the pointer");
            }
            Some(Value::Object(link)) => link.get("href"),
            link => link,
        };
        match link {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(url)) if url.is_empty() => Ok(None),
            Some(Value::String(url)) => Ok(Some(PageCursor::new().with_url(url))),
            Some(_) => malformed("is neither a text nor null: correct the pointer"),
        }
    }

    fn may_set(&self, _: &HeaderName) -> bool {
        false
    }
}
