//! [`StatusError`]: a 4xx or 5xx that was asked to be an error.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::redact;

/// A response whose status is an error: status, headers, and the first 8 KiB of its body.
///
/// Neither `Display` nor `Debug` shows the body or a sensitive header.
pub struct StatusError(Box<Inner>);

struct Inner {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl StatusError {
    /// How much of the body is kept.
    pub const BODY_LIMIT: usize = 8 * 1024;

    /// Keeps the first [`BODY_LIMIT`](Self::BODY_LIMIT) bytes of `body`.
    #[must_use]
    pub fn new(status: StatusCode, headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        let mut body = body.into();
        body.truncate(Self::BODY_LIMIT);
        Self(Box::new(Inner { status, headers, body }))
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// The first 8 KiB of the body, as they came.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.0.body
    }

    /// The first 8 KiB of the body as text; what is no UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.0.body)
    }
}

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remedy = match self.0.status.as_u16() {
            401 => "check the credentials",
            403 => "check what these credentials may do",
            404 => "check the URL",
            408 | 425 | 429 | 500..=599 => "try again later",
            _ => "see its body for what is wrong with the request",
        };
        write!(f, "the server answered {}: {remedy}", self.0.status)
    }
}

impl fmt::Debug for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusError")
            .field("status", &self.0.status)
            .field("headers", &redact::headers(&self.0.headers))
            .field("body_bytes", &self.0.body.len())
            .finish()
    }
}

impl std::error::Error for StatusError {}
