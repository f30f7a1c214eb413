//! Many callers, one fetch.

use futures_util::future::join_all;

use super::*;

const MANY: usize = 10_000;

/// As many callers at once; what they got, all of them the same.
fn all_at_once(runtime: &ManualRuntime, cache: &TokenCache) -> Result<String, String> {
    let calls = (0..MANY).map(|_| ask(cache));
    let mut outcomes = runtime.block_on(join_all(calls)).into_iter();
    let first = outcomes.next().unwrap().map_err(|error| error.to_string());
    assert!(outcomes.all(|other| other.map_err(|error| error.to_string()) == first));
    first
}

#[test]
fn ten_thousand_callers_without_a_token_make_one_fetch() {
    let runtime = ManualRuntime::new();
    let authority = Authority::slow(&runtime);
    let cache = authority.cache(&runtime);
    assert_eq!(all_at_once(&runtime, &cache), Ok("t1".to_owned()));
    assert_eq!((authority.asked(), runtime.elapsed()), (1, SECOND));
}

#[test]
fn ten_thousand_callers_with_an_expired_token_make_one_fetch() {
    let runtime = ManualRuntime::new();
    let authority = Authority::slow(&runtime);
    let cache = authority.cache(&runtime);
    runtime.block_on(cache.warm_up()).unwrap();
    runtime.advance(HOUR);
    assert_eq!(all_at_once(&runtime, &cache), Ok("t2".to_owned()));
    assert_eq!(authority.asked(), 2);
}

#[test]
fn a_failure_is_shared_too() {
    let runtime = ManualRuntime::new();
    let clock = runtime.clone();
    let authority = Authority::new(move |_| {
        let pause = clock.sleep(SECOND);
        async move {
            pause.await;
            Err(down())
        }
    });
    let cache = authority.cache(&runtime);
    let message = all_at_once(&runtime, &cache).unwrap_err();
    assert!(message.starts_with("the authority is down; the next try is "), "{message}");
    assert_eq!(authority.asked(), 1);
}

#[test]
fn the_fetch_survives_the_caller_who_began_it() {
    let runtime = ManualRuntime::new();
    let authority = Authority::slow(&runtime);
    let cache = authority.cache(&runtime);
    let mut first = Box::pin(ask(&cache));
    runtime.block_on(async {
        assert!(futures_util::poll!(&mut first).is_pending());
        let mut others: Vec<_> = (0..100).map(|_| Box::pin(ask(&cache))).collect();
        for other in &mut others {
            assert!(futures_util::poll!(other).is_pending());
        }
        runtime.sleep(SECOND / 2).await; // midway
        drop(first);
        assert!(join_all(others).await.into_iter().all(|outcome| outcome.unwrap() == "t1"));
    });
    assert_eq!((authority.asked(), runtime.elapsed()), (1, SECOND));
}

#[test]
fn the_fetch_survives_all_its_callers() {
    let runtime = ManualRuntime::new();
    let authority = Authority::slow(&runtime);
    let cache = authority.cache(&runtime);
    assert!(ask_now(&cache).is_none());
    runtime.block_on(runtime.sleep(SECOND * 2));
    assert_eq!(at_once(&cache), "t1");
    assert_eq!(authority.asked(), 1);
}

#[test]
fn clones_share_the_token() {
    let runtime = ManualRuntime::new();
    let authority = Authority::hourly();
    let cache = authority.cache(&runtime);
    runtime.block_on(cache.clone().warm_up()).unwrap();
    assert_eq!(at_once(&cache), "t1");
}

/// On real threads: nobody misses the landing.
#[test]
fn callers_on_many_threads_make_one_fetch() {
    for _ in 0..50 {
        let authority = Authority::hourly();
        let cache = TokenCache::new(authority.clone());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        assert_eq!(futures_executor(ask(&cache)).unwrap(), "t1");
                    }
                });
            }
        });
        assert_eq!(authority.asked(), 1);
    }
}

fn futures_executor<F: Future>(future: F) -> F::Output {
    let runtime = ManualRuntime::new();
    runtime.set_auto_advance(false);
    runtime.block_on(future)
}
