//! Streams of a batch that go on when nobody polls them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::TryStreamExt;
use midil_http::Runtime;

use super::*;

fn owned(client: &HttpClient, count: usize) -> impl Iterator<Item = RequestBuilder> + Send + use<> {
    let client = client.clone();
    (0..count).map(move |index| client.get(format!("/{index}/200")))
}

/// Each result is followed by a call that needs the one connection there is; without a task, it would wait until its timeout.
#[test]
fn calls_between_two_results_have_the_connections_that_the_batch_had() {
    on_the_wire(async {
        let server = FaultServer::respond_with(large);
        let runtime = ManualRuntime::new();
        let transport = ReqwestTransport::builder().max_connections(1).build().unwrap();
        let client = HttpClient::builder(transport).base_url(server.url());
        let client = client.runtime(runtime.clone()).build().unwrap();
        let tasks = tokio::spawn(runtime.run_tasks());

        let mut stream = client.batch(owned(&client, 20)).concurrency(4).stream().in_background();
        let mut completions =
            client.batch(owned(&client, 20)).concurrency(4).as_completed().in_background();
        let more = async || client.get("/more").send().await.unwrap().bytes().await.unwrap().len();
        for index in 0..20 {
            let body = stream.next().await.unwrap().unwrap().bytes().await.unwrap();
            assert!(body.starts_with(format!("/{index}/200x").as_bytes()));
            assert_eq!(more().await, LARGE);
            let (_, result) = completions.next().await.unwrap();
            assert_eq!(result.unwrap().bytes().await.unwrap().len(), LARGE);
            assert_eq!(more().await, LARGE);
        }
        assert!(stream.next().await.is_none() && completions.next().await.is_none());
        assert_eq!((server.request_count(), runtime.elapsed()), (80, Duration::ZERO));
        tasks.abort();
    });
}

#[test]
fn it_goes_on_by_itself_up_to_as_many_as_may_be_in_flight_and_no_further() {
    let runtime = ManualRuntime::new();
    let mock = slow(&runtime);
    let client = client(&mock, &runtime);
    let counts = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&counts);
    let note = move |progress: BatchProgress| {
        told.lock().unwrap().push((progress.done(), progress.in_flight()));
    };
    let batch = client.batch(owned(&client, 10)).concurrency(3).on_progress(note);
    let mut stream = batch.stream().in_background();
    runtime.block_on(runtime.sleep(5 * SECOND));
    assert_eq!((mock.request_count(), runtime.tasks()), (0, 0), "nothing before it is polled");

    assert!(stream.next().now_or_never().is_none());
    runtime.block_on(runtime.sleep(5 * SECOND));
    // Three are there, and nobody has had one.
    assert_eq!((mock.request_count(), counts.lock().unwrap().last()), (3, Some(&(3, 0))));
    for had in 1..=3 {
        assert!(stream.next().now_or_never().unwrap().unwrap().is_ok());
        runtime.block_on(runtime.sleep(5 * SECOND));
        assert_eq!(mock.request_count(), 3 + had);
    }
    // What waits is there at once, in order.
    let rest: Vec<_> = runtime.block_on(stream.by_ref().try_collect()).unwrap();
    let texts = runtime.block_on(texts(rest.into_iter().map(Ok).collect()));
    assert_eq!(texts, (3..10).map(|index| format!("/v1/{index}/200")).collect::<Vec<_>>());
    assert!(stream.next().now_or_never().unwrap().is_none());
    runtime.block_on(std::future::ready(()));
    assert_eq!(runtime.tasks(), 0, "the task has ended");

    let mut all = client.batch(owned(&client, 10)).concurrency(3).as_completed().in_background();
    for had in 1..=3 {
        assert!(runtime.block_on(all.next()).unwrap().1.is_ok());
        runtime.block_on(runtime.sleep(5 * SECOND));
        assert_eq!(mock.request_count(), 10 + 3 + had);
    }
}

/// Those behind a slow one count as they do without a task.
#[test]
fn in_order_no_more_are_kept_than_may_be_in_flight() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::new();
    mock.on(http::Method::GET, "/v1/0/200").reply(Reply::ok().delayed(9 * SECOND, runtime.clone()));
    mock.reply_always(Reply::ok());
    let client = client(&mock, &runtime);
    let mut stream = client.batch(owned(&client, 100)).concurrency(4).stream().in_background();
    assert!(stream.next().now_or_never().is_none());
    runtime.block_on(runtime.sleep(8 * SECOND));
    assert_eq!(mock.request_count(), 4);
    // Whoever is handed on makes room for another, whether it was waited for or had waited.
    for had in 1..=3 {
        runtime.block_on(stream.next()).unwrap().unwrap();
        runtime.block_on(runtime.sleep(SECOND));
        assert_eq!(mock.request_count(), 4 + had);
    }
    assert_eq!(runtime.block_on(stream.count()), 97);

    let pauses = client.batch(owned(&client, 9)).batch_size(4).pause(SECOND);
    let before = runtime.elapsed();
    assert_eq!(runtime.block_on(pauses.as_completed().in_background().count()), 9);
    assert_eq!(runtime.elapsed() - before, 2 * SECOND);
}

#[test]
fn what_is_dropped_is_over_at_once() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::always(Reply::pending());
    let client = client(&mock, &runtime);
    let mut stream = client.batch(owned(&client, 10)).concurrency(4).stream().in_background();
    assert!(stream.next().now_or_never().is_none());
    runtime.block_on(runtime.sleep(SECOND));
    assert_eq!((mock.in_flight(), runtime.tasks()), (4, 1));
    drop(stream);
    assert_eq!(mock.in_flight(), 0);
    runtime.block_on(std::future::ready(()));
    assert_eq!(runtime.tasks(), 0);
}

/// A runtime that is shut down, or runs no tasks, is no reason to wait for ever.
#[test]
fn without_its_task_it_goes_on_where_it_is_polled() {
    let runtime = ManualRuntime::new();
    let client = client(&slow(&runtime), &runtime);
    let mut all = client.batch(owned(&client, 9)).concurrency(3).as_completed().in_background();
    runtime.block_on(all.next()).unwrap().1.unwrap();
    runtime.abort_tasks();
    assert_eq!(runtime.block_on(all.count()), 8);

    let runtime = ManualRuntime::new();
    let mock = MockTransport::always(Reply::ok());
    let client = self::client(&mock, &runtime);
    let all = client.batch(owned(&client, 9)).stream().in_background();
    // Nobody runs the tasks of a `ManualRuntime` here.
    assert_eq!(futures_executor::block_on(all.count()), 9);
}

/// With a thread of its own where there is no executor that runs tasks.
#[test]
fn it_works_on_any_executor() {
    let client = over(MockTransport::always(Reply::ok())).build().unwrap();
    for concurrency in [1, 3, usize::MAX] {
        let all = client.batch(owned(&client, 1000)).concurrency(concurrency);
        let all = futures_executor::block_on(all.stream().in_background().collect::<Vec<_>>());
        assert_eq!(kinds(&all), ["Ok"; 1000]);
    }
}

#[test]
fn what_panics_in_the_task_panics_where_it_is_read() {
    let runtime = ManualRuntime::new();
    let client = client(&slow(&runtime), &runtime);
    let handler = |response: Response| async move {
        assert!(response.url().path() != "/v1/1/200", "the handler's own words");
        Ok(())
    };
    let mut all =
        client.batch(owned(&client, 9)).concurrency(1).map(handler).as_completed().in_background();
    assert!(runtime.block_on(all.next()).unwrap().1.is_ok());
    // The task meets it, and goes on living.
    runtime.block_on(runtime.sleep(5 * SECOND));
    let panic = catch_unwind(AssertUnwindSafe(|| all.next().now_or_never())).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"the handler's own words"));
    assert!(all.next().now_or_never().unwrap().is_none(), "it is over, and nothing hangs");
}

#[test]
fn calls_that_a_task_begins_are_children_of_the_span_it_is_read_in() {
    let runtime = ManualRuntime::new();
    let client = client(&slow(&runtime), &runtime);
    let parents = crate::support::whole::parents_of_calls(|| {
        let mut all = client.batch(owned(&client, 6)).concurrency(2).as_completed().in_background();
        let span = tracing::info_span!("reader");
        let first = tracing::Instrument::instrument(all.next(), span);
        runtime.block_on(first).unwrap().1.unwrap();
        runtime.block_on(runtime.sleep(5 * SECOND));
    });
    assert_eq!(parents, vec![Some("reader"); 3]);
}

/// Reader and task on threads of their own, each going on at any moment: nothing is lost, and nobody waits for ever.
#[test]
fn on_several_threads_every_result_comes_once_and_in_order() {
    let threads =
        tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build();
    let hanging = Duration::from_secs(60);
    let test = async {
        for concurrency in [1, 2, 7] {
            let transport = |request: Request| async move {
                for _ in 0..request.url().path().len() % 3 {
                    tokio::task::yield_now().await;
                }
                Ok(http::Response::new(Body::from(request.url().path().to_owned())))
            };
            let client = over(transport).build().unwrap();
            let batch = client.batch(owned(&client, 2000)).concurrency(concurrency);
            let mut stream = batch.stream().in_background();
            for index in 0..2000 {
                let body = stream.next().await.unwrap().unwrap().bytes().await.unwrap();
                assert_eq!(body, format!("/v1/{index}/200"));
                if index % 5 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            assert!(stream.next().await.is_none());
        }
    };
    threads
        .unwrap()
        .block_on(async { tokio::time::timeout(hanging, test).await.expect("it hangs") });
}
