//! [`MockTransport`]: a transport that answers as a test says, and remembers what it was asked.

mod exchange;
mod expectation;
mod matcher;
mod reply;
mod report;
mod request;
mod script;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::thread;

use http::Method;
use midil_http_core::{Body, Error, Request, RequestHead, Transport, async_trait};

use self::exchange::Exchange;
pub use self::expectation::Expectation;
use self::matcher::Matcher;
pub use self::reply::Reply;
pub use self::request::RecordedRequest;
use self::script::{RuleId, Script};

/// A [`Transport`] that answers as a test says, and remembers what it was asked.
///
/// Clones share everything: one goes to the client, one stays with the test.
///
/// # Replies in sequence
///
/// ```
/// use midil_http_core::HttpClient;
/// use midil_http_test::{MockTransport, Reply};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let mock = MockTransport::new().reply(Reply::ok().json(&["Ada"])).reply(Reply::status(404));
/// let client = HttpClient::builder(mock.clone()).base_url("https://api.example.com/v1").build()?;
///
/// let users: Vec<String> = client.get("/users").send().await?.json().await?;
/// assert_eq!(users, ["Ada"]);
/// assert_eq!(client.get("/users/2").send().await?.status(), 404);
///
/// assert_eq!(mock.requests()[1].url().path(), "/v1/users/2");
/// mock.verify();
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
///
/// # Replies to what is expected
///
/// What [`on`](Self::on) and [`when`](Self::when) expect is looked at first, in the order in which it was said; what
/// nothing of it fits, or is left for, goes to the mock's own sequence.
///
/// ```
/// # use midil_http_core::HttpClient;
/// use http::Method;
/// use midil_http_test::{MockTransport, Reply};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let mock = MockTransport::new();
/// mock.on(Method::POST, "/v1/users").reply(Reply::status(503)).reply(Reply::status(201));
/// mock.on(Method::GET, "/v1/users").reply(Reply::ok().json(&["Ada"])).times(2);
/// mock.when(|request| request.headers.contains_key("x-debug")).times(0);
/// # let client = HttpClient::builder(mock.clone()).base_url("https://api.example.com/v1").build()?;
/// # for _ in 0..2 { client.get("/users").send().await?; client.post("/users").json("Ada").send().await?; }
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
///
/// # When it goes otherwise
///
/// A request that nothing is said for comes to an [`Error::Custom`] that tells what was expected and what came, so that
/// the code under test sees it. [`verify`](Self::verify) tells the test, and so does the drop of the last clone:
///
/// ```text
/// the requests were not those that the mock transport expects
///
/// expected:
///   ✗ GET /v1/users: 2 times, came once
/// came:
///     1. GET https://api.example.com/v1/users: 200 OK, as GET /v1/users
///   ✗ 2. DELETE https://api.example.com/v1/users/1: unexpected
/// ```
///
/// # Panics
///
/// The drop of the last clone (an [`Expectation`] counts as one) panics as [`verify`](Self::verify) does, unless [`verify`](Self::verify) or
/// [`mismatch`](Self::mismatch) was called since the last request, or the thread is panicking already.
#[derive(Clone)]
pub struct MockTransport(Arc<Shared>);

/// What all clones share. Closures, wakers and bodies of the test's own run without the lock.
struct Shared(Mutex<Script>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let script = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !script.verified
            && !thread::panicking()
            && let Some(mismatch) = report::mismatch(script)
        {
            panic!("{mismatch}");
        }
    }
}

impl MockTransport {
    /// A mock that expects nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Shared(Mutex::new(Script::new()))))
    }

    /// A mock that gives `replies` in their order, and expects as many requests.
    #[must_use]
    pub fn sequence(replies: impl IntoIterator<Item = Reply>) -> Self {
        let mock = Self::new();
        replies.into_iter().for_each(|reply| mock.0.lock().reply(RuleId::Sequence, reply));
        mock
    }

    /// A mock that gives `reply` to every request, however many come.
    #[must_use]
    pub fn always(reply: Reply) -> Self {
        Self::new().reply_always(reply)
    }

    /// Adds a reply to the mock's own sequence: one more request is expected. The mock is given back to go on with.
    #[allow(
        clippy::return_self_not_must_use,
        clippy::must_use_candidate,
        reason = "what it is told stays, kept or not"
    )]
    pub fn reply(&self, reply: Reply) -> Self {
        self.0.lock().reply(RuleId::Sequence, reply);
        self.clone()
    }

    /// Has `reply` given again and again where the mock's own sequence ends. The mock is given back to go on with.
    #[allow(
        clippy::return_self_not_must_use,
        clippy::must_use_candidate,
        reason = "what it is told stays, kept or not"
    )]
    pub fn reply_always(&self, reply: Reply) -> Self {
        self.0.lock().reply_always(RuleId::Sequence, reply);
        self.clone()
    }

    /// Expects requests of that method and target.
    ///
    /// The target is a path, as the server sees it (with the base path of the client), or a whole URL. A query is compared
    /// when the target has one.
    ///
    /// # Panics
    ///
    /// When `target` neither begins with `/` nor is an absolute URL.
    ///
    /// # Examples
    ///
    /// ```
    /// # use midil_http_core::HttpClient;
    /// # use midil_http_test::{MockTransport, Reply};
    /// # use http::Method;
    /// # futures_util::FutureExt::now_or_never(async {
    /// let mock = MockTransport::new();
    /// mock.on(Method::GET, "/users?page=2").reply_always(Reply::ok().json(&["Grace"]));
    /// mock.on(Method::GET, "/users").reply_always(Reply::ok().json(&["Ada"])); // whatever the query
    /// mock.on(Method::GET, "https://login.example.com/token").reply_always(Reply::status(401));
    /// # let client = HttpClient::builder(mock.clone()).base_url("https://api.example.com").build()?;
    /// # assert_eq!(client.get("/users?page=2").send().await?.text().await?, "[\"Grace\"]");
    /// # assert_eq!(client.get("/users?page=3").send().await?.text().await?, "[\"Ada\"]");
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    #[must_use = "an expectation needs a reply"]
    #[track_caller]
    pub fn on(&self, method: Method, target: &str) -> Expectation {
        self.expect(Matcher::target(method, target))
    }

    /// Expects requests whose head fulfils a condition. It is asked before the body is read; a reply that depends on the
    /// body is [`Reply::from_fn`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use midil_http_core::HttpClient;
    /// # use midil_http_test::{MockTransport, Reply};
    /// # futures_util::FutureExt::now_or_never(async {
    /// let mock = MockTransport::always(Reply::ok());
    /// mock.when(|request| !request.headers.contains_key("x-tenant")).reply_always(Reply::status(400));
    /// # let client = HttpClient::builder(mock.clone()).base_url("https://api.example.com").build()?;
    /// # assert_eq!(client.get("/").send().await?.status(), 400);
    /// # assert_eq!(client.get("/").header("x-tenant", "7").send().await?.status(), 200);
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    #[must_use = "an expectation needs a reply"]
    #[track_caller]
    pub fn when(
        &self,
        condition: impl Fn(&RequestHead) -> bool + Send + Sync + 'static,
    ) -> Expectation {
        self.expect(Matcher::condition(condition, Location::caller()))
    }

    fn expect(&self, matcher: Matcher) -> Expectation {
        let rule = self.0.lock().expect(matcher);
        Expectation::new(Arc::clone(&self.0), rule)
    }

    /// The requests that came, in their order.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.0.lock().requests(None)
    }

    /// How many requests came.
    #[must_use]
    pub fn request_count(&self) -> usize {
        self.0.lock().exchanges().len()
    }

    /// How many requests are not answered: those that wait for a reply, and were not given up.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.0.lock().in_flight()
    }

    /// Completes as soon as `count` or more requests came, answered or not.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    ///
    /// # Examples
    ///
    /// ```
    /// # use midil_http_core::{Request, Transport};
    /// # use midil_http_test::{MockTransport, Reply};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let mock = MockTransport::always(Reply::pending());
    /// let request = Request::get("https://api.example.com/slow")?;
    /// let clone = mock.clone();
    /// let call = tokio::spawn(async move { clone.send(request).await.map(|_| ()) });
    ///
    /// mock.wait_for_requests(1).await;
    /// assert_eq!(mock.in_flight(), 1);
    /// call.abort();
    /// call.await.unwrap_err();
    /// assert_eq!(mock.in_flight(), 0);
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap();
    /// ```
    pub fn wait_for_requests(&self, count: usize) -> impl Future<Output = ()> + Send + use<> {
        let mock = self.clone();
        poll_fn(move |context| {
            let mut script = mock.0.lock();
            if script.exchanges().len() >= count {
                return Poll::Ready(());
            }
            script.watch(context.waker());
            Poll::Pending
        })
    }

    /// Checks that all that was expected came, and nothing else.
    ///
    /// # Panics
    ///
    /// When that is not so, with a list of what was expected and what came.
    ///
    /// # Examples
    ///
    /// ```should_panic
    /// # use midil_http_test::{MockTransport, Reply};
    /// let mock = MockTransport::new().reply(Reply::ok());
    /// mock.verify(); // panics: nobody asked
    /// ```
    #[track_caller]
    pub fn verify(&self) {
        if let Some(mismatch) = self.mismatch() {
            panic!("{mismatch}");
        }
    }

    /// What [`verify`](Self::verify) would say; `None` when all that was expected came, and nothing else.
    ///
    /// # Examples
    ///
    /// ```
    /// # use midil_http_test::{MockTransport, Reply};
    /// let mock = MockTransport::new().reply(Reply::ok());
    /// assert!(mock.mismatch().unwrap().contains("any other request: once, came 0 times"));
    /// ```
    #[must_use]
    pub fn mismatch(&self) -> Option<String> {
        let mut script = self.0.lock();
        script.verified = true;
        report::mismatch(&script)
    }
}

#[async_trait]
impl Transport for MockTransport {
    /// Reads the request's body to its end, unless the reply is to come [without](Reply::without_reading_body), and
    /// answers.
    async fn send(&self, request: Request) -> Result<http::Response<Body>, Error> {
        let (head, mut body) = request.into_parts();
        let (mut exchange, reply) = Exchange::begin(&self.0, head);
        let Some(reply) = reply else { return Err(exchange.unexpected()) };
        if reply.reads_body() {
            exchange.read(&mut body).await?;
        }
        let outcome = reply.answer(|| exchange.request()).await;
        exchange.end(&outcome);
        outcome
    }
}

impl Default for MockTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MockTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let script = self.0.lock();
        f.debug_struct("MockTransport")
            .field("requests", &script.exchanges().len())
            .field("in_flight", &script.in_flight())
            .finish_non_exhaustive()
    }
}
