//! [`PageError`]: a next page that is not asked for.

use std::fmt;

use url::Url;

use crate::redact;

/// A next page that is not asked for: where it is would be wrong, or was before, or cannot be told.
///
/// The pages before it were whole, and nothing was sent since.
///
/// # Examples
///
/// ```
/// use midil_http_core::{PageError, PageErrorKind};
///
/// let error = PageError::malformed("the cursor at /next", "is an object: name the text in it");
/// assert_eq!(error.kind(), PageErrorKind::Malformed);
/// assert_eq!(error.to_string(), "the cursor at /next is an object: name the text in it");
/// ```
#[derive(Debug)]
pub struct PageError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: PageErrorKind,
    text: String,
}

/// Why a next page is not asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PageErrorKind {
    /// It is on an origin that the client does not call: see [`allow_origin`](crate::HttpClientBuilder::allow_origin).
    ForeignOrigin,
    /// It would be asked for without encryption, and the first was not.
    Downgrade,
    /// It was asked for before: the pages go in circles.
    Loop,
    /// What should tell where it is cannot be understood, or is no URL that can be called.
    Malformed,
}

impl PageError {
    fn new(kind: PageErrorKind, text: String) -> Self {
        Self(Box::new(Inner { kind, text }))
    }

    /// `what` should tell where the next page is, and does not; `problem` says why, and what to do.
    #[must_use]
    pub fn malformed(what: impl fmt::Display, problem: impl fmt::Display) -> Self {
        Self::new(PageErrorKind::Malformed, format!("{what} {problem}"))
    }

    pub(crate) fn url(url: &Url, problem: impl fmt::Display) -> Self {
        Self::malformed(format_args!("the next page, {},", redact::url(url)), problem)
    }

    pub(crate) fn foreign(url: &Url) -> Self {
        let text = format!(
            "the next page, {}, is on an origin that this client does not call: permit it with `allow_origin` if it is meant",
            redact::url(url)
        );
        Self::new(PageErrorKind::ForeignOrigin, text)
    }

    pub(crate) fn downgrade(url: &Url) -> Self {
        let text = format!(
            "the next page, {}, would be asked for without encryption, and the first was not: have the server name https",
            redact::url(url)
        );
        Self::new(PageErrorKind::Downgrade, text)
    }

    /// `page` asks for what was `before` already; both count from 1.
    pub(crate) fn circle(url: &Url, page: u64, before: Option<u64>) -> Self {
        let before = before.map_or_else(String::new, |before| format!(", which page {before} was"));
        let text = format!(
            "the pages go in circles: page {page} would ask for {} in the same way once more{before}; \
             check what the server names as next, or stop by `max_pages`",
            redact::url(url)
        );
        Self::new(PageErrorKind::Loop, text)
    }

    /// What is wrong with it.
    #[must_use]
    pub const fn kind(&self) -> PageErrorKind {
        self.0.kind
    }
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl std::error::Error for PageError {}
