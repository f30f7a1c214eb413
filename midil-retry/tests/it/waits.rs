//! When attempts are made, and when not.

use std::sync::{Arc, Mutex};

use midil_http_core::GiveUpReason;
use midil_retry::RetryTransport;
use tokio::time::Instant;

use super::*;

/// A transport that always answers like this, and the seconds at which it was asked.
fn answering(
    status: u16,
    headers: &'static [(&'static str, &'static str)],
) -> (impl Transport, Arc<Mutex<Vec<f64>>>) {
    let (start, times) = (Instant::now(), Arc::new(Mutex::new(Vec::new())));
    let log = Arc::clone(&times);
    let transport = move |_: Request| {
        log.lock().expect("no panic").push((Instant::now() - start).as_secs_f64());
        std::future::ready(response(status, headers))
    };
    (transport, times)
}

/// Why it was given up.
fn reason(outcome: Result<http::Response<Body>, Error>) -> GiveUpReason {
    match outcome {
        Err(Error::RetryExhausted(exhausted)) => exhausted.reason().clone(),
        other => panic!("{other:?}"),
    }
}

/// A request that must be over so long from now.
fn due_in(time: Duration) -> Request {
    let mut request = get();
    request.head_mut().deadline = Some((Instant::now() + time).into_std());
    request
}

#[tokio::test(start_paused = true)]
async fn it_waits_before_each_retry_and_not_after_the_last() {
    let (transport, times) = answering(503, &[]);
    let start = Instant::now();
    let outcome = RetryTransport::new(transport, three_attempts()).send(get()).await;
    assert_eq!(reason(outcome), GiveUpReason::Attempts);
    let times = times.lock().unwrap();
    let expected = [0.0, 1.0, 2.0];
    assert!(times.iter().zip(expected).all(|(time, expected)| (time - expected).abs() < 0.01));
    assert_eq!(times.len(), 3);
    assert!((Instant::now() - start).as_secs_f64() < 2.01, "a wait after the last attempt");
}

#[tokio::test(start_paused = true)]
async fn the_server_is_not_asked_again_earlier_than_it_said() {
    let (transport, times) = answering(429, &[("retry-after", "20")]);
    let strategy = DefaultRetryStrategy::default();
    let outcome = RetryTransport::new(transport, strategy).with_seed(1).send(get()).await;
    assert_eq!(reason(outcome), GiveUpReason::Attempts);
    let times = times.lock().unwrap();
    for pair in times.windows(2) {
        let wait = pair[1] - pair[0];
        assert!((20.0..=22.01).contains(&wait), "{wait}");
    }
    assert_eq!(times.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_long_wait_is_given_up_at_once() {
    let (transport, times) = answering(503, &[("retry-after", "3600")]);
    let start = Instant::now();
    let strategy = DefaultRetryStrategy::default();
    let outcome = RetryTransport::new(transport, strategy).send(get()).await;
    let (asked, limit) = (3_600 * SECOND, 60 * SECOND);
    assert_eq!(reason(outcome), GiveUpReason::RetryAfter { asked, limit });
    assert_eq!((times.lock().unwrap().len(), Instant::now() - start), (1, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn no_wait_goes_past_the_deadline() {
    let (transport, times) = answering(503, &[]);
    let start = Instant::now();
    let transport = RetryTransport::new(transport, three_attempts());
    let outcome = transport.send(due_in(SECOND * 3 / 2)).await;
    assert!(matches!(reason(outcome), GiveUpReason::Deadline { .. }));
    assert_eq!(times.lock().unwrap().len(), 2);
    assert!(Instant::now() - start < SECOND * 3 / 2, "it waited in vain");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_the_server_does_not_go_past_the_deadline_either() {
    let (transport, times) = answering(503, &[("retry-after", "5")]);
    let start = Instant::now();
    let transport = RetryTransport::new(transport, three_attempts());
    let outcome = transport.send(due_in(4 * SECOND)).await;
    assert!(matches!(reason(outcome), GiveUpReason::Deadline { .. }));
    assert_eq!((times.lock().unwrap().len(), Instant::now() - start), (1, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_client_holds_for_its_waits() {
    let (transport, times) = answering(503, &[("retry-after", "5")]);
    let client = midil_http_core::HttpClient::builder(transport)
        .base_url("https://api.example.com")
        .retry(DefaultRetryStrategy::default())
        .total_timeout(4 * SECOND)
        .build()
        .unwrap();
    let start = Instant::now();
    let outcome = client.get("/").send().await.map(midil_http_core::Response::into_http);
    assert!(matches!(reason(outcome), GiveUpReason::Deadline { .. }));
    assert_eq!((times.lock().unwrap().len(), Instant::now() - start), (1, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_waits_the_same() {
    let mut all = Vec::new();
    for seed in [7, 7, 8] {
        let (transport, times) = answering(503, &[]);
        let strategy = DefaultRetryStrategy::builder().base_delay(60 * SECOND).build().unwrap();
        let transport = RetryTransport::new(transport, strategy).with_seed(seed);
        assert_eq!(reason(transport.send(get()).await), GiveUpReason::Attempts);
        all.push(times.lock().unwrap().clone());
    }
    assert_eq!(all[0], all[1]);
    assert_ne!(all[0], all[2]);
}

#[tokio::test(start_paused = true)]
async fn an_empty_budget_spares_the_server() {
    let (transport, times) = answering(503, &[]);
    let strategy = DefaultRetryStrategy::default();
    let transport = RetryTransport::new(transport, strategy);
    let mut last = None;
    for _ in 0..6 {
        last = Some(reason(transport.send(get()).await));
    }
    assert_eq!(last, Some(GiveUpReason::Budget));
    let attempts = times.lock().unwrap().len();
    assert_eq!(attempts, 16, "6 calls, 10 tokens");
}

#[tokio::test(start_paused = true)]
async fn a_backoff_is_told_the_wait_before() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let growing = move |retry: &midil_http_core::Retry| {
        log.lock().expect("no panic").push((retry.number, retry.previous));
        SECOND * retry.number
    };
    let strategy = DefaultRetryStrategy::builder().max_attempts(4).backoff(growing);
    let (transport, _) = answering(503, &[]);
    let outcome = RetryTransport::new(transport, strategy.build().unwrap()).send(get()).await;
    assert_eq!(reason(outcome), GiveUpReason::Attempts);
    let expected = [(1, None), (2, Some(SECOND)), (3, Some(2 * SECOND))];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_last_response_is_waited_for_no_longer_than_the_call_may_take() {
    let stalls = |_: Request| {
        let body = futures_util::stream::pending::<Result<&str, std::io::Error>>();
        std::future::ready(Ok(http::Response::builder()
            .status(503)
            .body(Body::stream(body))
            .unwrap()))
    };
    let strategy = DefaultRetryStrategy::builder().max_attempts(1).build().unwrap();
    let (start, time) = (Instant::now(), SECOND / 5);
    let outcome = RetryTransport::new(stalls, strategy).send(due_in(time)).await;
    assert_eq!(reason(outcome), GiveUpReason::Attempts);
    let took = Instant::now() - start;
    assert!((time..2 * time).contains(&took), "{took:?}");
}

/// Whoever keeps a task busy past the deadline has not been quick: the outcome is late, though it is there.
#[test]
fn an_outcome_that_is_there_when_its_time_is_over_is_late() {
    let runtime = midil_http_test::ManualRuntime::new();
    let clock = runtime.clone();
    let busy = move |_: Request| {
        clock.advance(2 * SECOND);
        std::future::ready(response(200, &[]))
    };
    let client = midil_http_core::HttpClient::builder(busy)
        .base_url("https://api.example.com")
        .runtime(runtime.clone())
        .total_timeout(SECOND)
        .build()
        .unwrap();
    let error = runtime.block_on(client.get("/").send()).unwrap_err();
    assert!(error.is_timeout(), "{error}");
}
