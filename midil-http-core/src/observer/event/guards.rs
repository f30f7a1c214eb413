//! What limits, breakers and hedges do.

use std::time::Duration;

use crate::RequestHead;
use crate::observer::Target;

/// A call no longer waits for a limit of the client's own. What goes through at once does not wait, and is not told of.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct QueueEnded<'a> {
    /// Where the request goes.
    pub target: Target<'a>,
    /// Which limit it was: `bulkhead`, `rate_limit`, or a word of your own.
    pub limit: &'static str,
    /// How long it waited; zero for one that was refused at once.
    pub waited: Duration,
    /// What came of it.
    pub outcome: QueueOutcome,
}

impl<'a> QueueEnded<'a> {
    /// For middleware that makes calls wait.
    #[must_use]
    pub fn new(
        request: &'a RequestHead,
        limit: &'static str,
        waited: Duration,
        outcome: QueueOutcome,
    ) -> Self {
        Self { target: Target::of(request), limit, waited, outcome }
    }
}

/// What came of a wait for a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QueueOutcome {
    /// The call went on.
    Admitted,
    /// The limit refused it: [`Error::Limit`](crate::Error::Limit).
    Refused,
    /// The caller did not wait for it, or the call's time was over.
    Left,
}

/// A circuit breaker changed its state.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct CircuitChanged<'a> {
    /// Whose circuit it is: an origin, such as `https://api.example.com`, or the key that the caller made.
    pub key: &'a str,
    /// What it was: `closed`, `open`, `half_open`, `forced_open` or `forced_closed`.
    pub from: &'static str,
    /// What it is.
    pub to: &'static str,
}

impl<'a> CircuitChanged<'a> {
    /// For circuit breakers.
    #[must_use]
    pub const fn new(key: &'a str, from: &'static str, to: &'static str) -> Self {
        Self { key, from, to }
    }
}

/// A request that took long was sent once more.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct HedgeSent<'a> {
    /// Where it goes.
    pub target: Target<'a>,
}

impl<'a> HedgeSent<'a> {
    /// For middleware that hedges.
    #[must_use]
    pub fn new(request: &'a RequestHead) -> Self {
        Self { target: Target::of(request) }
    }
}

/// What was sent once more was the first to come to something good.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct HedgeWon<'a> {
    /// Where it went.
    pub target: Target<'a>,
}

impl<'a> HedgeWon<'a> {
    /// For middleware that hedges.
    #[must_use]
    pub fn new(request: &'a RequestHead) -> Self {
        Self { target: Target::of(request) }
    }
}
