//! [`TransportError`]: the exchange failed on its way.

use std::fmt;

use super::BoxError;

/// Whether a request may have reached the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "there is no third answer")]
pub enum Sent {
    /// Certainly not: sending it again is safe, whatever its method.
    No,
    /// Perhaps: only an idempotent request may be sent again.
    Maybe,
}

/// What failed on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The server's name could not be resolved.
    Dns,
    /// No connection could be made: refused, unreachable, or a proxy that would not.
    Connect,
    /// TLS could not be set up, or the certificate is not trusted. Never retried: it will not heal by itself.
    Tls,
    /// The peer refused the request unread: HTTP/2 `REFUSED_STREAM`, or `GOAWAY` before our stream.
    Refused,
    /// The connection was reset.
    Reset,
    /// The connection ended before the message did.
    Closed,
    /// What came back is no HTTP.
    Protocol,
    /// A download broke off and could not be resumed: the resource has changed, or the server did not send the rest. What
    /// was handed on before is of the resource as it was.
    NotResumed,
    /// Anything else.
    Other,
}

/// An exchange that failed on its way: [`kind`](Self::kind) says what, [`sent`](Self::sent) how far it may have got.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Sent, TransportError, TransportErrorKind};
///
/// let io = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
/// let error = TransportError::new(TransportErrorKind::Reset, Sent::Maybe, "the connection was reset").with_source(io);
/// assert_eq!(error.kind(), TransportErrorKind::Reset);
/// ```
#[derive(Debug)]
pub struct TransportError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: TransportErrorKind,
    sent: Sent,
    message: String,
    source: Option<BoxError>,
}

impl TransportError {
    /// `message` must hold no URL, header or body.
    #[must_use]
    pub fn new(kind: TransportErrorKind, sent: Sent, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, sent, message: message.into(), source: None }))
    }

    /// The same error, with its cause, which must hold no URL either.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What failed.
    #[must_use]
    pub const fn kind(&self) -> TransportErrorKind {
        self.0.kind
    }

    /// Whether the request may have reached the server.
    #[must_use]
    pub const fn sent(&self) -> Sent {
        self.0.sent
    }

    /// Whether no connection came about: DNS, connect or TLS.
    #[must_use]
    pub const fn is_connect(&self) -> bool {
        use TransportErrorKind::{Connect, Dns, Tls};
        matches!(self.0.kind, Dns | Connect | Tls)
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use TransportErrorKind::{
            Closed, Connect, Dns, NotResumed, Other, Protocol, Refused, Reset, Tls,
        };
        let remedy = match self.0.kind {
            Dns => "check the host name and the resolver",
            Connect => "check that the server runs and can be reached",
            Tls => "check the certificate, its chain and the trusted roots",
            Refused => "nothing was processed; try again",
            Reset | Closed if self.0.sent == Sent::No => "nothing was sent; try again",
            Reset | Closed => {
                "the request may have been processed; try again only if it is idempotent"
            }
            Protocol => "check that the address is that of an HTTP server",
            NotResumed => "begin it anew",
            Other => "see the cause",
        };
        write!(f, "{}: {remedy}", self.0.message)
    }
}

impl std::error::Error for TransportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.source {
            Some(source) => Some(&**source),
            None => None,
        }
    }
}
