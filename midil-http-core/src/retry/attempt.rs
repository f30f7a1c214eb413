//! [`Attempt`]: what a strategy sees.

use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use super::retry_after;
use crate::{DefaultRuntime, Error, RequestHead, Runtime, redact};

/// What one attempt came to, and what a [`RetryStrategy`](crate::RetryStrategy) needs to judge it.
///
/// # Examples
///
/// To test a strategy, make an attempt and set what matters:
///
/// ```
/// use midil_http_core::{Attempt, Error, Outcome, Request};
///
/// let request = Request::get("https://example.com/")?;
/// let error = Error::Closed;
/// let mut attempt = Attempt::new(request.head(), Outcome::Error(&error));
/// attempt.number = 2;
/// assert!(attempt.idempotent);
/// # Ok::<_, Error>(())
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Attempt<'a> {
    /// Which attempt this was, from 1.
    pub number: u32,
    /// The time since the call began.
    pub elapsed: Duration,
    /// What is left until the deadline of the call, when it has one.
    pub remaining: Option<Duration>,
    /// The request.
    pub request: &'a RequestHead,
    /// What it came to.
    pub outcome: Outcome<'a>,
    /// Whether sending it twice is as good as once ([`RequestHead::is_idempotent`]).
    pub idempotent: bool,
    /// Whether its body can be sent again.
    pub replayable: bool,
    /// The wait before this attempt, when it was not the first.
    pub previous_delay: Option<Duration>,
    /// A random number in [0, 1), new for each attempt.
    pub random: f64,
    /// Whether this attempt was judged before, by its head, and its body has broken off since: a download that is to be
    /// resumed.
    pub resumes: bool,
    /// The monotonic time of the runtime.
    pub now: Instant,
    pub(super) runtime: &'a dyn Runtime,
}

/// What an attempt came to.
#[derive(Clone, Copy)]
#[allow(clippy::exhaustive_enums, reason = "an attempt comes to a response or an error")]
pub enum Outcome<'a> {
    /// The head of a response.
    Response(&'a http::response::Parts),
    /// An error.
    Error(&'a Error),
}

impl fmt::Debug for Outcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => f.debug_tuple("Error").field(error).finish(),
            Self::Response(head) => f
                .debug_struct("Response")
                .field("status", &head.status)
                .field("headers", &redact::headers(&head.headers))
                .finish(),
        }
    }
}

impl<'a> Attempt<'a> {
    /// A first attempt at a replayable request, just now, for tests of a strategy.
    #[must_use]
    pub fn new(request: &'a RequestHead, outcome: Outcome<'a>) -> Self {
        Self {
            number: 1,
            elapsed: Duration::ZERO,
            remaining: None,
            request,
            outcome,
            idempotent: request.is_idempotent(),
            replayable: true,
            previous_delay: None,
            random: 0.5,
            resumes: false,
            now: DefaultRuntime.now(),
            runtime: &DefaultRuntime,
        }
    }

    /// The same attempt on another clock.
    #[must_use]
    pub fn on(mut self, runtime: &'a dyn Runtime) -> Self {
        self.now = runtime.now();
        self.runtime = runtime;
        self
    }

    /// The wall-clock time of the runtime.
    #[must_use]
    pub fn system_time(&self) -> SystemTime {
        self.runtime.system_time()
    }

    /// How long the response asks us to wait, by its `Retry-After` ([`retry_after`](fn@crate::retry_after)).
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self.outcome {
            Outcome::Response(head) => retry_after(&head.headers, || self.system_time()),
            Outcome::Error(_) => None,
        }
    }
}

impl fmt::Debug for Attempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("number", &self.number)
            .field("elapsed", &self.elapsed)
            .field("remaining", &self.remaining)
            .field("request", &self.request)
            .field("outcome", &self.outcome)
            .field("idempotent", &self.idempotent)
            .field("replayable", &self.replayable)
            .field("previous_delay", &self.previous_delay)
            .field("resumes", &self.resumes)
            .finish_non_exhaustive()
    }
}
