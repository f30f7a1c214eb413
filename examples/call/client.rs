//! The client that the options and the environment describe.

use std::sync::Arc;
use std::time::Duration;

use midil_http::{
    BackendKind, BuildError, DefaultRetryStrategy, Error, FixedDelayBackoff, HttpClient,
    HttpConfig, Redirect, ReqwestTransport, RetryEvent, RetryKind, Standard, Transport,
    provider_from_config,
};
use url::Url;

use crate::auth;
use crate::options::{Backend, Options};
use crate::run::Counter;

/// Builds the client; an error is one of configuration.
pub(crate) fn build(options: &Options) -> Result<HttpClient, Error> {
    let config = config(options)?;
    let connections = transport(options, &config)?;
    let mut builder = HttpClient::builder(connections)
        .config(&config)
        .attempt_middleware(crate::run::count_attempt);
    if let Some(redirect) = redirect(options) {
        builder = builder.redirect(redirect);
    }
    let base_url = base_url(options);
    // Where there is no server to be trusted with credentials, it is the call that is refused.
    let trusted = base_url.is_some()
        || config.base_url().is_some()
        || !options.auth_origin.is_empty()
        || !config.auth_origins().is_empty();
    let provider = match auth::provider(options, || transport(options, &config))? {
        None if config.auth().kind.is_some() => {
            provider_from_config(&config, transport(options, &config)?)?
        }
        provider => provider,
    };
    if let Some(provider) = provider
        && trusted
    {
        builder = builder.auth(provider);
    }
    if let Some(url) = base_url {
        builder = builder.base_url(url);
    }
    for origin in &options.allow_origin {
        builder = builder.allow_origin(origin);
    }
    for origin in &options.auth_origin {
        builder = builder.auth_origin(origin);
    }
    // The breaker and the bulkhead, where there are any.
    builder = builder.with(Standard::from_config(&config)?.no_retry());
    if !options.no_retry && config.retry().kind != Some(RetryKind::None) {
        builder = builder.retry(strategy(options, &config)?);
    }
    builder.build()
}

/// Options win over the environment.
fn config(options: &Options) -> Result<HttpConfig, Error> {
    let mut config = HttpConfig::builder();
    macro_rules! set {
        ($($setter:ident = $value:expr;)*) => {$(
            if let Some(value) = $value {
                config = config.$setter(value);
            }
        )*};
    }
    set! {
        timeout = options.timeout;
        connect_timeout = options.connect_timeout;
        attempt_timeout = options.attempt_timeout;
        total_timeout = options.total_timeout;
        max_connections = options.max_connections;
        max_response_bytes = options.max_response_bytes;
        max_retries = options.attempts.map(|attempts| attempts - 1);
        retry_max_backoff = options.max_delay;
        breaker_threshold = options.breaker.map(|(threshold, _)| threshold);
        breaker_recovery = options.breaker.map(|(_, recovery)| recovery);
    }
    config.env()?.build()
}

fn transport(options: &Options, config: &HttpConfig) -> Result<Arc<dyn Transport>, Error> {
    let mut settings = config.transport().settings()?;
    if let Some(path) = &options.ca {
        let pem = std::fs::read(path).map_err(|error| {
            BuildError::new(format!("--ca {}", path.display()), "cannot be read: check the path")
                .with_source(error)
        })?;
        settings.root_certificates.push(pem);
    }
    let backend = options.backend.unwrap_or(match config.transport().kind {
        Some(BackendKind::Hyper) => Backend::Hyper,
        Some(BackendKind::Isahc) => Backend::Isahc,
        _ => Backend::Reqwest,
    });
    Ok(match backend {
        Backend::Reqwest => Arc::new(ReqwestTransport::from_settings(&settings)?),
        #[cfg(feature = "isahc")]
        Backend::Isahc => Arc::new(midil_http::IsahcTransport::from_settings(&settings)?),
        #[cfg(feature = "hyper")]
        Backend::Hyper => Arc::new(midil_http::HyperTransport::from_settings(&settings)?),
        #[cfg(not(all(feature = "isahc", feature = "hyper")))]
        _ => {
            let problem = "is not built in: build with its feature, or take another";
            return Err(BuildError::new("--backend", problem).into());
        }
    })
}

/// The base URL that was given, or the origin of an absolute URL. What is no URL is left to the client to refuse.
fn base_url(options: &Options) -> Option<String> {
    let (_, url) = options.target();
    let origin = || {
        let url = Url::parse(url).ok()?;
        matches!(url.scheme(), "http" | "https").then(|| url.origin().ascii_serialization())
    };
    options.base_url.clone().or_else(origin)
}

/// What the options say of redirects, if anything.
fn redirect(options: &Options) -> Option<Redirect> {
    if options.no_follow {
        return Some(Redirect::none());
    }
    if options.follow.is_none() && !options.any_redirect {
        return None;
    }
    let redirect = options.follow.map_or_else(Redirect::new, Redirect::limit);
    Some(if options.any_redirect { redirect.to_any_origin() } else { redirect })
}

fn strategy(options: &Options, config: &HttpConfig) -> Result<DefaultRetryStrategy, Error> {
    let mut strategy = DefaultRetryStrategy::builder().config(config);
    match options.base_delay {
        Some(Duration::ZERO) => strategy = strategy.backoff(FixedDelayBackoff::new(Duration::ZERO)),
        Some(delay) => strategy = strategy.base_delay(delay),
        None => {}
    }
    if let Some(limit) = options.max_retry_after {
        strategy = strategy.max_retry_after(limit);
    }
    strategy
        .on_retry(|event: &mut RetryEvent<'_>| {
            if let Some(counter) = event.request.extensions.get::<Counter>() {
                counter.retry_is_next();
            }
        })
        .build()
}
