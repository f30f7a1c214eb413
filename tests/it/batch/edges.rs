//! Batches at their limits: closed, without an end, and with closures that panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use midil_http::Runtime;

use super::*;

/// Two fail in the same moment; what is there already is looked at before anything begins.
#[test]
fn nothing_begins_after_the_last_failure_that_there_may_be() {
    let runtime = ManualRuntime::new();
    let mock = slow(&runtime);
    let client = client(&mock, &runtime);
    let failing = || (0..100).map(|_| client.get("/x/404").raise_for_status());
    for concurrency in [1, 2, 10] {
        let before = mock.request_count();
        let all = client.batch(failing()).concurrency(concurrency);
        let results = runtime.block_on(all.stop_after_failures(concurrency).send());
        assert_eq!(kinds(&results), vec!["Status"; concurrency]);
        assert_eq!(mock.request_count() - before, concurrency);
    }
}

#[test]
fn an_iterator_without_an_end_keeps_no_thread_to_itself() {
    let client = over(MockTransport::always(Reply::ok())).build().unwrap();
    let endless = || std::iter::repeat_with(|| client.get("/"));
    for concurrency in [1, 100, usize::MAX] {
        let all = client.batch(endless()).concurrency(concurrency);
        let some = futures_executor::block_on(all.stream().take(300).collect::<Vec<_>>());
        assert_eq!(kinds(&some), ["Ok"; 300]);
    }
    // Settings that cannot be have no end either.
    let wrong = client.batch(endless()).concurrency(0).as_completed().take(3);
    assert_eq!(futures_executor::block_on(wrong.count()), 3);
}

/// What is drawn in a poll is bounded, whatever may be in flight; nothing is lost by it.
#[test]
fn however_many_begin_others_have_their_turn() {
    let runtime = ManualRuntime::new();
    let client = client(&slow(&runtime), &runtime);
    let drawn = AtomicUsize::new(0);
    let requests = (0..1000).map(|index| {
        drawn.fetch_add(1, Ordering::Relaxed);
        client.get(format!("/{index}/200"))
    });
    let mut batch = Box::pin(client.batch(requests).concurrency(usize::MAX).send());
    assert!((&mut batch).now_or_never().is_none());
    let first = drawn.load(Ordering::Relaxed);
    assert!((1..1000).contains(&first), "{first}");
    assert_eq!(kinds(&runtime.block_on(batch)), ["Ok"; 1000]);
    assert_eq!(runtime.elapsed(), SECOND);
}

#[test]
fn what_a_closed_client_has_left_of_a_batch_comes_to_closed() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::new();
    for index in 0..2 {
        mock.on(http::Method::GET, &format!("/v1/{index}/200"))
            .reply(Reply::ok().delayed(SECOND, runtime.clone()));
    }
    mock.on(http::Method::GET, "/v1/2/200").reply(Reply::pending());
    mock.reply_always(Reply::ok());
    let client = over(mock.clone()).runtime(runtime.clone()).timeout(60 * SECOND).build().unwrap();
    let (results, report) = runtime.block_on(async {
        let batch = client.batch(gets(&client, 1000)).concurrency(3).send();
        let close = async {
            runtime.sleep(SECOND / 2).await;
            client.close_within(5 * SECOND).await
        };
        futures_util::join!(batch, close)
    });
    assert_eq!((results.len(), mock.request_count()), (1000, 3));
    let kinds = kinds(&results);
    assert_eq!(kinds[..2], ["Ok"; 2]);
    assert!(kinds[2..].iter().all(|kind| *kind == "Closed"), "{:?}", &kinds[..10]);
    assert_eq!((report.finished(), report.dropped().len()), (2, 1));
}

/// A stream that nobody polls keeps nobody from closing; what is left of it is told when it is polled.
#[test]
fn a_stream_that_is_not_polled_holds_up_no_close() {
    for in_background in [false, true] {
        let runtime = ManualRuntime::new();
        let mock = MockTransport::new();
        let first = Reply::ok().delayed(SECOND, runtime.clone());
        mock.on(http::Method::GET, "/v1/0/200").reply(first);
        mock.reply_always(Reply::pending());
        let client = client(&mock, &runtime);
        let own = client.clone();
        let requests = (0..10).map(move |index| own.get(format!("/{index}/200")));
        let mut stream = client.batch(requests).concurrency(4).stream();
        if in_background {
            stream = stream.in_background();
        }
        assert!(runtime.block_on(stream.next()).unwrap().is_ok());
        let report = runtime.block_on(client.close_within(5 * SECOND));
        assert!(runtime.elapsed() <= 7 * SECOND, "{:?}", runtime.elapsed());
        assert_eq!(report.dropped().len(), if in_background { 4 } else { 3 });
        let rest: Vec<_> = stream.collect().now_or_never().expect("nothing to wait for");
        assert_eq!(kinds(&rest), ["Closed"; 9]);
    }
}

#[test]
fn a_closure_or_an_iterator_that_panics_panics_where_the_batch_is_awaited_and_ends_it() {
    let runtime = ManualRuntime::new();
    let mock = slow(&runtime);
    let client = client(&mock, &runtime);
    let handler = |response: Response| async move {
        assert!(response.url().path() != "/v1/1/200", "the handler's own words");
        Ok(response.status())
    };
    let words = |outcome: std::thread::Result<()>| {
        *outcome.unwrap_err().downcast::<&str>().expect("its own words")
    };
    let all = client.batch(gets(&client, 9)).concurrency(3).map(handler).send();
    let outcome = catch_unwind(AssertUnwindSafe(|| drop(runtime.block_on(all))));
    assert_eq!((words(outcome), mock.in_flight()), ("the handler's own words", 0));

    let requests = (0..9).map(|index| {
        assert!(index < 4, "the iterator's own words");
        client.get(format!("/{index}/200"))
    });
    let mut stream = client.batch(requests).concurrency(3).stream();
    let outcome =
        catch_unwind(AssertUnwindSafe(|| while runtime.block_on(stream.next()).is_some() {}));
    assert_eq!(words(outcome), "the iterator's own words");
    assert!(stream.next().now_or_never().expect("it does not hang").is_none());

    let observer = |progress: BatchProgress| {
        assert!(progress.done() == 0, "the observer's own words");
    };
    let mut all = client.batch(gets(&client, 9)).on_progress(observer).as_completed();
    let outcome = catch_unwind(AssertUnwindSafe(|| drop(runtime.block_on(all.next()))));
    assert_eq!(words(outcome), "the observer's own words");
    assert!(all.next().now_or_never().expect("it does not hang").is_none());
}

/// At each event the numbers are those of one moment.
#[test]
fn progress_adds_up_at_each_event() {
    let runtime = ManualRuntime::new();
    let client = client(&slow(&runtime), &runtime);
    let mut events = Vec::new();
    let requests = (0..25).map(|index| {
        client.get(format!("/x/{}", if index % 3 == 0 { 404 } else { 200 })).raise_for_status()
    });
    let note = |progress: BatchProgress| events.push(progress);
    let batch = client.batch(requests).concurrency(4).batch_size(7).pause(SECOND).on_progress(note);
    runtime.block_on(batch.send());
    assert_eq!(events.len(), 2 * 25, "one when it begins, one when it is over");
    let mut begun = 0;
    for pair in events.windows(2) {
        let (before, now) = (pair[0], pair[1]);
        let begins = now.done() == before.done();
        assert_eq!(now.done() - before.done(), usize::from(!begins));
        begun = now.done() + now.in_flight();
        assert_eq!(begun, before.done() + before.in_flight() + usize::from(begins));
        assert!(now.failed() <= now.done() && now.in_flight() <= 4);
        assert_eq!(now.total(), Some(25));
    }
    let last = events.last().unwrap();
    assert_eq!((begun, last.done(), last.failed(), last.in_flight()), (25, 25, 9, 0));
}

/// A pause begins when the last of those before it is over, and is one, however often it is asked.
#[test]
fn pauses_are_whole_and_in_their_places() {
    let runtime = ManualRuntime::new();
    let client = client(&slow(&runtime), &runtime);
    let starts = Mutex::new(Vec::new());
    let requests = (0..7).map(|index| {
        starts.lock().unwrap().push(runtime.elapsed().as_secs());
        client.get(format!("/{index}/200"))
    });
    let batch = client.batch(requests).batch_size(3).concurrency(2).pause(10 * SECOND);
    assert_eq!(runtime.block_on(batch.send()).len(), 7);
    // Three: two and one. Whether there is a next one is seen before the pause.
    assert_eq!(*starts.lock().unwrap(), [0, 0, 1, 2, 12, 13, 14]);
    assert_eq!(runtime.elapsed(), 25 * SECOND);
}

/// What is in flight does not go on while nobody polls; but what its servers sent meanwhile is there, and no timeout.
#[test]
fn a_reader_who_takes_its_time_makes_no_timeouts_of_what_has_come() {
    for in_background in [false, true] {
        let runtime = ManualRuntime::new();
        let client = client(&slow(&runtime), &runtime);
        let own = client.clone();
        let requests = (0..6).map(move |index| own.get(format!("/{index}/200")));
        let mut all = client.batch(requests).concurrency(3).as_completed();
        if in_background {
            all = all.in_background();
        }
        let results = runtime.block_on(async {
            let mut results = Vec::new();
            while let Some((_, result)) = all.next().await {
                results.push(result);
                runtime.sleep(120 * SECOND).await;
            }
            results
        });
        assert_eq!(kinds(&results), ["Ok"; 6]);
    }
}
