//! [`HttpClientBuilder`].

mod around;
mod build;
mod server;
mod telemetry;
mod timeouts;

use std::fmt;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use super::Timeouts;
use crate::{
    AuthNProvider, BuildError, DefaultRuntime, HttpConfig, Middleware, Observer, Propagator,
    Redirect, RetryStrategy, Runtime, TraceSettings, Transport,
};

/// Builds an [`HttpClient`](super::HttpClient). Errors are reported by [`build`](Self::build), all settings having a default.
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

    /// When attempts are repeated; never, unless this is set.
    pub fn retry(mut self, strategy: impl RetryStrategy) -> Self {
        self.retry = Some(Arc::new(strategy));
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
}

impl fmt::Debug for HttpClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClientBuilder").field("error", &self.error).finish_non_exhaustive()
    }
}
