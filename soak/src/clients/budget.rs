//! [`Counted`]: a retry budget, and books about it that are kept apart from it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use midil_http::{AttemptResult, Budget, RetryBudget};
use url::Url;

/// What a budget holds with few calls, in thousandths of a token.
const CAPACITY: u64 = 10_000;

/// What a budget holds, is given and gives, in thousandths of a token.
#[derive(Debug)]
pub(crate) struct Counted {
    budget: RetryBudget,
    since: Instant,
    /// The most that it said it can hold: with many calls a second it is more than [`CAPACITY`].
    capacity: AtomicU64,
    earned: AtomicU64,
    spent: AtomicU64,
    refused: AtomicU64,
}

impl Counted {
    pub(crate) fn new(budget: RetryBudget) -> Self {
        let (earned, spent, refused) = Default::default();
        let capacity = AtomicU64::new(CAPACITY);
        Self { budget, since: Instant::now(), capacity, earned, spent, refused }
    }

    /// A complaint, when more was spent than there can have been.
    ///
    /// What is held is a share of what can be: what was earned when that was least is worth more when it is most.
    pub(crate) fn overdrawn(&self) -> Option<String> {
        const A_SECOND: u128 = 100;
        let by_time = self.since.elapsed().as_millis() * A_SECOND / 1000;
        let by_time = u64::try_from(by_time).unwrap_or(u64::MAX);
        let (spent, earned) = (self.spent.load(Relaxed), self.earned.load(Relaxed));
        let capacity = self.capacity.load(Relaxed);
        let had = capacity + (earned + by_time + 1) * capacity / CAPACITY;
        (spent > had).then(|| format!("the retry budget gave {spent}, of {had} thousandths"))
    }
}

impl Budget for Counted {
    fn record(&self, url: &Url, now: Instant, result: AttemptResult) {
        if result.succeeded {
            self.earned.fetch_add(if result.is_first() { 100 } else { 2_500 }, Relaxed);
        }
        self.budget.record(url, now, result);
    }

    fn withdraw(&self, url: &Url, now: Instant) -> bool {
        let state = self.budget.state(&url.origin().ascii_serialization(), now);
        self.capacity.fetch_max(thousandths(state.capacity), Relaxed);
        let granted = self.budget.withdraw(url, now);
        let count = if granted { &self.spent } else { &self.refused };
        count.fetch_add(1_000, Relaxed);
        granted
    }
}

/// Tokens, rounded up, the way that seconds become milliseconds.
fn thousandths(tokens: f64) -> u64 {
    let tokens = Duration::try_from_secs_f64(tokens).unwrap_or_default();
    u64::try_from(tokens.as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}
