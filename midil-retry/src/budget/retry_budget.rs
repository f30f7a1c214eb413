//! [`RetryBudget`]: retries that help pay for themselves.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use url::Url;

use super::bucket::{Bucket, Prices, TOKEN};
use super::{AttemptResult, Budget, RetryBudgetBuilder};
use crate::key::{KeyedBy, origin_of};
use crate::table::Table;

/// A bucket of tokens for each server: a retry costs one, and what goes well brings some back.
///
/// | | tokens |
/// |---|---|
/// | a retry costs | 1 |
/// | a first attempt that succeeds earns | 0.1 |
/// | a retry that succeeds earns | 2.5 |
/// | each second earns | 0.1 |
/// | a bucket holds, and starts with | 10, or half a second's worth of the recent calls, whichever is more |
///
/// An attempt succeeds when the server copes: it answers with a status below 500 that is not retried either (a 404 is
/// as good as a 200). An outcome that says nothing of the server, such as an open circuit, a failed token fetch or a
/// 501, neither earns nor counts.
///
/// A quiet client has all of its attempts, always. A busy one survives a blip, for its bucket holds enough for the calls
/// of half a second; calls per second are averaged over the last 5 to 10 s, and the level follows in proportion: full
/// stays full, empty stays empty. As long as more than two in five retries help, they pay for themselves; when the
/// server is down, they do not, the bucket empties, and what is left is one retry every 10 s per client.
///
/// It is shared by its clones, takes no lock, and allocates nothing once it is made (16 KiB). It keeps up to 512 origins;
/// beyond some 250, it may forget one to make room for another: one whose bucket is full, which is as good as new, or
/// else the one that was not called for longest.
///
/// # Examples
///
/// ```
/// use std::time::Instant;
/// use midil_retry::{AttemptResult, Budget, RetryBudget};
/// use url::Url;
///
/// let (budget, now) = (RetryBudget::default(), Instant::now());
/// let url = Url::parse("https://api.example.com/users")?;
/// assert_eq!(budget.available(&url, now), 10.0);
///
/// assert!((0..10).all(|_| budget.withdraw(&url, now)));
/// assert!(!budget.withdraw(&url, now), "the bucket is empty");
///
/// budget.record(&url, now, AttemptResult::new(2, true));
/// assert_eq!(budget.available(&url, now), 2.5);
///
/// let state = budget.state("https://api.example.com", now);
/// assert_eq!((state.available, state.capacity), (2.5, 10.0));
/// # Ok::<_, url::ParseError>(())
/// ```
#[derive(Clone)]
pub struct RetryBudget(Arc<Shared>);

struct Shared {
    prices: Prices,
    buckets: Table<Bucket>,
    /// The first time that was ever looked at; what the buckets know of time is in milliseconds since.
    beginning: OnceLock<Instant>,
}

impl Shared {
    fn millis(&self, now: Instant) -> u64 {
        let age = now.saturating_duration_since(*self.beginning.get_or_init(|| now));
        age.as_secs().saturating_mul(1_000).saturating_add(u64::from(age.subsec_millis()))
    }

    /// The bucket of `url`'s origin, which has one from now on.
    fn bucket(&self, url: &Url, now: u64) -> &Bucket {
        // A full bucket is as good as a new one; among others, the one that was called longest ago goes first.
        let worth = |bucket: &Bucket| (!bucket.is_full(&self.prices, now), bucket.last_call());
        let owner = self.buckets.owner(&origin_of(url));
        self.buckets.find_or_make(owner, worth, Bucket::renew)
    }

    fn state(&self, key: &str, now: Instant) -> RetryBudgetState {
        let Self { prices, buckets, .. } = self;
        let full = (prices.capacity, prices.capacity, 0);
        // Where there is a bucket, time has begun; to look must not begin it.
        let (available, capacity, calls_per_second) = buckets
            .find(buckets.owner(key))
            .map_or(full, |bucket| bucket.state(prices, self.millis(now)));
        RetryBudgetState {
            available: tokens(available),
            capacity: tokens(capacity),
            calls_per_second,
        }
    }
}

/// How a [`RetryBudget`] stands with one server.
///
/// # Examples
///
/// ```
/// use std::time::Instant;
/// use midil_retry::RetryBudget;
///
/// let state = RetryBudget::default().state("https://api.example.com", Instant::now());
/// assert!(state.available >= 1.0, "a retry would be paid for");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct RetryBudgetState {
    /// The tokens that are left.
    pub available: f64,
    /// The tokens that a full bucket holds, at the recent rate of calls.
    pub capacity: f64,
    /// That rate: the highest of the last 5 to 10 s, on average. A call that is retried counts once.
    pub calls_per_second: u64,
}

impl RetryBudget {
    /// Begins with the defaults.
    pub fn builder() -> RetryBudgetBuilder {
        RetryBudgetBuilder::new()
    }

    pub(super) fn new(prices: Prices) -> Self {
        Self(Arc::new(Shared { prices, buckets: Table::new(), beginning: OnceLock::new() }))
    }

    /// The tokens left for the server of `url`, at `now` by the clock of the client's runtime (`Instant::now()`, as a
    /// rule).
    #[must_use]
    pub fn available(&self, url: &Url, now: Instant) -> f64 {
        self.0.state(&origin_of(url), now).available
    }

    /// How it stands with an origin, such as `https://api.example.com` (any URL of it will do), at `now` by the clock of the
    /// client's runtime (`Instant::now()`, as a rule). To look changes nothing.
    ///
    /// One that was not called yet, or was forgotten, has a full bucket.
    #[must_use]
    pub fn state(&self, origin: &str, now: Instant) -> RetryBudgetState {
        self.0.state(&KeyedBy::Origin.named(origin), now)
    }

    #[cfg(test)]
    pub(super) fn origins(&self) -> usize {
        self.0.buckets.iter().count()
    }
}

/// From millionths. Thousandths of tokens are precise enough, and convert without rounding.
fn tokens(millionths: u64) -> f64 {
    let thousandths = millionths / (TOKEN / 1_000);
    f64::from(u32::try_from(thousandths).unwrap_or(u32::MAX)) / 1_000.0
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new(RetryBudgetBuilder::DEFAULTS)
    }
}

impl Budget for RetryBudget {
    fn record(&self, url: &Url, now: Instant, result: AttemptResult) {
        let now = self.0.millis(now);
        self.0.bucket(url, now).record(&self.0.prices, now, result);
    }

    fn withdraw(&self, url: &Url, now: Instant) -> bool {
        let now = self.0.millis(now);
        self.0.bucket(url, now).withdraw(&self.0.prices, now)
    }
}

impl fmt::Debug for RetryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryBudget").field("prices", &self.0.prices).finish_non_exhaustive()
    }
}
