//! [`Page`]: one page, whole.

use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::PageCursor;
use super::pointer::{self, ItemsAt};
use crate::client::response::decode_error;
use crate::{DecodeError, Error, redact};

/// One page: its head, its whole body, and where the next one is. It holds no connection.
///
/// # Examples
///
/// ```
/// use futures_util::TryStreamExt;
/// use midil_http_core::{Body, HttpClient, Request};
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let transport = |_: Request| async { Ok(http::Response::new(Body::from("{\"total\":2,\"users\":[\"Ada\",\"Grace\"]}"))) };
/// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
/// let mut pages = client.paginate(client.get("/users")).items_at("/users").pages();
/// while let Some(page) = pages.try_next().await? {
///     assert_eq!((page.number(), page.at::<u32>("/total")?), (1, Some(2)));
///     assert_eq!(page.items::<String>()?, ["Ada", "Grace"]);
///     assert_eq!((page.item_count()?, page.requested_url().path()), (2, "/users"));
///     assert!(page.next().is_none());
/// }
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
pub struct Page {
    pub(super) number: u64,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) url: Url,
    pub(super) requested: Url,
    pub(super) body: Bytes,
    pub(super) value: OnceLock<Value>,
    pub(super) items_at: Arc<ItemsAt>,
    pub(super) cursor: PageCursor,
    pub(super) next: Option<PageCursor>,
}

impl Page {
    /// Which page of the stream it is, counted from 1.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The status: a 2xx.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The URL that answered, after redirects.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The URL that was asked for.
    #[must_use]
    pub const fn requested_url(&self) -> &Url {
        &self.requested
    }

    /// The body.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The body, parsed as JSON of some type.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`] when it is not.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| decode_error(&error).into())
    }

    /// What is at this pointer in the body's JSON ([RFC 6901]: `/meta/total`); `None` for nothing, for `null`, and in an empty
    /// body.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`] when the body is no JSON, or there is something else, and [`Error::Build`] when it is no pointer.
    ///
    /// [RFC 6901]: https://www.rfc-editor.org/rfc/rfc6901
    pub fn at<T: DeserializeOwned>(&self, pointer: &str) -> Result<Option<T>, Error> {
        let found = pointer::find(self.value()?, pointer)?.filter(|value| !value.is_null());
        let read = found.map(T::deserialize).transpose();
        read.map_err(|_| {
            let pointer = pointer.escape_debug();
            let place = format!(
                "a value that is not of the expected type, at {pointer} in page {}",
                self.number
            );
            DecodeError::new("JSON of the expected shape", place).into()
        })
    }

    /// The body as JSON of any shape, parsed when it is first asked for. An empty body is `null`.
    pub(super) fn value(&self) -> Result<&Value, Error> {
        if let Some(value) = self.value.get() {
            return Ok(value);
        }
        let value = if self.body.is_empty() { Value::Null } else { self.json()? };
        Ok(self.value.get_or_init(|| value))
    }

    /// The items, which are where [`items_at`](crate::Paginate::items_at) says.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`] when there is no array, or something else in it.
    pub fn items<T: DeserializeOwned>(&self) -> Result<Vec<T>, Error> {
        let items = self.items_at.find(self.value()?)?.unwrap_or_default();
        let read = |(index, item)| T::deserialize(item).map_err(|_| self.wrong_item(index));
        items.iter().enumerate().map(read).collect()
    }

    /// How many items there are.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`] when there is no array where [`items_at`](crate::Paginate::items_at) says.
    pub fn item_count(&self) -> Result<usize, Error> {
        Ok(self.items_at.find(self.value()?)?.map_or(0, <[Value]>::len))
    }

    /// Where this page is.
    #[must_use]
    pub const fn cursor(&self) -> &PageCursor {
        &self.cursor
    }

    /// Where the next page is; `None` when this is the last, or says something that cannot be understood: then the stream's
    /// next item is the error.
    #[must_use]
    pub const fn next(&self) -> Option<&PageCursor> {
        self.next.as_ref()
    }

    /// The items, without a copy.
    pub(super) fn take_items(&mut self) -> Result<Vec<Value>, Error> {
        self.value()?;
        let mut value = self.value.take().unwrap_or_default();
        self.items_at.take(&mut value)
    }

    fn wrong_item(&self, index: usize) -> Error {
        wrong_item(self.number, index)
    }
}

/// Where the JSON is wrong; not with what value, which may be a secret.
pub(super) fn wrong_item(page: u64, index: impl fmt::Display) -> Error {
    let place = format!(
        "a value that is not of the expected type or is missing, in item {index} (counted from 0) of page {page}"
    );
    DecodeError::new("JSON of the expected shape", place).into()
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("number", &self.number)
            .field("status", &self.status)
            .field("url", &redact::url(&self.url))
            .field("headers", &redact::headers(&self.headers))
            .field("cursor", &self.cursor)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}
