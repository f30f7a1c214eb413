//! The server: its start and its end.

mod observing;

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::SockRef;

use super::accept::{Shared, accept};
use super::line::Lines;
use super::received::Received;
use super::record::Record;
use super::refusing::RefusingPort;
use super::reply::Reply;
use super::script::Script;

/// A scripted HTTP/1.1 server on a loopback port of its own, see the [module](super).
///
/// Connections are kept alive, and each may carry any number of requests, one after the other.
/// Dropping the server closes its port, ends every connection whatever it is in the midst of, and
/// waits for its threads. What does not look like HTTP is answered with 400 and not recorded.
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
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Arc<TcpListener>,
    /// Ends with the threads of the connections. `None` only while it is dropped.
    acceptor: Option<JoinHandle<Vec<JoinHandle<()>>>>,
    wait_limit: Duration,
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

    /// Serves on `listener`, which listens at `address`.
    pub(super) fn on(listener: TcpListener, address: SocketAddr, script: Script) -> Self {
        let shared = Arc::new(Shared {
            script,
            record: Record::new(),
            lines: Lines::default(),
            stopping: AtomicBool::new(false),
        });
        let listener = Arc::new(listener);
        let (on_thread, for_thread) = (Arc::clone(&listener), Arc::clone(&shared));
        let thread = thread::Builder::new().name("fault-server".into());
        let acceptor = thread.spawn(move || accept(&on_thread, &for_thread));
        let acceptor = Some(acceptor.expect("the system grants a thread"));
        Self { address, shared, listener, acceptor, wait_limit: Duration::from_secs(10) }
    }

    /// How long the `wait_…` methods wait before they panic: 10 s.
    #[must_use]
    pub fn wait_limit(mut self, limit: Duration) -> Self {
        self.wait_limit = limit;
        self
    }

    /// How much of each request's body is kept: 64 MiB. What goes beyond is counted, and contained
    /// in [`Received::body_checksum`]. To be set before the first request.
    #[must_use]
    pub fn body_limit(self, bytes: usize) -> Self {
        self.shared.record.set_body_limit(bytes);
        self
    }

    /// How many requests are kept to be looked at: the first `count`, by default all. Those after
    /// are forgotten when they are answered, as long benchmarks want it. To be set before the first
    /// request.
    #[must_use]
    pub fn keep_requests(self, count: usize) -> Self {
        self.shared.record.set_keep_requests(count);
        self
    }

    /// The address of the server, on 127.0.0.1.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// # Panics
/// When a closure of the script panicked, with its message.
impl Drop for FaultServer {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Where a listener cannot be shut down, a connection wakes the acceptor; where that is
        // impossible too, its queue is full and it is awake.
        if SockRef::from(&*self.listener).shutdown(Shutdown::Both).is_err() {
            let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        }
        let Some(acceptor) = self.acceptor.take() else { return };
        acceptor.thread().unpark();
        let connections = acceptor.join().unwrap_or_default();
        // No connection can be added from here on.
        self.shared.lines.stop_all();
        for connection in connections {
            let _ = connection.join();
        }
        if let Some(message) = self.shared.record.script_panic().filter(|_| !thread::panicking()) {
            panic!("the script panicked: {message}");
        }
    }
}
