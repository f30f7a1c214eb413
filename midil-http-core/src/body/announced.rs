//! [`Announced`]: what a stream said of its length, and what it has yielded.

use bytes::Bytes;
use http_body::SizeHint;

use super::count;
use crate::{BodyError, Error};

/// Holds a stream to the length that was announced for it.
pub(super) struct Announced {
    length: Option<u64>,
    yielded: u64,
}

impl Announced {
    pub(super) const fn new(length: Option<u64>) -> Self {
        Self { length, yielded: 0 }
    }

    /// Counts `data`, and hands it on.
    pub(super) fn add(&mut self, data: Bytes) -> Result<Bytes, Error> {
        self.count(&data)?;
        Ok(data)
    }

    /// Counts `data`, which is left where it is.
    #[inline]
    pub(super) fn count(&mut self, data: &[u8]) -> Result<(), Error> {
        self.yielded = self.yielded.saturating_add(count(data));
        match self.length {
            Some(length) if self.yielded > length => Err(self.wrong_length(length)),
            _ => Ok(()),
        }
    }

    /// The stream has come to its end.
    pub(super) fn end(&self) -> Result<(), Error> {
        match self.length {
            Some(length) if self.yielded < length => Err(self.wrong_length(length)),
            _ => Ok(()),
        }
    }

    /// Whether all that was announced was yielded.
    pub(super) fn is_reached(&self) -> bool {
        self.length == Some(self.yielded)
    }

    /// What is still to come.
    pub(super) fn left(&self) -> SizeHint {
        match self.length {
            Some(length) => SizeHint::with_exact(length.saturating_sub(self.yielded)),
            None => SizeHint::new(),
        }
    }

    fn wrong_length(&self, length: u64) -> Error {
        let problem = format!(
            "the body was announced with {length} bytes and has {}: announce what it has",
            self.yielded
        );
        BodyError::new(problem).into()
    }
}
