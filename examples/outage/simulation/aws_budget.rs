//! [`AwsBudget`].

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Instant;

use midil_http::{AttemptResult, Budget};
use url::Url;

const CAPACITY: u32 = 500;
const RETRY_COSTS: u32 = 5;
const SUCCESS_EARNS: u32 = 1;

/// The retry quota of the AWS SDKs' standard mode: 500 tokens, of which a retry takes 5 and gets them back when it
/// succeeds; a first attempt that succeeds brings 1. Time brings none.
pub(crate) struct AwsBudget(AtomicU32);

impl Default for AwsBudget {
    fn default() -> Self {
        Self(AtomicU32::new(CAPACITY))
    }
}

impl Budget for AwsBudget {
    fn record(&self, _: &Url, _: Instant, result: AttemptResult) {
        if result.succeeded {
            let earned = if result.is_first() { SUCCESS_EARNS } else { RETRY_COSTS };
            let fill = |tokens: u32| Some((tokens + earned).min(CAPACITY));
            let _ = self.0.fetch_update(Relaxed, Relaxed, fill);
        }
    }

    fn withdraw(&self, _: &Url, _: Instant) -> bool {
        self.0.fetch_update(Relaxed, Relaxed, |tokens| tokens.checked_sub(RETRY_COSTS)).is_ok()
    }
}
