//! What reqwest's errors mean: what failed, and whether the request may have reached the server.
//!
//! reqwest tells little by itself, so we look at what its errors are made of. They lose their URL before they become
//! the source of ours.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};
use std::iter;
use std::time::Duration;

use hyper_util::client::legacy;
use midil_http_core::TransportErrorKind::{
    Closed, Connect, Dns, Other, Protocol, Refused, Reset, Tls,
};
use midil_http_core::{BuildError, Error, Sent, TimeoutError, TransportError, TransportErrorKind};

/// The exchange failed before the head of the response came.
pub(crate) fn before_head(error: reqwest::Error, connect_timeout: Duration) -> Error {
    let error = error.without_url();
    if error.is_builder() || is_unsupported(&error) {
        let problem = "cannot be sent by reqwest: see the cause, and check URL, method and version";
        return BuildError::new("request", problem).with_source(error).into();
    }
    if error.is_connect() && error.is_timeout() && !is_of_the_system(&error) {
        return TimeoutError::connect(connect_timeout).into();
    }
    let kind = kind(&error);
    let sent = if kind == Refused { Sent::No } else { sent(&error) };
    transport_error(kind, sent, error)
}

/// The body of the response broke off.
pub(crate) fn in_body(error: reqwest::Error) -> Error {
    let error = error.without_url();
    let kind = match kind(&error) {
        // What has begun to be answered was not refused unread.
        Refused => Reset,
        kind => kind,
    };
    transport_error(kind, Sent::Maybe, error)
}

/// The body of the response ended before its end, and nobody says why.
pub(crate) fn cut() -> Error {
    TransportError::new(Reset, Sent::Maybe, "the server broke the response off").into()
}

fn transport_error(kind: TransportErrorKind, sent: Sent, error: reqwest::Error) -> Error {
    let message = match kind {
        Dns => "the server's name could not be resolved",
        Connect if is_of_a_tunnel(&error) => {
            "the proxy opened no tunnel: see the cause, and check its address and credentials"
        }
        Connect => "no connection could be made",
        Tls => "TLS failed",
        Refused => "the server refused the request unread",
        Reset => "the connection was reset",
        Closed => "the connection ended before the response did",
        Protocol => "what the server sent is no HTTP",
        _ if error.is_timeout() => {
            "reqwest's own `read_timeout` fired: leave it out, and set the client's `timeout`"
        }
        _ => "reqwest failed",
    };
    TransportError::new(kind, sent, message).with_source(error).into()
}

fn kind(error: &reqwest::Error) -> TransportErrorKind {
    if error.is_dns() {
        Dns
    } else if is_tls(error) {
        Tls
    } else if error.is_connect() {
        Connect
    } else {
        let broken_off = || if find::<hyper::Error>(error).is_some() { Closed } else { Other };
        causes(error).find_map(kind_of).unwrap_or_else(broken_off)
    }
}

/// What one link of the chain says, if it says anything.
fn kind_of(error: &(dyn StdError + 'static)) -> Option<TransportErrorKind> {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return kind_of_io(error);
    }
    #[cfg(feature = "http2")]
    if let Some(error) = error.downcast_ref::<h2::Error>() {
        return Some(kind_of_http2(error));
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
fn kind_of_http2(error: &h2::Error) -> TransportErrorKind {
    let refused = error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM);
    if error.is_remote() && refused {
        // A stream that GOAWAY spares goes on; only those beyond it see an error.
        Refused
    } else if error.is_library() {
        Protocol
    } else {
        Reset
    }
}

fn sent(error: &reqwest::Error) -> Sent {
    // hyper-util names the connection in the error, once it has one to write to.
    let unconnected =
        find::<legacy::Error>(error).is_some_and(|error| error.connect_info().is_none());
    // hyper hands a request back as canceled that it has not begun to write.
    let unwritten = find::<hyper::Error>(error).is_some_and(hyper::Error::is_canceled);
    if unconnected || unwritten { Sent::No } else { Sent::Maybe }
}

#[cfg(feature = "rustls")]
fn is_tls(error: &reqwest::Error) -> bool {
    find::<rustls::Error>(error).is_some()
}

#[cfg(not(feature = "rustls"))]
const fn is_tls(_: &reqwest::Error) -> bool {
    false
}

/// Whether hyper-util would not even try: a version or method that it does not speak, https without TLS.
fn is_unsupported(error: &reqwest::Error) -> bool {
    // Neither has a type or a predicate of its own.
    let is_refusal = |text: &str| {
        text.starts_with("client error (User") || text == "invalid URL, scheme is not http"
    };
    find::<legacy::Error>(error).is_some()
        && causes(error).any(|cause| is_refusal(&cause.to_string()))
}

/// Whether a proxy was reached, and did not let us through.
fn is_of_a_tunnel(error: &reqwest::Error) -> bool {
    // hyper-util keeps the type to itself.
    causes(error)
        .map(ToString::to_string)
        .any(|text| text.starts_with("tunnel error: ") && !text.ends_with("underlying connection"))
}

/// Whether it was the operating system that gave up.
fn is_of_the_system(error: &reqwest::Error) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.raw_os_error().is_some())
}

fn find<T: StdError + 'static>(error: &reqwest::Error) -> Option<&T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The error, and what caused it, outermost first.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let first: &(dyn StdError + 'static) = error;
    iter::successors(Some(first), |error| cause(*error))
}

/// What `error` was caused by. An `io::Error` hides what it wraps from `source()`: look inside.
fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}
