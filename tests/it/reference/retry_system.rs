//! Strategies and backoffs, what they retry, when, and who is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use midil_http::{
    Attempt, Backoff, ConditionalRetryStrategy, DefaultRetryStrategy, Error, ExponentialBackoff,
    ExponentialBackoffWithJitter, FixedDelayBackoff, Outcome, OwnedRetryEvent, Retry, RetryEvent,
    TransportErrorKind, async_retry_hook,
};
use midil_http_test::fault_server::{FaultServer, Reply};
use midil_http_test::{ManualRuntime, MockTransport, Reply as MockReply};

use super::{SECOND, on_time, without_waiting};
use crate::support::over;
use crate::support::whole::{exhausted, on_the_wire};

/// The waits before the retries 1, 2, and so on, with that random number.
fn delays<const N: usize>(backoff: &impl Backoff, random: f64) -> [Duration; N] {
    let mut number = 0;
    [(); N].map(|()| {
        number += 1;
        backoff.delay(&Retry::new(number).with_random(random))
    })
}

#[test]
fn default_retry_behavior() {
    on_the_wire(async {
        // A connection that breaks, a 5xx, a 429: each twice, and then it is well.
        let faults = [Reply::reset_before_head(), Reply::status(500), Reply::status(429)];
        for fault in faults {
            let server = FaultServer::sequence([fault.clone(), fault, Reply::ok("reliable")]);
            let time = ManualRuntime::new();
            let http = midil_http::client(server.url())
                .unwrap()
                .runtime(time.clone())
                .no_timeout()
                .build()
                .unwrap();
            let call = http.get("/unreliable-endpoint").send();
            let response = without_waiting(&time, call).await.unwrap();
            assert_eq!((response.status().as_u16(), response.attempts()), (200, 3));
            // Up to 200 ms, then up to 400 ms.
            assert!(time.elapsed() <= Duration::from_millis(600), "{:?}", time.elapsed());
        }

        let nobody = FaultServer::refusing();
        let time = ManualRuntime::new();
        let http = midil_http::client(nobody.url())
            .unwrap()
            .runtime(time.clone())
            .no_timeout()
            .build()
            .unwrap();
        let outcome = without_waiting(&time, http.post("/").send()).await;
        assert_eq!(exhausted(outcome).attempts(), 3);
    });

    // A timeout, too, in virtual time.
    let time = ManualRuntime::new();
    let mock = MockTransport::sequence([MockReply::pending(), MockReply::ok()]);
    let http = over(mock)
        .retry(DefaultRetryStrategy::default())
        .timeout(30 * SECOND)
        .runtime(time.clone())
        .build()
        .unwrap();
    let response = time.block_on(http.get("/").send()).unwrap();
    assert_eq!((response.status().as_u16(), response.attempts()), (200, 2));
    assert!(time.elapsed() >= 30 * SECOND);
}

#[test]
fn custom_retry_configuration() {
    on_the_wire(async {
        let waits = Arc::<Mutex<Vec<Duration>>>::default();
        let noted = Arc::clone(&waits);
        let strategy = DefaultRetryStrategy::builder()
            .max_attempts(5)
            .base_delay(10 * SECOND)
            .multiplier(2.0)
            .max_delay(60 * SECOND)
            .jitter(true)
            .retry_on_status([429, 502, 503, 504])
            .retry_on_error(|error: &Error| error.is_connect() || error.is_timeout())
            .on_retry(move |event: &mut RetryEvent<'_>| noted.lock().unwrap().push(event.delay))
            .build()
            .unwrap();
        let time = ManualRuntime::new();
        let outcome = async |server: &FaultServer| {
            let http = on_time(server, &time).retry(strategy.clone()).build().unwrap();
            without_waiting(&time, http.get("/").send()).await
        };

        let server = FaultServer::sequence([502, 503, 504, 429, 200].map(Reply::status));
        let response = outcome(&server).await.unwrap();
        assert_eq!((response.status().as_u16(), response.attempts()), (200, 5));
        let waits = std::mem::take(&mut *waits.lock().unwrap());
        let limits = [10, 20, 40, 60].map(|seconds| seconds * SECOND);
        assert!(waits.iter().zip(limits).all(|(wait, limit)| *wait <= limit), "{waits:?}");
        assert_eq!(waits.len(), 4);

        // What is not on the list comes back as it came.
        let server = FaultServer::always(Reply::status(500));
        let response = outcome(&server).await.unwrap();
        assert_eq!((response.status().as_u16(), response.attempts()), (500, 1));
        let server = FaultServer::always(Reply::reset_before_head());
        match outcome(&server).await {
            Err(Error::Transport(error)) => assert_ne!(error.kind(), TransportErrorKind::Connect),
            other => panic!("{other:?}"),
        }
        assert_eq!(server.request_count(), 1);
    });
}

#[test]
fn exponential_backoff() {
    let backoff = ExponentialBackoff::try_new(SECOND, 2.0, 60 * SECOND).unwrap();
    let expected = [1, 2, 4, 8, 16, 32, 60, 60].map(|seconds| seconds * SECOND);
    assert_eq!(delays(&backoff, 0.9), expected);
}

#[test]
fn exponential_backoff_with_jitter() {
    let backoff = ExponentialBackoffWithJitter::try_new(SECOND, 2.0, 60 * SECOND, 0.1).unwrap();
    let in_tenths = |tenths: [u32; 7]| tenths.map(|tenths| tenths * SECOND / 10);
    let close = |is: [Duration; 7], should: [Duration; 7]| {
        let far =
            |(is, should): (Duration, Duration)| is.abs_diff(should) > Duration::from_micros(1);
        assert!(!is.into_iter().zip(should).any(far), "{is:?} is not {should:?}");
    };
    close(delays(&backoff, 0.0), in_tenths([9, 18, 36, 72, 144, 288, 540]));
    close(delays(&backoff, 0.5), in_tenths([10, 20, 40, 80, 160, 320, 600]));
    // Never above the cap.
    close(delays(&backoff, 1.0), in_tenths([11, 22, 44, 88, 176, 352, 600]));
}

#[test]
fn fixed_delay_backoff() {
    let backoff = FixedDelayBackoff::new(5 * SECOND);
    assert_eq!(delays(&backoff, 0.9), [5 * SECOND; 4]);
}

#[test]
fn conditional_retry() {
    on_the_wire(async {
        let should_retry = |attempt: &Attempt<'_>| match attempt.outcome {
            Outcome::Error(error) => error.is_connect() || error.is_timeout(),
            Outcome::Response(head) => head.status.is_server_error(),
        };
        let strategy = ConditionalRetryStrategy::builder(should_retry)
            .max_attempts(3)
            .backoff(ExponentialBackoff::try_new(SECOND, 2.0, 60 * SECOND).unwrap())
            .build()
            .unwrap();
        let time = ManualRuntime::new();
        let outcome = async |server: &FaultServer| {
            let http = on_time(server, &time).retry(strategy.clone()).build().unwrap();
            without_waiting(&time, http.get("/").send()).await
        };

        let server = FaultServer::always(Reply::status(501));
        let gave_up = exhausted(outcome(&server).await);
        assert_eq!((gave_up.attempts(), gave_up.status().unwrap().as_u16()), (3, 501));
        assert_eq!(time.elapsed(), 3 * SECOND); // 1 s and 2 s, and none after the last
        let server = FaultServer::always(Reply::status(404));
        assert_eq!(outcome(&server).await.unwrap().attempts(), 1);
    });
}

#[test]
fn retry_events_and_callbacks() {
    type Told = (u32, Option<u16>, Option<String>, Duration);
    on_the_wire(async {
        let told = Arc::<Mutex<Vec<Told>>>::default();
        let noted = Arc::clone(&told);
        let on_retry = async_retry_hook(move |event: OwnedRetryEvent| {
            let noted = Arc::clone(&noted);
            async move {
                let status = event.status.map(|status| status.as_u16());
                noted.lock().unwrap().push((event.attempt, status, event.error, event.delay));
                event.request
            }
        });
        let strategy = DefaultRetryStrategy::builder()
            .max_attempts(5)
            .backoff(FixedDelayBackoff::new(SECOND))
            .on_retry(on_retry)
            .build()
            .unwrap();
        let server = FaultServer::sequence([
            Reply::status(503),
            Reply::close_before_head(),
            Reply::ok("at last"),
        ]);
        let time = ManualRuntime::new();
        let http = on_time(&server, &time).retry(strategy).build().unwrap();
        without_waiting(&time, http.get("/").send()).await.unwrap();

        let told = told.lock().unwrap();
        assert_eq!(told[0], (1, Some(503), None, SECOND));
        assert_eq!((told[1].0, told[1].1, told[1].3), (2, None, SECOND));
        assert!(told[1].2.is_some());
        assert_eq!(told.len(), 2);
    });
}
