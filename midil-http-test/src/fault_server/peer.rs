//! The client at the other end of a connection, as the connection's thread sees it.

use std::io::{self, BufRead, BufReader, Read};
use std::net::Shutdown;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::gate::Gate;
use super::line::Line;
#[cfg(feature = "tls")]
use super::tls::{Acceptor, Channel, Handshake};

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Closed; nothing that the client sent is left unread.
    Close,
    /// The sending half is closed, what the client still sends is swallowed until it closes too.
    /// (To close over unread bytes would be a reset, which can destroy what was sent before.)
    Linger,
    /// The same without the farewell that TLS has.
    Vanish,
    /// Reset.
    Reset,
    /// Closed over the first bytes that come, which makes it a reset.
    AtNextRequest,
    /// Swallows what the client sends, says nothing, until the client closes.
    Stall,
    /// Reads nothing and says nothing: the client's sending fills the buffers and stops.
    StandStill,
}

/// Bytes to and from the client, in the clear: encryption is the matter of the [`Line`].
#[derive(Debug)]
pub(super) struct Peer {
    line: Arc<Line>,
    reader: BufReader<Ear>,
    watcher: Option<JoinHandle<()>>,
}

/// The reading side of a line.
#[derive(Debug)]
struct Ear(Arc<Line>);

impl Read for Ear {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Peer {
    pub(super) fn new(line: Arc<Line>) -> Self {
        // Replies go out in one write each, there is nothing to coalesce. A client that has left
        // already makes this fail, which the first read finds out too.
        let _ = line.socket.set_nodelay(true);
        let reader = BufReader::with_capacity(32 * 1024, Ear(Arc::clone(&line)));
        Self { line, reader, watcher: None }
    }

    pub(super) fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// Shakes hands with the client; from here on the line is encrypted.
    ///
    /// # Errors
    /// How the connection is to end, where that fails or is not meant to succeed.
    #[cfg(feature = "tls")]
    pub(super) fn encrypt(&mut self, tls: &Acceptor) -> Result<(), End> {
        let channel = tls.accept(&self.line.socket)?;
        // Set once, and here alone.
        let _ = self.line.tls.set(channel);
        Ok(())
    }

    /// What was agreed on in the handshake; `None` where there was none.
    #[cfg(feature = "tls")]
    pub(super) fn handshake(&self) -> Option<&Arc<Handshake>> {
        self.line.tls.get().map(Channel::handshake)
    }

    /// What the client has sent, at least one byte; empty at the end of the stream.
    pub(super) fn peek(&mut self) -> io::Result<&[u8]> {
        loop {
            // Asked twice, because the borrow of the first answer would outlive the loop.
            match self.reader.fill_buf() {
                Ok(_) => return self.reader.fill_buf(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes `count` of the bytes that [`peek`](Self::peek) showed.
    pub(super) fn take(&mut self, count: usize) {
        self.reader.consume(count);
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.line.write(bytes)
    }

    /// Waits for `duration`; fails at once when the client or the server ends the connection.
    pub(super) fn pause(&mut self, duration: Duration) -> io::Result<()> {
        // A duration that the clock cannot represent lasts until the end of the connection.
        let deadline = Instant::now().checked_add(duration);
        self.watch()?;
        self.line.pulse.wait(deadline, || false)
    }

    /// Waits for `gate` to open; fails at once when the client or the server ends the connection.
    pub(super) fn hold(&mut self, gate: &Gate) -> io::Result<()> {
        if gate.is_open() {
            return Ok(());
        }
        self.watch()?;
        gate.subscribe(&self.line.pulse);
        self.line.pulse.wait(None, || gate.is_open())
    }

    /// Ends the connection as `end` says. The socket closes with the last [`Line`].
    pub(super) fn finish(mut self, end: End) {
        let socket = &self.line.socket;
        match end {
            End::Close => self.line.say_farewell(),
            End::Reset => {
                let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
            }
            End::Linger | End::Vanish => {
                if end == End::Linger {
                    self.line.say_farewell();
                }
                let _ = socket.shutdown(Shutdown::Write);
                self.swallow();
            }
            End::AtNextRequest => {
                // Looked at and not read; where it was sent on the heels of the last, it is read already.
                let is_here = !self.reader.buffer().is_empty();
                if is_here || socket.peek(&mut [0]).is_ok_and(|count| count > 0) {
                    let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
                }
            }
            End::Stall => self.swallow(),
            End::StandStill => {
                // Ends when the server does, or the client if nothing unread hides its leaving.
                let _ = self.watch().and_then(|()| self.line.pulse.wait(None, || false));
            }
        }
        self.line.pulse.end();
        if let Some(watcher) = self.watcher.take() {
            // Wakes the watcher out of its peek without a trace on the wire.
            let _ = self.line.socket.shutdown(Shutdown::Read);
            let _ = watcher.join();
        }
    }

    fn swallow(&mut self) {
        while let Ok(1..) = self.peek().map(<[u8]>::len) {
            let count = self.reader.buffer().len();
            self.take(count);
        }
    }

    /// From the first wait on, a second thread looks whether the client leaves meanwhile.
    fn watch(&mut self) -> io::Result<()> {
        if self.watcher.is_none() {
            let line = Arc::clone(&self.line);
            let thread = thread::Builder::new().name("fault-server-watcher".into());
            self.watcher = Some(thread.spawn(move || line.watch())?);
        }
        Ok(())
    }
}
