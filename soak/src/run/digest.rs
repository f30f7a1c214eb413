//! [`Digest`]: what tells whether two runs were the same.

use std::fmt;

use midil_http_test::fault_server::Received;

/// Of all that was added, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digest(u64);

impl Digest {
    pub(super) fn new() -> Self {
        Self(0)
    }

    pub(super) fn add(&mut self, what: &str) {
        self.0 = Received::checksum([&self.0.to_be_bytes()[..], what.as_bytes()]);
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
