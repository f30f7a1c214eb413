//! `standard()`: the order of its parts, what each does by default, and how each is replaced or left out.

use std::time::Duration;

use futures_util::future::join_all;
use midil_http::{
    Body, Bulkhead, CircuitBreaker, CircuitState, Error, HttpClient, HttpConfig, Middleware, Next,
    Phase, Request, Runtime, Standard, TimeoutKind, async_trait, standard,
};
use midil_http_test::{ManualRuntime, MockTransport, Reply};

use crate::support::{BASE, Log, over, up_to};

const SECOND: Duration = Duration::from_secs(1);

/// A client with these parts, on time that moves when everybody waits.
fn client(mock: &MockTransport, runtime: &ManualRuntime, standard: &Standard) -> HttpClient {
    over(mock.clone()).with(standard.clone()).runtime(runtime.clone()).seed(7).build().unwrap()
}

/// What a call comes to: its status, or the kind of its error.
fn outcome(client: &HttpClient, runtime: &ManualRuntime) -> String {
    match runtime.block_on(client.get("/").send()) {
        Ok(response) => response.status().as_str().to_owned(),
        Err(error) => error.kind().to_owned(),
    }
}

/// Which timeout a call runs into, when.
fn timeout(client: &HttpClient, runtime: &ManualRuntime) -> (TimeoutKind, Duration) {
    let begun = runtime.elapsed();
    match runtime.block_on(client.get("/").send()) {
        Err(Error::Timeout(error)) => (error.kind(), runtime.elapsed() - begun),
        other => panic!("{other:?}"),
    }
}

struct Noting(&'static str, Log);

#[async_trait]
impl Middleware for Noting {
    async fn handle(
        &self,
        request: Request,
        next: Next<'_>,
    ) -> Result<http::Response<Body>, Error> {
        self.1.note(self.0);
        next.run(request).await
    }
}

#[test]
fn the_parts_stand_in_their_order() {
    let (runtime, log) = (ManualRuntime::new(), Log::default());
    let noting = |name| Noting(name, log.clone());
    let parts = standard()
        .hedge(noting("hedge"))
        .breaker(noting("breaker"))
        .rate_limit(noting("rate limit"))
        .bulkhead(noting("bulkhead"))
        .retry(up_to(2));
    let client = over(MockTransport::always(Reply::pending()))
        .attempt_middleware(noting("before"))
        .with(parts)
        .attempt_middleware(noting("after"))
        .runtime(runtime.clone());
    // Retries around all, and each attempt has 10 s.
    assert_eq!(timeout(&client.build().unwrap(), &runtime), (TimeoutKind::Attempt, 20 * SECOND));
    let attempt = ["before", "bulkhead", "rate limit", "breaker", "hedge", "after"];
    assert_eq!(log.lines(), [attempt, attempt].concat());
}

#[test]
fn a_server_that_fails_is_left_alone_until_it_has_recovered() {
    let runtime = ManualRuntime::new();
    let clock = runtime.clone();
    let healed = 30 * SECOND;
    let mock = MockTransport::always(Reply::from_fn(move |_| {
        let status = if clock.elapsed() < healed { 503 } else { 200 };
        Ok(http::Response::builder().status(status).body(Body::empty()).unwrap())
    }));
    let client = client(&mock, &runtime, &standard());
    let mut refused = 0;
    let open = loop {
        match runtime.block_on(client.get("/").send()) {
            Err(Error::RetryExhausted(_)) => refused += 1,
            Err(Error::CircuitOpen { retry_in, .. }) => break retry_in,
            other => panic!("{other:?}"),
        }
        assert!(refused < 30);
    };
    // 90 % of at least 20 attempts; the budget of 10 tokens pays for 10 retries among them.
    assert_eq!(mock.request_count(), 20);
    assert!(
        refused >= 10 && (SECOND / 2..=SECOND * 501 / 1000).contains(&open),
        "{refused} {open:?}"
    );
    while runtime.elapsed() < healed {
        runtime.advance(5 * SECOND);
        outcome(&client, &runtime);
    }
    assert_eq!(outcome(&client, &runtime), "200");
    assert!(
        mock.request_count() < 30,
        "a probe each time that somebody calls: {}",
        mock.request_count()
    );
}

#[test]
fn a_blip_under_load_opens_nothing_and_is_survived() {
    let runtime = ManualRuntime::new();
    let clock = runtime.clone();
    let mock = MockTransport::always(Reply::from_fn(move |_| {
        let ill = (5000..5200).contains(&clock.elapsed().as_millis());
        let status = if ill { 503 } else { 200 };
        Ok(http::Response::builder().status(status).body(Body::empty()).unwrap())
    }));
    let client = client(&mock, &runtime, &standard());
    let calls = (0..8000).map(|number| {
        let (client, runtime) = (&client, &runtime);
        async move {
            runtime.sleep(Duration::from_millis(number)).await;
            client.get("/").send().await.map(drop)
        }
    });
    let outcomes = runtime.block_on(join_all(calls));
    let open = outcomes.iter().filter(|outcome| matches!(outcome, Err(Error::CircuitOpen { .. })));
    let well = outcomes[5000..6000].iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(open.count(), 0);
    assert!(well >= 980, "{well} of that second's 1000 calls");
}

#[test]
fn a_call_has_30_s_and_an_attempt_10_s() {
    let (runtime, mock) = (ManualRuntime::new(), MockTransport::always(Reply::pending()));
    let time = |standard: Standard| timeout(&client(&mock, &runtime, &standard), &runtime);
    let (total, attempt) = (TimeoutKind::Total, TimeoutKind::Attempt);
    assert_eq!(time(standard()), (total, 30 * SECOND));
    assert_eq!(mock.request_count(), 3);
    assert_eq!(time(standard().no_retry()), (attempt, 10 * SECOND));
    assert_eq!(time(standard().no_retry().attempt_timeout(SECOND)), (attempt, SECOND));
    assert_eq!(time(standard().total_timeout(SECOND)), (total, SECOND));
    let endless = standard().no_retry().no_total_timeout().no_attempt_timeout();
    assert_eq!(time(endless), (TimeoutKind::Progress, 30 * SECOND));
}

#[test]
fn waiting_for_a_place_is_within_the_total_timeout() {
    let (runtime, mock) = (ManualRuntime::new(), MockTransport::always(Reply::pending()));
    let parts = standard().bulkhead(Bulkhead::new(1)).attempt_timeout(20 * SECOND);
    let hasty = client(&mock, &runtime, &parts.clone().total_timeout(5 * SECOND));
    let patient = client(&mock, &runtime, &parts);
    runtime.block_on(async {
        let holder = patient.get("/").send();
        let late = async { (hasty.get("/").send().await.unwrap_err(), runtime.elapsed()) };
        let futures_util::future::Either::Right(((error, when), _)) =
            futures_util::future::select(Box::pin(holder), Box::pin(late)).await
        else {
            panic!("the first came to something first");
        };
        let Error::Timeout(error) = error else { panic!("{error:?}") };
        let expected = (TimeoutKind::Total, Phase::Queue, 5 * SECOND);
        assert_eq!((error.kind(), error.phase(), when), expected);
    });
    assert_eq!(mock.request_count(), 1);
}

#[test]
fn a_hundred_calls_are_in_flight_and_a_hundred_wait() {
    let (runtime, mock) = (ManualRuntime::new(), MockTransport::always(Reply::pending()));
    let count = |standard: Standard| {
        let client = client(&mock, &runtime, &standard.no_retry());
        let calls = (0..300).map(|_| async {
            let error = client.get("/").send().await.unwrap_err();
            (error.kind().to_owned(), runtime.elapsed())
        });
        let begun = runtime.elapsed();
        let all = runtime.block_on(join_all(calls));
        let refused = all.iter().filter(|(kind, when)| kind == "Limit" && *when == begun).count();
        (refused, mock.request_count())
    };
    // Those that wait get their places when those in flight have run into their timeouts; and so has the breaker.
    let patient = standard().bulkhead(Bulkhead::builder().max_wait(60 * SECOND).build().unwrap());
    assert_eq!(count(patient.clone()), (100, 100));
    assert_eq!(count(patient.no_breaker()), (100, 100 + 200));
    assert_eq!(count(standard().no_bulkhead()), (0, 300 + 300));
}

#[test]
fn each_part_can_be_left_out() {
    let (runtime, mock) = (ManualRuntime::new(), MockTransport::always(Reply::status(503)));
    let without_retry = client(&mock, &runtime, &standard().no_retry());
    assert_eq!((outcome(&without_retry, &runtime), mock.request_count()), ("503".into(), 1));
    let without_breaker = client(&mock, &runtime, &standard().no_retry().no_breaker());
    for _ in 0..100 {
        assert_eq!(outcome(&without_breaker, &runtime), "503");
    }
}

#[test]
fn what_is_set_after_it_wins() {
    let (runtime, mock) = (ManualRuntime::new(), MockTransport::always(Reply::pending()));
    let base = || over(mock.clone()).runtime(runtime.clone()).total_timeout(SECOND / 4);
    let clients = [
        (base().with(standard().no_retry()), (TimeoutKind::Attempt, 10 * SECOND)),
        (base().with(standard()).total_timeout(SECOND), (TimeoutKind::Total, SECOND)),
        (base().with(standard().no_total_timeout()), (TimeoutKind::Total, SECOND / 4)),
        (
            base().with(standard().no_retry()).no_total_timeout().no_attempt_timeout(),
            (TimeoutKind::Progress, 30 * SECOND),
        ),
    ];
    for (builder, expected) in clients {
        assert_eq!(timeout(&builder.build().unwrap(), &runtime), expected);
    }
}

#[test]
fn clients_that_are_built_with_clones_share_the_parts() {
    let (runtime, mock) = (ManualRuntime::new(), MockTransport::always(Reply::status(503)));
    let breaker = CircuitBreaker::new(2, SECOND);
    let parts = standard().no_retry().breaker(breaker.clone());
    let clients = [client(&mock, &runtime, &parts), client(&mock, &runtime, &parts)];
    for client in &clients {
        assert_eq!(outcome(client, &runtime), "503");
    }
    assert_eq!(breaker.state(BASE), CircuitState::Open);
    assert_eq!(outcome(&clients[0], &runtime), "CircuitOpen");
}

/// From variables, as from everything that a configuration is made of.
fn config(variables: &'static [(&'static str, &'static str)]) -> HttpConfig {
    let lookup = |name: &str| {
        let value = variables.iter().find(|(variable, _)| *variable == name);
        Ok(value.map(|(_, value)| (*value).to_owned()))
    };
    HttpConfig::builder().vars(lookup).unwrap().build().unwrap()
}

#[test]
fn a_configuration_brings_what_it_sets_and_nothing_else() {
    let runtime = ManualRuntime::new();
    let after = |variables, calls: usize| {
        let mock = MockTransport::always(Reply::status(503));
        let client = client(&mock, &runtime, &Standard::from_config(&config(variables)).unwrap());
        let outcomes: Vec<_> = (0..calls).map(|_| outcome(&client, &runtime)).collect();
        (outcomes.last().unwrap().clone(), mock.request_count())
    };
    let exhausted = || "RetryExhausted".to_owned();
    assert_eq!(after(&[], 1), (exhausted(), 3));
    // 10 retries are paid for by the budget, and some more by time.
    assert!((110..120).contains(&after(&[], 100).1));
    let without_budget = &[("HTTP_RETRY_BUDGET", "false")];
    assert_eq!(after(without_budget, 100), (exhausted(), 300));
    let breaker = &[("HTTP_BREAKER_THRESHOLD", "4"), ("HTTP_MAX_RETRIES", "0")];
    assert_eq!(after(breaker, 4), (exhausted(), 4));
    assert_eq!(after(breaker, 5), ("CircuitOpen".into(), 4));
}

#[test]
fn a_configured_breaker_recovers_when_it_should() {
    let runtime = ManualRuntime::new();
    for (variables, recovery) in [
        (&[("HTTP_BREAKER_THRESHOLD", "1")][..], 60 * SECOND),
        (&[("HTTP_BREAKER_THRESHOLD", "1"), ("HTTP_BREAKER_RECOVERY", "2.5")], SECOND * 5 / 2),
    ] {
        let parts = Standard::from_config(&config(variables)).unwrap().retry(up_to(1));
        let client = client(&MockTransport::always(Reply::status(503)), &runtime, &parts);
        assert_eq!(outcome(&client, &runtime), "503");
        match runtime.block_on(client.get("/").send()) {
            Err(Error::CircuitOpen { retry_in, .. }) => assert_eq!(retry_in, recovery),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_configured_bulkhead_bounds_the_calls_in_flight() {
    let (runtime, mock) = (ManualRuntime::new(), MockTransport::always(Reply::pending()));
    let parts = Standard::from_config(&config(&[("HTTP_MAX_IN_FLIGHT", "2")])).unwrap();
    let client = client(&mock, &runtime, &parts.retry(up_to(1)));
    let calls = (0..5).map(|_| async {
        let outcome = client.get("/").send().await;
        (outcome.unwrap_err().kind().to_owned(), runtime.elapsed())
    });
    let limits = runtime.block_on(join_all(calls));
    let limits = limits.iter().filter(|(kind, _)| kind == "Limit").map(|(_, when)| *when);
    // Two are in flight, two wait for 10 s, and one finds the queue full.
    assert_eq!(limits.collect::<Vec<_>>(), [10 * SECOND, 10 * SECOND, Duration::ZERO]);
}

#[test]
fn a_configuration_replaces_parts_of_the_standard_and_leaves_the_rest() {
    let (runtime, mock) = (ManualRuntime::new(), MockTransport::always(Reply::pending()));
    let config = HttpConfig::builder().max_retries(0).total_timeout(40 * SECOND).build().unwrap();
    let parts = standard().config(&config).unwrap();
    let client = client(&mock, &runtime, &parts);
    let begun = runtime.elapsed();
    assert_eq!(outcome(&client, &runtime), "RetryExhausted");
    assert_eq!(runtime.elapsed() - begun, 10 * SECOND, "the standard's attempt timeout");
    let text = format!("{parts:?}");
    assert!(text.contains("40s") && text.contains("has_bulkhead: true"), "{text}");
}

#[cfg(feature = "reqwest")]
mod over_reqwest {
    use midil_http::{client, client_from};
    use midil_http_test::fault_server::{FaultServer, Reply};

    use super::*;

    #[tokio::test]
    async fn a_client_of_a_configuration_has_its_breaker_and_a_client_of_a_url_has_none() {
        let server = FaultServer::always(Reply::status(503));
        let config = HttpConfig::builder()
            .base_url(&server.url())
            .max_retries(0)
            .breaker_threshold(2)
            .build()
            .unwrap();
        let configured = client_from(&config).unwrap().build().unwrap();
        let mut kinds = Vec::new();
        for _ in 0..4 {
            kinds.push(configured.get("/").send().await.unwrap_err().kind());
        }
        let expected = ["RetryExhausted", "RetryExhausted", "CircuitOpen", "CircuitOpen"];
        assert_eq!((kinds.as_slice(), server.request_count()), (&expected[..], 2));

        let plain = client(server.url()).unwrap().retry(up_to(1)).build().unwrap();
        let standard = client(server.url()).unwrap().with(standard()).retry(up_to(1));
        let standard = standard.build().unwrap();
        for _ in 0..30 {
            assert_eq!(plain.get("/").send().await.unwrap().status(), 503);
            drop(standard.get("/").send().await);
        }
        assert_eq!(server.request_count(), 2 + 30 + 20);
    }
}
