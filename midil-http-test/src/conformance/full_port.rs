//! A port where no connection comes about.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// Listens with a queue that is full: who connects is neither let in nor refused.
#[derive(Debug)]
pub(super) struct FullPort {
    address: SocketAddr,
    _listener: Socket,
    _queue: Vec<TcpStream>,
}

impl FullPort {
    pub(super) fn start() -> io::Result<Self> {
        const ENOUGH: usize = 64;
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        listener.listen(0)?;
        let address = listener.local_addr()?.as_socket();
        let address = address.ok_or(io::ErrorKind::AddrNotAvailable)?;
        // How many fit is for the system to say: until one does not.
        let connect = |_| TcpStream::connect_timeout(&address, Duration::from_millis(20)).ok();
        let queue = Vec::from_iter((0..ENOUGH).map_while(connect));
        if queue.len() == ENOUGH {
            return Err(io::Error::other("the queue of a socket does not fill up here"));
        }
        Ok(Self { address, _listener: listener, _queue: queue })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}
