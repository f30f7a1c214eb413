//! The life of a request on the wire.

use std::time::Duration;

use super::BodyEnd;
use crate::observer::{Ended, Target};

/// A request goes out: for an attempt, a redirect, a 401 replay or a hedge.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct RequestStarted<'a> {
    /// Where it goes.
    pub target: Target<'a>,
    /// How many requests of the same call went before (`http.request.resend_count`).
    pub resend_count: u32,
}

/// A request came to something; the body may be still to come.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct RequestEnded<'a> {
    /// Where it went.
    pub target: Target<'a>,
    /// What it came to.
    pub ended: Ended<'a>,
    /// The time since it went out: to the response's head, as a rule.
    pub elapsed: Duration,
}

/// Nothing of a request is under way any more.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct RequestClosed<'a> {
    /// Where it went.
    pub target: Target<'a>,
    /// How its response's body ended; `None` where there was none to read.
    pub body: Option<BodyEnd>,
}
