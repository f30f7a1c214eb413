//! [`Reply`]: what the mock answers to one request.

use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use midil_http_core::{Body, Error, Runtime};
use serde::Serialize;

use super::request::RecordedRequest;

/// What a [`MockTransport`](crate::MockTransport) answers to a request: a response, an error, or nothing at all.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Error, Sent, TransportError, TransportErrorKind};
/// use midil_http_test::{ManualRuntime, MockTransport, Reply};
///
/// let runtime = ManualRuntime::new();
/// let refused = || TransportError::new(TransportErrorKind::Connect, Sent::No, "refused").into();
/// let mock = MockTransport::sequence([
///     Reply::error(refused),
///     Reply::status(503).header("retry-after", "1").body("busy"),
///     Reply::ok().json(&["Ada"]).delayed(Duration::from_secs(2), runtime.clone()),
/// ]);
/// # mock.mismatch();
/// ```
#[must_use = "a reply does nothing until a mock gives it"]
pub struct Reply {
    action: Action,
    reads_body: bool,
    delay: Option<(Duration, Arc<dyn Runtime>)>,
}

enum Action {
    Respond(Box<Canned>),
    Fail(Box<dyn Fn() -> Error + Send + Sync>),
    Hang,
    Call(Box<Function>),
}

type Function = dyn Fn(&RecordedRequest) -> Result<Response<Body>, Error> + Send + Sync;

/// A response to be given again and again.
struct Canned {
    status: StatusCode,
    headers: HeaderMap,
    /// `None` once a stream that can be read only once was given away.
    body: Mutex<Option<Body>>,
}

impl Reply {
    const fn new(action: Action) -> Self {
        Self { action, reads_body: true, delay: None }
    }

    /// 200 OK, without headers or a body.
    pub fn ok() -> Self {
        Self::status(StatusCode::OK)
    }

    /// A response of that status, without headers or a body.
    ///
    /// # Panics
    ///
    /// When `status` is no HTTP status, 100 to 999.
    #[track_caller]
    pub fn status<S>(status: S) -> Self
    where
        S: TryInto<StatusCode>,
    {
        let Ok(status) = status.try_into() else {
            panic!("the status of a reply is a number from 100 to 999")
        };
        let (headers, body) = (HeaderMap::new(), Mutex::new(Some(Body::empty())));
        Self::new(Action::Respond(Box::new(Canned { status, headers, body })))
    }

    /// An error. They cannot be copied: `error` is called for each request.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::Error;
    ///
    /// let reply = midil_http_test::Reply::error(|| Error::custom("the disk is full"));
    /// ```
    pub fn error(error: impl Fn() -> Error + Send + Sync + 'static) -> Self {
        Self::new(Action::Fail(Box::new(error)))
    }

    /// No answer, ever: the code under test runs into its timeout.
    pub const fn pending() -> Self {
        Self::new(Action::Hang)
    }

    /// What `respond` makes of the request.
    ///
    /// # Examples
    ///
    /// ```
    /// # use midil_http_core::HttpClient;
    /// use midil_http_core::Body;
    /// use midil_http_test::{MockTransport, Reply};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let shout = Reply::from_fn(|request| {
    ///     let body = request.text().to_uppercase();
    ///     Ok(http::Response::new(Body::from(body)))
    /// });
    /// let client = HttpClient::builder(MockTransport::always(shout)).base_url("http://localhost").build()?;
    /// assert_eq!(client.post("/").body("hello").send().await?.text().await?, "HELLO");
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    pub fn from_fn<F>(respond: F) -> Self
    where
        F: Fn(&RecordedRequest) -> Result<Response<Body>, Error> + Send + Sync + 'static,
    {
        Self::new(Action::Call(Box::new(respond)))
    }

    /// Adds a header to the response.
    ///
    /// # Panics
    ///
    /// When name or value cannot stand in a header, or the reply is no fixed response (an [`error`](Self::error),
    /// [`pending`](Self::pending), [`from_fn`](Self::from_fn)).
    #[track_caller]
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        let Ok(name) = name.try_into() else { panic!("the name of a reply's header is invalid") };
        let Ok(value) = value.try_into() else { panic!("the value of header {name} is invalid") };
        self.canned("header").headers.append(name, value);
        self
    }

    /// Sets the body of the response. A stream that can be read once can be given once; [`Body::replayable`] again and
    /// again.
    ///
    /// # Panics
    ///
    /// When the reply is no fixed response.
    ///
    /// # Examples
    ///
    /// A response that breaks off:
    ///
    /// ```
    /// use futures_util::stream;
    /// use midil_http_core::{Body, Sent, TransportError, TransportErrorKind};
    /// use midil_http_test::Reply;
    ///
    /// let reply = Reply::ok().body(Body::replayable(None, || {
    ///     let reset = TransportError::new(TransportErrorKind::Reset, Sent::Maybe, "reset by peer");
    ///     stream::iter([Ok("the first half"), Err(reset)])
    /// }));
    /// ```
    #[track_caller]
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.canned("body").body = Mutex::new(Some(body.into()));
        self
    }

    /// Sets a JSON body, and `Content-Type: application/json` unless the response has one.
    ///
    /// # Panics
    ///
    /// When `json` cannot be written as JSON, or the reply is no fixed response.
    #[track_caller]
    pub fn json<T: Serialize + ?Sized>(mut self, json: &T) -> Self {
        let text = match serde_json::to_vec(json) {
            Ok(text) => text,
            Err(error) => panic!("the body of a reply cannot be written as JSON: {error}"),
        };
        let json = HeaderValue::from_static("application/json");
        self.canned("json").headers.entry(header::CONTENT_TYPE).or_insert(json);
        self.body(text)
    }

    /// Gives the reply only after `delay`, by the time of `runtime`; counted from when the request's body was read.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use midil_http_core::HttpClient;
    /// use midil_http_test::{ManualRuntime, MockTransport, Reply};
    ///
    /// let runtime = ManualRuntime::new();
    /// let slow = Reply::ok().delayed(Duration::from_secs(20), runtime.clone());
    /// let client = HttpClient::builder(MockTransport::always(slow))
    ///     .base_url("http://localhost")
    ///     .runtime(runtime.clone())
    ///     .build()?;
    ///
    /// let response = runtime.block_on(client.get("/").send())?;
    /// assert_eq!(response.elapsed(), Duration::from_secs(20));
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    pub fn delayed(mut self, delay: Duration, runtime: impl Runtime) -> Self {
        self.delay = Some((delay, Arc::new(runtime)));
        self
    }

    /// Gives the reply without a look at the request's body, as where no connection came about: a body that can be read
    /// once can be sent again.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Error, Sent, TransportError, TransportErrorKind};
    /// use midil_http_test::Reply;
    ///
    /// let refused = Reply::error(|| {
    ///     TransportError::new(TransportErrorKind::Connect, Sent::No, "connection refused").into()
    /// });
    /// let reply = refused.without_reading_body();
    /// ```
    pub const fn without_reading_body(mut self) -> Self {
        self.reads_body = false;
        self
    }

    #[track_caller]
    fn canned(&mut self, what: &str) -> &mut Canned {
        match &mut self.action {
            Action::Respond(canned) => canned,
            _ => panic!("`{what}` is for a reply with a status: see Reply::ok and Reply::status"),
        }
    }

    pub(super) const fn reads_body(&self) -> bool {
        self.reads_body
    }

    /// Gives the answer to `request`.
    pub(super) async fn answer(
        &self,
        request: impl FnOnce() -> RecordedRequest + Send,
    ) -> Result<Response<Body>, Error> {
        if let Some((delay, runtime)) = &self.delay {
            runtime.sleep(*delay).await;
        }
        match &self.action {
            Action::Respond(canned) => canned.respond(),
            Action::Fail(error) => Err(error()),
            Action::Hang => pending().await,
            Action::Call(respond) => respond(&request()),
        }
    }
}

impl Canned {
    fn respond(&self) -> Result<Response<Body>, Error> {
        let body = {
            let mut body = self.body.lock().unwrap_or_else(PoisonError::into_inner);
            body.as_ref().and_then(Body::try_clone).or_else(|| body.take())
        };
        let Some(body) = body else {
            return Err(Error::custom(
                "the body of a mock's reply was given away already: use Body::replayable to give it again",
            ));
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        Ok(response)
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Reply");
        match &self.action {
            Action::Respond(canned) => debug.field("status", &canned.status.as_u16()),
            Action::Fail(_) => debug.field("error", &format_args!("closure")),
            Action::Hang => debug.field("pending", &true),
            Action::Call(_) => debug.field("from_fn", &format_args!("closure")),
        };
        debug.field("delay", &self.delay.as_ref().map(|(delay, _)| delay));
        debug.field("reads_body", &self.reads_body).finish()
    }
}
