//! The server rejects what the authority gave.

use std::sync::OnceLock;

use super::*;

#[test]
fn a_rejected_token_is_replaced() {
    let runtime = ManualRuntime::new();
    let authority = Authority::hourly();
    let cache = authority.cache(&runtime);
    let first = runtime.block_on(headers(&cache));
    cache.invalidate(&first);
    let second = runtime.block_on(headers(&cache));
    assert_eq!((first.generation(), second.generation()), (1, 2));
    assert!(!second.same_credentials(&first));
    assert_eq!(authority.rejected.load(Ordering::Relaxed), 1, "the source is told");
}

#[test]
fn a_late_401_leaves_a_newer_token_alone() {
    let runtime = ManualRuntime::new();
    let authority = Authority::hourly();
    let cache = authority.cache(&runtime);
    let first = runtime.block_on(headers(&cache));
    cache.invalidate(&first);
    runtime.block_on(cache.warm_up()).unwrap();
    for _ in 0..100 {
        cache.invalidate(&first);
        assert_eq!(at_once(&cache), "t2");
    }
    assert_eq!((authority.asked(), authority.rejected.load(Ordering::Relaxed)), (2, 1));
}

#[test]
fn a_hundred_calls_that_are_rejected_alike_make_one_fetch() {
    let runtime = ManualRuntime::new();
    let authority = Authority::slow(&runtime);
    let cache = authority.cache(&runtime);
    let old = runtime.block_on(headers(&cache));
    let healed = (0..100).map(|_| async {
        cache.invalidate(&old);
        ask(&cache).await.unwrap()
    });
    let given = runtime.block_on(futures_util::future::join_all(healed));
    assert!(given.iter().all(|token| token == "t2"));
    assert_eq!(authority.asked(), 2);
}

#[test]
fn a_server_that_rejects_whatever_it_is_given_does_not_drain_the_authority() {
    let runtime = ManualRuntime::new();
    let authority = Authority::hourly();
    let cache = authority.cache(&runtime);
    // Ten calls a second, each of which is rejected twice: for its token, and for the one that it is replayed with.
    runtime.block_on(async {
        for _ in 0..6_000 {
            for _ in 0..2 {
                let rejected = headers(&cache).await;
                cache.invalidate(&rejected);
            }
            runtime.sleep(SECOND / 10).await;
        }
    });
    assert!((50..90).contains(&authority.asked()), "{}", authority.asked());
    // A minute without rejections, and each leads to a fetch again.
    runtime.advance(SECOND * 60);
    let asked = authority.asked();
    for _ in 0..20 {
        let rejected = runtime.block_on(headers(&cache));
        cache.invalidate(&rejected);
    }
    assert!(authority.asked() >= asked + 19);
}

#[test]
fn a_doubtful_token_is_better_than_none() {
    let runtime = ManualRuntime::new();
    let authority = Authority::new(|number| async move {
        match number {
            2 => Err(down()),
            _ => token(number, HOUR),
        }
    });
    let cache = authority.cache(&runtime);
    let first = runtime.block_on(headers(&cache));
    runtime.advance(HOUR * 9 / 10);
    assert_eq!(at_once(&cache), "t1");
    settle(&runtime); // the renewal fails
    cache.invalidate(&first);
    assert_eq!(at_once(&cache), "t1", "there is no other to be had now");
    runtime.advance(SECOND);
    cache.invalidate(&first);
    assert_eq!(runtime.block_on(ask(&cache)).unwrap(), "t3");
}

/// A source that keeps its token until it is told that it was rejected, as a store does. A caller comes before it is told.
struct Keeps {
    rejected: AtomicUsize,
    told: AtomicUsize,
    between: Box<dyn Fn() + Send + Sync>,
}

#[async_trait]
impl AuthNProvider for Keeps {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        token(self.rejected.load(Ordering::SeqCst) + 1, HOUR)
    }

    fn invalidate(&self, rejected: &AuthNHeaders) {
        if self.told.fetch_add(1, Ordering::SeqCst) == 0 {
            (self.between)();
        }
        let number = self.rejected.load(Ordering::SeqCst) + 1;
        let current = AuthNHeaders::from_token(&token(number, HOUR).unwrap()).unwrap();
        if current.same_credentials(rejected) {
            self.rejected.store(number, Ordering::SeqCst);
        }
    }
}

#[test]
fn a_caller_who_comes_before_the_source_is_told_does_not_get_the_rejected_token() {
    let runtime = ManualRuntime::new();
    let slot: Arc<OnceLock<TokenCache>> = Arc::default();
    let got: Arc<OnceLock<String>> = Arc::default();
    let between = {
        let (runtime, slot, got) = (runtime.clone(), Arc::clone(&slot), Arc::clone(&got));
        move || {
            let cache = slot.get().unwrap();
            got.set(runtime.block_on(ask(cache)).unwrap()).unwrap();
        }
    };
    let source = Keeps {
        rejected: AtomicUsize::new(0),
        told: AtomicUsize::new(0),
        between: Box::new(between),
    };
    let cache = TokenCache::builder(source).runtime(runtime.clone()).build().unwrap();
    slot.set(cache.clone()).ok().unwrap();
    let old = runtime.block_on(headers(&cache));
    cache.invalidate(&old);
    assert_eq!(got.get().map(String::as_str), Some("t2"));
    // That one has been rejected by nobody.
    assert_eq!(at_once(&cache), "t2");
    assert_eq!(cache.status().fetches, 2);
    // Once all is told, there is nothing to be told again.
    let newer = runtime.block_on(headers(&cache));
    cache.invalidate(&newer);
    assert_eq!(runtime.block_on(ask(&cache)).unwrap(), "t3");
}

/// One endpoint rejects a token that all others accept, while the authority is down.
#[test]
fn a_rejected_token_is_kept_when_no_other_can_be_had() {
    let runtime = ManualRuntime::new();
    let authority = Authority::new(|number| async move {
        match number {
            2 | 3 => Err(down()),
            _ => token(number, HOUR),
        }
    });
    let cache = authority.cache(&runtime);
    let first = runtime.block_on(headers(&cache));
    cache.invalidate(&first);
    let second = runtime.block_on(headers(&cache));
    assert!(second.same_credentials(&first), "who waited for another gets what there is");
    let status = cache.status();
    assert!(status.valid && status.consecutive_failures == 1, "{status:?}");
    let pause = status.retry_in.unwrap();
    // As long as nobody may ask for another, it stays.
    cache.invalidate(&second);
    assert_eq!((at_once(&cache).as_str(), authority.asked()), ("t1", 2));
    // The next rejection after the pause asks again, the first that succeeds replaces it.
    for (expected, asked) in [("t1", 3), ("t4", 4)] {
        runtime.advance(pause * 4);
        cache.invalidate(&second);
        assert_eq!(runtime.block_on(ask(&cache)).unwrap(), expected);
        assert_eq!(authority.asked(), asked);
    }
}

#[test]
fn a_rejected_token_that_expires_meanwhile_is_not_handed_out_again() {
    let runtime = ManualRuntime::new();
    let clock = runtime.clone();
    let authority = Authority::new(move |number| {
        let pause = clock.sleep(if number == 1 { Duration::ZERO } else { SECOND * 5 });
        async move {
            pause.await;
            if number == 1 { token(number, SECOND * 4) } else { Err(down()) }
        }
    });
    let cache = authority.cache(&runtime);
    let first = runtime.block_on(headers(&cache));
    cache.invalidate(&first);
    assert_eq!(runtime.block_on(ask(&cache)).unwrap_err().kind(), AuthErrorKind::Unavailable);
    assert!(!cache.status().valid);
}

#[test]
fn a_rejected_token_does_not_come_back_after_another_was_there() {
    let runtime = ManualRuntime::new();
    let authority = Authority::new(|number| async move {
        match number {
            2 => token(number, SECOND * 8),
            3 => Err(down()),
            _ => token(number, HOUR),
        }
    });
    let cache = authority.cache(&runtime);
    let first = runtime.block_on(headers(&cache));
    cache.invalidate(&first);
    assert_eq!(runtime.block_on(ask(&cache)).unwrap(), "t2");
    runtime.advance(SECOND * 8);
    assert_eq!(runtime.block_on(ask(&cache)).unwrap_err().kind(), AuthErrorKind::Unavailable);
}
