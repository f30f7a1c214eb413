//! The one fetch that is under way, and those who wait for it.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::{Either, Shared, select};
use midil_http_core::{AuthError, AuthErrorKind, AuthNToken, BoxFuture};

use super::entry::Entry;
use super::lifetime::Lifetime;
use super::{Inner, State};

/// What a task may be late by before nobody counts on it any more.
const GRACE: Duration = Duration::from_secs(1);

/// A fetch that its executor dropped is begun anew so often.
const TRIES: u32 = 3;

type Outcome = Result<Arc<Entry>, AuthError>;

/// A fetch that is under way.
pub(super) struct Flight {
    number: u64,
    /// When it must have landed: later, its executor does not run it.
    overdue: Instant,
    landing: Shared<oneshot::Receiver<Outcome>>,
}

/// The token: what the cache holds, or what the fetch under way brings. Begins one where there is none.
pub(super) async fn join(cache: &Arc<Inner>) -> Outcome {
    for _ in 0..TRIES {
        let (landing, overdue) = match board(cache) {
            Boarding::Landed(outcome) => return outcome,
            Boarding::Waiting { landing, overdue, task } => {
                if let Some(task) = task {
                    cache.runtime.spawn(task);
                }
                (landing, overdue)
            }
        };
        let patience = overdue.saturating_duration_since(cache.runtime.now());
        if let Either::Left((Ok(outcome), _)) = select(landing, cache.runtime.sleep(patience)).await
        {
            return outcome;
        }
        // Its executor dropped it, or does not run it: whoever comes first begins another.
    }
    let message = "the fetch was dropped, again and again: does the runtime run spawned tasks, and is it shutting down?";
    Err(AuthError::new(AuthErrorKind::Other, message))
}

/// Begins to renew a token that is still valid, unless somebody has.
pub(super) fn refresh(cache: &Arc<Inner>) {
    // A task takes the lock, not the reader who finds out.
    let of_task = Arc::clone(cache);
    cache.runtime.spawn(Box::pin(async move {
        let task = {
            let mut state = of_task.state();
            let now = of_task.runtime.now();
            match &state.flight {
                Some(flight) if now < flight.overdue => None,
                _ => Some(depart(&of_task, &mut state, now).1),
            }
        };
        if let Some(task) = task {
            task.await;
        }
    }));
}

enum Boarding {
    Landed(Outcome),
    Waiting {
        landing: Shared<oneshot::Receiver<Outcome>>,
        overdue: Instant,
        task: Option<BoxFuture<'static, ()>>,
    },
}

fn board(cache: &Arc<Inner>) -> Boarding {
    let mut state = cache.state();
    let (now, wall) = (cache.runtime.now(), cache.runtime.system_time());
    if let Some(entry) = cache.current.load_full().filter(|entry| entry.is_valid(now, wall)) {
        return Boarding::Landed(Ok(entry));
    }
    if let Some(Flight { overdue, landing, .. }) =
        state.flight.as_ref().filter(|flight| now < flight.overdue)
    {
        return Boarding::Waiting { landing: landing.clone(), overdue: *overdue, task: None };
    }
    if let Some(error) = state.failures.during_pause(now) {
        return Boarding::Landed(Err(error));
    }
    let ((landing, overdue), task) = depart(cache, &mut state, now);
    Boarding::Waiting { landing, overdue, task: Some(task) }
}

/// Registers a fetch; the task is still to be run.
fn depart(
    cache: &Arc<Inner>,
    state: &mut State,
    now: Instant,
) -> ((Shared<oneshot::Receiver<Outcome>>, Instant), BoxFuture<'static, ()>) {
    state.flights += 1;
    state.fetches += 1;
    let (sender, receiver) = oneshot::channel();
    let landing = receiver.shared();
    let overdue = now.checked_add(cache.patience()).unwrap_or(now);
    let number = state.flights;
    state.flight = Some(Flight { number, overdue, landing: landing.clone() });
    let pilot = Pilot { cache: Arc::clone(cache), number, sender: Some(sender) };
    // The time of the fetch counts from here, however late its task is.
    let limit = cache.runtime.sleep(cache.fetch_timeout);
    ((landing, overdue), Box::pin(fetch(pilot, limit, now)))
}

async fn fetch(pilot: Pilot, limit: BoxFuture<'static, ()>, departed: Instant) {
    let cache = Arc::clone(&pilot.cache);
    let outcome = match select(cache.source.get_token(), limit).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(_) => {
            let message = format!(
                "there was no token within fetch_timeout ({:.1?}): is its authority up?",
                cache.fetch_timeout
            );
            Err(AuthError::new(AuthErrorKind::Unavailable, message))
        }
    };
    pilot.land(outcome, departed);
}

/// Brings a fetch to its end, whatever that is.
struct Pilot {
    cache: Arc<Inner>,
    number: u64,
    sender: Option<oneshot::Sender<Outcome>>,
}

impl Pilot {
    fn land(mut self, outcome: Result<AuthNToken, AuthError>, departed: Instant) {
        let cache = Arc::clone(&self.cache);
        // Foreign code runs outside the lock.
        let outcome = outcome.and_then(|token| Ok(((cache.make_headers)(&token)?, token)));
        let mut state = cache.state();
        let (now, wall) = (cache.runtime.now(), cache.runtime.system_time());
        let superseded = state.flight.as_ref().is_none_or(|flight| flight.number != self.number);
        if !superseded {
            state.flight = None;
        }
        let outcome = match outcome {
            Ok((headers, token)) => {
                let passed = now.saturating_duration_since(departed);
                let lifetime = Lifetime::of(&token, passed, wall, cache.random.next());
                state.generation += 1;
                let generation = state.generation;
                let token = match token.issued_at() {
                    Some(_) => token,
                    None => token.with_issued_at(wall.checked_sub(passed).unwrap_or(wall)),
                };
                let entry = Arc::new(Entry::new(token, headers, generation, lifetime, (now, wall)));
                if !superseded && !lifetime.remaining.is_zero() {
                    cache.current.store(Some(Arc::clone(&entry)));
                }
                state.failures.clear();
                tracing::debug!(target: "midil_auth::cache", name = cache.name, generation, good_for = ?lifetime.remaining, took = ?passed, "a token was fetched");
                Ok(entry)
            }
            Err(error) => Err(self.fail(&mut state, error, now)),
        };
        drop(state);
        if let Some(sender) = self.sender.take() {
            drop(sender.send(outcome)); // nobody may be waiting any more
        }
    }

    /// Notes a failure, and has everybody wait a while.
    fn fail(&self, state: &mut State, error: AuthError, now: Instant) -> AuthError {
        let cache = &self.cache;
        let until = state.failures.note(&error, now, cache.random.next());
        let current = cache.current.load();
        if let Some(entry) = &*current {
            entry.rest(cache, until);
        }
        let error = error.with_retry_in(until.saturating_duration_since(now));
        tracing::warn!(
            target: "midil_auth::cache",
            name = cache.name,
            %error,
            failures = state.failures.count,
            "no token could be fetched"
        );
        error
    }
}

/// A fetch that never landed: its executor dropped it, or its source panicked.
impl Drop for Pilot {
    fn drop(&mut self) {
        let Some(sender) = self.sender.take() else { return };
        let cache = &self.cache;
        let mut state = cache.state();
        let now = cache.runtime.now();
        if state.flight.as_ref().is_some_and(|flight| flight.number == self.number) {
            state.flight = None;
        }
        if thread::panicking() {
            let message = "the source of tokens panicked: see its message";
            let error = AuthError::new(AuthErrorKind::Other, message);
            let error = self.fail(&mut state, error, now);
            drop(state);
            drop(sender.send(Err(error)));
        } else if let Some(entry) = &*cache.current.load() {
            entry.rest(cache, now); // the next reader renews it
        }
    }
}

impl Inner {
    /// How long a fetch is counted on.
    pub(super) fn patience(&self) -> Duration {
        self.fetch_timeout.saturating_add(GRACE)
    }
}
