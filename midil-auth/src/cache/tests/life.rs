//! Valid, ageing, expired.

use super::*;

/// A cache whose authority answers once, and then never again.
fn then_silence(runtime: &ManualRuntime) -> (Authority, TokenCache) {
    let authority = Authority::new(|number| async move {
        if number > 1 {
            std::future::pending::<()>().await;
        }
        token(number, HOUR)
    });
    let cache = authority.cache(runtime);
    runtime.block_on(cache.warm_up()).unwrap();
    (authority, cache)
}

/// A reader that waited would fail here: it is polled once.
#[test]
fn readers_of_a_valid_token_never_wait() {
    let runtime = ManualRuntime::new();
    let (authority, cache) = then_silence(&runtime);
    for _ in 0..3599 {
        runtime.advance(SECOND);
        assert_eq!(at_once(&cache), "t1");
        assert!(cache.get_headers(&request()).now_or_never().is_some());
        settle(&runtime);
    }
    assert!(authority.asked() > 1, "the fetch that hangs was begun");
    runtime.advance(SECOND);
    assert!(ask_now(&cache).is_none(), "an expired token is never handed out");
}

#[test]
fn it_is_renewed_in_the_background_at_three_quarters_of_its_life() {
    for seed in 0..50 {
        let runtime = ManualRuntime::new();
        let authority = Authority::hourly();
        let cache = TokenCache::builder(authority.clone())
            .runtime(runtime.clone())
            .seed(seed)
            .build()
            .unwrap();
        runtime.block_on(cache.warm_up()).unwrap();
        runtime.advance(HOUR * 70 / 100 - SECOND);
        assert_eq!(at_once(&cache), "t1");
        assert_eq!(runtime.tasks(), 0, "too early");
        runtime.advance(HOUR * 10 / 100 + SECOND);
        assert_eq!(at_once(&cache), "t1", "whoever finds out does not wait");
        assert_eq!(at_once(&cache), "t1");
        assert_eq!(runtime.tasks(), 1, "and nobody else begins another");
        settle(&runtime);
        assert_eq!((at_once(&cache).as_str(), authority.asked()), ("t2", 2));
    }
}

#[test]
fn the_time_of_the_renewal_varies() {
    let times: std::collections::BTreeSet<_> = (0..20)
        .map(|seed| {
            let runtime = ManualRuntime::new();
            let cache = TokenCache::builder(Authority::hourly())
                .runtime(runtime.clone())
                .seed(seed)
                .build()
                .unwrap();
            runtime.block_on(cache.warm_up()).unwrap();
            cache.status().next_refresh.unwrap()
        })
        .collect();
    assert!(times.len() > 15);
    assert!(times.first().unwrap() >= &(HOUR * 70 / 100));
    assert!(times.last().unwrap() <= &(HOUR * 80 / 100));
}

#[test]
fn where_nobody_calls_nothing_is_fetched() {
    let runtime = ManualRuntime::new();
    let authority = Authority::hourly();
    let cache = authority.cache(&runtime);
    runtime.block_on(cache.warm_up()).unwrap();
    runtime.block_on(runtime.sleep(HOUR * 24));
    assert_eq!((authority.asked(), cache.status().valid), (1, false));
}

#[test]
fn a_renewal_that_never_comes_back_is_begun_again() {
    let runtime = ManualRuntime::new();
    let (authority, cache) = then_silence(&runtime);
    runtime.advance(HOUR * 8 / 10);
    for _ in 0..60 {
        runtime.block_on(runtime.sleep(SECOND));
        assert_eq!(at_once(&cache), "t1");
    }
    // Each is given up after ten seconds, and followed by a pause that doubles.
    assert!((4..=6).contains(&authority.asked()), "{}", authority.asked());
}

#[test]
fn it_expires_by_the_end_of_its_life_to_the_second() {
    let runtime = ManualRuntime::new();
    let authority = Authority::slow(&runtime);
    let cache = authority.cache(&runtime);
    runtime.block_on(cache.warm_up()).unwrap();
    // Its life counts from when it was asked for, a second before it came.
    runtime.advance(HOUR - SECOND - Duration::from_nanos(1));
    assert_eq!(at_once(&cache), "t1");
    runtime.abort_tasks();
    runtime.advance(Duration::from_nanos(1));
    assert!(ask_now(&cache).is_none());
}

#[test]
fn a_suspended_machine_does_not_send_what_has_expired_meanwhile() {
    let runtime = ManualRuntime::new();
    let authority = Authority::hourly();
    let cache = authority.cache(&runtime);
    runtime.block_on(cache.warm_up()).unwrap();
    // The monotonic clock stood still.
    runtime.set_system_time(runtime.system_time() + HOUR);
    assert_eq!(runtime.block_on(ask(&cache)).unwrap(), "t2");
    assert!(cache.status().valid, "on the new clock it is as good as any");
    runtime.advance(HOUR / 2);
    assert_eq!((at_once(&cache).as_str(), authority.asked()), ("t2", 2));
}

#[test]
fn a_wall_clock_that_is_set_back_prolongs_nothing() {
    let runtime = ManualRuntime::new();
    let cache = Authority::hourly().cache(&runtime);
    runtime.block_on(cache.warm_up()).unwrap();
    runtime.set_system_time(runtime.system_time() - HOUR * 24);
    runtime.advance(HOUR - SECOND);
    assert_eq!(at_once(&cache), "t1");
    runtime.advance(SECOND);
    assert_eq!(runtime.block_on(ask(&cache)).unwrap(), "t2");
}

#[test]
fn a_token_without_a_life_is_for_those_who_waited_for_it() {
    let runtime = ManualRuntime::new();
    let authority = Authority::new(|number| async move { token(number, Duration::ZERO) });
    let cache = authority.cache(&runtime);
    for number in 1..=3 {
        let (one, other) =
            runtime.block_on(async { futures_util::future::join(ask(&cache), ask(&cache)).await });
        assert_eq!(one.unwrap(), format!("t{number}"));
        assert_eq!(other.unwrap(), format!("t{number}"));
    }
    assert_eq!((authority.asked(), cache.status().valid), (3, false));
}

#[test]
fn a_token_of_unknown_life_lives_for_five_minutes() {
    let runtime = ManualRuntime::new();
    let cache = TokenCache::builder(|| async { Ok(AuthNToken::new("t")) })
        .runtime(runtime.clone())
        .build()
        .unwrap();
    runtime.block_on(cache.warm_up()).unwrap();
    assert_eq!(cache.status().expires_in, Some(SECOND * 300));
}

#[test]
fn the_state_can_be_read() {
    let runtime = ManualRuntime::new();
    let authority = Authority::hourly();
    let cache = authority.cache(&runtime);
    let cold = cache.status();
    assert!(!cold.valid && !cold.fetching && cold.age.is_none() && cold.next_refresh.is_none());
    drop(ask_now(&cache));
    assert!(cache.status().fetching);
    runtime.block_on(cache.warm_up()).unwrap();
    runtime.advance(SECOND * 60);
    let warm = cache.status();
    assert!(warm.valid && !warm.fetching);
    assert_eq!((warm.generation, warm.fetches, warm.consecutive_failures), (1, 1, 0));
    assert_eq!((warm.age, warm.expires_in), (Some(SECOND * 60), Some(HOUR - SECOND * 60)));
    let token = runtime.block_on(cache.get_token()).unwrap();
    let issued = runtime.system_time() - SECOND * 60;
    assert_eq!((token.issued_at(), token.expires_at()), (Some(issued), Some(issued + HOUR)));
}

/// The box of the future, and nothing else.
#[test]
fn a_warm_read_takes_one_allocation() {
    let runtime = ManualRuntime::new();
    let cache = Authority::hourly().cache(&runtime);
    runtime.block_on(cache.warm_up()).unwrap();
    let request = request();
    drop(cache.get_headers(&request).now_or_never().unwrap());
    let counted = allocation_counter::measure(|| {
        drop(cache.get_headers(&request).now_or_never().unwrap());
    });
    assert_eq!(counted.count_total, 1);
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
