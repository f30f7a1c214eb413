//! [`PageStrategy`]: where the next page is.

mod json_link;
mod link_header;
mod offset_limit;
mod page_number;
mod page_token;

use std::sync::Arc;

use http::HeaderName;

pub use self::json_link::JsonLink;
pub use self::link_header::LinkHeader;
pub use self::offset_limit::OffsetLimit;
pub use self::page_number::PageNumber;
pub use self::page_token::PageToken;
use super::{Page, PageCursor};
use crate::request::IDEMPOTENCY_KEY;
use crate::{Error, PageError, redact};

/// Says where the page after a page is.
///
/// | strategy | the next page is | an empty page |
/// |---|---|---|
/// | [`LinkHeader`], the default | where the `Link` header says | is a page like any other |
/// | [`JsonLink`] | where a URL in the JSON says | is a page like any other |
/// | [`PageToken`] | what a cursor or token is sent back for | is a page like any other |
/// | [`OffsetLimit`] | behind the items that were had | is the last |
/// | [`PageNumber`] | of the next number | is the last |
/// | a closure | what it returns | as it says |
///
/// # For implementers
///
/// What is returned is in what the next request differs from the first one, `None` at the end. Where the page does not tell,
/// it is better to fail ([`PageError::malformed`]) than to end: who reads the stream takes its end for that of the items. A
/// strategy keeps nothing between two pages, lest nobody can go on later; what it needs is in the page, its URLs and
/// its [cursor](Page::cursor). Origins and circles are looked after, and [headers](Self::may_set).
///
/// # Examples
///
/// Items that are listed after the last one's id, as long as there are more:
///
/// ```
/// use futures_util::TryStreamExt;
/// use midil_http_core::{Body, HttpClient, Page, PageCursor, Request};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let transport = |request: Request| async move {
///     let json = match request.url().query() {
///         None => r#"{"data":[{"id":"a"},{"id":"b"}],"has_more":true}"#,
///         Some(query) => {
///             assert_eq!(query, "starting_after=b");
///             r#"{"data":[{"id":"c"}],"has_more":false}"#
///         }
///     };
///     Ok(http::Response::new(Body::from(json)))
/// };
/// let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
///
/// #[derive(serde::Deserialize)]
/// struct Charge {
///     id: String,
/// }
///
/// let after_the_last = |page: &Page| {
///     let is_last = page.at("/has_more")? != Some(true);
///     let last = page.items::<Charge>()?.pop().filter(|_| !is_last);
///     Ok(last.map(|charge| PageCursor::new().with_query("starting_after", charge.id)))
/// };
/// let charges = client.paginate(client.get("/charges")).by(after_the_last).items_at("/data");
/// let charges: Vec<Charge> = charges.items().try_collect().await?;
/// assert_eq!(charges.len(), 3);
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
pub trait PageStrategy: Send + Sync + 'static {
    /// Where the page after `page` is; `None` when there is none.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from telling; the stream hands the page on and then the error, and is over.
    fn next(&self, page: &Page) -> Result<Option<PageCursor>, Error>;

    /// What the first page is asked for with, besides what its request has: nothing by default.
    fn first(&self) -> PageCursor {
        PageCursor::new()
    }

    /// Whether its cursors may set that header; an [`Error::Page`] comes of others, before anything is sent.
    ///
    /// Those of this crate may set the one that they were told of. By default (so for a closure), it is every header but those
    /// that are secrets by their name (`x-api-key`, `x-auth-token`), an `Idempotency-Key` and what stands for another method. Who can name the header should: a cursor may have been where others can write.
    ///
    /// What says who calls or how the request is framed, the client's base headers, and what is marked sensitive in the first
    /// request are set by none.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::HeaderName;
    /// use midil_http_core::{Error, Page, PageCursor, PageStrategy};
    ///
    /// /// The page names a token in a header, and the next is asked for with it.
    /// struct Continuation;
    ///
    /// impl PageStrategy for Continuation {
    ///     fn next(&self, page: &Page) -> Result<Option<PageCursor>, Error> {
    ///         let token = page.headers().get("x-continuation-token").and_then(|token| token.to_str().ok());
    ///         Ok(token.map(|token| PageCursor::new().with_header("x-continuation-token", token)))
    ///     }
    ///
    ///     fn may_set(&self, header: &HeaderName) -> bool {
    ///         header == "x-continuation-token"
    ///     }
    /// }
    /// # assert!(Continuation.may_set(&HeaderName::from_static("x-continuation-token")));
    /// ```
    fn may_set(&self, header: &HeaderName) -> bool {
        !(redact::is_secret_name(header.as_str())
            || *header == IDEMPOTENCY_KEY
            || METHODS.contains(&header.as_str()))
    }
}

/// What some servers take for the method, whatever the request line says.
const METHODS: [&str; 3] = ["x-http-method", "x-http-method-override", "x-method-override"];

impl<T: PageStrategy + ?Sized> PageStrategy for Arc<T> {
    fn next(&self, page: &Page) -> Result<Option<PageCursor>, Error> {
        (**self).next(page)
    }

    fn first(&self) -> PageCursor {
        (**self).first()
    }

    fn may_set(&self, header: &HeaderName) -> bool {
        (**self).may_set(header)
    }
}

impl<F> PageStrategy for F
where
    F: Fn(&Page) -> Result<Option<PageCursor>, Error> + Send + Sync + 'static,
{
    fn next(&self, page: &Page) -> Result<Option<PageCursor>, Error> {
        self(page)
    }
}

/// The number that was asked for by this parameter of the query.
fn requested_number(page: &Page, name: &str) -> Result<Option<u64>, Error> {
    let mut values = page.requested_url().query_pairs().filter(|(of, _)| of == name);
    let number = values.next().map(|(_, value)| value.parse());
    number.transpose().map_err(|_| {
        let what = format!("the parameter {} of the query", name.escape_debug());
        PageError::malformed(what, "is no number: the next page cannot be counted from it").into()
    })
}

/// The number that the page's JSON has at `pointer`.
fn told_number(page: &Page, pointer: &str) -> Result<u64, Error> {
    let found = super::pointer::find(page.value()?, pointer)?;
    let number = found.and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
    number.ok_or_else(|| {
        let what = format!("the JSON of the page at {}", pointer.escape_debug());
        PageError::malformed(what, "is no number: correct the pointer, or leave it out").into()
    })
}
