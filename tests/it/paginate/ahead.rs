//! A page ahead: what is fetched, dropped, and told where.

use std::panic::{AssertUnwindSafe, catch_unwind};

use midil_http_test::fault_server::Gate;

use super::*;
use crate::support::whole::{parents_of_calls, until, until_left};

#[test]
fn items_that_nobody_wants_are_not_fetched_ahead() {
    for (wanted, requests) in [(0_u64, 0), (1, 1), (3, 1), (4, 2), (6, 2), (7, 3)] {
        let runtime = ManualRuntime::new();
        let mock = MockTransport::always(Reply::from_fn(|request: &RecordedRequest| {
            let number = request.url().query().map_or(0, str::len);
            let page = http::Response::builder()
                .header("link", format!("<?{}>; rel=next", "x".repeat(number + 1)));
            Ok(page.body(Body::from("[1,2,3]")).unwrap())
        }));
        let client = over(mock.clone()).runtime(runtime.clone()).build().unwrap();
        let all = client.paginate(client.get("/")).prefetch(true).max_items(wanted);
        let mut all = all.items::<u64>();
        let had = runtime.block_on(all.by_ref().count());
        runtime.block_on(runtime.sleep(Duration::from_secs(9)));
        assert_eq!((u64::try_from(had), mock.request_count()), (Ok(wanted), requests));
        // What was had of a page already does not count anew.
        let Some(cursor) = all.cursor().filter(|cursor| cursor.skip() > 0) else { continue };
        let before = mock.request_count();
        let rest = client.paginate(client.get("/")).prefetch(true).max_items(3).resume(cursor);
        assert_eq!(runtime.block_on(rest.items::<u64>().count()), 3);
        assert_eq!(mock.request_count() - before, 2);
    }
}

#[test]
fn a_page_ahead_that_is_dropped_midway_is_aborted() {
    on_the_wire(async {
        let gate = Gate::new();
        let held = gate.clone();
        let server = FaultServer::respond_with(move |request: &Received| match request.target() {
            "/" => WireReply::ok("[1]").header("link", "</?2>; rel=next"),
            _ => WireReply::ok("[2,3]").hold_body_after(2, &held),
        });
        let runtime = ManualRuntime::new();
        let tasks = tokio::spawn(runtime.run_tasks());
        let client = of(&server).runtime(runtime.clone()).build().unwrap();
        let mut pages = client.paginate(client.get("/")).prefetch(true).pages();
        pages.next().await.unwrap().unwrap();
        until(|| server.request_count() == 2).await;
        drop((pages, client));
        until(|| runtime.tasks() == 0).await;
        until_left(&server).await;
        gate.open();
        tasks.abort();
    });
}

/// Pages that were whole come first, and the stream stands where the error was.
#[test]
fn an_error_ahead_comes_after_the_pages_before_it() {
    let runtime = ManualRuntime::new();
    let page = |next: &str| Reply::ok().body("[1]").header("link", format!("<?{next}>; rel=next"));
    let mock = MockTransport::sequence([page("b"), page("c"), Reply::status(500)]);
    let client = over(mock.clone()).runtime(runtime.clone()).build().unwrap();
    let mut pages = client.paginate(client.get("/")).prefetch(true).pages();
    for (number, next) in [(1, "b"), (2, "c")] {
        let page = runtime.block_on(pages.next()).unwrap().unwrap();
        // The error is there already when the second page is handed over.
        runtime.block_on(runtime.sleep(Duration::from_secs(9)));
        let url = format!("https://api.test/v1/?{next}");
        assert_eq!((page.number(), page.next().and_then(PageCursor::url)), (number, Some(&*url)));
        assert_eq!(pages.cursor().and_then(PageCursor::url), Some(&*url));
    }
    let error = runtime.block_on(pages.next()).unwrap().unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::INTERNAL_SERVER_ERROR));
    assert_eq!(pages.cursor().and_then(PageCursor::url), Some("https://api.test/v1/?c"));
    assert!(runtime.block_on(pages.next()).is_none());
    assert_eq!((mock.request_count(), runtime.tasks()), (3, 0));
}

#[test]
fn a_strategy_that_panics_panics_where_the_stream_is_read() {
    for prefetch in [false, true] {
        let runtime = ManualRuntime::new();
        let mock = MockTransport::always(Reply::ok().body("[1]"));
        let client = over(mock.clone()).runtime(runtime.clone()).build().unwrap();
        let by = |page: &Page| -> Result<Option<PageCursor>, Error> {
            assert!(page.number() == 1, "the strategy's own words");
            Ok(Some(PageCursor::new().with_query("page", "2")))
        };
        let mut pages = client.paginate(client.get("/")).by(by).prefetch(prefetch).pages();
        runtime.block_on(pages.next()).unwrap().unwrap();
        runtime.block_on(runtime.sleep(Duration::from_secs(9)));
        let panic = catch_unwind(AssertUnwindSafe(|| runtime.block_on(pages.next()))).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"the strategy's own words"));
        if prefetch {
            assert!(runtime.block_on(pages.next()).is_none());
        }
    }
}

#[test]
fn pages_ahead_are_children_of_the_span_they_are_read_in() {
    let runtime = ManualRuntime::new();
    let client = over(numbers(7)).runtime(runtime.clone()).build().unwrap();
    let parents = parents_of_calls(|| {
        let items = client.paginate(client.get("/numbers")).items_at("/items").prefetch(true);
        let span = tracing::info_span!("reader");
        let all = tracing::Instrument::instrument(items.items::<u64>().count(), span);
        assert_eq!(runtime.block_on(all), 7);
    });
    assert_eq!(parents, vec![Some("reader"); 4]);
}

#[test]
fn what_a_closed_client_has_left_of_its_pages_is_closed() {
    for prefetch in [false, true] {
        let runtime = ManualRuntime::new();
        let page = || Reply::ok().body("[1]").header("link", "<?b>; rel=next");
        let mock = MockTransport::sequence([page(), Reply::pending()]);
        let client = over(mock.clone()).runtime(runtime.clone()).build().unwrap();
        let mut items = client.paginate(client.get("/")).prefetch(prefetch).items::<u64>();
        runtime.block_on(items.next()).unwrap().unwrap();
        let (next, report) = runtime.block_on(async {
            let close = async {
                runtime.sleep(Duration::from_secs(1)).await;
                client.close_within(Duration::from_secs(5)).await
            };
            futures_util::join!(items.next(), close)
        });
        assert!(matches!(next, Some(Err(Error::Closed))), "{next:?}");
        assert_eq!(report.dropped().len(), 1);
        // It says where to go on, with another client.
        assert_eq!(items.cursor().unwrap().url(), Some("https://api.test/v1/?b"));
        assert!(runtime.block_on(items.next()).is_none());
        assert_eq!(runtime.tasks(), 0);
    }
}
