//! [`Error`]: one type for everything that can go wrong.

mod auth;
mod body;
mod build;
mod decode;
mod file;
mod limit;
mod page;
mod redirect;
mod retry_exhausted;
mod status;
mod timeout;
mod transport;

use std::time::Duration;

use http::StatusCode;

pub use auth::{AuthError, AuthErrorKind};
pub use body::BodyError;
pub use build::BuildError;
pub use decode::DecodeError;
pub use file::FileError;
pub use limit::LimitError;
pub use page::{PageError, PageErrorKind};
pub use redirect::RedirectError;
pub use retry_exhausted::{LastOutcome, RetryExhausted};
pub use status::StatusError;
pub use timeout::{Phase, TimeoutError, TimeoutKind};
pub use transport::{Sent, TransportError, TransportErrorKind};

/// Any error, as it is passed on from callers' and backends' code.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a call did not come to a response, or a response to a value.
///
/// `Display` prints this level alone, `source()` has the rest. Every message says what to do. None shows a secret: no
/// header value, no query string, no userinfo, no body (but [`StatusError`], on request).
///
/// | kind | may the request have reached the server? | is a retry safe? |
/// |---|---|---|
/// | `Build`, `CircuitOpen`, `Closed` | no | yes, when the cause is gone |
/// | `Auth` | no | the provider has retried what can be |
/// | `Page` | no | when the server names another |
/// | `Transport`, `Timeout`, `Limit` | as [`Error::sent`] says | when it was not sent, or is idempotent |
/// | `Body`, `Status`, `Redirect`, `Decode`, `File`, `RetryExhausted`, `Custom` | yes | when it is idempotent |
///
/// # Examples
///
/// ```
/// use midil_http_core::{Error, Sent, TransportError, TransportErrorKind};
///
/// let refused = TransportError::new(TransportErrorKind::Connect, Sent::No, "connection refused");
/// let error = Error::from(refused);
/// assert!(error.is_connect());
/// assert_eq!(error.sent(), Sent::No);
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A request, client or configuration that cannot be: nothing was sent.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The exchange failed on its way.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// One of the client's timeouts fired.
    #[error(transparent)]
    Timeout(#[from] TimeoutError),
    /// The caller's own body stream failed.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// A 4xx or 5xx that was asked to be an error.
    #[error(transparent)]
    Status(#[from] StatusError),
    /// The strategy gave up.
    #[error(transparent)]
    RetryExhausted(#[from] RetryExhausted),
    /// The circuit breaker is open: nothing was sent.
    #[error("{}", circuit_open(*retry_in))]
    #[non_exhaustive]
    CircuitOpen {
        /// How long until the breaker lets a probe through; `Duration::MAX` where it is held open by hand.
        retry_in: Duration,
    },
    /// No credentials could be had.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// A redirect that must not or cannot be followed.
    #[error(transparent)]
    Redirect(#[from] RedirectError),
    /// A body that is not what it should be.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A file that a response was to be saved to could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A limit of the client's own was reached.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// A next page that is not asked for.
    #[error(transparent)]
    Page(#[from] PageError),
    /// The client was closed.
    #[error("the client is closed: make calls before `close`, or build another client")]
    Closed,
    /// An error of a middleware or a validation, passed through as it is.
    #[error(transparent)]
    Custom(BoxError),
}

impl Error {
    /// An error of a middleware's or validation's own.
    ///
    /// # Examples
    ///
    /// ```
    /// let error = midil_http_core::Error::custom("the tenant is suspended: ask its owner");
    /// assert_eq!(error.to_string(), "the tenant is suspended: ask its owner");
    /// ```
    #[must_use]
    pub fn custom(error: impl Into<BoxError>) -> Self {
        Self::Custom(error.into())
    }

    /// An error that came in a box: itself, if it is one of ours.
    pub(crate) fn of_box(error: BoxError) -> Self {
        match error.downcast::<Self>() {
            Ok(error) => *error,
            Err(error) => Self::Custom(error),
        }
    }

    /// The caller's own error in an [`Error::Custom`], if it is a `T`; also where it was what the last attempt of a
    /// [`RetryExhausted`] came to.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::Error;
    ///
    /// #[derive(Debug, thiserror::Error)]
    /// #[error("too many requests: wait for {0} s")]
    /// struct RateLimitError(u64);
    ///
    /// let error = Error::custom(RateLimitError(30));
    /// assert_eq!(error.downcast_ref::<RateLimitError>().map(|error| error.0), Some(30));
    /// ```
    #[must_use]
    pub fn downcast_ref<T: std::error::Error + 'static>(&self) -> Option<&T> {
        match self {
            Self::Custom(error) => error.downcast_ref(),
            Self::RetryExhausted(exhausted) => exhausted.last_error()?.downcast_ref(),
            _ => None,
        }
    }

    /// The same to keep.
    ///
    /// # Errors
    ///
    /// The error as it was, when it is none.
    pub fn downcast<T: std::error::Error + 'static>(self) -> Result<T, Self> {
        match self {
            Self::Custom(error) => error.downcast().map(|error| *error).map_err(Self::Custom),
            Self::RetryExhausted(exhausted)
                if exhausted
                    .last_error()
                    .is_some_and(|last| last.downcast_ref::<T>().is_some()) =>
            {
                exhausted.into_last_error().map_err(Self::RetryExhausted)?.downcast()
            }
            error => Err(error),
        }
    }

    /// The open circuit breaker, for those who write one.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use midil_http_core::{Error, Sent};
    ///
    /// let open = Error::circuit_open(Duration::from_secs(30));
    /// assert_eq!((open.kind(), open.sent()), ("CircuitOpen", Sent::No));
    /// ```
    #[must_use]
    pub const fn circuit_open(retry_in: Duration) -> Self {
        Self::CircuitOpen { retry_in }
    }

    /// Whether a timeout fired, in the last attempt at least.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::RetryExhausted(exhausted) => exhausted.last_error().is_some_and(Self::is_timeout),
            _ => matches!(self, Self::Timeout(_)),
        }
    }

    /// Whether no connection to the server could be made, in the last attempt at least.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        match self {
            Self::Transport(error) => error.is_connect(),
            Self::Timeout(error) => error.kind() == TimeoutKind::Connect,
            Self::RetryExhausted(exhausted) => exhausted.last_error().is_some_and(Self::is_connect),
            _ => false,
        }
    }

    /// Whether the server answered, with a status that counts as an error.
    #[must_use]
    pub fn is_status(&self) -> bool {
        match self {
            Self::Status(_) => true,
            Self::RetryExhausted(exhausted) => exhausted.status().is_some(),
            _ => false,
        }
    }

    /// The status of the server's last response, when there was one. What an authority answered is told by
    /// [`AuthError::status`].
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status(error) => Some(error.status()),
            Self::RetryExhausted(exhausted) => exhausted.status(),
            Self::Redirect(error) => Some(error.status()),
            _ => None,
        }
    }

    /// Whether the request may have reached the server, in the attempt that this error came from; an attempt before it
    /// may have. [`Sent::No`] is certain.
    #[must_use]
    pub fn sent(&self) -> Sent {
        match self {
            Self::Build(_)
            | Self::CircuitOpen { .. }
            | Self::Auth(_)
            | Self::Page(_)
            | Self::Closed => Sent::No,
            Self::Limit(error) => error.sent(),
            Self::Transport(error) => error.sent(),
            Self::Timeout(error) => error.sent(),
            _ => Sent::Maybe,
        }
    }

    /// The name of the variant: `"Timeout"`, `"RetryExhausted"`, and so on, for logs and metrics.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Build(_) => "Build",
            Self::Transport(_) => "Transport",
            Self::Timeout(_) => "Timeout",
            Self::Body(_) => "Body",
            Self::Status(_) => "Status",
            Self::RetryExhausted(_) => "RetryExhausted",
            Self::CircuitOpen { .. } => "CircuitOpen",
            Self::Auth(_) => "Auth",
            Self::Redirect(_) => "Redirect",
            Self::Decode(_) => "Decode",
            Self::File(_) => "File",
            Self::Limit(_) => "Limit",
            Self::Page(_) => "Page",
            Self::Closed => "Closed",
            Self::Custom(_) => "Custom",
        }
    }
}

fn circuit_open(retry_in: Duration) -> String {
    if retry_in == Duration::MAX {
        return "the circuit breaker is held open by hand: reset it to let calls through".into();
    }
    format!(
        "the circuit breaker is open: the server has failed too often; try again in {retry_in:?}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_three_words_at_most() {
        assert!(size_of::<Error>() <= 3 * size_of::<usize>(), "{}", size_of::<Error>());
    }

    #[test]
    fn an_error_crosses_threads() {
        fn check<T: Send + Sync + 'static>() {}
        check::<Error>();
    }
}
