//! [`Table`]: something for each key, found without a lock, in a memory of fixed size.

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::Ordering::{AcqRel, Acquire};

use foldhash::quality::RandomState;

use crate::atomic::AtomicU64;

/// 512 places in all; for the model checker, as few as can be fought for.
const SETS: usize = if cfg!(all(test, midil_loom)) { 1 } else { 64 };
const WAYS: usize = if cfg!(all(test, midil_loom)) { 2 } else { 8 };

/// A table of fixed size, built like the cache of a processor.
///
/// A key's hash names a set, and in it any of eight places may be its own. Where all are taken, what is worth least gets a
/// new owner. So a call costs the same however many keys there are, the table allocates nothing, and nobody waits for
/// anybody.
///
/// A place knows its owner by the hash alone, keyed at random: with 512 keys, two share a place once in 10^14 processes.
/// Two threads that bring new keys to a full set at the same moment may see the same place for their own, for as long as
/// one call takes; and one that comes with the same key at that moment may see what the place held before.
pub(crate) struct Table<T> {
    sets: Box<[Set<T>; SETS]>,
    hasher: RandomState,
}

type Set<T> = [Place<T>; WAYS];

#[derive(Default)]
struct Place<T> {
    /// Whose it is; 0 for nobody's.
    owner: AtomicU64,
    content: T,
}

/// What stands for a key: its hash, and never 0.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner(u64);

impl<T: Default> Table<T> {
    pub(crate) fn new() -> Self {
        let sets = Box::new(std::array::from_fn(|_| Set::default()));
        Self { sets, hasher: RandomState::default() }
    }

    /// What stands for `key` in this table.
    pub(crate) fn owner(&self, key: &str) -> Owner {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(key.as_bytes());
        Owner(hasher.finish().max(1))
    }

    /// What the owner has, if anything.
    pub(crate) fn find(&self, owner: Owner) -> Option<&T> {
        find(self.set(owner), owner)
    }

    /// What the owner has, who has something from now on. It may be what is worth least to those who had it until now, and is
    /// made new by `renew` when it has changed hands: by whoever has brought the new owner, and nobody else.
    pub(crate) fn find_or_make<W: Ord>(
        &self,
        owner: Owner,
        worth: impl Fn(&T) -> W,
        renew: impl Fn(&T),
    ) -> &T {
        let set = self.set(owner);
        find(set, owner).unwrap_or_else(|| make(set, owner, worth, renew))
    }

    /// What all owners have.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        let places = self.sets.iter().flatten();
        places.filter(|place| place.owner.load(Acquire) != 0).map(|place| &place.content)
    }

    fn set(&self, owner: Owner) -> &Set<T> {
        let [first, ..] = &*self.sets;
        let number = usize::try_from(owner.0).unwrap_or_default() % SETS;
        self.sets.get(number).unwrap_or(first)
    }
}

fn find<T>(set: &Set<T>, owner: Owner) -> Option<&T> {
    set.iter().find(|place| place.owner.load(Acquire) == owner.0).map(|place| &place.content)
}

/// Takes the place that is worth least.
#[cold]
fn make<T, W: Ord>(set: &Set<T>, owner: Owner, worth: impl Fn(&T) -> W, renew: impl Fn(&T)) -> &T {
    let [first, ..] = set;
    loop {
        // Everybody takes the first free place, and sees who was quicker: a key never gets two of them.
        let seen = set.each_ref().map(|place| (place.owner.load(Acquire), place));
        if let Some((_, place)) = seen.iter().find(|(other, _)| *other == owner.0) {
            return &place.content;
        }
        // A free place before a taken one.
        let worth =
            |(owner, place): &(u64, &Place<T>)| (*owner != 0).then(|| worth(&place.content));
        let (before, place) = seen.into_iter().min_by_key(worth).unwrap_or((0, first));
        if place.owner.compare_exchange(before, owner.0, AcqRel, Acquire).is_ok() {
            // Not before: whoever loses the place would make anew what the winner uses already.
            if before != 0 {
                renew(&place.content);
            }
            return &place.content;
        }
    }
}

#[cfg(test)]
#[cfg(midil_loom)]
mod loom_tests {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    /// Brings keys to a table at once; tells in which places they ended up.
    fn places(table: &Arc<Table<AtomicU64>>, keys: [&'static str; 2]) -> [usize; 2] {
        let place = |table: &Table<AtomicU64>, key| {
            let owner = table.owner(key);
            let content = table.find_or_make(owner, |_| 0, |_| {});
            table.sets[0].iter().position(|place| std::ptr::eq(&place.content, content))
        };
        let other = {
            let table = Arc::clone(table);
            thread::spawn(move || place(&table, keys[0]))
        };
        let mine = place(table, keys[1]);
        [other.join().unwrap().unwrap(), mine.unwrap()]
    }

    #[test]
    fn a_new_key_gets_one_place_whoever_comes_first() {
        loom::model(|| {
            let table = Arc::new(Table::new());
            let [one, other] = places(&table, ["key", "key"]);
            assert_eq!(one, other);
            assert_eq!(table.iter().count(), 1);
        });
    }

    #[test]
    fn two_new_keys_get_a_place_each_while_there_is_room() {
        loom::model(|| {
            let table = Arc::new(Table::new());
            let [one, other] = places(&table, ["key", "other"]);
            assert_ne!(one, other);
            assert!(table.find(table.owner("key")).is_some());
            assert!(table.find(table.owner("other")).is_some());
        });
    }

    /// Whoever loses the race must not make anew what the winner has used since.
    #[test]
    fn a_place_that_changes_hands_is_made_new_once() {
        loom::model(|| {
            let table = Arc::new(Table::<AtomicU64>::new());
            for old in ["one", "two"] {
                table.find_or_make(table.owner(old), |_| 0, |_| {});
            }
            let renewed = Arc::new(AtomicU64::new(0));
            let bring = |table: &Table<AtomicU64>, renewed: &AtomicU64| {
                let renew = |_: &AtomicU64| drop(renewed.fetch_add(1, AcqRel));
                table.find_or_make(table.owner("new"), |_| 0, renew);
            };
            let other = {
                let (table, renewed) = (Arc::clone(&table), Arc::clone(&renewed));
                thread::spawn(move || bring(&table, &renewed))
            };
            bring(&table, &renewed);
            other.join().unwrap();
            assert_eq!(renewed.load(Acquire), 1);
        });
    }

    #[test]
    fn a_key_that_is_there_stays_while_another_comes() {
        loom::model(|| {
            let table = Arc::new(Table::<AtomicU64>::new());
            table.find_or_make(table.owner("old"), |_| 0, |_| {});
            places(&table, ["old", "new"]);
            assert!(table.find(table.owner("old")).is_some());
            assert!(table.find(table.owner("new")).is_some());
        });
    }
}
