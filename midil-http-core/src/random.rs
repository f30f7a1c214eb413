//! [`Random`]: the seedable source of all jitter.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of random numbers for jitter, shared without a lock.
///
/// It is SplitMix64 (Steele, Lea and Flood, 2014): good for spreading retries, no good for secrets.
///
/// # Examples
///
/// ```
/// use midil_http_core::Random;
///
/// let (one, other) = (Random::seeded(42), Random::seeded(42));
/// assert_eq!(one.next(), other.next());
/// assert!((0.0..1.0).contains(&one.next()));
/// ```
#[derive(Debug)]
pub struct Random {
    state: AtomicU64,
    /// What tells the ids of two sources apart, should they ever come to the same state.
    key: u64,
}

const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

impl Random {
    /// A source that yields the same numbers for the same seed.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed), key: mix(seed ^ GAMMA) }
    }

    /// A source with a seed of its own.
    #[must_use]
    pub fn new() -> Self {
        let random = || RandomState::new().build_hasher().finish();
        Self { state: AtomicU64::new(random()), key: random() }
    }

    /// The next number in [0, 1).
    #[must_use]
    pub fn next(&self) -> f64 {
        let bits = mix(self.step());
        // The upper 32 bits are plenty for jitter, and convert without rounding.
        let upper = u32::try_from(bits >> 32).unwrap_or(u32::MAX);
        f64::from(upper) / (f64::from(u32::MAX) + 1.0)
    }

    /// The next 128 bits, for ids that are to be unique: those of unseeded sources are drawn from 2^128.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::Random;
    ///
    /// let (one, other) = (Random::seeded(42), Random::seeded(42));
    /// assert_eq!(one.next_u128(), other.next_u128());
    /// assert_ne!(one.next_u128(), one.next_u128());
    /// ```
    #[must_use]
    pub fn next_u128(&self) -> u128 {
        let state = self.step();
        let upper = mix(state);
        // Without the key, the state alone would tell both halves.
        let lower = mix(upper ^ self.key);
        u128::from(upper) << 64 | u128::from(lower)
    }

    fn step(&self) -> u64 {
        self.state.fetch_add(GAMMA, Ordering::Relaxed).wrapping_add(GAMMA)
    }
}

/// The finalizer of SplitMix64.
const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

impl Default for Random {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fill_the_unit_interval_evenly() {
        let random = Random::seeded(1);
        let mut counts = [0_u32; 10];
        for _ in 0..100_000 {
            let tenth = (random.next() * 10.0).floor();
            let slot = (0_u8..10).position(|slot| f64::from(slot) == tenth).expect("below 1");
            counts[slot] += 1;
        }
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
    }

    #[test]
    fn ids_do_not_come_twice() {
        let (one, other) =
            (Random::seeded(1), Random::seeded(GAMMA.wrapping_mul(5).wrapping_add(1)));
        let mut ids: Vec<_> =
            (0..10_000).flat_map(|_| [one.next_u128(), other.next_u128()]).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 20_000);
    }

    #[test]
    fn two_sources_differ() {
        assert_ne!(Random::new().next(), Random::new().next());
    }
}
