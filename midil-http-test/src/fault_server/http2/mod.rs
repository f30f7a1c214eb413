//! [`Http2Server`]: HTTP/2, with faults of its own.

mod connection;
mod encode;
mod exchange;
mod frame;
mod reply;
mod wire;

#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

pub use self::reply::Http2Reply;
use super::observed::Observed;
use super::observing::observable;
use super::received::Received;
use super::record::Record;
use super::script::Script;
use super::server::FaultServer;
#[cfg(feature = "tls")]
use super::tls::{Acceptor, Tls};

/// A scripted server of HTTP/2 ([RFC 9113](https://www.rfc-editor.org/rfc/rfc9113)) on a loopback port of its own.
///
/// Over plain http it speaks to clients that know what it speaks, over TLS to those that offer `h2` (ALPN). It runs on a
/// thread of its own, with a runtime inside that nobody else sees, so it serves tests of every executor. Dropping it ends
/// every connection, and panics when a closure of the script did.
///
/// Requests are recorded as a [`FaultServer`]'s are, and so is what can be waited for. The
/// [target](Received::target) is the path, the authority is the header `:authority`, and there are no
/// [bytes of the head](Received::head_bytes). A request counts as arrived with its stream, whatever is said of it then.
///
/// ```
/// use midil_http_test::fault_server::{Http2Reply, Http2Server};
///
/// let server = Http2Server::start([Http2Reply::refused(), Http2Reply::ok("hi")])
///     .max_concurrent_streams(10);
/// assert!(server.url().starts_with("http://127.0.0.1:"));
/// // … the first request of a client finds its stream refused, the second is answered.
/// ```
#[derive(Debug)]
pub struct Http2Server {
    address: SocketAddr,
    scheme: &'static str,
    site: Arc<Site>,
    wait_limit: Duration,
    /// Ends the thread. `None` only while it is dropped.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the tasks of a server share.
#[derive(Debug)]
struct Site {
    script: Script<Http2Reply>,
    record: Record,
    #[cfg(feature = "tls")]
    tls: Option<Acceptor>,
    /// `u32::MAX`: no limit.
    max_streams: AtomicU32,
}

impl Site {
    fn max_concurrent_streams(&self) -> Option<u32> {
        Some(self.max_streams.load(Ordering::SeqCst)).filter(|limit| *limit < u32::MAX)
    }
}

impl Http2Server {
    /// Starts a server on a port that the system chooses, without TLS: for clients with prior
    /// knowledge.
    ///
    /// # Panics
    /// When the system denies a port or a thread.
    #[must_use]
    pub fn start(script: impl Into<Script<Http2Reply>>) -> Self {
        Self::on(Site {
            script: script.into(),
            record: Record::new(),
            #[cfg(feature = "tls")]
            tls: None,
            max_streams: AtomicU32::new(u32::MAX),
        })
    }

    /// The same over TLS, where it chooses `h2`.
    ///
    /// ```
    /// use midil_http_test::fault_server::{Http2Reply, Http2Server, Tls};
    ///
    /// let server = Http2Server::start_tls(Http2Reply::ok("hi"), &Tls::good());
    /// assert!(server.url().starts_with("https://127.0.0.1:"));
    /// ```
    ///
    /// # Panics
    /// When the system denies a port or a thread.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn start_tls(script: impl Into<Script<Http2Reply>>, tls: &Tls) -> Self {
        Self::on(Site {
            script: script.into(),
            record: Record::new(),
            tls: Some(tls.acceptor(&["h2"])),
            max_streams: AtomicU32::new(u32::MAX),
        })
    }

    fn on(site: Site) -> Self {
        let (listener, address) = FaultServer::refusing().listen();
        #[cfg(feature = "tls")]
        let scheme = if site.tls.is_some() { "https" } else { "http" };
        #[cfg(not(feature = "tls"))]
        let scheme = "http";
        let site = Arc::new(site);
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .expect("the system grants a runtime");
        let on_thread = Arc::clone(&site);
        let thread = thread::Builder::new().name("fault-server-http2".into());
        let thread = thread.spawn(move || {
            // Ends at the stop, and drops what is still served.
            let _ = runtime.block_on(accept(listener, &on_thread, stopped));
        });
        Self {
            address,
            scheme,
            site,
            wait_limit: Duration::from_secs(10),
            stop: Some(stop),
            thread: Some(thread.expect("the system grants a thread")),
        }
    }

    /// How many streams a connection may have at a time (`SETTINGS_MAX_CONCURRENT_STREAMS`); by
    /// default there is no limit. More are refused. To be set before the first connection.
    #[must_use]
    pub fn max_concurrent_streams(self, limit: u32) -> Self {
        self.site.max_streams.store(limit, Ordering::SeqCst);
        self
    }

    /// How long the `wait_…` methods wait before they panic: 10 s.
    #[must_use]
    pub fn wait_limit(mut self, limit: Duration) -> Self {
        self.wait_limit = limit;
        self
    }

    /// As [`FaultServer::body_limit`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use midil_http_test::fault_server::{Http2Reply, Http2Server};
    ///
    /// let server = Http2Server::start(Http2Reply::stall())
    ///     .wait_limit(Duration::from_secs(2))
    ///     .body_limit(1024)
    ///     .keep_requests(10);
    /// assert!(server.resets().is_empty()); // `wait_for_reset(8)` waits for a client that cancels (CANCEL)
    /// ```
    #[must_use]
    pub fn body_limit(self, bytes: usize) -> Self {
        self.record().set_body_limit(bytes);
        self
    }

    /// As [`FaultServer::keep_requests`].
    #[must_use]
    pub fn keep_requests(self, count: usize) -> Self {
        self.record().set_keep_requests(count);
        self
    }

    /// The address of the server, on 127.0.0.1.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`, or `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// [`Observed::failed_handshakes`], now.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn failed_handshakes(&self) -> usize {
        self.record().read(Observed::failed_handshakes)
    }

    /// [`Observed::resets`], now.
    #[must_use]
    pub fn resets(&self) -> Vec<u32> {
        self.record().read(|seen| seen.resets().to_vec())
    }

    /// Blocks until a client has reset a stream for `reason`.
    ///
    /// # Panics
    /// As [`wait_until`](Self::wait_until).
    #[track_caller]
    pub fn wait_for_reset(&self, reason: u32) {
        self.wait(&format!("a reset for {reason}"), |seen| seen.resets().contains(&reason));
    }

    fn record(&self) -> &Record {
        &self.site.record
    }

    fn wait_limit_now(&self) -> Duration {
        self.wait_limit
    }
}

observable!(Http2Server);

/// Accepts connections until `stopped`.
async fn accept(
    listener: std::net::TcpListener,
    site: &Arc<Site>,
    mut stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    loop {
        let accepted = poll_fn(|cx| {
            if std::pin::Pin::new(&mut stopped).poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            listener.poll_accept(cx).map(Some)
        });
        match accepted.await {
            None => return Ok(()),
            Some(Ok((socket, _))) => serve(socket, site),
            // A client that left while it was queued, or no file descriptor to be had: that may pass.
            Some(Err(_)) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

fn serve(socket: TcpStream, site: &Arc<Site>) {
    let connection = site.record.connection_opened();
    tokio::spawn(connection::serve(connection, socket, Arc::clone(site)));
}

/// # Panics
/// When a closure of the script panicked, with its message.
impl Drop for Http2Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if let Some(message) = self.site.record.script_panic().filter(|_| !thread::panicking()) {
            panic!("the script panicked: {message}");
        }
    }
}
