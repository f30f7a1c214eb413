//! What passes by itself, and is worth another try.

use http::StatusCode;

use crate::{Error, TimeoutKind, TransportErrorKind};

/// Whether `error` may be gone the next time.
///
/// That is: everything that failed on its way but for TLS and a download that could not be resumed, every timeout but `total_timeout`, and a status that was
/// made an error if it is [transient](is_transient_status). Whether the request may be sent again is another question
/// ([`Error::sent`], [`RequestHead::is_idempotent`](crate::RequestHead::is_idempotent)).
///
/// # Examples
///
/// ```
/// use midil_http_core::{Error, Sent, TransportError, TransportErrorKind, is_transient};
///
/// let reset = TransportError::new(TransportErrorKind::Reset, Sent::Maybe, "the connection was reset");
/// assert!(is_transient(&reset.into()));
/// assert!(!is_transient(&Error::Closed));
/// ```
#[must_use]
pub fn is_transient(error: &Error) -> bool {
    match error {
        Error::Transport(error) => {
            !matches!(error.kind(), TransportErrorKind::Tls | TransportErrorKind::NotResumed)
        }
        Error::Timeout(error) => matches!(
            error.kind(),
            TimeoutKind::Connect | TimeoutKind::Progress | TimeoutKind::Attempt
        ),
        Error::Status(error) => is_transient_status(error.status()),
        _ => false,
    }
}

/// Whether a server that answers `status` may answer otherwise the next time: 408, 425, 429, and any 5xx but 501 and 505.
///
/// # Examples
///
/// ```
/// use http::StatusCode;
/// use midil_http_core::is_transient_status;
///
/// assert!(is_transient_status(StatusCode::SERVICE_UNAVAILABLE));
/// assert!(!is_transient_status(StatusCode::NOT_IMPLEMENTED));
/// ```
#[must_use]
pub fn is_transient_status(status: StatusCode) -> bool {
    match status.as_u16() {
        408 | 425 | 429 => true,
        501 | 505 => false,
        _ => status.is_server_error(),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::StatusError;

    #[test]
    fn a_status_that_was_made_an_error_is_as_transient_as_it_was_before() {
        for (status, transient) in
            [(408, true), (429, true), (503, true), (404, false), (501, false)]
        {
            let status = StatusCode::from_u16(status).expect("a status");
            let error = StatusError::new(status, HeaderMap::new(), "").into();
            assert_eq!(is_transient(&error), transient, "{status}");
        }
    }
}
