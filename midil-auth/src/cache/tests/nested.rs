//! A cache around a cache.

use super::*;

/// A cache around a cache: the inner, and the outer, which has renewed what it has, the inner's token.
fn nested(runtime: &ManualRuntime, authority: &Authority) -> (TokenCache, TokenCache) {
    let inner = authority.cache(runtime);
    let around = |seed| {
        let outer = TokenCache::builder(inner.clone()).runtime(runtime.clone()).seed(seed);
        let outer = outer.build().unwrap();
        runtime.block_on(outer.warm_up()).unwrap();
        outer
    };
    let renews_first =
        |outer: &TokenCache| outer.status().next_refresh < inner.status().next_refresh;
    let outer = (0..200).map(around).find(renews_first).unwrap();
    runtime.advance(outer.status().next_refresh.unwrap());
    at_once(&outer);
    settle(runtime);
    (inner, outer)
}

#[test]
fn a_401_is_healed_through_a_cache_around_a_cache() {
    let runtime = ManualRuntime::new();
    let authority = Authority::hourly();
    let (_, outer) = nested(&runtime, &authority);
    let old = runtime.block_on(headers(&outer));
    assert_eq!((old.generation(), authority.asked()), (2, 1), "the inner one calls it 1");
    outer.invalidate(&old);
    let new = runtime.block_on(headers(&outer));
    assert!(!new.same_credentials(&old), "the rejected token is handed out again");
}

#[test]
fn a_late_401_leaves_the_newer_token_of_a_cache_beneath_alone() {
    let runtime = ManualRuntime::new();
    let (inner, outer) = nested(&runtime, &Authority::hourly());
    let old = runtime.block_on(headers(&outer)); // t1, generation 2 of the outer
    runtime.advance(HOUR / 10);
    at_once(&inner);
    settle(&runtime);
    assert_eq!(at_once(&inner), "t2"); // generation 2 of the inner
    outer.invalidate(&old); // rejects t1
    assert!(inner.status().valid, "t2, which nobody rejected, is gone");
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
