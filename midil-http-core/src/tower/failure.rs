//! What the errors of a service mean.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};
use std::iter;

use crate::TransportErrorKind::{Closed, Connect, Other, Reset};
use crate::{BoxError, Error, Sent, TransportError, TransportErrorKind};

/// The service did not become ready, so it never had the request.
pub(super) fn before_call(error: BoxError) -> Error {
    translate(error, Sent::No, "the service would not take the request")
}

/// The service failed, and nobody knows when.
pub(super) fn in_call(error: BoxError) -> Error {
    translate(error, Sent::Maybe, "the service failed")
}

/// The response's body broke off.
pub(super) fn in_body(error: BoxError) -> Error {
    translate(error, Sent::Maybe, "the body of the service's response broke off")
}

fn translate(error: BoxError, sent: Sent, message: &str) -> Error {
    match error.downcast::<Error>() {
        Ok(ours) => *ours,
        Err(other) => TransportError::new(kind(&*other), sent, message).with_source(other).into(),
    }
}

/// What the system says, if it says anything: the first I/O error among the causes.
fn kind(error: &(dyn StdError + 'static)) -> TransportErrorKind {
    let mut causes = iter::successors(Some(error), |error| StdError::source(*error));
    match causes.find_map(|cause| cause.downcast_ref()).map(io::Error::kind) {
        Some(ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe) => {
            Reset
        }
        Some(ErrorKind::UnexpectedEof) => Closed,
        Some(ErrorKind::ConnectionRefused) => Connect,
        _ => Other,
    }
}
