//! The retry loop: one implementation for the client's slot and for every wrapper of a transport.

use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::refused::{Refused, since};
use super::{Attempt, Outcome, RetryDecision, RetryStrategy};
use crate::trace::Resends;
use crate::{Body, Error, Observer, Random, Request, RequestHead, RetryChoice, Runtime, Transport};

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
#[derive(Clone, Copy)]
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
    pub(super) number: u32,
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

    /// The next attempt, after a wait.
    pub(super) const fn after(self, wait: Duration) -> Self {
        let number = self.number.saturating_add(1);
        Self { number, previous_delay: Some(wait), resumes: false }
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
    loop {
        let outcome = attempts.attempt(template).await;
        let Some(strategy) = strategy.get() else { return outcome };
        let refused = match judge(strategy, outcome, template, limits, tries) {
            ControlFlow::Break(outcome) => return outcome,
            ControlFlow::Continue(refused) => refused,
        };
        // What is rare is boxed: no call should carry room for it.
        let going_on = Box::pin(refused.go_on(attempts, template, strategy, limits, tries));
        if let Some(error) = going_on.await {
            return Err(error);
        }
    }
}

/// Asks the strategy; breaks with what is accepted, or cannot be sent again.
fn judge(
    strategy: &dyn RetryStrategy,
    outcome: Result<http::Response<Body>, Error>,
    template: &Request,
    limits: Limits<'_>,
    tries: &mut Tries,
) -> ControlFlow<Result<http::Response<Body>, Error>, Refused> {
    let Limits { runtime, random, started, deadline } = limits;
    let (parts, body) = match outcome {
        Ok(response) => {
            let (parts, body) = response.into_parts();
            (Ok(parts), body)
        }
        Err(error) => (Err(error), Body::empty()),
    };
    let ended = runtime.now();
    let Tries { number, previous_delay, resumes } = *tries;
    tries.resumes = false;
    let replayable = template.body().is_whole();
    let attempt = Attempt {
        number,
        elapsed: since(ended, started),
        remaining: deadline.map(|deadline| since(deadline, ended)),
        request: template.head(),
        outcome: match &parts {
            Ok(parts) => Outcome::Response(parts),
            Err(error) => Outcome::Error(error),
        },
        idempotent: template.head().is_idempotent(),
        replayable,
        previous_delay,
        random: random.next(),
        resumes,
        now: ended,
        runtime,
    };
    let next = match strategy.decide(&attempt) {
        // What was read from a stream is gone, whatever the strategy wants.
        _ if !replayable => None,
        RetryDecision::Accept => None,
        RetryDecision::Retry { after } => Some(Ok(after)),
        RetryDecision::GiveUp { reason } => Some(Err(reason)),
    };
    match next {
        Some(next) => ControlFlow::Continue(Refused { parts, body, ended, next }),
        None => ControlFlow::Break(parts.map(|parts| http::Response::from_parts(parts, body))),
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
