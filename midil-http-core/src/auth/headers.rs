//! [`AuthNHeaders`]: credentials, ready to be sent.

use std::fmt;
use std::sync::Arc;

use http::{HeaderName, HeaderValue, header};
use zeroize::Zeroizing;

use super::AuthNToken;
use crate::{AuthError, AuthErrorKind};

/// The headers that authenticate a request.
///
/// Cloning is a reference count, so a provider keeps one and hands out copies. Every value is marked sensitive but that
/// of `Content-Type`.
///
/// # Examples
///
/// ```
/// use http::{HeaderName, HeaderValue, header};
/// use midil_http_core::AuthNHeaders;
///
/// let headers = AuthNHeaders::new()
///     .with(HeaderName::from_static("x-api-key"), HeaderValue::from_static("hunter2"))
///     .with(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
///     .with_generation(3);
/// assert_eq!(headers.generation(), 3);
/// assert!(!format!("{headers:?}").contains("hunter2"));
/// ```
#[derive(Clone, Default)]
pub struct AuthNHeaders(Arc<Inner>);

#[derive(Clone, Default)]
struct Inner {
    headers: Vec<(HeaderName, HeaderValue)>,
    content_type: Option<HeaderValue>,
    generation: u64,
}

impl AuthNHeaders {
    /// No headers yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `Authorization: Bearer …` or whatever the token's type is.
    ///
    /// # Errors
    ///
    /// [`AuthError`] when type or token cannot stand in a header.
    pub fn from_token(token: &AuthNToken) -> Result<Self, AuthError> {
        let text =
            Zeroizing::new(format!("{} {}", token.token_type(), token.access_token().expose()));
        let value = HeaderValue::from_str(&text).map_err(|_| {
            let problem =
                "the token holds characters that a header cannot: check what the authority issues";
            AuthError::new(AuthErrorKind::Malformed, problem)
        })?;
        Ok(Self::new().with(header::AUTHORIZATION, value))
    }

    /// The same headers and one more.
    ///
    /// `Content-Type` is a default: it goes out only with a body that has none of its own.
    #[must_use]
    pub fn with(mut self, name: HeaderName, mut value: HeaderValue) -> Self {
        let inner = Arc::make_mut(&mut self.0);
        if name == header::CONTENT_TYPE {
            inner.content_type = Some(value);
        } else {
            value.set_sensitive(true);
            inner.headers.push((name, value));
        }
        self
    }

    /// The same headers, of that generation: see [`AuthNProvider::invalidate`](super::AuthNProvider::invalidate).
    #[must_use]
    pub fn with_generation(mut self, generation: u64) -> Self {
        Arc::make_mut(&mut self.0).generation = generation;
        self
    }

    /// Which generation of the credentials these are; 0 where nobody counts.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.0.generation
    }

    /// The headers, `Content-Type` excepted.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.0.headers.iter().map(|(name, value)| (name, value))
    }

    /// The `Content-Type` of a body that has none.
    #[must_use]
    pub fn content_type(&self) -> Option<&HeaderValue> {
        self.0.content_type.as_ref()
    }
}

impl fmt::Debug for AuthNHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("AuthNHeaders")
            .field("names", &names)
            .field("generation", &self.0.generation)
            .finish()
    }
}
