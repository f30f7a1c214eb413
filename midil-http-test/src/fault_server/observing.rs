//! What a test asks a server, and waits for: the same for every kind of server.

/// Gives `$server` the methods by which a test looks at it. It needs two of its own:
/// `record(&self) -> &Record` and `wait_limit_now(&self) -> Duration`.
macro_rules! observable {
    ($server:ident) => {
        /// # What came in
        impl $server {
            /// [`Observed::connections`], now.
            #[must_use]
            pub fn connections(&self) -> usize {
                self.record().read(Observed::connections)
            }

            /// [`Observed::open_connections`], now.
            #[must_use]
            pub fn open_connections(&self) -> usize {
                self.record().read(Observed::open_connections)
            }

            /// [`Observed::request_count`], now.
            #[must_use]
            pub fn request_count(&self) -> usize {
                self.record().read(Observed::request_count)
            }

            /// [`Observed::body_bytes_received`], now.
            #[must_use]
            pub fn body_bytes_received(&self) -> u64 {
                self.record().read(Observed::body_bytes_received)
            }

            /// Copies of the requests that are kept, in the order of their arrival.
            #[must_use]
            pub fn requests(&self) -> Vec<Received> {
                self.record().read(|seen| seen.requests().cloned().collect())
            }

            /// Blocks until at least `count` requests have arrived, counted at their heads.
            ///
            /// # Panics
            /// As [`wait_until`](Self::wait_until).
            #[track_caller]
            pub fn wait_for_requests(&self, count: usize) {
                self.wait(&format!("{count} requests"), |seen| seen.request_count() >= count);
            }

            /// Blocks until at least one connection has been accepted and all of them are closed:
            /// a client that leaks one is found out.
            ///
            /// # Panics
            /// As [`wait_until`](Self::wait_until).
            #[track_caller]
            pub fn wait_for_connections_closed(&self) {
                self.wait("all connections to be closed", |seen| {
                    seen.connections() > 0 && seen.open_connections() == 0
                });
            }

            /// Blocks until `done` holds. It is asked at each change, under a lock: it must not
            /// call the server.
            ///
            /// # Panics
            /// When that takes longer than the [limit](Self::wait_limit), with what was seen
            /// instead; when a closure of the script panicked, with its message.
            #[track_caller]
            pub fn wait_until(&self, done: impl Fn(&Observed) -> bool) {
                self.wait("a condition", done);
            }

            #[track_caller]
            fn wait(&self, what: &str, done: impl Fn(&Observed) -> bool) {
                self.record().wait_or_panic(self.wait_limit_now(), what, done);
            }
        }
    };
}

pub(super) use observable;
