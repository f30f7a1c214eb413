//! Batches: how many at once, in which order, when they pause and stop, and what they hold.
#![cfg(all(feature = "reqwest", feature = "retry"))]

mod background;
mod edges;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use midil_http::{
    Batch, BatchProgress, Body, Bulkhead, Error, Hedge, HttpClient, Request, RequestBuilder,
    ReqwestTransport, Response,
};
use midil_http_test::fault_server::{Cut, FaultServer, Gate, Received, Reply as WireReply};
use midil_http_test::{ManualRuntime, MockTransport, Reply};
use serde_json::{Value, json};

use crate::support::over;
use crate::support::whole::{by_default, of, on_the_wire, until, until_left};

const SECOND: Duration = Duration::from_secs(1);

fn client(mock: &MockTransport, runtime: &ManualRuntime) -> HttpClient {
    over(mock.clone()).runtime(runtime.clone()).build().unwrap()
}

/// A server that takes a second for what its path says: a status.
fn slow(runtime: &ManualRuntime) -> MockTransport {
    let respond = |request: &midil_http_test::RecordedRequest| {
        let status = request.url().path().rsplit('/').next().and_then(|status| status.parse().ok());
        let response = http::Response::builder().status(status.unwrap_or(200_u16));
        Ok(response.body(Body::from(request.url().path().to_owned())).unwrap())
    };
    MockTransport::always(Reply::from_fn(respond).delayed(SECOND, runtime.clone()))
}

fn gets(client: &HttpClient, count: usize) -> impl Iterator<Item = RequestBuilder> + Send {
    (0..count).map(|index| client.get(format!("/{index}/200")))
}

/// What the results are, in short.
fn kinds<T>(results: &[Result<T, Error>]) -> Vec<&'static str> {
    results.iter().map(|result| result.as_ref().map_or_else(Error::kind, |_| "Ok")).collect()
}

async fn texts(results: Vec<Result<Response, Error>>) -> Vec<String> {
    let mut texts = Vec::new();
    for result in results {
        texts.push(match result {
            Ok(response) => response.text().await.unwrap(),
            Err(error) => error.kind().to_owned(),
        });
    }
    texts
}

/// The Python module's `batch_create_users`, but for the pause after the last batch.
async fn batch_create_users(
    client: &HttpClient,
    users: &[Value],
    batch_size: usize,
) -> Vec<Result<Response, Error>> {
    let requests = users.iter().map(|user| client.post("/users").json(user));
    client.batch(requests).batch_size(batch_size).pause(SECOND).await
}

#[test]
fn batches_go_out_at_once_and_there_is_a_pause_between_them() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::always(Reply::status(201));
    let users: Vec<_> = (0..25).map(|id| json!({ "id": id })).collect();
    let results = runtime.block_on(batch_create_users(&client(&mock, &runtime), &users, 10));
    assert_eq!((results.len(), runtime.elapsed()), (25, 2 * SECOND));
    let sent: Vec<Value> = mock.requests().iter().map(|request| request.json()).collect();
    assert_eq!(sent, users);
}

#[test]
fn there_is_no_pause_after_the_last_though_nobody_knew_it_was_the_last() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::always(Reply::ok());
    let client = client(&mock, &runtime);
    let unknown = (0..20).filter(|_| true).map(|_| client.get("/"));
    let seen = Mutex::new(None);
    let note = |progress: BatchProgress| *seen.lock().unwrap() = progress.total();
    let batch = client.batch(unknown).batch_size(10).pause(SECOND).on_progress(note);
    assert_eq!((runtime.block_on(batch.send()).len(), runtime.elapsed()), (20, SECOND));
    assert_eq!(*seen.lock().unwrap(), None);
}

#[test]
fn ten_are_in_flight_unless_told_otherwise_and_another_begins_whenever_one_is_over() {
    type Change = for<'a> fn(Batch<'a>) -> Batch<'a>;
    let paces: [(Change, u32); 8] = [
        (|batch| batch, 3),
        (|batch| batch.concurrency(1), 25),
        (|batch| batch.concurrency(5), 5),
        (|batch| batch.concurrency(usize::MAX), 1),
        (|batch| batch.batch_size(20), 2),
        (|batch| batch.batch_size(20).concurrency(4), 5 + 2),
        // A pause alone comes after as many as there may be at once.
        (|batch| batch.pause(SECOND), 3 + 2),
        (|batch| batch.pause(SECOND).concurrency(5), 5 + 4),
    ];
    for (change, seconds) in paces {
        let runtime = ManualRuntime::new();
        let client = client(&slow(&runtime), &runtime);
        let results = runtime.block_on(change(client.batch(gets(&client, 25))).send());
        let expected: Vec<_> = (0..25).map(|index| format!("/v1/{index}/200")).collect();
        assert_eq!(runtime.block_on(texts(results)), expected);
        assert_eq!(runtime.elapsed(), seconds * SECOND);
    }
}

#[test]
fn a_request_is_built_when_its_turn_has_come() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::always(Reply::pending());
    let client = client(&mock, &runtime);
    let built = AtomicUsize::new(0);
    let requests = (0..10_000).map(|_| {
        built.fetch_add(1, Ordering::Relaxed);
        client.get("/")
    });
    let mut batch = Box::pin(client.batch(requests).concurrency(3).send());
    assert!((&mut batch).now_or_never().is_none());
    assert_eq!((built.load(Ordering::Relaxed), mock.in_flight()), (3, 3));
    // What is dropped is over.
    drop(batch);
    assert_eq!((built.load(Ordering::Relaxed), mock.in_flight()), (3, 0));
}

#[test]
fn one_failure_does_not_lose_the_others() {
    let runtime = ManualRuntime::new();
    let client = client(&slow(&runtime), &runtime);
    let other = over(MockTransport::always(Reply::ok().body("other"))).build().unwrap();
    let requests: Vec<Result<RequestBuilder, Error>> = vec![
        Ok(client.get("/0/200")),
        Ok(client.get("https://evil.test/")),
        Ok(client.get("/2/503")),
        Ok(client.get("/3/503").raise_for_status()),
        Err(Error::custom("the row has no name: give it one")),
        Ok(client.get("/5/200").header("x-bad", "a\nb")),
        Ok(other.get("/")),
        Ok(client.get("/7/200").total_timeout(SECOND / 2)),
    ];
    let results = runtime.block_on(client.batch(requests).send());
    let expected = ["Ok", "Build", "Ok", "Status", "Custom", "Build", "Ok", "Timeout"];
    assert_eq!(kinds(&results), expected);
    assert_eq!(runtime.block_on(texts(results))[6], "other");

    let foreign = Request::get("https://evil.test/").unwrap();
    let own = Request::get("https://api.test/v1/1/200").unwrap();
    assert_eq!(kinds(&runtime.block_on(client.batch([foreign, own]).send())), ["Build", "Ok"]);
    assert_eq!(kinds(&runtime.block_on(client.batch(Vec::<Request>::new()).send())), [""; 0]);
}

/// A total timeout is that of each call: who has not begun does not wait.
#[test]
fn timeouts_begin_with_each_call() {
    let runtime = ManualRuntime::new();
    let mock = slow(&runtime);
    let client = over(mock).runtime(runtime.clone()).total_timeout(SECOND * 3 / 2).build().unwrap();
    let results = runtime.block_on(client.batch(gets(&client, 5)).concurrency(1).send());
    assert_eq!((kinds(&results), runtime.elapsed()), (vec!["Ok"; 5], 5 * SECOND));
}

#[test]
fn it_stops_after_so_many_failures_and_brings_to_an_end_what_has_begun() {
    let runtime = ManualRuntime::new();
    let mock = slow(&runtime);
    let client = client(&mock, &runtime);
    let statuses = [200, 404, 200, 404, 404, 200, 200, 200];
    let requests = || statuses.map(|status| client.get(format!("/x/{status}")).raise_for_status());
    for (failures, begun) in [(1, 2), (2, 4), (3, 6), (4, 8)] {
        let batch = client.batch(requests()).concurrency(2).stop_after_failures(failures);
        let results = runtime.block_on(batch.send());
        let expected: Vec<_> = statuses[..begun]
            .iter()
            .map(|status| if *status == 200 { "Ok" } else { "Status" })
            .collect();
        assert_eq!(kinds(&results), expected, "{failures}");
        let stream = client.batch(requests()).concurrency(2).stop_after_failures(failures).stream();
        assert_eq!(kinds(&runtime.block_on(stream.collect::<Vec<_>>())), expected, "{failures}");
    }
    assert_eq!(mock.request_count(), 2 * (2 + 4 + 6 + 8));
}

#[test]
fn settings_that_cannot_be_are_what_every_request_comes_to() {
    type Change = for<'a> fn(Batch<'a>) -> Batch<'a>;
    let wrong: [(Change, &str); 4] = [
        (|batch| batch.concurrency(0), "concurrency"),
        (|batch| batch.batch_size(0), "batch_size"),
        (|batch| batch.stop_after_failures(0).concurrency(3), "stop_after_failures"),
        (|batch| batch.pause(Duration::ZERO), "pause"),
    ];
    for (change, setting) in wrong {
        let runtime = ManualRuntime::new();
        let mock = MockTransport::always(Reply::ok());
        let client = client(&mock, &runtime);
        let results = runtime.block_on(change(client.batch(gets(&client, 3))).send());
        assert!(!results.is_empty());
        for result in results {
            let Err(Error::Build(error)) = result else { panic!("{result:?}") };
            assert_eq!(error.setting(), setting);
        }
        assert_eq!(mock.request_count(), 0);
    }
}

#[test]
fn progress_is_told_whenever_a_request_begins_or_is_over() {
    let runtime = ManualRuntime::new();
    let client = client(&slow(&runtime), &runtime);
    let mut told = Vec::new();
    let requests =
        [200, 404, 200].map(|status| client.get(format!("/x/{status}")).raise_for_status());
    let note = |progress: BatchProgress| {
        assert_eq!(progress.total(), Some(3));
        told.push((progress.done(), progress.failed(), progress.in_flight()));
    };
    runtime.block_on(client.batch(requests).concurrency(2).on_progress(note).send());
    let expected = [(0, 0, 1), (0, 0, 2), (1, 0, 1), (2, 1, 0), (2, 1, 1), (3, 1, 0)];
    assert_eq!(told, expected);
}

/// Those behind a slow one wait with their results, and are no more than may be in flight.
#[test]
fn a_stream_in_order_is_bounded_and_one_as_completed_is_not_held_up() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::new();
    mock.on(http::Method::GET, "/v1/0").reply(Reply::ok().delayed(9 * SECOND, runtime.clone()));
    mock.reply_always(Reply::ok());
    let client = client(&mock, &runtime);
    let requests = || (0..100).map(|index| client.get(format!("/{index}")));
    let mut stream = client.batch(requests()).concurrency(4).stream();
    assert!(stream.next().now_or_never().is_none());
    assert_eq!(mock.request_count(), 4);
    assert_eq!(runtime.block_on(stream.count()), 100);

    let mock = MockTransport::new();
    mock.on(http::Method::GET, "/v1/0").reply(Reply::ok().delayed(9 * SECOND, runtime.clone()));
    mock.reply_always(Reply::ok());
    let client = self::client(&mock, &runtime);
    let requests = (0..100).map(|index| client.get(format!("/{index}")));
    let all = client.batch(requests).concurrency(4).as_completed();
    let order: Vec<_> = runtime.block_on(all.map(|(index, _)| index).collect());
    assert_eq!((order.len(), order.last()), (100, Some(&0)));
}

/// 200 KB: more than sockets hold, so that who does not read it keeps its connection.
const LARGE: usize = 200_000;

fn large(request: &Received) -> WireReply {
    let length = LARGE - request.target().len();
    WireReply::ok([request.target().as_bytes(), &vec![b'x'; length]].concat())
}

/// Results hold no connection, so one is enough for any number of them, whatever is made of them.
#[test]
fn one_connection_or_one_place_is_enough() {
    on_the_wire(async {
        for bulkhead in [false, true] {
            let server = FaultServer::respond_with(large);
            let transport = ReqwestTransport::builder();
            let transport =
                if bulkhead { transport } else { transport.max_connections(1) }.build().unwrap();
            let builder = HttpClient::builder(transport).base_url(server.url());
            let builder = builder.runtime(ManualRuntime::new());
            let place = Bulkhead::builder().max_in_flight(1).max_waiting(100).max_wait(60 * SECOND);
            let client = match bulkhead {
                true => builder.attempt_middleware(place.build().unwrap()),
                false => builder,
            };
            let client = client.build().unwrap();
            let requests = || (0..30).map(|index| client.get(format!("/{index}")));

            let results = client.batch(requests()).await;
            for (index, result) in results.into_iter().enumerate() {
                let bytes = result.unwrap().bytes().await.unwrap();
                assert!(bytes.len() == LARGE && bytes.starts_with(format!("/{index}x").as_bytes()));
            }
            // A handler may make calls of its own once it has read the body, for all go on side by side.
            let twice = |response: Response| async {
                let length = response.bytes().await?.len();
                Ok(length + client.get("/more").send().await?.bytes().await?.len())
            };
            let results = client.batch(requests()).map(twice).await;
            assert!(results.iter().all(|result| *result.as_ref().unwrap() == 2 * LARGE));
            let results: Vec<_> = client.batch(requests()).stream().collect().await;
            assert_eq!(kinds(&results), ["Ok"; 30]);
            let results = client.batch(requests()).as_completed();
            assert_eq!(
                results.filter(|(_, result)| std::future::ready(result.is_ok())).count().await,
                30
            );
        }
    });
}

#[test]
fn a_body_that_breaks_off_or_is_too_large_is_the_failure_of_its_request() {
    on_the_wire(async {
        let server = FaultServer::respond_with(|request: &Received| match request.target() {
            "/1" => WireReply::ok("hello").cut_body_after(2, Cut::Close),
            "/2" => WireReply::ok("hello, world"),
            _ => WireReply::ok("").chunked(["he", "llo"]).trailer("x-sum", "5"),
        });
        let client = of(&server).max_response_bytes(5).build().unwrap();
        let requests = (0..4).map(|index| client.get(format!("/{index}")));
        let mut results = client.batch(requests).await;
        assert_eq!(kinds(&results), ["Ok", "Transport", "Limit", "Ok"]);
        let last = results.pop().unwrap().unwrap();
        assert_eq!(last.trailers().unwrap()["x-sum"], "5");
        assert_eq!(last.text().await.unwrap(), "hello");
    });
}

#[test]
fn every_call_is_retried_and_hedged_as_ever() {
    on_the_wire(async {
        let gate = Gate::new();
        let held = gate.clone();
        let slow = AtomicUsize::new(0);
        let server = FaultServer::respond_with(move |_: &Received| {
            match slow.fetch_add(1, Ordering::Relaxed) {
                0 => WireReply::ok("late").hold(&held),
                2 => WireReply::status(503),
                _ => WireReply::ok("soon"),
            }
        });
        let runtime = ManualRuntime::new();
        let client = of(&server)
            .runtime(runtime.clone())
            .retry(by_default())
            .attempt_middleware(Hedge::new(SECOND))
            .build()
            .unwrap();
        let requests = (0..5).map(|_| client.get("/"));
        let batch = client
            .batch(requests)
            .concurrency(1)
            .map(|response| async move { response.text().await });
        let later = async {
            until(|| server.request_count() == 1).await;
            runtime.advance(SECOND);
        };
        let (results, ()) = tokio::join!(batch.send(), later);
        assert!(results.iter().all(|result| result.as_deref().is_ok_and(|text| text == "soon")));
        assert_eq!(server.request_count(), 5 + 2);
        gate.open();
    });
}

#[test]
fn who_drops_a_batch_aborts_what_is_in_flight() {
    on_the_wire(async {
        let gate = Gate::new();
        let server = FaultServer::always(WireReply::ok("hello").hold_body_after(2, &gate));
        let client = of(&server).build().unwrap();
        let batch = tokio::spawn({
            let client = client.clone();
            async move { client.batch((0..100).map(|_| client.get("/"))).concurrency(4).await.len() }
        });
        until(|| server.request_count() == 4).await;
        batch.abort();
        until_left(&server).await;
        assert_eq!(server.request_count(), 4);
        gate.open();
    });
}
