//! What an outcome says of the server, and whether the request may be sent again.

use http::StatusCode;
use midil_http_core::{Attempt, Error, Outcome, Sent, is_transient, is_transient_status};

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
