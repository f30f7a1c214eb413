//! [`RetryExhausted`]: the strategy gave up.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

use super::Error;
use crate::{Body, GiveUpReason, redact};

/// The strategy gave up: how many attempts were made, for how long, why no more, and what the last one came to.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Body, Error, GiveUpReason, LastOutcome, RetryExhausted};
///
/// let busy = http::Response::builder().status(503).body(Body::from("busy")).unwrap();
/// let exhausted =
///     RetryExhausted::new(3, Duration::from_secs(1), GiveUpReason::Attempts, LastOutcome::Response(busy));
/// assert_eq!(
///     exhausted.to_string(),
///     "gave up after 3 attempts in 1s: all attempts are used up; the last one came to status 503"
/// );
/// assert!(exhausted.last_error().is_none());
/// assert_eq!(exhausted.into_response().unwrap().status(), 503);
/// ```
pub struct RetryExhausted(Box<Inner>);

struct Inner {
    attempts: u32,
    elapsed: Duration,
    reason: GiveUpReason,
    last: LastOutcome,
}

/// What the last attempt came to.
#[allow(clippy::exhaustive_enums, reason = "an attempt comes to a response or an error")]
pub enum LastOutcome {
    /// A response, up to 64 KiB of its body in memory.
    Response(http::Response<Body>),
    /// An error.
    Error(Error),
}

impl RetryExhausted {
    /// Puts the parts together.
    #[must_use]
    pub fn new(attempts: u32, elapsed: Duration, reason: GiveUpReason, last: LastOutcome) -> Self {
        Self(Box::new(Inner { attempts, elapsed, reason, last }))
    }

    /// How many attempts the call made: 1 and its retries.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// How long the call took.
    #[must_use]
    pub const fn elapsed(&self) -> Duration {
        self.0.elapsed
    }

    /// Why there was no further attempt.
    #[must_use]
    pub const fn reason(&self) -> &GiveUpReason {
        &self.0.reason
    }

    /// What the last attempt came to.
    #[must_use]
    pub const fn last(&self) -> &LastOutcome {
        &self.0.last
    }

    /// The last response of the server, also where a transport that retries gave up below.
    pub(crate) fn last_response_mut(&mut self) -> Option<&mut http::Response<Body>> {
        match &mut self.0.last {
            LastOutcome::Response(response) => Some(response),
            LastOutcome::Error(Error::RetryExhausted(below)) => below.last_response_mut(),
            LastOutcome::Error(_) => None,
        }
    }

    pub(crate) fn into_last_error(self) -> Result<Error, Self> {
        let inner = *self.0;
        match inner.last {
            LastOutcome::Error(error) => Ok(error),
            last @ LastOutcome::Response(_) => Err(Self(Box::new(Inner { last, ..inner }))),
        }
    }

    /// The error of the last attempt, when it came to one.
    #[must_use]
    pub const fn last_error(&self) -> Option<&Error> {
        match &self.0.last {
            LastOutcome::Error(error) => Some(error),
            LastOutcome::Response(_) => None,
        }
    }

    /// The status of the last attempt, when it came to a response.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match &self.0.last {
            LastOutcome::Response(response) => Some(response.status()),
            LastOutcome::Error(error) => error.status(),
        }
    }

    /// The last response, when there was one, with up to 64 KiB of its body.
    ///
    /// Where the body was longer, or did not come in time, reading it ends in an error after what there is; it is
    /// never silently short.
    #[must_use]
    pub fn into_response(self) -> Option<http::Response<Body>> {
        match self.0.last {
            LastOutcome::Response(response) => Some(response),
            LastOutcome::Error(_) => None,
        }
    }

    /// What the last attempt came to, to keep.
    #[must_use]
    pub fn into_last(self) -> LastOutcome {
        self.0.last
    }
}

impl fmt::Display for RetryExhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { attempts, elapsed, reason, last } = &*self.0;
        let plural = if *attempts == 1 { "" } else { "s" };
        write!(
            f,
            "gave up after {attempts} attempt{plural} in {elapsed:.0?}: {reason}; the last one came to "
        )?;
        match last {
            LastOutcome::Response(response) => write!(f, "status {}", response.status().as_u16()),
            LastOutcome::Error(error) => write!(f, "an error ({})", error.kind()),
        }
    }
}

impl fmt::Debug for RetryExhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryExhausted")
            .field("attempts", &self.0.attempts)
            .field("elapsed", &self.0.elapsed)
            .field("reason", &self.0.reason)
            .field("last", &self.0.last)
            .finish()
    }
}

impl fmt::Debug for LastOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => f.debug_tuple("Error").field(error).finish(),
            Self::Response(response) => f
                .debug_struct("Response")
                .field("status", &response.status())
                .field("headers", &redact::headers(response.headers()))
                .finish_non_exhaustive(),
        }
    }
}

impl std::error::Error for RetryExhausted {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.last {
            LastOutcome::Error(error) => Some(error),
            LastOutcome::Response(_) => None,
        }
    }
}
