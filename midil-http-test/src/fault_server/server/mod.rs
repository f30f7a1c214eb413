//! The server: how it is started and what it is told.

mod running;

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

pub(super) use self::running::Running;
use super::http1::Http1;
use super::observed::Observed;
use super::observing::observable;
use super::received::Received;
use super::record::Record;
use super::refusing::RefusingPort;
use super::reply::Reply;
use super::script::Script;
use super::silent::SilentPort;
#[cfg(feature = "tls")]
use super::tls::Tls;

/// A scripted HTTP/1.1 server on a loopback port of its own, see the [module](super).
///
/// Connections are kept alive, and each may carry any number of requests, one after the other.
/// Dropping the server closes its port, ends every connection whatever it is in the midst of, and
/// waits for its threads; it panics when a closure of the script did. What does not look like HTTP is answered with 400 and not recorded.
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::TcpStream;
///
/// use midil_http_test::fault_server::{Cut, FaultServer, Reply};
///
/// let server = FaultServer::always(Reply::ok("hello").cut_body_after(2, Cut::Close));
/// let mut client = TcpStream::connect(server.address())?;
/// client.write_all(b"GET / HTTP/1.1\r\n\r\n")?;
/// let mut answer = String::new();
/// client.read_to_string(&mut answer)?;
/// assert_eq!(answer, "HTTP/1.1 200 \r\ncontent-length: 5\r\n\r\nhe");
///
/// server.wait_for_connections_closed();
/// assert_eq!((server.connections(), server.request_count()), (1, 1));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct FaultServer {
    running: Running,
    scheme: &'static str,
}

impl FaultServer {
    /// Starts a server on a port that the system chooses.
    ///
    /// # Panics
    /// When the system denies a port or a thread.
    #[must_use]
    pub fn start(script: impl Into<Script>) -> Self {
        Self::refusing().start(script)
    }

    /// Starts a server that answers as [`Script::always`].
    ///
    /// # Panics
    /// When the system denies a port or a thread.
    #[must_use]
    pub fn always(reply: Reply) -> Self {
        Self::start(reply)
    }

    /// Starts a server that answers as [`Script::sequence`].
    ///
    /// # Panics
    /// When `replies` is empty, or when the system denies a port or a thread.
    #[must_use]
    pub fn sequence(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::start(Script::sequence(replies))
    }

    /// Starts a server that answers as [`Script::respond_with`].
    ///
    /// # Panics
    /// When the system denies a port or a thread.
    #[must_use]
    pub fn respond_with(respond: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(Script::respond_with(respond))
    }

    /// A port on which connecting is refused.
    ///
    /// # Panics
    /// When the system denies a port.
    #[must_use]
    pub fn refusing() -> RefusingPort {
        RefusingPort::bind().expect("the system grants a loopback port")
    }

    /// A port on which connecting never ends.
    ///
    /// # Panics
    /// When the system denies a port, or has none like that.
    #[must_use]
    pub fn silent() -> SilentPort {
        SilentPort::bind().expect("the system grants a loopback port with a short queue")
    }

    /// Starts a server that answers as `script` says, over TLS. Everything that a script can do it
    /// can do over TLS too; what happens to a connection at once
    /// ([`Script::on_connect`]) happens before the handshake.
    ///
    /// ```
    /// use midil_http_test::fault_server::{FaultServer, Reply, Tls};
    ///
    /// let server = FaultServer::start_tls(Reply::ok("hi"), &Tls::good());
    /// assert!(server.url().starts_with("https://127.0.0.1:"));
    /// ```
    ///
    /// # Panics
    /// When the system denies a port or a thread.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn start_tls(script: impl Into<Script>, tls: &Tls) -> Self {
        Self::refusing().start_tls(script, tls)
    }

    /// Serves on `listener`, which listens at `address`.
    pub(super) fn on(listener: TcpListener, address: SocketAddr, script: Script) -> Self {
        #[cfg(feature = "tls")]
        let service = Http1 { script, tls: None };
        #[cfg(not(feature = "tls"))]
        let service = Http1 { script };
        Self { running: Running::on(listener, address, service), scheme: "http" }
    }

    /// The same, over TLS.
    #[cfg(feature = "tls")]
    pub(super) fn on_tls(
        listener: TcpListener,
        address: SocketAddr,
        script: Script,
        tls: &Tls,
    ) -> Self {
        let service = Http1 { script, tls: Some(tls.acceptor(&["http/1.1"])) };
        Self { running: Running::on(listener, address, service), scheme: "https" }
    }

    /// How long the `wait_…` methods wait before they panic: 10 s.
    ///
    /// ```
    /// use std::time::Duration;
    /// use midil_http_test::fault_server::{FaultServer, Reply};
    ///
    /// let server = FaultServer::always(Reply::ok(""))
    ///     .wait_limit(Duration::from_secs(2))
    ///     .body_limit(1024) // of each body so much is kept
    ///     .keep_requests(10); // and so many requests
    /// ```
    #[must_use]
    pub fn wait_limit(mut self, limit: Duration) -> Self {
        self.running.set_wait_limit(limit);
        self
    }

    /// How much of each request's body is kept: 64 MiB. What goes beyond is counted, and contained
    /// in [`Received::body_checksum`]. To be set before the first request.
    #[must_use]
    pub fn body_limit(self, bytes: usize) -> Self {
        self.record().set_body_limit(bytes);
        self
    }

    /// How many requests are kept to be looked at: the first `count`, by default all. Those after
    /// are forgotten when they are answered, as long benchmarks want it. To be set before the first
    /// request.
    #[must_use]
    pub fn keep_requests(self, count: usize) -> Self {
        self.record().set_keep_requests(count);
        self
    }

    /// The address of the server, on 127.0.0.1.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.running.address()
    }

    /// `http://127.0.0.1:PORT`, or `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address())
    }
    /// [`Observed::failed_handshakes`], now.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn failed_handshakes(&self) -> usize {
        self.record().read(Observed::failed_handshakes)
    }

    /// The certificate that clients are to trust, as PEM: that of
    /// [`Authority::shared`](super::Authority::shared).
    ///
    /// # Panics
    /// When the system has no random numbers.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn root_certificate_pem(&self) -> String {
        super::Authority::shared().root_certificate_pem()
    }

    fn record(&self) -> &Record {
        self.running.record()
    }

    fn wait_limit_now(&self) -> Duration {
        self.running.wait_limit()
    }
}

observable!(FaultServer);
