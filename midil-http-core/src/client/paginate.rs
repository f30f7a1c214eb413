//! [`Paginate`]: from the first page to the last.

mod background;
mod cursor;
mod items;
mod link_header;
mod page;
mod pages;
mod pointer;
mod seen;
mod strategy;
mod template;
mod walk;

use std::fmt;
use std::sync::Arc;

pub use self::cursor::PageCursor;
pub use self::items::PageItems;
pub use self::page::Page;
pub use self::pages::Pages;
use self::pointer::ItemsAt;
use self::seen::Seen;
pub use self::strategy::{JsonLink, LinkHeader, OffsetLimit, PageNumber, PageStrategy, PageToken};
use self::template::Template;
use self::walk::{Upcoming, Walk};
use super::{HttpClient, IntoRequest};
use crate::{Error, Request};

/// Goes from the first page of something to its last: see [`HttpClient::paginate`].
///
/// [`pages`](Self::pages) and [`items`](Self::items) are streams. A page is asked for when the stream is polled and what came
/// before is used up, is read whole within `max_response_bytes`, and then holds no connection. So memory is that of one page,
/// however many there are.
///
/// **Every page is a call** like the first, with its method, headers, body, timeouts and extensions, its retries and its
/// credentials. Timeouts are those of one page. Where a POST is to be retried, say
/// [`idempotent`](crate::RequestBuilder::idempotent) rather than give an idempotency key that all pages would share. A status that is no 2xx is an [`Error::Status`].
///
/// **Where the next page is** says a [`PageStrategy`], by default the [`LinkHeader`]. It must be on the first request's
/// origin or one that the client [allows](crate::HttpClientBuilder::allow_origin), where what is secret in the first request's
/// headers is left out; must not give up encryption; and must not have been asked for before. Otherwise the stream ends in an
/// [`Error::Page`].
///
/// **An error** is the last item of a stream, and its `cursor()` says where to [resume](Self::resume).
///
/// # Cancel safety
///
/// Dropping a stream aborts the page that it waits for. Polling it may stop and go on at any time.
///
/// # Examples
///
/// ```
/// use futures_util::TryStreamExt;
/// use midil_http_core::{Body, HttpClient, PageToken, Request};
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let transport = |request: Request| async move {
/// #     Ok(http::Response::new(Body::from(match request.url().query() {
/// #         Some("limit=2") => r#"{"users":[{"name":"Ada"},{"name":"Grace"}],"next":"c2"}"#,
/// #         Some("limit=2&cursor=c2") => r#"{"users":[{"name":"Barbara"}],"next":null}"#,
/// #         other => panic!("{other:?}"),
/// #     })))
/// # };
/// #[derive(serde::Deserialize)]
/// struct User {
///     name: String,
/// }
///
/// let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
/// let mut users = client
///     .paginate(client.get("/users").query(&[("limit", 2)]))
///     .by(PageToken::at("/next").with_query("cursor"))
///     .items_at("/users")
///     .items::<User>();
/// let mut names = Vec::new();
/// while let Some(user) = users.try_next().await? {
///     names.push(user.name);
/// }
/// assert_eq!(names, ["Ada", "Grace", "Barbara"]);
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
#[must_use = "no page is asked for until a stream of them is polled"]
pub struct Paginate {
    client: HttpClient,
    request: Result<Request, Error>,
    strategy: Arc<dyn PageStrategy>,
    items_at: ItemsAt,
    max_pages: Option<u64>,
    max_items: Option<u64>,
    detect_loops: bool,
    prefetch: bool,
    start: Option<PageCursor>,
}

impl HttpClient {
    /// Begins to go through the pages of which `request` asks for the first.
    ///
    /// A builder of another client is sent by that one, on all pages; what it holds of an error is the first item of the stream.
    ///
    /// # Examples
    ///
    /// See [`Paginate`].
    pub fn paginate(&self, request: impl IntoRequest) -> Paginate {
        let (client, request) = request.into_builder(self).into_parts();
        Paginate {
            client,
            request,
            strategy: Arc::new(LinkHeader::new()),
            items_at: ItemsAt::default(),
            max_pages: None,
            max_items: None,
            detect_loops: true,
            prefetch: false,
            start: None,
        }
    }
}

impl Paginate {
    /// How the next page is found: by default, by the [`LinkHeader`]. A closure is a [`PageStrategy`], too.
    pub fn by(mut self, strategy: impl PageStrategy) -> Self {
        self.strategy = Arc::new(strategy);
        self
    }

    /// The items of a page are the array at this pointer in its JSON ([RFC 6901]): `/data/users`. By default, the JSON is the
    /// array.
    ///
    /// A `null` there, and an empty body, are a page without items. A page with nothing there is an [`Error::Decode`], lest a
    /// wrong pointer look like the end; see [`absent_items_are_empty`](Self::absent_items_are_empty).
    ///
    /// [RFC 6901]: https://www.rfc-editor.org/rfc/rfc6901
    pub fn items_at(mut self, pointer: impl Into<String>) -> Self {
        self.items_at.pointer = pointer.into();
        self
    }

    /// A page with nothing at [`items_at`](Self::items_at) has no items: some servers leave empty arrays out.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_util::TryStreamExt;
    /// use midil_http_core::{Body, HttpClient, Request};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let transport = |_: Request| async { Ok(http::Response::new(Body::from(r#"{"total":0}"#))) };
    /// let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// let users = client.paginate(client.get("/users")).items_at("/users").absent_items_are_empty().items::<String>();
    /// assert!(users.try_collect::<Vec<_>>().await?.is_empty());
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    pub const fn absent_items_are_empty(mut self) -> Self {
        self.items_at.optional = true;
        self
    }

    /// Ends the stream after so many pages; by default, there is no end but the last. It is no error: `cursor()` says where the
    /// next page would be. With 0, nothing is sent.
    pub const fn max_pages(mut self, pages: u64) -> Self {
        self.max_pages = Some(pages);
        self
    }

    /// Ends a stream of [`items`](Self::items) after so many, and asks for no page beyond; by default, there is no end but the
    /// last. Streams of pages do not count items. With 0, nothing is sent.
    pub const fn max_items(mut self, items: u64) -> Self {
        self.max_items = Some(items);
        self
    }

    /// Whether a page that was asked for before is an [`Error::Page`]: it is by default. Turn that off for a server that gives
    /// something else each time it is asked the same, and mind [`max_pages`](Self::max_pages).
    ///
    /// It takes some 50 bytes a page, and 3 MiB at most.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_util::TryStreamExt;
    /// use midil_http_core::{Body, HttpClient, Page, PageCursor, Request};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::from("[17]"))) };
    /// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// // A queue: each time it is asked, it gives what comes next.
    /// let again = |_: &Page| Ok(Some(PageCursor::new()));
    /// let jobs = client.paginate(client.get("/jobs/next")).by(again).detect_loops(false).max_pages(3).items::<u32>();
    /// assert_eq!(jobs.try_collect::<Vec<_>>().await?, [17, 17, 17]);
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    pub const fn detect_loops(mut self, detect: bool) -> Self {
        self.detect_loops = detect;
        self
    }

    /// Whether the next page is asked for while the current one is used; by default, it is not.
    ///
    /// A task of the client's [`Runtime`](crate::Runtime) reads one page ahead, from the first poll on, and ends with the
    /// stream. Memory is then that of two or three pages. What panics there (a strategy) panics where the stream is read.
    pub const fn prefetch(mut self, prefetch: bool) -> Self {
        self.prefetch = prefetch;
        self
    }

    /// Begins where a stream of the same request and strategy stood: see [`Pages::cursor`] and [`PageItems::cursor`].
    ///
    /// A cursor leads to no other origin than the pages do. It sets no header but those that the strategy
    /// [lets it](PageStrategy::may_set), and none that says who calls or how the request is framed, that is among the client's base
    /// headers or that is marked sensitive in the first request. But it can name any path, query, JSON and page there, which
    /// is then called with the client's credentials: where others may write, sign it.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_util::TryStreamExt;
    /// use midil_http_core::{Body, HttpClient, OffsetLimit, PageCursor, Request};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |request: Request| async move {
    /// #     Ok(http::Response::new(Body::from(match request.url().query() {
    /// #         None => "[0,1,2]",
    /// #         Some("offset=3") => "[3,4]",
    /// #         _ => "[]",
    /// #     })))
    /// # };
    /// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// let numbers = || client.paginate(client.get("/numbers")).by(OffsetLimit::new("offset"));
    /// let mut some = numbers().items::<u32>();
    /// assert_eq!((some.try_next().await?, some.try_next().await?), (Some(0), Some(1)));
    ///
    /// // A cursor can be kept anywhere, for another process too.
    /// let kept = serde_json::to_string(&some.cursor()).expect("a cursor is JSON");
    /// let cursor: Option<PageCursor> = serde_json::from_str(&kept).expect("the same");
    /// let rest = numbers().resume(cursor.expect("there is more")).items::<u32>();
    /// assert_eq!(rest.try_collect::<Vec<_>>().await?, [2, 3, 4]);
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    pub fn resume(mut self, cursor: PageCursor) -> Self {
        self.start = Some(cursor);
        self
    }

    /// The pages, one after the other.
    ///
    /// # Examples
    ///
    /// See [`Page`].
    #[must_use]
    pub fn pages(self) -> Pages {
        self.pages_of(None)
    }

    /// The pages of so many items.
    fn pages_of(self, items: Option<u64>) -> Pages {
        let request = match self.request {
            Ok(request) => request,
            Err(error) => return Pages::failed(error),
        };
        let runtime = self.prefetch.then(|| Arc::clone(&self.client.0.runtime));
        let start = self.start.unwrap_or_else(|| self.strategy.first());
        let walk = Walk {
            template: Template { client: self.client, request },
            strategy: self.strategy,
            items_at: Arc::new(self.items_at),
            pages_left: self.max_pages,
            items_left: items,
            number: 0,
            seen: self.detect_loops.then(Seen::new),
            upcoming: Upcoming::Page(start),
        };
        Pages::new(walk, runtime)
    }

    /// The items of all pages, one after the other, each as a `T`.
    ///
    /// They are made of a page one by one, so that one which is no `T` does not lose those before it.
    ///
    /// # Examples
    ///
    /// See [`Paginate`].
    #[must_use]
    pub fn items<T>(self) -> PageItems<T> {
        let left = self.max_items;
        PageItems::new(self.pages_of(left), left)
    }
}

impl fmt::Debug for Paginate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paginate")
            .field("request", &self.request)
            .field("items_at", &self.items_at.pointer)
            .field("start", &self.start)
            .finish_non_exhaustive()
    }
}
