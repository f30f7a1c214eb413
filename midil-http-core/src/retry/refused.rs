//! [`Refused`]: an attempt that its strategy did not accept, and what follows: another after a wait, or the end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::policy_loop::{Attempts, Limits, Tries};
use super::{GiveUpReason, Outcome, RetryEvent, RetryStrategy};
use crate::body::{BUFFER_TIME, DRAIN_TIME, buffer, drain};
use crate::observer::tell;
use crate::{
    Body, Ended, Error, Event, LastOutcome, Observer, Request, RequestHead, RetryExhausted,
    RetryGivenUp, RetryScheduled, Runtime, Target,
};

/// What an attempt came to, and what its strategy said to that.
pub(super) struct Refused {
    pub(super) parts: Result<http::response::Parts, Error>,
    pub(super) body: Body,
    /// When it came.
    pub(super) ended: Instant,
    /// The wait before the next attempt, or why there is none.
    pub(super) next: Result<Duration, GiveUpReason>,
}

impl Refused {
    /// Waits until the next attempt is due, or gives the error that the loop ends with.
    pub(super) async fn go_on<A: Attempts>(
        self,
        attempts: &A,
        template: &mut Request,
        strategy: &dyn RetryStrategy,
        limits: Limits<'_>,
        tries: &mut Tries,
    ) -> Option<Error> {
        let Limits { runtime, started, deadline, .. } = limits;
        let Self { parts, mut body, ended, next } = self;
        let outcome = match &parts {
            Ok(parts) => Outcome::Response(parts),
            Err(error) => Outcome::Error(error),
        };
        let number = tries.number;
        let total = attempts.total(number);
        let reason = match next {
            Err(reason) => reason,
            Ok(after) => {
                let late = |now| late(deadline, now, after.saturating_sub(since(now, ended)));
                let mut reason = late(ended);
                if let (None, Some(hook)) = (&reason, strategy.hook()) {
                    // A hook may make a call of its own, which must not wait for the connection, or the place, that an unread
                    // body holds. Kept, and not drained: the hook may take until it is too late for another attempt.
                    body = buffer(body, runtime, DRAIN_TIME).await;
                    let due = template.head().deadline;
                    let mut event = RetryEvent::new(number, outcome, after, template.head_mut());
                    hook.on_retry(&mut event).await;
                    // The call's own, whatever head the hook made: it may be earlier, not later, and not gone.
                    let head = template.head_mut();
                    head.deadline = head.deadline.into_iter().chain(due).min();
                    reason = late(runtime.now()); // the hook took its time, too
                }
                match reason {
                    Some(reason) => reason,
                    None => {
                        tell_wait(attempts.observer(), template.head(), total, outcome, after);
                        attempts.waiting();
                        pause(body, runtime, ended, after).await;
                        attempts.retrying();
                        *tries = tries.after(after);
                        return None;
                    }
                }
            }
        };
        tell_given_up(attempts.observer(), template.head(), total, outcome, &reason);
        let last = match parts {
            Ok(parts) => {
                let left = deadline.map_or(BUFFER_TIME, |deadline| {
                    since(deadline, runtime.now()).min(BUFFER_TIME)
                });
                let body = buffer(body, runtime, left).await;
                LastOutcome::Response(http::Response::from_parts(parts, body))
            }
            Err(error) => LastOutcome::Error(error),
        };
        let elapsed = since(runtime.now(), started);
        Some(RetryExhausted::new(total, elapsed, reason, last).into())
    }
}

/// Says that another attempt is made, and when; near free when nobody listens.
fn tell_wait(
    observer: Option<&Arc<dyn Observer>>,
    head: &RequestHead,
    attempt: u32,
    outcome: Outcome<'_>,
    delay: Duration,
) {
    let (status, error) = match outcome {
        Outcome::Response(head) => (Some(i64::from(head.status.as_u16())), None),
        Outcome::Error(error) => (None, Some(error.kind())),
    };
    tracing::debug!(
        target: "midil_http::retry",
        {
            attempt = i64::from(attempt),
            http.response.status_code = status,
            "error.type" = error,
            ?delay,
        },
        "HTTP retry"
    );
    if let Some(observer) = observer {
        let (target, ended) = (Target::of(head), ended_as(outcome));
        let event = RetryScheduled { target, attempt, ended, delay };
        tell(&**observer, &Event::RetryScheduled(event));
    }
}

/// Says that there is no other attempt, though there was reason for one.
fn tell_given_up(
    observer: Option<&Arc<dyn Observer>>,
    head: &RequestHead,
    attempts: u32,
    outcome: Outcome<'_>,
    reason: &GiveUpReason,
) {
    if let Some(observer) = observer {
        let (target, ended) = (Target::of(head), ended_as(outcome));
        let event = RetryGivenUp { target, attempts, ended, reason };
        tell(&**observer, &Event::RetryGivenUp(event));
    }
}

const fn ended_as(outcome: Outcome<'_>) -> Ended<'_> {
    match outcome {
        Outcome::Response(head) => Ended::Response { status: head.status, version: head.version },
        Outcome::Error(error) => Ended::Error(error),
    }
}

pub(super) fn since(later: Instant, earlier: Instant) -> Duration {
    later.saturating_duration_since(earlier)
}

/// Why an attempt that begins `wait` from now is no use: it would begin past the deadline.
fn late(deadline: Option<Instant>, now: Instant, wait: Duration) -> Option<GiveUpReason> {
    let remaining = since(deadline?, now);
    (wait >= remaining).then_some(GiveUpReason::Deadline { wait, remaining })
}

/// Drains the discarded response, then waits until `after` from `ended`, when the attempt ended.
async fn pause(body: Body, runtime: &dyn Runtime, ended: Instant, after: Duration) {
    drain(body, runtime).await;
    let wait = after.saturating_sub(since(runtime.now(), ended));
    if !wait.is_zero() {
        runtime.sleep(wait).await;
    }
}
