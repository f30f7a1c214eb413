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
    generation: u16,
    turn: u32,
    failures: u16,
    calls: u16,
}

/// The bits of a turn: at a second each, it takes two months until one comes round again in the same place.
const TURN_BITS: u32 = 20;
const TURN_MASK: u64 = (1 << TURN_BITS) - 1;
/// The bits of a generation.
const GENERATION_MASK: u64 = (1 << (u32::BITS - TURN_BITS)) - 1;

/// Who is late is late by less than so many turns, and so many generations. What is further ahead is not ahead, but was left
/// behind so long ago that its number has come round: a circuit that has had an outage has gone through hundreds of
/// generations without a call that counts.
const LATE_TURNS: u32 = 100;
const LATE_GENERATIONS: u16 = 64;

/// So many calls are in a bucket that had as many, however many come after them.
pub(super) const COUNTED_CALLS: u32 = 1 << (u16::BITS - 1);

impl Window {
    /// Counts a call that ended in `turn`.
    pub(super) fn record(&self, generation: u32, turn: u64, failed: bool) {
        let Some(place) = self.place(turn) else { return };
        let fresh = Bucket { generation: tag(generation), turn: low(turn), failures: 0, calls: 0 };
        let mut word = place.load(Relaxed);
        loop {
            let found = Bucket::unpack(word);
            let bucket = if found.is_of(fresh.generation, fresh.turn) {
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
        let turns = (0..BUCKETS).filter_map(|age| turn.checked_sub(age.into()));
        let buckets = turns.filter_map(|turn| {
            let bucket = Bucket::unpack(self.place(turn)?.load(Relaxed));
            bucket.is_of(tag(generation), low(turn)).then_some(bucket)
        });
        buckets.fold((0, 0), |(calls, failures), bucket| {
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
            (self.calls, self.failures) = (self.calls.div_ceil(2), self.failures.div_ceil(2));
        }
        self.calls += 1;
        self.failures += u16::from(failed);
        self
    }

    fn is_of(self, generation: u16, turn: u32) -> bool {
        self.generation == generation && self.turn == turn
    }

    /// Whether it belongs to a later turn, or to the same one in a later generation.
    fn is_after(self, other: Self) -> bool {
        match low(u64::from(self.turn).wrapping_sub(other.turn.into())) {
            0 => {
                let ahead = u64::from(self.generation).wrapping_sub(other.generation.into());
                (1..LATE_GENERATIONS).contains(&tag_of(ahead))
            }
            ahead => ahead < LATE_TURNS,
        }
    }

    fn pack(self) -> u64 {
        let tag = u64::from(self.generation) << TURN_BITS | u64::from(self.turn);
        tag << 32 | u64::from(self.failures) << 16 | u64::from(self.calls)
    }

    fn unpack(word: u64) -> Self {
        let [_, _, _, _, failures @ .., calls_high, calls_low] = word.to_be_bytes();
        Self {
            generation: tag_of(word >> (32 + TURN_BITS)),
            turn: low(word >> 32),
            failures: u16::from_be_bytes(failures),
            calls: u16::from_be_bytes([calls_high, calls_low]),
        }
    }
}

fn tag(generation: u32) -> u16 {
    tag_of(generation.into())
}

fn tag_of(generation: u64) -> u16 {
    u16::try_from(generation & GENERATION_MASK).unwrap_or_default()
}

fn low(turn: u64) -> u32 {
    u32::try_from(turn & TURN_MASK).unwrap_or_default()
}

#[cfg(test)]
#[cfg(not(midil_loom))]
mod tests {
    use super::super::state::LAST_GENERATION;
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
        for (before, after) in [(255, 256), (4_095, 4_096), (LAST_GENERATION, 0)] {
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
        assert!((COUNTED_CALLS..=u32::from(u16::MAX)).contains(&calls));
        let ratio = f64::from(failures) / f64::from(calls);
        assert!((0.249..0.251).contains(&ratio), "{ratio}");
    }

    #[test]
    fn a_bucket_comes_out_as_it_was_packed() {
        let bucket =
            Bucket { generation: 0xfab, turn: 0x000b_cdef, failures: 0x1234, calls: 0x5678 };
        assert_eq!(Bucket::unpack(bucket.pack()), bucket);
        assert_eq!(Window::default().totals(0, 0), (0, 0));
    }
}
