//! A client of isahc, and another in its place when it has to go.
//!
//! Each client has a thread, which drives curl. It must be replaced when that thread has ended, and it can be the only
//! means to break an exchange off: isahc looks whether anybody still waits only when curl has something to say, so an
//! exchange that is dropped while its server is silent would hold its connection for as long as the server likes.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread;

use isahc::HttpClient;
use midil_http_core::Error;

use crate::client::Recipe;
use crate::quiet::quietly;

/// Where exchanges of one sort go.
pub(crate) struct Lane {
    /// `None` for a client of the caller's, which cannot be made anew.
    recipe: Option<Recipe>,
    current: Mutex<Option<Arc<Agent>>>,
}

/// As many exchanges may have been dropped before their client goes, though others are under way.
const MOST_DROPPED: usize = 64;

impl Lane {
    /// Its client is made when it is first needed.
    pub(crate) fn new(recipe: Recipe) -> Arc<Self> {
        Arc::new(Self { recipe: Some(recipe), current: Mutex::new(None) })
    }

    /// Always the caller's.
    pub(crate) fn of(client: HttpClient) -> Arc<Self> {
        let current = Mutex::new(Some(Agent::new(client)));
        Arc::new(Self { recipe: None, current })
    }

    /// The client for one more exchange, and the number of that.
    pub(crate) fn agent(&self) -> Result<(Arc<Agent>, usize), Error> {
        let mut current = self.current();
        let agent = match (&*current, &self.recipe) {
            (Some(agent), _) => Arc::clone(agent),
            (None, Some(recipe)) => Arc::clone(current.insert(Agent::new(recipe.make()?))),
            (None, None) => return Err(Error::Closed),
        };
        agent.in_flight.fetch_add(1, Ordering::Relaxed);
        let number = agent.begun.fetch_add(1, Ordering::Relaxed);
        Ok((agent, number))
    }

    /// An exchange is over; `dropped` when somebody gave it up on the way.
    pub(crate) fn leave(&self, agent: &Arc<Agent>, dropped: bool) {
        let dropped =
            agent.dropped.fetch_add(dropped.into(), Ordering::Relaxed) + usize::from(dropped);
        let others = agent.in_flight.fetch_sub(1, Ordering::Relaxed) - 1;
        // With the client go the connections that it keeps: so not for each that is dropped while others use it.
        if dropped > 0 && (others == 0 || dropped >= MOST_DROPPED) {
            self.replace(agent);
        }
    }

    /// The thread of `agent` has ended.
    pub(crate) fn ended(&self, agent: &Arc<Agent>) {
        self.replace(agent);
        agent.end();
    }

    /// Lets go of the connections that are kept, with their client.
    pub(crate) fn close(&self) {
        let current = self.current().as_ref().map(Arc::clone);
        if let Some(agent) = current {
            self.replace(&agent);
        }
    }

    /// The next exchange gets a new client; those under way end on the old one, which goes with the last of them.
    fn replace(&self, agent: &Arc<Agent>) {
        if self.recipe.is_some() {
            // What is taken out is dropped when the lock is free again.
            let _old = {
                let mut current = self.current();
                if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, agent)) {
                    current.take()
                } else {
                    None
                }
            };
        }
    }

    fn current(&self) -> MutexGuard<'_, Option<Arc<Agent>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client, and who uses it.
pub(crate) struct Agent {
    /// Taken when it is dropped.
    client: Option<HttpClient>,
    begun: AtomicUsize,
    in_flight: AtomicUsize,
    /// Exchanges that were dropped before their end, and may still have their connection.
    dropped: AtomicUsize,
    /// Its thread has ended.
    has_ended: AtomicBool,
    /// Those who wait for a head, by number. What a thread had not begun when it ended is never
    /// answered: they must be told.
    waiting: Mutex<Vec<(usize, Waker)>>,
}

impl Agent {
    fn new(client: HttpClient) -> Arc<Self> {
        Arc::new(Self {
            client: Some(client),
            begun: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            dropped: AtomicUsize::new(0),
            has_ended: AtomicBool::new(false),
            waiting: Mutex::new(Vec::new()),
        })
    }

    pub(crate) const fn client(&self) -> Option<&HttpClient> {
        self.client.as_ref()
    }

    /// Wakes `waker`, should the thread turn out to have ended; returns whether it is known to.
    pub(crate) fn watch(&self, exchange: usize, waker: &Waker) -> bool {
        {
            let mut waiting = self.waiting();
            match waiting.iter_mut().find(|known| known.0 == exchange) {
                Some(known) => known.1.clone_from(waker),
                None => waiting.push((exchange, waker.clone())),
            }
        }
        self.has_ended.load(Ordering::Acquire)
    }

    pub(crate) fn unwatch(&self, exchange: usize) {
        self.waiting().retain(|known| known.0 != exchange);
    }

    /// Its thread has ended.
    fn end(&self) {
        self.has_ended.store(true, Ordering::Release);
        let waiting = std::mem::take(&mut *self.waiting());
        waiting.into_iter().for_each(|(_, waker)| waker.wake());
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<(usize, Waker)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Agent {
    /// To drop a client is to wait for its thread, which may be resolving a name; and it panics when that has ended before.
    fn drop(&mut self) {
        let client = self.client.take();
        let close = move || drop(catch_unwind(AssertUnwindSafe(|| quietly(|| drop(client)))));
        // Where there can be no more threads, it is dropped here.
        drop(catch_unwind(AssertUnwindSafe(|| {
            thread::Builder::new().name("isahc-close".to_owned()).spawn(close)
        })));
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent").field("in_flight", &self.in_flight).finish_non_exhaustive()
    }
}
