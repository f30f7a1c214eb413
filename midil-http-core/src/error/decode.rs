//! [`DecodeError`]: a body that is not what it should be.

use std::fmt;

use super::BoxError;

/// A body that could not be decompressed or parsed.
///
/// # Examples
///
/// ```
/// let error = midil_http_core::DecodeError::new("JSON", "expected value at line 1");
/// assert_eq!(error.to_string(), "the response body is not valid JSON: check what the server sends");
/// ```
#[derive(Debug)]
pub struct DecodeError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    format: String,
    source: BoxError,
}

impl DecodeError {
    /// The body is not valid `format`.
    #[must_use]
    pub fn new(format: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self(Box::new(Inner { format: format.into(), source: source.into() }))
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the response body is not valid {}: check what the server sends", self.0.format)
    }
}

impl std::error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0.source)
    }
}
