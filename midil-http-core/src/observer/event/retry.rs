//! What becomes of attempts.

use std::time::Duration;

use crate::observer::{Ended, Target};
use crate::retry::GiveUpReason;

/// An attempt will be followed by another.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct RetryScheduled<'a> {
    /// Where the request goes.
    pub target: Target<'a>,
    /// The number of the attempt that failed, in the whole call, from 1.
    pub attempt: u32,
    /// What it came to, which is the reason.
    pub ended: Ended<'a>,
    /// The wait before the next attempt.
    pub delay: Duration,
}

/// An outcome was worth a retry, but there is none.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct RetryGivenUp<'a> {
    /// Where the request went.
    pub target: Target<'a>,
    /// How many attempts were made.
    pub attempts: u32,
    /// What the last came to.
    pub ended: Ended<'a>,
    /// Why there is no other.
    pub reason: &'a GiveUpReason,
}

impl RetryGivenUp<'_> {
    /// The reason in one word, of which there are few: `attempts`, `budget`, `retry_after`, `deadline`, `other`.
    #[must_use]
    pub const fn reason_name(&self) -> &'static str {
        match self.reason {
            GiveUpReason::Attempts => "attempts",
            GiveUpReason::Budget => "budget",
            GiveUpReason::RetryAfter { .. } => "retry_after",
            GiveUpReason::Deadline { .. } => "deadline",
            GiveUpReason::Other(_) => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures_util::FutureExt;

    use super::*;
    use crate::{Attempt, Error, Event, HttpClient, Request, RetryDecision};

    /// What dashboards and alerts are built on.
    #[test]
    fn each_reason_has_its_word() {
        let (wait, remaining) = (Duration::from_secs(2), Duration::from_secs(1));
        for (reason, word) in [
            (GiveUpReason::Attempts, "attempts"),
            (GiveUpReason::Budget, "budget"),
            (GiveUpReason::RetryAfter { asked: wait, limit: remaining }, "retry_after"),
            (GiveUpReason::Deadline { wait, remaining }, "deadline"),
            (GiveUpReason::Other("it is Sunday".into()), "other"),
        ] {
            let seen = Arc::new(Mutex::new(Vec::new()));
            let told = Arc::clone(&seen);
            let client = HttpClient::builder(|_: Request| async { Err(Error::custom("busy")) })
                .base_url("http://a.test")
                .retry(move |_: &Attempt<'_>| RetryDecision::GiveUp { reason: reason.clone() })
                .observer(move |event: &Event<'_>| {
                    if let Event::RetryGivenUp(call) = event {
                        told.lock().unwrap().push(call.reason_name());
                    }
                })
                .build()
                .unwrap();
            client.get("/").send().now_or_never().unwrap().unwrap_err();
            assert_eq!(*seen.lock().unwrap(), [word]);
        }
    }
}
