//! [`AuthError`]: no credentials could be had.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::BoxError;

/// What kept a provider from credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// The provider's own settings cannot work.
    Configuration,
    /// The authority refused the client: wrong id, secret or scope.
    Rejected,
    /// The authority could not be reached, or failed.
    Unavailable,
    /// The authority answered what is no token.
    Malformed,
    /// Anything else.
    Other,
}

/// No credentials could be had: nothing was sent to the server.
///
/// It never holds a token, a secret, or the body of a token response. Cloning is a reference count: all who waited for one
/// fetch are given the same error.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{AuthError, AuthErrorKind};
///
/// let error = AuthError::new(AuthErrorKind::Rejected, "the token endpoint refused the client: check id and secret")
///     .with_status(http::StatusCode::UNAUTHORIZED)
///     .with_oauth("invalid_client", None)
///     .with_retry_in(Duration::from_secs(5));
/// assert_eq!((error.error(), error.retry_in()), (Some("invalid_client"), Some(Duration::from_secs(5))));
/// ```
#[derive(Debug, Clone)]
pub struct AuthError(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: AuthErrorKind,
    message: String,
    status: Option<StatusCode>,
    error: Option<String>,
    error_description: Option<String>,
    retry_in: Option<Duration>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl AuthError {
    /// `message` says what went wrong and what to do; it must hold no secret.
    #[must_use]
    pub fn new(kind: AuthErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            status: None,
            error: None,
            error_description: None,
            retry_in: None,
            source: None,
        }))
    }

    /// The same error, with the status of the authority's answer.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.inner().status = Some(status);
        self
    }

    /// The same error, with `error` and `error_description` of [RFC 6749, section 5.2].
    ///
    /// [RFC 6749, section 5.2]: https://www.rfc-editor.org/rfc/rfc6749#section-5.2
    #[must_use]
    pub fn with_oauth(mut self, error: impl Into<String>, description: Option<String>) -> Self {
        let inner = self.inner();
        inner.error = Some(error.into());
        inner.error_description = description;
        self
    }

    /// The same error, with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.inner().source = Some(Arc::from(source.into()));
        self
    }

    /// The same error, with how long to leave the authority alone: what its `Retry-After` asked for, say.
    #[must_use]
    pub fn with_retry_in(mut self, pause: Duration) -> Self {
        self.inner().retry_in = Some(pause);
        self
    }

    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }

    /// What kept the provider.
    #[must_use]
    pub fn kind(&self) -> AuthErrorKind {
        self.0.kind
    }

    /// The status of the authority's answer.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// OAuth2's `error`.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }

    /// OAuth2's `error_description`.
    #[must_use]
    pub fn error_description(&self) -> Option<&str> {
        self.0.error_description.as_deref()
    }

    /// How long nobody asks the authority again, when that is known.
    #[must_use]
    pub fn retry_in(&self) -> Option<Duration> {
        self.0.retry_in
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(status) = self.0.status {
            write!(f, " (status {})", status.as_u16())?;
        }
        if let Some(error) = &self.0.error {
            write!(f, " ({error}")?;
            if let Some(description) = &self.0.error_description {
                write!(f, ": {description}")?;
            }
            f.write_str(")")?;
        }
        if let Some(pause) = self.0.retry_in {
            write!(f, "; the next try is {pause:.1?} away")?;
        }
        Ok(())
    }
}

impl Error for AuthError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.source {
            Some(source) => Some(&**source),
            None => None,
        }
    }
}
