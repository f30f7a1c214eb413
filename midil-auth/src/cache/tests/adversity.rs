//! What a review found: clocks, executors, subscribers and sources at their worst.

use std::sync::{Mutex, OnceLock, mpsc};
use std::time::{Instant, SystemTime};

use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::*;

/// Runs on a thread; None when it hangs.
fn bounded<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (s, r) = mpsc::channel();
    std::thread::spawn(move || {
        let _ = s.send(f());
    });
    r.recv_timeout(Duration::from_secs(5)).ok()
}

#[test]
fn the_longest_fetch_timeout_is_one_fetch_all_the_same() {
    let runtime = ManualRuntime::new();
    let authority = Authority::slow(&runtime);
    let cache = TokenCache::builder(authority.clone())
        .fetch_timeout(Duration::MAX)
        .runtime(runtime.clone())
        .build()
        .unwrap();
    let out = runtime.block_on(ask(&cache));
    assert_eq!((out.map_err(|e| e.to_string()), authority.asked()), (Ok("t1".to_owned()), 1));
}

#[test]
fn a_token_that_had_expired_when_it_came_is_an_error() {
    let runtime = ManualRuntime::new();
    let clock = runtime.clone();
    let authority = Authority::new(move |n| {
        let issued = clock.system_time() - HOUR * 2;
        async move { Ok(token(n, HOUR).unwrap().with_issued_at(issued)) }
    });
    let cache = authority.cache(&runtime);
    let error = runtime.block_on(cache.get_token()).unwrap_err();
    assert!(error.to_string().starts_with("the token had expired when it came"), "{error}");
    assert!(error.retry_in().is_some(), "and the source is left alone for a while");
}

#[test]
fn a_waiter_who_comes_to_it_late_is_not_given_what_has_expired() {
    let runtime = ManualRuntime::new();
    let clock = runtime.clone();
    let authority = Authority::new(move |n| {
        let p = clock.sleep(SECOND);
        async move {
            p.await;
            token(n, SECOND * 60)
        }
    });
    let cache = authority.cache(&runtime);
    let mut waiting = Box::pin(ask(&cache));
    assert!((&mut waiting).now_or_never().is_none());
    settle(&runtime);
    runtime.advance(SECOND);
    settle(&runtime); // lands
    runtime.set_system_time(runtime.system_time() + HOUR); // suspended
    let got = (&mut waiting).now_or_never();
    assert!(!matches!(got, Some(Ok(ref t)) if t == "t1"), "{got:?}");
}

#[test]
fn a_machine_that_was_suspended_during_the_fetch_counts_that_time() {
    let runtime = ManualRuntime::new();
    let authority = Authority::slow(&runtime);
    let cache = authority.cache(&runtime);
    let mut waiting = Box::pin(ask(&cache));
    assert!((&mut waiting).now_or_never().is_none());
    settle(&runtime);
    runtime.set_system_time(runtime.system_time() + HOUR * 2); // suspended with the answer under way
    runtime.advance(SECOND);
    settle(&runtime);
    drop((&mut waiting).now_or_never());
    let status = cache.status();
    assert!(
        !status.valid,
        "a token of an hour, asked for two hours ago, is valid for {:?}",
        status.expires_in
    );
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
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(ask_now(&cache)))).is_err()
    });
    assert_eq!(done, Some(true), "hangs instead of panicking");
}

struct Asks(TokenCache, AtomicUsize);
impl<S: tracing::Subscriber> Layer<S> for Asks {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target().starts_with("midil_auth") {
            let _ = self.0.status();
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[test]
fn a_subscriber_may_read_the_status() {
    let done = bounded(|| {
        let runtime = ManualRuntime::new();
        let cache = Authority::new(|_| async { Err(down()) }).cache(&runtime);
        let sub = tracing_subscriber::registry().with(Asks(cache.clone(), Default::default()));
        tracing::subscriber::with_default(sub, || runtime.block_on(ask(&cache)).is_err())
    });
    assert_eq!(done, Some(true), "deadlock: logs under the lock");
}

struct Nosy(OnceLock<TokenCache>);
impl std::fmt::Debug for Nosy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("x")
    }
}
impl std::fmt::Display for Nosy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("x")
    }
}
impl std::error::Error for Nosy {}
impl Drop for Nosy {
    fn drop(&mut self) {
        if let Some(c) = self.0.get() {
            let _ = c.status();
        }
    }
}

#[test]
fn an_error_may_read_the_status_as_it_is_dropped() {
    let done = bounded(|| {
        let runtime = ManualRuntime::new();
        let slot: Arc<OnceLock<TokenCache>> = Arc::default();
        let of_source = Arc::clone(&slot);
        let authority = Authority::new(move |n| {
            let c = of_source.get().unwrap().clone();
            async move {
                match n {
                    1 => Err(down().with_source(Nosy(c.into()))),
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
fn a_401_is_healed_through_a_cache_around_a_cache() {
    let runtime = ManualRuntime::new();
    let authority = Authority::hourly();
    let inner = authority.cache(&runtime);
    // outer renews before inner does
    let outer = (0..200)
        .map(|seed| {
            TokenCache::builder(inner.clone()).runtime(runtime.clone()).seed(seed).build().unwrap()
        })
        .find(|o| {
            runtime.block_on(o.warm_up()).unwrap();
            o.status().next_refresh < inner.status().next_refresh
        })
        .unwrap();
    runtime.advance(outer.status().next_refresh.unwrap());
    at_once(&outer);
    settle(&runtime);
    let old = runtime.block_on(headers(&outer));
    assert_eq!((old.generation(), authority.asked()), (2, 1));
    outer.invalidate(&old);
    let new = runtime.block_on(headers(&outer));
    assert!(!new.same_credentials(&old), "the rejected token is handed out again");
}

#[test]
fn a_late_401_leaves_the_newer_token_of_a_cache_beneath_alone() {
    let runtime = ManualRuntime::new();
    let authority = Authority::hourly();
    let inner = authority.cache(&runtime);
    let outer = (0..200)
        .map(|seed| {
            TokenCache::builder(inner.clone()).runtime(runtime.clone()).seed(seed).build().unwrap()
        })
        .find(|o| {
            runtime.block_on(o.warm_up()).unwrap();
            o.status().next_refresh < inner.status().next_refresh
        })
        .unwrap();
    runtime.advance(outer.status().next_refresh.unwrap());
    at_once(&outer);
    settle(&runtime);
    let old = runtime.block_on(headers(&outer)); // t1, outer generation 2
    runtime.advance(HOUR / 10);
    at_once(&inner);
    settle(&runtime);
    assert_eq!(at_once(&inner), "t2"); // inner generation 2
    outer.invalidate(&old); // rejects t1
    assert!(inner.status().valid, "the inner's t2, which nobody rejected, is gone");
}

#[test]
fn a_clock_that_is_centuries_on_works() {
    let runtime = ManualRuntime::new();
    let cache = Authority::hourly().cache(&runtime);
    runtime.advance(HOUR * 24 * 365 * 600);
    runtime.block_on(cache.warm_up()).unwrap();
    runtime.advance(HOUR * 9 / 10);
    assert_eq!(at_once(&cache), "t1");
}

#[derive(Clone)]
struct Keeps {
    clock: ManualRuntime,
    kept: Arc<Mutex<Vec<BoxFuture<'static, ()>>>>,
}
impl Runtime for Keeps {
    fn now(&self) -> Instant {
        self.clock.now()
    }
    fn system_time(&self) -> SystemTime {
        self.clock.system_time()
    }
    fn sleep(&self, d: Duration) -> BoxFuture<'static, ()> {
        self.clock.sleep(d)
    }
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.kept.lock().unwrap().push(task)
    }
}

#[test]
fn a_superseded_fetch_asks_nobody_and_fails_nobody() {
    let clock = ManualRuntime::new();
    let kept = Arc::new(Mutex::new(Vec::new()));
    let runtime = Keeps { clock: clock.clone(), kept: Arc::clone(&kept) };
    let pause = clock.clone();
    let authority = Authority::new(move |number| {
        let pause = pause.sleep(SECOND * 9);
        async move {
            if number == 1 {
                pause.await;
                return Err(down());
            }
            token(number, HOUR)
        }
    });
    let cache = TokenCache::builder(authority.clone()).runtime(runtime).seed(7).build().unwrap();
    let next = || kept.lock().unwrap().pop().unwrap();
    let mut waiting = Box::pin(ask(&cache));
    assert!((&mut waiting).now_or_never().is_none());
    let mut asking = next();
    assert!((&mut asking).now_or_never().is_none());
    clock.advance(SECOND * 11);
    assert!((&mut waiting).now_or_never().is_none());
    let unpolled = next();
    clock.advance(SECOND * 11);
    assert!((&mut waiting).now_or_never().is_none());
    // The third brings a token. Whatever the first two do then, it stays as it is, and one is under way at most.
    clock.block_on(next());
    clock.block_on(asking);
    clock.block_on(unpolled);
    assert_eq!(clock.block_on(waiting).unwrap(), "t2");
    assert_eq!(authority.asked(), 2, "who was never polled asks nobody");
    let status = cache.status();
    assert_eq!((status.consecutive_failures, status.retry_in), (0, None));
    assert!(status.valid && !status.fetching);
}

/// A zombie that ends takes nothing from the fetch that is under way.
#[test]
fn a_superseded_fetch_leaves_the_one_under_way_alone() {
    for ends in [true, false] {
        let clock = ManualRuntime::new();
        let kept = Arc::new(Mutex::new(Vec::new()));
        let runtime = Keeps { clock: clock.clone(), kept: Arc::clone(&kept) };
        let pause = clock.clone();
        let authority = Authority::new(move |number| {
            let pause = pause.sleep(SECOND * 9);
            async move {
                pause.await;
                if number > 1 {
                    std::future::pending::<()>().await;
                }
                token(number, HOUR)
            }
        });
        let cache = TokenCache::builder(authority).runtime(runtime).build().unwrap();
        let next = || kept.lock().unwrap().pop().unwrap();
        let mut waiting = Box::pin(ask(&cache));
        assert!((&mut waiting).now_or_never().is_none());
        let mut zombie = next();
        assert!((&mut zombie).now_or_never().is_none());
        clock.advance(SECOND * 11);
        assert!((&mut waiting).now_or_never().is_none());
        let mut alive = next();
        assert!((&mut alive).now_or_never().is_none());
        if ends {
            clock.block_on(zombie)
        } else {
            drop(zombie)
        }
        assert!(cache.status().fetching);
        let mut another = Box::pin(ask(&cache));
        assert!((&mut another).now_or_never().is_none());
        assert!(kept.lock().unwrap().is_empty(), "it joins the one that is under way");
    }
}

/// Nobody is to wait for the token of a machine that goes on.
#[test]
fn a_machine_that_was_suspended_renews_early() {
    let runtime = ManualRuntime::new();
    let authority = Authority::hourly();
    let cache = authority.cache(&runtime);
    runtime.block_on(cache.warm_up()).unwrap();
    runtime.set_system_time(runtime.system_time() + HOUR * 9 / 10);
    assert_eq!(at_once(&cache), "t1");
    settle(&runtime);
    assert_eq!(at_once(&cache), "t2");
}

#[test]
fn a_renewal_that_is_dropped_before_it_begins_is_begun_by_the_next_reader() {
    let runtime = ManualRuntime::new();
    let authority = Authority::hourly();
    let cache = authority.cache(&runtime);
    runtime.block_on(cache.warm_up()).unwrap();
    runtime.advance(HOUR * 9 / 10);
    assert_eq!(at_once(&cache), "t1");
    runtime.abort_tasks();
    assert_eq!(at_once(&cache), "t1");
    settle(&runtime);
    assert_eq!((at_once(&cache).as_str(), authority.asked()), ("t2", 2));
}

/// A fetch in the background whose executor is dead does not keep the token from being renewed.
#[test]
fn a_renewal_that_is_overdue_is_begun_anew() {
    let clock = ManualRuntime::new();
    let kept = Arc::new(Mutex::new(Vec::new()));
    let runtime = Keeps { clock: clock.clone(), kept: Arc::clone(&kept) };
    let authority = Authority::new(|number| async move {
        if number == 2 {
            std::future::pending::<()>().await;
        }
        token(number, HOUR)
    });
    let cache = TokenCache::builder(authority.clone()).runtime(runtime).build().unwrap();
    let next = || kept.lock().unwrap().pop().unwrap();
    let mut first = Box::pin(ask(&cache));
    assert!((&mut first).now_or_never().is_none());
    clock.block_on(next());
    clock.block_on(first).unwrap();
    clock.advance(HOUR * 9 / 10);
    assert_eq!(at_once(&cache), "t1");
    let mut hanging = next();
    assert!((&mut hanging).now_or_never().is_none()); // never polled again
    clock.advance(SECOND * 11);
    assert_eq!(at_once(&cache), "t1");
    clock.block_on(next());
    assert_eq!((at_once(&cache).as_str(), authority.asked()), ("t3", 3));
}

#[test]
fn the_status_tells_of_pauses_and_of_what_is_under_way() {
    let runtime = ManualRuntime::new();
    let clock = runtime.clone();
    let authority = Authority::new(move |number| {
        let pause = clock.sleep(SECOND);
        async move {
            pause.await;
            if number == 1 { token(number, HOUR) } else { Err(down()) }
        }
    });
    let cache = authority.cache(&runtime);
    runtime.block_on(cache.warm_up()).unwrap();
    runtime.advance(HOUR * 9 / 10);
    assert_eq!(at_once(&cache), "t1");
    settle(&runtime);
    let under_way = cache.status();
    assert_eq!((under_way.fetching, under_way.next_refresh), (true, Some(Duration::ZERO)));
    runtime.block_on(runtime.sleep(SECOND));
    settle(&runtime);
    let failed = cache.status();
    let pause = failed.retry_in.unwrap();
    assert!(pause > Duration::ZERO && pause <= SECOND);
    assert_eq!(failed.next_refresh, Some(pause), "not before the pause is over");
    assert!(failed.valid && !failed.fetching);
}

#[test]
fn the_status_goes_by_both_clocks() {
    let runtime = ManualRuntime::new();
    let cache = Authority::hourly().cache(&runtime);
    runtime.block_on(cache.warm_up()).unwrap();
    runtime.set_system_time(runtime.system_time() + HOUR * 9 / 10);
    let s = cache.status();
    assert_eq!((s.expires_in, s.next_refresh), (Some(HOUR / 10), Some(Duration::ZERO)));
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

#[test]
fn a_wall_clock_that_is_set_back_during_the_fetch_prolongs_nothing() {
    let runtime = ManualRuntime::new();
    let clock = runtime.clone();
    // As TokenEndpoint does: issued_at is the wall clock of when the request went out.
    let authority = Authority::new(move |n| {
        let (pause, sent) = (clock.sleep(SECOND * 8), clock.system_time());
        async move {
            pause.await;
            Ok(token(n, SECOND * 60).unwrap().with_issued_at(sent))
        }
    });
    let cache = authority.cache(&runtime);
    let mut waiting = Box::pin(ask(&cache));
    assert!((&mut waiting).now_or_never().is_none());
    settle(&runtime);
    runtime.set_system_time(runtime.system_time() - HOUR);
    runtime.advance(SECOND * 8);
    settle(&runtime);
    assert_eq!(cache.status().expires_in, Some(SECOND * 52));
}

#[test]
fn a_source_that_asks_its_own_cache_is_an_error_and_no_hang() {
    let runtime = ManualRuntime::new();
    let slot: Arc<OnceLock<TokenCache>> = Arc::default();
    let of_source = Arc::clone(&slot);
    let authority = Authority::new(move |_| {
        let c = of_source.get().unwrap().clone();
        async move { c.get_token().await }
    });
    let cache = authority.cache(&runtime);
    let _ = slot.set(cache.clone());
    let e = runtime.block_on(ask(&cache)).unwrap_err();
    assert_eq!((runtime.elapsed(), authority.asked()), (SECOND * 10, 1), "{e}");
}

#[test]
fn a_cache_around_a_cache_may_make_other_headers() {
    let runtime = ManualRuntime::new();
    let authority = Authority::hourly();
    let inner = authority.cache(&runtime);
    let outer = TokenCache::builder(inner)
        .runtime(runtime.clone())
        .headers(|t| {
            Ok(AuthNHeaders::new().with(
                http::HeaderName::from_static("x-t"),
                t.access_token().expose().parse().unwrap(),
            ))
        })
        .build()
        .unwrap();
    let old = runtime.block_on(headers(&outer));
    outer.invalidate(&old);
    let new = runtime.block_on(headers(&outer));
    assert!(!new.same_credentials(&old));
}
