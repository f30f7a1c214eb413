//! How long a token is good for, whatever its authority says.

use std::time::{Duration, SystemTime};

use midil_http_core::AuthNToken;

/// What a token of unknown lifetime is good for.
pub(crate) const UNKNOWN_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// Longer than anything lives, short enough for every clock: 30 years.
const LONGEST: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// What is left of a token's life when it arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lifetime {
    /// Until it expires. Zero: it is for those alone who waited for it.
    pub(super) remaining: Duration,
    /// Until it is time for the next one.
    pub(super) until_refresh: Duration,
}

impl Lifetime {
    /// `fetch` is how long ago the fetch began; `wall` the time of day. `random` is in [0, 1).
    pub(super) fn of(token: &AuthNToken, fetch: Duration, wall: SystemTime, random: f64) -> Self {
        let whole = token.expires_in().unwrap_or(UNKNOWN_LIFETIME).min(LONGEST);
        // A token that comes from the future was issued when the fetch began, at the earliest.
        let age =
            token.issued_at().map_or(fetch, |issued| wall.duration_since(issued).unwrap_or(fetch));
        let refresh_at = whole.mul_f64(0.70 + random.clamp(0.0, 1.0) / 10.0);
        Self { remaining: whole.saturating_sub(age), until_refresh: refresh_at.saturating_sub(age) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn of(token: &AuthNToken, fetch: u64, random: f64) -> (Duration, Duration) {
        let lifetime = Lifetime::of(token, seconds(fetch), NOW + seconds(10_000), random);
        (lifetime.remaining, lifetime.until_refresh)
    }

    #[test]
    fn it_is_refreshed_at_three_quarters_give_or_take() {
        let token = AuthNToken::new("t").with_expires_in(seconds(1000));
        assert_eq!(of(&token, 0, 0.0), (seconds(1000), seconds(700)));
        assert_eq!(of(&token, 0, 0.5), (seconds(1000), seconds(750)));
        assert_eq!(of(&token, 0, 1.0), (seconds(1000), seconds(800)));
        assert_eq!(of(&token, 0, f64::INFINITY), (seconds(1000), seconds(800)));
    }

    #[test]
    fn it_counts_from_when_it_was_issued_or_else_asked_for() {
        let token = AuthNToken::new("t").with_expires_in(seconds(1000));
        assert_eq!(of(&token, 8, 0.5), (seconds(992), seconds(742)));
        let old = token.clone().with_issued_at(NOW + seconds(9_200));
        assert_eq!(of(&old, 8, 0.5), (seconds(200), seconds(0)), "it is time at once");
        let dead = token.clone().with_issued_at(NOW);
        assert_eq!(of(&dead, 0, 0.5), (seconds(0), seconds(0)));
        let skewed = token.with_issued_at(NOW + seconds(20_000));
        assert_eq!(of(&skewed, 8, 0.5), (seconds(992), seconds(742)));
    }

    #[test]
    fn lifetimes_of_any_shape() {
        assert_eq!(of(&AuthNToken::new("t"), 0, 0.5), (seconds(300), seconds(225)));
        let zero = AuthNToken::new("t").with_expires_in(Duration::ZERO);
        assert_eq!(of(&zero, 0, 0.5).0, Duration::ZERO);
        let endless = AuthNToken::new("t").with_expires_in(Duration::MAX);
        assert_eq!(of(&endless, 0, 0.5).0, seconds(946_080_000));
        let short = AuthNToken::new("t").with_expires_in(Duration::from_nanos(1));
        assert!(of(&short, 0, 0.5).1 <= Duration::from_nanos(1));
    }
}
