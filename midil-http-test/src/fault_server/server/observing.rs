//! What a test asks a server, and waits for.

use super::FaultServer;
use crate::fault_server::observed::Observed;
use crate::fault_server::received::Received;

/// # What came in
impl FaultServer {
    /// [`Observed::connections`], now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.running.record().read(Observed::connections)
    }

    /// [`Observed::open_connections`], now.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.running.record().read(Observed::open_connections)
    }

    /// [`Observed::failed_handshakes`], now.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn failed_handshakes(&self) -> usize {
        self.running.record().read(Observed::failed_handshakes)
    }

    /// [`Observed::request_count`], now.
    #[must_use]
    pub fn request_count(&self) -> usize {
        self.running.record().read(Observed::request_count)
    }

    /// [`Observed::body_bytes_received`], now.
    #[must_use]
    pub fn body_bytes_received(&self) -> u64 {
        self.running.record().read(Observed::body_bytes_received)
    }

    /// Copies of the requests that are kept, in the order of their arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        self.running.record().read(|seen| seen.requests().cloned().collect())
    }

    /// Blocks until at least `count` requests have arrived, counted at their heads.
    ///
    /// # Panics
    /// As [`wait_until`](Self::wait_until).
    #[track_caller]
    pub fn wait_for_requests(&self, count: usize) {
        self.running.wait(&format!("{count} requests"), |seen| seen.request_count() >= count);
    }

    /// Blocks until at least one connection has been accepted and all of them are closed.
    ///
    /// # Panics
    /// As [`wait_until`](Self::wait_until).
    #[track_caller]
    pub fn wait_for_connections_closed(&self) {
        self.running.wait("all connections to be closed", |seen| {
            seen.connections() > 0 && seen.open_connections() == 0
        });
    }

    /// Blocks until `done` holds. It is asked at each change, under a lock: it must not call the
    /// server.
    ///
    /// # Panics
    /// When that takes longer than the [limit](Self::wait_limit), with what was seen instead; when
    /// a closure of the script panicked, with its message.
    #[track_caller]
    pub fn wait_until(&self, done: impl Fn(&Observed) -> bool) {
        self.running.wait("a condition", done);
    }
}
