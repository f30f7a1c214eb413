//! [`LogLevel`], and events of a level that is known only when they are told.

use tracing::Level;

/// How loud something is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogLevel {
    /// Not at all.
    Off,
    /// As an error.
    Error,
    /// As a warning.
    Warn,
    /// For the record.
    Info,
    /// For whoever looks into something.
    Debug,
    /// All there is.
    Trace,
}

impl LogLevel {
    /// Whether somebody listens.
    pub(super) fn is_heard(self) -> bool {
        match self {
            Self::Off => false,
            Self::Error => tracing::enabled!(target: "midil_http::log", Level::ERROR),
            Self::Warn => tracing::enabled!(target: "midil_http::log", Level::WARN),
            Self::Info => tracing::enabled!(target: "midil_http::log", Level::INFO),
            Self::Debug => tracing::enabled!(target: "midil_http::log", Level::DEBUG),
            Self::Trace => tracing::enabled!(target: "midil_http::log", Level::TRACE),
        }
    }
}

/// An event of that level, as `tracing`'s macros take it.
macro_rules! log_at {
    ($level:expr, $($event:tt)+) => {
        match $level {
            LogLevel::Off => {}
            LogLevel::Error => tracing::error!(target: "midil_http::log", $($event)+),
            LogLevel::Warn => tracing::warn!(target: "midil_http::log", $($event)+),
            LogLevel::Info => tracing::info!(target: "midil_http::log", $($event)+),
            LogLevel::Debug => tracing::debug!(target: "midil_http::log", $($event)+),
            LogLevel::Trace => tracing::trace!(target: "midil_http::log", $($event)+),
        }
    };
}

pub(super) use log_at;
