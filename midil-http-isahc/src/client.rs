//! Makes clients of isahc that do one exchange, and nothing more.

use std::net::IpAddr;
use std::time::Duration;

use isahc::HttpClient;
use isahc::config::{Configurable as _, RedirectPolicy, VersionNegotiation};
use midil_http_core::{BuildError, Error, Protocol, TransportSettings};

use crate::quiet::quietly;

/// What a client is made of, so that it can be made anew.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    connect_timeout: Duration,
    /// How many connections are kept; with 0 each exchange has its own.
    kept: usize,
    expiry: Duration,
    version: VersionNegotiation,
    local_address: Option<IpAddr>,
    tcp_keepalive: Option<Duration>,
    /// The certificates that are trusted; `None` for those of the system.
    #[cfg(feature = "rustls")]
    trusted: Option<isahc::tls::TrustStore>,
}

impl Recipe {
    /// The recipes of the client that keeps connections, and of the one that does not.
    pub(crate) fn of(settings: &TransportSettings) -> Result<(Self, Self), Error> {
        settings.check()?;
        if settings.client_certificate.is_some() {
            let problem = "is set, and curl takes none from memory when rustls is its TLS: choose another transport, or \
                make this one from an `isahc::HttpClient` of your own, built with another TLS";
            return Err(BuildError::new("client_certificate", problem).into());
        }
        let version = match settings.protocol {
            Protocol::Http2PriorKnowledge if cfg!(not(feature = "http2")) => {
                let problem = "is HTTP/2, which is not built in: turn on the feature `http2` of midil-http-isahc";
                return Err(BuildError::new("protocol", problem).into());
            }
            Protocol::Http2PriorKnowledge => VersionNegotiation::http2(),
            Protocol::Negotiated if cfg!(feature = "http2") => {
                VersionNegotiation::latest_compatible()
            }
            Protocol::Negotiated | Protocol::Http1 => VersionNegotiation::http11(),
            other => {
                let problem = format!(
                    "is {other:?}, which this version does not know: update midil-http-isahc"
                );
                return Err(BuildError::new("protocol", problem).into());
            }
        };
        // curl counts whole seconds, and takes 0 for never.
        let kept = if settings.keepalive_expiry < Duration::from_secs(1) {
            0
        } else {
            settings.max_keepalive_connections.min(MOST_KEPT)
        };
        let keeping = Self {
            connect_timeout: settings.connect_timeout.clamp(Duration::from_millis(1), LONGEST),
            kept,
            expiry: settings.keepalive_expiry.min(LONGEST),
            version,
            local_address: settings.local_address,
            tcp_keepalive: settings
                .tcp_keepalive
                .map(|interval| interval.clamp(Duration::from_secs(1), LONGEST_KEEPALIVE)),
            #[cfg(feature = "rustls")]
            trusted: crate::trust::store(&settings.root_certificates)?,
        };
        #[cfg(not(feature = "rustls"))]
        if !settings.root_certificates.is_empty() {
            let problem =
                "is set, and there is no TLS: turn on the feature `rustls` of midil-http-isahc";
            return Err(BuildError::new("root_certificates", problem).into());
        }
        // Over HTTP/2 curl would resend what the server refuses, and share the connection of another exchange.
        let version = match settings.protocol {
            Protocol::Http2PriorKnowledge => VersionNegotiation::http2(),
            _ => VersionNegotiation::http11(),
        };
        let single = Self { kept: 0, version, ..keeping.clone() };
        Ok((keeping, single))
    }

    /// A new client, with a thread of its own.
    pub(crate) fn make(&self) -> Result<HttpClient, Error> {
        let mut builder = HttpClient::builder()
            .connect_timeout(self.connect_timeout)
            .connection_cache_size(self.kept)
            .connection_cache_ttl(self.expiry)
            .version_negotiation(self.version.clone())
            .redirect_policy(RedirectPolicy::None)
            .automatic_decompression(false)
            // Which proxy, each request says; none of these two leaves the environment to curl.
            .proxy(None)
            .proxy_blacklist::<_, String>([]);
        if let Some(address) = self.local_address {
            builder = builder.interface(address);
        }
        if let Some(interval) = self.tcp_keepalive {
            builder = builder.tcp_keepalive(interval);
        }
        #[cfg(feature = "rustls")]
        if let Some(trusted) = &self.trusted {
            let tls = isahc::tls::TlsConfig::builder().trust_store(trusted.clone());
            builder = builder.tls_config(tls.build());
        }
        quietly(|| builder.build()).map_err(|error| {
            let problem = "cannot start its thread: see the cause, and the limits of this process";
            BuildError::new("isahc", problem).with_source(error).into()
        })
    }
}

/// curl's own limits lie above, and it fails beyond them: 11 days.
const LONGEST: Duration = Duration::from_secs(1_000_000);

/// The limit of Linux.
const LONGEST_KEEPALIVE: Duration = Duration::from_secs(32_767);

const MOST_KEPT: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use midil_http_core::ClientCertificate;

    use super::*;

    fn problem(change: impl FnOnce(&mut TransportSettings)) -> String {
        let mut settings = TransportSettings::default();
        change(&mut settings);
        Recipe::of(&settings).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_is_named() {
        let error = problem(|settings| settings.max_connections = 0);
        assert!(error.starts_with("max_connections is 0"), "{error}");
        let error = problem(|settings| settings.connect_timeout = Duration::ZERO);
        assert!(error.starts_with("connect_timeout "), "{error}");
        let certificate = ClientCertificate::from_pem("chain", "hunter2");
        let error = problem(|settings| settings.client_certificate = Some(certificate));
        assert!(error.starts_with("client_certificate is set"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[cfg(not(feature = "http2"))]
    #[test]
    fn http2_without_its_feature_is_refused() {
        let error = problem(|settings| settings.protocol = Protocol::Http2PriorKnowledge);
        assert!(error.contains("turn on the feature `http2`"), "{error}");
    }

    #[cfg(not(feature = "rustls"))]
    #[test]
    fn certificates_without_tls_are_refused() {
        let error = problem(|settings| settings.root_certificates = vec![Vec::new()]);
        assert!(error.contains("turn on the feature `rustls`"), "{error}");
    }

    #[test]
    fn extremes_do_not_panic() {
        let mut settings = TransportSettings::default();
        settings.max_connections = usize::MAX;
        settings.max_keepalive_connections = usize::MAX;
        settings.keepalive_expiry = Duration::MAX;
        settings.connect_timeout = Duration::MAX;
        settings.tcp_keepalive = Some(Duration::MAX);
        assert!(Recipe::of(&settings).unwrap().0.make().is_ok());
        settings.connect_timeout = Duration::from_nanos(1);
        settings.tcp_keepalive = Some(Duration::from_nanos(1));
        let (keeping, _) = Recipe::of(&settings).unwrap();
        assert_eq!(keeping.connect_timeout, Duration::from_millis(1), "0 is never to curl");
        assert!(keeping.make().is_ok());
    }

    #[test]
    fn what_expires_within_a_second_is_not_kept() {
        let mut settings = TransportSettings::default();
        settings.keepalive_expiry = Duration::from_millis(999);
        assert_eq!(Recipe::of(&settings).unwrap().0.kept, 0);
        settings.keepalive_expiry = Duration::from_secs(1);
        assert_eq!(Recipe::of(&settings).unwrap().0.kept, 20);
    }
}
