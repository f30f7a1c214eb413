//! Encryption of a blocking socket that two threads look at.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::handshake::Handshake;
use super::session::Session;
use crate::fault_server::line::Sight;

/// A session over a socket: its connection's thread reads and writes, a watcher looks whether the
/// client leaves meanwhile.
#[derive(Debug)]
pub(in crate::fault_server) struct Channel {
    handshake: Arc<Handshake>,
    /// Whoever reads from the socket holds this; taken before the session.
    reading: Mutex<()>,
    /// Never held over a read or a write of the socket.
    session: Mutex<Session>,
}

/// What is read at once: a record is at most 16 KiB.
const PIECE: usize = 16 * 1024;

impl Channel {
    /// Shakes hands over `socket`.
    pub(super) fn open(socket: &TcpStream, session: Session) -> io::Result<Self> {
        let mut session = session;
        let handshake = complete(socket, &mut session);
        // Also what went wrong.
        let outgoing = session.outgoing().and_then(|bytes| write(socket, &bytes));
        handshake.and(outgoing)?;
        let handshake = Arc::new(session.handshake());
        Ok(Self { handshake, reading: Mutex::new(()), session: Mutex::new(session) })
    }

    pub(in crate::fault_server) fn handshake(&self) -> &Arc<Handshake> {
        &self.handshake
    }

    /// Plain bytes from the client; nothing at its farewell, or the end of the stream.
    pub(in crate::fault_server) fn read(
        &self,
        socket: &TcpStream,
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        let _reading = lock(&self.reading);
        loop {
            if let Some(count) = lock(&self.session).read(buffer)? {
                return Ok(count);
            }
            self.receive(socket)?;
            let outgoing = lock(&self.session).outgoing()?;
            write(socket, &outgoing)?;
        }
    }

    pub(in crate::fault_server) fn write(
        &self,
        socket: &TcpStream,
        bytes: &[u8],
    ) -> io::Result<()> {
        // In pieces, so that a large reply is not held twice.
        for piece in bytes.chunks(4 * PIECE) {
            let sealed = lock(&self.session).seal(piece)?;
            write(socket, &sealed)?;
        }
        Ok(())
    }

    /// Says that nothing more comes.
    pub(in crate::fault_server) fn close(&self, socket: &TcpStream) -> io::Result<()> {
        let outgoing = {
            let mut session = lock(&self.session);
            session.close();
            session.outgoing()?
        };
        write(socket, &outgoing)
    }

    /// Whether the client has sent something, or left; `None` when what is there is neither, or the
    /// connection's thread was faster to take it. For the watcher, when the socket has bytes.
    pub(in crate::fault_server) fn sight(&self, socket: &TcpStream) -> io::Result<Option<Sight>> {
        let _reading = lock(&self.reading);
        if lock(&self.session).is_readable() {
            return Ok(Some(Sight::Bytes));
        }
        // The bytes are gone where the connection's thread has read them in between.
        socket.set_read_timeout(Some(Duration::from_millis(1)))?;
        let received = self.receive(socket);
        socket.set_read_timeout(None)?;
        match received {
            Err(error) if is_timeout(&error) => return Ok(None),
            received => received?,
        }
        let mut session = lock(&self.session);
        Ok(match session.is_readable() {
            true => Some(Sight::Bytes),
            false => session.is_closed().then_some(Sight::End),
        })
    }

    fn receive(&self, socket: &TcpStream) -> io::Result<()> {
        let mut bytes = [0; PIECE];
        let count = read(socket, &mut bytes)?;
        lock(&self.session).receive(&bytes[..count])
    }
}

fn complete(socket: &TcpStream, session: &mut Session) -> io::Result<()> {
    let mut bytes = [0; PIECE];
    while session.is_handshaking() {
        write(socket, &session.outgoing()?)?;
        if !session.is_handshaking() {
            break;
        }
        let count = read(socket, &mut bytes)?;
        session.receive(&bytes[..count])?;
        if session.is_closed() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

fn read(mut socket: &TcpStream, bytes: &mut [u8]) -> io::Result<usize> {
    loop {
        match socket.read(bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn write(mut socket: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    socket.write_all(bytes)
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
