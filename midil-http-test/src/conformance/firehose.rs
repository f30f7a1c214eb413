//! A server that never stops sending.

use std::io;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// Answers one request with a body that has no end in sight, and counts what of it could be sent.
#[derive(Debug)]
pub(super) struct Firehose {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    sent: AtomicU64,
    over: AtomicBool,
    socket: Mutex<Option<TcpStream>>,
    client: Mutex<Option<IpAddr>>,
}

impl Firehose {
    pub(super) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let on_thread = Arc::clone(&shared);
        let thread = thread::Builder::new().name("firehose".into()).spawn(move || {
            // The client leaves, or the test ends: that is how it is over.
            let _ = serve(&listener, &on_thread);
            on_thread.socket.lock().unwrap_or_else(PoisonError::into_inner).take();
            on_thread.over.store(true, Ordering::SeqCst);
        })?;
        Ok(Self { address, shared, thread: Some(thread) })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The bytes of the body that were sent so far.
    pub(super) fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::SeqCst)
    }

    /// Whether the client has left.
    pub(super) fn is_over(&self) -> bool {
        self.shared.over.load(Ordering::SeqCst)
    }

    /// The address that the client came from.
    pub(super) fn client(&self) -> Option<IpAddr> {
        *self.shared.client.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(listener: &TcpListener, shared: &Shared) -> io::Result<()> {
    static PIECE: [u8; 64 * 1024] = [b'x'; 64 * 1024];
    let (mut socket, client) = listener.accept()?;
    *shared.client.lock().unwrap_or_else(PoisonError::into_inner) = Some(client.ip());
    let kept = socket.try_clone()?;
    *shared.socket.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte)?;
        head.extend_from_slice(&byte);
    }
    socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1099511627776\r\n\r\n")?;
    loop {
        let count = socket.write(&PIECE)?;
        shared.sent.fetch_add(u64::try_from(count).unwrap_or_default(), Ordering::SeqCst);
    }
}

impl Drop for Firehose {
    fn drop(&mut self) {
        let socket = self.shared.socket.lock().unwrap_or_else(PoisonError::into_inner).take();
        match socket {
            Some(socket) => drop(socket.shutdown(Shutdown::Both)),
            // It may still wait for a client, who leaves at once.
            None => drop(TcpStream::connect(self.address)),
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
