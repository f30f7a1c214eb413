//! The life of a call.

use std::time::Duration;

use crate::observer::{Ended, Target};

/// A call began.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct CallStarted<'a> {
    /// What the caller asked for.
    pub target: Target<'a>,
}

/// A call came to something: retries, waits and redirects are behind it; the body may be still to come.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct CallEnded<'a> {
    /// What the caller asked for, whatever redirects led to.
    pub target: Target<'a>,
    /// What it came to.
    pub ended: Ended<'a>,
    /// The time since it began.
    pub elapsed: Duration,
    /// How many attempts were made: 1 and the retries of the whole call, without those that a
    /// [resumed](crate::RequestBuilder::resumable) body takes later.
    pub attempts: u32,
    /// How many requests were sent, with redirects, 401 replays and hedges; 0 where a breaker or a limit refused the call.
    pub requests: u32,
}

/// Nothing of a call is held any more.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct CallClosed<'a> {
    /// What the caller asked for.
    pub target: Target<'a>,
    /// How its body ended; `None` where there was no response to read.
    pub body: Option<BodyEnd>,
}

/// How the body of a response ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BodyEnd {
    /// It was read to its end, or was there in whole.
    Complete,
    /// It broke off: the [kind](crate::Error::kind) of the error.
    Failed(&'static str),
    /// It was dropped before its end.
    Dropped,
}
