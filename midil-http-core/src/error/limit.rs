//! [`LimitError`]: a limit of the client's own was reached.

use std::fmt;
use std::time::Duration;

use super::Sent;

/// A limit of the client's own was reached: the size of a body, calls in flight, calls per second.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{LimitError, Sent};
///
/// let error = LimitError::new("max_response_bytes", "the response body has more than 1024 bytes: raise it, or stream the body");
/// assert_eq!((error.setting(), error.sent()), ("max_response_bytes", Sent::No));
/// assert_eq!(error.after_sending().sent(), Sent::Maybe); // it was the response that was too long
///
/// let full = LimitError::new("max_in_flight", "all places are taken: raise it, or call less").with_retry_in(Duration::from_secs(1));
/// assert_eq!(full.retry_in(), Some(Duration::from_secs(1)));
/// ```
#[derive(Debug)]
pub struct LimitError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    setting: String,
    problem: String,
    retry_in: Option<Duration>,
    sent: Sent,
}

impl LimitError {
    /// `problem` says what went over `setting`, and what to do.
    #[must_use]
    pub fn new(setting: impl Into<String>, problem: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            setting: setting.into(),
            problem: problem.into(),
            retry_in: None,
            sent: Sent::No,
        }))
    }

    /// The same error, with the time after which there may be room.
    #[must_use]
    pub fn with_retry_in(mut self, retry_in: Duration) -> Self {
        self.0.retry_in = Some(retry_in);
        self
    }

    /// The same error, of a limit that was reached after the request may have reached the server.
    #[must_use]
    pub fn after_sending(mut self) -> Self {
        self.0.sent = Sent::Maybe;
        self
    }

    /// Whether the request may have reached the server.
    #[must_use]
    pub const fn sent(&self) -> Sent {
        self.0.sent
    }

    /// The setting that was reached.
    #[must_use]
    pub fn setting(&self) -> &str {
        &self.0.setting
    }

    /// How long until there may be room, when that is known.
    #[must_use]
    pub const fn retry_in(&self) -> Option<Duration> {
        self.0.retry_in
    }
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.setting, self.0.problem)
    }
}

impl std::error::Error for LimitError {}
