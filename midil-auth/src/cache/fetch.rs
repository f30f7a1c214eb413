//! [`Fetch`]: the one that is under way, and those who wait for it.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::{Either, Shared, select};
use midil_http_core::{AuthError, AuthErrorKind, AuthNHeaders, AuthNToken, BoxFuture};
use tracing::{Instrument, Span, field};

use super::entry::Entry;
use super::lifetime::Lifetime;
use super::{Inner, State};

/// What a task may be late by before nobody counts on it any more.
const GRACE: Duration = Duration::from_secs(1);

/// Longer than anybody waits, short enough for every clock: a year.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// A fetch that its executor drops is begun anew so often.
const TRIES: u32 = 3;

type Outcome = Result<Arc<Entry>, AuthError>;

/// A fetch that is under way.
pub(super) struct Fetch {
    number: u64,
    outcome: Shared<oneshot::Receiver<Outcome>>,
    /// When it must be over: later, its executor does not run it.
    overdue: Instant,
}

/// The token: what the cache holds, or what the fetch under way brings. Begins one where there is none.
pub(super) async fn join(cache: &Arc<Inner>) -> Outcome {
    for _ in 0..TRIES {
        let (outcome, overdue) = match join_or_begin(cache) {
            Joined::Known(outcome) => return outcome,
            Joined::Waiting { outcome, overdue, task } => {
                match task {
                    Some(task) => cache.runtime.spawn(traced(cache, task)),
                    None => tracing::debug!(
                        target: "midil_auth::cache",
                        name = cache.name,
                        "waits for the token that is being fetched"
                    ),
                }
                (outcome, overdue)
            }
        };
        let patience = overdue.saturating_duration_since(cache.runtime.now());
        if let Either::Left((Ok(outcome), _)) = select(outcome, cache.runtime.sleep(patience)).await
        {
            let is_over = |entry: &Arc<Entry>| {
                entry.is_over(cache.runtime.now(), cache.runtime.system_time())
            };
            // It may have been long on its way to us: the machine slept, or our executor was busy.
            if !outcome.as_ref().is_ok_and(is_over) {
                return outcome;
            }
        }
        // Its executor dropped it, or does not run it: whoever comes first begins another.
    }
    let now = (cache.runtime.now(), cache.runtime.system_time());
    if let Some(doubtful) = cache.take_back(&mut cache.state(), now) {
        return Ok(doubtful);
    }
    let message = "the fetch was dropped, again and again: does the runtime run spawned tasks, and is it shutting down?";
    Err(AuthError::new(AuthErrorKind::Other, message))
}

/// The task in a span of its own, a child of that of the call which began it; a refresh has no call.
///
/// It is made without the lock: subscribers are foreign code.
fn traced(cache: &Inner, task: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
    let span = tracing::info_span!(
        target: "midil_auth::cache",
        FETCH,
        "otel.kind" = "internal",
        name = cache.name,
        "error.type" = field::Empty,
        "otel.status_code" = field::Empty,
    );
    if span.is_disabled() { task } else { Box::pin(task.instrument(span)) }
}

/// The name of its span.
const FETCH: &str = "token fetch";

/// Begins to renew a token that is still valid, unless somebody has.
pub(super) fn refresh(cache: &Arc<Inner>) {
    // A task takes the lock, not the reader who finds out.
    let claim = Claim(Some(Arc::clone(cache)));
    cache.runtime.spawn(Box::pin(async move {
        let Some(cache) = claim.keep() else { return };
        let (now, wall) = (cache.runtime.now(), cache.runtime.system_time());
        let limit = cache.runtime.sleep(cache.fetch_timeout);
        let task = {
            let mut state = cache.state();
            match &state.fetch {
                Some(fetch) if now < fetch.overdue => None,
                _ => Some(begin(&cache, &mut state, limit, (now, wall)).1),
            }
        };
        if let Some(task) = task {
            traced(&cache, task).await;
        }
    }));
}

/// A reader's word to renew the token. A task that is dropped before it begins gives it back.
struct Claim(Option<Arc<Inner>>);

impl Claim {
    fn keep(mut self) -> Option<Arc<Inner>> {
        self.0.take()
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(cache) = &self.0
            && let Some(entry) = &*cache.current.load()
        {
            entry.rest(cache, cache.runtime.now());
        }
    }
}

enum Joined {
    /// Nobody needs to wait.
    Known(Outcome),
    Waiting {
        outcome: Shared<oneshot::Receiver<Outcome>>,
        overdue: Instant,
        /// What is to be spawned, when the fetch is new.
        task: Option<BoxFuture<'static, ()>>,
    },
}

fn join_or_begin(cache: &Arc<Inner>) -> Joined {
    let (now, wall) = (cache.runtime.now(), cache.runtime.system_time());
    // The time of a fetch counts from here, however late its task is. Foreign code, which may panic: without the lock.
    let limit = cache.runtime.sleep(cache.fetch_timeout);
    let mut state = cache.state();
    if let Some(entry) = cache.current.load_full().filter(|entry| entry.is_valid(now, wall)) {
        return Joined::Known(Ok(entry));
    }
    if let Some(Fetch { outcome, overdue, .. }) =
        state.fetch.as_ref().filter(|fetch| now < fetch.overdue)
    {
        return Joined::Waiting { outcome: outcome.clone(), overdue: *overdue, task: None };
    }
    if let Some(error) = state.failures.during_pause(now) {
        return Joined::Known(Err(error));
    }
    let ((outcome, overdue), task) = begin(cache, &mut state, limit, (now, wall));
    Joined::Waiting { outcome, overdue, task: Some(task) }
}

/// Registers a fetch; its task is still to be run.
fn begin(
    cache: &Arc<Inner>,
    state: &mut State,
    limit: BoxFuture<'static, ()>,
    began: (Instant, SystemTime),
) -> ((Shared<oneshot::Receiver<Outcome>>, Instant), BoxFuture<'static, ()>) {
    state.fetches += 1;
    let number = state.fetches;
    let (sender, receiver) = oneshot::channel();
    let outcome = receiver.shared();
    let overdue = began.0.checked_add(cache.patience()).unwrap_or(began.0);
    state.fetch = Some(Fetch { number, outcome: outcome.clone(), overdue });
    let running = Running { cache: Arc::clone(cache), number, began, sender: Some(sender) };
    ((outcome, overdue), Box::pin(run(running, limit)))
}

async fn run(running: Running, limit: BoxFuture<'static, ()>) {
    let cache = Arc::clone(&running.cache);
    let rejected = {
        let mut state = cache.state();
        if running.is_superseded(&state) {
            return; // so late that another was begun: one at a time
        }
        state.untold.take()
    };
    // A source is foreign code: a panic is one more way to fail.
    let fetch = AssertUnwindSafe(async {
        // Whoever took the token away may not have come to say so yet. A source with a store would give it out once more.
        if let Some(rejected) = rejected {
            cache.tell_source(&rejected);
        }
        let token = cache.source.get_token().await?;
        Ok(((cache.make_headers)(&token)?, token))
    });
    let outcome = match select(pin!(fetch.catch_unwind()), limit).await {
        Either::Left((Ok(outcome), _)) => outcome,
        Either::Left((Err(_), _)) => {
            let message = "the source of tokens panicked: see its message";
            Err(AuthError::new(AuthErrorKind::Other, message))
        }
        Either::Right(_) => {
            let message = format!(
                "there was no token within fetch_timeout ({:.1?}): is its authority up?",
                cache.fetch_timeout
            );
            Err(AuthError::new(AuthErrorKind::Unavailable, message))
        }
    };
    running.end(outcome);
}

/// Brings a fetch to its end, whatever that is.
struct Running {
    cache: Arc<Inner>,
    number: u64,
    began: (Instant, SystemTime),
    sender: Option<oneshot::Sender<Outcome>>,
}

impl Running {
    fn is_superseded(&self, state: &State) -> bool {
        state.fetch.as_ref().is_none_or(|fetch| fetch.number != self.number)
    }

    fn end(mut self, outcome: Result<(AuthNHeaders, AuthNToken), AuthError>) {
        let cache = Arc::clone(&self.cache);
        let (now, wall) = (cache.runtime.now(), cache.runtime.system_time());
        // The monotonic clock stands still while the machine is suspended.
        let passed = now
            .saturating_duration_since(self.began.0)
            .max(wall.duration_since(self.began.1).unwrap_or_default());
        let random = cache.random.next();
        let mut state = cache.state();
        let is_superseded = self.is_superseded(&state);
        if !is_superseded {
            state.fetch = None;
        }
        let made = outcome.and_then(|(headers, token)| {
            let lifetime = Lifetime::of(&token, passed, wall, random);
            let single_use = token.expires_in().is_some_and(|whole| whole.is_zero());
            if lifetime.remaining.is_zero() && !single_use {
                let message = "the token had expired when it came: check its source, and the clock of this machine";
                return Err(AuthError::new(AuthErrorKind::Malformed, message));
            }
            let token = match token.issued_at() {
                Some(_) => token,
                None => token.with_issued_at(wall.checked_sub(passed).unwrap_or(wall)),
            };
            state.generation += 1;
            let generation = state.generation;
            Ok(Arc::new(Entry::new(token, headers, generation, lifetime, (now, wall))))
        });
        let mut instead = None;
        let (outcome, before) = match made {
            Ok(entry) => {
                if !is_superseded {
                    state.doubtful = None;
                    if !entry.is_single_use() {
                        cache.current.store(Some(Arc::clone(&entry)));
                    }
                }
                (Ok(entry), state.failures.clear())
            }
            // What a newer fetch comes to is what counts.
            Err(error) if is_superseded => (Err(error), None),
            Err(error) => {
                let (until, before) = state.failures.note(&error, now, random);
                instead = cache.take_back(&mut state, (now, wall));
                if let Some(entry) = &*cache.current.load() {
                    entry.rest(&cache, until);
                }
                (Err(error.with_retry_in(until.saturating_duration_since(now))), before)
            }
        };
        let failures = state.failures.count;
        drop(state);
        let elapsed = now.saturating_duration_since(self.began.0);
        // Errors and subscribers are foreign: they run without the lock.
        drop(before);
        tell(&cache, &outcome, failures);
        tell_observer(&cache, elapsed, outcome.as_deref());
        if let Some(sender) = self.sender.take() {
            drop(sender.send(instead.map_or(outcome, Ok))); // nobody may be waiting any more
        }
    }
}

fn tell(cache: &Inner, outcome: &Outcome, failures: u32) {
    let span = Span::current();
    if let Err(error) = outcome
        && span.metadata().is_some_and(|metadata| metadata.name() == FETCH)
    {
        span.record("error.type", field::debug(error.kind()));
        span.record("otel.status_code", "ERROR");
    }
    match outcome {
        Ok(entry) => tracing::debug!(
            target: "midil_auth::cache",
            name = cache.name,
            generation = entry.generation,
            good_for = ?entry.lifetime.remaining,
            "a token was fetched"
        ),
        Err(error) => tracing::warn!(
            target: "midil_auth::cache",
            name = cache.name,
            %error,
            failures,
            "no token could be fetched"
        ),
    }
}

/// The one who waits for the fetch must not fail with an observer that panics.
fn tell_observer(cache: &Inner, elapsed: Duration, outcome: Result<&Entry, &AuthError>) {
    let told = std::panic::catch_unwind(AssertUnwindSafe(|| {
        cache.tell(elapsed, outcome.map(|entry| entry.lifetime.remaining));
    }));
    drop(told); // the panic hook has told of it
}

/// A fetch that never ended: its executor dropped it. It passes to the next who waits, or reads.
impl Drop for Running {
    fn drop(&mut self) {
        if self.sender.is_none() {
            return;
        }
        let cache = &self.cache;
        let now = cache.runtime.now();
        let mut state = cache.state();
        if !self.is_superseded(&state) {
            state.fetch = None;
            if let Some(entry) = &*cache.current.load() {
                entry.rest(cache, now);
            }
        }
    }
}

impl Inner {
    /// Has the token that was rejected handed out again, where it is still valid and no other came.
    fn take_back(
        &self,
        state: &mut State,
        (now, wall): (Instant, SystemTime),
    ) -> Option<Arc<Entry>> {
        let doubtful = state.doubtful.take().filter(|entry| entry.is_valid(now, wall))?;
        self.current.store(Some(Arc::clone(&doubtful)));
        Some(doubtful)
    }

    /// How long a fetch is counted on.
    pub(super) fn patience(&self) -> Duration {
        self.fetch_timeout.min(LONGEST).saturating_add(GRACE)
    }
}
