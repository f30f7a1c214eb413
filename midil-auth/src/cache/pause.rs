//! How long the source of tokens is left alone: after failures, and after too many rejections.

use std::mem;
use std::time::{Duration, Instant};

use midil_http_core::{AuthError, exponential_delay};

/// The longest first pause, and the longest of all.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// The longest pause that an error can ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(5 * 60);

/// So many rejections in a row lead to a fetch each.
const FREE_REJECTIONS: u32 = 32;

/// What ends a row of rejections.
const PEACE: Duration = Duration::from_secs(60);

/// The pause after the `number`th failure: 0.5–1 s, 1–2 s, 2–4 s … 15–30 s.
fn pause(number: u32, random: f64) -> Duration {
    exponential_delay(FIRST, 2.0, LONGEST, number).mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
}

/// `wait` from `now`, as far as the clock goes.
fn later(now: Instant, wait: Duration) -> Instant {
    now.checked_add(wait).unwrap_or(now)
}

/// The fetches that failed since the last one that did not.
#[derive(Default)]
pub(super) struct Failures {
    pub(super) count: u32,
    last: Option<(AuthError, Instant)>,
}

impl Failures {
    /// Notes a failure. The answer is when the next try may be, and the error before: the caller drops it without the
    /// lock, for its source is foreign.
    pub(super) fn note(
        &mut self,
        error: &AuthError,
        now: Instant,
        random: f64,
    ) -> (Instant, Option<AuthError>) {
        self.count = self.count.saturating_add(1);
        let asked = error.retry_in().unwrap_or_default().min(LONGEST_ASKED);
        let pause = pause(self.count, random).max(asked);
        let until = later(now, pause);
        let before = self.last.replace((error.clone().with_retry_in(pause), until));
        (until, before.map(|(error, _)| error))
    }

    /// Forgets them all. The last error is the caller's to drop, too.
    pub(super) fn clear(&mut self) -> Option<AuthError> {
        mem::take(self).last.map(|(error, _)| error)
    }

    /// What the last fetch came to.
    pub(super) fn last(&self) -> Option<&AuthError> {
        self.last.as_ref().map(|(error, _)| error)
    }

    /// What is left of the pause.
    pub(super) fn pause(&self, now: Instant) -> Option<Duration> {
        let (_, until) = self.last.as_ref()?;
        until.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    /// What a caller gets who comes within the pause.
    pub(super) fn during_pause(&self, now: Instant) -> Option<AuthError> {
        let left = self.pause(now)?;
        self.last().map(|error| error.clone().with_retry_in(left))
    }
}

/// The tokens that were rejected in a row.
#[derive(Default)]
pub(super) struct Rejections {
    count: u32,
    last: Option<Instant>,
    until: Option<Instant>,
}

impl Rejections {
    /// Whether this rejection is to lead to a fetch.
    pub(super) fn admit(&mut self, now: Instant, random: impl FnOnce() -> f64) -> bool {
        let since_last = self.last.map(|last| now.saturating_duration_since(last));
        if since_last.is_none_or(|passed| passed >= PEACE) {
            *self = Self::default();
        }
        self.last = Some(now);
        if self.until.is_some_and(|until| now < until) {
            return false;
        }
        self.count = self.count.saturating_add(1);
        let over = self.count.saturating_sub(FREE_REJECTIONS - 1);
        if over > 0 {
            self.until = Some(later(now, pause(over, random())));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use midil_http_core::AuthErrorKind;

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

    #[test]
    fn a_pause_is_never_shorter_than_asked_nor_endless() {
        let now = Instant::now();
        let mut failures = Failures::default();
        let error = AuthError::new(AuthErrorKind::Unavailable, "busy");
        let asking = |seconds| error.clone().with_retry_in(Duration::from_secs(seconds));
        assert_eq!(failures.note(&asking(20), now, 0.0).0 - now, Duration::from_secs(20));
        assert_eq!(failures.note(&asking(u64::MAX), now, 0.0).0 - now, LONGEST_ASKED);
        assert_eq!(failures.note(&asking(0), now, 0.0).0 - now, Duration::from_secs(2));
    }

    #[test]
    fn endless_rejections_come_to_a_fetch_per_half_minute() {
        let mut rejections = Rejections::default();
        let start = Instant::now();
        let admitted = |rejections: &mut Rejections, from: u64, to: u64| {
            (from * 10..to * 10)
                .filter(|tenth| {
                    rejections.admit(start + Duration::from_millis(tenth * 100), || 1.0)
                })
                .count()
        };
        let first = admitted(&mut rejections, 0, 10);
        assert!((32..40).contains(&first), "{first}");
        admitted(&mut rejections, 10, 200);
        let steady = admitted(&mut rejections, 200, 500);
        assert!((10..=11).contains(&steady), "{steady}");
        // Nothing rejected for a minute: all is forgiven.
        assert_eq!(admitted(&mut rejections, 600, 602), 20);
    }
}
