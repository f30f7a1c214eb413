//! [`Lanes`]: something for each key that must not be forgotten while it is in use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::quality::RandomState;

/// What a key has of its own.
pub(crate) trait Lane {
    /// Whose it is.
    fn key(&self) -> &Arc<str>;
}

/// The lanes of all keys.
///
/// A limit that was forgotten would not be kept, so nothing is ever taken from a key that uses it: this is a map behind a
/// lock that is held for a look-up, and not the [`Table`](crate::table::Table). Idle lanes are swept out when their number has
/// doubled.
pub(crate) struct Lanes<T>(Mutex<Map<T>>);

struct Map<T> {
    lanes: HashMap<Arc<str>, Arc<T>, RandomState>,
    /// How many there may be before the next sweep.
    limit: usize,
}

const LEAST_LIMIT: usize = 256;

impl<T: Lane> Lanes<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Map { lanes: HashMap::default(), limit: LEAST_LIMIT }))
    }

    /// The lane of a key, which has one from now on. `is_idle` says of others whether they are as good as new once nobody
    /// holds them.
    pub(crate) fn find_or_make(
        &self,
        key: &str,
        make: impl FnOnce(Arc<str>) -> T,
        is_idle: impl Fn(&T) -> bool,
    ) -> Arc<T> {
        let mut map = self.lock();
        if let Some(lane) = map.lanes.get(key) {
            return Arc::clone(lane);
        }
        let lane = Arc::new(make(key.into()));
        map.sweep(is_idle);
        map.lanes.insert(Arc::clone(lane.key()), Arc::clone(&lane));
        lane
    }

    /// The lane of a key, if it has one.
    pub(crate) fn find(&self, key: &str) -> Option<Arc<T>> {
        self.lock().lanes.get(key).cloned()
    }

    /// All there are.
    pub(crate) fn all(&self) -> Vec<Arc<T>> {
        self.lock().lanes.values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Map<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Map<T> {
    /// Forgets what nobody holds and nobody will miss. Whoever gets a lane gets it under the lock.
    fn sweep(&mut self, is_idle: impl Fn(&T) -> bool) {
        if self.lanes.len() >= self.limit {
            self.lanes.retain(|_, lane| Arc::strong_count(lane) > 1 || !is_idle(lane));
            self.limit = (2 * self.lanes.len()).max(LEAST_LIMIT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Numbered(Arc<str>, bool);

    impl Lane for Numbered {
        fn key(&self) -> &Arc<str> {
            &self.0
        }
    }

    fn lane(lanes: &Lanes<Numbered>, number: u32, idle: bool) -> Arc<Numbered> {
        let make = |key| Numbered(key, idle);
        lanes.find_or_make(&number.to_string(), make, |lane| lane.1)
    }

    #[test]
    fn what_is_idle_is_swept_out_and_what_is_in_use_is_not() {
        let lanes = Lanes::new();
        let held: Vec<_> = (0..100).map(|number| lane(&lanes, number, true)).collect();
        for number in 100..200 {
            lane(&lanes, number, false);
        }
        for number in 1_000..10_000 {
            lane(&lanes, number, true);
        }
        assert!(lanes.all().len() <= 400, "{}", lanes.all().len());
        for (number, held) in (0..).zip(&held) {
            assert!(Arc::ptr_eq(held, &lane(&lanes, number, true)), "{number}");
        }
        assert!((100..200).all(|number| lanes.find(&number.to_string()).is_some()));
    }
}
