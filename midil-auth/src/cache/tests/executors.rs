//! What runs the fetch is unkind to it.

use std::sync::Mutex;
use std::time::{Instant, SystemTime};

use super::*;

#[test]
fn a_fetch_that_its_executor_drops_passes_to_the_next_waiter() {
    let runtime = ManualRuntime::new();
    let authority = Authority::slow(&runtime);
    let cache = authority.cache(&runtime);
    let killer = runtime.clone();
    let (one, other) = runtime.block_on(async {
        let kill = async {
            killer.sleep(SECOND / 2).await;
            killer.abort_tasks();
        };
        futures_util::join!(async { (ask(&cache).await, ask(&cache).await).0 }, async {
            kill.await;
            ask(&cache).await
        })
    });
    assert_eq!((one.unwrap(), other.unwrap()), ("t2".to_owned(), "t2".to_owned()));
    assert_eq!((authority.asked(), runtime.elapsed()), (2, SECOND * 3 / 2));
}

#[test]
fn a_renewal_that_its_executor_drops_is_begun_by_the_next_reader() {
    let runtime = ManualRuntime::new();
    let authority = Authority::slow(&runtime);
    let cache = authority.cache(&runtime);
    runtime.block_on(cache.warm_up()).unwrap();
    runtime.advance(HOUR * 8 / 10);
    assert_eq!(at_once(&cache), "t1");
    settle(&runtime);
    assert_eq!(authority.asked(), 2);
    runtime.abort_tasks();
    assert_eq!(at_once(&cache), "t1");
    runtime.block_on(runtime.sleep(SECOND * 2));
    assert_eq!((at_once(&cache).as_str(), authority.asked()), ("t3", 3));
}

/// Keeps what is spawned, or drops it; its time is another's.
#[derive(Clone)]
struct Lazy {
    clock: ManualRuntime,
    kept: Option<Kept>,
}

/// What was spawned and is still to be run.
type Kept = Arc<Mutex<Vec<BoxFuture<'static, ()>>>>;

impl Lazy {
    fn keeping(clock: &ManualRuntime) -> (Self, Kept) {
        let kept = Kept::default();
        (Self { clock: clock.clone(), kept: Some(Arc::clone(&kept)) }, kept)
    }
}

impl Runtime for Lazy {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn system_time(&self) -> SystemTime {
        self.clock.system_time()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.clock.sleep(duration)
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        if let Some(kept) = &self.kept {
            kept.lock().unwrap().push(task);
        }
    }
}

#[test]
fn an_executor_that_runs_no_tasks_is_an_error_and_no_hang() {
    for (kept, elapsed) in [(None, Duration::ZERO), (Some(Arc::default()), SECOND * 33)] {
        let clock = ManualRuntime::new();
        let runtime = Lazy { clock: clock.clone(), kept };
        let cache = TokenCache::builder(Authority::hourly()).runtime(runtime).build().unwrap();
        let error = clock.block_on(ask(&cache)).unwrap_err();
        assert!(error.to_string().contains("does the runtime run spawned tasks"), "{error}");
        assert_eq!(clock.elapsed(), elapsed);
    }
}

#[test]
fn where_no_fetch_can_run_a_rejected_token_is_better_than_none() {
    let clock = ManualRuntime::new();
    let (runtime, kept) = Lazy::keeping(&clock);
    let cache = TokenCache::builder(Authority::hourly()).runtime(runtime).build().unwrap();
    let mut waiting = Box::pin(headers(&cache));
    assert!((&mut waiting).now_or_never().is_none());
    let fetch = kept.lock().unwrap().pop().unwrap();
    clock.block_on(fetch);
    cache.invalidate(&clock.block_on(waiting));
    assert_eq!(clock.block_on(ask(&cache)).unwrap(), "t1");
    assert_eq!(at_once(&cache), "t1");
}

#[test]
fn a_fetch_that_comes_back_from_the_dead_replaces_nothing() {
    let clock = ManualRuntime::new();
    let (runtime, kept) = Lazy::keeping(&clock);
    let cache = TokenCache::builder(Authority::hourly()).runtime(runtime).seed(7).build().unwrap();
    let mut waiting = Box::pin(ask(&cache));
    assert!((&mut waiting).now_or_never().is_none());
    let dead = kept.lock().unwrap().pop().unwrap();
    clock.advance(SECOND * 11);
    assert!((&mut waiting).now_or_never().is_none(), "another was begun");
    let alive = kept.lock().unwrap().pop().unwrap();
    clock.block_on(alive);
    assert_eq!(clock.block_on(waiting).unwrap(), "t1");
    clock.block_on(dead);
    assert_eq!((at_once(&cache).as_str(), cache.status().fetching), ("t1", false));
}

#[test]
fn a_source_that_panics_is_a_failure_like_any_other() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let authority = Authority::new(|number| async move {
        assert!(number > 1, "a bug in the source");
        token(number, HOUR)
    });
    let cache = TokenCache::new(authority.clone());
    let error = runtime.block_on(ask(&cache)).unwrap_err();
    assert!(error.to_string().starts_with("the source of tokens panicked"), "{error}");
    assert!(error.retry_in().is_some(), "and it is left alone for a while");
    runtime.block_on(ask(&cache)).unwrap_err();
    assert_eq!(authority.asked(), 1);
}

/// A runtime per call, as in tests and command-line tools: each drops what it has begun.
#[test]
fn runtimes_that_end_take_nothing_with_them() {
    let authority = Authority::new(|number| async move {
        tokio::task::yield_now().await;
        token(number, HOUR)
    });
    let cache = TokenCache::new(authority.clone());
    let on_its_own = |patient: bool| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            if patient {
                Some(ask(&cache).await.unwrap())
            } else {
                ask(&cache).now_or_never().map(Result::unwrap)
            }
        })
    };
    assert_eq!(on_its_own(false), None, "its runtime ends, and the fetch with it");
    assert!(on_its_own(true).is_some());
    assert!(!cache.status().fetching);
}

/// No tokio anywhere: a thread runs the fetch.
#[test]
fn without_an_async_runtime_it_works_all_the_same() {
    let cache = TokenCache::new(Authority::hourly());
    let executor = ManualRuntime::new();
    executor.set_auto_advance(false);
    assert_eq!(executor.block_on(ask(&cache)).unwrap(), "t1");
}

#[test]
fn a_superseded_fetch_asks_nobody_and_fails_nobody() {
    let clock = ManualRuntime::new();
    let (runtime, kept) = Lazy::keeping(&clock);
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
        let (runtime, kept) = Lazy::keeping(&clock);
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
    let (runtime, kept) = Lazy::keeping(&clock);
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

/// It was spawned when the token was ageing, and runs when the token is over and somebody waits for another.
#[test]
fn a_renewal_that_begins_late_leaves_the_fetch_under_way_alone() {
    let clock = ManualRuntime::new();
    let (runtime, kept) = Lazy::keeping(&clock);
    let authority = Authority::slow(&clock);
    let cache = TokenCache::builder(authority.clone()).runtime(runtime).build().unwrap();
    let next = || kept.lock().unwrap().pop().unwrap();
    let mut first = Box::pin(ask(&cache));
    assert!((&mut first).now_or_never().is_none());
    clock.block_on(next());
    clock.block_on(first).unwrap();
    clock.advance(HOUR * 9 / 10);
    assert_eq!(at_once(&cache), "t1");
    let renewal = next();
    clock.advance(HOUR);
    let mut waiting = Box::pin(ask(&cache));
    assert!((&mut waiting).now_or_never().is_none());
    let mut fetch = next();
    assert!((&mut fetch).now_or_never().is_none());
    clock.block_on(renewal);
    assert_eq!(authority.asked(), 2);
    clock.block_on(fetch);
    assert_eq!(clock.block_on(waiting).unwrap(), "t2");
}
