//! A port where nobody answers.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::Socket;

use super::refusing::RefusingPort;

/// A loopback port on which connecting neither succeeds nor fails, for as long as the value lives:
/// for tests of connect timeouts.
///
/// Its queue of connections is full, and nobody takes one out. Where the system puts no bound to
/// that queue there is no such port; Linux does.
///
/// ```
/// use std::io::ErrorKind;
/// use std::net::TcpStream;
/// use std::time::Duration;
///
/// use midil_http_test::fault_server::FaultServer;
///
/// let port = FaultServer::silent();
/// let connected = TcpStream::connect_timeout(&port.address(), Duration::from_millis(10));
/// assert_eq!(connected.unwrap_err().kind(), ErrorKind::TimedOut);
/// ```
#[derive(Debug)]
pub struct SilentPort {
    address: SocketAddr,
    _listener: Socket,
    _queue: Vec<TcpStream>,
}

impl SilentPort {
    /// # Errors
    /// `Unsupported` when the queue takes whatever comes.
    pub(super) fn bind() -> io::Result<Self> {
        /// Systems round the length of the queue up, some to a few hundred.
        const TRIES: usize = 1024;
        /// On loopback, a connection that is taken is so at once.
        const PATIENCE: Duration = Duration::from_millis(50);
        let (listener, address) = RefusingPort::bind()?.into_parts();
        listener.listen(0)?;
        let mut queue = Vec::new();
        for _ in 0..TRIES {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => queue.push(stream),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    return Ok(Self { address, _listener: listener, _queue: queue });
                }
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The address of the port, on 127.0.0.1.
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
