//! What the caller sets for one call holds for a `RetryTransport`, too.

use http::Method;
use midil_http_core::{
    BreakerConfig, BreakerKind, CallSettings, HttpClient, HttpConfig, Next, RetryChoice,
    RetryStrategy,
};
use midil_retry::{ConditionalRetryStrategy, RetryTransport};

use super::*;

/// The number of attempts that a request gets of a server that is always busy.
async fn attempts(request: Request) -> u32 {
    let transport = RetryTransport::new(scripted(&[503]), three_attempts());
    match transport.send(request).await {
        Err(Error::RetryExhausted(exhausted)) => exhausted.attempts(),
        Err(other) => panic!("{other:?}"),
        Ok(response) => {
            assert_eq!(response.status(), 503);
            0 // the response as it came
        }
    }
}

fn with(method: Method, set: impl FnOnce(&mut CallSettings)) -> Request {
    let mut settings = CallSettings::default();
    set(&mut settings);
    let mut request = get();
    request.head_mut().method = method;
    request.extensions_mut().insert(settings);
    request
}

fn strategy(attempts: u32) -> RetryChoice {
    let strategy = every_second().max_attempts(attempts).build().expect("a good strategy");
    RetryChoice::Strategy(std::sync::Arc::new(strategy))
}

#[tokio::test(start_paused = true)]
async fn a_call_can_go_without_retries_or_choose_its_own() {
    assert_eq!(attempts(get()).await, 3);
    let never = |settings: &mut CallSettings| settings.retry = Some(RetryChoice::Never);
    assert_eq!(attempts(with(Method::GET, never)).await, 0);
    let own = |settings: &mut CallSettings| settings.retry = Some(strategy(5));
    assert_eq!(attempts(with(Method::GET, own)).await, 5);
}

#[tokio::test(start_paused = true)]
async fn a_call_can_say_what_is_idempotent() {
    assert_eq!(attempts(with(Method::POST, |_| ())).await, 0);
    let idempotent = |settings: &mut CallSettings| settings.idempotent = Some(true);
    assert_eq!(attempts(with(Method::POST, idempotent)).await, 3);
    let not = |settings: &mut CallSettings| settings.idempotent = Some(false);
    assert_eq!(attempts(with(Method::GET, not)).await, 0);
}

#[tokio::test(start_paused = true)]
async fn what_it_gave_up_on_a_client_above_does_not_try_again() {
    let sent = std::sync::Arc::new(AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&sent);
    let busy = move |_: Request| {
        count.fetch_add(1, Ordering::Relaxed);
        std::future::ready(response(503, &[]))
    };
    let client = HttpClient::builder(RetryTransport::new(busy, three_attempts()))
        .retry(three_attempts())
        .build()
        .unwrap();
    let error = client.get("https://api.example.com/").send().await.unwrap_err();
    assert_eq!((error.kind(), sent.load(Ordering::Relaxed)), ("RetryExhausted", 3));
}

#[tokio::test(start_paused = true)]
async fn it_runs_on_the_runtime_that_it_is_given() {
    /// A clock on which every sleep is over at once.
    struct Hasty;

    impl midil_http_core::Runtime for Hasty {
        fn now(&self) -> std::time::Instant {
            std::time::Instant::now()
        }

        fn system_time(&self) -> std::time::SystemTime {
            std::time::SystemTime::UNIX_EPOCH
        }

        fn sleep(&self, _: Duration) -> midil_http_core::BoxFuture<'static, ()> {
            Box::pin(std::future::ready(()))
        }

        fn spawn(&self, _: midil_http_core::BoxFuture<'static, ()>) {}
    }

    let strategy = three_attempts();
    let transport = RetryTransport::new(scripted(&[503, 503, 200]), strategy).with_runtime(Hasty);
    let before = tokio::time::Instant::now();
    assert_eq!(transport.send(get()).await.unwrap().status(), 200);
    assert_eq!(before.elapsed(), Duration::ZERO, "it slept on tokio");
}

#[test]
fn what_is_public_crosses_threads_and_clones() {
    fn check<T: Send + Sync + Clone + std::fmt::Debug + 'static>() {}
    check::<DefaultRetryStrategy>();
    check::<ConditionalRetryStrategy>();
    check::<midil_retry::RetryBudget>();
    check::<RetryTransport<std::sync::Arc<dyn Transport>>>();
    check::<midil_retry::AttemptResult>();
    check::<midil_retry::ExponentialBackoff>();
    check::<midil_retry::ExponentialBackoffWithJitter>();
    check::<FixedDelayBackoff>();
    check::<midil_retry::FullJitterBackoff>();
    check::<midil_retry::DecorrelatedJitterBackoff>();

    fn is_dyn(_: &dyn RetryStrategy, _: &dyn midil_retry::Budget) {}
    is_dyn(&DefaultRetryStrategy::default(), &midil_retry::RetryBudget::default());
}

/// Else a client over a `RetryTransport` would make three times three attempts.
#[tokio::test(start_paused = true)]
async fn the_strategy_of_one_call_is_obeyed_once_not_by_each_loop_on_the_way() {
    let sent = std::sync::Arc::new(AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&sent);
    let transport = move |_: Request| {
        count.fetch_add(1, Ordering::Relaxed);
        std::future::ready(response(503, &[]))
    };
    let thrice = |attempt: &midil_http_core::Attempt<'_>| match attempt.number {
        1 | 2 => midil_http_core::RetryDecision::Retry { after: SECOND },
        _ => midil_http_core::RetryDecision::Accept,
    };
    let transport = RetryTransport::new(transport, three_attempts());
    let client =
        HttpClient::builder(transport).base_url("https://api.example.com").build().unwrap();
    let response = client.get("/users").retry(thrice).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.attempts()), (503, 3));
    assert_eq!(sent.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_configuration_without_a_breaker_takes_that_of_the_standard_away() {
    async fn refuse(_: Request, _: Next<'_>) -> Result<http::Response<Body>, Error> {
        Err(Error::custom("the breaker was asked"))
    }
    for (kind, passes) in [(None, false), (Some(BreakerKind::None), true)] {
        let mut breaker = BreakerConfig::new();
        breaker.kind = kind;
        let config = HttpConfig::builder().breaker(breaker).build().unwrap();
        let client = HttpClient::builder(scripted(&[200]))
            .base_url("https://api.example.com")
            .with(midil_retry::standard().breaker(refuse).config(&config).unwrap())
            .build()
            .unwrap();
        assert_eq!(client.get("/").send().await.is_ok(), passes, "{kind:?}");
    }
}
