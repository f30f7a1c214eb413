//! Makes a reqwest client that does one exchange, and nothing more.

use std::env;
use std::ffi::OsString;
use std::time::Duration;

use midil_http_core::{BuildError, Error, TransportSettings};
use reqwest::{Client, ClientBuilder, redirect, retry};

use crate::{proxy, settings};

/// How long a peer of HTTP/2 may say nothing, while calls wait for it, before it is asked whether it is there.
///
/// Together with the answer's time that is less than the client's `timeout`, so that a call is told in time for a retry. And it is not so
/// often that servers take it for an attack.
#[cfg(feature = "http2")]
const SILENCE: Duration = Duration::from_secs(10);

/// How long it may take to answer that.
#[cfg(feature = "http2")]
const SILENCE_AFTER_PING: Duration = Duration::from_secs(10);

/// A client, and what it was made with.
pub(crate) struct Made {
    pub(crate) client: Client,
    pub(crate) max_connections: usize,
    /// `None` when the caller's builder has one, which does not tell.
    pub(crate) connect_timeout: Option<Duration>,
    /// Whether a body says truly that it is at its end. It does not where another crate of the same build has turned on
    /// reqwest's decompression: though switched off, it wraps all bodies.
    pub(crate) bodies_tell_their_end: bool,
    /// Whether requests over `http://` have a `Host`, which names their server: not over HTTP/2, and not where the caller's
    /// builder has one of its own.
    pub(crate) has_host: bool,
    /// Whether reqwest was compiled with TLS, be it by another crate of the same build.
    #[cfg(not(feature = "rustls"))]
    pub(crate) has_tls: bool,
}

/// A client of our own.
pub(crate) fn from_settings(settings: &TransportSettings) -> Result<Made, Error> {
    let builder = Client::builder();
    // A peer that takes nothing in for 30 s would be cut off by the system: how long to bear that is for the client's
    // `timeout` to say.
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let builder = builder.tcp_user_timeout(None);
    // A peer that is cut off says nothing, not even that it is: all calls would share its connection, and their retries, until the
    // system gives up after a quarter of an hour. Over HTTP/1.1 the first call that gives up closes it.
    #[cfg(feature = "http2")]
    let builder =
        builder.http2_keep_alive_interval(SILENCE).http2_keep_alive_timeout(SILENCE_AFTER_PING);
    from_builder_and_settings(builder, settings)
}

/// The caller's client, as it is set for connections.
pub(crate) fn from_builder(builder: ClientBuilder) -> Result<Made, Error> {
    let TransportSettings { max_connections, connect_timeout: default, .. } =
        TransportSettings::default();
    let (builder, connect_timeout) = if Shown::of(&builder).has("connect_timeout") {
        (builder, None)
    } else {
        (builder.connect_timeout(default), Some(default))
    };
    tame(builder, max_connections, connect_timeout)
}

/// The caller's client, with our settings for connections.
pub(crate) fn from_builder_and_settings(
    builder: ClientBuilder,
    settings: &TransportSettings,
) -> Result<Made, Error> {
    let builder = settings::apply(builder, settings)?;
    tame(builder, settings.max_connections, Some(settings.connect_timeout))
}

/// Switches off whatever a transport must not do.
fn tame(
    mut builder: ClientBuilder,
    max_connections: usize,
    connect_timeout: Option<Duration>,
) -> Result<Made, Error> {
    let shown = Shown::of(&builder);
    shown.refuse()?;
    // Who has no proxy need not ask on each request whether it is the one to take.
    if !shown.has("proxies") && !proxy_may_be_set(|name| env::var_os(name)) {
        builder = builder.no_proxy();
    }
    let bodies_tell_their_end = shown.has_line("    accepts: Accepts,");
    let has_host = !shown.has("http2_prior_knowledge") && !shown.has_line("        \"host\": ");
    #[cfg(not(feature = "rustls"))]
    let has_tls = shown.has("tls_sni");
    let client = builder
        .redirect(redirect::Policy::none())
        // `never` alone still clones each request, to have it at hand.
        .retry(retry::never().max_retries_per_request(0))
        .referer(false)
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .connection_verbose(false)
        .build()
        .map_err(|error| {
            let problem = "cannot be built: see the cause, and what it says of TLS";
            BuildError::new(BUILDER, problem).with_source(error.without_url())
        })?;
    Ok(Made {
        client,
        max_connections,
        connect_timeout,
        bodies_tell_their_end,
        has_host,
        #[cfg(not(feature = "rustls"))]
        has_tls,
    })
}

/// Whether a proxy may be configured outside of the program.
fn proxy_may_be_set(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let names =
        ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
    proxy::system_may_name_one()
        || names.into_iter().filter_map(variable).any(|value| !value.is_empty())
}

const BUILDER: &str = "reqwest::ClientBuilder";

/// What a `ClientBuilder` shows of itself: the only way to see how it is set.
pub(crate) struct Shown(String);

impl Shown {
    pub(crate) fn of(builder: &ClientBuilder) -> Self {
        Self(format!("{builder:#?}"))
    }

    /// Whether the setting is there, and not at its default.
    pub(crate) fn has(&self, setting: &str) -> bool {
        self.has_line(&format!("    {setting}: "))
    }

    /// Strings are shown with their line breaks escaped: none can pass for a line of its own.
    fn has_line(&self, start: &str) -> bool {
        self.0.lines().any(|line| line.starts_with(start))
    }

    /// Refuses what cannot be switched off and would undermine the client.
    fn refuse(&self) -> Result<(), Error> {
        let problem = if self.has("cookie_store") {
            "has a cookie store, which sees neither redirects nor the client's jar: leave it out, and keep cookies with the \
             client"
        } else if self.has("timeout") {
            "has a timeout, which the client knows nothing of: leave it out, and set the client's `timeout`, \
             `attempt_timeout` or `total_timeout`"
        } else if ["authorization", "cookie", "proxy-authorization"]
            .iter()
            .any(|name| self.has_line(&format!("        \"{name}\": ")))
        {
            "has credentials among its default headers, which would go to every server, after redirects too: give them to \
             the client with `auth` or `header`"
        } else {
            return Ok(());
        };
        Err(BuildError::new(BUILDER, problem).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(builder: ClientBuilder) -> String {
        from_builder(builder).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn what_would_undermine_the_client_is_refused() {
        let cookies = problem(Client::builder().cookie_store(true));
        assert!(cookies.starts_with("reqwest::ClientBuilder has a cookie store"), "{cookies}");

        let timeout = problem(Client::builder().timeout(Duration::from_secs(1)));
        assert!(timeout.starts_with("reqwest::ClientBuilder has a timeout"), "{timeout}");

        for name in ["authorization", "cookie", "proxy-authorization"] {
            let name = http::HeaderName::from_static(name);
            let headers = [(name, http::HeaderValue::from_static("hunter2"))].into_iter().collect();
            let credentials = problem(Client::builder().default_headers(headers));
            assert!(credentials.contains("has credentials"), "{credentials}");
            assert!(!credentials.contains("hunter2"));
        }
    }

    #[test]
    fn what_looks_like_a_setting_is_none() {
        let text = "a\",\n    cookie_store: true,\n    timeout: 5s,\n        \"cookie\": \"x\"";
        let builder =
            Client::builder().resolve(text, "127.0.0.1:1".parse().unwrap()).default_headers(
                [(
                    http::HeaderName::from_static("x-note"),
                    http::HeaderValue::from_static("    cookie_store: true"),
                )]
                .into_iter()
                .collect(),
            );
        assert!(from_builder(builder).is_ok());
    }

    #[test]
    fn the_connect_timeout_of_a_builder_stays_and_is_added_when_it_has_none() {
        let ours = from_builder(Client::builder()).unwrap();
        assert_eq!(ours.connect_timeout, Some(Duration::from_secs(10)));
        let theirs =
            from_builder(Client::builder().connect_timeout(Duration::from_secs(1))).unwrap();
        assert_eq!(theirs.connect_timeout, None);
    }

    #[test]
    fn settings_are_checked_and_extremes_do_not_panic() {
        let mut settings = TransportSettings::default();
        settings.max_connections = 0;
        assert!(from_settings(&settings).is_err());
        settings.max_connections = usize::MAX;
        settings.max_keepalive_connections = usize::MAX;
        settings.keepalive_expiry = Duration::MAX;
        settings.connect_timeout = Duration::MAX;
        assert!(from_settings(&settings).is_ok());
        settings.connect_timeout = Duration::ZERO;
        assert!(from_settings(&settings).is_err());
    }

    #[test]
    fn the_proxy_matcher_is_off_unless_the_environment_names_a_proxy() {
        let with = |set: &'static str, value: &'static str| {
            proxy_may_be_set(move |name| (name == set).then(|| value.into()))
        };
        assert!(with("HTTP_PROXY", "http://localhost:1"));
        assert!(with("https_proxy", "http://localhost:1"));
        assert!(with("all_proxy", "http://localhost:1"));
        if cfg!(target_os = "linux") {
            assert!(!with("HTTP_PROXY", ""));
            assert!(!with("NO_PROXY", "localhost"));
        }
    }
}
