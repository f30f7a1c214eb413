//! A checksum for bodies that are too long to keep.

/// FNV-1a, 64 bits: a few lines, and the same in every release and on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Checksum(u64);

impl Checksum {
    pub(super) const EMPTY: Self = Self(0xcbf2_9ce4_8422_2325);

    /// The checksum after `bytes` more.
    #[must_use]
    pub(super) fn plus(self, bytes: &[u8]) -> Self {
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        Self(bytes.iter().fold(self.0, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(PRIME)))
    }

    pub(super) fn value(self) -> u64 {
        self.0
    }
}
