//! What happens to a connection before a request is read.

/// The fate of one accepted connection, see [`Script::on_connect`](super::Script::on_connect).
///
/// The client's connect has succeeded in each case; for one that fails see
/// [`FaultServer::refusing`](super::FaultServer::refusing).
///
/// ```
/// use std::io::Read;
/// use std::net::TcpStream;
///
/// use midil_http_test::fault_server::{FaultServer, OnConnect, Reply, Script};
///
/// let script = Script::always(Reply::ok("hi")).on_connect([OnConnect::Close, OnConnect::Serve]);
/// let server = FaultServer::start(script);
///
/// let mut first = TcpStream::connect(server.address())?;
/// assert_eq!(first.read(&mut [0])?, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConnect {
    /// Requests are read and answered.
    Serve,
    /// The connection is closed at once. What the client sends is swallowed, so that it reads the
    /// end of the stream and never a reset.
    Close,
    /// The connection is reset at once: the client's next read or write is `ECONNRESET` (or
    /// `EPIPE`).
    Reset,
    /// What the client sends is swallowed and nothing is ever sent.
    Stall,
}
