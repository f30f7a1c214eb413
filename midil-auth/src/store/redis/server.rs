//! [`Server`]: where Redis is, and how to get there.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncConnectionConfig, IntoConnectionInfo, RedisConnectionInfo};
use midil_http_core::BuildError;
use rustls_platform_verifier::BuilderVerifierExt;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig};
use url::Url;

use super::link::RedisStoreError;

/// An idle connection is probed, so that whatever lies between neither forgets it nor lets it die unnoticed.
const KEEPALIVE: Duration = Duration::from_secs(30);

pub(super) struct Server {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    settings: RedisConnectionInfo,
}

/// A connection that is ready. It ends with its last clone.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) commands: MultiplexedConnection,
    _driver: Arc<Driver>,
}

struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Server {
    pub(super) fn try_new(text: &str) -> Result<Self, BuildError> {
        // The URL holds a password: nothing of it is repeated.
        let problem = |problem: &str| BuildError::new("the URL of the token store", problem);
        let no_url = "is no URL: write redis://host:6379, or rediss:// for TLS";
        let mut url = Url::parse(text).map_err(|_| problem(no_url))?;
        let (tls, plain) = match url.scheme() {
            "redis" | "valkey" => (false, "redis"),
            "rediss" | "valkeys" => (true, "redis"),
            _ => return Err(problem("is not of scheme redis or rediss: write redis://host:6379")),
        };
        if url.query().is_some() || url.fragment().is_some() {
            return Err(problem("has a query or a fragment: leave it out"));
        }
        let host =
            url.host_str().ok_or_else(|| problem("names no host: write redis://host:6379"))?;
        // IPv6 has brackets in a URL, and nowhere else.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = url.port().unwrap_or(6379);
        let tls = match tls {
            true => {
                let name = ServerName::try_from(host.clone())
                    .map_err(|_| problem("names a host that no certificate can name"))?;
                let connector = tls_connector().map_err(|error| {
                    problem("asks for TLS, which cannot be set up: check the system's certificates")
                        .with_source(error)
                })?;
                Some((connector, name))
            }
            false => None,
        };
        // TLS is ours; the crate redis need not know of it.
        let info = url.set_scheme(plain).ok().and_then(|()| url.into_connection_info().ok());
        let info = info.ok_or_else(|| {
            problem("cannot be used: after the host comes the number of a database or nothing, and the password is UTF-8")
        })?;
        let settings = info.redis_settings().clone().set_skip_set_lib_name();
        Ok(Self { host, port, tls, settings })
    }

    /// Connects, on the tokio runtime that is current.
    pub(super) async fn connect(&self) -> Result<Connection, RedisStoreError> {
        let io = |error| RedisStoreError::io(&error);
        let stream = TcpStream::connect((&*self.host, self.port)).await.map_err(io)?;
        stream.set_nodelay(true).map_err(io)?;
        let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
        SockRef::from(&stream).set_tcp_keepalive(&keepalive).map_err(io)?;
        // The caller has a timeout; one of the crate redis panics on a tokio without timers.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let (commands, driver) = match &self.tls {
            None => {
                let ready = MultiplexedConnection::new_with_config(&self.settings, stream, config);
                let (commands, driver) = ready.await.map_err(|e| RedisStoreError::redis(&e))?;
                (commands, tokio::spawn(driver))
            }
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await.map_err(io)?;
                let ready = MultiplexedConnection::new_with_config(&self.settings, stream, config);
                let (commands, driver) = ready.await.map_err(|e| RedisStoreError::redis(&e))?;
                (commands, tokio::spawn(driver))
            }
        };
        Ok(Connection { commands, _driver: Arc::new(Driver(driver.abort_handle())) })
    }
}

/// The process's own cryptography, when it has chosen one; the choice is never made for it.
fn tls_connector() -> Result<TlsConnector, rustls::Error> {
    let provider = CryptoProvider::get_default()
        .map_or_else(|| Arc::new(aws_lc_rs::default_provider()), Arc::clone);
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}
