//! Runtimes, subscribers, errors and sources are foreign code: none runs under our lock, none can hang or break us.

use std::error::Error;
use std::fmt::{self, Debug, Display, Formatter};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{OnceLock, mpsc};
use std::time::{Instant, SystemTime};

use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::*;

/// Runs on a thread of its own; `None` when it hangs.
fn bounded<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(f()).unwrap_or_default());
    receiver.recv_timeout(Duration::from_secs(5)).ok()
}

#[derive(Clone)]
struct NoTimers(ManualRuntime);
impl Runtime for NoTimers {
    fn now(&self) -> Instant {
        self.0.now()
    }
    fn system_time(&self) -> SystemTime {
        self.0.system_time()
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        panic!("no reactor running")
    }
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.0.spawn(task)
    }
}

#[test]
fn a_runtime_that_panics_does_not_hang_the_caller() {
    let done = bounded(|| {
        let rt = NoTimers(ManualRuntime::new());
        let cache = TokenCache::builder(Authority::hourly()).runtime(rt).build().unwrap();
        catch_unwind(AssertUnwindSafe(|| drop(ask_now(&cache)))).is_err()
    });
    assert_eq!(done, Some(true), "hangs instead of panicking");
}

/// Reads the status whenever we log.
struct Asks(TokenCache);

impl<S: tracing::Subscriber> Layer<S> for Asks {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target().starts_with("midil_auth") {
            let _ = self.0.status();
        }
    }
}

#[test]
fn a_subscriber_may_read_the_status() {
    let done = bounded(|| {
        let runtime = ManualRuntime::new();
        let cache = Authority::new(|_| async { Err(down()) }).cache(&runtime);
        let sub = tracing_subscriber::registry().with(Asks(cache.clone()));
        tracing::subscriber::with_default(sub, || runtime.block_on(ask(&cache)).is_err())
    });
    assert_eq!(done, Some(true), "deadlock: logs under the lock");
}

/// An error that reads the status as it is dropped.
struct Nosy(TokenCache);

impl Debug for Nosy {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("nosy")
    }
}
impl Display for Nosy {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("nosy")
    }
}
impl Error for Nosy {}
impl Drop for Nosy {
    fn drop(&mut self) {
        let _ = self.0.status();
    }
}

#[test]
fn an_error_may_read_the_status_as_it_is_dropped() {
    let done = bounded(|| {
        let runtime = ManualRuntime::new();
        let slot: Arc<OnceLock<TokenCache>> = Arc::default();
        let of_source = Arc::clone(&slot);
        let authority = Authority::new(move |n| {
            let cache = of_source.get().unwrap().clone();
            async move {
                match n {
                    1 => Err(down().with_source(Nosy(cache))),
                    _ => token(n, HOUR),
                }
            }
        });
        let cache = authority.cache(&runtime);
        let _ = slot.set(cache.clone());
        drop(runtime.block_on(ask(&cache)));
        runtime.advance(SECOND * 2);
        runtime.block_on(ask(&cache)).is_ok()
    });
    assert_eq!(done, Some(true), "deadlock: foreign Drop under the lock");
}

#[test]
fn a_source_that_asks_its_own_cache_is_an_error_and_no_hang() {
    let runtime = ManualRuntime::new();
    let slot: Arc<OnceLock<TokenCache>> = Arc::default();
    let of_source = Arc::clone(&slot);
    let authority = Authority::new(move |_| {
        let cache = of_source.get().unwrap().clone();
        async move { cache.get_token().await }
    });
    let cache = authority.cache(&runtime);
    let _ = slot.set(cache.clone());
    let e = runtime.block_on(ask(&cache)).unwrap_err();
    assert_eq!((runtime.elapsed(), authority.asked()), (SECOND * 10, 1), "{e}");
}

#[test]
fn anothers_panic_is_none_of_the_sources() {
    let authority = Authority::new(|n| async move {
        tokio::task::yield_now().await;
        token(n, HOUR)
    });
    let cache = TokenCache::new(authority.clone());
    let c2 = cache.clone();
    let _ = std::thread::spawn(move || {
        let rt = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        rt.block_on(async {
            assert!(ask(&c2).now_or_never().is_none());
            tokio::task::yield_now().await;
            panic!("another's bug")
        });
    })
    .join();
    assert_eq!(cache.status().last_error.map(|e| e.to_string()), None);
}
