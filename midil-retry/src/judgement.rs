//! What an outcome says of the server, and whether the request may be sent again.

use http::StatusCode;
use midil_http_core::{Attempt, Error, Outcome, Sent, TimeoutKind, TransportErrorKind};

/// What a strategy makes of an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// The server answered, and copes.
    Good,
    /// It says nothing of the server: an error of our own making, or a refusal that stays.
    NoVerdict,
    /// The server, or the way to it, failed.
    Bad {
        /// Whether this request is to be sent again.
        retry: bool,
    },
}

/// Whether the table of [`DefaultRetryStrategy`](crate::DefaultRetryStrategy) has `error` retried, for an idempotent
/// request at least.
///
/// That is: everything that failed on its way but for TLS, every timeout but `total_timeout`, and a status that was
/// made an error if it would be retried as a response. For a strategy's own predicate, to build on:
///
/// # Examples
///
/// ```
/// use midil_http_core::{Error, Sent, TransportError, TransportErrorKind};
/// use midil_retry::{DefaultRetryStrategy, is_transient};
///
/// let reset = TransportError::new(TransportErrorKind::Reset, Sent::Maybe, "the connection was reset");
/// assert!(is_transient(&reset.into()));
/// assert!(!is_transient(&Error::Closed));
///
/// let strategy = DefaultRetryStrategy::builder()
///     .retry_on_error(|error| is_transient(error) || matches!(error, Error::Custom(_)))
///     .build()?;
/// # Ok::<_, Error>(())
/// ```
#[must_use]
pub fn is_transient(error: &Error) -> bool {
    match error {
        Error::Transport(error) => error.kind() != TransportErrorKind::Tls,
        Error::Timeout(error) => matches!(
            error.kind(),
            TimeoutKind::Connect | TimeoutKind::Progress | TimeoutKind::Attempt
        ),
        Error::Status(error) => is_transient_status(error.status()),
        _ => false,
    }
}

/// Whether the table has `status` retried.
fn is_transient_status(status: StatusCode) -> bool {
    match status.as_u16() {
        408 | 425 | 429 => true,
        501 | 505 => false,
        _ => status.is_server_error(),
    }
}

/// Judges by the table; `statuses` and `errors` replace their part of it.
pub(crate) fn judge(
    attempt: &Attempt<'_>,
    statuses: Option<&[StatusCode]>,
    errors: Option<&dyn Fn(&Error) -> bool>,
) -> Judgement {
    let status = match attempt.outcome {
        Outcome::Response(head) => head.status,
        Outcome::Error(Error::Status(error)) => error.status(),
        Outcome::Error(error) => {
            let transient = is_transient(error);
            let wanted = errors.map_or(transient, |wants| wants(error));
            return match (wanted, transient) {
                (true, _) => {
                    Judgement::Bad { retry: attempt.idempotent || error.sent() == Sent::No }
                }
                (false, true) => Judgement::Bad { retry: false },
                (false, false) => Judgement::NoVerdict,
            };
        }
    };
    let transient = is_transient_status(status);
    let wanted = statuses.map_or(transient, |statuses| statuses.contains(&status));
    match (wanted, transient) {
        (true, _) => Judgement::Bad {
            // A rate limiter turns requests away unread.
            retry: attempt.idempotent || status == StatusCode::TOO_MANY_REQUESTS,
        },
        (false, true) => Judgement::Bad { retry: false },
        (false, false) if status.is_server_error() => Judgement::NoVerdict,
        (false, false) => Judgement::Good,
    }
}
