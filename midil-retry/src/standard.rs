//! [`standard`]: all that a call to another service should have, in one line.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use midil_http_core::{
    BreakerKind, Bundle, Error, HttpClientBuilder, HttpConfig, Middleware, RetryKind, RetryStrategy,
};

use crate::from_config;
use crate::{Bulkhead, CircuitBreaker, DefaultRetryStrategy};

/// All that a call to another service should have: see [`Standard`].
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, HttpClient, Request};
///
/// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
/// let client = HttpClient::builder(transport) // any Transport
///     .base_url("https://api.example.com/v1")
///     .with(midil_retry::standard())
///     .build()?;
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[must_use = "it does nothing until a client is built with it"]
pub fn standard() -> Standard {
    Standard::new()
}

/// Timeouts, retries, a bulkhead and a circuit breaker, in the order in which they do what they should.
///
/// From the outside in:
///
/// | part | by default | why there |
/// |---|---|---|
/// | total timeout | 30 s | it bounds all that follows: waits for a place and between attempts, too |
/// | retry | [`DefaultRetryStrategy`]: 3 attempts, full jitter, a budget | each attempt passes what follows anew |
/// | bulkhead | [`Bulkhead`]: 100 in flight per origin, 100 more wait for up to 10 s | a place is held while the server has the call, and not while the call waits for its next attempt |
/// | rate limit | none | a call that still waits for its turn should hold no probe of the breaker |
/// | circuit breaker | [`CircuitBreaker`]: opens when 90 % of at least 20 attempts in 5 s failed, for 0.5 s | it sees each attempt, and refuses at once: what it refuses is not retried |
/// | hedging | none | what waits for a limit is not slow; the breaker hears what an attempt and its hedge came to together |
/// | attempt timeout | 10 s | it bounds one attempt, its body included: what hangs counts as failed |
///
/// It is the order of the standard pipelines elsewhere, with one choice that they make differently among themselves:
/// the bulkhead is inside the retries, as a call has one place for limits whose waits count towards its total timeout.
/// An attempt that finds it full is refused, and not retried.
///
/// The breaker goes by a ratio, not by failures in a row, so that a blip under load does not open it, and by a high
/// one, as retries still help where fewer attempts fail.
///
/// Each part can be replaced or left out. Parts are shared by the clones of a `Standard`: by all clients that are built
/// with them.
///
/// Downloads that take long want other timeouts, for the client or, on [their
/// request](midil_http_core::RequestBuilder::total_timeout), for a call.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Body, HttpClient, Request};
/// use midil_retry::{Bulkhead, CircuitBreaker, standard};
///
/// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
/// let breaker = CircuitBreaker::new(5, Duration::from_secs(30));
/// let client = HttpClient::builder(transport)
///     .base_url("https://api.example.com/v1")
///     .with(
///         standard()
///             .breaker(breaker.clone()) // of our own, to ask for its state
///             .bulkhead(Bulkhead::new(20))
///             .total_timeout(Duration::from_secs(5))
///             .no_attempt_timeout(),
///     )
///     .build()?;
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "it does nothing until a client is built with it"]
pub struct Standard {
    total_timeout: Option<Duration>,
    retry: Option<Arc<dyn RetryStrategy>>,
    bulkhead: Option<Arc<dyn Middleware>>,
    rate_limit: Option<Arc<dyn Middleware>>,
    breaker: Option<Arc<dyn Middleware>>,
    hedge: Option<Arc<dyn Middleware>>,
    attempt_timeout: Option<Duration>,
}

impl Standard {
    fn new() -> Self {
        Self {
            total_timeout: Some(Duration::from_secs(30)),
            retry: Some(Arc::new(DefaultRetryStrategy::default())),
            bulkhead: Some(Arc::new(Bulkhead::new(100))),
            rate_limit: None,
            breaker: Some(Arc::new(CircuitBreaker::standard())),
            hedge: None,
            attempt_timeout: Some(Duration::from_secs(10)),
        }
    }

    /// What `config` asks for, and nothing else: retries, and a breaker, limits, hedging and timeouts where it sets them.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the setting, when a part cannot be as configured.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Body, HttpClient, HttpConfig, Request};
    /// use midil_retry::Standard;
    ///
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
    /// let config = HttpConfig::builder().breaker_threshold(5).max_in_flight(20).build()?;
    /// let client = HttpClient::builder(transport)
    ///     .base_url("https://api.example.com/v1")
    ///     .config(&config)
    ///     .with(Standard::from_config(&config)?)
    ///     .build()?;
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    pub fn from_config(config: &HttpConfig) -> Result<Self, Error> {
        let nothing = Self {
            total_timeout: None,
            retry: None,
            bulkhead: None,
            rate_limit: None,
            breaker: None,
            hedge: None,
            attempt_timeout: None,
        };
        nothing.config(config)
    }

    /// The same, with what `config` sets in the place of a part: its retries, and its breaker, limits, hedging and
    /// timeouts where it has any. Where it says `none` of retries or of the breaker, there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the setting, when a part cannot be as configured.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::HttpConfig;
    ///
    /// let config = HttpConfig::from_env()?; // HTTP_MAX_RETRIES, HTTP_BREAKER_THRESHOLD, HTTP_MAX_IN_FLIGHT…
    /// let standard = midil_retry::standard().config(&config)?;
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    pub fn config(self, config: &HttpConfig) -> Result<Self, Error> {
        self.parts(config).map_err(|error| config.locate(error))
    }

    fn parts(self, config: &HttpConfig) -> Result<Self, Error> {
        let mut standard = match config.retry().kind {
            Some(RetryKind::None) => self.no_retry(),
            _ => self.retry(DefaultRetryStrategy::from_config(config)?),
        };
        // A part that the configuration says there is none of is none of the standard's, either.
        if config.breaker().kind == Some(BreakerKind::None) {
            standard = standard.no_breaker();
        }
        if let Some(breaker) = from_config::breaker(config)? {
            standard = standard.breaker(breaker);
        }
        if let Some(bulkhead) = from_config::bulkhead(config)? {
            standard = standard.bulkhead(bulkhead);
        }
        if let Some(limit) = from_config::rate_limit(config)? {
            standard = standard.rate_limit(limit);
        }
        if let Some(hedge) = from_config::hedge(config)? {
            standard = standard.hedge(hedge);
        }
        standard.total_timeout = config.total_timeout().or(standard.total_timeout);
        standard.attempt_timeout = config.attempt_timeout().or(standard.attempt_timeout);
        Ok(standard)
    }

    /// The longest a whole call may take: 30 s by default.
    pub const fn total_timeout(mut self, timeout: Duration) -> Self {
        self.total_timeout = Some(timeout);
        self
    }

    /// Leaves the total timeout as the client has it.
    pub const fn no_total_timeout(mut self) -> Self {
        self.total_timeout = None;
        self
    }

    /// When attempts are repeated: as [`DefaultRetryStrategy`] says, by default.
    pub fn retry(mut self, strategy: impl RetryStrategy) -> Self {
        self.retry = Some(Arc::new(strategy));
        self
    }

    /// Leaves retries as the client has them.
    pub fn no_retry(mut self) -> Self {
        self.retry = None;
        self
    }

    /// How many calls may be in flight: a [`Bulkhead`] of 100 per origin, by default.
    pub fn bulkhead(mut self, bulkhead: impl Middleware) -> Self {
        self.bulkhead = Some(Arc::new(bulkhead));
        self
    }

    /// Lets any number of calls be in flight.
    pub fn no_bulkhead(mut self) -> Self {
        self.bulkhead = None;
        self
    }

    /// How many attempts may be made in a time, such as a [`RateLimit`](crate::RateLimit): any number, by default.
    pub fn rate_limit(mut self, limit: impl Middleware) -> Self {
        self.rate_limit = Some(Arc::new(limit));
        self
    }

    /// When a server is left alone: a [`CircuitBreaker`] that goes by a ratio, by default.
    pub fn breaker(mut self, breaker: impl Middleware) -> Self {
        self.breaker = Some(Arc::new(breaker));
        self
    }

    /// Sends every attempt, whatever became of those before.
    pub fn no_breaker(mut self) -> Self {
        self.breaker = None;
        self
    }

    /// When a request that takes long is sent a second time, such as a [`Hedge`](crate::Hedge): never, by default.
    pub fn hedge(mut self, hedge: impl Middleware) -> Self {
        self.hedge = Some(Arc::new(hedge));
        self
    }

    /// The longest one attempt may take, its body included: 10 s by default.
    pub const fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout);
        self
    }

    /// Leaves the attempt timeout as the client has it.
    pub const fn no_attempt_timeout(mut self) -> Self {
        self.attempt_timeout = None;
        self
    }
}

impl Bundle for Standard {
    fn apply(self, mut builder: HttpClientBuilder) -> HttpClientBuilder {
        if let Some(timeout) = self.total_timeout {
            builder = builder.total_timeout(timeout);
        }
        if let Some(strategy) = self.retry {
            builder = builder.retry(strategy);
        }
        // Outermost first.
        let middleware = [self.bulkhead, self.rate_limit, self.breaker, self.hedge];
        for part in middleware.into_iter().flatten() {
            builder = builder.attempt_middleware(part);
        }
        if let Some(timeout) = self.attempt_timeout {
            builder = builder.attempt_timeout(timeout);
        }
        builder
    }
}

impl fmt::Debug for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standard")
            .field("total_timeout", &self.total_timeout)
            .field("has_retry", &self.retry.is_some())
            .field("has_bulkhead", &self.bulkhead.is_some())
            .field("has_rate_limit", &self.rate_limit.is_some())
            .field("has_breaker", &self.breaker.is_some())
            .field("has_hedge", &self.hedge.is_some())
            .field("attempt_timeout", &self.attempt_timeout)
            .finish_non_exhaustive()
    }
}
