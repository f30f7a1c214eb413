//! [`Table`]: something for each key, found without a lock, in a memory of fixed size.

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire};

use foldhash::quality::RandomState;

/// 512 places in all.
const SETS: usize = 64;
const WAYS: usize = 8;

/// A table of fixed size, built like the cache of a processor.
///
/// A key's hash names a set, and in it any of eight places may be its own. Where all are taken, what is worth least gets a
/// new owner. So a call costs the same however many keys there are, the table allocates nothing, and nobody waits for
/// anybody.
///
/// A place knows its owner by the hash alone, keyed at random: with 512 keys, two share a place once in 10^14 processes.
/// Two threads that bring new keys to a full set at the same moment may see the same place for their own, for as long as
/// one call takes.
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

    /// What the owner has, who has something from now on. It may be what is worth least to those who had it until now,
    /// and is made new by `renew` before it changes hands.
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
        if before != 0 {
            renew(&place.content);
        }
        if place.owner.compare_exchange(before, owner.0, AcqRel, Acquire).is_ok() {
            return &place.content;
        }
    }
}
