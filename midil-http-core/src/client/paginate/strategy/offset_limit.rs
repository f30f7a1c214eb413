//! [`OffsetLimit`].

use http::HeaderName;

use super::{Page, PageCursor, PageStrategy, requested_number, told_number};
use crate::{Error, PageError};

/// The next page is behind the items that were had, counted from the first: `?offset=200&limit=100`.
///
/// What was had is what the first request's own offset says, and the items that came: a server that gives fewer than it was
/// asked for is asked for the next ones. The last page is one without items, or that which reaches
/// [`total_at`](Self::total_at), where the server tells, which spares a request.
///
/// # Examples
///
/// ```
/// use futures_util::TryStreamExt;
/// use midil_http_core::{Body, HttpClient, OffsetLimit, Request};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let transport = |request: Request| async move {
///     Ok(http::Response::new(Body::from(match request.url().query() {
///         Some("limit=2") => r#"{"total":3,"users":["a","b"]}"#,
///         Some("limit=2&offset=2") => r#"{"total":3,"users":["c"]}"#,
///         other => panic!("{other:?}"),
///     })))
/// };
/// let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
/// let by = OffsetLimit::new("offset").limit("limit", 2).total_at("/total");
/// let users = client.paginate(client.get("/users")).by(by).items_at("/users");
/// assert_eq!(users.items::<String>().try_collect::<Vec<_>>().await?, ["a", "b", "c"]);
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct OffsetLimit {
    offset: String,
    limit: Option<(String, u64)>,
    total: Option<String>,
}

impl OffsetLimit {
    /// The offset goes into the query, under this name.
    #[must_use]
    pub fn new(offset: impl Into<String>) -> Self {
        Self { offset: offset.into(), limit: None, total: None }
    }

    /// Asks for so many items a page, by this name in the query; the first page, too.
    #[must_use]
    pub fn limit(mut self, name: impl Into<String>, items: u64) -> Self {
        self.limit = Some((name.into(), items));
        self
    }

    /// How many items there are in all is where this pointer leads in each page's JSON ([RFC 6901]); a page without that
    /// number is an [`Error::Page`].
    ///
    /// [RFC 6901]: https://www.rfc-editor.org/rfc/rfc6901
    #[must_use]
    pub fn total_at(mut self, pointer: impl Into<String>) -> Self {
        self.total = Some(pointer.into());
        self
    }
}

impl PageStrategy for OffsetLimit {
    fn next(&self, page: &Page) -> Result<Option<PageCursor>, Error> {
        let items = u64::try_from(page.item_count()?).unwrap_or(u64::MAX);
        if items == 0 {
            return Ok(None);
        }
        let offset = requested_number(page, &self.offset)?.unwrap_or_default();
        let next = offset.checked_add(items).ok_or_else(|| {
            PageError::malformed(
                "the offset of the next page",
                "is no number of 64 bits: begin with a smaller one",
            )
        })?;
        if let Some(total) = &self.total
            && next >= told_number(page, total)?
        {
            return Ok(None);
        }
        Ok(Some(self.first().with_query(&self.offset, next.to_string())))
    }

    fn first(&self) -> PageCursor {
        match &self.limit {
            Some((name, items)) => PageCursor::new().with_query(name, items.to_string()),
            None => PageCursor::new(),
        }
    }

    fn may_set(&self, _: &HeaderName) -> bool {
        false
    }
}
