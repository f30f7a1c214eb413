//! [`BodyError`]: the caller's stream failed.

use super::BoxError;

/// The body of a request could not be read: the caller's stream or file failed.
///
/// The server may have got a part of it.
///
/// # Examples
///
/// ```
/// let error = midil_http_core::BodyError::new("the sensor was unplugged");
/// assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the sensor was unplugged");
/// ```
#[derive(Debug, thiserror::Error)]
#[error(
    "the request body failed while it was sent: see the cause and mend the stream or file that it comes from"
)]
pub struct BodyError(#[source] BoxError);

impl BodyError {
    /// Wraps what the stream failed with.
    #[must_use]
    pub fn new(source: impl Into<BoxError>) -> Self {
        Self(source.into())
    }
}
