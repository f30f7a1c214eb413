//! How long the source of tokens is left alone.

use std::time::{Duration, Instant};

use midil_http_core::exponential_delay;

/// The longest first pause, and the longest of all.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// The pause after the `number`th reason for one: 0.5–1 s, 1–2 s, 2–4 s … 15–30 s.
pub(super) fn pause(number: u32, random: f64) -> Duration {
    exponential_delay(FIRST, 2.0, LONGEST, number).mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
}

/// `wait` from `now`, as far as the clock goes.
pub(super) fn later(now: Instant, wait: Duration) -> Instant {
    now.checked_add(wait).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let range = |number| (pause(number, 0.0).as_secs_f64(), pause(number, 1.0).as_secs_f64());
        let expected = [(0.5, 1.0), (1.0, 2.0), (2.0, 4.0), (4.0, 8.0), (8.0, 16.0), (15.0, 30.0)];
        for (number, expected) in (1..).zip(expected) {
            assert_eq!(range(number), expected, "{number}");
        }
        assert_eq!(range(u32::MAX), (15.0, 30.0));
    }
}
