//! What an [`HttpConfig`] says, with the defaults of what is not set.

use std::time::Duration;

use crate::Error;

use super::{
    AuthConfig, BackoffKind, BreakerConfig, HttpConfig, LimitsConfig, RedirectsConfig, RetryConfig,
    RetryKind, TransportConfig, UrlSetting,
};

impl HttpConfig {
    /// The base URL.
    #[must_use]
    pub fn base_url(&self) -> Option<&str> {
        self.0.base_url.as_ref().map(UrlSetting::as_str)
    }

    /// The longest an attempt may go without progress.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.0.timeout.unwrap_or(Duration::from_secs(30))
    }

    /// The longest one attempt may take.
    #[must_use]
    pub const fn attempt_timeout(&self) -> Option<Duration> {
        self.0.attempt_timeout
    }

    /// The longest a whole call may take.
    #[must_use]
    pub const fn total_timeout(&self) -> Option<Duration> {
        self.0.total_timeout
    }

    /// The longest that making a connection may take.
    #[must_use]
    pub fn connect_timeout(&self) -> Duration {
        self.0.transport.connect_timeout.unwrap_or(Duration::from_secs(10))
    }

    /// Exchanges in flight per transport.
    #[must_use]
    pub fn max_connections(&self) -> usize {
        self.0.transport.max_connections.unwrap_or(100)
    }

    /// Idle connections kept for reuse.
    #[must_use]
    pub fn max_keepalive_connections(&self) -> usize {
        self.0.transport.max_keepalive_connections.unwrap_or(20)
    }

    /// How long an idle connection is kept.
    #[must_use]
    pub fn keepalive_expiry(&self) -> Duration {
        self.0.transport.keepalive_expiry.unwrap_or(Duration::from_secs(30))
    }

    /// Which HTTP stack, and how it connects.
    #[must_use]
    pub const fn transport(&self) -> &TransportConfig {
        &self.0.transport
    }

    /// Retries after the first attempt.
    #[must_use]
    pub fn max_retries(&self) -> u32 {
        if matches!(self.0.retry.kind, Some(RetryKind::None)) {
            return 0;
        }
        self.0.retry.max_retries.unwrap_or(2)
    }

    /// What each wait is multiplied by for the next.
    #[must_use]
    pub fn retry_backoff_factor(&self) -> f64 {
        self.0.retry.backoff.multiplier.unwrap_or(2.0)
    }

    /// The longest wait before a retry.
    #[must_use]
    pub fn retry_max_backoff(&self) -> Duration {
        self.0.retry.backoff.max_delay.unwrap_or(Duration::from_secs(60))
    }

    /// Whether waits are spread at random.
    #[must_use]
    pub fn retry_jitter(&self) -> bool {
        match self.0.retry.backoff.kind {
            None => self.0.retry.jitter.unwrap_or(true),
            Some(kind) => !matches!(kind, BackoffKind::Exponential | BackoffKind::Fixed),
        }
    }

    /// Whether retries are paid from a budget, which keeps them from making an outage worse.
    #[must_use]
    pub fn retry_budget(&self) -> bool {
        self.0.retry.budget.enabled.unwrap_or(true)
    }

    /// What is tried again, and when.
    #[must_use]
    pub const fn retry(&self) -> &RetryConfig {
        &self.0.retry
    }

    /// After how many failures in a row calls to an origin are refused for a while; `None` where that does not count.
    #[must_use]
    pub const fn breaker_threshold(&self) -> Option<u32> {
        self.0.breaker.failure_threshold
    }

    /// How long the circuit breaker refuses calls before it lets one through to try.
    #[must_use]
    pub fn breaker_recovery(&self) -> Duration {
        self.0.breaker.recovery_timeout.unwrap_or(Duration::from_secs(60))
    }

    /// When a server is left alone.
    #[must_use]
    pub const fn breaker(&self) -> &BreakerConfig {
        &self.0.breaker
    }

    /// How many calls to an origin may be in flight at once; `None` for no bulkhead, or for its default.
    #[must_use]
    pub const fn max_in_flight(&self) -> Option<usize> {
        self.0.limits.bulkhead.max_in_flight
    }

    /// Limits and hedging.
    #[must_use]
    pub const fn limits(&self) -> &LimitsConfig {
        &self.0.limits
    }

    /// Which redirects are followed.
    #[must_use]
    pub const fn redirects(&self) -> &RedirectsConfig {
        &self.0.redirects
    }

    /// Who provides credentials.
    #[must_use]
    pub const fn auth(&self) -> &AuthConfig {
        &self.0.auth
    }

    /// How much of a response is read into memory at most.
    #[must_use]
    pub fn max_response_bytes(&self) -> u64 {
        self.0.max_response_bytes.unwrap_or(64 << 20)
    }

    /// Whether compressed bodies are asked for and decoded.
    #[must_use]
    pub fn decompress(&self) -> bool {
        self.0.decompress.unwrap_or(true)
    }

    /// Other origins that may be called.
    #[must_use]
    pub fn allow_origins(&self) -> &[UrlSetting] {
        self.0.allow_origins.as_deref().unwrap_or_default()
    }

    /// Other origins that may be called, with credentials.
    #[must_use]
    pub fn auth_origins(&self) -> &[UrlSetting] {
        self.0.auth_origins.as_deref().unwrap_or_default()
    }

    /// Whether credentials may travel over plain http to a host that is not this machine.
    #[must_use]
    pub fn allow_plain_http_auth(&self) -> bool {
        self.0.allow_plain_http_auth.unwrap_or(false)
    }

    /// The error, saying which environment variable its setting came from, if it came from one.
    ///
    /// For those who make something of a configuration, and find that a setting cannot be: they name it by its path, as a file
    /// has it.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{BuildError, HttpConfig};
    ///
    /// let config = HttpConfig::builder().env_from("APP", [("APP_LIMITS_HEDGE_MAX_HEDGES", "50")])?.build()?;
    /// let error = BuildError::new("limits.hedge.max_hedges", "is 50: give less");
    /// assert_eq!(
    ///     config.locate(error.into()).to_string(),
    ///     "limits.hedge.max_hedges is 50: give less (it is set by APP_LIMITS_HEDGE_MAX_HEDGES)",
    /// );
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    #[must_use]
    pub fn locate(&self, error: Error) -> Error {
        self.0.locate(error)
    }

    /// The variable that the setting at `place` came from.
    pub(crate) fn variable_of(&self, place: &str) -> Option<&str> {
        self.0.variable_of(place)
    }
}
