//! [`Bucket`]: the tokens for one server.

use std::sync::atomic::Ordering::Relaxed;

use super::AttemptResult;
use super::call_rate::CallRate;
use crate::atomic::AtomicU64;

/// Tokens are counted in millionths.
pub(crate) const TOKEN: u64 = 1_000_000;

/// What retries cost and successes earn, in millionths of a token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prices {
    pub(crate) retry_costs: u64,
    pub(crate) success_earns: u64,
    pub(crate) retry_success_earns: u64,
    pub(crate) second_earns: u64,
    /// What a bucket holds at least.
    pub(crate) capacity: u64,
    /// How long recent calls must go on to fill it with a token each, where that is more: in milliseconds.
    pub(crate) calls_worth: u64,
}

/// The tokens for one server, lock-free. Time is in milliseconds since any beginning.
///
/// What it holds grows and shrinks with the rate of calls, and its level in proportion: a full bucket stays full and an
/// empty one empty. So the level is kept as a part of what the bucket holds, not as a number of tokens.
#[derive(Debug)]
pub(crate) struct Bucket {
    /// The level, and until when time has earned: one word, so that no withdrawal can fall between the two.
    state: AtomicU64,
    calls: CallRate,
}

/// A full bucket has so many parts: a tenth of a token is a whole number of them for every round capacity up to a
/// million.
const FULL: u64 = 60_000_000;
/// The lower bits of the state hold the level, those above the time: room for 8 years.
const LEVEL_BITS: u32 = 26;
const LEVEL_MASK: u64 = (1 << LEVEL_BITS) - 1;
const LATEST: u64 = u64::MAX >> LEVEL_BITS;

impl Default for Bucket {
    /// A full bucket.
    fn default() -> Self {
        Self { state: AtomicU64::new(FULL), calls: CallRate::default() }
    }
}

impl Bucket {
    /// Makes it a new one.
    pub(crate) fn renew(&self) {
        self.calls.reset();
        self.state.store(FULL, Relaxed);
    }

    /// Counts the call, if it is the first of its attempts, and fills in what it earned.
    pub(crate) fn record(&self, prices: &Prices, now: u64, result: AttemptResult) {
        if result.is_first() {
            self.calls.count(now);
        }
        if result.succeeded && level(self.state.load(Relaxed)) < FULL {
            let earned =
                if result.is_first() { prices.success_earns } else { prices.retry_success_earns };
            let capacity = self.capacity(prices, now);
            let parts = parts(earned, capacity, Round::Up);
            self.change(prices, capacity, now, |level| Some((level + parts).min(FULL)));
        }
    }

    /// Takes out the price of a retry, if there is enough.
    pub(crate) fn withdraw(&self, prices: &Prices, now: u64) -> bool {
        let capacity = self.capacity(prices, now);
        let parts = parts(prices.retry_costs, capacity, Round::Down).max(1);
        self.change(prices, capacity, now, |level| level.checked_sub(parts))
    }

    /// The tokens in the bucket and those that it can hold, in millionths; and the calls per second.
    pub(crate) fn state(&self, prices: &Prices, now: u64) -> (u64, u64, u64) {
        let capacity = self.capacity(prices, now);
        let (level, _) = with_time(self.state.load(Relaxed), prices, capacity, now);
        let tokens = u128::from(level) * u128::from(capacity) / u128::from(FULL);
        (u64::try_from(tokens).unwrap_or(u64::MAX), capacity, self.calls.per_second(now))
    }

    /// Whether there is room for nothing.
    pub(crate) fn is_full(&self, prices: &Prices, now: u64) -> bool {
        with_time(self.state.load(Relaxed), prices, self.capacity(prices, now), now).0 >= FULL
    }

    /// About when the last call was made.
    pub(crate) fn last_call(&self) -> u64 {
        self.calls.last_seen()
    }

    /// What the bucket holds at this rate of calls, in millionths of a token.
    fn capacity(&self, prices: &Prices, now: u64) -> u64 {
        // Calls per second × milliseconds are thousandths of calls.
        let busy = self.calls.per_second(now).saturating_mul(prices.calls_worth);
        busy.saturating_mul(TOKEN / 1_000).max(prices.capacity)
    }

    /// Fills in what time has earned, and then changes the level, all at once; `false` if `change` does not want to.
    fn change(
        &self,
        prices: &Prices,
        capacity: u64,
        now: u64,
        change: impl Fn(u64) -> Option<u64>,
    ) -> bool {
        let changed = |state| {
            let (level, since) = with_time(state, prices, capacity, now);
            change(level).map(|level| (since << LEVEL_BITS) | level)
        };
        self.state.fetch_update(Relaxed, Relaxed, changed).is_ok()
    }
}

const fn level(state: u64) -> u64 {
    state & LEVEL_MASK
}

/// The level of a state, with what time has earned since, and until when that is reckoned.
fn with_time(state: u64, prices: &Prices, capacity: u64, now: u64) -> (u64, u64) {
    let (level, since) = (level(state), state >> LEVEL_BITS);
    let time = now.min(LATEST).saturating_sub(since);
    let earned = time.saturating_mul(prices.second_earns) / 1_000;
    match parts(earned, capacity, Round::Down) {
        // Too little to be seen yet: it adds up, until it is more.
        0 => (level, since),
        parts => ((level + parts).min(FULL), since + time),
    }
}

/// Which way to round, so that callers do not pay for it: costs down, earnings up. Time is rounded down, and often.
#[derive(Clone, Copy)]
enum Round {
    Down,
    Up,
}

/// The part of a full bucket that an amount of tokens is.
fn parts(amount: u64, capacity: u64, round: Round) -> u64 {
    if amount >= capacity {
        return FULL;
    }
    let product = u128::from(amount) * u128::from(FULL);
    let parts = match round {
        Round::Down => product / u128::from(capacity),
        Round::Up => product.div_ceil(u128::from(capacity)),
    };
    u64::try_from(parts).unwrap_or(FULL)
}
