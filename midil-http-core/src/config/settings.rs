//! [`Settings`]: all there are, each once, with its short name where it has one.

use std::time::Duration;

use super::leaf::{
    UrlSetting, any, count, factor, flag, length, positive_count, positive_length, texts,
};
use super::origins::Origins;
use super::section::{Section, Visitor};
use super::{
    AuthConfig, BreakerConfig, LimitsConfig, RedirectsConfig, RetryConfig, TransportConfig,
};
use crate::Error;

/// What is set, of everything that can be.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Settings {
    pub(super) base_url: Option<UrlSetting>,
    pub(super) timeout: Option<Duration>,
    pub(super) attempt_timeout: Option<Duration>,
    pub(super) total_timeout: Option<Duration>,
    pub(super) max_response_bytes: Option<u64>,
    pub(super) decompress: Option<bool>,
    pub(super) allow_origins: Option<Vec<UrlSetting>>,
    pub(super) auth_origins: Option<Vec<UrlSetting>>,
    pub(super) allow_plain_http_auth: Option<bool>,
    pub(super) transport: TransportConfig,
    pub(super) retry: RetryConfig,
    pub(super) breaker: BreakerConfig,
    pub(super) limits: LimitsConfig,
    pub(super) redirects: RedirectsConfig,
    pub(super) auth: AuthConfig,
    pub(super) origins: Origins,
}

impl Section for Settings {
    fn visit<V: Visitor>(&mut self, visitor: &mut V) -> Result<(), Error> {
        let Self { transport, retry, breaker, limits, .. } = self;
        visitor.leaf("base_url", &mut self.base_url, any("an http or https URL"))?;
        visitor.leaf("timeout", &mut self.timeout, positive_length())?;
        visitor.alias("connect_timeout", &mut transport.connect_timeout, positive_length())?;
        visitor.leaf("attempt_timeout", &mut self.attempt_timeout, positive_length())?;
        visitor.leaf("total_timeout", &mut self.total_timeout, positive_length())?;
        visitor.alias("max_connections", &mut transport.max_connections, positive_count())?;
        visitor.alias(
            "max_keepalive_connections",
            &mut transport.max_keepalive_connections,
            count(),
        )?;
        visitor.alias("keepalive_expiry", &mut transport.keepalive_expiry, length())?;
        visitor.alias("max_retries", &mut retry.max_retries, count())?;
        visitor.alias("retry_backoff_factor", &mut retry.backoff.multiplier, factor())?;
        visitor.alias("retry_max_backoff", &mut retry.backoff.max_delay, positive_length())?;
        visitor.alias("retry_jitter", &mut retry.jitter, flag())?;
        visitor.alias("retry_budget", &mut retry.budget.enabled, flag())?;
        visitor.alias("breaker_threshold", &mut breaker.failure_threshold, positive_count())?;
        visitor.alias("breaker_recovery", &mut breaker.recovery_timeout, positive_length())?;
        visitor.alias("max_in_flight", &mut limits.bulkhead.max_in_flight, positive_count())?;
        visitor.leaf("max_response_bytes", &mut self.max_response_bytes, count())?;
        visitor.leaf("decompress", &mut self.decompress, flag())?;
        visitor.leaf("allow_origins", &mut self.allow_origins, texts())?;
        visitor.leaf("auth_origins", &mut self.auth_origins, texts())?;
        visitor.leaf("allow_plain_http_auth", &mut self.allow_plain_http_auth, flag())?;
        visitor.section("transport", &mut self.transport)?;
        visitor.section("retry", &mut self.retry)?;
        visitor.section("breaker", &mut self.breaker)?;
        visitor.section("limits", &mut self.limits)?;
        visitor.section("redirects", &mut self.redirects)?;
        visitor.section("auth", &mut self.auth)
    }

    fn over(self, lower: Self) -> Self {
        Self {
            base_url: self.base_url.or(lower.base_url),
            timeout: self.timeout.or(lower.timeout),
            attempt_timeout: self.attempt_timeout.or(lower.attempt_timeout),
            total_timeout: self.total_timeout.or(lower.total_timeout),
            max_response_bytes: self.max_response_bytes.or(lower.max_response_bytes),
            decompress: self.decompress.or(lower.decompress),
            allow_origins: self.allow_origins.or(lower.allow_origins),
            auth_origins: self.auth_origins.or(lower.auth_origins),
            allow_plain_http_auth: self.allow_plain_http_auth.or(lower.allow_plain_http_auth),
            transport: self.transport.over(lower.transport),
            retry: self.retry.over(lower.retry),
            breaker: self.breaker.over(lower.breaker),
            limits: self.limits.over(lower.limits),
            redirects: self.redirects.over(lower.redirects),
            auth: self.auth.over(lower.auth),
            origins: self.origins.over(lower.origins),
        }
    }
}

/// The name that errors have for a setting: the short one, where there is one.
pub(super) fn name(path: &str) -> &str {
    match path {
        "retry.max_retries" => "max_retries",
        "retry.jitter" => "retry_jitter",
        "breaker.failure_threshold" => "breaker_threshold",
        "breaker.recovery_timeout" => "breaker_recovery",
        other => other,
    }
}

/// Where a setting is that a name stands for: the path of a short name, and any other name itself.
pub(super) fn place(name: &str) -> &str {
    match name {
        "connect_timeout" => "transport.connect_timeout",
        "max_connections" => "transport.max_connections",
        "max_keepalive_connections" => "transport.max_keepalive_connections",
        "keepalive_expiry" => "transport.keepalive_expiry",
        "max_retries" => "retry.max_retries",
        "retry_backoff_factor" => "retry.backoff.multiplier",
        "retry_max_backoff" => "retry.backoff.max_delay",
        "retry_jitter" => "retry.jitter",
        "retry_budget" => "retry.budget.enabled",
        "breaker_threshold" => "breaker.failure_threshold",
        "breaker_recovery" => "breaker.recovery_timeout",
        "max_in_flight" => "limits.bulkhead.max_in_flight",
        other => other,
    }
}
