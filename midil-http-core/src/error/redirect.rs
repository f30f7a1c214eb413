//! [`RedirectError`].

use std::fmt;

use http::StatusCode;

/// A redirect that must not be followed.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Error, RedirectError};
///
/// fn report(error: &Error) {
///     if let Error::Redirect(refused) = error {
///         let refused: &RedirectError = refused;
///         eprintln!("the last answer was {}: {refused}", refused.status());
///     }
/// }
/// ```
#[derive(Debug)]
pub struct RedirectError {
    status: StatusCode,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    TooMany(u32),
    Downgrade,
}

impl RedirectError {
    pub(crate) const fn too_many(status: StatusCode, limit: u32) -> Self {
        Self { status, problem: Problem::TooMany(limit) }
    }

    pub(crate) const fn downgrade(status: StatusCode) -> Self {
        Self { status, problem: Problem::Downgrade }
    }

    /// The status of the redirect that was not followed.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problem {
            Problem::TooMany(limit) => write!(
                f,
                "more than {limit} redirects: the server may send us in circles; raise the limit of `redirect` if not"
            ),
            Problem::Downgrade => f.write_str(
                "a redirect from https to http: following it would give up encryption; ask for the right URL",
            ),
        }
    }
}

impl std::error::Error for RedirectError {}
