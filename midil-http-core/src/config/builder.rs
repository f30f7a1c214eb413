//! [`HttpConfigBuilder`].

use std::ffi::OsString;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::node::Node;
use super::section::Section;
use super::settings::Settings;
use super::{
    AuthConfig, BreakerConfig, HttpConfig, LimitsConfig, RedirectsConfig, RetryConfig,
    TransportConfig, UrlSetting, env, read, resolve, write,
};
use crate::{BuildError, Error};

/// Builds an [`HttpConfig`]: one layer of settings, over others. What is not set has its default.
///
/// # Examples
///
/// Code over environment over file:
///
/// ```
/// use midil_http_core::{HttpConfig, HttpConfigBuilder};
///
/// let file: HttpConfigBuilder = serde_json::from_str(r#"{ "timeout": 5, "max_connections": 50, "max_retries": 4 }"#)?;
/// let environment = |name: &str| Ok((name == "HTTP_MAX_CONNECTIONS").then(|| "20".to_owned()));
///
/// let config = HttpConfig::builder().max_retries(0).vars(environment)?.layer(file).build()?;
/// assert_eq!((config.max_retries(), config.max_connections(), config.timeout().as_secs()), (0, 20, 5));
///
/// let error = HttpConfig::builder().max_connections(0).build().unwrap_err();
/// assert_eq!(error.to_string(), "max_connections is 0: give at least 1");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use = "a builder does nothing until it is built"]
pub struct HttpConfigBuilder(pub(super) Settings);

/// Setters: of a setting, or of one in a section, by its short name.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $kind:ty = $($place:ident).+;)*) => {$(
        $(#[$doc])*
        pub fn $name(mut self, value: $kind) -> Self {
            self.0.$($place).+ = Some(value.into());
            self
        }
    )*};
}

/// Setters of sections.
macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident: $kind:ty;)*) => {$(
        $(#[$doc])*
        ///
        /// What was set of it before and is not set in it stays, unless its type is another.
        pub fn $name(mut self, section: $kind) -> Self {
            self.0.$name = section.over(self.0.$name);
            self
        }
    )*};
}

impl HttpConfigBuilder {
    setters! {
        /// What relative URLs are appended to.
        base_url: &str = base_url;
        /// The longest an attempt may go without progress.
        timeout: Duration = timeout;
        /// The longest that making a connection may take.
        connect_timeout: Duration = transport.connect_timeout;
        /// The longest one attempt may take, its body included.
        attempt_timeout: Duration = attempt_timeout;
        /// The longest a whole call may take.
        total_timeout: Duration = total_timeout;
        /// Exchanges in flight per transport, at least 1.
        max_connections: usize = transport.max_connections;
        /// Idle connections kept for reuse; 0 keeps none.
        max_keepalive_connections: usize = transport.max_keepalive_connections;
        /// How long an idle connection is kept.
        keepalive_expiry: Duration = transport.keepalive_expiry;
        /// Retries after the first attempt; 0 for none.
        max_retries: u32 = retry.max_retries;
        /// What each wait is multiplied by for the next, at least 1.
        retry_backoff_factor: f64 = retry.backoff.multiplier;
        /// The longest wait before a retry.
        retry_max_backoff: Duration = retry.backoff.max_delay;
        /// Whether waits are spread at random.
        retry_jitter: bool = retry.jitter;
        /// Whether retries are paid from a budget.
        retry_budget: bool = retry.budget.enabled;
        /// After how many failures in a row a circuit breaker refuses calls to an origin, at least 1.
        breaker_threshold: u32 = breaker.failure_threshold;
        /// How long the circuit breaker refuses calls before it lets one through to try.
        breaker_recovery: Duration = breaker.recovery_timeout;
        /// How many calls to an origin may be in flight at once, at least 1.
        max_in_flight: usize = limits.bulkhead.max_in_flight;
        /// How much of a response is read into memory at most.
        max_response_bytes: u64 = max_response_bytes;
        /// Whether compressed bodies are asked for and decoded.
        decompress: bool = decompress;
        /// Whether credentials may travel over plain http to a host that is not this machine.
        allow_plain_http_auth: bool = allow_plain_http_auth;
    }

    sections! {
        /// The transport.
        transport: TransportConfig;
        /// Retries.
        retry: RetryConfig;
        /// The circuit breaker.
        breaker: BreakerConfig;
        /// Limits and hedging.
        limits: LimitsConfig;
        /// Redirects.
        redirects: RedirectsConfig;
        /// Credentials.
        auth: AuthConfig;
    }

    /// The other origins that may be called, all of them.
    pub fn allow_origins<I: IntoIterator<Item: Into<UrlSetting>>>(mut self, origins: I) -> Self {
        self.0.allow_origins = Some(origins.into_iter().map(Into::into).collect());
        self
    }

    /// The other origins that may be called with credentials, all of them.
    pub fn auth_origins<I: IntoIterator<Item: Into<UrlSetting>>>(mut self, origins: I) -> Self {
        self.0.auth_origins = Some(origins.into_iter().map(Into::into).collect());
        self
    }

    /// Takes from `lower` what is not set yet.
    ///
    /// Sections are taken setting by setting. Where both name a type, and not the same, the section of `lower` is left
    /// out as a whole, for its settings belong to another type; so it is where this one's type is `none`. A `none` of
    /// `lower` gives way to any setting. Types of transports all have the same settings, so these are always taken one
    /// by one. Lists are not joined.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{AuthConfig, AuthKind, HttpConfig, SecretSetting};
    ///
    /// let common = HttpConfig::builder().auth(AuthConfig::cognito().domain("a.example.com").client_id("reports"));
    ///
    /// let secret = AuthConfig::new().client_secret(SecretSetting::env("REPORTS_SECRET"));
    /// let config = HttpConfig::builder().auth(secret).layer(common.clone()).build()?;
    /// assert_eq!(config.auth().client_id.as_deref(), Some("reports"));
    ///
    /// let config = HttpConfig::builder().auth(AuthConfig::bearer("hunter2")).layer(common).build()?;
    /// assert_eq!((config.auth().kind, &config.auth().client_id), (Some(AuthKind::Bearer), &None));
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    pub fn layer(self, lower: impl Into<Self>) -> Self {
        Self(self.0.over(lower.into().0))
    }

    /// Takes from the environment what is not set yet: variables that begin with `HTTP_`.
    ///
    /// Other software has variables that begin so, `HTTP_PROXY` for one: those that are no settings are not looked at.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the variable and its value. Under CGI, where clients can set such variables by headers,
    /// any of them is an error: use [`env_with_prefix`](Self::env_with_prefix).
    pub fn env(self) -> Result<Self, Error> {
        self.env_with_prefix("HTTP")
    }

    /// Takes from the environment what is not set yet: variables that begin with `prefix` and an underscore.
    ///
    /// Nothing else may have such variables: one that is no setting is an error, for it may be a slip. (For the prefix
    /// `HTTP` it is as [`env`](Self::env) says.) In Kubernetes, take none that a service is called by: of a service
    /// `orders-http`, there is an `ORDERS_HTTP_SERVICE_HOST`.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the variable, its value unless that may be a secret, and what is allowed; or what is
    /// wrong with the prefix.
    pub fn env_with_prefix(self, prefix: &str) -> Result<Self, Error> {
        self.env_from(prefix, std::env::vars_os())
    }

    /// As [`env_with_prefix`](Self::env_with_prefix), from variables that are given: of a file, say, or of a test.
    ///
    /// # Errors
    ///
    /// The same.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::HttpConfig;
    ///
    /// let variables = [("ORDERS_HTTP_TIMEOUT", "5"), ("ORDERS_HTTP_AUTH_TYPE", "none"), ("HOME", "/home/ada")];
    /// let config = HttpConfig::builder().env_from("ORDERS_HTTP", variables)?.build()?;
    /// assert_eq!(config.timeout().as_secs(), 5);
    ///
    /// let error = HttpConfig::builder().env_from("ORDERS_HTTP", [("ORDERS_HTTP_TIMOUT", "5")]).unwrap_err();
    /// assert_eq!(error.to_string(), "ORDERS_HTTP_TIMOUT is no setting: did you mean ORDERS_HTTP_TIMEOUT?");
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    pub fn env_from<K, V>(
        self,
        prefix: &str,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, Error>
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        env::fill_from(self.0, prefix, &variables.collect::<Vec<_>>()).map(Self)
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
        self,
        lookup: impl Fn(&str) -> Result<Option<String>, Error>,
    ) -> Result<Self, Error> {
        env::fill(self.0, &lookup).map(Self)
    }

    /// Checks the settings, alone and together.
    ///
    /// # Errors
    ///
    /// [`Error::Build`], naming the setting and what is allowed.
    pub fn build(self) -> Result<HttpConfig, Error> {
        let given = self.0.clone();
        resolve::resolve(self.0).map(HttpConfig).map_err(|error| given.locate(error))
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
        Self(config.0)
    }
}

impl<'de> Deserialize<'de> for HttpConfigBuilder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let node = Node::deserialize(deserializer)?;
        let mut settings = Settings::default();
        read::read("", node, &mut settings).map_err(de::Error::custom)?;
        Ok(Self(settings))
    }
}

impl Serialize for HttpConfigBuilder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write::write(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for HttpConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        HttpConfigBuilder::deserialize(deserializer)?.build().map_err(de::Error::custom)
    }
}

impl Serialize for HttpConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write::write(&self.0).serialize(serializer)
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
