//! The clients of reqwest that are in use, one for each tokio runtime, and others in their place when their connections have to go.

use std::fmt;
use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use midil_http_core::{Error, TransportSettings};
use reqwest::Client;
use tokio::runtime::Id;
use tokio::task::AbortHandle;

use crate::client;

/// A connection lives on the runtime that it was made on. One that nobody drives while a call is made on another would never
/// answer, so each runtime has a client of its own, and with it connections.
///
/// reqwest closes its idle connections only when a client is dropped with all its clones. So there is one clone of each, here.
pub(crate) struct Current {
    clients: RwLock<Vec<Owned>>,
    /// What they are made of; `None` for one from a builder of the caller's, which is gone: it serves all runtimes.
    settings: Option<TransportSettings>,
    /// Counts the clients that there were.
    made: AtomicU64,
}

/// As many runtimes have a client at a time. Those that are gone have none: it takes that many at work.
const MOST: usize = 256;

struct Owned {
    client: Client,
    /// `None` until the first call.
    runtime: Option<Id>,
    number: u64,
    /// How many clients there had been when it was last used: it is written to but once for each.
    used: AtomicU64,
    /// Of all but the first: most programs have one runtime.
    _watch: Option<Watch>,
}

impl Current {
    pub(crate) fn new(client: Client, settings: Option<TransportSettings>) -> Self {
        let used = AtomicU64::new(0);
        let first = Owned { client, runtime: None, number: 0, used, _watch: None };
        Self { clients: RwLock::new(vec![first]), settings, made: AtomicU64::new(1) }
    }

    /// Sends `request` by that of `runtime`, which is the current one.
    pub(crate) fn execute(
        self: &Arc<Self>,
        runtime: Id,
        request: reqwest::Request,
    ) -> Result<impl Future<Output = reqwest::Result<reqwest::Response>> + Send + use<>, Error>
    {
        let clients = self.read();
        if let Some(owned) = clients.iter().find(|owned| self.serves(owned, runtime)) {
            let made = self.made.load(Ordering::Relaxed);
            if owned.used.load(Ordering::Relaxed) != made {
                owned.used.store(made, Ordering::Relaxed);
            }
            return Ok(owned.client.execute(request));
        }
        drop(clients);
        Ok(self.own(runtime)?.execute(request))
    }

    fn serves(&self, owned: &Owned, runtime: Id) -> bool {
        owned.runtime == Some(runtime) || self.settings.is_none()
    }

    /// The client of a runtime that has none yet, or had none a moment ago.
    #[cold]
    fn own(self: &Arc<Self>, runtime: Id) -> Result<Client, Error> {
        {
            let mut clients = self.write();
            if let Some(owned) = clients.iter_mut().find(|owned| owned.runtime.is_none()) {
                owned.runtime = Some(runtime);
                return Ok(owned.client.clone());
            }
        }
        let Some(settings) = &self.settings else { return Err(Error::Closed) };
        // It takes some milliseconds, for which nobody else should wait.
        let client = client::from_settings(settings)?.client;
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let watch = Some(Watch::over(self, number));
        let used = AtomicU64::new(number + 1);
        // What goes is dropped when the lock is free again.
        let (_spare, _oldest);
        let mut clients = self.write();
        let owned =
            Owned { client: client.clone(), runtime: Some(runtime), number, used, _watch: watch };
        if let Some(other) = clients.iter().find(|other| other.runtime == Some(runtime)) {
            let client = other.client.clone();
            drop(clients);
            _spare = owned;
            return Ok(client);
        }
        if clients.len() >= MOST {
            let used = |owned: &Owned| owned.used.load(Ordering::Relaxed);
            let oldest = clients.iter().enumerate().min_by_key(|(_, owned)| used(owned));
            let oldest = oldest.map(|(place, _)| place);
            _oldest = oldest.map(|place| clients.swap_remove(place));
        }
        clients.push(owned);
        drop(clients);
        Ok(client)
    }

    /// Lets go of the idle connections; those in use are closed after their exchange.
    pub(crate) fn close(&self) {
        if self.settings.is_some() {
            // Dropped when the lock is free again.
            let _clients = std::mem::take(&mut *self.write());
        }
    }

    /// The runtime of that client is gone.
    fn forget(&self, number: u64) {
        let mut clients = self.write();
        let place = clients.iter().position(|owned| owned.number == number);
        let owned = place.map(|place| clients.swap_remove(place));
        drop(clients);
        drop(owned);
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<Owned>> {
        self.clients.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<Owned>> {
        self.clients.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sees that the runtime of a client goes: a task of that runtime, which never ends by itself.
struct Watch(AbortHandle);

impl Watch {
    /// Over the current runtime.
    fn over(current: &Arc<Current>, number: u64) -> Self {
        let gone = Gone { current: Arc::downgrade(current), number };
        let task = tokio::spawn(async move {
            let _gone = gone;
            pending::<()>().await;
        });
        Self(task.abort_handle())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Dropped with its task, and that with its runtime.
struct Gone {
    current: Weak<Current>,
    number: u64,
}

impl Drop for Gone {
    fn drop(&mut self) {
        if let Some(current) = self.current.upgrade() {
            current.forget(self.number);
        }
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current")
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::{Builder, Runtime};

    use super::*;

    fn current() -> Arc<Current> {
        let settings = TransportSettings::default();
        let client = client::from_settings(&settings).unwrap().client;
        Arc::new(Current::new(client, Some(settings)))
    }

    fn runtime() -> Runtime {
        Builder::new_current_thread().enable_all().build().unwrap()
    }

    /// Makes a request that is dropped before anything is sent.
    fn call(current: &Arc<Current>, runtime: &Runtime) {
        runtime.block_on(async {
            let url = reqwest::Url::parse("http://127.0.0.1:1/").unwrap();
            let request = reqwest::Request::new(reqwest::Method::GET, url);
            let id = tokio::runtime::Handle::current().id();
            drop(current.execute(id, request).unwrap());
        });
    }

    fn numbers(current: &Current) -> Vec<u64> {
        let mut numbers: Vec<_> = current.read().iter().map(|owned| owned.number).collect();
        numbers.sort_unstable();
        numbers
    }

    #[test]
    fn each_runtime_has_one_and_takes_it_along_when_it_goes() {
        let (current, first, second) = (current(), runtime(), runtime());
        for runtime in [&first, &second, &first, &second] {
            call(&current, runtime);
        }
        assert_eq!(numbers(&current), [0, 1]);
        drop(second);
        assert_eq!(numbers(&current), [0]);
        let third = runtime();
        call(&current, &third);
        assert_eq!(numbers(&current), [0, 2]);
        drop(first); // a client stays: where one runtime is all, nothing watches it
        call(&current, &third);
        assert_eq!(numbers(&current), [0, 2]);
    }

    #[test]
    fn the_one_that_was_used_longest_ago_makes_room() {
        let current = current();
        let runtimes: Vec<_> = std::iter::repeat_with(runtime).take(MOST).collect();
        for runtime in &runtimes {
            call(&current, runtime);
        }
        assert_eq!(numbers(&current).len(), MOST);
        call(&current, &runtimes[0]);
        call(&current, &runtimes[2]);
        call(&current, &runtime());
        let numbers = numbers(&current);
        assert_eq!(
            (numbers.len(), numbers.first(), numbers.get(1)),
            (MOST - 1, Some(&0), Some(&2))
        );
    }

    /// A transport that is gone leaves no task behind, nor does one that was closed.
    #[test]
    fn no_watch_is_left_behind() {
        let (first, second) = (runtime(), runtime());
        for close in [false, true] {
            let current = current();
            call(&current, &first);
            call(&current, &second);
            let tasks = || second.metrics().num_alive_tasks();
            assert_eq!(tasks(), 1);
            if close {
                current.close();
            } else {
                drop(current);
            }
            second.block_on(tokio::task::yield_now());
            assert_eq!(tasks(), 0);
        }
    }
}
