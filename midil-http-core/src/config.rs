//! [`HttpConfig`]: settings as data, from code, a file or the environment.

mod builder;
mod env;
mod seconds;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use builder::HttpConfigBuilder;

use crate::{BuildError, Error, TransportSettings};

/// The settings of a client, its transport, its retries and what else protects it and its servers.
///
/// | setting | variable | default |
/// |---|---|---|
/// | `timeout` | `HTTP_TIMEOUT` (s) | 30 s without progress |
/// | `max_connections` | `HTTP_MAX_CONNECTIONS` | 100 |
/// | `max_keepalive_connections` | `HTTP_MAX_KEEPALIVE_CONNECTIONS` | 20 |
/// | `keepalive_expiry` | `HTTP_KEEPALIVE_EXPIRY` (s) | 30 s |
/// | `max_retries` | `HTTP_MAX_RETRIES`, retries after the first attempt | 2 |
/// | `retry_backoff_factor` | `HTTP_RETRY_BACKOFF_FACTOR`, the multiplier | 2 |
/// | `retry_max_backoff` | `HTTP_RETRY_MAX_BACKOFF` (s) | 60 s |
/// | `retry_jitter` | `HTTP_RETRY_JITTER` (`true`, `false`, `1`, `0`, `yes`, `no`, `on`, `off`) | true |
/// | `retry_budget` | `HTTP_RETRY_BUDGET` (the same), whether retries are paid from a budget | true |
/// | `breaker_threshold` | `HTTP_BREAKER_THRESHOLD`, failures in a row | none: no circuit breaker |
/// | `breaker_recovery` | `HTTP_BREAKER_RECOVERY` (s), wants a threshold | 60 s |
/// | `max_in_flight` | `HTTP_MAX_IN_FLIGHT`, calls in flight per origin | none: no bulkhead |
/// | `connect_timeout` | | 10 s |
/// | `attempt_timeout`, `total_timeout` | | none |
/// | `max_response_bytes` | | 64 MiB |
/// | `base_url` | | none |
///
/// What is set explicitly wins over the environment, which wins over the default. A variable that is empty counts as
/// unset; one that is bad is an error that names it and its value. In serialised form durations are numbers of seconds.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::HttpConfig;
///
/// let config = HttpConfig::builder().timeout(Duration::from_secs(5)).max_retries(3).build()?;
/// assert_eq!(config.max_connections(), 100);
///
/// let config: HttpConfig = serde_json::from_str(r#"{ "timeout": 2.5, "base_url": "https://api.example.com" }"#)?;
/// assert_eq!(config.timeout(), Duration::from_millis(2500));
///
/// let error = serde_json::from_str::<HttpConfig>(r#"{ "timeout": -1 }"#).unwrap_err();
/// assert!(error.to_string().starts_with("timeout is -1s"));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "HttpConfigBuilder", into = "HttpConfigBuilder")]
pub struct HttpConfig {
    base_url: Option<UrlText>,
    timeout: Duration,
    attempt_timeout: Option<Duration>,
    total_timeout: Option<Duration>,
    transport: TransportSettings,
    max_retries: u32,
    retry_backoff_factor: f64,
    retry_max_backoff: Duration,
    retry_jitter: bool,
    retry_budget: bool,
    breaker_threshold: Option<u32>,
    breaker_recovery: Duration,
    max_in_flight: Option<usize>,
    max_response_bytes: u64,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            base_url: None,
            timeout: Duration::from_secs(30),
            attempt_timeout: None,
            total_timeout: None,
            transport: TransportSettings::default(),
            max_retries: 2,
            retry_backoff_factor: 2.0,
            retry_max_backoff: Duration::from_secs(60),
            retry_jitter: true,
            retry_budget: true,
            breaker_threshold: None,
            breaker_recovery: Duration::from_secs(60),
            max_in_flight: None,
            max_response_bytes: 64 << 20,
        }
    }
}

impl HttpConfig {
    /// Begins with nothing set.
    pub fn builder() -> HttpConfigBuilder {
        HttpConfigBuilder::default()
    }

    /// The environment's settings, and defaults for the rest.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the variable and its value.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().env()?.build()
    }

    /// The base URL.
    #[must_use]
    pub fn base_url(&self) -> Option<&str> {
        self.base_url.as_ref().map(|url| url.0.as_str())
    }

    /// The longest an attempt may go without progress.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The longest one attempt may take.
    #[must_use]
    pub const fn attempt_timeout(&self) -> Option<Duration> {
        self.attempt_timeout
    }

    /// The longest a whole call may take.
    #[must_use]
    pub const fn total_timeout(&self) -> Option<Duration> {
        self.total_timeout
    }

    /// The longest that making a connection may take.
    #[must_use]
    pub const fn connect_timeout(&self) -> Duration {
        self.transport.connect_timeout
    }

    /// Exchanges in flight per transport.
    #[must_use]
    pub const fn max_connections(&self) -> usize {
        self.transport.max_connections
    }

    /// Idle connections kept for reuse.
    #[must_use]
    pub const fn max_keepalive_connections(&self) -> usize {
        self.transport.max_keepalive_connections
    }

    /// How long an idle connection is kept.
    #[must_use]
    pub const fn keepalive_expiry(&self) -> Duration {
        self.transport.keepalive_expiry
    }

    /// What a transport takes of this.
    #[must_use]
    pub const fn transport(&self) -> &TransportSettings {
        &self.transport
    }

    /// Retries after the first attempt.
    #[must_use]
    pub const fn max_retries(&self) -> u32 {
        self.max_retries
    }

    /// What each wait is multiplied by for the next.
    #[must_use]
    pub const fn retry_backoff_factor(&self) -> f64 {
        self.retry_backoff_factor
    }

    /// The longest wait before a retry.
    #[must_use]
    pub const fn retry_max_backoff(&self) -> Duration {
        self.retry_max_backoff
    }

    /// Whether waits are spread at random.
    #[must_use]
    pub const fn retry_jitter(&self) -> bool {
        self.retry_jitter
    }

    /// Whether retries are paid from a budget, which keeps them from making an outage worse.
    #[must_use]
    pub const fn retry_budget(&self) -> bool {
        self.retry_budget
    }

    /// After how many failures in a row calls to an origin are refused for a while; `None` for no circuit breaker.
    #[must_use]
    pub const fn breaker_threshold(&self) -> Option<u32> {
        self.breaker_threshold
    }

    /// How long the circuit breaker refuses calls before it lets one through to try.
    #[must_use]
    pub const fn breaker_recovery(&self) -> Duration {
        self.breaker_recovery
    }

    /// How many calls to an origin may be in flight at once; `None` for no bulkhead.
    #[must_use]
    pub const fn max_in_flight(&self) -> Option<usize> {
        self.max_in_flight
    }

    /// How much of a response is read into memory at most.
    #[must_use]
    pub const fn max_response_bytes(&self) -> u64 {
        self.max_response_bytes
    }
}

/// A URL as it was given; `Debug` shows neither its userinfo nor its query.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct UrlText(String);

impl From<&str> for UrlText {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for UrlText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::redact::url_text(&self.0))
    }
}

/// Refuses a duration of zero.
pub(crate) fn positive(setting: &str, value: Duration) -> Result<(), BuildError> {
    if value.is_zero() {
        Err(BuildError::new(setting, "is zero: give a positive duration"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
