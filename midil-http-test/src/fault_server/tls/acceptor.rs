//! The server's side of handshakes, those that are to fail among them.

use std::io::{self, Write};
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
    pub(in crate::fault_server) fn accept(&self, mut socket: &TcpStream) -> Result<Channel, End> {
        if let Some((bytes, end)) = self.instead() {
            // The client is to say hello first.
            if !socket.peek(&mut [0]).is_ok_and(|count| count > 0) {
                return Err(End::Vanish);
            }
            // A client that has left hears nothing.
            let _ = socket.write_all(bytes);
            return Err(end);
        }
        // A client that does not trust the server says why, and must not be cut short.
        let session = self.session().map_err(|_| End::Linger)?;
        Channel::open(socket, session).map_err(|_| End::Linger)
    }

    pub(in crate::fault_server) fn session(&self) -> io::Result<Session> {
        Session::new(&self.config)
    }

    /// What is said in place of a handshake, once the client has begun one, and how the connection
    /// ends then; `None` where hands are shaken.
    pub(in crate::fault_server) fn instead(&self) -> Option<(&'static [u8], End)> {
        // RFC 8446 section 6: an alert, of TLS 1.2 for all the record knows, fatal, handshake_failure.
        const REFUSAL: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];
        Some(match self.fault? {
            Fault::Refuse => (&REFUSAL, End::Linger),
            // What the client said is read, so that a close is not a reset.
            Fault::Cut(Cut::Close | Cut::Truncate) => (&[], End::Linger),
            Fault::Cut(Cut::Reset) => (&[], End::Reset),
            Fault::Cut(Cut::Stall) => (&[], End::Stall),
        })
    }
}
