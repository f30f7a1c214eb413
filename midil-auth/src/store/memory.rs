//! [`MemoryTokenStore`]: a store within one process.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use midil_http_core::{BoxError, DefaultRuntime, Runtime};

use super::{StoredToken, TokenStore};

/// A [`TokenStore`] in memory, for several clients of one process, and for tests. Clones share it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_auth::{MemoryTokenStore, TokenStore};
/// use midil_http_test::ManualRuntime;
///
/// let runtime = ManualRuntime::new();
/// let store = MemoryTokenStore::with_runtime(runtime.clone());
/// runtime.block_on(store.save("crm", b"sealed", Duration::from_secs(60)))?;
///
/// runtime.advance(Duration::from_secs(59));
/// let stored = runtime.block_on(store.load("crm"))?.unwrap();
/// assert_eq!(stored.remaining(), Duration::from_secs(1));
///
/// runtime.advance(Duration::from_secs(1));
/// assert!(runtime.block_on(store.load("crm"))?.is_none());
/// # Ok::<_, midil_http_core::BoxError>(())
/// ```
#[derive(Clone)]
pub struct MemoryTokenStore(Arc<Shared>);

struct Shared {
    runtime: Box<dyn Runtime>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tokens: Expiring<Vec<u8>>,
    locks: Expiring<String>,
}

impl MemoryTokenStore {
    /// An empty store, on the clock of the [`DefaultRuntime`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_runtime(DefaultRuntime::new())
    }

    /// An empty store, on the clock of that runtime.
    #[must_use]
    pub fn with_runtime(runtime: impl Runtime) -> Self {
        Self(Arc::new(Shared { runtime: Box::new(runtime), state: Mutex::default() }))
    }

    fn lock(&self) -> (MutexGuard<'_, State>, Instant) {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state, self.0.runtime.now())
    }
}

impl Default for MemoryTokenStore {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl TokenStore for MemoryTokenStore {
    async fn load(&self, name: &str) -> Result<Option<StoredToken>, BoxError> {
        let (state, now) = self.lock();
        let found = state.tokens.get(name, now);
        Ok(found.map(|(sealed, remaining)| StoredToken::new(sealed.clone(), remaining)))
    }

    async fn save(&self, name: &str, sealed: &[u8], lifetime: Duration) -> Result<(), BoxError> {
        let (mut state, now) = self.lock();
        state.tokens.set(name, sealed.to_vec(), lifetime, now);
        Ok(())
    }

    async fn acquire(&self, name: &str, owner: &str, lease: Duration) -> Result<bool, BoxError> {
        let (mut state, now) = self.lock();
        let free = state.locks.get(name, now).is_none_or(|(holder, _)| holder == owner);
        if free {
            state.locks.set(name, owner.to_owned(), lease, now);
        }
        Ok(free)
    }

    async fn release(&self, name: &str, owner: &str, pause: Duration) -> Result<(), BoxError> {
        let (mut state, now) = self.lock();
        if state.locks.get(name, now).is_some_and(|(holder, _)| holder == owner) {
            state.locks.set(name, owner.to_owned(), pause, now);
        }
        Ok(())
    }
}

impl fmt::Debug for MemoryTokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (state, _) = self.lock();
        f.debug_struct("MemoryTokenStore")
            .field("tokens", &state.tokens.0.len())
            .field("locks", &state.locks.0.len())
            .finish()
    }
}

/// Values that end; no end: later than any clock can tell.
struct Expiring<T>(HashMap<String, (T, Option<Instant>)>);

impl<T> Default for Expiring<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Expiring<T> {
    fn get(&self, name: &str, now: Instant) -> Option<(&T, Duration)> {
        let (value, end) = self.0.get(name)?;
        let remaining = end.map_or(Duration::MAX, |end| end.saturating_duration_since(now));
        (!remaining.is_zero()).then_some((value, remaining))
    }

    fn set(&mut self, name: &str, value: T, lifetime: Duration, now: Instant) {
        self.0.retain(|_, (_, end)| end.is_none_or(|end| end > now));
        self.0.insert(name.to_owned(), (value, now.checked_add(lifetime)));
    }
}
