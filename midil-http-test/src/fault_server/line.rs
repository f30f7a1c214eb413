//! The sockets of the open connections, and how the server ends them all.

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::pulse::Pulse;

/// The socket of one connection, shared by its thread, its watcher and the server.
///
/// The socket closes with the last of them, so nobody keeps a line beyond the connection's end.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) socket: TcpStream,
    pub(super) pulse: Arc<Pulse>,
}

impl Line {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self { socket, pulse: Arc::default() }
    }

    /// Ends whatever the connection's thread is blocked in: a read, a write, a wait.
    fn stop(&self) {
        self.pulse.end();
        // The client may have closed it already: then nothing is blocked either.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Watches the socket during the waits of the connection's thread and ends them when the client
    /// leaves. Returns at the end of the connection.
    pub(super) fn watch(&self) {
        let mut seen = self.pulse.waits();
        loop {
            match self.socket.peek(&mut [0]) {
                // Bytes in the way hide the end of the stream, until the next wait at least.
                Ok(1..) => match self.pulse.next_wait(seen) {
                    Some(waits) => seen = waits,
                    None => return,
                },
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return self.pulse.end(),
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
