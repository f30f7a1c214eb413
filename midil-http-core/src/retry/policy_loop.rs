//! The retry loop: one implementation for the client's slot and for every wrapper of a transport.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::{Attempt, GiveUpReason, Outcome, RetryDecision, RetryEvent, RetryStrategy};
use crate::body::{BUFFER_TIME, buffer, drain};
use crate::observer::tell;
use crate::trace::Resends;
use crate::{
    Body, Ended, Error, Event, LastOutcome, Observer, Random, Request, RequestHead, RetryChoice,
    RetryExhausted, RetryGivenUp, RetryScheduled, Runtime, Target, Transport,
};

/// Makes attempts: the client's slots below the loop, or a bare transport.
pub(crate) trait Attempts: Sync {
    /// Makes one attempt at `template`.
    fn attempt(
        &self,
        template: &Request,
    ) -> impl Future<Output = Result<http::Response<Body>, Error>> + Send;

    /// Called when the loop begins to wait for the next attempt.
    fn waiting(&self) {}

    /// Called when the wait is over and the next attempt is made.
    fn retrying(&self) {}

    /// Who is told of retries.
    fn observer(&self) -> Option<&Arc<dyn Observer>>;

    /// How many attempts the whole call has made, when the loop has made `number`.
    fn total(&self, number: u32) -> u32 {
        number
    }
}

/// What a loop runs on, and until when.
pub(crate) struct Limits<'a> {
    pub(crate) runtime: &'a dyn Runtime,
    pub(crate) random: &'a Random,
    /// When the call began.
    pub(crate) started: Instant,
    /// When it must be over.
    pub(crate) deadline: Option<Instant>,
}

/// How far a loop has come. A download that is resumed goes on from there.
#[derive(Clone, Copy)]
pub(crate) struct Tries {
    /// The number of the attempt that is made, from 1.
    number: u32,
    /// The wait before it.
    previous_delay: Option<Duration>,
    /// Whether it was judged before.
    resumes: bool,
}

impl Tries {
    pub(crate) const FIRST: Self = Self { number: 1, previous_delay: None, resumes: false };

    /// The same, where the body of the attempt has broken off since it was judged.
    pub(crate) const fn resumed(self) -> Self {
        Self { resumes: true, ..self }
    }
}

/// The strategy of a call: its own choice, or else that of whoever sends it.
pub(crate) enum Chosen<'a> {
    Never,
    Default(&'a dyn RetryStrategy),
    Own(Arc<dyn RetryStrategy>),
}

impl<'a> Chosen<'a> {
    pub(crate) fn of(head: &RequestHead, default: Option<&'a dyn RetryStrategy>) -> Self {
        match head.settings().and_then(|settings| settings.retry.clone()) {
            Some(RetryChoice::Never) => Self::Never,
            Some(RetryChoice::Strategy(strategy)) => Self::Own(strategy),
            None => default.map_or(Self::Never, Self::Default),
        }
    }

    /// Whether there is one.
    pub(crate) const fn retries(&self) -> bool {
        !matches!(self, Self::Never)
    }

    fn get(&self) -> Option<&dyn RetryStrategy> {
        match self {
            Self::Never => None,
            Self::Default(strategy) => Some(*strategy),
            Self::Own(strategy) => Some(&**strategy),
        }
    }
}

/// Sends `template` until its strategy is content, or nothing more can be done.
pub(crate) async fn retry<A: Attempts>(
    attempts: &A,
    template: &mut Request,
    strategy: &Chosen<'_>,
    limits: Limits<'_>,
    tries: &mut Tries,
) -> Result<http::Response<Body>, Error> {
    let Limits { runtime, random, started, deadline } = limits;
    loop {
        let outcome = attempts.attempt(template).await;
        let Some(strategy) = strategy.get() else { return outcome };
        let (parts, body) = match outcome {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                (Ok(parts), body)
            }
            Err(error) => (Err(error), Body::empty()),
        };
        let ended = runtime.now();
        let elapsed = since(ended, started);
        let remaining = deadline.map(|deadline| since(deadline, ended));
        let outcome = match &parts {
            Ok(parts) => Outcome::Response(parts),
            Err(error) => Outcome::Error(error),
        };
        let Tries { number, previous_delay, resumes } = *tries;
        tries.resumes = false;
        let attempt = Attempt {
            number,
            elapsed,
            remaining,
            request: template.head(),
            outcome,
            idempotent: template.head().is_idempotent(),
            replayable: template.body().is_whole(),
            previous_delay,
            random: random.next(),
            resumes,
            now: ended,
            runtime,
        };
        let decision = strategy.decide(&attempt);
        let replayable = attempt.replayable;
        let as_it_came = |parts: Result<http::response::Parts, Error>, body| {
            parts.map(|parts| http::Response::from_parts(parts, body))
        };
        let reason = match decision {
            RetryDecision::Accept => return as_it_came(parts, body),
            // What was read from a stream is gone, whatever the strategy wants.
            _ if !replayable => return as_it_came(parts, body),
            RetryDecision::GiveUp { reason } => reason,
            RetryDecision::Retry { after } => {
                let late = |now| late(deadline, now, after.saturating_sub(since(now, ended)));
                let mut reason = late(ended);
                if let (None, Some(hook)) = (&reason, strategy.hook()) {
                    let mut event = RetryEvent::new(number, outcome, after, template.head_mut());
                    hook.on_retry(&mut event).await;
                    reason = late(runtime.now()); // the hook took its time, too
                }
                match reason {
                    Some(reason) => reason,
                    None => {
                        let total = attempts.total(number);
                        tell_wait(attempts.observer(), template.head(), total, outcome, after);
                        attempts.waiting();
                        // What is rare is boxed: no call should carry room for it.
                        Box::pin(pause(body, runtime, ended, after)).await;
                        attempts.retrying();
                        let (number, previous_delay) = (number.saturating_add(1), Some(after));
                        *tries = Tries { number, previous_delay, resumes: false };
                        continue;
                    }
                }
            }
        };
        let total = attempts.total(number);
        tell_given_up(attempts.observer(), template.head(), total, outcome, &reason);
        let last = match parts {
            Ok(parts) => {
                let left = deadline.map_or(BUFFER_TIME, |deadline| {
                    since(deadline, runtime.now()).min(BUFFER_TIME)
                });
                let body = Box::pin(buffer(body, runtime, left)).await;
                LastOutcome::Response(http::Response::from_parts(parts, body))
            }
            Err(error) => LastOutcome::Error(error),
        };
        let elapsed = since(runtime.now(), started);
        return Err(RetryExhausted::new(total, elapsed, reason, last).into());
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

fn since(later: Instant, earlier: Instant) -> Duration {
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

/// The retry loop, for those who wrap a transport.
///
/// It is the very loop of the client's retry slot: it lends a stream until somebody reads from it, drains a discarded
/// response up to 64 KiB and 100 ms, never waits past the deadline of the call, and never waits after the last attempt.
/// It bounds waits, not attempts: those are cut by the timeouts of a client.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use midil_http_core::{
///     Attempt, Body, DefaultRuntime, GiveUpReason, Random, Request, RetryDecision, RetryLoop, Runtime,
/// };
///
/// # futures_util::FutureExt::now_or_never(async {
/// let busy = |_: Request| async {
///     Ok(http::Response::builder().status(503).body(Body::empty()).expect("a valid response"))
/// };
/// let twice = |attempt: &Attempt<'_>| match attempt.number {
///     1 => RetryDecision::Retry { after: Duration::ZERO },
///     _ => RetryDecision::GiveUp { reason: GiveUpReason::Attempts },
/// };
/// let runtime: Arc<dyn Runtime> = Arc::new(DefaultRuntime::new());
/// let outcome = RetryLoop::new(&twice, &*runtime, &Random::seeded(7))
///     .send(&busy, Request::get("http://localhost/")?)
///     .await;
/// assert_eq!(outcome.unwrap_err().to_string().split(" in ").next(), Some("gave up after 2 attempts"));
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
#[derive(Clone, Copy)]
pub struct RetryLoop<'a> {
    strategy: &'a dyn RetryStrategy,
    runtime: &'a dyn Runtime,
    random: &'a Random,
    observer: Option<&'a Arc<dyn Observer>>,
}

impl<'a> RetryLoop<'a> {
    /// A loop that follows `strategy`, unless the request's own settings name another.
    #[must_use]
    pub const fn new(
        strategy: &'a dyn RetryStrategy,
        runtime: &'a dyn Runtime,
        random: &'a Random,
    ) -> Self {
        Self { strategy, runtime, random, observer: None }
    }

    /// The same loop, which tells `observer` of its retries.
    #[must_use]
    pub const fn with_observer(mut self, observer: &'a Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Sends `request` over `transport` until the strategy is content.
    ///
    /// # Errors
    ///
    /// The outcome as it came where the strategy accepts it, and [`Error::RetryExhausted`] where it gives up.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the attempt that is under way.
    pub async fn send(
        self,
        transport: &dyn Transport,
        mut request: Request,
    ) -> Result<http::Response<Body>, Error> {
        request.body_mut().prepare();
        let strategy = Chosen::of(request.head(), Some(self.strategy));
        let started = self.runtime.now();
        // A client above has set it; without one, the call begins here.
        let deadline = request
            .head()
            .deadline
            .or_else(|| started.checked_add(request.head().settings()?.total_timeout?));
        let Self { runtime, random, observer, .. } = self;
        let limits = Limits { runtime, random, started, deadline };
        retry(
            &Bare { transport, observer, sent: AtomicU32::new(0) },
            &mut request,
            &strategy,
            limits,
            &mut Tries::FIRST.clone(),
        )
        .await
    }
}

impl fmt::Debug for RetryLoop<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RetryLoop")
    }
}

/// A transport with nothing between it and the loop.
struct Bare<'a> {
    transport: &'a dyn Transport,
    observer: Option<&'a Arc<dyn Observer>>,
    /// Requests sent.
    sent: AtomicU32,
}

impl Attempts for Bare<'_> {
    async fn attempt(&self, template: &Request) -> Result<http::Response<Body>, Error> {
        let Some(body) = template.body().lend() else { return Err(crate::body::already_read()) };
        let mut head = template.head().clone();
        // For the span of the exchange, should somebody make one.
        match self.sent.fetch_add(1, Ordering::Relaxed) {
            0 => {}
            resends => drop(head.extensions.insert(Resends(resends))),
        }
        self.transport.send(Request::from_parts(head, body)).await
    }

    fn observer(&self) -> Option<&Arc<dyn Observer>> {
        self.observer
    }
}
