//! An outage: how often an endpoint that is down is asked, and what happens when it is back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use midil_auth::ClientCredentials;
use midil_http_core::{
    AuthNProvider, Body, Error, HttpClient, Request, Sent, TransportError, TransportErrorKind,
};
use midil_http_test::{ManualRuntime, Reply};

use super::{Endpoint, FINE, SECOND, keeps_quiet};

const HOUR: Duration = Duration::from_secs(3600);

fn down() -> Reply {
    Reply::error(|| TransportError::new(TransportErrorKind::Connect, Sent::No, "refused").into())
}

/// Has somebody ask every 100 ms until `end`; the answer is when each fetch began.
fn ask_until(end: Duration, endpoint: &Endpoint, credentials: &ClientCredentials) -> Vec<Duration> {
    let runtime = &endpoint.runtime;
    let mut fetches = Vec::new();
    while runtime.elapsed() < end {
        let (before, began) = (credentials.status().fetches, runtime.elapsed());
        let error = runtime.block_on(credentials.get_token()).unwrap_err();
        keeps_quiet(&error);
        if credentials.status().fetches > before {
            fetches.push(began);
        }
        super::pass(runtime, Duration::from_millis(100));
    }
    fetches
}

#[test]
fn an_hour_of_outage_costs_few_requests() {
    for seed in 0..2 {
        let runtime = ManualRuntime::new();
        let endpoint = Endpoint::new(&runtime, [down()]);
        let credentials = endpoint.client().seed(seed).build().unwrap();
        let fetches = ask_until(HOUR, &endpoint, &credentials);
        let gaps: Vec<_> = fetches.windows(2).map(|pair| pair[1] - pair[0]).collect();
        // A fetch takes up to 0.6 s itself, and the next caller comes up to 0.1 s after the pause.
        let more = Duration::from_millis(700);
        let pauses = [(0.5, 1.0), (1.0, 2.0), (2.0, 4.0), (4.0, 8.0), (8.0, 16.0)];
        let pauses = pauses.into_iter().chain(std::iter::repeat((15.0, 30.0)));
        for (number, (gap, (least, most))) in gaps.iter().zip(pauses).enumerate() {
            let range = Duration::from_secs_f64(least)..=Duration::from_secs_f64(most) + more;
            assert!(range.contains(gap), "gap {number}: {gap:?} is not in {range:?}");
        }
        let (count, requests) = (fetches.len(), endpoint.requests());
        assert!((120..=245).contains(&count), "{count} fetches");
        assert_eq!(requests, 3 * count);
        let shown: Vec<_> = gaps.iter().take(8).map(|gap| format!("{gap:.1?}")).collect();
        eprintln!("{count} fetches, {requests} requests; gaps {}", shown.join(", "));
    }
}

#[test]
fn an_hour_of_silence_costs_one_request_a_fetch() {
    let runtime = ManualRuntime::new();
    let endpoint = Endpoint::new(&runtime, [Reply::pending()]);
    let credentials = endpoint.client().seed(7).build().unwrap();
    let fetches = ask_until(HOUR, &endpoint, &credentials);
    assert_eq!(endpoint.requests(), fetches.len());
    assert!((90..=160).contains(&fetches.len()), "{}", fetches.len());
}

#[test]
fn an_hour_of_429_is_asked_no_earlier_than_it_says() {
    let runtime = ManualRuntime::new();
    let busy = Reply::status(429).header("retry-after", "60");
    let endpoint = Endpoint::new(&runtime, [busy]);
    let credentials = endpoint.client().seed(7).build().unwrap();
    let fetches = ask_until(HOUR, &endpoint, &credentials);
    assert!((55..=60).contains(&fetches.len()), "{}", fetches.len());
    assert_eq!(endpoint.requests(), fetches.len());
    let asked = endpoint.asked();
    assert!(asked.windows(2).all(|pair| pair[1] - pair[0] >= 60 * SECOND), "{asked:?}");
}

#[test]
fn the_first_success_ends_the_outage_and_forgets_it() {
    let runtime = ManualRuntime::new();
    let short = r#"{"access_token":"t0ken","expires_in":0}"#;
    let replies = (0..15).map(|_| down()); // five fetches
    let fine = [Reply::ok().body(short), down()];
    let endpoint = Endpoint::new(&runtime, replies.chain(fine));
    let credentials = endpoint.client().seed(7).build().unwrap();
    let pause = || runtime.block_on(credentials.get_token()).unwrap_err().retry_in().unwrap();
    let mut last = Duration::ZERO;
    for number in 1..=5 {
        last = pause();
        assert_eq!(credentials.status().consecutive_failures, number);
        super::pass(&runtime, last);
    }
    assert!((8 * SECOND..=16 * SECOND).contains(&last), "{last:?}");
    runtime.block_on(credentials.get_token()).unwrap();
    let status = credentials.status();
    assert_eq!((status.consecutive_failures, status.retry_in), (0, None));
    assert!(status.last_error.is_none());
    let first = pause();
    assert!((SECOND / 2..=SECOND).contains(&first), "{first:?}");
    assert_eq!(credentials.status().consecutive_failures, 1);
}

#[test]
fn a_valid_token_outlives_an_outage() {
    let runtime = ManualRuntime::new();
    let endpoint = Endpoint::new(&runtime, [Reply::ok().body(FINE), down()]);
    let credentials = endpoint.client().seed(7).build().unwrap();
    while runtime.elapsed() < HOUR - SECOND {
        let began = runtime.elapsed();
        let token = runtime.block_on(credentials.get_token()).unwrap();
        assert_eq!(token.access_token().expose(), "t0ken");
        assert_eq!(runtime.elapsed(), began, "nobody waits for a refresh");
        super::pass(&runtime, SECOND);
    }
    let status = credentials.status();
    assert!(status.valid && status.consecutive_failures > 20, "{status:?}");
    super::pass(&runtime, SECOND);
    // Expired, and no other: from now on, it is an error.
    keeps_quiet(&runtime.block_on(credentials.get_token()).unwrap_err());
}

/// The token is not for `/admin`, and is good everywhere else.
#[test]
fn a_401_during_an_outage_is_that_of_its_call_alone() {
    let runtime = ManualRuntime::new();
    let slow = || down().delayed(SECOND, runtime.clone());
    let endpoint = Endpoint::new(&runtime, [Reply::ok().body(FINE), slow()]);
    let credentials = endpoint.client().seed(7).build().unwrap();
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let api = move |request: Request| {
        count.fetch_add(1, Ordering::Relaxed);
        answer(request)
    };
    async fn answer(request: Request) -> Result<http::Response<Body>, Error> {
        let status = if request.url().path() == "/admin" { 401 } else { 200 };
        let body = futures_util::stream::iter([Ok::<_, Error>("who are"), Ok(" you?")]);
        Ok(http::Response::builder().status(status).body(Body::stream(body)).unwrap())
    }
    let client = HttpClient::builder(api)
        .base_url("https://api.test")
        .auth(credentials.clone())
        .runtime(runtime.clone())
        .build()
        .unwrap();
    runtime.block_on(async {
        for _ in 0..3 {
            let fine = client.get("/").send().await.expect("the token is good here");
            assert_eq!(fine.status(), 200);
            // The fetch for it takes a second: its body was read meanwhile, and is there all the same.
            let rejected = client.get("/admin").send().await.expect("no other token can be had");
            assert_eq!(rejected.status(), 401);
            assert_eq!(rejected.text().await.unwrap(), "who are you?");
        }
    });
    assert_eq!(credentials.status().consecutive_failures, 1, "one fetch, then the pause");
    assert_eq!(sent.load(Ordering::Relaxed), 6, "nothing is sent again with what was rejected");
}

/// The token is rejected, and expires before the endpoint has said that there is no other.
#[test]
fn a_401_stands_when_no_token_at_all_can_be_had() {
    let runtime = ManualRuntime::new();
    let short = r#"{"access_token":"t0ken","expires_in":2}"#;
    let slow = down().delayed(SECOND * 3, runtime.clone());
    let endpoint = Endpoint::new(&runtime, [Reply::ok().body(short), slow]);
    let credentials = endpoint.client().seed(7).build().unwrap();
    let api = |_: Request| async {
        Ok(http::Response::builder().status(401).body(Body::from("who are you?")).unwrap())
    };
    let client = HttpClient::builder(api)
        .base_url("https://api.test")
        .auth(credentials)
        .runtime(runtime.clone())
        .build()
        .unwrap();
    runtime.block_on(async {
        let rejected = client.get("/").send().await.expect("it has an answer");
        assert_eq!(rejected.text().await.unwrap(), "who are you?");
        assert_eq!(client.get("/").send().await.unwrap_err().kind(), "Auth");
    });
}
