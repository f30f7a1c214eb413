//! [`LinkHeader`].

use http::{HeaderName, header};

use super::super::link_header::{Link, parse};
use super::{Page, PageCursor, PageStrategy};
use crate::{Error, PageError};

/// The next page is where the `Link` header says, in the first link of relation `next` ([RFC 8288]).
///
/// There may be several headers, and several links in one. A link with an `anchor` counts only where that is the page itself.
/// Without such a link, the page is the last. A header that breaks the grammar before one is found is a
/// [`PageError`] and no end.
///
/// # Examples
///
/// ```
/// use futures_util::TryStreamExt;
/// use midil_http_core::{Body, HttpClient, LinkHeader, Request};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let transport = |request: Request| async move {
///     let response = http::Response::builder();
///     Ok(match request.url().query() {
///         None => response.header("link", "</users?after=b>; rel=\"next\"").body(Body::from("[\"a\",\"b\"]")),
///         Some(_) => response.body(Body::from("[\"c\"]")),
///     }
///     .expect("a response"))
/// };
/// let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
/// let users = client.paginate(client.get("/users")).by(LinkHeader::new());
/// assert_eq!(users.items::<String>().try_collect::<Vec<_>>().await?, ["a", "b", "c"]);
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
///
/// [RFC 8288]: https://www.rfc-editor.org/rfc/rfc8288
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct LinkHeader;

impl LinkHeader {
    /// Follows links of relation `next`.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl PageStrategy for LinkHeader {
    fn next(&self, page: &Page) -> Result<Option<PageCursor>, Error> {
        let mut problem = None;
        for value in page.headers().get_all(header::LINK) {
            let Ok(text) = str::from_utf8(value.as_bytes()) else {
                problem = problem.or(Some("is no UTF-8".to_owned()));
                continue;
            };
            let (links, unread) = parse(text);
            let is_next = |link: &Link| link.has_relation("next") && is_of(link, page);
            if let Some(link) = links.into_iter().find(is_next) {
                return Ok(Some(PageCursor::new().with_url(link.target)));
            }
            let unreadable = unread.map(|at| format!("cannot be read from byte {at} on"));
            problem = problem.or(unreadable);
        }
        match problem {
            None => Ok(None),
            Some(problem) => {
                let problem = format!(
                    "{problem}, and whether there is a next page is not known: check what the server sends"
                );
                Err(PageError::malformed("the Link header", problem).into())
            }
        }
    }

    fn may_set(&self, _: &HeaderName) -> bool {
        false
    }
}

/// Whether it is a link of this page.
fn is_of(link: &Link, page: &Page) -> bool {
    let Some(anchor) = link.anchor() else { return true };
    let mut here = page.url().clone();
    here.set_fragment(None);
    page.url().join(anchor).is_ok_and(|context| context == here)
}
