//! [`SharedTokens`]: a source of tokens, asked by one host of a fleet at a time.

mod lock;
#[cfg(test)]
mod tests;

use std::collections::hash_map::RandomState;
use std::convert::Infallible;
use std::future::{Future, pending};
use std::hash::{BuildHasher, Hasher};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use futures_util::future::{Either, select};
use midil_http_core::{
    AuthError, AuthNHeaders, AuthNProvider, AuthNToken, BoxError, Random, Runtime,
};

use self::lock::Lock;
use super::seal::{Seal, Sealable};
use super::{StoredToken, TokenStore};
use crate::SecretSource;
use crate::cache::UNKNOWN_LIFETIME;

/// What the store may take before a fetch, and again after it.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long a refresher that is no more delays the others.
const LEASE: Duration = Duration::from_secs(5);
/// How long the fleet leaves an authority alone that failed.
const PAUSE: Duration = Duration::from_secs(1);
/// From this age on, in tenths of its lifetime, a token is asked for by those who are to renew it.
const FRESH_TENTHS: u32 = 7;
/// What the clocks of a fleet may differ by before tokens look replayed; for short tokens, their lifetime.
const SKEW: Duration = Duration::from_secs(5 * 60);
/// Longer ones are cut: no clock and no store overflows from here.
const MAX_LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);

/// Tokens of a source, shared through a store. For a cache to ask, not for each request.
///
/// ```text
/// load → fresh, or new to this host: that one
///      → else lock → got it: load again, fetch, save, unlock
///                  → another host has it: wait 50–150 ms, from the start; or, when a lease is
///                    longer than the fetch may take, fetch and save after half of that
/// store fails or is slow: fetch
/// ```
///
/// The caller bounds it, by the timeout that it is told of: what is left of that is the source's. Its futures may be dropped
/// at any await point.
pub(crate) struct SharedTokens {
    source: Arc<dyn TimedSource>,
    store: Arc<dyn TokenStore>,
    credential: String,
    secret: SecretSource,
    runtime: Arc<dyn Runtime>,
    random: Random,
    /// How long the caller waits for a token.
    fetch_timeout: Duration,
    /// What no other instance of any host is called; calls add a number.
    instance: String,
    calls: AtomicU64,
    seen: Mutex<Seen>,
    /// The store failed last time, and that was said.
    down: AtomicBool,
    /// The store had what is none of ours last time, and that was said.
    distrusted: AtomicBool,
    /// The source gives tokens for one call only: waiting for one another would be in vain.
    unshareable: AtomicBool,
}

/// A source that is told until when its answer is of use.
#[async_trait]
pub(crate) trait TimedSource: AuthNProvider {
    async fn get_token_by(&self, deadline: Option<Instant>) -> Result<AuthNToken, AuthError>;
}

#[derive(Default)]
struct Seen {
    last: Option<AuthNHeaders>,
    rejected: Option<AuthNHeaders>,
}

/// What the store said.
enum Consulted {
    Fresh(AuthNToken),
    Mine(Lock),
    Anothers,
}

impl SharedTokens {
    /// `credential` names what is shared: equal texts and equal secrets share a token, so it holds all that makes tokens
    /// differ: authority, client id, scopes, audience.
    pub(crate) fn new(
        source: Arc<dyn TimedSource>,
        store: Arc<dyn TokenStore>,
        credential: String,
        secret: SecretSource,
        runtime: Arc<dyn Runtime>,
        fetch_timeout: Duration,
    ) -> Self {
        let [one, two] = [(); 2].map(|()| RandomState::new().build_hasher().finish());
        Self {
            source,
            store,
            credential,
            secret,
            runtime,
            random: Random::new(),
            fetch_timeout,
            instance: format!("{one:016x}{two:016x}"),
            calls: AtomicU64::new(0),
            seen: Mutex::default(),
            down: AtomicBool::new(false),
            distrusted: AtomicBool::new(false),
            unshareable: AtomicBool::new(false),
        }
    }

    async fn shared_token(&self) -> Result<AuthNToken, AuthError> {
        let began = self.runtime.now();
        let deadline = began.checked_add(self.for_the_source());
        if self.unshareable.load(Ordering::Relaxed) {
            return self.fetch(deadline).await;
        }
        // Without the secret there is no name to ask for. The source needs it, too, and says what is wrong with it.
        let Ok(secret) = self.secret.read().await else { return self.fetch(deadline).await };
        let seal = Seal::new(&secret, &self.credential);
        // Each call locks for itself, lest one that was dropped frees the lock of the next.
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let owner = format!("{}-{call}", self.instance);
        let patience = self.for_another();
        loop {
            match self.within_patience(self.consult(&seal, &owner)).await {
                Ok(Consulted::Fresh(token)) => {
                    self.store_is_up();
                    return Ok(token);
                }
                Ok(Consulted::Mine(lock)) => return self.refresh(&seal, lock, deadline).await,
                Ok(Consulted::Anothers) => {
                    let waited = self.runtime.now().saturating_duration_since(began);
                    if patience.is_some_and(|patience| waited >= patience) {
                        // Whoever has the lock may be no more: two fetches harm nobody, and no token does.
                        return self.fetch_and_save(&seal, deadline).await;
                    }
                    let left = patience.map_or(Duration::MAX, |patience| patience - waited);
                    self.runtime.sleep(self.look_again_in().min(left)).await;
                }
                Err(error) => {
                    self.store_is_down(&*error);
                    return self.fetch(deadline).await;
                }
            }
        }
    }

    /// How long another is waited for that has the lock, where its lease may be longer than anybody waits: there must be time
    /// left for a fetch of our own. Elsewhere the lease ends in time, and a fleet asks an authority that fails as one.
    fn for_another(&self) -> Option<Duration> {
        let half = self.fetch_timeout / 2;
        // Not all at the same time, lest they all fetch: those who come later find what the first has saved.
        (half < LEASE).then(|| half.mul_f64(0.8 + 0.2 * self.random.next()))
    }

    /// How much of the time is the source's: saving what it gives takes a moment, too.
    fn for_the_source(&self) -> Duration {
        self.fetch_timeout - PATIENCE.min(self.fetch_timeout / 4)
    }

    async fn consult(&self, seal: &Seal, owner: &str) -> Result<Consulted, BoxError> {
        if let Some(token) = self.load(seal).await? {
            return Ok(Consulted::Fresh(token));
        }
        // Made first: when this future is dropped, the store may have given the lock and not have said so yet.
        let lock = Lock::new(&self.store, &self.runtime, seal.name(), owner);
        if !lock.acquire(LEASE).await? {
            lock.forget();
            return Ok(Consulted::Anothers);
        }
        // Whoever had the lock may have saved since the first look.
        Ok(match self.load(seal).await? {
            Some(token) => Consulted::Fresh(token),
            None => Consulted::Mine(lock),
        })
    }

    async fn load(&self, seal: &Seal) -> Result<Option<AuthNToken>, BoxError> {
        let Some(stored) = self.store.load(seal.name()).await? else { return Ok(None) };
        match self.open(seal, &stored) {
            Ok(token) => {
                self.distrusted.store(false, Ordering::Relaxed);
                Ok(token)
            }
            Err(problem) => {
                if !self.distrusted.swap(true, Ordering::Relaxed) {
                    let name = seal.name();
                    tracing::warn!(
                        target: "midil_auth::store",
                        name,
                        "the token in the store {problem}: it is not used, and will be replaced"
                    );
                }
                Ok(None)
            }
        }
    }

    /// The token, when it is of use and nobody rejected it.
    fn open(&self, seal: &Seal, stored: &StoredToken) -> Result<Option<AuthNToken>, &'static str> {
        let sealed = seal.open(stored.sealed())?;
        let lifetime = sealed.lifetime;
        let now = self.runtime.system_time();
        // The store may lie about what remains, by as much as clocks may differ and no more.
        let last_end = sealed.issued_at.checked_add(lifetime.saturating_add(SKEW.min(lifetime)));
        let longest = last_end.and_then(|end| end.duration_since(now).ok()).unwrap_or_default();
        if longest.is_zero() {
            return Err("expired long ago by this host's clock (an old one, or a clock is wrong)");
        }
        let remaining = stored.remaining().min(lifetime).min(longest);
        if remaining.is_zero() {
            return Ok(None);
        }
        let age = lifetime - remaining;
        let is_ageing = age >= lifetime.min(MAX_LIFETIME) * FRESH_TENTHS / 10;
        let token = sealed.token(age, now);
        let Ok(headers) = AuthNHeaders::from_token(&token) else { return Ok(None) };
        let seen = self.seen();
        let is = |other: &Option<AuthNHeaders>| {
            other.as_ref().is_some_and(|other| other.same_credentials(&headers))
        };
        // Whoever has it already asks for a newer one. To a host that has none, an ageing one is better than a wait.
        let is_unwanted = is(&seen.rejected) || (is_ageing && is(&seen.last));
        Ok((!is_unwanted).then_some(token))
    }

    /// Fetches for the fleet.
    async fn refresh(
        &self,
        seal: &Seal,
        mut lock: Lock,
        deadline: Option<Instant>,
    ) -> Result<AuthNToken, AuthError> {
        lock.free_after(PAUSE);
        let token = {
            let renewing = pin!(self.renew(&lock));
            match select(pin!(self.fetch_and_save(seal, deadline)), renewing).await {
                Either::Left((fetched, _)) => fetched?,
                Either::Right((never, _)) => match never {},
            }
        };
        lock.free_after(Duration::ZERO);
        Ok(token)
    }

    async fn fetch_and_save(
        &self,
        seal: &Seal,
        deadline: Option<Instant>,
    ) -> Result<AuthNToken, AuthError> {
        let asked_at = self.runtime.system_time();
        let token = self.fetch(deadline).await?;
        match self.within_patience(self.save(seal, &token, asked_at)).await {
            Ok(()) => self.store_is_up(),
            Err(error) => self.store_is_down(&*error),
        }
        Ok(token)
    }

    /// Once: a host that gets nowhere is not to keep the others from the authority until their own fetches are over.
    async fn renew(&self, lock: &Lock) -> Infallible {
        self.runtime.sleep(LEASE / 2).await;
        // Lost or late, the fetch goes on: two fetches harm nobody.
        let _ = self.within_patience(lock.acquire(LEASE)).await;
        pending().await
    }

    async fn save(
        &self,
        seal: &Seal,
        token: &AuthNToken,
        asked_at: SystemTime,
    ) -> Result<(), BoxError> {
        let lifetime = token.expires_in().unwrap_or(UNKNOWN_LIFETIME).min(MAX_LIFETIME);
        let issued_at = token.issued_at().unwrap_or(asked_at);
        let age = self.runtime.system_time().duration_since(issued_at).unwrap_or_default();
        let remaining = lifetime.saturating_sub(age);
        if remaining.is_zero() {
            return Ok(());
        }
        let sealable = Sealable {
            access_token: token.access_token().clone(),
            token_type: token.token_type().to_owned(),
            lifetime,
            issued_at,
        };
        let sealed = seal.seal(&sealable)?;
        self.store.save(seal.name(), &sealed, remaining).await
    }

    async fn fetch(&self, deadline: Option<Instant>) -> Result<AuthNToken, AuthError> {
        let token = self.source.get_token_by(deadline).await?;
        let for_one_call = token.expires_in().is_some_and(|lifetime| lifetime.is_zero());
        self.unshareable.store(for_one_call, Ordering::Relaxed);
        Ok(token)
    }

    /// All that the store is asked for at once, or an error when that takes too long.
    async fn within_patience<T>(
        &self,
        asking: impl Future<Output = Result<T, BoxError>> + Send,
    ) -> Result<T, BoxError> {
        match select(pin!(asking), self.runtime.sleep(PATIENCE)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), _)) => Err(format!("no answer within {PATIENCE:?}").into()),
        }
    }

    fn look_again_in(&self) -> Duration {
        Duration::from_millis(50) + Duration::from_millis(100).mul_f64(self.random.next())
    }

    fn store_is_down(&self, error: &(dyn std::error::Error + Send + Sync)) {
        if !self.down.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                target: "midil_auth::store",
                %error,
                "the token store fails: this process fetches tokens of its own until it is back"
            );
        }
    }

    /// Said when a token came out or went in, not when a lock was had: a store may give locks and take no tokens.
    fn store_is_up(&self) {
        if self.down.swap(false, Ordering::Relaxed) {
            tracing::info!(target: "midil_auth::store", "the token store is back");
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl AuthNProvider for SharedTokens {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        let token = self.shared_token().await?;
        self.seen().last = AuthNHeaders::from_token(&token).ok();
        Ok(token)
    }

    /// From then on the store's copy of that token counts as none.
    fn invalidate(&self, rejected: &AuthNHeaders) {
        let mut seen = self.seen();
        if seen.last.as_ref().is_some_and(|last| last.same_credentials(rejected)) {
            seen.rejected = Some(rejected.clone());
        }
        drop(seen);
        self.source.invalidate(rejected);
    }
}
