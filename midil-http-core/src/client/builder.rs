//! [`HttpClientBuilder`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, header};

use super::{Bundle, HttpClient, Shared, Timeouts};
use crate::base_url::BaseUrl;
use crate::config::positive;
use crate::header_input::{header_pair, join_cookies};
use crate::observer::Several;
use crate::origin::Origin;
use crate::pipeline::accepted;
use crate::{
    AuthNProvider, BoxError, BuildError, DefaultRuntime, Error, HttpConfig, Middleware, Observer,
    Propagator, Random, Redirect, RetryStrategy, Runtime, TraceSettings, Transport, Validation,
};

/// What every client says of itself unless it is told otherwise.
const USER_AGENT: &str = concat!("midil-http/", env!("CARGO_PKG_VERSION"));

/// Builds an [`HttpClient`]. Errors are reported by [`build`](Self::build), all settings having a default.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Body, HttpClient, Redirect, Request};
///
/// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
/// let client = HttpClient::builder(transport)
///     .base_url("https://api.example.com/v1")
///     .header("x-client-version", "1.0")
///     .timeout(Duration::from_secs(10))
///     .total_timeout(Duration::from_secs(60))
///     .redirect(Redirect::none())
///     .build()?;
///
/// // Long polling: the total time bounds it, not the time without progress.
/// let events = HttpClient::builder(transport).no_timeout().total_timeout(Duration::from_secs(300)).build()?;
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[must_use = "a builder does nothing until it is built"]
pub struct HttpClientBuilder {
    transport: Arc<dyn Transport>,
    base_url: Option<String>,
    /// The variable that it came from.
    base_url_variable: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
    auth: Option<Arc<dyn AuthNProvider>>,
    allow_plain_http_auth: bool,
    retry: Option<Arc<dyn RetryStrategy>>,
    middleware: Vec<Arc<dyn Middleware>>,
    attempt_middleware: Vec<Arc<dyn Middleware>>,
    observers: Vec<Arc<dyn Observer>>,
    timeouts: Timeouts,
    redirect: Redirect,
    allowed: Vec<String>,
    trusted: Vec<String>,
    runtime: Arc<dyn Runtime>,
    seed: Option<u64>,
    max_response_bytes: u64,
    decompress: bool,
    trace: TraceSettings,
    propagator: Option<Arc<dyn Propagator>>,
    #[cfg(feature = "cookies")]
    jar: Option<crate::CookieJar>,
    error: Option<BuildError>,
}

impl HttpClientBuilder {
    pub(super) fn new(transport: impl Transport) -> Self {
        let config = HttpConfig::default();
        Self {
            transport: Arc::new(transport),
            base_url: None,
            base_url_variable: None,
            headers: Vec::new(),
            auth: None,
            allow_plain_http_auth: false,
            retry: None,
            middleware: Vec::new(),
            attempt_middleware: Vec::new(),
            observers: Vec::new(),
            timeouts: Timeouts { progress: Some(config.timeout()), attempt: None, total: None },
            redirect: Redirect::new(),
            allowed: Vec::new(),
            trusted: Vec::new(),
            runtime: Arc::new(DefaultRuntime::new()),
            seed: None,
            max_response_bytes: config.max_response_bytes(),
            decompress: true,
            trace: TraceSettings::new(),
            propagator: None,
            #[cfg(feature = "cookies")]
            jar: None,
            error: None,
        }
    }

    /// Takes the client's part of `config`: base URL, timeouts, `max_response_bytes`, decompression, redirects, allowed origins.
    ///
    /// The settings of the transport, of retrying and of what else protects calls are for those who make them.
    pub fn config(mut self, config: &HttpConfig) -> Self {
        if let Some(url) = config.base_url() {
            self.base_url = Some(url.to_owned());
            self.base_url_variable = config.variable_of("base_url").map(Into::into);
        }
        self.timeouts = Timeouts {
            progress: Some(config.timeout()),
            attempt: config.attempt_timeout(),
            total: config.total_timeout(),
        };
        self.max_response_bytes = config.max_response_bytes();
        self.decompress = config.decompress();
        self.redirect = config.redirects().policy();
        self.allow_plain_http_auth |= config.allow_plain_http_auth();
        let texts = |origins: &[crate::UrlSetting]| -> Vec<String> {
            origins.iter().map(|origin| origin.as_str().to_owned()).collect()
        };
        self.allowed.extend(texts(config.allow_origins()));
        self.trusted.extend(texts(config.auth_origins()));
        self
    }

    /// What relative URLs are appended to, and what no URL may leave. Without one, every request needs an absolute URL.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self.base_url_variable = None;
        self
    }

    /// A header for every request to the client's own server; a request's own header of that name wins.
    ///
    /// `User-Agent` and `Accept` go to allowed origins, too. Given twice, a header has two values.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        match header_pair(name, value) {
            Ok(pair) => self.headers.push(pair),
            Err(error) => self.error = self.error.or(Some(error)),
        }
        self
    }

    /// Who provides credentials, for requests to the base URL's origin and to [`auth_origin`](Self::auth_origin)s.
    pub fn auth(mut self, provider: impl AuthNProvider) -> Self {
        self.auth = Some(Arc::new(provider));
        self
    }

    /// Lets credentials travel over plain http to a host that is not this machine. Everybody on the way can read them.
    pub const fn allow_plain_http_auth(mut self) -> Self {
        self.allow_plain_http_auth = true;
        self
    }

    /// Another origin that may be called by absolute URLs and redirects. It gets no credentials and no base headers.
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.allowed.push(origin.into());
        self
    }

    /// Another origin that may be called, and that gets the provider's credentials.
    pub fn auth_origin(mut self, origin: impl Into<String>) -> Self {
        self.trusted.push(origin.into());
        self
    }

    /// When attempts are repeated; never, unless this is set.
    pub fn retry(mut self, strategy: impl RetryStrategy) -> Self {
        self.retry = Some(Arc::new(strategy));
        self
    }

    /// Adds middleware around the whole call, inside what was added before.
    pub fn middleware(mut self, middleware: impl Middleware) -> Self {
        self.middleware.push(Arc::new(middleware));
        self
    }

    /// Adds middleware around each attempt, inside what was added before.
    pub fn attempt_middleware(mut self, middleware: impl Middleware) -> Self {
        self.attempt_middleware.push(Arc::new(middleware));
        self
    }

    /// Adds one who is told of what calls do, for metrics: of these calls, and of what limits, breakers, hedges and token caches
    /// do for them. There is no other place to set it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use midil_http_core::{Body, Event, HttpClient, Request};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
    /// let calls = Arc::new(AtomicU32::new(0));
    /// let count = Arc::clone(&calls);
    /// let client = HttpClient::builder(transport)
    ///     .base_url("https://api.example.com")
    ///     .observer(move |event: &Event<'_>| {
    ///         if matches!(event, Event::CallEnded(_)) {
    ///             count.fetch_add(1, Ordering::Relaxed);
    ///         }
    ///     })
    ///     .build()?;
    /// client.get("/users").send().await?;
    /// assert_eq!(calls.load(Ordering::Relaxed), 1);
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Makes an error of the caller's own of responses that `judge` refuses: see [`Validation`], which this is as call middleware.
    ///
    /// It sees what a call comes to in the end, after redirects and retries, and where these were in vain the last response.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Body, HttpClient, Request};
    ///
    /// #[derive(Debug, thiserror::Error)]
    /// #[error("too many requests: wait for {seconds} s")]
    /// struct RateLimitError {
    ///     seconds: u64,
    /// }
    ///
    /// fn rate_limit(head: &http::response::Parts) -> Result<(), RateLimitError> {
    ///     if head.status != http::StatusCode::TOO_MANY_REQUESTS {
    ///         return Ok(());
    ///     }
    ///     let seconds = head.headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    ///     Err(RateLimitError { seconds: seconds.unwrap_or(60) })
    /// }
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |_: Request| async {
    /// #     Ok(http::Response::builder().status(429).header("retry-after", "7").body(Body::empty()).unwrap())
    /// # };
    /// let client = HttpClient::builder(transport).base_url("https://api.example.com").validate(rate_limit).build()?;
    /// let error = client.get("/users").send().await.unwrap_err();
    /// assert_eq!(error.downcast_ref::<RateLimitError>().map(|limit| limit.seconds), Some(7));
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    pub fn validate<F, E>(self, judge: F) -> Self
    where
        F: Fn(&http::response::Parts) -> Result<(), E> + Send + Sync + 'static,
        E: Into<BoxError>,
    {
        self.middleware(Validation::new(judge))
    }

    /// Takes settings that go together, such as `midil_retry::standard()`.
    ///
    /// What is set after it wins over it; middleware that is added after it is inside its own.
    pub fn with(self, bundle: impl Bundle) -> Self {
        bundle.apply(self)
    }

    /// The longest an attempt may go without progress: 30 s by default.
    ///
    /// Progress is a connection, a piece of the request's body taken by the transport, the response head, a piece of the
    /// response's body. A slow producer or reader on our side is no stall. Some 5 MB of an upload may sit in the
    /// buffers of transport and kernel, where nobody sees whether they move.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.progress = Some(timeout);
        self
    }

    /// Lets an attempt go without progress for as long as it likes.
    pub const fn no_timeout(mut self) -> Self {
        self.timeouts.progress = None;
        self
    }

    /// The longest one attempt may take, its body included; unlimited by default.
    pub const fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.attempt = Some(timeout);
        self
    }

    /// Lets an attempt take as long as it makes progress, whatever was set before.
    pub const fn no_attempt_timeout(mut self) -> Self {
        self.timeouts.attempt = None;
        self
    }

    /// The longest a whole call may take, with retries, waits, token fetches, redirects and body; unlimited by default.
    pub const fn total_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.total = Some(timeout);
        self
    }

    /// Lets a call take as long as it likes, whatever was set before.
    pub const fn no_total_timeout(mut self) -> Self {
        self.timeouts.total = None;
        self
    }

    /// Which redirects are followed: up to 10, within allowed origins, by default.
    pub const fn redirect(mut self, redirect: Redirect) -> Self {
        self.redirect = redirect;
        self
    }

    /// How many bytes `bytes`, `text` and `json` of a response read at most: 64 MiB by default. Streaming has no limit.
    pub const fn max_response_bytes(mut self, limit: u64) -> Self {
        self.max_response_bytes = limit;
        self
    }

    /// Whether compressed bodies are asked for and decoded: yes, by default, in each encoding that a feature of this crate
    /// adds (`gzip`, `brotli`, `zstd`, `deflate`).
    ///
    /// A client that sets `Accept-Encoding` itself, by [`header`](Self::header), gets bodies as they come. See
    /// [`RequestBuilder::decompress`](crate::RequestBuilder::decompress) for what else is left alone.
    pub const fn decompress(mut self, decompress: bool) -> Self {
        self.decompress = decompress;
        self
    }

    /// Where cookies that servers set are kept, and taken from; nowhere, unless this is set.
    ///
    /// Each attempt and each hop of a redirect gets the cookies that belong to its URL, beside those of the request itself
    /// and of the client's base headers, which win by name; and every response is learned from, a 401 too. Clones of a
    /// client share its jar, as do all clients that are given clones of it.
    #[cfg(feature = "cookies")]
    #[cfg_attr(docsrs, doc(cfg(feature = "cookies")))]
    pub fn cookie_jar(mut self, jar: crate::CookieJar) -> Self {
        self.jar = Some(jar);
        self
    }

    /// What the spans of calls record; by default what OpenTelemetry's conventions require, and nothing that may be a secret.
    pub fn trace(mut self, settings: TraceSettings) -> Self {
        self.trace = settings;
        self
    }

    /// Who puts the context of the current trace (`traceparent`) on what is sent to the client's own server; nobody, unless
    /// this is set.
    ///
    /// # Examples
    ///
    /// See [`Propagator`].
    pub fn propagate(mut self, propagator: impl Propagator) -> Self {
        self.propagator = Some(Arc::new(propagator));
        self
    }

    /// Where time and tasks come from: [`DefaultRuntime`] by default.
    pub fn runtime(mut self, runtime: impl Runtime) -> Self {
        self.runtime = Arc::new(runtime);
        self
    }

    /// Makes all jitter of this client repeatable.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the setting and the remedy: a URL or header that cannot be, a timeout of zero, credentials
    /// that would travel in the clear or nowhere.
    pub fn build(self) -> Result<HttpClient, Error> {
        if let Some(error) = self.error {
            return Err(error.into());
        }
        let base = self.base_url.as_deref().map(BaseUrl::parse).transpose();
        let base = base.map_err(|error| match &self.base_url_variable {
            Some(variable) => error.set_by(variable),
            None => error,
        })?;
        let parse = |setting: &'static str| move |text: &String| Origin::parse(setting, text);
        let trusted =
            self.trusted.iter().map(parse("auth_origin")).collect::<Result<Vec<_>, _>>()?;
        let mut allowed =
            self.allowed.iter().map(parse("allow_origin")).collect::<Result<Vec<_>, _>>()?;
        allowed.extend(trusted.iter().cloned());
        if self.auth.is_some() {
            let mut origins = base.iter().map(BaseUrl::origin).chain(&trusted).peekable();
            if origins.peek().is_none() {
                let problem = "would go to no server: set base_url or auth_origin";
                return Err(BuildError::new("the credentials of `auth`", problem).into());
            }
            let exposed = origins
                .find(|origin| origin.is_plain_remote())
                .filter(|_| !self.allow_plain_http_auth);
            if let Some(origin) = exposed {
                let problem = format!(
                    "would travel in the clear to {origin}: use https, or permit it with `allow_plain_http_auth`"
                );
                return Err(BuildError::new("the credentials of `auth`", problem).into());
            }
        }
        let Timeouts { progress, attempt, total } = self.timeouts;
        for (setting, value) in
            [("timeout", progress), ("attempt_timeout", attempt), ("total_timeout", total)]
        {
            value.map_or(Ok(()), |value| positive(setting, value))?;
        }
        let observer: Option<Arc<dyn Observer>> = match self.observers {
            none if none.is_empty() => None,
            observers => Some(Arc::new(Several(observers))),
        };
        if let (Some(provider), Some(observer)) = (&self.auth, &observer) {
            provider.observed_by(observer);
        }
        Ok(HttpClient(Arc::new(Shared {
            transport: self.transport,
            in_flight: Arc::default(),
            runtime: self.runtime,
            random: self.seed.map_or_else(Random::new, Random::seeded),
            observer,
            retry: self.retry,
            auth: self.auth,
            middleware: self.middleware,
            attempt_middleware: self.attempt_middleware,
            #[cfg(feature = "cookies")]
            jar: self.jar,
            accept_encoding: accepted(&self.headers),
            decompress: self.decompress,
            trace: self.trace.compile(),
            propagator: self.propagator,
            headers: with_defaults(self.headers),
            timeouts: Timeouts { progress, attempt, total },
            redirect: self.redirect,
            base,
            allowed: allowed.into_iter().collect(),
            trusted: trusted.into_iter().collect(),
            max_response_bytes: self.max_response_bytes,
        })))
    }
}

/// Adds the headers that every request has, unless the client sets them itself; several cookies become one header.
fn with_defaults(mut headers: Vec<(HeaderName, HeaderValue)>) -> Vec<(HeaderName, HeaderValue)> {
    for (name, value) in [(header::USER_AGENT, USER_AGENT), (header::ACCEPT, "*/*")] {
        if !headers.iter().any(|(given, _)| *given == name) {
            headers.push((name, HeaderValue::from_static(value)));
        }
    }
    let cookies: Vec<_> = headers
        .extract_if(.., |(name, _)| *name == header::COOKIE)
        .map(|(_, value)| value)
        .collect();
    headers.extend(join_cookies(&cookies).map(|cookies| (header::COOKIE, cookies)));
    headers
}

impl fmt::Debug for HttpClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClientBuilder").field("error", &self.error).finish_non_exhaustive()
    }
}
