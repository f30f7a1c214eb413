//! [`TokenStore`]: what a fleet shares.

mod memory;
#[cfg(feature = "redis")]
mod redis;
mod seal;
mod shared;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use midil_http_core::{BoxError, BoxFuture};

pub use self::memory::MemoryTokenStore;
#[cfg(feature = "redis")]
pub use self::redis::RedisTokenStore;
pub(crate) use self::shared::{SharedTokens, TimedSource};

/// Keeps one sealed token per credential for a fleet, and one lock per token for the host that refreshes it.
///
/// It is given opaque names and sealed bytes. Names and keys are derived from the client's secret: a store learns neither
/// the credential nor the token, and cannot make, change or swap one. It can lose or withhold tokens, and that costs a
/// fetch.
///
/// # For implementers
///
/// - All hosts of the fleet see the same names. Tokens and locks are two things: a lock may exist without a token.
/// - Durations count by the clock of the store, so that the clocks of the hosts need not agree. What has expired is
///   absent. Both may be lost at any time, by eviction or a restart.
/// - `acquire` is atomic: of two owners that ask at once, one is told `true`.
/// - Be quick, or fail. Whoever asks waits for 100 ms in all before a fetch, and as long after it, then goes on without
///   you and says so once. Do not retry for long, and connect again by yourself: the next call comes with the next token.
/// - The text of an error is logged: no credentials in it.
///
/// # Cancel safety
///
/// Every future may be dropped at any await point, and is, when it is late. What it asked for may then have been done or
/// not: either is fine.
///
/// # Examples
///
/// A store within a store, for the tests of one developer among many:
///
/// ```
/// use std::time::Duration;
/// use midil_auth::{MemoryTokenStore, StoredToken, TokenStore};
/// use midil_http_core::{BoxError, async_trait};
///
/// struct Mine<S>(S);
///
/// #[async_trait]
/// impl<S: TokenStore> TokenStore for Mine<S> {
///     async fn load(&self, name: &str) -> Result<Option<StoredToken>, BoxError> {
///         self.0.load(&format!("ada/{name}")).await
///     }
///     async fn save(&self, name: &str, sealed: &[u8], lifetime: Duration) -> Result<(), BoxError> {
///         self.0.save(&format!("ada/{name}"), sealed, lifetime).await
///     }
///     async fn acquire(&self, name: &str, owner: &str, lease: Duration) -> Result<bool, BoxError> {
///         self.0.acquire(&format!("ada/{name}"), owner, lease).await
///     }
///     async fn release(&self, name: &str, owner: &str, pause: Duration) -> Result<(), BoxError> {
///         self.0.release(&format!("ada/{name}"), owner, pause).await
///     }
/// }
///
/// # futures_util::FutureExt::now_or_never(async {
/// let (minute, lease) = (Duration::from_secs(60), Duration::from_secs(5));
/// let everybodys = MemoryTokenStore::new();
/// let store = Mine(everybodys.clone());
///
/// assert!(store.acquire("crm", "host 1", lease).await?);
/// assert!(!store.acquire("crm", "host 2", lease).await?);
/// store.save("crm", b"sealed", minute).await?;
/// store.release("crm", "host 1", Duration::ZERO).await?;
///
/// assert_eq!(everybodys.load("ada/crm").await?.unwrap().sealed(), b"sealed");
/// assert!(everybodys.load("crm").await?.is_none());
/// # Ok::<_, BoxError>(()) }).unwrap().unwrap();
/// ```
#[async_trait]
pub trait TokenStore: Send + Sync + 'static {
    /// The token of that name, and how long it has left; `None` when there is none, or none that is left.
    ///
    /// # Errors
    ///
    /// When the store cannot tell.
    async fn load(&self, name: &str) -> Result<Option<StoredToken>, BoxError>;

    /// Keeps `sealed` under that name for `lifetime`, which is never zero, instead of what was there.
    ///
    /// # Errors
    ///
    /// When the store did not take it.
    async fn save(&self, name: &str, sealed: &[u8], lifetime: Duration) -> Result<(), BoxError>;

    /// Whether `owner` has the lock of that name from now on, for `lease`.
    ///
    /// It has when the lock was free, when its lease had ended, and when it was `owner`'s already: then its lease starts
    /// anew. An owner is a text that no other host makes.
    ///
    /// # Errors
    ///
    /// When the store cannot tell.
    async fn acquire(&self, name: &str, owner: &str, lease: Duration) -> Result<bool, BoxError>;

    /// Frees the lock of that name after `pause`, when it is still `owner`'s; else does nothing.
    ///
    /// With a pause of zero it is free at once. A longer one takes the place of what is left of the lease, and keeps a
    /// fleet from asking an authority that fails more than once per pause.
    ///
    /// # Errors
    ///
    /// When the store did not do so.
    async fn release(&self, name: &str, owner: &str, pause: Duration) -> Result<(), BoxError>;
}

const _: fn(&dyn TokenStore) = |_| {};

/// What a [`TokenStore`] has of a token.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_auth::StoredToken;
///
/// let stored = StoredToken::new(vec![1, 2, 3], Duration::from_secs(42));
/// assert_eq!(stored.sealed(), [1, 2, 3]);
/// assert_eq!(stored.remaining(), Duration::from_secs(42));
/// ```
#[derive(Clone)]
pub struct StoredToken {
    sealed: Vec<u8>,
    remaining: Duration,
}

impl StoredToken {
    /// The bytes that were saved, and what is left of the lifetime that they were saved for, by the store's clock.
    #[must_use]
    pub const fn new(sealed: Vec<u8>, remaining: Duration) -> Self {
        Self { sealed, remaining }
    }

    /// The bytes that were saved.
    #[must_use]
    pub fn sealed(&self) -> &[u8] {
        &self.sealed
    }

    /// What is left of the lifetime.
    #[must_use]
    pub const fn remaining(&self) -> Duration {
        self.remaining
    }
}

impl fmt::Debug for StoredToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredToken")
            .field("bytes", &self.sealed.len())
            .field("remaining", &self.remaining)
            .finish()
    }
}

// Written out, not with `async_trait`, which would put a box around the box.
impl<T: TokenStore + ?Sized> TokenStore for Arc<T> {
    fn load<'a, 'n, 'async_trait>(
        &'a self,
        name: &'n str,
    ) -> BoxFuture<'async_trait, Result<Option<StoredToken>, BoxError>>
    where
        'a: 'async_trait,
        'n: 'async_trait,
        Self: 'async_trait,
    {
        (**self).load(name)
    }

    fn save<'a, 'n, 's, 'async_trait>(
        &'a self,
        name: &'n str,
        sealed: &'s [u8],
        lifetime: Duration,
    ) -> BoxFuture<'async_trait, Result<(), BoxError>>
    where
        'a: 'async_trait,
        'n: 'async_trait,
        's: 'async_trait,
        Self: 'async_trait,
    {
        (**self).save(name, sealed, lifetime)
    }

    fn acquire<'a, 'n, 'o, 'async_trait>(
        &'a self,
        name: &'n str,
        owner: &'o str,
        lease: Duration,
    ) -> BoxFuture<'async_trait, Result<bool, BoxError>>
    where
        'a: 'async_trait,
        'n: 'async_trait,
        'o: 'async_trait,
        Self: 'async_trait,
    {
        (**self).acquire(name, owner, lease)
    }

    fn release<'a, 'n, 'o, 'async_trait>(
        &'a self,
        name: &'n str,
        owner: &'o str,
        pause: Duration,
    ) -> BoxFuture<'async_trait, Result<(), BoxError>>
    where
        'a: 'async_trait,
        'n: 'async_trait,
        'o: 'async_trait,
        Self: 'async_trait,
    {
        (**self).release(name, owner, pause)
    }
}
