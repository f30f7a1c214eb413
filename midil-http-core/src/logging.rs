//! [`Logging`]: requests, responses and their bodies in the log, without secrets.

mod capture;
mod exchange;
mod json;
mod level;
mod shown_body;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use http::HeaderName;

pub use self::level::LogLevel;

use self::exchange::Exchange;
use crate::trace::Query;
use crate::{Body, Error, Middleware, MiddlewareTransport, Next, Request};

/// Logs exchanges: what was asked, what came of it, how long it took; headers and bodies where that is asked for.
///
/// It is a middleware: around a call (`middleware`) it logs what the caller sees, around each attempt (`attempt_middleware`)
/// what each attempt came to, and around a transport ([`LoggingTransport`]) what goes over the wire, credentials and 401
/// replays among it. The events are `tracing`'s, of the target `midil_http::log`.
///
/// | what came of it | level, unless set |
/// |---|---|
/// | below 400 | info |
/// | 4xx; dropped before there was anything | warn |
/// | 5xx, an error | error |
/// | the request, as it goes out | off |
/// | a body | debug |
///
/// # What is shown
///
/// Method, status, time, and the URL without userinfo, query and fragment. Beyond that, what is asked for: parameters of the
/// query and headers by their name. `Authorization`, `Proxy-Authorization`, `Cookie`, `Set-Cookie`, what is marked sensitive, as
/// all is that a provider emits, and headers whose name speaks of a token, a secret, a key or the like are `Sensitive`, whatever
/// is asked for.
///
/// # Bodies
///
/// Up to a limit of bytes each, where the type is text and not compressed. They are kept as they pass: nothing is read for the
/// log, and nothing waits for it. What is logged when the body ends, fails or is dropped is, by default,
/// JSON and forms alone, without the values of members and fields whose name speaks of a secret, and without strings of JSON that
/// have no name around them; nothing tells where the secrets of other text are. [`redact_bodies`](Self::redact_bodies) puts a function of yours in its place. The answer to a
/// token request (a form with a `grant_type`) is never shown.
///
/// A middleware above credentials sees a body before its default `Content-Type` is put on; such a body counts as JSON, which it
/// will be.
///
/// # Examples
///
/// ```
/// use http::header;
/// use midil_http_core::{Body, HttpClient, LogLevel, Logging, Request};
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
/// let logging = Logging::new()
///     .request_level(LogLevel::Trace)
///     .success_level(LogLevel::Debug)
///     .client_error_level(LogLevel::Info)
///     .failure_level(LogLevel::Warn)
///     .body_level(LogLevel::Trace)
///     .query_parameters(["page"])
///     .request_headers([header::CONTENT_TYPE])
///     .response_headers([header::CONTENT_TYPE, header::RETRY_AFTER])
///     .request_bodies(1024)
///     .response_bodies(4096);
/// let client = HttpClient::builder(transport).base_url("https://api.example.com").middleware(logging).build()?;
/// client.get("/users").query(&[("page", 2)]).send().await?;
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
#[derive(Clone)]
#[must_use = "it does nothing until it is put around something"]
pub struct Logging(Arc<Settings>);

/// A transport that logs its exchanges: the very code of [`Logging`], as it sees what goes over the wire.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, Logging, LoggingTransport, Request, Transport};
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let inner = |_: Request| async { Ok(http::Response::new(Body::empty())) };
/// let transport = LoggingTransport::new(inner, Logging::new().all_headers());
/// transport.send(Request::get("https://api.example.com/users")?).await?;
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
pub type LoggingTransport<T> = MiddlewareTransport<T, Logging>;

/// What a body's text is made to before it is logged, given its media type; `None` shows nothing.
type RedactBody = dyn Fn(&str, &str) -> Option<String> + Send + Sync;

#[derive(Clone)]
struct Settings {
    success: LogLevel,
    client_error: LogLevel,
    failure: LogLevel,
    request: LogLevel,
    body_level: LogLevel,
    query: Query,
    request_headers: Headers,
    response_headers: Headers,
    request_bodies: usize,
    response_bodies: usize,
    redact: Option<Arc<RedactBody>>,
}

/// Which headers are logged.
#[derive(Debug, Clone)]
enum Headers {
    Of(Vec<HeaderName>),
    All,
}

impl Logging {
    /// One line for each outcome, and no more.
    pub fn new() -> Self {
        Self(Arc::new(Settings {
            success: LogLevel::Info,
            client_error: LogLevel::Warn,
            failure: LogLevel::Error,
            request: LogLevel::Off,
            body_level: LogLevel::Debug,
            query: Query::Hidden,
            request_headers: Headers::Of(Vec::new()),
            response_headers: Headers::Of(Vec::new()),
            request_bodies: 0,
            response_bodies: 0,
            redact: None,
        }))
    }

    fn set(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(Arc::make_mut(&mut self.0));
        self
    }

    /// The level of responses below 400: info by default.
    pub fn success_level(self, level: LogLevel) -> Self {
        self.set(|settings| settings.success = level)
    }

    /// The level of 4xx, and of what was dropped before it came to anything: warn by default.
    pub fn client_error_level(self, level: LogLevel) -> Self {
        self.set(|settings| settings.client_error = level)
    }

    /// The level of 5xx and of errors: error by default.
    pub fn failure_level(self, level: LogLevel) -> Self {
        self.set(|settings| settings.failure = level)
    }

    /// The level of requests as they go out: off by default, for the outcome names its request.
    pub fn request_level(self, level: LogLevel) -> Self {
        self.set(|settings| settings.request = level)
    }

    /// The level of bodies, where they are asked for: debug by default.
    pub fn body_level(self, level: LogLevel) -> Self {
        self.set(|settings| settings.body_level = level)
    }

    /// Shows the values of these parameters of the query, and of all others the name with `REDACTED`.
    pub fn query_parameters(self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        self.set(|settings| settings.query = Query::Of(names))
    }

    /// Shows the query, but for signatures of signed URLs, `key` and `code`, and for parameters that are secrets by
    /// their name.
    pub fn full_query(self) -> Self {
        self.set(|settings| settings.query = Query::All)
    }

    /// Shows these headers of requests.
    pub fn request_headers(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        let names = names.into_iter().collect();
        self.set(|settings| settings.request_headers = Headers::Of(names))
    }

    /// Shows these headers of responses.
    pub fn response_headers(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        let names = names.into_iter().collect();
        self.set(|settings| settings.response_headers = Headers::Of(names))
    }

    /// Shows all headers, of requests and responses; secrets are `Sensitive`.
    pub fn all_headers(self) -> Self {
        self.set(|settings| {
            settings.request_headers = Headers::All;
            settings.response_headers = Headers::All;
        })
    }

    /// Logs the first `limit` bytes of requests' bodies that are text; 0, the default, logs none.
    pub fn request_bodies(self, limit: usize) -> Self {
        self.set(|settings| settings.request_bodies = limit)
    }

    /// Logs the first `limit` bytes of responses' bodies that are text; 0, the default, logs none.
    pub fn response_bodies(self, limit: usize) -> Self {
        self.set(|settings| settings.response_bodies = limit)
    }

    /// Has bodies made fit for the log by `redact`, in place of [`redact_body`](Self::redact_body).
    ///
    /// It is given the media type (`application/json`) and the text, which may be cut off anywhere, and returns what is
    /// logged; `None` logs that there was a body, and nothing of it.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::Logging;
    ///
    /// let logging = Logging::new().response_bodies(1024).redact_bodies(|media_type, text| match media_type {
    ///     "text/plain" => Some(text.to_owned()), // ours holds no secrets
    ///     _ => Logging::redact_body(media_type, text),
    /// });
    /// ```
    pub fn redact_bodies(
        self,
        redact: impl Fn(&str, &str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.set(|settings| settings.redact = Some(Arc::new(redact)))
    }

    /// What is shown of a body by default: of JSON and forms, be they cut off anywhere, all but the values of what is a secret
    /// by its name, or is a string without a name around it; nothing of anything else, nor of what is not the JSON that it says
    /// it is.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::Logging;
    ///
    /// let shown = Logging::redact_body("application/json", r#"{"id":7,"access_token":"abc"#);
    /// assert_eq!(shown.as_deref(), Some(r#"{"id":7,"access_token":"REDACTED""#));
    /// assert_eq!(Logging::redact_body("text/plain", "the password is abc"), None);
    /// ```
    #[must_use]
    pub fn redact_body(media_type: &str, text: &str) -> Option<String> {
        shown_body::redacted(media_type, text)
    }
}

impl Default for Logging {
    fn default() -> Self {
        Self::new()
    }
}

impl Settings {
    /// Whether anything that may come is listened to.
    fn is_heard(&self) -> bool {
        let outcomes = [self.success, self.client_error, self.failure, self.request];
        outcomes.into_iter().any(LogLevel::is_heard) || self.hears_bodies()
    }

    fn hears_bodies(&self) -> bool {
        self.request_bodies.max(self.response_bodies) > 0 && self.body_level.is_heard()
    }

    fn redact(&self, media_type: &str, text: &str) -> Option<String> {
        match &self.redact {
            Some(redact) => redact(media_type, text),
            None => Logging::redact_body(media_type, text),
        }
    }
}

#[async_trait]
impl Middleware for Logging {
    async fn handle(
        &self,
        mut request: Request,
        next: Next<'_>,
    ) -> Result<http::Response<Body>, Error> {
        if !self.0.is_heard() {
            return next.run(request).await;
        }
        let mut exchange = Exchange::begin(&self.0, &mut request, next.runtime());
        let outcome = next.run(request).await;
        exchange.end(outcome)
    }
}

impl fmt::Debug for Logging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { success, client_error, failure, request, body_level, .. } = &*self.0;
        f.debug_struct("Logging")
            .field("success", success)
            .field("client_error", client_error)
            .field("failure", failure)
            .field("request", request)
            .field("bodies", body_level)
            .finish_non_exhaustive()
    }
}
