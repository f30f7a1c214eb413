//! Encryption without a socket: sealed bytes go in and out, and plain ones on the other side.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection};

use super::handshake::Handshake;

/// The server's side of one TLS connection.
#[derive(Debug)]
pub(in crate::fault_server) struct Session {
    connection: ServerConnection,
    /// Arrived, and not yet looked into: what is looked into is at once kept in the clear.
    arrived: Vec<u8>,
    closed: bool,
}

impl Session {
    pub(in crate::fault_server) fn new(config: &Arc<ServerConfig>) -> io::Result<Self> {
        let connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
        Ok(Self { connection, arrived: Vec::new(), closed: false })
    }

    pub(in crate::fault_server) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    pub(in crate::fault_server) fn handshake(&self) -> Handshake {
        Handshake::of(&self.connection)
    }

    /// Takes what came over the socket; nothing is the end of the stream.
    ///
    /// # Errors
    /// `InvalidData` when it is no TLS, or the client does not agree; what is to be told to it is
    /// [outgoing](Self::outgoing).
    pub(in crate::fault_server) fn receive(&mut self, sealed: &[u8]) -> io::Result<()> {
        // Truncated or not, a stream that is over is over.
        self.closed |= sealed.is_empty();
        self.arrived.extend_from_slice(sealed);
        self.look()
    }

    /// Whether the client sends no more, once what has arrived is [read](Self::read).
    pub(in crate::fault_server) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether there are plain bytes to be read.
    pub(in crate::fault_server) fn is_readable(&mut self) -> bool {
        self.connection.reader().into_first_chunk().is_ok_and(|chunk| !chunk.is_empty())
    }

    /// Plain bytes; `None` when more must arrive first, `Some(0)` at the end.
    pub(in crate::fault_server) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            if self.is_readable() {
                return self.connection.reader().read(buffer).map(Some);
            }
            if self.arrived.is_empty() {
                return Ok(self.closed.then_some(0));
            }
            self.look()?;
        }
    }

    /// Seals all of `bytes`, to be sent with whatever else is [outgoing](Self::outgoing).
    pub(in crate::fault_server) fn seal(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut sealed = Vec::with_capacity(bytes.len() + 512);
        let mut left = bytes;
        while !left.is_empty() {
            let taken = self.connection.writer().write(left)?;
            left = &left[taken..];
            self.drain(&mut sealed)?;
        }
        Ok(sealed)
    }

    /// Says that nothing more will be sealed.
    pub(in crate::fault_server) fn close(&mut self) {
        self.connection.send_close_notify();
    }

    /// What is to be sent of its own accord: the handshake, alerts, tickets.
    pub(in crate::fault_server) fn outgoing(&mut self) -> io::Result<Vec<u8>> {
        let mut sealed = Vec::new();
        self.drain(&mut sealed)?;
        Ok(sealed)
    }

    fn drain(&mut self, sealed: &mut Vec<u8>) -> io::Result<()> {
        while self.connection.wants_write() {
            self.connection.write_tls(sealed)?;
        }
        Ok(())
    }

    /// Looks into what has arrived, until there is something to read.
    fn look(&mut self) -> io::Result<()> {
        while !self.arrived.is_empty() && !self.is_readable() {
            let taken = self.connection.read_tls(&mut self.arrived.as_slice())?;
            self.arrived.drain(..taken);
            let state = self.connection.process_new_packets();
            let state = state.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            if state.peer_has_closed() {
                self.closed = true;
                self.arrived.clear();
            }
        }
        Ok(())
    }
}
