//! Two clocks, and what they may do to a token.

use super::*;

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
        let pause = clock.sleep(SECOND);
        async move {
            pause.await;
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
fn a_clock_that_is_centuries_on_works() {
    let runtime = ManualRuntime::new();
    let cache = Authority::hourly().cache(&runtime);
    runtime.advance(HOUR * 24 * 365 * 600);
    runtime.block_on(cache.warm_up()).unwrap();
    runtime.advance(HOUR * 9 / 10);
    assert_eq!(at_once(&cache), "t1");
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
