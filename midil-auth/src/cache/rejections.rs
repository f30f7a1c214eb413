//! [`Rejections`]: a server that rejects whatever it is given does not drain the authority.

use std::time::{Duration, Instant};

use super::pause::{later, pause};

/// So many rejections in a row lead to a fetch each.
const FREE: u32 = 32;

/// What ends a row of rejections.
const PEACE: Duration = Duration::from_secs(60);

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
        let over = self.count.saturating_sub(FREE - 1);
        if over > 0 {
            self.until = Some(later(now, pause(over, random())));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_free_and_a_pause_ends_when_it_is_over() {
        let (mut rejections, start) = (Rejections::default(), Instant::now());
        let free = (0..100).filter(|_| rejections.admit(start, || 1.0)).count();
        assert_eq!(free, 32);
        let second = Duration::from_secs(1);
        assert!(!rejections.admit(start + second - Duration::from_nanos(1), || 1.0));
        assert!(rejections.admit(start + second, || 1.0));
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
