//! [`TimeoutError`]: which timeout fired, after how long, in which phase.

use std::fmt;
use std::time::Duration;

use super::Sent;

/// Which timeout fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeoutKind {
    /// `connect_timeout`: no connection in time.
    Connect,
    /// `timeout`: the attempt made no progress for that long.
    Progress,
    /// `attempt_timeout`: the attempt took too long.
    Attempt,
    /// `total_timeout`: the whole call took too long.
    Total,
}

impl TimeoutKind {
    /// The name of the setting.
    const fn setting(self) -> &'static str {
        match self {
            Self::Connect => "connect_timeout",
            Self::Progress => "timeout",
            Self::Attempt => "attempt_timeout",
            Self::Total => "total_timeout",
        }
    }
}

/// What a call was doing when its time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Waiting in a middleware or for a limit.
    Queue,
    /// Waiting to try again.
    Backoff,
    /// Fetching credentials.
    Credentials,
    /// Making a connection.
    Connect,
    /// Sending the body of the request.
    Send,
    /// Waiting for the head of the response; the connection may not have come about yet.
    Head,
    /// Reading the body of the response.
    Body,
}

impl Phase {
    const ALL: [Self; 7] = [
        Self::Queue,
        Self::Backoff,
        Self::Credentials,
        Self::Connect,
        Self::Send,
        Self::Head,
        Self::Body,
    ];

    /// A number that fits into an atomic.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Queue => 0,
            Self::Backoff => 1,
            Self::Credentials => 2,
            Self::Connect => 3,
            Self::Send => 4,
            Self::Head => 5,
            Self::Body => 6,
        }
    }

    pub(crate) fn from_code(code: u8) -> Self {
        Self::ALL.into_iter().find(|phase| phase.code() == code).unwrap_or(Self::Queue)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queue => "waiting in a middleware or for a limit",
            Self::Backoff => "waiting to try again",
            Self::Credentials => "fetching credentials",
            Self::Connect => "making a connection",
            Self::Send => "sending the request body",
            Self::Head => "waiting for the response head",
            Self::Body => "reading the response body",
        })
    }
}

/// A timeout of the client's that fired.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Phase, Sent, TimeoutError, TimeoutKind};
///
/// let error = TimeoutError::new(TimeoutKind::Total, Duration::from_secs(5), Phase::Backoff);
/// assert_eq!(
///     error.to_string(),
///     "total_timeout: no result within 5s, when waiting to try again; raise total_timeout or look at the server"
/// );
/// assert_eq!((error.phase(), error.sent()), (Phase::Backoff, Sent::Maybe));
/// assert_eq!(error.before_sending().sent(), Sent::No);
/// ```
#[derive(Debug)]
pub struct TimeoutError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: TimeoutKind,
    after: Duration,
    phase: Phase,
    sent: Sent,
}

impl TimeoutError {
    /// `kind` fired after `after`, in `phase`.
    #[must_use]
    pub fn new(kind: TimeoutKind, after: Duration, phase: Phase) -> Self {
        let sent = match kind {
            TimeoutKind::Connect => Sent::No,
            _ => Sent::Maybe,
        };
        Self(Box::new(Inner { kind, after, phase, sent }))
    }

    /// The same error, of a timeout that fired before anything of the call was sent: while it waited for a limit, say.
    #[must_use]
    pub fn before_sending(mut self) -> Self {
        self.0.sent = Sent::No;
        self
    }

    /// No connection within `after`: for transports.
    #[must_use]
    pub fn connect(after: Duration) -> Self {
        Self::new(TimeoutKind::Connect, after, Phase::Connect)
    }

    /// Which timeout fired.
    #[must_use]
    pub const fn kind(&self) -> TimeoutKind {
        self.0.kind
    }

    /// How long it was set to.
    #[must_use]
    pub const fn after(&self) -> Duration {
        self.0.after
    }

    /// What the call was doing; of an attempt that was in line for a limit of its transport for most of its time, that.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.0.phase
    }

    /// Whether the request may have reached the server, in any attempt of the call.
    #[must_use]
    pub const fn sent(&self) -> Sent {
        self.0.sent
    }
}

impl fmt::Display for TimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, after, phase, .. } = *self.0;
        let setting = kind.setting();
        let what = match kind {
            TimeoutKind::Progress => "no progress for",
            TimeoutKind::Connect => "no connection within",
            TimeoutKind::Attempt | TimeoutKind::Total => "no result within",
        };
        write!(
            f,
            "{setting}: {what} {after:?}, when {phase}; raise {setting} or look at the server"
        )
    }
}

impl std::error::Error for TimeoutError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_phase_comes_back_from_its_number() {
        for phase in Phase::ALL {
            assert_eq!(Phase::from_code(phase.code()), phase);
        }
    }
}
