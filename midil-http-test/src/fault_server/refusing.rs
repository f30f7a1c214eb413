//! A port where nobody listens.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

use super::script::Script;
use super::server::FaultServer;
#[cfg(feature = "tls")]
use super::tls::Tls;

/// A loopback port on which connecting is refused, for as long as the value lives.
///
/// The port is bound and nobody listens, so no other process can take it meanwhile.
///
/// ```
/// use std::io::ErrorKind;
/// use std::net::TcpStream;
///
/// use midil_http_test::fault_server::{FaultServer, Reply};
///
/// let port = FaultServer::refusing();
/// let address = port.address();
/// let refused = TcpStream::connect(address).map_err(|error| error.kind());
/// assert_eq!(refused.err(), Some(ErrorKind::ConnectionRefused));
///
/// let server = port.start(Reply::ok("back again"));
/// assert_eq!(server.address(), address);
/// assert!(TcpStream::connect(address).is_ok());
/// ```
#[derive(Debug)]
pub struct RefusingPort {
    socket: Socket,
    address: SocketAddr,
}

impl RefusingPort {
    pub(super) fn bind() -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        let address = socket.local_addr()?.as_socket();
        let address = address.ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self { socket, address })
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

    /// Ends the refusing: from now on a server with this script listens on the port.
    ///
    /// # Panics
    /// When the system denies listening or a thread.
    #[must_use]
    pub fn start(self, script: impl Into<Script>) -> FaultServer {
        let (listener, address) = self.listen();
        FaultServer::on(listener, address, script.into())
    }

    /// The same, over TLS.
    ///
    /// # Panics
    /// When the system denies listening or a thread.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn start_tls(self, script: impl Into<Script>, tls: &Tls) -> FaultServer {
        let (listener, address) = self.listen();
        FaultServer::on_tls(listener, address, script.into(), tls)
    }

    pub(super) fn into_parts(self) -> (Socket, SocketAddr) {
        (self.socket, self.address)
    }

    pub(super) fn listen(self) -> (TcpListener, SocketAddr) {
        const BACKLOG: i32 = 1024;
        self.socket.listen(BACKLOG).expect("the system lets a bound port listen");
        (self.socket.into(), self.address)
    }
}
