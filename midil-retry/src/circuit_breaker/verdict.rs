//! [`Verdict`]: what an outcome says of the server.

use http::StatusCode;
use midil_http_core::{Error, LastOutcome, Outcome, Phase, TimeoutError, TimeoutKind};

/// What an outcome says of the server, from a [`CircuitBreaker`](crate::CircuitBreaker)'s point of view.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::Outcome;
/// use midil_retry::{CircuitBreaker, Verdict};
///
/// // This server answers 404 when it has lost its database.
/// let breaker = CircuitBreaker::builder()
///     .classify(|outcome| match outcome {
///         Outcome::Response(head) if head.status == 404 => Verdict::Failure,
///         other => Verdict::of(other),
///     })
///     .build()?;
/// # Ok::<_, midil_http_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a server copes, or does not, or nobody knows")]
pub enum Verdict {
    /// The server copes.
    Success,
    /// The server, or the way to it, failed.
    Failure,
    /// It says nothing of the server.
    Ignore,
}

impl Verdict {
    /// The verdict of a breaker that is told nothing else.
    ///
    /// | outcome | verdict |
    /// |---|---|
    /// | 2xx, 3xx, 4xx but 429 | success |
    /// | 5xx; an error of the transport; a timeout | failure |
    /// | 429; a timeout in a queue, before the request was sent or where most of the time went, or of `attempt_timeout` or `total_timeout` during its upload; every error of our own side: credentials, limits, the caller's stream | ignored |
    #[must_use]
    pub fn of(outcome: Outcome<'_>) -> Self {
        match outcome {
            Outcome::Response(head) => Self::of_status(head.status),
            Outcome::Error(error) => Self::of_error(error),
        }
    }

    pub(super) fn of_status(status: StatusCode) -> Self {
        if status.is_server_error() {
            Self::Failure
        } else if status == StatusCode::TOO_MANY_REQUESTS {
            Self::Ignore
        } else {
            Self::Success
        }
    }

    pub(super) fn of_error(error: &Error) -> Self {
        match error {
            Error::Transport(_) => Self::Failure,
            Error::Timeout(error) if is_the_servers(error) => Self::Failure,
            Error::Status(error) => Self::of_status(error.status()),
            Error::RetryExhausted(exhausted) => match exhausted.last() {
                LastOutcome::Response(response) => Self::of_status(response.status()),
                LastOutcome::Error(error) => Self::of_error(error),
            },
            _ => Self::Ignore,
        }
    }
}

/// Whether the time was spent on the server, and not in a queue or a stream of ours.
fn is_the_servers(error: &TimeoutError) -> bool {
    let stalled = match error.phase() {
        Phase::Queue | Phase::Backoff | Phase::Credentials => false,
        // Those two count what the peer does not do; it may be a body that it does not take.
        _ => matches!(error.kind(), TimeoutKind::Connect | TimeoutKind::Progress),
    };
    stalled || is_with_server(error.phase())
}

/// Whether a call in that phase waits for the server. While it sends, it may wait for its own stream.
pub(super) const fn is_with_server(phase: Phase) -> bool {
    matches!(phase, Phase::Connect | Phase::Head)
}
