//! [`PageNumber`].

use http::HeaderName;

use super::{Page, PageCursor, PageStrategy, requested_number, told_number};
use crate::{Error, PageError};

/// The next page is the one of the next number: `?page=3`.
///
/// Counting begins with the first request's own number, or with 1. The last page is one without items, or that of the
/// number at [`last_at`](Self::last_at), where the server tells. A server that answers 404 behind the last page needs that.
///
/// # Examples
///
/// ```
/// use futures_util::TryStreamExt;
/// use midil_http_core::{Body, HttpClient, PageNumber, Request};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let transport = |request: Request| async move {
///     Ok(http::Response::new(Body::from(match request.url().query() {
///         Some("per_page=2") => "[\"a\",\"b\"]",
///         Some("per_page=2&page=2") => "[\"c\"]",
///         Some("per_page=2&page=3") => "[]",
///         other => panic!("{other:?}"),
///     })))
/// };
/// let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
/// let by = PageNumber::new("page").starting_at(1).size("per_page", 2); // 1 is the default
/// let users = client.paginate(client.get("/users")).by(by);
/// assert_eq!(users.items::<String>().try_collect::<Vec<_>>().await?, ["a", "b", "c"]);
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct PageNumber {
    number: String,
    first: u64,
    size: Option<(String, u64)>,
    last: Option<String>,
}

impl PageNumber {
    /// The number goes into the query, under this name.
    #[must_use]
    pub fn new(number: impl Into<String>) -> Self {
        Self { number: number.into(), first: 1, size: None, last: None }
    }

    /// The number of a first page whose request has none: 1 by default.
    #[must_use]
    pub const fn starting_at(mut self, number: u64) -> Self {
        self.first = number;
        self
    }

    /// Asks for so many items a page, by this name in the query; the first page, too.
    #[must_use]
    pub fn size(mut self, name: impl Into<String>, items: u64) -> Self {
        self.size = Some((name.into(), items));
        self
    }

    /// The number of the last page is where this pointer leads in each page's JSON ([RFC 6901]); a page without that number is
    /// an [`Error::Page`].
    ///
    /// [RFC 6901]: https://www.rfc-editor.org/rfc/rfc6901
    #[must_use]
    pub fn last_at(mut self, pointer: impl Into<String>) -> Self {
        self.last = Some(pointer.into());
        self
    }
}

impl PageStrategy for PageNumber {
    fn next(&self, page: &Page) -> Result<Option<PageCursor>, Error> {
        let number = requested_number(page, &self.number)?.unwrap_or(self.first);
        let is_last = match &self.last {
            Some(last) => number >= told_number(page, last)?,
            None => page.item_count()? == 0,
        };
        if is_last {
            return Ok(None);
        }
        let next = number.checked_add(1).ok_or_else(|| {
            PageError::malformed(
                "the number of the next page",
                "has no 64 bits: begin with a smaller one",
            )
        })?;
        Ok(Some(self.first().with_query(&self.number, next.to_string())))
    }

    fn first(&self) -> PageCursor {
        match &self.size {
            Some((name, items)) => PageCursor::new().with_query(name, items.to_string()),
            None => PageCursor::new(),
        }
    }

    fn may_set(&self, _: &HeaderName) -> bool {
        false
    }
}
