//! [`CallRate`]: how many calls per second a server gets.

use std::sync::atomic::Ordering::Relaxed;

use crate::atomic::AtomicU64;

/// How long calls are counted before the count begins anew, in milliseconds. What is known is thus at most twice as old.
const WINDOW: u64 = 5_000;
/// A count of less than a second's calls is taken for that of a whole second, or one call would be a thousand a second.
const LEAST: u64 = 1_000;
/// The lower bits of a window hold its count, those above the millisecond in which it began: room for 16 million calls
/// and 34 years.
const COUNT_BITS: u32 = 24;
const MOST_CALLS: u64 = (1 << COUNT_BITS) - 1;

/// Counts calls in windows, lock-free. Time is in milliseconds since any beginning.
#[derive(Debug, Default)]
pub(super) struct CallRate {
    /// When the window began, and the calls since.
    window: AtomicU64,
    /// Calls per second in the window before.
    before: AtomicU64,
}

impl CallRate {
    /// Counts a call.
    pub(super) fn count(&self, now: u64) {
        let mut window = self.window.load(Relaxed);
        loop {
            let (start, calls) = unpack(window);
            let age = now.saturating_sub(start);
            let next = if age < WINDOW { pack(start, calls + 1) } else { pack(now, 1) };
            match self.window.compare_exchange_weak(window, next, Relaxed, Relaxed) {
                Ok(_) => {
                    if age >= WINDOW {
                        self.before.store(rate_of_closed(calls, age), Relaxed);
                    }
                    return;
                }
                Err(changed) => window = changed,
            }
        }
    }

    /// The calls per second of late: of this window or the one before, whichever had more. Silence makes it zero.
    pub(super) fn per_second(&self, now: u64) -> u64 {
        let (start, calls) = unpack(self.window.load(Relaxed));
        let age = now.saturating_sub(start);
        if age >= WINDOW {
            return rate_of_closed(calls, age);
        }
        (calls * 1_000 / age.max(LEAST)).max(self.before.load(Relaxed))
    }

    /// Forgets all.
    pub(super) fn reset(&self) {
        self.before.store(0, Relaxed);
        self.window.store(0, Relaxed);
    }

    /// When the latest window began: about the time of the last call.
    pub(super) fn last_seen(&self) -> u64 {
        unpack(self.window.load(Relaxed)).0
    }
}

/// The calls per second of a window that is over, as long as it is the latest.
const fn rate_of_closed(calls: u64, age: u64) -> u64 {
    if age < 2 * WINDOW { calls * 1_000 / WINDOW } else { 0 }
}

fn pack(start: u64, calls: u64) -> u64 {
    (start << COUNT_BITS) | calls.min(MOST_CALLS)
}

const fn unpack(window: u64) -> (u64, u64) {
    (window >> COUNT_BITS, window & MOST_CALLS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts `calls` evenly from one millisecond to another.
    fn count(rate: &CallRate, calls: u64, from: u64, to: u64) {
        for call in 0..calls {
            rate.count(from + (to - from) * call / calls);
        }
    }

    #[test]
    fn a_steady_rate_is_known_after_a_second_and_stays_known() {
        let rate = CallRate::default();
        count(&rate, 1_000, 0, 1_000);
        assert_eq!(rate.per_second(1_000), 1_000);
        for second in 1..20 {
            count(&rate, 1_000, second * 1_000, (second + 1) * 1_000);
            let seen = rate.per_second(second * 1_000 + 999);
            assert!((990..=1_010).contains(&seen), "{seen} in second {second}");
        }
    }

    #[test]
    fn a_new_window_remembers_the_one_before() {
        let rate = CallRate::default();
        count(&rate, 5_000, 0, 5_000);
        rate.count(5_000);
        assert_eq!((rate.per_second(5_000), rate.last_seen()), (1_000, 5_000));
    }

    #[test]
    fn who_comes_in_the_place_of_another_inherits_no_rate() {
        let rate = CallRate::default();
        count(&rate, 10_000, 0, 10_000);
        rate.reset();
        assert_eq!((rate.per_second(9_999), rate.last_seen()), (0, 0));
    }

    #[test]
    fn a_few_calls_at_once_are_no_high_rate() {
        let rate = CallRate::default();
        count(&rate, 3, 0, 3);
        assert_eq!(rate.per_second(3), 3);
    }

    #[test]
    fn silence_is_forgotten_in_two_windows() {
        let rate = CallRate::default();
        count(&rate, 5_000, 0, 5_000);
        assert_eq!(rate.per_second(9_999), 1_000);
        assert_eq!(rate.per_second(10_000), 0);
        rate.count(11_000);
        assert_eq!(rate.per_second(11_000), 1, "what was before the silence stays forgotten");
    }

    #[test]
    fn the_highest_count_does_not_run_into_the_time() {
        let rate = CallRate { window: AtomicU64::new(pack(7, MOST_CALLS)), ..CallRate::default() };
        rate.count(8);
        assert_eq!(unpack(rate.window.load(Relaxed)), (7, MOST_CALLS));
    }

    #[test]
    fn a_clock_that_goes_back_is_no_harm() {
        let rate = CallRate::default();
        rate.count(20_000);
        rate.count(3);
        assert_eq!(rate.per_second(0), 2);
    }
}
