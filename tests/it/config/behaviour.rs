//! What a configuration asks for is what the client does: policies from a text, over virtual time.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use midil_http::{
    Body, DefaultRetryStrategy, DefaultRetryStrategyBuilder, Error, FixedDelayBackoff, HttpClient,
    HttpConfig, Request, Standard, Transport,
};
use midil_http_test::{ManualRuntime, MockTransport, Reply};

use crate::support::over;

const SECOND: Duration = Duration::from_secs(1);
const TENTH: Duration = Duration::from_millis(100);

/// The client that a text makes, on time that moves when everybody waits.
fn client(text: &str, transport: impl Transport, runtime: &ManualRuntime) -> HttpClient {
    let config: HttpConfig = toml::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let parts = Standard::from_config(&config).unwrap();
    over(transport).config(&config).with(parts).runtime(runtime.clone()).seed(7).build().unwrap()
}

/// What so many calls of one moment come to, and how much later, in milliseconds.
fn at_once(client: &HttpClient, runtime: &ManualRuntime, count: usize) -> Vec<(String, u128)> {
    let begun = runtime.elapsed();
    let call = async || {
        let outcome = match client.get("/").send().await {
            Ok(response) => response.status().as_str().to_owned(),
            Err(error) => error.kind().to_owned(),
        };
        (outcome, (runtime.elapsed() - begun).as_millis())
    };
    runtime.block_on(join_all((0..count).map(|_| call())))
}

fn outcomes(calls: &[(String, u128)]) -> Vec<(&str, u128)> {
    calls.iter().map(|(outcome, after)| (outcome.as_str(), *after)).collect()
}

/// A server that answers with this status and with the other of 200 and 503, by turns.
fn alternating(first: u16) -> impl Transport {
    let count = AtomicU32::new(0);
    move |_: Request| {
        let is_first = count.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
        let status = if is_first == (first == 200) { 200 } else { 503 };
        async move { Ok(http::Response::builder().status(status).body(Body::empty()).unwrap()) }
    }
}

#[test]
fn a_rate_limit_spreads_calls_and_refuses_those_that_would_wait_too_long() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::always(Reply::ok());
    let text = "[limits.rate_limit]\ncalls = 2\nper = \"1s\"\nburst = 1\nmax_wait = \"1s\"";
    let calls = at_once(&client(text, mock.clone(), &runtime), &runtime, 4);
    assert_eq!(outcomes(&calls), [("200", 0), ("200", 500), ("200", 1000), ("Limit", 0)]);
    // The burst is what may come at once.
    let text = "[limits.rate_limit]\ncalls = 2\nper = \"1s\"\nburst = 3\nmax_wait = 0";
    let calls = at_once(&client(text, mock, &runtime), &runtime, 4);
    assert_eq!(outcomes(&calls), [("200", 0), ("200", 0), ("200", 0), ("Limit", 0)]);
}

#[test]
fn a_bulkhead_has_its_places_its_queue_and_its_wait() {
    let runtime = ManualRuntime::new();
    let text = "[retry]\ntype = \"none\"\n[limits.bulkhead]\nmax_in_flight = 1\nmax_waiting = 2\nmax_wait = \"150ms\"";
    let mock = MockTransport::always(Reply::ok().delayed(TENTH, runtime.clone()));
    let calls = at_once(&client(text, mock.clone(), &runtime), &runtime, 4);
    // One goes, one is let in after it, one waits in vain, and one finds the queue full.
    assert_eq!(outcomes(&calls), [("200", 100), ("200", 200), ("Limit", 150), ("Limit", 0)]);
    assert_eq!(mock.request_count(), 2);
}

#[test]
fn a_hedge_goes_out_when_it_should_and_wins() {
    for (text, after) in [
        ("delay = \"100ms\"", 100),
        ("delay = \"300ms\"\nmax_hedges = 2", 300),
        (
            "percentile = 0.9\nmin_delay = \"250ms\"\nmax_delay = \"250ms\"\nminimum_samples = 1",
            250,
        ),
    ] {
        let runtime = ManualRuntime::new();
        let slow = Reply::ok().delayed(10 * SECOND, runtime.clone());
        let mock = MockTransport::sequence([Reply::ok(), slow]).reply_always(Reply::ok());
        let client = client(&format!("[limits.hedge]\n{text}"), mock.clone(), &runtime);
        // Percentiles are of something.
        assert_eq!(outcomes(&at_once(&client, &runtime, 1)), [("200", 0)]);
        let calls = at_once(&client, &runtime, 1);
        assert_eq!(outcomes(&calls), [("200", after)], "{text}");
        assert_eq!(mock.request_count(), 3, "{text}");
    }
}

#[test]
fn a_hedge_learns_from_as_many_calls_as_it_is_told() {
    let runtime = ManualRuntime::new();
    let taking = |time| Reply::ok().delayed(time, runtime.clone());
    let replies = [taking(TENTH), taking(TENTH), taking(TENTH), taking(10 * SECOND)];
    let mock = MockTransport::sequence(replies).reply_always(Reply::ok());
    let text = "[limits.hedge]\npercentile = 0.5\nminimum_samples = 3\nmax_delay = \"1s\"";
    let client = client(text, mock.clone(), &runtime);
    for _ in 0..3 {
        assert_eq!(outcomes(&at_once(&client, &runtime, 1)), [("200", 100)]);
    }
    let calls = at_once(&client, &runtime, 1);
    // As they took, as exactly as is counted.
    assert!(calls[0].0 == "200" && (90..150).contains(&calls[0].1), "{calls:?}");
    assert_eq!(mock.request_count(), 5);
}

#[test]
fn a_breaker_of_a_ratio_opens_at_the_ratio_and_not_before_there_are_enough_calls() {
    let runtime = ManualRuntime::new();
    let text = |ratio: f64| {
        format!(
            "[retry]\ntype = \"none\"\n[breaker]\ntype = \"ratio\"\nfailure_ratio = {ratio}\nminimum_calls = 10\nwindow = \"10s\"\nrecovery_timeout = \"5s\"\nhalf_open_probes = 1"
        )
    };
    // Every second call fails: of ten, that is half.
    let until_open = |ratio| {
        let client = client(&text(ratio), alternating(200), &runtime);
        let open = |_: &usize| match runtime.block_on(client.get("/").send()) {
            Err(Error::CircuitOpen { retry_in, .. }) => {
                assert_eq!(retry_in, 5 * SECOND);
                true
            }
            other => other.is_err(),
        };
        let calls = (0..40).position(|number| open(&number));
        // After its recovery it lets one through.
        runtime.advance(5 * SECOND);
        assert!(runtime.block_on(client.get("/").send()).is_ok());
        calls
    };
    assert_eq!(until_open(0.5), Some(10));
    assert_eq!(until_open(0.9), None);
}

#[test]
fn a_window_forgets() {
    let runtime = ManualRuntime::new();
    let text = "[retry]\ntype = \"none\"\n[breaker]\ntype = \"ratio\"\nfailure_ratio = 0.5\nminimum_calls = 2\nwindow = \"1s\"";
    let client = client(text, MockTransport::always(Reply::status(503)), &runtime);
    for _ in 0..5 {
        assert_eq!(at_once(&client, &runtime, 1)[0].0, "503");
        runtime.advance(3 * SECOND);
    }
    let kinds: Vec<_> = (0..3).map(|_| at_once(&client, &runtime, 1)[0].0.clone()).collect();
    assert_eq!(kinds, ["503", "503", "CircuitOpen"]);
}

#[test]
fn a_budget_pays_what_it_is_told() {
    let sent = |budget: &str| {
        let runtime = ManualRuntime::new();
        let mock = MockTransport::always(Reply::status(503));
        let text = format!(
            "[retry]\nmax_retries = 1\nbackoff = {{ type = \"fixed\", delay = 0 }}\n[retry.budget]\ncalls_worth = 0\nsecond_earns = 0\n{budget}"
        );
        let client = client(&text, mock.clone(), &runtime);
        for _ in 0..50 {
            at_once(&client, &runtime, 1);
        }
        mock.request_count() - 50
    };
    assert_eq!(sent("capacity = 5"), 5);
    assert_eq!(sent("capacity = 5\nretry_costs = 2"), 2);
    assert_eq!(sent("capacity = 20"), 20);
    assert_eq!(sent("capacity = 5\nenabled = false"), 50);
}

#[test]
fn a_budget_earns_what_it_is_told() {
    let successes = |earns: &str| {
        let runtime = ManualRuntime::new();
        let text = format!(
            "[retry]\nmax_retries = 1\nbackoff = {{ type = \"fixed\", delay = 0 }}\n[retry.budget]\ncapacity = 3\ncalls_worth = 0\nsecond_earns = 0\nsuccess_earns = 0\n{earns}"
        );
        let client = client(&text, alternating(503), &runtime);
        (0..10).filter(|_| at_once(&client, &runtime, 1)[0].0 == "200").count()
    };
    assert_eq!(successes("retry_success_earns = 1"), 10);
    // Three are paid for; of the others, every second one has the turn's success.
    assert_eq!(successes("retry_success_earns = 0"), 6);
}

#[test]
fn statuses_and_waits_of_retries_are_as_configured() {
    let waits = |text: &str, reply: Reply| {
        let runtime = ManualRuntime::new();
        let client = client(text, MockTransport::always(reply), &runtime);
        at_once(&client, &runtime, 1);
        runtime
            .sleeps()
            .iter()
            .map(Duration::as_millis)
            .filter(|wait| *wait < 29_000)
            .collect::<Vec<_>>()
    };
    let fixed = "[retry]\nmax_retries = 3\n[retry.backoff]\ntype = \"fixed\"\ndelay = \"250ms\"";
    assert_eq!(waits(fixed, Reply::status(503)), [250, 250, 250]);
    let growing = "[retry]\nmax_retries = 4\n[retry.backoff]\ntype = \"exponential\"\nbase_delay = 1\nmultiplier = 3\nmax_delay = 10";
    assert_eq!(waits(growing, Reply::status(503)), [1000, 3000, 9000, 10000]);
    let jittered = "[retry]\nmax_retries = 2\n[retry.backoff]\ntype = \"exponential_with_jitter\"\nbase_delay = 1\nmultiplier = 3\njitter = 0";
    assert_eq!(waits(jittered, Reply::status(503)), [1000, 3000]);
    let decorrelated = "[retry]\nmax_retries = 2\n[retry.backoff]\ntype = \"decorrelated_jitter\"\nbase_delay = 1\nmax_delay = 1";
    assert_eq!(waits(decorrelated, Reply::status(503)), [1000, 1000]);
    let full = "[retry]\nmax_retries = 2\n[retry.backoff]\ntype = \"full_jitter\"\nbase_delay = 1\nmultiplier = 3";
    let full = waits(full, Reply::status(503));
    assert!(full.len() == 2 && full[0] <= 1000 && full[1] <= 3000, "{full:?}");
    let only_409 = "[retry]\nmax_retries = 1\nretry_on_status = [409]\nbackoff = { type = \"fixed\", delay = 1 }";
    assert_eq!(waits(only_409, Reply::status(503)), [0_u128; 0]);
    assert_eq!(waits(only_409, Reply::status(409)), [1000]);
    let patient = "[retry]\nmax_retries = 1\nmax_retry_after = 5";
    assert_eq!(waits(patient, Reply::status(503).header("retry-after", "6")), [0_u128; 0]);
    assert_eq!(waits(patient, Reply::status(503).header("retry-after", "4")).len(), 1);
}

/// What code says after a configuration wins over it, whatever type of backoff that names.
#[test]
fn what_a_builder_is_told_after_a_configuration_wins() {
    let waits =
        |kind: &str, set: fn(DefaultRetryStrategyBuilder) -> DefaultRetryStrategyBuilder| {
            let text = format!("[retry]\nmax_retries = 3\n[retry.backoff]\n{kind}");
            let config: HttpConfig = toml::from_str(&text).unwrap();
            let strategy = set(DefaultRetryStrategy::builder().config(&config)).build().unwrap();
            let runtime = ManualRuntime::new();
            let mock = MockTransport::always(Reply::status(503));
            let client =
                over(mock).retry(strategy).runtime(runtime.clone()).seed(7).build().unwrap();
            at_once(&client, &runtime, 1);
            runtime.sleeps().iter().map(Duration::as_millis).collect::<Vec<_>>()
        };
    let exponential = "type = \"exponential\"\nbase_delay = 1";
    assert_eq!(waits(exponential, |builder| builder), [1000, 2000, 4000]);
    assert_eq!(waits(exponential, |builder| builder.base_delay(TENTH)), [100, 200, 400]);
    assert_eq!(waits(exponential, |builder| builder.multiplier(3.0)), [1000, 3000, 9000]);
    assert_eq!(waits(exponential, |builder| builder.max_delay(SECOND)), [1000, 1000, 1000]);
    let fixed = "type = \"fixed\"\ndelay = 1";
    assert_eq!(waits(fixed, |builder| builder.base_delay(TENTH)), [100, 100, 100]);
    let own =
        |builder: DefaultRetryStrategyBuilder| builder.backoff(FixedDelayBackoff::new(2 * SECOND));
    assert_eq!(waits(exponential, own), [2000, 2000, 2000]);
}

#[cfg(feature = "gzip")]
#[test]
fn bodies_come_as_they_are_where_that_is_configured() {
    for (text, asks) in [("", true), ("decompress = true", true), ("decompress = false", false)] {
        let (runtime, mock) = (ManualRuntime::new(), MockTransport::always(Reply::ok()));
        at_once(&client(text, mock.clone(), &runtime), &runtime, 1);
        assert_eq!(mock.requests()[0].header("accept-encoding").is_some(), asks, "{text}");
    }
}
