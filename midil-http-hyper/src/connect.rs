//! [`Connector`]: makes connections, by way of a proxy and with TLS where they are due.

mod io;
mod resolver;
#[cfg(feature = "rustls")]
mod tls;
mod tunnel;

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use hyper_util::client::legacy::connect::HttpConnector;
use midil_http_core::{BuildError, Error, Protocol, TransportSettings};
use tower_service::Service as _;

pub(crate) use self::io::Io;
use self::io::Socket;
use self::resolver::Resolver;
pub(crate) use self::resolver::Unresolved;
use crate::connection::Line;
use crate::failure;
use crate::pool::{Origin, Route};

/// What HTTP can be spoken over.
pub(crate) struct Connected {
    pub(crate) io: Io,
    pub(crate) line: Arc<Line>,
    #[cfg(feature = "http2")]
    pub(crate) http2: bool,
}

pub(crate) struct Connector {
    tcp: HttpConnector<Resolver>,
    #[cfg(feature = "rustls")]
    tls: tls::Tls,
    #[cfg(feature = "http2")]
    protocol: Protocol,
    user_agent: Option<HeaderValue>,
}

impl Connector {
    pub(crate) fn new(settings: &TransportSettings) -> Result<Self, Error> {
        check(settings)?;
        let mut tcp = HttpConnector::new_with_resolver(Resolver::new());
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // Shared by the addresses of a name, so that the first that never answers leaves time for the next.
        tcp.set_connect_timeout(Some(settings.connect_timeout));
        tcp.set_local_address(settings.local_address);
        // Systems count whole seconds, and refuse none at all or more than they have room for.
        let (least, most) = (Duration::from_secs(1), Duration::from_secs(32_767));
        let interval = settings.tcp_keepalive.map(|interval| interval.clamp(least, most));
        tcp.set_keepalive(interval);
        tcp.set_keepalive_interval(interval);
        Ok(Self {
            tcp,
            #[cfg(feature = "rustls")]
            tls: tls::Tls::new(settings)?,
            #[cfg(feature = "http2")]
            protocol: settings.protocol,
            user_agent: settings.user_agent.clone(),
        })
    }

    /// A connection to `origin`. The caller bounds its time.
    pub(crate) async fn connect(&self, origin: &Origin) -> Result<Connected, Error> {
        let line = Arc::new(Line::default());
        let mut tcp = self.tcp.clone();
        let connected = tcp.call(origin.peer().clone()).await;
        let stream = connected.map_err(|error| failure::in_connect(error.into()))?.into_inner();
        let mut socket = Socket::new(stream, Arc::clone(&line));
        if let Route::Tunnel(authorization) = origin.route() {
            let user_agent = self.user_agent.as_ref();
            socket =
                tunnel::open(socket, &origin.host_and_port(), authorization.as_ref(), user_agent)
                    .await?;
        }
        let (io, _chosen) = self.secure(origin, socket).await?;
        Ok(Connected {
            io,
            line,
            #[cfg(feature = "http2")]
            http2: _chosen || self.protocol == Protocol::Http2PriorKnowledge,
        })
    }

    #[cfg(feature = "rustls")]
    async fn secure(&self, origin: &Origin, socket: Socket) -> Result<(Io, bool), Error> {
        if !origin.is_https() {
            return Ok((Io::Plain(socket), false));
        }
        self.tls
            .wrap(origin.host(), socket)
            .await
            .map_err(|error| failure::in_connect(error.into()))
    }

    #[cfg(not(feature = "rustls"))]
    #[allow(clippy::unused_async, reason = "as it is with TLS")]
    async fn secure(&self, _: &Origin, socket: Socket) -> Result<(Io, bool), Error> {
        Ok((Io::Plain(socket), false))
    }
}

/// Refuses what this build cannot do.
fn check(settings: &TransportSettings) -> Result<(), Error> {
    settings.check()?;
    let lacks = |setting: &str, feature: &str| -> Result<(), Error> {
        let problem =
            format!("cannot be as it is set: turn on the feature `{feature}` of midil-http-hyper");
        Err(BuildError::new(setting, problem).into())
    };
    if cfg!(not(feature = "http2")) && settings.protocol == Protocol::Http2PriorKnowledge {
        return lacks("protocol", "http2");
    }
    if cfg!(not(feature = "rustls")) && !settings.root_certificates.is_empty() {
        return lacks("root_certificates", "rustls");
    }
    if cfg!(not(feature = "rustls")) && settings.client_certificate.is_some() {
        return lacks("client_certificate", "rustls");
    }
    Ok(())
}
