//! [`PageCursor`]: where a page is.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::{BuildError, Error, redact};

/// Where a page is: in what its request differs from the first one's.
///
/// Strategies make them, and whoever wants to go on later keeps one: it can be serialised, and [`Paginate::resume`] takes it.
/// Everything that the first request has and a cursor does not change goes out with every page. The default changes nothing.
///
/// A server may have put a secret into it: `Debug` shows neither the URL's query nor any value.
///
/// # Examples
///
/// ```
/// use midil_http_core::PageCursor;
///
/// let cursor = PageCursor::new().with_query("offset", "200").with_skip(17);
/// assert_eq!((cursor.url(), cursor.skip()), (None, 17));
/// let kept = serde_json::to_string(&cursor)?;
/// assert_eq!(kept, r#"{"query":[["offset","200"]],"skip":17}"#);
/// assert_eq!(serde_json::from_str::<PageCursor>(&kept)?, cursor);
/// # Ok::<_, serde_json::Error>(())
/// ```
///
/// [`Paginate::resume`]: crate::Paginate::resume
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PageCursor {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) query: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) headers: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) json: Vec<(String, Value)>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) skip: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl PageCursor {
    /// Where the first page is.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The page is at another URL. One that is relative is resolved against the URL of the page that named it.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Error, Page, PageCursor};
    ///
    /// // A strategy, for `Paginate::by`:
    /// let by_header = |page: &Page| -> Result<Option<PageCursor>, Error> {
    ///     let next = page.headers().get("x-next-url").and_then(|url| url.to_str().ok());
    ///     Ok(next.map(|url| PageCursor::new().with_url(url)))
    /// };
    /// # fn is_strategy(_: impl midil_http_core::PageStrategy) {}
    /// # is_strategy(by_header);
    /// ```
    #[must_use]
    pub fn with_url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// The page is asked for with this in its query, in place of what has the same name there.
    #[must_use]
    pub fn with_query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// The page is asked for with this header, in place of any of that name.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The page is asked for with this in the JSON of its body, at a pointer as [RFC 6901] has them (`/query/token`). Objects
    /// on the way there are made where there are none.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] when `value` cannot be written as JSON.
    ///
    /// [RFC 6901]: https://www.rfc-editor.org/rfc/rfc6901
    pub fn with_json<T: Serialize + ?Sized>(
        self,
        pointer: impl Into<String>,
        value: &T,
    ) -> Result<Self, Error> {
        let pointer = pointer.into();
        match serde_json::to_value(value) {
            Ok(value) => Ok(self.with_value(pointer, value)),
            Err(error) => {
                let what = format!("the value for {}", pointer.escape_debug());
                let error =
                    BuildError::new(what, "cannot be written: see the cause").with_source(error);
                Err(error.into())
            }
        }
    }

    pub(super) fn with_value(mut self, pointer: impl Into<String>, value: Value) -> Self {
        self.json.push((pointer.into(), value));
        self
    }

    /// The first so many items of the page were had already.
    #[must_use]
    pub const fn with_skip(mut self, items: u64) -> Self {
        self.skip = items;
        self
    }

    /// The URL of the page, where it differs.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// How many items of the page were had already: [`Paginate::items`](crate::Paginate::items) leaves them out.
    #[must_use]
    pub const fn skip(&self) -> u64 {
        self.skip
    }

    /// The same place, whichever page it is named on. What cannot be resolved is found out when it is asked for.
    pub(super) fn resolved(mut self, page: &Url) -> Self {
        if let Some(url) = &mut self.url
            && let Ok(absolute) = page.join(url)
        {
            *url = absolute.into();
        }
        self
    }
}

impl fmt::Debug for PageCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn names<T>(pairs: &[(String, T)]) -> Vec<&str> {
            pairs.iter().map(|(name, _)| name.as_str()).collect()
        }
        f.debug_struct("PageCursor")
            .field("url", &self.url.as_deref().map(redact::url_text))
            .field("query", &names(&self.query))
            .field("headers", &names(&self.headers))
            .field("json", &names(&self.json))
            .field("skip", &self.skip)
            .finish()
    }
}
