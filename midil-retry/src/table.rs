//! [`Origins`]: one bucket per server, found without a lock.

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire};

use foldhash::quality::RandomState;
use url::Url;

use super::bucket::{Bucket, Prices};

/// 512 buckets in all: 16 KiB.
const SETS: usize = 64;
const WAYS: usize = 8;

/// The buckets of all servers: a table of fixed size, built like the cache of a processor.
///
/// A server's hash names a set, and in it any of eight places may be its own. Where all are taken, the least dear bucket
/// gets a new owner: a full one as a rule, which is as good as new. So a call costs the same however many servers there
/// are, nothing is ever allocated, and nobody waits for anybody.
///
/// A place knows its owner by the hash alone, keyed at random: with 512 servers, two share a bucket once in 10^14
/// processes. Two threads that bring new servers to a full set at the same moment may cost one of them what it has just
/// withdrawn or earned: it is a matter of one call.
pub(super) struct Origins {
    sets: Box<[Set; SETS]>,
    hasher: RandomState,
}

type Set = [Place; WAYS];

#[derive(Default)]
struct Place {
    /// Whose it is; 0 for nobody's.
    owner: AtomicU64,
    bucket: Bucket,
}

impl Origins {
    pub(super) fn new() -> Self {
        let sets = Box::new(std::array::from_fn(|_| Set::default()));
        Self { sets, hasher: RandomState::default() }
    }

    /// The bucket of `url`'s origin, if it has one.
    pub(super) fn find(&self, url: &Url) -> Option<&Bucket> {
        let owner = self.owner(url);
        find(self.set(owner), owner)
    }

    /// The bucket of `url`'s origin, which has one from now on.
    pub(super) fn find_or_make(&self, url: &Url, prices: &Prices, now: u64) -> &Bucket {
        let owner = self.owner(url);
        let set = self.set(owner);
        find(set, owner).unwrap_or_else(|| make(set, owner, prices, now))
    }

    /// How many origins have a bucket.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.sets.iter().flatten().filter(|place| place.owner.load(Acquire) != 0).count()
    }

    /// What stands for the origin of a URL: a hash of its scheme, host and port, without userinfo.
    fn owner(&self, url: &Url) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(url.host_str().unwrap_or_default().as_bytes());
        hasher.write(url.scheme().as_bytes());
        hasher.write_u32(url.port().map_or(u32::MAX, u32::from));
        hasher.finish().max(1)
    }

    fn set(&self, owner: u64) -> &Set {
        let [first, ..] = &*self.sets;
        let number = usize::try_from(owner).unwrap_or_default() % SETS;
        self.sets.get(number).unwrap_or(first)
    }
}

fn find(set: &Set, owner: u64) -> Option<&Bucket> {
    set.iter().find(|place| place.owner.load(Acquire) == owner).map(|place| &place.bucket)
}

/// Takes the place of the least dear bucket.
#[cold]
fn make<'a>(set: &'a Set, owner: u64, prices: &Prices, now: u64) -> &'a Bucket {
    let [first, ..] = set;
    loop {
        // Everybody takes the first free place, and sees who was quicker: a server never gets two of them.
        let seen = set.each_ref().map(|place| (place.owner.load(Acquire), place));
        if let Some((_, place)) = seen.iter().find(|(other, _)| *other == owner) {
            return &place.bucket;
        }
        let dearness = |(owner, place): &(u64, &Place)| place.dearness(*owner, prices, now);
        let (before, place) = seen.into_iter().min_by_key(dearness).unwrap_or((0, first));
        if before != 0 {
            place.bucket.renew();
        }
        if place.owner.compare_exchange(before, owner, AcqRel, Acquire).is_ok() {
            return &place.bucket;
        }
    }
}

impl Place {
    /// A free place before a taken one, a full bucket before another, then the one that was not called for longest.
    fn dearness(&self, owner: u64, prices: &Prices, now: u64) -> Option<(bool, u64)> {
        (owner != 0).then(|| (!self.bucket.is_full(prices, now), self.bucket.last_call()))
    }
}
