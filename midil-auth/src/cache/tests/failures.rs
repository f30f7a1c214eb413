//! The authority fails.

use std::sync::Mutex;
use std::time::Instant;

use super::*;

#[test]
fn within_the_pause_the_same_error_is_given_and_nothing_is_asked() {
    let runtime = ManualRuntime::new();
    let authority = Authority::new(|_| async { Err(down()) });
    let cache = authority.cache(&runtime);
    let first = runtime.block_on(ask(&cache)).unwrap_err();
    let pause = first.retry_in().unwrap();
    assert!(pause >= SECOND / 2 && pause <= SECOND, "{pause:?}");
    runtime.advance(pause / 2);
    let second = ask_now(&cache).expect("no wait").unwrap_err();
    assert_eq!(second.retry_in(), Some(pause - pause / 2));
    assert_eq!(second.kind(), first.kind());
    assert_eq!(authority.asked(), 1);
    runtime.advance(pause);
    runtime.block_on(ask(&cache)).unwrap_err();
    assert_eq!(authority.asked(), 2);
}

/// An hour of outage, and somebody who calls ten times a second.
#[test]
fn an_outage_is_not_made_worse() {
    let runtime = ManualRuntime::new();
    let times = Arc::new(Mutex::new(Vec::<Instant>::new()));
    let (clock, log) = (runtime.clone(), Arc::clone(&times));
    let authority = Authority::new(move |_| {
        log.lock().unwrap().push(clock.now());
        async { Err(down()) }
    });
    let cache = authority.cache(&runtime);
    runtime.block_on(async {
        for _ in 0..36_000 {
            ask(&cache).await.unwrap_err();
            runtime.sleep(SECOND / 10).await;
        }
    });
    let times = times.lock().unwrap();
    let pauses: Vec<_> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
    for (pause, (least, most)) in
        pauses.iter().zip([(0.5, 1.1), (1.0, 2.1), (2.0, 4.1), (4.0, 8.1), (8.0, 16.1)])
    {
        assert!((least..=most).contains(pause), "{pauses:?}");
    }
    assert!(pauses[5..].iter().all(|pause| (15.0..=30.1).contains(pause)), "{pauses:?}");
    assert!((130..240).contains(&times.len()), "{}", times.len());
}

#[test]
fn an_error_can_ask_for_a_longer_pause() {
    let runtime = ManualRuntime::new();
    let authority = Authority::new(|number| async move {
        match number {
            1 => Err(down().with_retry_in(SECOND * 20)),
            _ => token(number, HOUR),
        }
    });
    let cache = authority.cache(&runtime);
    runtime.block_on(ask(&cache)).unwrap_err();
    runtime.advance(SECOND * 19);
    assert_eq!(ask_now(&cache).unwrap().unwrap_err().retry_in(), Some(SECOND));
    runtime.advance(SECOND);
    assert_eq!(runtime.block_on(ask(&cache)).unwrap(), "t2");
}

#[test]
fn a_success_ends_the_row_of_failures() {
    let runtime = ManualRuntime::new();
    let authority = Authority::new(|number| async move {
        match number % 4 {
            0 => token(number, SECOND),
            _ => Err(down()),
        }
    });
    let cache = authority.cache(&runtime);
    let mut pauses = Vec::new();
    for _ in 0..8 {
        match runtime.block_on(ask(&cache)) {
            Err(error) => {
                pauses.push(error.retry_in().unwrap());
                assert_eq!(cache.status().last_error.unwrap().kind(), AuthErrorKind::Unavailable);
                runtime.advance(SECOND * 30);
            }
            Ok(_) => {
                let status = cache.status();
                assert_eq!((status.consecutive_failures, status.last_error.is_none()), (0, true));
                runtime.advance(SECOND);
            }
        }
    }
    assert!(pauses[2] >= SECOND * 2, "{pauses:?}");
    assert!(pauses[3] <= SECOND, "{pauses:?}");
}

/// The last quarter of a token's life is there to survive an outage of its authority.
#[test]
fn while_the_token_is_valid_nobody_notices_an_outage() {
    let runtime = ManualRuntime::new();
    let authority = Authority::new(|number| async move {
        match number {
            2..30 => Err(down()),
            _ => token(number, HOUR),
        }
    });
    let cache = authority.cache(&runtime);
    runtime.block_on(async {
        for second in 0..3_590 {
            let given = ask(&cache).await.unwrap();
            assert!(given == "t1" || second > 2_700, "{given} after {second} s");
            runtime.sleep(SECOND).await;
        }
    });
    assert_eq!(authority.asked(), 30, "the authority came back in time");
    assert_eq!(at_once(&cache), "t30");
}

#[test]
fn a_fetch_that_hangs_ends_after_ten_seconds() {
    let runtime = ManualRuntime::new();
    let authority = Authority::new(|_| std::future::pending());
    let cache = authority.cache(&runtime);
    let error = runtime.block_on(ask(&cache)).unwrap_err();
    assert_eq!(runtime.elapsed(), SECOND * 10);
    let message = error.to_string();
    assert!(message.starts_with("there was no token within fetch_timeout (10.0s)"), "{message}");
    assert_eq!(error.kind(), AuthErrorKind::Unavailable);
}

#[test]
fn headers_that_cannot_be_made_are_a_failure() {
    let runtime = ManualRuntime::new();
    let cache = TokenCache::builder(|| async { Ok(AuthNToken::new("line\nbreak")) })
        .runtime(runtime.clone())
        .build()
        .unwrap();
    let error = runtime.block_on(ask(&cache)).unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::Malformed);
    assert!(error.retry_in().is_some());
}

#[test]
fn no_time_at_all_for_a_fetch_is_refused() {
    let error =
        TokenCache::builder(Authority::hourly()).fetch_timeout(Duration::ZERO).build().unwrap_err();
    assert_eq!(error.to_string(), "fetch_timeout is zero: give a positive duration");
}
