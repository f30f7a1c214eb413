//! The shortest ways to a client. Glue only: every default is set where it belongs.

use std::borrow::Borrow;
use std::sync::Arc;

use midil_http_core::{
    BackendKind, BuildError, Error, HttpClient, HttpClientBuilder, HttpConfig, Transport,
    TransportSettings,
};

/// The backend for whoever names none.
const DEFAULT: BackendKind = if cfg!(feature = "reqwest") {
    BackendKind::Reqwest
} else if cfg!(feature = "hyper") {
    BackendKind::Hyper
} else {
    BackendKind::Isahc
};

/// Begins to build a client for the service at `base_url`, with every default: with the `retry` feature,
/// `DefaultRetryStrategy` among them. It has no circuit breaker, no bulkhead and no total timeout: `.with(standard())`
/// adds them.
///
/// Its transport is the first of reqwest, hyper and isahc whose feature is on.
///
/// # Errors
///
/// [`Error::Build`] when the backend cannot set up TLS on this machine. A bad URL is reported by
/// [`build`](HttpClientBuilder::build).
///
/// # Examples
///
/// ```
/// let client = midil_http::client("https://api.example.com/v1")?.header("x-client-version", "1.0").build()?;
/// # Ok::<_, midil_http::Error>(())
/// ```
pub fn client(base_url: impl AsRef<str>) -> Result<HttpClientBuilder, Error> {
    Ok(client_from(HttpConfig::default())?.base_url(base_url.as_ref()))
}

/// Begins to build a client from a configuration: transport, timeouts, retries, circuit breaker, limits, redirects and
/// credentials, as far as it has them.
///
/// Its transport is the one that `transport.type` names, or the first of reqwest, hyper and isahc whose feature is on.
/// Tokens are asked for over the same transport. Files that the configuration names are read here, which blocks the
/// thread.
///
/// # Errors
///
/// [`Error::Build`], naming the setting, when something cannot be as configured, or needs a feature that is off.
///
/// # Examples
///
/// ```
/// use midil_http::HttpConfig;
///
/// let config = HttpConfig::from_env()?;
/// let client = midil_http::client_from(config)?.base_url("https://api.example.com").build()?;
///
/// // A whole client from one file, with its limits and credentials:
/// let config: HttpConfig = serde_json::from_str(r#"{
///     "base_url": "https://api.example.com",
///     "breaker": { "type": "consecutive", "failure_threshold": 5 },
///     "limits": { "bulkhead": { "max_in_flight": 20 } },
///     "auth": { "type": "api_key", "header": "x-api-key", "key": "hunter2" }
/// }"#)?;
/// # if cfg!(all(feature = "retry", feature = "auth")) {
/// let client = midil_http::client_from(config)?.build()?;
/// # }
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub fn client_from(config: impl Borrow<HttpConfig>) -> Result<HttpClientBuilder, Error> {
    let config = config.borrow();
    let transport = transport(config)?;
    let builder = HttpClient::builder(Arc::clone(&transport)).config(config);
    with_auth(with_policies(builder, config)?, config, transport)
}

/// The transport that is configured.
fn transport(config: &HttpConfig) -> Result<Arc<dyn Transport>, Error> {
    let kind = config.transport().kind;
    let settings = config.transport().settings().map_err(|error| config.locate(error))?;
    let made = match kind.unwrap_or(DEFAULT) {
        #[cfg(feature = "reqwest")]
        BackendKind::Reqwest => made::<midil_http_reqwest::ReqwestTransport>(&settings),
        #[cfg(feature = "hyper")]
        BackendKind::Hyper => made::<midil_http_hyper::HyperTransport>(&settings),
        #[cfg(feature = "isahc")]
        BackendKind::Isahc => made::<midil_http_isahc::IsahcTransport>(&settings),
        other => {
            return Err(missing("transport.type", &format!("\"{}\"", other.name()), other.name()));
        }
    };
    // Backends name their settings without the section.
    made.map_err(|error| match error {
        Error::Build(error) => config.locate(error.within("transport").into()),
        other => other,
    })
}

fn made<T>(settings: &TransportSettings) -> Result<Arc<dyn Transport>, Error>
where
    T: midil_http_core::FromSettings,
{
    Ok(Arc::new(T::from_settings(settings)?))
}

fn missing(setting: &str, value: &str, feature: &str) -> Error {
    let problem =
        format!("is {value}, but midil-http was built without its feature `{feature}`: add it");
    BuildError::new(setting, problem).into()
}

#[cfg(feature = "retry")]
fn with_policies(
    builder: HttpClientBuilder,
    config: &HttpConfig,
) -> Result<HttpClientBuilder, Error> {
    Ok(builder.with(midil_retry::Standard::from_config(config)?))
}

/// Without the feature there is none of it, and a configuration that asks for it is refused.
#[cfg(not(feature = "retry"))]
fn with_policies(
    builder: HttpClientBuilder,
    config: &HttpConfig,
) -> Result<HttpClientBuilder, Error> {
    use midil_http_core::{BreakerConfig, BreakerKind, LimitsConfig, RetryConfig, RetryKind};

    let no_retry = RetryConfig::new().kind(RetryKind::None);
    let none = BreakerConfig::new().kind(BreakerKind::None);
    for (section, is_used) in [
        ("retry", *config.retry() != RetryConfig::new() && *config.retry() != no_retry),
        ("breaker", *config.breaker() != BreakerConfig::new() && *config.breaker() != none),
        ("limits", *config.limits() != LimitsConfig::new()),
    ] {
        if is_used {
            return Err(missing(section, "set", "retry"));
        }
    }
    Ok(builder)
}

#[cfg(feature = "auth")]
fn with_auth(
    builder: HttpClientBuilder,
    config: &HttpConfig,
    transport: Arc<dyn Transport>,
) -> Result<HttpClientBuilder, Error> {
    Ok(match midil_auth::provider_from_config(config, transport)? {
        Some(provider) => builder.auth(provider),
        None => builder,
    })
}

/// Without the feature there are none, and a configuration that asks for them is refused.
#[cfg(not(feature = "auth"))]
fn with_auth(
    builder: HttpClientBuilder,
    config: &HttpConfig,
    _: Arc<dyn Transport>,
) -> Result<HttpClientBuilder, Error> {
    match config.auth().kind {
        None | Some(midil_http_core::AuthKind::None) => Ok(builder),
        Some(kind) => Err(missing("auth.type", &format!("\"{}\"", kind.name()), "auth")),
    }
}
