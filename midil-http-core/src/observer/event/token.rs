//! Tokens: how they are had, and how old they are when they are used.

use std::time::Duration;

use crate::observer::Target;
use crate::{AuthError, AuthErrorKind};

/// A token was fetched, or could not be.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct TokenFetched<'a> {
    /// What its cache is called: the token endpoint's URL, for OAuth2.
    pub name: &'a str,
    /// How long the fetch took, with its retries.
    pub elapsed: Duration,
    /// How long the token is good for, or why there is none.
    pub outcome: Result<Duration, &'a AuthError>,
}

impl<'a> TokenFetched<'a> {
    /// For providers that fetch tokens.
    #[must_use]
    pub const fn new(
        name: &'a str,
        elapsed: Duration,
        outcome: Result<Duration, &'a AuthError>,
    ) -> Self {
        Self { name, elapsed, outcome }
    }

    /// The [kind](AuthError::kind) of the error, in one word (`error.type`).
    #[must_use]
    pub fn error_type(&self) -> Option<&'static str> {
        Some(match self.outcome.err()?.kind() {
            AuthErrorKind::Configuration => "Configuration",
            AuthErrorKind::Rejected => "Rejected",
            AuthErrorKind::Unavailable => "Unavailable",
            AuthErrorKind::Malformed => "Malformed",
            AuthErrorKind::Other => "_OTHER",
        })
    }
}

/// Credentials were put on a request.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct TokenUsed<'a> {
    /// Where the request goes.
    pub target: Target<'a>,
    /// Which generation they are ([`AuthNHeaders::generation`](crate::AuthNHeaders::generation)); 0 where nobody counts.
    pub generation: u64,
    /// How long ago they came ([`AuthNHeaders::with_obtained_at`](crate::AuthNHeaders::with_obtained_at)), where that is known.
    pub age: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_error_has_its_word_and_a_token_has_none() {
        for (kind, word) in [
            (AuthErrorKind::Configuration, "Configuration"),
            (AuthErrorKind::Rejected, "Rejected"),
            (AuthErrorKind::Unavailable, "Unavailable"),
            (AuthErrorKind::Malformed, "Malformed"),
            (AuthErrorKind::Other, "_OTHER"),
        ] {
            let error = AuthError::new(kind, "no token");
            let fetched = TokenFetched::new("a", Duration::ZERO, Err(&error));
            assert_eq!(fetched.error_type(), Some(word));
        }
        let fetched = TokenFetched::new("a", Duration::ZERO, Ok(Duration::from_secs(60)));
        assert_eq!(fetched.error_type(), None);
    }
}
