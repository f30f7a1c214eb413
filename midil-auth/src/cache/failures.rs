//! [`Failures`]: the fetches that failed, and the pause after them.

use std::mem;
use std::time::{Duration, Instant};

use midil_http_core::AuthError;

use super::pause::{later, pause};

/// The longest pause that an error can ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(5 * 60);

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

#[cfg(test)]
mod tests {
    use midil_http_core::AuthErrorKind;

    use super::*;

    #[test]
    fn a_pause_is_never_shorter_than_asked_nor_endless() {
        let now = Instant::now();
        let mut failures = Failures::default();
        let error = AuthError::new(AuthErrorKind::Unavailable, "busy");
        let asking = |seconds| error.clone().with_retry_in(Duration::from_secs(seconds));
        assert_eq!(failures.note(&asking(20), now, 0.0).0 - now, Duration::from_secs(20));
        assert_eq!(failures.note(&asking(u64::MAX), now, 0.0).0 - now, Duration::from_secs(300));
        assert_eq!(failures.note(&asking(0), now, 0.0).0 - now, Duration::from_secs(2));
    }
}
