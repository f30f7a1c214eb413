//! [`AuthNHeaders`]: credentials, ready to be sent.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

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
pub struct AuthNHeaders {
    list: Arc<List>,
    generation: u64,
    route: u32,
    obtained_at: Option<Instant>,
}

#[derive(Clone, Default)]
struct List {
    headers: Vec<(HeaderName, HeaderValue)>,
    content_type: Option<HeaderValue>,
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
    /// [`AuthError`] when the type is no [RFC 9110] token, or the token itself is empty or holds anything but visible
    /// ASCII and spaces within.
    ///
    /// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#section-11.1
    pub fn from_token(token: &AuthNToken) -> Result<Self, AuthError> {
        let (kind, secret) = (token.token_type(), token.access_token().expose());
        let malformed = |problem| {
            AuthError::new(
                AuthErrorKind::Malformed,
                format!("{problem}: check what the authority issues"),
            )
        };
        let fits = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        if secret.is_empty() {
            return Err(malformed("the token is empty"));
        }
        if !secret.bytes().all(fits) || secret.trim() != secret {
            return Err(malformed("the token holds characters that a header cannot"));
        }
        // A name of a header is a token, too.
        if HeaderName::from_bytes(kind.as_bytes()).is_err() {
            return Err(malformed("the type of the token is not one word"));
        }
        let text = Zeroizing::new(format!("{kind} {secret}"));
        let value = HeaderValue::from_str(&text)
            .map_err(|_| malformed("the token holds characters that a header cannot"))?;
        Ok(Self::new().with(header::AUTHORIZATION, value))
    }

    /// The same headers and one more.
    ///
    /// `Content-Type` is a default: it goes out only with a body that has none of its own.
    #[must_use]
    pub fn with(mut self, name: HeaderName, mut value: HeaderValue) -> Self {
        let list = Arc::make_mut(&mut self.list);
        if name == header::CONTENT_TYPE {
            list.content_type = Some(value);
        } else {
            value.set_sensitive(true);
            list.headers.push((name, value));
        }
        self
    }

    /// The same headers, of that generation: see [`AuthNProvider::invalidate`](super::AuthNProvider::invalidate).
    #[must_use]
    pub const fn with_generation(mut self, generation: u64) -> Self {
        self.generation = generation;
        self
    }

    /// The same headers, with a number for a provider that asks others: which of them gave these. The client hands it
    /// back with [`AuthNProvider::invalidate`](super::AuthNProvider::invalidate), and makes nothing of it.
    #[must_use]
    pub const fn with_route(mut self, route: u32) -> Self {
        self.route = route;
        self
    }

    /// The same headers, with when they came, by the clock of the client's runtime: an observer is told of their age
    /// ([`TokenUsed`](crate::TokenUsed)).
    #[must_use]
    pub const fn with_obtained_at(mut self, when: Instant) -> Self {
        self.obtained_at = Some(when);
        self
    }

    /// When they came, where that is known.
    #[must_use]
    pub const fn obtained_at(&self) -> Option<Instant> {
        self.obtained_at
    }

    /// Which generation of the credentials these are; 0 where nobody counts.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Which of several providers gave these; 0 where there is one.
    #[must_use]
    pub const fn route(&self) -> u32 {
        self.route
    }

    /// Whether these are the very same credentials: a server that rejected the others will reject these.
    #[must_use]
    pub fn same_credentials(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.list, &other.list) || self.list.headers == other.list.headers
    }

    /// The headers, `Content-Type` excepted.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.list.headers.iter().map(|(name, value)| (name, value))
    }

    /// The `Content-Type` of a body that has none.
    #[must_use]
    pub fn content_type(&self) -> Option<&HeaderValue> {
        self.list.content_type.as_ref()
    }
}

impl fmt::Debug for AuthNHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.list.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("AuthNHeaders")
            .field("names", &names)
            .field("generation", &self.generation)
            .field("route", &self.route)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_no_header_is_refused_and_not_shown() {
        let from = |kind: &str, secret: &str| {
            AuthNHeaders::from_token(&AuthNToken::new(secret).with_token_type(kind))
        };
        assert!(from("Bearer", "a b~+/=").is_ok());
        for (kind, secret) in [
            ("Bearer", ""),
            ("Bearer", " hunter2"),
            ("Bearer", "hunter2\n"),
            ("Bearer", "h\u{fc}nter2"),
            ("", "hunter2"),
            ("A B", "hunter2"),
            ("A:", "hunter2"),
        ] {
            let error = from(kind, secret).unwrap_err();
            assert_eq!(error.kind(), AuthErrorKind::Malformed);
            assert!(!format!("{error} {error:?}").contains("nter2"), "{error:?}");
        }
    }
}
