//! What curl's errors mean.

use std::error::Error as StdError;
use std::io;
use std::iter;
use std::time::Duration;

use http::{StatusCode, Version, header};
use isahc::error::ErrorKind;
use midil_http_core::TransportErrorKind::{Closed, Connect, Dns, Other, Protocol, Reset, Tls};
use midil_http_core::{BuildError, Error, Sent, TimeoutError, TransportError, TransportErrorKind};

pub(crate) fn before_head(error: isahc::Error, connect_timeout: Duration) -> Error {
    match error.kind() {
        ErrorKind::InvalidRequest | ErrorKind::ClientInitialization => {
            BuildError::new("request", "cannot be sent by isahc: see the cause")
                .with_source(error)
                .into()
        }
        // The only timeout that was set.
        ErrorKind::Timeout => TimeoutError::connect(connect_timeout).into(),
        _ => {
            let kind = kind(&error);
            let sent = if matches!(kind, Dns | Connect | Tls) { Sent::No } else { Sent::Maybe };
            transport_error(kind, sent).with_source(error).into()
        }
    }
}

pub(crate) fn in_body(error: io::Error) -> Error {
    transport_error(kind(&error), Sent::Maybe).with_source(error).into()
}

fn transport_error(kind: TransportErrorKind, sent: Sent) -> TransportError {
    TransportError::new(kind, sent, "the exchange over curl failed")
}

/// curl's own code, where isahc's kind is too coarse.
fn kind(error: &(dyn StdError + 'static)) -> TransportErrorKind {
    if let Some(error) = find::<curl::Error>(error) {
        return match error {
            error if error.is_couldnt_resolve_host() => Dns,
            error if error.is_couldnt_connect() => Connect,
            error if error.is_ssl_connect_error() || error.is_peer_failed_verification() => Tls,
            error if error.is_got_nothing() || error.is_partial_file() => Closed,
            error if error.is_recv_error() || error.is_send_error() => Reset,
            error if error.is_unsupported_protocol() || error.code() == WEIRD_SERVER_REPLY => {
                Protocol
            }
            _ => Other,
        };
    }
    match find::<isahc::Error>(error).map(isahc::Error::kind) {
        Some(ErrorKind::BadServerCertificate) => Tls,
        Some(ErrorKind::ProtocolViolation) => Protocol,
        _ if find::<io::Error>(error).is_some() => Reset,
        _ => Other,
    }
}

const WEIRD_SERVER_REPLY: u32 = 8;

/// An HTTP/1.1 response that says neither how long it is nor that it ends with the connection.
pub(crate) fn is_unframed<B>(response: &http::Response<B>, is_head: bool) -> bool {
    let bodiless = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED];
    let headers = response.headers();
    let framed = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION]
        .iter()
        .any(|name| headers.contains_key(name));
    response.version() == Version::HTTP_11
        && !is_head
        && !framed
        && !bodiless.contains(&response.status())
}

pub(crate) fn unframed() -> Error {
    let message = "an empty response that says neither its length nor that it is over";
    TransportError::new(Closed, Sent::Maybe, message).into()
}

fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut causes = iter::successors(Some(error), |error| cause(*error));
    causes.find_map(|cause| cause.downcast_ref())
}

/// An `io::Error` hides what it wraps from `source()`.
fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}
