//! [`HttpConfig`]: settings as data, from code, a file or the environment.

mod accessors;
mod auth;
mod breaker;
mod builder;
mod closest;
mod env;
mod file;
mod leaf;
mod limits;
mod node;
mod origins;
mod read;
mod redirects;
mod resolve;
mod retry;
mod section;
mod settings;
mod transport;
mod write;

pub use auth::{AuthConfig, AuthKind, AuthMethodKind};
pub use breaker::{BreakerConfig, BreakerKind};
pub use builder::HttpConfigBuilder;
pub use leaf::{PairsSetting, SecretSetting, UrlSetting};
pub use limits::{BulkheadConfig, HedgeConfig, LimitsConfig, RateLimitConfig};
pub use redirects::{RedirectsConfig, RedirectsKind};
pub use retry::{BackoffConfig, BackoffKind, BudgetConfig, RetryConfig, RetryKind};
pub use transport::{BackendKind, ProtocolKind, TransportConfig};

pub(crate) use builder::positive;

use crate::Error;
use settings::Settings;

/// Everything that can be said of a client beforehand: its transport, timeouts, retries, circuit breaker, limits,
/// redirects and credentials.
///
/// These have short names:
///
/// | setting | is | variable | default |
/// |---|---|---|---|
/// | `base_url` | | `HTTP_BASE_URL` | none |
/// | `timeout` | | `HTTP_TIMEOUT` | 30 s without progress |
/// | `attempt_timeout`, `total_timeout` | | `HTTP_ATTEMPT_TIMEOUT`, `HTTP_TOTAL_TIMEOUT` | none |
/// | `connect_timeout` | `transport.connect_timeout` | `HTTP_CONNECT_TIMEOUT` | 10 s |
/// | `max_connections` | `transport.max_connections` | `HTTP_MAX_CONNECTIONS` | 100 |
/// | `max_keepalive_connections` | `transport.max_keepalive_connections` | `HTTP_MAX_KEEPALIVE_CONNECTIONS` | 20 |
/// | `keepalive_expiry` | `transport.keepalive_expiry` | `HTTP_KEEPALIVE_EXPIRY` | 30 s |
/// | `max_retries` | `retry.max_retries` | `HTTP_MAX_RETRIES`, after the first attempt | 2 |
/// | `retry_backoff_factor` | `retry.backoff.multiplier` | `HTTP_RETRY_BACKOFF_FACTOR` | 2 |
/// | `retry_max_backoff` | `retry.backoff.max_delay` | `HTTP_RETRY_MAX_BACKOFF` | 60 s |
/// | `retry_jitter` | `retry.jitter` | `HTTP_RETRY_JITTER` | true |
/// | `retry_budget` | `retry.budget.enabled` | `HTTP_RETRY_BUDGET` | true |
/// | `breaker_threshold` | `breaker.failure_threshold` | `HTTP_BREAKER_THRESHOLD`, failures in a row | none: no circuit breaker |
/// | `breaker_recovery` | `breaker.recovery_timeout` | `HTTP_BREAKER_RECOVERY`, wants a breaker | 60 s |
/// | `max_in_flight` | `limits.bulkhead.max_in_flight` | `HTTP_MAX_IN_FLIGHT`, calls in flight per origin | none: no bulkhead |
/// | `max_response_bytes` | | `HTTP_MAX_RESPONSE_BYTES` | 64 MiB |
/// | `decompress` | | `HTTP_DECOMPRESS` | true |
/// | `allow_origins`, `auth_origins` | | `HTTP_ALLOW_ORIGINS`, `HTTP_AUTH_ORIGINS` | none |
/// | `allow_plain_http_auth` | | `HTTP_ALLOW_PLAIN_HTTP_AUTH` | false |
///
/// All others are in tables: [`transport`](TransportConfig), [`retry`](RetryConfig), [`breaker`](BreakerConfig),
/// [`limits`](LimitsConfig), [`redirects`](RedirectsConfig), [`auth`](AuthConfig). What has alternatives has a `type`.
/// The variable of a setting is its path in capitals: `auth.client_id` is `HTTP_AUTH_CLIENT_ID`, or
/// `ORDERS_HTTP_AUTH_CLIENT_ID` with a [prefix](Self::from_env_with_prefix). A list has commas there, a table is
/// `a=1,b=2`, and a secret may be in a file instead: `HTTP_AUTH_CLIENT_SECRET_FILE`.
///
/// # What wins
///
/// What is set explicitly wins over the environment, which wins over files, which win over defaults:
/// [`layer`](HttpConfigBuilder::layer). A variable that is empty counts as unset.
///
/// # Files
///
/// Any self-describing format of serde will do. Durations are numbers of seconds, or text: `"500ms"`, `"1.5s"`, `"2m"`,
/// `"1h"`. (In variables they are numbers of seconds.) A key that is unknown, set twice, or at odds with another is an
/// error, as is any bad value: it names the path of the key, the value unless that may be a secret, and what is
/// allowed. Formats tell where it is, and some of them by showing the line, which may hold a secret: of `toml`, take
/// `error.message()` for logs.
///
/// What is serialised is what is set, but for secrets: see [`SecretSetting`]. Files that are named (certificates, keys,
/// secrets) are read when a client is built.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{AuthKind, HttpConfig};
///
/// let config = HttpConfig::builder().timeout(Duration::from_secs(5)).max_retries(3).build()?;
/// assert_eq!(config.max_connections(), 100);
///
/// let config: HttpConfig = serde_json::from_str(r#"{
///     "base_url": "https://api.example.com",
///     "timeout": 2.5,
///     "retry": { "max_retries": 4, "backoff": { "type": "fixed", "delay": "500ms" } },
///     "breaker": { "type": "ratio", "failure_ratio": 0.9 },
///     "auth": { "type": "bearer", "token": { "file": "/var/run/secrets/orders/token" } }
/// }"#)?;
/// assert_eq!(config.timeout(), Duration::from_millis(2500));
/// assert_eq!(config.auth().kind, Some(AuthKind::Bearer));
///
/// let error = serde_json::from_str::<HttpConfig>(r#"{ "timeout": -1 }"#).unwrap_err();
/// assert!(error.to_string().starts_with("timeout is -1s"));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HttpConfig(Settings);

impl HttpConfig {
    /// Begins with nothing set.
    pub fn builder() -> HttpConfigBuilder {
        HttpConfigBuilder::default()
    }

    /// The environment's settings, and defaults for the rest: see [`HttpConfigBuilder::env`].
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the variable and its value.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().env()?.build()
    }

    /// The same from variables that begin with `prefix`: see [`HttpConfigBuilder::env_with_prefix`].
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the variable and its value, one that is no setting, or the prefix.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::HttpConfig;
    ///
    /// let config = HttpConfig::from_env_with_prefix("ORDERS_HTTP")?; // ORDERS_HTTP_TIMEOUT, …
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    pub fn from_env_with_prefix(prefix: &str) -> Result<Self, Error> {
        Self::builder().env_with_prefix(prefix)?.build()
    }
}

#[cfg(test)]
mod tests;
