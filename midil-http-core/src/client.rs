//! [`HttpClient`]: the handle that users hold.

mod batch;
mod builder;
mod bundle;
mod into_request;
mod paginate;

mod close;
mod in_flight;
mod request;
mod response;

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use url::Url;

pub use batch::{Batch, BatchCompletions, BatchProgress, BatchStream};
pub use builder::HttpClientBuilder;
pub use bundle::Bundle;
pub use into_request::IntoRequest;
pub use paginate::{
    JsonLink, LinkHeader, OffsetLimit, Page, PageCursor, PageItems, PageNumber, PageStrategy,
    PageToken, Pages, Paginate,
};

pub use close::{CloseReport, DroppedCall};
pub(crate) use in_flight::{InFlight, Ticket};
pub use request::RequestBuilder;
pub use response::{ChunkStream, Response, decode_text};

use crate::base_url::{BaseUrl, check_characters, is_absolute};
use crate::middleware::CallValidations;
use crate::origin;
use crate::origins::Origins;
use crate::pipeline::{CallScope, ObservedCall, check_resumable};
use crate::trace::Recorded;
use crate::{
    AuthNProvider, Body, BoxFuture, BuildError, Error, Middleware, Observer, Propagator, Random,
    Redirect, Request, RetryStrategy, Runtime, Transport,
};

/// Calls a service over any [`Transport`].
///
/// A client is made once per service and shared: clones are cheap (a pointer and a count) and share connections, credentials
/// and everything else that is stateful. [`close`](Self::close) ends its life in order, with the last of the calls in
/// flight; a client that is dropped closes its connections when the last clone and the last call are gone.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, HttpClient, Request};
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let transport = |request: Request| async move { Ok(http::Response::new(Body::from(format!("[\"{}\"]", request.url().path())))) };
/// let client = HttpClient::builder(transport).base_url("https://api.example.com/v1").build()?;
/// let users: Vec<String> = client.get("/users").query(&[("limit", 10)]).send().await?.json().await?;
/// assert_eq!(users, ["/v1/users"]);
///
/// // `get`, `post`, `put`, `patch`, `delete` and `head`; any other by `request`.
/// client.patch("/users/7").json(&[("name", "Ada")]).raise_for_status().send().await?;
/// client.request(http::Method::OPTIONS, "/users").send().await?;
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
#[derive(Clone)]
pub struct HttpClient(Arc<Shared>);

/// What all clones of a client share.
pub(crate) struct Shared {
    pub(crate) transport: Arc<dyn Transport>,
    in_flight: Arc<InFlight>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) random: Random,
    /// Who is told of what calls do: all who are, as one.
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) retry: Option<Arc<dyn RetryStrategy>>,
    pub(crate) auth: Option<Arc<dyn AuthNProvider>>,
    pub(crate) middleware: Vec<Arc<dyn Middleware>>,
    pub(crate) attempt_middleware: Vec<Arc<dyn Middleware>>,
    /// The base headers and the defaults.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) timeouts: Timeouts,
    pub(crate) redirect: Redirect,
    base: Option<BaseUrl>,
    /// Origins that may be called though they are not the base URL's.
    allowed: Origins,
    /// Those among them that get credentials, too.
    trusted: Origins,
    max_response_bytes: u64,
    #[cfg(feature = "cookies")]
    pub(crate) jar: Option<crate::CookieJar>,
    /// What spans record.
    pub(crate) trace: Recorded,
    /// Who puts the context of a trace on what is sent.
    pub(crate) propagator: Option<Arc<dyn Propagator>>,
    /// The encodings that are decoded, as they are announced; `None` when there is none to announce.
    pub(crate) accept_encoding: Option<HeaderValue>,
    /// Whether they are announced, unless a call says otherwise.
    pub(crate) decompress: bool,
}

/// The timeouts of a client's calls.
pub(crate) struct Timeouts {
    pub(crate) progress: Option<Duration>,
    pub(crate) attempt: Option<Duration>,
    pub(crate) total: Option<Duration>,
}

impl Shared {
    /// Whether a redirect to `url` is followed, though it leads to another origin.
    pub(crate) fn allows(&self, url: &Url) -> bool {
        let base = self.base.as_ref().map(BaseUrl::origin);
        base.is_some_and(|origin| origin.is_of(url)) || self.allowed.has(url)
    }

    /// Whether `url` is on the client's own server, which gets its base headers.
    pub(crate) fn is_home(&self, url: &Url, left_origin: bool) -> bool {
        match &self.base {
            Some(base) => base.origin().is_of(url),
            None => !left_origin,
        }
    }

    /// Whether the client has a server of its own, named by its base URL.
    pub(crate) const fn has_base(&self) -> bool {
        self.base.is_some()
    }

    /// Whether cookies are kept.
    pub(crate) const fn has_jar(&self) -> bool {
        #[cfg(feature = "cookies")]
        return self.jar.is_some();
        #[cfg(not(feature = "cookies"))]
        false
    }

    /// Whether `url` may see credentials.
    pub(crate) fn may_authenticate(&self, url: &Url) -> bool {
        let base = self.base.as_ref().map(BaseUrl::origin);
        base.is_some_and(|origin| origin.is_of(url)) || self.trusted.has(url)
    }

    /// Sends the request; its own validations judge what it comes to. Boxed, for it is rare: no call should carry room for it.
    fn send_validated<'a>(
        self: &'a Arc<Self>,
        request: &'a mut Request,
        validations: CallValidations,
    ) -> BoxFuture<'a, Result<Answer, Error>> {
        Box::pin(async move {
            let (outcome, counted) = match self.send(request).await {
                Ok(Answer { response, attempts, elapsed, url }) => {
                    (Ok(response), Some((attempts, elapsed, url)))
                }
                Err(error) => (Err(error), None),
            };
            let response = validations.judge(outcome, &*self.runtime).await?;
            let (attempts, elapsed, url) = counted.unwrap_or_default();
            Ok(Answer { response, attempts, elapsed, url })
        })
    }

    /// Sends the request, which is that of the last hop in the end.
    async fn send(self: &Arc<Self>, request: &mut Request) -> Result<Answer, Error> {
        check_resumable(request.head())?;
        let scope = CallScope::new(self, request);
        // Dropped in this order: who waits for the client's close finds that all is told.
        let head = request.head();
        let begin = |waker: &Waker| Ticket::begin(&self.in_flight, head, scope.started, waker);
        let mut ticket = poll_fn(|cx| Poll::Ready(begin(cx.waker()))).await;
        let observed = ObservedCall::begin(&scope);
        let mut outcome = match &mut ticket {
            Ok(ticket) => scope.enter(request, ticket).await,
            Err(_) => scope.refuse(),
        };
        // Where it is: each variable that it goes through would copy it.
        observed.end(&mut outcome);
        match &mut outcome {
            Ok(response) => response.body_mut().in_flight(ticket?)?,
            Err(_) => ticket?.finish()?,
        }
        outcome.map(|response| scope.answer(response))
    }

    /// The URL that the caller of a request means.
    fn resolve(&self, text: &str) -> Result<Url, BuildError> {
        match &self.base {
            Some(base) => base.resolve(text, &self.allowed),
            None if is_absolute(text) => {
                check_characters(text)?;
                let url = Url::parse(text).map_err(|error| BuildError::url(text, error))?;
                self.permit(&url)?;
                Ok(url)
            }
            None => Err(BuildError::url(
                text,
                "it is relative and the client has no base_url; set one, or give all of it",
            )),
        }
    }

    /// Whether a URL that is parsed already may be called.
    fn permit(&self, url: &Url) -> Result<(), BuildError> {
        match &self.base {
            Some(base) => base.permit(url, &self.allowed),
            None => origin::check(url).map_err(|why| BuildError::url(url.as_str(), why)),
        }
    }
}

impl HttpClient {
    /// Begins to build a client that sends over `transport`.
    pub fn builder(transport: impl Transport) -> HttpClientBuilder {
        HttpClientBuilder::new(transport)
    }

    /// Begins a GET request.
    ///
    /// `url` is relative to the base URL and appended to its path, or absolute. What leaves the base is an error when
    /// the request is sent.
    pub fn get(&self, url: impl AsRef<str>) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    /// Begins a POST request; see [`get`](Self::get) for `url`.
    pub fn post(&self, url: impl AsRef<str>) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    /// Begins a PUT request; see [`get`](Self::get) for `url`.
    pub fn put(&self, url: impl AsRef<str>) -> RequestBuilder {
        self.request(Method::PUT, url)
    }

    /// Begins a PATCH request; see [`get`](Self::get) for `url`.
    pub fn patch(&self, url: impl AsRef<str>) -> RequestBuilder {
        self.request(Method::PATCH, url)
    }

    /// Begins a DELETE request; see [`get`](Self::get) for `url`.
    pub fn delete(&self, url: impl AsRef<str>) -> RequestBuilder {
        self.request(Method::DELETE, url)
    }

    /// Begins a HEAD request; see [`get`](Self::get) for `url`.
    pub fn head(&self, url: impl AsRef<str>) -> RequestBuilder {
        self.request(Method::HEAD, url)
    }

    /// Begins a request of any method; see [`get`](Self::get) for `url`.
    pub fn request(&self, method: Method, url: impl AsRef<str>) -> RequestBuilder {
        let url = self.resolve(url.as_ref());
        RequestBuilder::new(
            self.clone(),
            url.map(|url| Request::new(method, url)).map_err(Error::from),
        )
    }

    /// The URL that `text` means to this client.
    pub(crate) fn resolve(&self, text: &str) -> Result<Url, BuildError> {
        self.0.resolve(text)
    }

    /// Sends a request that was built before or elsewhere.
    ///
    /// # Errors
    ///
    /// Any [`Error`]. A 4xx or 5xx is no error here, unless the request says
    /// [`raise_for_status`](RequestBuilder::raise_for_status): see [`Response::error_for_status`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the exchange and frees what it held; a retry token that was taken stays spent.
    pub async fn execute(&self, request: Request) -> Result<Response, Error> {
        self.0.permit(request.url())?;
        RequestBuilder::new(self.clone(), Ok(request)).send().await
    }
}

/// What a call came to: the response, and what was counted.
pub(crate) struct Answer {
    pub(crate) response: http::Response<Body>,
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
    /// Where the last request went to, unless the call's own request tells.
    pub(crate) url: Option<Url>,
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("base_url", &self.0.base.as_ref().map(BaseUrl::as_str))
            .field("authenticated", &self.0.auth.is_some())
            .field("retried", &self.0.retry.is_some())
            .finish_non_exhaustive()
    }
}
