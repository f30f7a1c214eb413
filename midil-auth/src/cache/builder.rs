//! [`TokenCacheBuilder`].

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use midil_http_core::{
    AuthError, AuthNHeaders, AuthNProvider, AuthNToken, BuildError, DefaultRuntime, Error,
    Observer, Random, Runtime,
};

use super::{Inner, MakeHeaders, TokenCache};

/// How long a fetch may take unless said otherwise, retries and all.
pub(crate) const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

/// Builds a [`TokenCache`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use http::{HeaderName, HeaderValue};
/// use midil_auth::TokenCache;
/// use midil_http_core::{AuthNHeaders, AuthNToken};
///
/// // Another header than `Authorization`:
/// let cache = TokenCache::builder(|| async { Ok(AuthNToken::new("abc")) })
///     .name("vault")
///     .fetch_timeout(Duration::from_secs(3))
///     .headers(|token| {
///         let value = HeaderValue::from_str(token.access_token().expose()).map_err(|_| {
///             midil_http_core::AuthError::new(midil_http_core::AuthErrorKind::Malformed, "the vault's token fits no header")
///         })?;
///         Ok(AuthNHeaders::new().with(HeaderName::from_static("x-vault-token"), value))
///     })
///     .build()?;
/// # Ok::<_, midil_http_core::Error>(())
/// ```
pub struct TokenCacheBuilder {
    name: String,
    source: Arc<dyn AuthNProvider>,
    make_headers: Box<MakeHeaders>,
    fetch_timeout: Duration,
    runtime: Arc<dyn Runtime>,
    random: Random,
    observer: Option<Arc<dyn Observer>>,
}

impl TokenCacheBuilder {
    pub(super) fn new(source: impl AuthNProvider) -> Self {
        Self {
            name: "token".to_owned(),
            source: Arc::new(source),
            make_headers: Box::new(AuthNHeaders::from_token),
            fetch_timeout: FETCH_TIMEOUT,
            runtime: Arc::new(DefaultRuntime::new()),
            random: Random::new(),
            observer: None,
        }
    }

    /// What log lines call this token; `token` by default. It must be no secret.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The longest that a fetch may take, whatever the source does in it: 10 s by default, a year at most.
    #[must_use]
    pub const fn fetch_timeout(mut self, limit: Duration) -> Self {
        self.fetch_timeout = limit;
        self
    }

    /// How a token becomes headers: `Authorization` by default ([`AuthNHeaders::from_token`]). Called once per fetch.
    #[must_use]
    pub fn headers(
        mut self,
        make: impl Fn(&AuthNToken) -> Result<AuthNHeaders, AuthError> + Send + Sync + 'static,
    ) -> Self {
        self.make_headers = Box::new(make);
        self
    }

    /// Where time comes from and fetches run: [`DefaultRuntime`] by default. Give it the client's, if there is one.
    #[must_use]
    pub fn runtime(mut self, runtime: impl Runtime) -> Self {
        self.runtime = Arc::new(runtime);
        self
    }

    /// Jitter that can be repeated.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.random = Random::seeded(seed);
        self
    }

    /// Who is told of fetches, for metrics: the observer of the client that the cache is given to, unless one is set here. For a
    /// cache without a client.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_auth::TokenCache;
    /// use midil_http_core::{AuthNToken, Event};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let cache = TokenCache::builder(|| async { Ok(AuthNToken::new("abc")) })
    ///     .observer(|event: &Event<'_>| {
    ///         if let Event::TokenFetched(fetch) = event {
    ///             println!("{} after {:?}: {:?}", fetch.name, fetch.elapsed, fetch.outcome);
    ///         }
    ///     })
    ///     .build()?;
    /// cache.warm_up().await?;
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Makes the cache. Nothing is fetched yet.
    ///
    /// # Errors
    ///
    /// [`Error::Build`] when `fetch_timeout` is zero.
    pub fn build(self) -> Result<TokenCache, Error> {
        check_fetch_timeout(self.fetch_timeout)?;
        Ok(self.finish())
    }

    pub(super) fn finish(self) -> TokenCache {
        let Self { name, source, make_headers, fetch_timeout, runtime, random, observer } = self;
        let epoch = runtime.now();
        TokenCache(Arc::new(Inner {
            name,
            source,
            make_headers,
            fetch_timeout,
            runtime,
            random,
            epoch,
            current: ArcSwapOption::empty(),
            state: Mutex::default(),
            observer,
            clients: ArcSwapOption::empty(),
        }))
    }
}

pub(crate) fn check_fetch_timeout(limit: Duration) -> Result<(), BuildError> {
    if limit.is_zero() {
        return Err(BuildError::new("fetch_timeout", "is zero: give a positive duration"));
    }
    Ok(())
}

impl fmt::Debug for TokenCacheBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCacheBuilder")
            .field("name", &self.name)
            .field("fetch_timeout", &self.fetch_timeout)
            .finish_non_exhaustive()
    }
}
