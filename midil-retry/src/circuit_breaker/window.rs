//! [`Window`]: how many calls of late failed.

use std::sync::atomic::Ordering::Relaxed;

use crate::atomic::AtomicU64;

/// A window slides in so many steps.
pub(super) const BUCKETS: u32 = 10;

/// Counts calls by the time of their outcome, lock-free, in a ring of buckets.
///
/// A turn is the number of the bucket since the beginning of time; the latest ten count. So the window covers between
/// nine tenths and all of its length.
#[derive(Debug, Default)]
pub(super) struct Window {
    buckets: [AtomicU64; 10],
}

/// One bucket. What belongs to another generation, or to another turn, is as good as nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bucket {
    generation: u8,
    turn: u32,
    failures: u16,
    calls: u16,
}

/// The bits of a turn: at a second each, it takes half a year until one comes round again.
const TURN_BITS: u32 = 24;
const TURN_MASK: u64 = (1 << TURN_BITS) - 1;

impl Window {
    /// Counts a call that ended in `turn`.
    pub(super) fn record(&self, generation: u32, turn: u64, failed: bool) {
        let Some(place) = self.place(turn) else { return };
        let fresh = Bucket { generation: tag(generation), turn: low(turn), failures: 0, calls: 0 };
        let mut word = place.load(Relaxed);
        loop {
            let found = Bucket::unpack(word);
            let bucket = if found.generation == fresh.generation && found.turn == fresh.turn {
                found
            } else if found.is_after(fresh) {
                return; // late: the circuit, or time, has gone on
            } else {
                fresh
            };
            match place.compare_exchange(word, bucket.counting(failed).pack(), Relaxed, Relaxed) {
                Ok(_) => return,
                Err(changed) => word = changed,
            }
        }
    }

    /// Calls, and failures among them, in the window that ends with `turn`.
    pub(super) fn totals(&self, generation: u32, turn: u64) -> (u32, u32) {
        let buckets = self.buckets.iter().map(|bucket| Bucket::unpack(bucket.load(Relaxed)));
        let counted = buckets.filter(|bucket| {
            let age = low(turn.wrapping_sub(u64::from(bucket.turn)));
            bucket.generation == tag(generation) && age < BUCKETS
        });
        counted.fold((0, 0), |(calls, failures), bucket| {
            (calls + u32::from(bucket.calls), failures + u32::from(bucket.failures))
        })
    }

    /// Whether any failure was counted in that generation, however long ago.
    pub(super) fn has_failures(&self, generation: u32) -> bool {
        let mut buckets = self.buckets.iter().map(|bucket| Bucket::unpack(bucket.load(Relaxed)));
        buckets.any(|bucket| bucket.generation == tag(generation) && bucket.failures > 0)
    }

    fn place(&self, turn: u64) -> Option<&AtomicU64> {
        self.buckets.get(usize::try_from(turn % u64::from(BUCKETS)).unwrap_or_default())
    }
}

impl Bucket {
    fn counting(mut self, failed: bool) -> Self {
        if self.calls == u16::MAX {
            // Halves have the same ratio.
            (self.calls, self.failures) = (self.calls / 2, self.failures / 2);
        }
        self.calls += 1;
        self.failures += u16::from(failed);
        self
    }

    /// Whether it belongs to a later generation, or else to a later turn.
    fn is_after(self, other: Self) -> bool {
        match self.generation.wrapping_sub(other.generation) {
            0 => {
                low(u64::from(self.turn).wrapping_sub(u64::from(other.turn))) < 1 << (TURN_BITS - 1)
            }
            ahead => ahead < 128,
        }
    }

    fn pack(self) -> u64 {
        let tag = u64::from(self.generation) << TURN_BITS | u64::from(self.turn);
        tag << 32 | u64::from(self.failures) << 16 | u64::from(self.calls)
    }

    fn unpack(word: u64) -> Self {
        let [generation, _, _, _, failures @ .., calls_high, calls_low] = word.to_be_bytes();
        Self {
            generation,
            turn: low(word >> 32),
            failures: u16::from_be_bytes(failures),
            calls: u16::from_be_bytes([calls_high, calls_low]),
        }
    }
}

fn tag(generation: u32) -> u8 {
    u8::try_from(generation & 0xff).unwrap_or_default()
}

fn low(turn: u64) -> u32 {
    u32::try_from(turn & TURN_MASK).unwrap_or_default()
}

#[cfg(test)]
#[cfg(not(midil_loom))]
mod tests {
    use super::*;

    #[test]
    fn a_window_forgets_what_is_older() {
        let window = Window::default();
        for turn in 0..100 {
            window.record(0, turn, turn % 4 == 0);
        }
        assert_eq!(window.totals(0, 99), (10, 2));
        assert_eq!(window.totals(0, 104), (5, 1));
        assert_eq!(window.totals(0, 108), (1, 0));
        assert_eq!(window.totals(0, 109), (0, 0));
    }

    #[test]
    fn a_turn_that_comes_round_finds_an_empty_bucket() {
        let window = Window::default();
        window.record(0, 3, true);
        window.record(0, 13, false);
        assert_eq!(window.totals(0, 13), (1, 0));
    }

    #[test]
    fn generations_do_not_mix() {
        let window = Window::default();
        window.record(7, 3, true);
        assert_eq!(window.totals(8, 3), (0, 0));
        window.record(8, 3, false);
        window.record(7, 3, true); // late
        assert_eq!(window.totals(8, 3), (1, 0));
        for (before, after) in [(255, 256), (511, 512)] {
            let window = Window::default();
            window.record(before, 3, true);
            window.record(after, 3, false);
            window.record(before, 3, true);
            assert_eq!(window.totals(after, 3), (1, 0));
        }
    }

    #[test]
    fn a_thread_whose_clock_was_read_long_ago_erases_nothing() {
        let window = Window::default();
        window.record(0, 13, true);
        window.record(0, 3, true);
        assert_eq!(window.totals(0, 13), (1, 1));
    }

    #[test]
    fn a_full_bucket_keeps_its_ratio() {
        let window = Window::default();
        for call in 0..200_000 {
            window.record(0, 0, call % 4 == 0);
        }
        let (calls, failures) = window.totals(0, 0);
        assert!((u32::from(u16::MAX) / 2..=u32::from(u16::MAX)).contains(&calls));
        let ratio = f64::from(failures) / f64::from(calls);
        assert!((0.249..0.251).contains(&ratio), "{ratio}");
    }

    #[test]
    fn a_bucket_comes_out_as_it_was_packed() {
        let bucket = Bucket { generation: 200, turn: 0x00ab_cdef, failures: 0x1234, calls: 0x5678 };
        assert_eq!(Bucket::unpack(bucket.pack()), bucket);
        assert_eq!(Window::default().totals(0, 0), (0, 0));
    }
}
