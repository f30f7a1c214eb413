//! Ten thousand of each, over real sockets: the items of many pages, and the requests of a batch of which one in a hundred fails.
//!
//! A program of its own, for it measures the memory of the whole process.
#![cfg(all(target_os = "linux", feature = "reqwest"))]

mod measure;

use std::sync::Arc;

use futures_util::TryStreamExt;
use midil_http::{Error, HttpClient, PageNumber, ReqwestTransport, Response, Transport};
use midil_http_test::fault_server::{Cut, FaultServer, Received, Reply};

use measure::{MIB, memory, reset_peak};

const COUNT: usize = 10_000;
/// Of 10 KiB each, so that a page has 1 MiB and all have 100 MiB.
const ITEMS_PER_PAGE: usize = 100;
const ITEM: usize = 10 * 1024;

/// Notes how much the process has grown meanwhile; fails when it is 16 MiB or more.
async fn flat<T>(what: &str, job: impl Future<Output = T>) -> T {
    reset_peak();
    let before = memory("VmRSS");
    let result = job.await;
    let grown = memory("VmHWM").saturating_sub(before);
    eprintln!("{what}: {} KiB", grown / 1024);
    assert!(grown < 16 * MIB, "{what}: {} KiB", grown / 1024);
    result
}

/// An item: its number, and then what makes it long.
fn item(number: usize) -> String {
    format!("{number:0>width$}", width = ITEM)
}

/// Serves all items in pages, one number after the other.
fn pages(request: &Received) -> Reply {
    let page = request.target().rsplit_once("page=").map_or(Ok(1), |(_, page)| page.parse());
    let start = (page.unwrap_or(1_usize) - 1) * ITEMS_PER_PAGE;
    let end = (start + ITEMS_PER_PAGE).min(COUNT);
    let items: Vec<_> = (start..end).map(|number| format!("\"{}\"", item(number))).collect();
    Reply::ok(format!("[{}]", items.join(",")))
}

async fn ten_thousand_items(backend: &str, transport: &Arc<dyn Transport>) -> Result<(), Error> {
    let server = FaultServer::respond_with(pages).keep_requests(0);
    let client = HttpClient::builder(Arc::clone(transport)).base_url(server.url()).build()?;
    for prefetch in [false, true] {
        let all = || client.paginate(client.get("/items")).by(PageNumber::new("page"));
        let all = || all().prefetch(prefetch);
        // Whatever is made once is made.
        all().max_pages(3).pages().try_collect::<Vec<_>>().await?;
        let before = server.request_count();
        let read = async {
            let mut items = all().items::<String>();
            let mut count = 0;
            while let Some(text) = items.try_next().await? {
                assert_eq!(text, item(count));
                count += 1;
            }
            Ok::<_, Error>(count)
        };
        let what = format!("{backend}: items of pages{}", if prefetch { ", ahead" } else { "" });
        assert_eq!(flat(&what, read).await?, COUNT);
        // The last is the empty one.
        assert_eq!(server.request_count() - before, COUNT / ITEMS_PER_PAGE + 1);
    }
    Ok(())
}

/// One in a hundred fails: half of them by a status, half by a body that breaks off.
fn number_or_failure(request: &Received) -> Reply {
    let number = request.target().trim_start_matches('/').parse::<usize>().unwrap_or_default();
    match number % 200 {
        7 => Reply::status(500),
        107 => Reply::ok(item(number)).cut_body_after(ITEM / 2, Cut::Close),
        _ => Reply::ok(item(number)),
    }
}

fn check<T>(results: Vec<Result<T, Error>>, is: impl Fn(usize, T) -> bool) {
    assert_eq!(results.len(), COUNT);
    let mut failed = 0;
    for (number, result) in results.into_iter().enumerate() {
        match (number % 200, result) {
            (7, Err(Error::Status(_))) | (107, Err(Error::Transport(_))) => failed += 1,
            (7 | 107, _) => panic!("{number} has not failed as it should"),
            (_, Ok(result)) => assert!(is(number, result), "{number} is another's"),
            (_, Err(error)) => panic!("{number}: {error:?}"),
        }
    }
    assert_eq!(failed, COUNT / 100);
}

async fn ten_thousand_requests(backend: &str, transport: &Arc<dyn Transport>) -> Result<(), Error> {
    let server = FaultServer::respond_with(number_or_failure).keep_requests(0);
    let client = HttpClient::builder(Arc::clone(transport)).base_url(server.url()).build()?;
    let requests = || (0..COUNT).map(|number| client.get(format!("/{number}")).raise_for_status());
    // Made into numbers as they come, they take no room.
    let parse = |response: Response| async {
        let text = response.text().await?;
        text.parse::<usize>().map_err(Error::custom)
    };
    client.batch(requests().take(100)).map(parse).await;
    let batch = client.batch(requests()).map(parse);
    let results = flat(&format!("{backend}: a batch"), batch.send()).await;
    check(results, |number, result| number == result);
    Ok(())
}

/// As they are, the responses are all there, with their bodies: 100 MiB.
async fn ten_thousand_responses(transport: &Arc<dyn Transport>) -> Result<(), Error> {
    let server = FaultServer::respond_with(number_or_failure).keep_requests(0);
    let client = HttpClient::builder(Arc::clone(transport)).base_url(server.url()).build()?;
    let requests = (0..COUNT).map(|number| client.get(format!("/{number}")).raise_for_status());
    let results = client.batch(requests).concurrency(4).await;
    check(results, |number, response| response.url().path() == format!("/{number}"));
    Ok(())
}

// One after the other, for they share the process.
#[tokio::test]
async fn ten_thousand_items_of_pages_and_ten_thousand_requests_of_a_batch() {
    let reqwest: Arc<dyn Transport> = Arc::new(ReqwestTransport::try_new().unwrap());
    ten_thousand_items("reqwest", &reqwest).await.unwrap();
    ten_thousand_requests("reqwest", &reqwest).await.unwrap();
    #[cfg(feature = "hyper")]
    {
        let hyper = midil_http::HyperTransport::try_new().unwrap();
        let hyper: Arc<dyn Transport> = Arc::new(hyper);
        ten_thousand_items("hyper", &hyper).await.unwrap();
        ten_thousand_requests("hyper", &hyper).await.unwrap();
    }
    // At the end, for what it takes may stay with the process.
    ten_thousand_responses(&reqwest).await.unwrap();
}
