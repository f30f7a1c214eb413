//! Who decides whether a download goes on, and when.

use futures_util::FutureExt;
use midil_http::{
    Attempt, CallSettings, CircuitBreaker, GiveUpReason, HttpClient, LastOutcome, Outcome,
    RetryBudget, RetryDecision, RetryEvent, Runtime, TimeoutKind,
};
use url::Url;

use super::*;
use crate::support::whole::{exhausted, timed_out};
use crate::support::{BASE, Log, build_error};

/// What reading `/a` comes to.
async fn text(client: &HttpClient) -> Result<String, Error> {
    client.get("/a").resumable(true).send().await?.text().await
}

#[test]
fn each_resumption_is_a_retry() {
    let (runtime, log) = (ManualRuntime::new(), Log::default());
    let mock = MockTransport::sequence([begun("hello"), Reply::error(reset), rest(5)]);
    let told = log.clone();
    let strategy = every_second()
        .on_retry(move |event: &mut RetryEvent<'_>| {
            let what = match event.outcome {
                Outcome::Error(error) => error.kind(),
                Outcome::Response(_) => "response",
            };
            told.note(format!("{} {what} {:?}", event.attempt, event.delay));
            event.request.headers.insert("x-retry", event.attempt.into());
        })
        .build()
        .unwrap();
    let client = client(&mock, &runtime).retry(strategy).build().unwrap();
    runtime.block_on(async {
        let mut response = client.get("/a").resumable(true).send().await.unwrap();
        let mut read = Vec::new();
        response.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, HELLO.as_bytes());
        assert_eq!(response.attempts(), 1, "it is what the head took");
    });
    assert_eq!(log.lines(), ["1 Transport 1s", "2 Transport 1s"]);
    assert_eq!(runtime.elapsed(), 2 * SECOND);
    let marks: Vec<_> = mock
        .requests()
        .iter()
        .map(|request| request.headers().get("x-retry").map(|value| value.to_str().unwrap().len()))
        .collect();
    assert_eq!(marks, [None, Some(1), Some(1)]);
}

#[test]
fn attempts_are_counted_on_from_the_head() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::sequence([Reply::status(503), begun("hello"), begun("hello")]);
    let client = client(&mock, &runtime).build().unwrap();
    runtime.block_on(async {
        let response = client.get("/a").resumable(true).send().await.unwrap();
        assert_eq!(response.attempts(), 2);
        let exhausted = exhausted(response.text().await);
        assert_eq!((exhausted.attempts(), exhausted.reason()), (3, &GiveUpReason::Attempts));
        assert!(matches!(exhausted.last(), LastOutcome::Error(Error::Transport(_))));
        assert_eq!(exhausted.elapsed(), 2 * SECOND);
    });
    mock.verify();
}

#[test]
fn what_brings_nothing_new_comes_to_an_end() {
    let (outcome, _) = download([begun("hello"), begun("hello"), begun("hello")]);
    assert_eq!(exhausted(outcome).attempts(), 3);
}

#[test]
fn a_status_that_is_retried_is_retried() {
    let busy = Reply::status(503).header("retry-after", "20").body("busy");
    let (runtime, mock) =
        (ManualRuntime::new(), MockTransport::sequence([begun("hello"), busy, rest(5)]));
    let client = client(&mock, &runtime).build().unwrap();
    assert_eq!(runtime.block_on(text(&client)).unwrap(), HELLO);
    assert!(runtime.elapsed() >= 21 * SECOND, "{:?}", runtime.elapsed());

    let (outcome, _) = download([begun("hello"), Reply::status(503), Reply::status(502)]);
    assert_eq!(exhausted(outcome).status().unwrap(), 502);
}

#[test]
fn the_budget_pays() {
    let (runtime, budget) = (ManualRuntime::new(), RetryBudget::default());
    let left = || budget.available(&Url::parse(BASE).unwrap(), runtime.now());
    let mock = MockTransport::sequence([begun("hello"), rest(5)]);
    let strategy = every_second().budget(budget.clone()).build().unwrap();
    let paying = client(&mock, &runtime).retry(strategy).build().unwrap();
    let mut response = runtime.block_on(paying.get("/a").resumable(true).send()).unwrap();
    assert_eq!(left(), 10.0);
    runtime.block_on(response.chunk()).unwrap();
    {
        let mut resumption = Box::pin(response.chunk());
        assert!(resumption.as_mut().now_or_never().is_none(), "it waits");
        assert_eq!(left(), 9.0);
    }
    runtime.block_on(response.text()).unwrap();
    assert_eq!(left(), 10.0, "a retry that helps pays for itself");

    let calls = budget.state(BASE, runtime.now()).calls_per_second;
    assert_eq!(calls, 1, "one call, however often it was judged");

    let poor = RetryBudget::builder().capacity(1.0).second_earns(0.0).build().unwrap();
    let strategy = every_second().budget(poor).build().unwrap();
    let mock = MockTransport::sequence([begun("hello"), Reply::error(reset)]);
    let client = client(&mock, &runtime).retry(strategy).build().unwrap();
    let exhausted = exhausted(runtime.block_on(text(&client)));
    assert_eq!((exhausted.attempts(), exhausted.reason()), (2, &GiveUpReason::Budget));
}

#[test]
fn without_a_strategy_nothing_is_resumed() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::sequence([begun("hello"), begun("hello")]);
    let plain = over(mock.clone()).runtime(runtime.clone()).build().unwrap();
    assert!(is_reset(&runtime.block_on(text(&plain))));
    let client = client(&mock, &runtime).build().unwrap();
    let request = client.get("/a").resumable(true).no_retry();
    let outcome = runtime.block_on(async { request.send().await?.text().await });
    assert!(is_reset(&outcome));
    mock.verify();
}

#[test]
fn without_being_asked_for_nothing_is_resumed() {
    let (outcome, _) = download_by([begun("hello")], |request| request.resumable(false));
    assert!(is_reset(&outcome));
}

#[test]
fn a_strategy_of_the_calls_own_decides() {
    let stubborn = |attempt: &Attempt<'_>| match attempt.outcome {
        // One that has another try at what is not the rest: of several servers, one may be out of date.
        Outcome::Error(Error::Transport(_)) if attempt.number < 4 => {
            RetryDecision::Retry { after: Duration::ZERO }
        }
        _ => RetryDecision::Accept,
    };
    let stale = Reply::ok().header("etag", "\"v0\"").body("hi");
    let (text, requests) =
        download_by([begun("hello"), stale, rest(5)], |request| request.retry(stubborn));
    assert_eq!((text.unwrap().as_str(), requests.len()), (HELLO, 3));
}

#[test]
fn a_stall_and_an_attempt_that_takes_too_long_are_resumed() {
    for by_progress in [true, false] {
        let runtime = ManualRuntime::new();
        let stalls = tagged(200).header("content-length", "12").body(stalled("hello"));
        let mock = MockTransport::sequence([stalls, rest(5)]);
        let builder = client(&mock, &runtime);
        let builder = match by_progress {
            true => builder.timeout(5 * SECOND),
            false => builder.attempt_timeout(5 * SECOND),
        };
        let client = builder.build().unwrap();
        assert_eq!(runtime.block_on(text(&client)).unwrap(), HELLO);
        assert_eq!(runtime.elapsed(), 6 * SECOND);
    }
}

#[test]
fn a_resumption_has_timeouts_of_its_own() {
    let runtime = ManualRuntime::new();
    let stalls = || tagged(206).header("content-range", "bytes 5-11/12").body(stalled(""));
    let mock = MockTransport::sequence([begun("hello"), Reply::pending(), stalls()]);
    let client = client(&mock, &runtime).timeout(5 * SECOND).build().unwrap();
    let exhausted = exhausted(runtime.block_on(text(&client)));
    assert!(exhausted.last_error().unwrap().is_timeout());
    assert_eq!(runtime.elapsed(), 12 * SECOND, "two waits and two timeouts");
}

#[test]
fn the_total_timeout_is_final() {
    // It fires while the body stalls, while the rest is asked for, and while that stalls.
    let stalls = tagged(200).header("content-length", "12").body(stalled("hello"));
    let stalls_later = tagged(206).header("content-range", "bytes 5-11/12").body(stalled(", w"));
    for replies in
        [vec![stalls], vec![begun("hello"), Reply::pending()], vec![begun("hello"), stalls_later]]
    {
        let (runtime, mock) = (ManualRuntime::new(), MockTransport::sequence(replies));
        let client = client(&mock, &runtime).total_timeout(4 * SECOND).build().unwrap();
        let (kind, after, _) = timed_out(runtime.block_on(text(&client)));
        assert_eq!((kind, after), (TimeoutKind::Total, 4 * SECOND));
        assert_eq!(runtime.elapsed(), 4 * SECOND);
        assert_eq!(mock.in_flight(), 0);
    }
    // A wait that would go beyond it is not begun.
    let (runtime, mock) = (ManualRuntime::new(), MockTransport::sequence([begun("hello")]));
    let client = client(&mock, &runtime).total_timeout(SECOND).build().unwrap();
    let exhausted = exhausted(runtime.block_on(text(&client)));
    assert!(matches!(exhausted.reason(), GiveUpReason::Deadline { .. }));
    assert_eq!(runtime.elapsed(), Duration::ZERO);
}

#[test]
fn an_open_circuit_refuses_the_rest() {
    let (runtime, breaker) = (ManualRuntime::new(), CircuitBreaker::new(5, 60 * SECOND));
    let mock = MockTransport::sequence([begun("hello")]);
    let client = client(&mock, &runtime).attempt_middleware(breaker.clone()).build().unwrap();
    runtime.block_on(async {
        let response = client.get("/a").resumable(true).send().await.unwrap();
        breaker.force_all_open();
        let outcome = response.text().await;
        assert!(matches!(outcome, Err(Error::CircuitOpen { .. })), "{outcome:?}");
    });
    mock.verify();
}

#[test]
fn another_method_is_refused_before_anything_is_sent() {
    let mock = MockTransport::new();
    let client = over(mock.clone()).build().unwrap();
    let expected = "resumable is for GET alone: make this request without it";
    for request in [client.post("/a"), client.head("/a"), client.delete("/a")] {
        assert_eq!(build_error(request.resumable(true).build()), expected);
    }
    let mut request = client.post("/a").resumable(false).build().unwrap();
    let mut settings = CallSettings::default();
    settings.resumable = Some(true);
    request.extensions_mut().insert(settings);
    let sent = client.execute(request).now_or_never().unwrap();
    assert_eq!(build_error(sent), expected);
    mock.verify();
}

#[test]
fn whoever_is_dropped_leaves_nothing_behind() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::sequence([begun("hello"), Reply::pending()]);
    let client = client(&mock, &runtime).build().unwrap();
    let mut response = runtime.block_on(client.get("/a").resumable(true).send()).unwrap();
    runtime.block_on(response.chunk()).unwrap();
    // It waits to try again, then for the rest. A reader that loses interest loses nothing, for the next one goes on.
    for in_flight in [0, 1] {
        assert!(response.chunk().now_or_never().is_none());
        assert_eq!((mock.in_flight(), runtime.timers()), (in_flight, 1));
        runtime.advance(SECOND);
    }
    drop(response);
    assert_eq!((mock.in_flight(), runtime.timers()), (0, 0));
}
