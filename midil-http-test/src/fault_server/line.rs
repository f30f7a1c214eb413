//! The sockets of the open connections, and how the server ends them all.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::pulse::Pulse;
#[cfg(feature = "tls")]
use super::tls::Channel;

/// What somebody who looks at a connection sees that the client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    Bytes,
    /// The end of the stream.
    End,
}

/// The socket of one connection, shared by its thread, its watcher and the server.
///
/// The socket closes with the last of them, so nobody keeps a line beyond the connection's end.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) socket: TcpStream,
    pub(super) pulse: Arc<Pulse>,
    /// Where what the client says is passed on to; ends with the line.
    onward: OnceLock<TcpStream>,
    /// From the end of the handshake on.
    #[cfg(feature = "tls")]
    pub(super) tls: OnceLock<Channel>,
}

impl Line {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            pulse: Arc::default(),
            onward: OnceLock::new(),
            #[cfg(feature = "tls")]
            tls: OnceLock::new(),
        }
    }

    /// What the client said; nothing at the end of the stream. For the thread of the connection.
    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(feature = "tls")]
        if let Some(tls) = self.tls.get() {
            return tls.read(&self.socket, buffer);
        }
        (&self.socket).read(buffer)
    }

    /// Says `bytes` to the client. For the thread of the connection.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if let Some(tls) = self.tls.get() {
            return tls.write(&self.socket, bytes);
        }
        (&self.socket).write_all(bytes)
    }

    /// Says that nothing more will be said, where the protocol has words for that.
    pub(super) fn say_farewell(&self) {
        #[cfg(feature = "tls")]
        if let Some(tls) = self.tls.get() {
            // A client that has left hears nothing.
            let _ = tls.close(&self.socket);
        }
    }

    /// Blocks until something is there to be read, or ever will be; `None`: look again.
    fn sight(&self) -> io::Result<Option<Sight>> {
        match self.socket.peek(&mut [0]) {
            Ok(0) => Ok(Some(Sight::End)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            Err(error) => Err(error),
            Ok(_) => self.arrived(),
        }
    }

    /// What the bytes are that the socket has.
    fn arrived(&self) -> io::Result<Option<Sight>> {
        #[cfg(feature = "tls")]
        if let Some(tls) = self.tls.get() {
            return tls.sight(&self.socket);
        }
        Ok(Some(Sight::Bytes))
    }

    /// Ends whatever the connection's thread is blocked in: a read, a write, a wait.
    fn stop(&self) {
        self.pulse.end();
        // The client may have closed it already: then nothing is blocked either.
        let _ = self.socket.shutdown(Shutdown::Both);
        if let Some(onward) = self.onward.get() {
            let _ = onward.shutdown(Shutdown::Both);
        }
    }

    /// Has `socket` end when the server stops. A line goes on to one socket, the first.
    pub(super) fn tie(&self, socket: TcpStream) -> &TcpStream {
        let socket = self.onward.get_or_init(|| socket);
        if self.pulse.is_over() {
            let _ = socket.shutdown(Shutdown::Both);
        }
        socket
    }

    /// Watches the socket during the waits of the connection's thread and ends them when the client
    /// leaves. Returns at the end of the connection.
    pub(super) fn watch(&self) {
        let mut seen = self.pulse.waits();
        loop {
            match self.sight() {
                // Bytes in the way hide the end of the stream, until the next wait at least.
                Ok(Some(Sight::Bytes)) => match self.pulse.next_wait(seen) {
                    Some(waits) => seen = waits,
                    None => return,
                },
                Ok(None) => {}
                Ok(Some(Sight::End)) | Err(_) => return self.pulse.end(),
            }
        }
    }
}

/// The lines of all open connections, by number of the connection.
#[derive(Debug, Default)]
pub(super) struct Lines {
    open: Mutex<HashMap<usize, Arc<Line>>>,
}

impl Lines {
    pub(super) fn add(&self, connection: usize, line: &Arc<Line>) {
        self.lock().insert(connection, Arc::clone(line));
    }

    pub(super) fn remove(&self, connection: usize) {
        let removed = self.lock().remove(&connection);
        // Dropped after the lock: this is what closes the socket.
        drop(removed);
    }

    pub(super) fn stop_all(&self) {
        for line in self.lock().values() {
            line.stop();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<usize, Arc<Line>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
