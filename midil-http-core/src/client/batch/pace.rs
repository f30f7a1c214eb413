//! [`Pace`]: how many requests there may be at once, and when there is a pause.

use std::time::Duration;

use crate::BuildError;
use crate::config::positive;

/// The default of [`Batch::concurrency`](super::Batch::concurrency).
pub(super) const DEFAULT_CONCURRENCY: usize = 10;

/// When a batch begins its next request.
#[derive(Debug, Default)]
pub(super) struct Pace {
    pub(super) concurrency: Option<usize>,
    pub(super) size: Option<usize>,
    pub(super) pause: Option<Duration>,
    pub(super) failures: Option<usize>,
}

impl Pace {
    /// How many requests may be in flight.
    pub(super) fn concurrency(&self) -> usize {
        self.concurrency.or(self.size).unwrap_or(DEFAULT_CONCURRENCY)
    }

    /// After how many requests all of them are waited for.
    pub(super) fn size(&self) -> Option<usize> {
        self.size.or_else(|| self.pause.map(|_| self.concurrency()))
    }

    /// What is wrong with it, if anything.
    pub(super) fn check(&self) -> Result<(), BuildError> {
        let zero = |name, value: Option<usize>, remedy: &str| match value {
            Some(0) => Err(BuildError::new(name, format!("is zero: {remedy}"))),
            _ => Ok(()),
        };
        zero("concurrency", self.concurrency, "nothing would ever be sent; give 1 or more")?;
        zero("batch_size", self.size, "nothing would ever be sent; give 1 or more")?;
        zero("stop_after_failures", self.failures, "give 1 to stop at the first failure")?;
        self.pause.map_or(Ok(()), |pause| positive("pause", pause))
    }
}
