//! A server at work: its threads and its end.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::SockRef;

use crate::fault_server::accept::{Shared, accept};
use crate::fault_server::line::Lines;
use crate::fault_server::record::Record;
use crate::fault_server::service::Service;

/// What the servers of this module have in common, whatever they speak.
#[derive(Debug)]
pub(in crate::fault_server) struct Running {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Arc<TcpListener>,
    /// Ends with the threads of the connections. `None` only while it is dropped.
    acceptor: Option<JoinHandle<Vec<JoinHandle<()>>>>,
    wait_limit: Duration,
}

impl Running {
    /// Serves on `listener`, which listens at `address`.
    pub(in crate::fault_server) fn on(
        listener: TcpListener,
        address: SocketAddr,
        service: impl Service,
    ) -> Self {
        let shared = Arc::new(Shared {
            service: Box::new(service),
            record: Record::new(),
            lines: Lines::default(),
            stopping: AtomicBool::new(false),
        });
        let listener = Arc::new(listener);
        let (on_thread, for_thread) = (Arc::clone(&listener), Arc::clone(&shared));
        let thread = thread::Builder::new().name("fault-server".into());
        let acceptor = thread.spawn(move || accept(&on_thread, &for_thread));
        let acceptor = Some(acceptor.expect("the system grants a thread"));
        Self { address, shared, listener, acceptor, wait_limit: Duration::from_secs(10) }
    }

    pub(in crate::fault_server) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(in crate::fault_server) fn record(&self) -> &Record {
        &self.shared.record
    }

    pub(in crate::fault_server) fn set_wait_limit(&mut self, limit: Duration) {
        self.wait_limit = limit;
    }

    pub(in crate::fault_server) fn wait_limit(&self) -> Duration {
        self.wait_limit
    }
}

/// # Panics
/// When a closure of the script panicked, with its message.
impl Drop for Running {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Where a listener cannot be shut down, a connection wakes the acceptor; where that is
        // impossible too, its queue is full and it is awake.
        if SockRef::from(&*self.listener).shutdown(Shutdown::Both).is_err() {
            let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        }
        let Some(acceptor) = self.acceptor.take() else { return };
        acceptor.thread().unpark();
        let connections = acceptor.join().unwrap_or_default();
        // No connection can be added from here on.
        self.shared.lines.stop_all();
        for connection in connections {
            let _ = connection.join();
        }
        if let Some(message) = self.shared.record.script_panic().filter(|_| !thread::panicking()) {
            panic!("the script panicked: {message}");
        }
    }
}
