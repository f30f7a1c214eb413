//! [`ProxyServer`]: a proxy that clients can be told to go through.

mod asked;
mod relay;
mod script;
mod serve;

use std::net::SocketAddr;
use std::time::Duration;

pub use self::script::ProxyScript;
use super::observed::Observed;
use super::observing::observable;
use super::received::Received;
use super::record::Record;
use super::server::{FaultServer, Running};

/// A proxy on a loopback port of its own, for tests of HTTP clients.
///
/// It forwards requests whose target is a whole URL
/// ([RFC 9112, section 3.2.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2)), one per connection: the server is told `connection: close`, and
/// so is the client. For `CONNECT` it opens a tunnel. Either way it reaches this machine alone, and
/// answers 403 to what is elsewhere, 502 where nobody listens. It serves on threads, and dropping it
/// ends every connection and tunnel.
///
/// What it was asked is recorded as a [`FaultServer`]'s requests are, but for bodies, which pass
/// through and are counted ([`Observed::relayed_to_targets`]).
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::TcpStream;
///
/// use midil_http_test::fault_server::{FaultServer, ProxyScript, ProxyServer, Reply};
///
/// let server = FaultServer::always(Reply::ok("hi"));
/// let proxy = ProxyServer::start(ProxyScript::new().basic_auth("svc", "hunter2"));
///
/// let mut client = TcpStream::connect(proxy.address())?;
/// let request = format!(
///     "GET {}/a HTTP/1.1\r\nhost: here\r\nproxy-authorization: Basic c3ZjOmh1bnRlcjI=\r\n\r\n",
///     server.url()
/// );
/// client.write_all(request.as_bytes())?;
/// let mut answer = String::new();
/// client.read_to_string(&mut answer)?;
///
/// assert!(answer.ends_with("\r\n\r\nhi"));
/// assert_eq!(proxy.requests()[0].target(), format!("{}/a", server.url()));
/// assert_eq!(server.requests()[0].target(), "/a");
/// assert_eq!(server.requests()[0].header("proxy-authorization"), None);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct ProxyServer {
    running: Running,
}

impl ProxyServer {
    /// Starts a proxy on a port that the system chooses.
    ///
    /// # Panics
    /// When the system denies a port or a thread.
    #[must_use]
    pub fn start(script: ProxyScript) -> Self {
        let (listener, address) = FaultServer::refusing().listen();
        Self { running: Running::on(listener, address, script) }
    }

    /// How long the `wait_…` methods wait before they panic: 10 s.
    #[must_use]
    pub fn wait_limit(mut self, limit: Duration) -> Self {
        self.running.set_wait_limit(limit);
        self
    }

    /// The address of the proxy, on 127.0.0.1.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.running.address()
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// [`Observed::tunnels`], now.
    #[must_use]
    pub fn tunnels(&self) -> usize {
        self.record().read(Observed::tunnels)
    }

    fn record(&self) -> &Record {
        self.running.record()
    }

    fn wait_limit_now(&self) -> Duration {
        self.running.wait_limit()
    }
}

observable!(ProxyServer);
