//! [`CacheStatus`].

use std::time::Duration;

use midil_http_core::AuthError;

use super::{Inner, State};

/// How the token of a [`TokenCache`](super::TokenCache) is, for health checks. It holds no secret.
///
/// A service is healthy as long as `valid` holds; `consecutive_failures` with a valid token is a warning.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CacheStatus {
    /// Whether there is a token that has not expired.
    pub valid: bool,
    /// How many tokens there were; the generation of the last one.
    pub generation: u64,
    /// How long ago the token came.
    pub age: Option<Duration>,
    /// How long the token is still good for.
    pub expires_in: Option<Duration>,
    /// When the next call begins to renew it: zero when it is due, or under way.
    pub next_refresh: Option<Duration>,
    /// Whether a fetch is under way.
    pub fetching: bool,
    /// How many fetches were begun.
    pub fetches: u64,
    /// How many fetches failed since the last one that did not.
    pub consecutive_failures: u32,
    /// What the last fetch came to, when it failed.
    pub last_error: Option<AuthError>,
    /// How long nobody fetches, after a failure.
    pub retry_in: Option<Duration>,
}

impl CacheStatus {
    pub(super) fn of(cache: &Inner, state: &State) -> Self {
        let (now, wall) = (cache.runtime.now(), cache.runtime.system_time());
        let current = cache.current.load();
        let entry = current.as_ref().filter(|entry| entry.is_valid(now, wall));
        let passed = entry.map(|entry| now.saturating_duration_since(entry.arrived));
        Self {
            valid: entry.is_some(),
            generation: state.generation,
            age: passed,
            expires_in: entry.map(|entry| entry.expires_in(now, wall)),
            next_refresh: entry.map(|entry| {
                let paused = if state.fetch.is_some() {
                    Duration::ZERO
                } else {
                    entry.claimed_for(cache, now)
                };
                entry.refresh_in(now, wall).max(paused)
            }),
            fetching: state.fetch.is_some(),
            fetches: state.fetches,
            consecutive_failures: state.failures.count,
            last_error: state.failures.last().cloned(),
            retry_in: state.failures.pause(now),
        }
    }
}
