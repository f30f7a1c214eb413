//! The server's side of handshakes, those that are to fail among them.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;

use rustls::ServerConfig;

use super::channel::Channel;
use super::session::Session;
use crate::fault_server::cut::Cut;
use crate::fault_server::peer::End;

/// What a server does with the handshakes of its connections.
#[derive(Clone, Debug)]
pub(in crate::fault_server) struct Acceptor {
    pub(super) config: Arc<ServerConfig>,
    pub(super) fault: Option<Fault>,
}

/// What becomes of a handshake when the client has begun it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The alert `handshake_failure`.
    Refuse,
    Cut(Cut),
}

impl Acceptor {
    /// Shakes hands, or does not.
    ///
    /// # Errors
    /// How the connection is to end.
    pub(in crate::fault_server) fn accept(&self, socket: &TcpStream) -> Result<Channel, End> {
        if let Some(fault) = self.fault {
            return Err(fail(socket, fault));
        }
        // A client that does not trust the server says why, and must not be cut short.
        let session = Session::new(&self.config).map_err(|_| End::Linger)?;
        Channel::open(socket, session).map_err(|_| End::Linger)
    }
}

/// Lets the client say hello; returns how the connection is to end.
fn fail(mut socket: &TcpStream, fault: Fault) -> End {
    // RFC 8446 section 6: an alert, of TLS 1.2 for all the record knows, fatal, handshake_failure.
    const REFUSAL: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];
    // What was there is read, so that a close is not a reset.
    match socket.peek(&mut [0]) {
        Ok(1..) => {}
        Ok(0) | Err(_) => return End::Vanish,
    }
    match fault {
        Fault::Refuse => {
            let _ = socket.write_all(&REFUSAL);
            End::Linger
        }
        Fault::Cut(Cut::Close | Cut::Truncate) => End::Linger,
        Fault::Cut(Cut::Reset) => End::Reset,
        Fault::Cut(Cut::Stall) => End::Stall,
    }
}
