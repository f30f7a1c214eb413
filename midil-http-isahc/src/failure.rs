//! What curl's errors mean: what failed, and whether the request may have reached the server.

use std::error::Error as StdError;
use std::io;
use std::iter;
use std::time::Duration;

use isahc::error::ErrorKind;
use midil_http_core::TransportErrorKind::{Closed, Connect, Dns, Other, Protocol, Reset, Tls};
use midil_http_core::{BuildError, Error, Sent, TimeoutError, TransportError, TransportErrorKind};

/// The exchange failed before the head of the response came.
pub(crate) fn before_head(error: isahc::Error, connect_timeout: Duration) -> Error {
    let code = code(&error);
    if code == Some(curl_code::OPERATION_TIMEDOUT) {
        // Of curl's timeouts it is the only one that is set.
        return TimeoutError::connect(connect_timeout).into();
    }
    if is_unsupported(&error, code) {
        let problem = "cannot be sent by curl: see the cause, and check URL, method and version";
        return BuildError::new("request", problem).with_source(error).into();
    }
    let kind = kind(&error);
    // curl cannot say that nothing was written, once there is a connection.
    let sent = if matches!(kind, Dns | Connect | Tls) { Sent::No } else { Sent::Maybe };
    transport_error(kind, sent).with_source(error).into()
}

/// The body of the response broke off.
pub(crate) fn in_body(error: io::Error) -> Error {
    transport_error(kind(&error), Sent::Maybe).with_source(error).into()
}

/// The connection ended inside the head, though curl takes it for a response.
pub(crate) fn cut_head() -> Error {
    TransportError::new(
        Closed,
        Sent::Maybe,
        "the connection ended before the head of the response did",
    )
    .into()
}

/// isahc's thread ended before it took the request.
pub(crate) fn no_thread() -> Error {
    TransportError::new(
        Other,
        Sent::No,
        "isahc's thread has ended, and the next call gets another; nothing was sent",
    )
    .into()
}

/// isahc's thread ended, and the exchange with it.
pub(crate) fn lost_thread() -> Error {
    TransportError::new(
        Other,
        Sent::Maybe,
        "isahc's thread ended during the exchange, and the next call gets another",
    )
    .into()
}

/// Whether isahc's thread ended with the exchange: then there is no error of curl's.
pub(crate) fn is_end_of_thread(error: &(dyn StdError + 'static)) -> bool {
    let of_isahc =
        || find::<isahc::Error>(error).is_some_and(|error| error.kind() == ErrorKind::Unknown);
    let of_pipe = || {
        find::<io::Error>(error).is_some_and(|error| {
            error.kind() == io::ErrorKind::ConnectionAborted && error.get_ref().is_none()
        })
    };
    find::<curl::Error>(error).is_none() && (of_isahc() || of_pipe())
}

fn transport_error(kind: TransportErrorKind, sent: Sent) -> TransportError {
    let message = match kind {
        Dns => "the server's name, or the proxy's, could not be resolved",
        Connect => "no connection could be made",
        Tls => "TLS failed",
        Reset => "the connection broke",
        Closed => "the connection ended before the response did",
        Protocol => "what the server sent is no HTTP",
        _ => "the exchange over curl failed",
    };
    TransportError::new(kind, sent, message)
}

/// What isahc or curl would not even try.
fn is_unsupported(error: &isahc::Error, code: Option<u32>) -> bool {
    match code {
        Some(curl_code::URL_MALFORMAT) => true,
        Some(_) => false,
        None => matches!(
            error.kind(),
            ErrorKind::InvalidRequest
                | ErrorKind::ClientInitialization
                | ErrorKind::InvalidTlsConfiguration
        ),
    }
}

/// curl's own code, where isahc's kind is too coarse.
fn kind(error: &(dyn StdError + 'static)) -> TransportErrorKind {
    use curl_code::*;
    let Some(code) = code(error) else {
        return if is_end_of_thread(error) { Other } else { kind_of_isahc(error) };
    };
    match code {
        COULDNT_RESOLVE_PROXY | COULDNT_RESOLVE_HOST => Dns,
        COULDNT_CONNECT | INTERFACE_FAILED | PROXY => Connect,
        SSL_CONNECT_ERROR
        | SSL_ENGINE_NOTFOUND
        | SSL_ENGINE_SETFAILED
        | SSL_CERTPROBLEM
        | SSL_CIPHER
        | PEER_FAILED_VERIFICATION
        | USE_SSL_FAILED
        | SSL_ENGINE_INITFAILED
        | SSL_CACERT_BADFILE
        | SSL_CRL_BADFILE
        | SSL_ISSUER_ERROR
        | SSL_PINNED_MISMATCH
        | SSL_INVALID_CERT_STATUS
        | SSL_CLIENTCERT => Tls,
        // The last of them: the body would have had to be sent again, over another connection.
        GOT_NOTHING | PARTIAL_FILE | SEND_FAIL_REWIND => Closed,
        // Also what curl cannot make sense of, a chunk for one: isahc keeps its code alone.
        SEND_ERROR | RECV_ERROR | HTTP2_STREAM => Reset,
        // isahc refuses a line of the head, or of the trailers, by refusing to write it.
        UNSUPPORTED_PROTOCOL | WEIRD_SERVER_REPLY | HTTP2 | WRITE_ERROR | BAD_CONTENT_ENCODING
        | TOO_LARGE => Protocol,
        _ => Other,
    }
}

fn kind_of_isahc(error: &(dyn StdError + 'static)) -> TransportErrorKind {
    match find::<isahc::Error>(error).map(isahc::Error::kind) {
        Some(ErrorKind::BadServerCertificate | ErrorKind::BadClientCertificate) => Tls,
        Some(ErrorKind::ProtocolViolation) => Protocol,
        _ if find::<io::Error>(error).is_some() => Reset,
        _ => Other,
    }
}

fn code(error: &(dyn StdError + 'static)) -> Option<u32> {
    find::<curl::Error>(error).map(curl::Error::code)
}

/// Those of [libcurl](https://curl.se/libcurl/c/libcurl-errors.html).
mod curl_code {
    pub(super) const UNSUPPORTED_PROTOCOL: u32 = 1;
    pub(super) const URL_MALFORMAT: u32 = 3;
    pub(super) const COULDNT_RESOLVE_PROXY: u32 = 5;
    pub(super) const COULDNT_RESOLVE_HOST: u32 = 6;
    pub(super) const COULDNT_CONNECT: u32 = 7;
    pub(super) const WEIRD_SERVER_REPLY: u32 = 8;
    pub(super) const HTTP2: u32 = 16;
    pub(super) const PARTIAL_FILE: u32 = 18;
    pub(super) const WRITE_ERROR: u32 = 23;
    pub(super) const OPERATION_TIMEDOUT: u32 = 28;
    pub(super) const SSL_CONNECT_ERROR: u32 = 35;
    pub(super) const INTERFACE_FAILED: u32 = 45;
    pub(super) const GOT_NOTHING: u32 = 52;
    pub(super) const SSL_ENGINE_NOTFOUND: u32 = 53;
    pub(super) const SSL_ENGINE_SETFAILED: u32 = 54;
    pub(super) const SEND_ERROR: u32 = 55;
    pub(super) const RECV_ERROR: u32 = 56;
    pub(super) const SSL_CERTPROBLEM: u32 = 58;
    pub(super) const SSL_CIPHER: u32 = 59;
    pub(super) const PEER_FAILED_VERIFICATION: u32 = 60;
    pub(super) const BAD_CONTENT_ENCODING: u32 = 61;
    pub(super) const USE_SSL_FAILED: u32 = 64;
    pub(super) const SEND_FAIL_REWIND: u32 = 65;
    pub(super) const SSL_ENGINE_INITFAILED: u32 = 66;
    pub(super) const SSL_CACERT_BADFILE: u32 = 77;
    pub(super) const SSL_CRL_BADFILE: u32 = 82;
    pub(super) const SSL_ISSUER_ERROR: u32 = 83;
    pub(super) const SSL_PINNED_MISMATCH: u32 = 90;
    pub(super) const SSL_INVALID_CERT_STATUS: u32 = 91;
    pub(super) const HTTP2_STREAM: u32 = 92;
    pub(super) const PROXY: u32 = 97;
    pub(super) const SSL_CLIENTCERT: u32 = 98;
    pub(super) const TOO_LARGE: u32 = 100;
}

fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut causes = iter::successors(Some(error), |error| cause(*error));
    causes.find_map(|cause| cause.downcast_ref())
}

/// What `error` was caused by. An `io::Error` hides what it wraps from `source()`: look inside.
fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}
