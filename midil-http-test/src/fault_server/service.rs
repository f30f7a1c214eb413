//! What a server does with the connections that it accepts.

use std::fmt;
use std::sync::Arc;

use super::line::Line;
use super::record::Record;

/// Serves connections, each on a thread of its own.
pub(super) trait Service: fmt::Debug + Send + Sync + 'static {
    /// Serves connection number `connection` to its end. The socket closes with the last clone of
    /// `line`, of which the server keeps one until this returns.
    fn serve(&self, connection: usize, line: Arc<Line>, record: &Record);
}
