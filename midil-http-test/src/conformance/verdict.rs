//! What a case comes to, and the words in which it is told.

use std::error::Error as StdError;
use std::fmt::{Debug, Write as _};

use midil_http_core::{Error, Sent, TransportErrorKind};

/// Why a behaviour does not hold: what was expected, and what was seen.
#[derive(Debug)]
pub(super) struct Failure(pub(super) String);

/// What a case comes to.
pub(super) type Verdict = Result<(), Failure>;

/// An error where none was expected. It is told to its last cause.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(format!("an unexpected error: {}", chain(&error)))
    }
}

/// For test data that cannot be wrong.
impl From<http::header::InvalidHeaderValue> for Failure {
    fn from(error: http::header::InvalidHeaderValue) -> Self {
        Self(error.to_string())
    }
}

/// For servers that get no socket.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(format!("the system denies a socket: {error}"))
    }
}

/// `what` is to be `expected`.
#[allow(
    clippy::needless_pass_by_value,
    reason = "cases read better without a `&` before each value"
)]
pub(super) fn same<S, E>(what: &str, seen: S, expected: E) -> Verdict
where
    S: PartialEq<E> + Debug,
    E: Debug,
{
    if seen == expected {
        return Ok(());
    }
    Err(Failure(format!("{what}: expected {expected:?}, saw {seen:?}")))
}

/// `holds` is to be true; `otherwise` says what was expected, and what is the case instead.
pub(super) fn ensure(holds: bool, otherwise: impl Into<String>) -> Verdict {
    if holds { Ok(()) } else { Err(Failure(otherwise.into())) }
}

/// The error that this is to come to.
pub(super) fn error_of<T: Debug>(outcome: Result<T, Error>) -> Result<Error, Failure> {
    match outcome {
        Err(error) => Ok(error),
        Ok(value) => Err(Failure(format!("expected an error, saw {value:?}"))),
    }
}

/// The error is to be a transport error of one of these kinds, and to say `sent`.
///
/// There are several where it depends on the system which of them is seen: a connection that closes over unread bytes is
/// reset.
pub(super) fn transport_error(error: &Error, kinds: &[TransportErrorKind], sent: Sent) -> Verdict {
    let expected = format!("expected a transport error of kind {kinds:?} and sent {sent:?}");
    match error {
        Error::Transport(seen) if kinds.contains(&seen.kind()) && seen.sent() == sent => Ok(()),
        Error::Transport(seen) => {
            let (kind, sent) = (seen.kind(), seen.sent());
            Err(Failure(format!("{expected}, saw {kind:?}, {sent:?}: {}", chain(error))))
        }
        other => Err(Failure(format!("{expected}, saw {}: {}", other.kind(), chain(other)))),
    }
}

/// The error and its causes, as a user would print them.
pub(super) fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, "; because: {error}");
        cause = error.source();
    }
    text
}

/// Everything that can be read off an error, down to its last cause.
pub(super) fn everything(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, "\n{error} {error:?} {error:#?}");
        cause = error.source();
    }
    text
}
