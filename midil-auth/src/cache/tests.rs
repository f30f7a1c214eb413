//! The life of a token, in virtual time.

mod clocks;
mod executors;
mod failures;
mod foreign;
mod life;
mod nested;
mod observed;
mod rejections;
mod together;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use http::Method;
use midil_http_core::{
    AuthError, AuthErrorKind, AuthNHeaders, AuthNProvider, AuthNToken, BoxFuture, RequestHead,
    Runtime, async_trait,
};
use midil_http_test::ManualRuntime;

use super::TokenCache;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// What a fetch comes to.
type Fetch = dyn Fn(usize) -> BoxFuture<'static, Result<AuthNToken, AuthError>> + Send + Sync;

/// A source that counts how often it is asked, and is told how often it was asked before.
#[derive(Clone)]
struct Authority {
    fetch: Arc<Fetch>,
    asked: Arc<AtomicUsize>,
    rejected: Arc<AtomicUsize>,
}

impl Authority {
    fn new<F>(fetch: impl Fn(usize) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<AuthNToken, AuthError>> + Send + 'static,
    {
        let fetch: Arc<Fetch> = Arc::new(move |number| Box::pin(fetch(number)));
        Self { fetch, asked: Arc::default(), rejected: Arc::default() }
    }

    /// Tokens `t1`, `t2`… of an hour each, at once.
    fn hourly() -> Self {
        Self::new(|number| async move { token(number, HOUR) })
    }

    /// The same, each of which takes a second.
    fn slow(runtime: &ManualRuntime) -> Self {
        let runtime = runtime.clone();
        Self::new(move |number| {
            let pause = runtime.sleep(SECOND);
            async move {
                pause.await;
                token(number, HOUR)
            }
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn cache(&self, runtime: &ManualRuntime) -> TokenCache {
        TokenCache::builder(self.clone()).runtime(runtime.clone()).seed(7).build().unwrap()
    }
}

#[async_trait]
impl AuthNProvider for Authority {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        (self.fetch)(number).await
    }

    fn invalidate(&self, _: &AuthNHeaders) {
        self.rejected.fetch_add(1, Ordering::Relaxed);
    }
}

fn token(number: usize, lifetime: Duration) -> Result<AuthNToken, AuthError> {
    Ok(AuthNToken::new(format!("t{number}")).with_expires_in(lifetime))
}

fn down() -> AuthError {
    AuthError::new(AuthErrorKind::Unavailable, "the authority is down")
}

fn request() -> RequestHead {
    RequestHead::new(Method::GET, "https://api.test/".parse().unwrap())
}

/// What a call gets.
async fn ask(cache: &TokenCache) -> Result<String, AuthError> {
    Ok(cache.get_token().await?.access_token().expose().to_owned())
}

/// What a call gets that cannot wait.
fn ask_now(cache: &TokenCache) -> Option<Result<String, AuthError>> {
    ask(cache).now_or_never()
}

/// The token that there is, without a wait; panics where a caller would wait or fail.
#[track_caller]
fn at_once(cache: &TokenCache) -> String {
    ask_now(cache).expect("a reader waits").expect("there is a token")
}

async fn headers(cache: &TokenCache) -> AuthNHeaders {
    cache.get_headers(&request()).await.expect("there is a token")
}

/// Has the tasks run that are ready, and no time pass.
fn settle(runtime: &ManualRuntime) {
    runtime.set_auto_advance(false);
    assert!(runtime.run_tasks().now_or_never().is_none());
    runtime.set_auto_advance(true);
}
