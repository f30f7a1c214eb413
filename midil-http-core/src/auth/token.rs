//! [`AuthNToken`].

use std::time::{Duration, SystemTime};

use super::Secret;

/// A token, and how long it is good for.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use midil_http_core::AuthNToken;
///
/// let token = AuthNToken::new("abc").with_expires_in(Duration::from_secs(3600));
/// assert_eq!((token.token_type(), token.expires_at()), ("Bearer", None)); // nobody said when it was issued
/// assert_eq!(token.clone().with_issued_at(SystemTime::UNIX_EPOCH).expires_at(), SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(3600)));
/// assert!(!format!("{token:?}").contains("abc"));
/// ```
#[derive(Debug, Clone)]
pub struct AuthNToken {
    access_token: Secret,
    token_type: String,
    expires_in: Option<Duration>,
    issued_at: Option<SystemTime>,
}

impl AuthNToken {
    /// A bearer token of unknown lifetime, issued when it was asked for.
    #[must_use]
    pub fn new(access_token: impl Into<Secret>) -> Self {
        Self {
            access_token: access_token.into(),
            token_type: "Bearer".to_owned(),
            expires_in: None,
            issued_at: None,
        }
    }

    /// The same token, of another type: the first word of the `Authorization` header.
    #[must_use]
    pub fn with_token_type(mut self, token_type: impl Into<String>) -> Self {
        self.token_type = token_type.into();
        self
    }

    /// The same token, good for `lifetime` from when it was issued. Zero: for those who waited for it, and no others.
    #[must_use]
    pub const fn with_expires_in(mut self, lifetime: Duration) -> Self {
        self.expires_in = Some(lifetime);
        self
    }

    /// The same token, issued at that time, by the clock of this machine.
    #[must_use]
    pub const fn with_issued_at(mut self, issued_at: SystemTime) -> Self {
        self.issued_at = Some(issued_at);
        self
    }

    /// The token itself.
    #[must_use]
    pub const fn access_token(&self) -> &Secret {
        &self.access_token
    }

    /// Its type, `Bearer` by default.
    #[must_use]
    pub fn token_type(&self) -> &str {
        &self.token_type
    }

    /// Its lifetime from when it was issued, when that is known.
    #[must_use]
    pub const fn expires_in(&self) -> Option<Duration> {
        self.expires_in
    }

    /// When it was issued, when that is known.
    #[must_use]
    pub const fn issued_at(&self) -> Option<SystemTime> {
        self.issued_at
    }

    /// When it expires, when that is known.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.issued_at?.checked_add(self.expires_in?)
    }
}
