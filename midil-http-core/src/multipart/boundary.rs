//! What stands between the parts of a form.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;

/// A delimiter that no content can hold but by guessing 128 random bits.
///
/// They come out of a keyed hash whose key the system's random source gave: whoever sees one cannot tell the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Boundary(u64, u64);

impl Boundary {
    pub(super) fn new() -> Self {
        let key = RandomState::new();
        Self(key.hash_one(0), key.hash_one(1))
    }
}

/// At most 70 letters, digits and dashes (RFC 2046, section 5.1.1): needs no quotes in a header.
impl fmt::Display for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "midil-{:016x}{:016x}", self.0, self.1)
    }
}
