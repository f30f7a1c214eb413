//! The shortest ways to a client. Glue only: every default is set where it belongs.

use std::borrow::Borrow;

use midil_http_core::{Error, HttpClient, HttpClientBuilder, HttpConfig};
use midil_http_reqwest::ReqwestTransport;

/// Begins to build a client over reqwest for the service at `base_url`, with every default: with the `retry` feature,
/// `DefaultRetryStrategy` among them. It has no circuit breaker, no bulkhead and no total timeout: `.with(standard())` adds
/// them.
///
/// # Errors
///
/// [`Error::Build`] when reqwest cannot set up TLS on this machine. A bad URL is reported by
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

/// Begins to build a client over reqwest from a configuration: transport, timeouts and, with the `retry` feature, retries, a
/// circuit breaker and a bulkhead as far as it has them.
///
/// # Errors
///
/// [`Error::Build`], naming the setting, when something cannot be as configured.
///
/// # Examples
///
/// ```
/// use midil_http::HttpConfig;
///
/// let config = HttpConfig::from_env()?;
/// let client = midil_http::client_from(config)?.base_url("https://api.example.com").build()?;
/// # Ok::<_, midil_http::Error>(())
/// ```
pub fn client_from(config: impl Borrow<HttpConfig>) -> Result<HttpClientBuilder, Error> {
    let config = config.borrow();
    let builder =
        HttpClient::builder(ReqwestTransport::from_settings(config.transport())?).config(config);
    #[cfg(feature = "retry")]
    let builder = builder.with(midil_retry::Standard::from_config(config)?);
    Ok(builder)
}
