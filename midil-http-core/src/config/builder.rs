//! [`HttpConfigBuilder`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::seconds::{self, Seconds};
use super::{HttpConfig, UrlText, env, positive};
use crate::{BuildError, Error, TransportSettings};

/// Builds an [`HttpConfig`]; what is not set has its default.
///
/// # Examples
///
/// ```
/// use midil_http_core::HttpConfig;
///
/// // Explicit settings win over the environment, whatever the order.
/// let config = HttpConfig::builder().max_connections(10).env()?.build()?;
/// assert_eq!(config.max_connections(), 10);
///
/// let error = HttpConfig::builder().max_connections(0).build().unwrap_err();
/// assert_eq!(error.to_string(), "max_connections is 0: give at least 1");
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[must_use = "a builder does nothing until it is built"]
pub struct HttpConfigBuilder {
    #[serde(skip_serializing_if = "Option::is_none")]
    base_url: Option<UrlText>,
    #[serde(with = "seconds", skip_serializing_if = "Option::is_none")]
    timeout: Option<Seconds>,
    #[serde(with = "seconds", skip_serializing_if = "Option::is_none")]
    connect_timeout: Option<Seconds>,
    #[serde(with = "seconds", skip_serializing_if = "Option::is_none")]
    attempt_timeout: Option<Seconds>,
    #[serde(with = "seconds", skip_serializing_if = "Option::is_none")]
    total_timeout: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_connections: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_keepalive_connections: Option<usize>,
    #[serde(with = "seconds", skip_serializing_if = "Option::is_none")]
    keepalive_expiry: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_retries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_backoff_factor: Option<f64>,
    #[serde(with = "seconds", skip_serializing_if = "Option::is_none")]
    retry_max_backoff: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_jitter: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_budget: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    breaker_threshold: Option<u32>,
    #[serde(with = "seconds", skip_serializing_if = "Option::is_none")]
    breaker_recovery: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_in_flight: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_response_bytes: Option<u64>,
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $kind:ty,)*) => {$(
        $(#[$doc])*
        pub fn $name(mut self, value: $kind) -> Self {
            self.$name = Some(value.into());
            self
        }
    )*};
}

impl HttpConfigBuilder {
    setters! {
        /// What relative URLs are appended to.
        base_url: &str,
        /// The longest an attempt may go without progress.
        timeout: Duration,
        /// The longest that making a connection may take.
        connect_timeout: Duration,
        /// The longest one attempt may take, its body included.
        attempt_timeout: Duration,
        /// The longest a whole call may take.
        total_timeout: Duration,
        /// Exchanges in flight per transport, at least 1.
        max_connections: usize,
        /// Idle connections kept for reuse; 0 keeps none.
        max_keepalive_connections: usize,
        /// How long an idle connection is kept.
        keepalive_expiry: Duration,
        /// Retries after the first attempt; 0 for none.
        max_retries: u32,
        /// What each wait is multiplied by for the next, at least 1.
        retry_backoff_factor: f64,
        /// The longest wait before a retry.
        retry_max_backoff: Duration,
        /// Whether waits are spread at random.
        retry_jitter: bool,
        /// Whether retries are paid from a budget.
        retry_budget: bool,
        /// After how many failures in a row a circuit breaker refuses calls to an origin, at least 1.
        breaker_threshold: u32,
        /// How long the circuit breaker refuses calls before it lets one through to try.
        breaker_recovery: Duration,
        /// How many calls to an origin may be in flight at once, at least 1.
        max_in_flight: usize,
        /// How much of a response is read into memory at most.
        max_response_bytes: u64,
    }

    /// Takes from the environment what is not set yet.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the variable and its value.
    pub fn env(self) -> Result<Self, Error> {
        self.vars(env::variable)
    }

    /// Takes from `lookup` what is not set yet: the environment, or whatever stands in for it.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the variable and its value.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::HttpConfig;
    ///
    /// let lookup = |name: &str| Ok((name == "HTTP_MAX_RETRIES").then(|| "many".to_owned()));
    /// let error = HttpConfig::builder().vars(lookup).unwrap_err();
    /// assert_eq!(error.to_string(), "HTTP_MAX_RETRIES is \"many\": give a whole number, 0 or more");
    /// ```
    pub fn vars(
        mut self,
        lookup: impl Fn(&str) -> Result<Option<String>, Error>,
    ) -> Result<Self, Error> {
        env::fill(&mut self.timeout, &lookup, "HTTP_TIMEOUT", env::positive_seconds)?;
        env::fill(&mut self.max_connections, &lookup, "HTTP_MAX_CONNECTIONS", env::positive_count)?;
        env::fill(
            &mut self.max_keepalive_connections,
            &lookup,
            "HTTP_MAX_KEEPALIVE_CONNECTIONS",
            env::count,
        )?;
        env::fill(&mut self.keepalive_expiry, &lookup, "HTTP_KEEPALIVE_EXPIRY", env::seconds)?;
        env::fill(&mut self.max_retries, &lookup, "HTTP_MAX_RETRIES", env::count)?;
        env::fill(
            &mut self.retry_backoff_factor,
            &lookup,
            "HTTP_RETRY_BACKOFF_FACTOR",
            env::factor,
        )?;
        env::fill(
            &mut self.retry_max_backoff,
            &lookup,
            "HTTP_RETRY_MAX_BACKOFF",
            env::positive_seconds,
        )?;
        env::fill(&mut self.retry_jitter, &lookup, "HTTP_RETRY_JITTER", env::boolean)?;
        env::fill(&mut self.retry_budget, &lookup, "HTTP_RETRY_BUDGET", env::boolean)?;
        env::fill(
            &mut self.breaker_threshold,
            &lookup,
            "HTTP_BREAKER_THRESHOLD",
            env::positive_count,
        )?;
        env::fill(
            &mut self.breaker_recovery,
            &lookup,
            "HTTP_BREAKER_RECOVERY",
            env::positive_seconds,
        )?;
        env::fill(&mut self.max_in_flight, &lookup, "HTTP_MAX_IN_FLIGHT", env::positive_count)?;
        Ok(self)
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the setting and what is allowed.
    pub fn build(self) -> Result<HttpConfig, Error> {
        let default = HttpConfig::default();
        let duration = |setting: &str, value: Option<Seconds>, default: Duration| {
            value.map_or(Ok(default), |value| {
                value.duration().map_err(|problem| BuildError::new(setting, problem))
            })
        };
        let limit = |setting: &str, value: Option<Seconds>| match value {
            None => Ok(None),
            Some(_) => {
                let value = duration(setting, value, Duration::ZERO)?;
                positive(setting, value).map(|()| Some(value))
            }
        };
        let standard = TransportSettings::default();
        let transport = TransportSettings {
            connect_timeout: limit("connect_timeout", self.connect_timeout)?
                .unwrap_or(standard.connect_timeout),
            max_connections: self.max_connections.unwrap_or(standard.max_connections),
            max_keepalive_connections: self
                .max_keepalive_connections
                .unwrap_or(standard.max_keepalive_connections),
            keepalive_expiry: duration(
                "keepalive_expiry",
                self.keepalive_expiry,
                standard.keepalive_expiry,
            )?,
            ..standard
        };
        transport.check()?;
        let factor = self.retry_backoff_factor.unwrap_or(default.retry_backoff_factor);
        if !(factor.is_finite() && factor >= 1.0) {
            let problem = format!("is {factor}: give a finite number of at least 1");
            return Err(BuildError::new("retry_backoff_factor", problem).into());
        }
        for (setting, zero) in [
            ("breaker_threshold", self.breaker_threshold == Some(0)),
            ("max_in_flight", self.max_in_flight == Some(0)),
        ] {
            if zero {
                let problem = "is 0: give at least 1, or leave it out for none";
                return Err(BuildError::new(setting, problem).into());
            }
        }
        let recovery = limit("breaker_recovery", self.breaker_recovery)?;
        if recovery.is_some() && self.breaker_threshold.is_none() {
            let problem = "is set, but there is no circuit breaker: set breaker_threshold \
                           (HTTP_BREAKER_THRESHOLD), too, or give neither";
            return Err(BuildError::new("breaker_recovery", problem).into());
        }
        Ok(HttpConfig {
            base_url: self.base_url,
            timeout: limit("timeout", self.timeout)?.unwrap_or(default.timeout),
            attempt_timeout: limit("attempt_timeout", self.attempt_timeout)?,
            total_timeout: limit("total_timeout", self.total_timeout)?,
            transport,
            max_retries: self.max_retries.unwrap_or(default.max_retries),
            retry_backoff_factor: factor,
            retry_max_backoff: limit("retry_max_backoff", self.retry_max_backoff)?
                .unwrap_or(default.retry_max_backoff),
            retry_jitter: self.retry_jitter.unwrap_or(default.retry_jitter),
            retry_budget: self.retry_budget.unwrap_or(default.retry_budget),
            breaker_threshold: self.breaker_threshold,
            breaker_recovery: recovery.unwrap_or(default.breaker_recovery),
            max_in_flight: self.max_in_flight,
            max_response_bytes: self.max_response_bytes.unwrap_or(default.max_response_bytes),
        })
    }
}

impl TryFrom<HttpConfigBuilder> for HttpConfig {
    type Error = Error;

    fn try_from(builder: HttpConfigBuilder) -> Result<Self, Error> {
        builder.build()
    }
}

impl From<HttpConfig> for HttpConfigBuilder {
    fn from(config: HttpConfig) -> Self {
        Self {
            timeout: Some(config.timeout.into()),
            connect_timeout: Some(config.connect_timeout().into()),
            attempt_timeout: config.attempt_timeout.map(Into::into),
            total_timeout: config.total_timeout.map(Into::into),
            max_connections: Some(config.max_connections()),
            max_keepalive_connections: Some(config.max_keepalive_connections()),
            keepalive_expiry: Some(config.keepalive_expiry().into()),
            max_retries: Some(config.max_retries),
            retry_backoff_factor: Some(config.retry_backoff_factor),
            retry_max_backoff: Some(config.retry_max_backoff.into()),
            retry_jitter: Some(config.retry_jitter),
            retry_budget: Some(config.retry_budget),
            breaker_threshold: config.breaker_threshold,
            breaker_recovery: config.breaker_threshold.map(|_| config.breaker_recovery.into()),
            max_in_flight: config.max_in_flight,
            max_response_bytes: Some(config.max_response_bytes),
            base_url: config.base_url,
        }
    }
}
