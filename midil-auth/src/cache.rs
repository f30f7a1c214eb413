//! [`TokenCache`]: one token for everyone, fetched before it is needed.

mod builder;
mod entry;
mod failures;
mod fetch;
mod lifetime;
mod pause;
mod rejections;
mod status;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use midil_http_core::{
    AuthError, AuthNHeaders, AuthNProvider, AuthNToken, Event, Observer, Random, RequestHead,
    Runtime, TokenFetched,
};

pub use self::builder::TokenCacheBuilder;
pub(crate) use self::builder::{FETCH_TIMEOUT, check_fetch_timeout};
use self::entry::Entry;
use self::failures::Failures;
use self::fetch::Fetch;
#[cfg(feature = "store")]
pub(crate) use self::lifetime::UNKNOWN_LIFETIME;
use self::rejections::Rejections;
pub use self::status::CacheStatus;

/// Makes the headers of a token.
type MakeHeaders = dyn Fn(&AuthNToken) -> Result<AuthNHeaders, AuthError> + Send + Sync;

/// Keeps the token of another provider, and renews it before it expires.
///
/// Any provider whose [`get_token`](AuthNProvider::get_token) is dear will do: a closure that asks a vault, say. All of
/// OAuth2 in this crate is such a provider with this cache around it. Clones share the token.
///
/// # The life of a token
///
/// - **Cold**: the first caller begins a fetch, as a task of the [`Runtime`]; whoever comes meanwhile waits for the same
///   one, and all get its result, a failure too. A caller that is dropped takes nothing away from the others.
/// - **Valid**: callers get it at once; they take no lock, wait for nobody, and allocate nothing but
///   the box of the future.
/// - **Ageing**: the first caller after 75 % of the lifetime (± 5 %, so that a fleet does not come at once) begins the
///   next fetch in the background. All go on with the valid token meanwhile. Where nobody calls, nothing is fetched.
/// - **Expired**: as cold. An expired token is never handed out.
/// - **Rejected**: after a 401, [`invalidate`](AuthNProvider::invalidate) drops the token of that generation and no newer
///   one. A server that rejects whatever it is given does not make a fetch of every call: after 32 rejections with no
///   minute of peace between them, the token is kept for a pause as after a failure, and the 401s are returned. So it is
///   within the pause after a failed fetch: as long as no other can be had, a doubtful token is better than none. And when the
///   fetch fails that a rejection led to, the token is back, as long as it is valid: another endpoint may accept it.
///
/// After a failed fetch there is a pause: 0.5 to 1 s, doubling with each failure up to 15 to 30 s, at random within these,
/// and never shorter than [`AuthError::retry_in`] asks (five minutes of it at most). Callers without a token are given the
/// same error until it is over; callers with one do not notice.
///
/// # Lifetimes
///
/// They count from [`AuthNToken::issued_at`], or from the beginning of the fetch where that is unknown. None at all
/// counts as five minutes; zero is a token for those who waited for it, and is not kept. Both clocks must agree that a token
/// is good: the monotonic one, which nobody can set back, and the wall clock, which goes on while a machine is
/// suspended. A wall clock that jumps ahead costs one fetch.
///
/// The source is told of a rejection, too, by the token as [`AuthNHeaders::from_token`] has it, without a generation: those are
/// each cache's own. So a cache can be put around a provider that has one, to make other headers of its tokens, say. It is told
/// before it is asked for another token, and may be told twice.
///
/// # Cancel safety
///
/// All futures may be dropped at any await point. A fetch that was begun goes on without its caller; one that its
/// executor drops passes to the next caller that waits.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_auth::TokenCache;
/// use midil_http_core::{AuthNProvider, AuthNToken};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let cache = TokenCache::new(|| async {
///     // Ask a vault, a metadata service, another process…
///     Ok(AuthNToken::new("abc").with_expires_in(Duration::from_secs(3600)))
/// });
///
/// cache.warm_up().await?; // a service that starts fails here, not in its first call
/// let token = cache.get_token().await?;
/// assert_eq!(token.access_token().expose(), "abc");
/// assert_eq!(cache.status().fetches, 1);
/// # Ok::<_, midil_http_core::AuthError>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct TokenCache(Arc<Inner>);

struct Inner {
    name: String,
    source: Arc<dyn AuthNProvider>,
    make_headers: Box<MakeHeaders>,
    fetch_timeout: Duration,
    runtime: Arc<dyn Runtime>,
    random: Random,
    /// Where the claims of a refresh count from.
    epoch: Instant,
    /// The token that callers get: read without a lock, written under that of `state`.
    current: ArcSwapOption<Entry>,
    state: Mutex<State>,
    /// Who is told of fetches, if somebody was given to the cache itself.
    observer: Option<Arc<dyn Observer>>,
    /// Or else a client's. Weak, so that a cache keeps nothing alive.
    clients: ArcSwapOption<Weak<dyn Observer>>,
}

/// What only those touch who fetch.
#[derive(Default)]
struct State {
    /// The one that is under way.
    fetch: Option<Fetch>,
    /// The token that was rejected last, until another comes: when none does, it is better than none.
    doubtful: Option<Arc<Entry>>,
    failures: Failures,
    rejections: Rejections,
    /// The token that was rejected, until the source was told so.
    untold: Option<Arc<Entry>>,
    generation: u64,
    /// How many were begun; the number of the last one.
    fetches: u64,
}

impl TokenCache {
    /// A cache around `source`, with every default.
    #[must_use]
    pub fn new(source: impl AuthNProvider) -> Self {
        Self::builder(source).finish()
    }

    /// Begins a cache around `source`.
    pub fn builder(source: impl AuthNProvider) -> TokenCacheBuilder {
        TokenCacheBuilder::new(source)
    }

    /// Fetches a token unless there is one: for the start of a service.
    ///
    /// # Errors
    ///
    /// [`AuthError`], as a call would get it.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the fetch goes on.
    pub async fn warm_up(&self) -> Result<(), AuthError> {
        self.token(|_| ()).await
    }

    /// How the token is: for health checks. It takes the lock of those who fetch for a moment, and never waits for a fetch.
    #[must_use]
    pub fn status(&self) -> CacheStatus {
        let state = self.0.state();
        CacheStatus::of(&self.0, &state)
    }

    /// Something of the token: at once where there is a valid one.
    async fn token<T>(&self, of: impl FnOnce(&Entry) -> T) -> Result<T, AuthError> {
        let of = {
            let current = self.0.current.load();
            match &*current {
                Some(entry) if self.0.is_good(entry) => return Ok(of(entry)),
                _ => of,
            }
        };
        // Boxed, because it is rare: no call should carry room for it.
        Ok(of(&*Box::pin(fetch::join(&self.0)).await?))
    }
}

impl Inner {
    /// Takes note of a client's observer. The first one counts, as long as it lives: clients that share a cache share what is
    /// told of it.
    fn meet(&self, observer: &Arc<dyn Observer>) {
        let known = self.clients.load();
        if known.as_ref().is_none_or(|known| known.strong_count() == 0) {
            self.clients.store(Some(Arc::new(Arc::downgrade(observer))));
        }
    }

    /// Tells of a fetch.
    fn tell(&self, elapsed: Duration, outcome: Result<Duration, &AuthError>) {
        let client = || self.clients.load().as_ref()?.upgrade();
        if let Some(observer) = self.observer.clone().or_else(client) {
            let event = TokenFetched::new(&self.name, elapsed, outcome);
            observer.observe(&Event::TokenFetched(event));
        }
    }

    /// Tells the source that its token was rejected. Generations are each cache's own: it goes by the token itself.
    fn tell_source(&self, rejected: &Entry) {
        if let Ok(rejected) = AuthNHeaders::from_token(&rejected.token) {
            self.source.invalidate(&rejected);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the token may be used; begins to renew it when it is time to.
    fn is_good(self: &Arc<Self>, entry: &Entry) -> bool {
        let (now, wall) = (self.runtime.now(), self.runtime.system_time());
        if !entry.is_valid(now, wall) {
            return false;
        }
        if entry.is_ageing(now, wall) && entry.claim(self, now) {
            fetch::refresh(self);
        }
        true
    }
}

#[async_trait]
impl AuthNProvider for TokenCache {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        self.token(|entry| entry.token.clone()).await
    }

    async fn get_headers(&self, _: &RequestHead) -> Result<AuthNHeaders, AuthError> {
        self.token(|entry| entry.headers.clone()).await
    }

    fn observed_by(&self, observer: &Arc<dyn Observer>) {
        self.0.meet(observer);
        self.0.source.observed_by(observer);
    }

    fn invalidate(&self, rejected: &AuthNHeaders) {
        let inner = &self.0;
        let current = {
            let mut state = inner.state();
            let Some(current) = inner.current.load_full() else { return };
            let is_this = match rejected.generation() {
                // From somebody who does not count: a cache around this one, say.
                0 => current.headers.same_credentials(rejected),
                generation => current.generation == generation,
            };
            let now = inner.runtime.now();
            // A late 401 is about a token that is gone already. A doubtful token is better than none, as long as no other
            // can be had.
            if !is_this
                || state.failures.pause(now).is_some()
                || !state.rejections.admit(now, || inner.random.next())
            {
                return;
            }
            state.doubtful = Some(Arc::clone(&current));
            inner.current.store(None);
            state.untold = Some(Arc::clone(&current));
            current
        };
        tracing::debug!(
            target: "midil_auth::cache",
            name = inner.name,
            generation = current.generation,
            "the token was rejected"
        );
        // The source is foreign code, which runs without the lock: a fetch that begins meanwhile tells it, too.
        inner.tell_source(&current);
        let mut state = inner.state();
        if state.untold.as_ref().is_some_and(|untold| Arc::ptr_eq(untold, &current)) {
            state.untold = None;
        }
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache")
            .field("name", &self.0.name)
            .field("status", &self.status())
            .finish()
    }
}
