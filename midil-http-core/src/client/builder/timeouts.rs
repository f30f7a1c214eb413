//! How long the calls of a client may take.

use std::time::Duration;

use super::HttpClientBuilder;

impl HttpClientBuilder {
    /// The longest an attempt may go without progress: 30 s by default.
    ///
    /// Progress is a connection, a piece of the request's body taken by the transport, the response head, a piece of the
    /// response's body. A slow producer or reader on our side is no stall. Some 5 MB of an upload may sit in the
    /// buffers of transport and kernel, where nobody sees whether they move.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.progress = Some(timeout);
        self
    }

    /// Lets an attempt go without progress for as long as it likes.
    pub const fn no_timeout(mut self) -> Self {
        self.timeouts.progress = None;
        self
    }

    /// The longest one attempt may take, its body included; unlimited by default.
    pub const fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.attempt = Some(timeout);
        self
    }

    /// Lets an attempt take as long as it makes progress, whatever was set before.
    pub const fn no_attempt_timeout(mut self) -> Self {
        self.timeouts.attempt = None;
        self
    }

    /// The longest a whole call may take, with retries, waits, token fetches, redirects and body; unlimited by default.
    pub const fn total_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.total = Some(timeout);
        self
    }

    /// Lets a call take as long as it likes, whatever was set before.
    pub const fn no_total_timeout(mut self) -> Self {
        self.timeouts.total = None;
        self
    }
}
