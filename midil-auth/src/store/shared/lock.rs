//! [`Lock`]: the right to refresh, given back when it is dropped.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select;
use midil_http_core::{BoxError, Runtime};

use super::{LEASE, TokenStore};

/// Dropping it frees the lock, in the background. Where there is no background any more, the lease ends it.
pub(super) struct Lock {
    held: Option<Held>,
    pause: Duration,
}

struct Held {
    store: Arc<dyn TokenStore>,
    runtime: Arc<dyn Runtime>,
    name: String,
    owner: String,
}

impl Lock {
    /// A lock that `owner` has, or is about to ask for.
    pub(super) fn new(
        store: &Arc<dyn TokenStore>,
        runtime: &Arc<dyn Runtime>,
        name: &str,
        owner: &str,
    ) -> Self {
        let held = Held {
            store: Arc::clone(store),
            runtime: Arc::clone(runtime),
            name: name.to_owned(),
            owner: owner.to_owned(),
        };
        Self { held: Some(held), pause: Duration::ZERO }
    }

    /// Takes or renews it.
    pub(super) async fn acquire(&self, lease: Duration) -> Result<bool, BoxError> {
        match &self.held {
            Some(Held { store, name, owner, .. }) => store.acquire(name, owner, lease).await,
            None => Ok(false),
        }
    }

    /// It is another's: there is nothing to free.
    pub(super) fn forget(mut self) {
        self.held = None;
    }

    /// How long nobody has it after this one.
    pub(super) const fn free_after(&mut self, pause: Duration) {
        self.pause = pause;
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let Some(Held { store, runtime, name, owner }) = self.held.take() else { return };
        let (pause, deadline) = (self.pause, runtime.sleep(LEASE));
        runtime.spawn(Box::pin(async move {
            // Past the lease there is nothing left to free. A store that fails is told of by those who ask it.
            let freeing = pin!(store.release(&name, &owner, pause));
            drop(select(freeing, deadline).await);
        }));
    }
}
