//! What [`TransportSettings`] say, told to reqwest's builder.

use std::time::Duration;

use midil_http_core::{BuildError, Error, Protocol, ProxySettings, TransportSettings};
use reqwest::ClientBuilder;

use crate::client::Shown;
use crate::{proxy, tls};

/// Far enough for anyone, near enough to be added to any clock: 30 years. hyper's pool adds the expiry to it as it is.
const FAR_FUTURE: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// Tells `builder` what `settings` say. What they leave open stays as it is.
pub(crate) fn apply(
    builder: ClientBuilder,
    settings: &TransportSettings,
) -> Result<ClientBuilder, Error> {
    settings.check()?;
    let shown = Shown::of(&builder);
    let builder = builder
        .connect_timeout(settings.connect_timeout)
        .pool_max_idle_per_host(settings.max_keepalive_connections)
        .pool_idle_timeout(settings.keepalive_expiry.min(FAR_FUTURE));
    let builder = keep_alive(builder, settings.tcp_keepalive);
    let builder = match settings.local_address {
        Some(address) => builder.local_address(address),
        None => builder,
    };
    let builder = match &settings.user_agent {
        Some(value) => builder.user_agent(value.clone()),
        None => builder,
    };
    let builder = match &settings.proxy {
        // Who gave the builder proxies meant them; and those of the environment are what nobody asked for.
        ProxySettings::Environment if shown.has("proxies") => builder,
        proxy => proxy::apply(builder, proxy)?,
    };
    let builder = protocol(builder, settings.protocol)?;
    let builder = tls::trust(builder, &settings.root_certificates)?;
    match &settings.client_certificate {
        Some(certificate) => tls::identify(builder, certificate),
        None => Ok(builder),
    }
}

/// Idle time, and time between two questions: one setting for both.
fn keep_alive(builder: ClientBuilder, interval: Option<Duration>) -> ClientBuilder {
    let interval = interval.map(whole_seconds);
    let builder = builder.tcp_keepalive(interval).tcp_keepalive_interval(interval);
    // Any of the three alone would switch it on.
    if interval.is_none() { builder.tcp_keepalive_retries(None) } else { builder }
}

/// Systems count in whole seconds, and refuse none and, Linux, more than 15 bits of them; reqwest would only log that.
fn whole_seconds(interval: Duration) -> Duration {
    const MOST: u64 = 32_767;
    let up = u64::from(interval.subsec_nanos() > 0);
    Duration::from_secs(interval.as_secs().saturating_add(up).clamp(1, MOST))
}

fn protocol(builder: ClientBuilder, protocol: Protocol) -> Result<ClientBuilder, Error> {
    match protocol {
        Protocol::Negotiated => Ok(builder),
        Protocol::Http1 => Ok(builder.http1_only()),
        #[cfg(feature = "http2")]
        Protocol::Http2PriorKnowledge => Ok(builder.http2_prior_knowledge()),
        other => {
            let problem = format!(
                "is {other:?}, which is not there: turn on the feature `http2` of midil-http-reqwest"
            );
            Err(BuildError::new("protocol", problem).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keepalive_is_counted_in_seconds_that_every_system_takes() {
        for (given, asked) in [
            (Duration::from_nanos(1), 1),
            (Duration::from_secs(1), 1),
            (Duration::from_millis(1500), 2),
            (Duration::from_secs(15), 15),
            (Duration::MAX, 32_767),
        ] {
            assert_eq!(whole_seconds(given), Duration::from_secs(asked));
        }
    }

    #[test]
    fn a_protocol_is_chosen_or_refused() {
        let with = |chosen| protocol(reqwest::Client::builder(), chosen);
        let shown = |chosen| format!("{:?}", with(chosen).unwrap());
        assert!(!shown(Protocol::Negotiated).contains("http1_only"));
        assert!(shown(Protocol::Http1).contains("http1_only: true"));
        if cfg!(feature = "http2") {
            assert!(shown(Protocol::Http2PriorKnowledge).contains("http2_prior_knowledge: true"));
        } else {
            let error = with(Protocol::Http2PriorKnowledge).map(drop).unwrap_err().to_string();
            assert!(error.starts_with("protocol is Http2PriorKnowledge"), "{error}");
            assert!(error.contains("feature `http2`"), "{error}");
        }
    }
}
