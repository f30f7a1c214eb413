//! What the errors of hyper, h2, rustls and the system mean: what failed, and whether the request may have reached the server.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};
use std::iter;
use std::time::Duration;

use midil_http_core::TransportErrorKind::{
    Closed, Connect, Dns, Other, Protocol, Refused, Reset, Tls,
};
use midil_http_core::{
    BodyError, BoxError, BuildError, Error, Sent, TimeoutError, TransportError, TransportErrorKind,
};

use crate::connect::Unresolved;

/// No connection came about.
pub(crate) fn in_connect(error: BoxError) -> Error {
    let kind = if find::<Unresolved>(&*error).is_some() {
        Dns
    } else if is_tls(&*error) {
        Tls
    } else {
        Connect
    };
    transport_error(kind, Sent::No, error)
}

/// The proxy at the other end would not, or could not, answer.
pub(crate) fn in_tunnel(error: hyper::Error) -> Error {
    let message = "the proxy did not answer as one";
    TransportError::new(Connect, Sent::No, message).with_source(error).into()
}

/// No connection came about in time; also where the system, or hyper-util, was the one to say so.
pub(crate) fn connect_timeout(error: Error, limit: Duration) -> Error {
    let gave_up =
        |error: &io::Error| error.kind() == ErrorKind::TimedOut && error.raw_os_error().is_none();
    let timed_out = causes(&error).filter_map(|cause| cause.downcast_ref()).any(gave_up);
    if timed_out { TimeoutError::connect(limit).into() } else { error }
}

/// The runtime was shut down while a connection was made.
pub(crate) fn no_runtime() -> Error {
    let message = "no connection could be made: the tokio runtime was shut down";
    TransportError::new(Connect, Sent::No, message).into()
}

/// The exchange failed before the head of the response came.
pub(crate) fn before_head(error: hyper::Error) -> Error {
    if is_refusal(&error) {
        let problem =
            "cannot be sent by hyper: see the cause, and check URL, method, version and headers";
        return BuildError::new("request", problem).with_source(error).into();
    }
    let kind = kind(&error);
    let sent = if kind == Refused { Sent::No } else { Sent::Maybe };
    transport_error(kind, sent, error.into())
}

/// The connection ended before hyper began to write the request.
pub(crate) fn unsent(error: hyper::Error) -> Error {
    let kind = match kind(&error) {
        Reset => Reset,
        Refused => Refused,
        _ => Closed,
    };
    transport_error(kind, Sent::No, error.into())
}

/// The body of the response broke off.
pub(crate) fn in_body(error: hyper::Error) -> Error {
    let kind = match kind(&error) {
        // What has begun to be answered was not refused unread.
        Refused => Reset,
        kind => kind,
    };
    transport_error(kind, Sent::Maybe, error.into())
}

/// The response ended before its end, and nobody says why.
pub(crate) fn cut() -> Error {
    TransportError::new(Reset, Sent::Maybe, "the server broke the response off").into()
}

fn transport_error(kind: TransportErrorKind, sent: Sent, error: BoxError) -> Error {
    let message = match kind {
        Dns => "the server's name could not be resolved",
        Connect => "no connection could be made",
        Tls => "TLS failed",
        Refused => "the server refused the request unread",
        Reset => "the connection was reset",
        Closed => "the connection ended before the response did",
        Protocol => "what the server sent is no HTTP",
        _ => "hyper failed",
    };
    TransportError::new(kind, sent, message).with_source(error).into()
}

fn kind(error: &hyper::Error) -> TransportErrorKind {
    if is_tls(error) {
        return Tls;
    }
    // hyper says of a connection that ended by itself no more than that.
    let silent = || if error.is_user() { Other } else { Closed };
    causes(error).find_map(kind_of).unwrap_or_else(silent)
}

/// What one link of the chain says, if it says anything.
fn kind_of(error: &(dyn StdError + 'static)) -> Option<TransportErrorKind> {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return kind_of_io(error);
    }
    #[cfg(feature = "http2")]
    if let Some(error) = error.downcast_ref::<h2::Error>() {
        return kind_of_http2(error);
    }
    error.downcast_ref().is_some_and(hyper::Error::is_parse).then_some(Protocol)
}

fn kind_of_io(error: &io::Error) -> Option<TransportErrorKind> {
    match error.kind() {
        // The system gave up on a peer that does not answer any more.
        ErrorKind::TimedOut if error.raw_os_error().is_some() => Some(Reset),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            Some(Reset)
        }
        ErrorKind::UnexpectedEof => Some(Closed),
        ErrorKind::InvalidData | ErrorKind::InvalidInput => Some(Protocol),
        _ => None,
    }
}

#[cfg(feature = "http2")]
fn kind_of_http2(error: &h2::Error) -> Option<TransportErrorKind> {
    let refused = error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM);
    if error.is_io() {
        // What the system says is in it, and not among its causes.
        error.get_io().and_then(kind_of_io)
    } else if error.is_remote() && refused {
        // A stream that GOAWAY spares goes on; only those beyond it see an error.
        Some(Refused)
    } else if error.is_library() {
        Some(Protocol)
    } else {
        Some(Reset)
    }
}

#[cfg(feature = "rustls")]
fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    find::<rustls::Error>(error).is_some()
}

#[cfg(not(feature = "rustls"))]
const fn is_tls(_: &(dyn StdError + 'static)) -> bool {
    false
}

/// Whether hyper would not even try. It has no predicate that tells so from a stream that failed, or a task that is gone.
fn is_refusal(error: &hyper::Error) -> bool {
    error.is_user()
        && find::<BodyError>(error).is_none()
        && error.to_string() != "dispatch task is gone"
}

fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The error, and what caused it, outermost first.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    iter::successors(Some(error), |error| cause(*error))
}

/// What `error` was caused by. An `io::Error` hides what it wraps from `source()`: look inside.
fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests;
