//! What a server has seen so far.

use std::collections::BTreeMap;
use std::fmt;

use super::received::Received;

/// What a [`FaultServer`](super::FaultServer) has seen so far, as
/// [`wait_until`](super::FaultServer::wait_until) shows it.
///
/// ```
/// use std::net::TcpStream;
///
/// use midil_http_test::fault_server::{FaultServer, Reply};
///
/// let server = FaultServer::always(Reply::ok(""));
/// let client = TcpStream::connect(server.address())?;
/// server.wait_until(|seen| seen.open_connections() == 1 && seen.request_count() == 0);
/// server.wait_until(|seen| seen.open_requests() == 0 && seen.peak_requests() == 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Observed {
    pub(super) accepted: usize,
    pub(super) closed: usize,
    #[cfg(feature = "tls")]
    pub(super) failed_handshakes: usize,
    pub(super) peak_connections: usize,
    pub(super) begun: usize,
    pub(super) ended: usize,
    pub(super) peak_requests: usize,
    pub(super) body_bytes: u64,
    #[cfg(feature = "http2")]
    pub(super) resets: Vec<u32>,
    pub(super) tunnels: usize,
    pub(super) relayed_to_targets: u64,
    pub(super) relayed_to_clients: u64,
    pub(super) requests: BTreeMap<usize, Received>,
}

impl Observed {
    /// Connections accepted so far, whatever became of them.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.accepted
    }

    /// Connections that are open on the server's side.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.accepted - self.closed
    }

    /// The most connections that were open at a time.
    #[must_use]
    pub fn peak_connections(&self) -> usize {
        self.peak_connections
    }

    /// TLS handshakes that came to no end, or not to a good one; each is a connection without a
    /// request.
    ///
    /// ```
    /// use std::io::Write;
    /// use std::net::TcpStream;
    /// use midil_http_test::fault_server::{FaultServer, Reply, Tls};
    ///
    /// let server = FaultServer::start_tls(Reply::ok("never sent"), &Tls::good());
    /// TcpStream::connect(server.address())?.write_all(b"GET / HTTP/1.1\r\n\r\n")?; // that is no hello
    /// server.wait_until(|seen| seen.failed_handshakes() == 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn failed_handshakes(&self) -> usize {
        self.failed_handshakes
    }

    /// Requests so far, over all connections: those whose head has arrived.
    #[must_use]
    pub fn request_count(&self) -> usize {
        self.begun
    }

    /// Requests whose exchange is not over: the reply is not sent to its end.
    #[must_use]
    pub fn open_requests(&self) -> usize {
        self.begun - self.ended
    }

    /// The most requests whose exchange went on at a time, over all connections.
    #[must_use]
    pub fn peak_requests(&self) -> usize {
        self.peak_requests
    }

    /// The reasons for which clients reset streams of HTTP/2, in the order of arrival.
    ///
    /// ```
    /// use midil_http_test::fault_server::{Http2Reply, Http2Server};
    ///
    /// let server = Http2Server::start(Http2Reply::ok("hi"));
    /// server.wait_until(|seen| seen.resets().is_empty());
    /// ```
    #[cfg(feature = "http2")]
    #[must_use]
    pub fn resets(&self) -> &[u32] {
        &self.resets
    }

    /// The requests that are kept, in the order of their arrival.
    pub fn requests(&self) -> impl Iterator<Item = &Received> {
        self.requests.values()
    }

    /// Bytes of request bodies so far, over all requests, decoded from their chunks.
    #[must_use]
    pub fn body_bytes_received(&self) -> u64 {
        self.body_bytes
    }

    /// Tunnels that a [`ProxyServer`](super::ProxyServer) has opened so far.
    #[must_use]
    pub fn tunnels(&self) -> usize {
        self.tunnels
    }

    /// Bytes that a [`ProxyServer`](super::ProxyServer) passed on from clients, heads of requests
    /// left out: what went up through its tunnels, and the bodies of what it forwarded.
    #[must_use]
    pub fn relayed_to_targets(&self) -> u64 {
        self.relayed_to_targets
    }

    /// Bytes that a [`ProxyServer`](super::ProxyServer) passed on to clients.
    #[must_use]
    pub fn relayed_to_clients(&self) -> u64 {
        self.relayed_to_clients
    }
}

/// For the message of a wait that was in vain.
impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 20;
        let (accepted, open) = (self.accepted, self.open_connections());
        write!(f, "{} requests over {accepted} connections ({open} open)", self.begun)?;
        #[cfg(feature = "tls")]
        if self.failed_handshakes > 0 {
            write!(f, ", {} failed handshakes", self.failed_handshakes)?;
        }
        for request in self.requests().take(SHOWN) {
            let (method, path) = (request.method(), request.path());
            let connection = request.connection();
            let bytes = request.body_bytes_received();
            let end = if request.body_complete() { "" } else { ", incomplete" };
            write!(f, "\n  {method} {path} on connection {connection}: {bytes} bytes{end}")?;
        }
        if self.begun > SHOWN { f.write_str("\n  …") } else { Ok(()) }
    }
}
