//! [`BatchProgress`]: how far a batch has got.

/// How far a batch has got: see [`Batch::on_progress`](crate::Batch::on_progress).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchProgress {
    pub(super) total: Option<usize>,
    pub(super) done: usize,
    pub(super) failed: usize,
    pub(super) in_flight: usize,
}

impl BatchProgress {
    /// How many requests there are in all, where their iterator tells ([`Iterator::size_hint`]).
    #[must_use]
    pub const fn total(&self) -> Option<usize> {
        self.total
    }

    /// How many requests are over, those that failed among them.
    #[must_use]
    pub const fn done(&self) -> usize {
        self.done
    }

    /// How many came to an error. A 4xx or 5xx is one only where that was asked for
    /// ([`raise_for_status`](crate::RequestBuilder::raise_for_status)).
    #[must_use]
    pub const fn failed(&self) -> usize {
        self.failed
    }

    /// How many have begun and are not over.
    #[must_use]
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }
}
