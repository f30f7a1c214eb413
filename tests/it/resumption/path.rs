//! A resumption goes the way of every attempt, and serves every way of reading.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{AsyncReadExt, TryStreamExt, stream};
use midil_http::{Bulkhead, HttpClient, Next, Progress, Request, Response};

use super::*;
use crate::support::whole::TempFile;
use crate::support::{Log, Tokens};

/// Reads a download that breaks off once.
fn read<T, F>(read: impl FnOnce(Response) -> F) -> T
where
    F: Future<Output = T>,
{
    let runtime = ManualRuntime::new();
    let mock = MockTransport::sequence([begun("hello"), rest(5)]);
    let client = client(&mock, &runtime).build().unwrap();
    let value = runtime
        .block_on(async { read(client.get("/a").resumable(true).send().await.unwrap()).await });
    mock.verify();
    value
}

#[test]
fn every_way_of_reading_goes_on() {
    assert_eq!(read(Response::bytes).unwrap(), HELLO);
    assert_eq!(read(Response::text).unwrap(), HELLO);
    let chunks = read(|response| response.stream().try_collect::<Vec<_>>()).unwrap();
    assert_eq!(chunks.concat(), HELLO.as_bytes());
    let text = read(|response| async move {
        let mut text = String::new();
        response.reader().read_to_string(&mut text).await.map(|_| text)
    });
    assert_eq!(text.unwrap(), HELLO);
    let file = TempFile::new(b"");
    assert_eq!(read(|response| response.save(&file)).unwrap(), 12);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), HELLO);
    let body = read(|response| async move { response.into_http().into_body().collect(64).await });
    assert_eq!(body.unwrap(), HELLO);

    let runtime = ManualRuntime::new();
    let part = |status, range: &'static str| tagged(status).header("content-range", range);
    let mock = MockTransport::sequence([
        tagged(200).header("content-length", "8").body(torn("[\"A")),
        part(206, "bytes 3-7/8").body("da\"] "),
    ]);
    let client = client(&mock, &runtime).build().unwrap();
    let names: Vec<String> = runtime
        .block_on(async { client.get("/a").resumable(true).send().await?.json().await })
        .unwrap();
    assert_eq!(names, ["Ada"]);
}

#[test]
fn progress_goes_on_and_knows_the_total() {
    let seen = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&seen);
    read(|response| {
        let response = response.on_progress(move |progress: Progress| {
            assert_eq!(progress.total(), Some(12));
            assert!(told.fetch_max(progress.transferred(), Ordering::Relaxed) <= 12);
        });
        response.bytes()
    })
    .unwrap();
    assert_eq!(seen.load(Ordering::Relaxed), 12);
}

#[test]
fn credentials_are_fresh_and_replayed_once() {
    let (runtime, tokens) = (ManualRuntime::new(), Tokens::default());
    let unauthorized = Reply::status(401);
    let mock = MockTransport::sequence([begun("hello"), unauthorized, rest(5)]);
    let client = client(&mock, &runtime).auth(tokens.clone()).build().unwrap();
    let text = runtime
        .block_on(async { client.get("/a").resumable(true).send().await?.text().await })
        .unwrap();
    assert_eq!((text.as_str(), tokens.rejected()), (HELLO, vec!["2".to_owned()]));
    let sent: Vec<_> = mock
        .requests()
        .iter()
        .map(|request| request.headers()["authorization"].to_str().unwrap().to_owned())
        .collect();
    assert_eq!(sent, ["Bearer t1", "Bearer t2", "Bearer t3"]);
    assert_eq!(asked(&mock.requests()[2]), (Some("bytes=5-"), Some(TAG)), "the replay is one, too");
}

#[test]
fn the_one_replay_of_a_call_is_the_one() {
    let (runtime, tokens) = (ManualRuntime::new(), Tokens::default());
    let no = || Reply::status(401);
    let mock = MockTransport::sequence([no(), begun("hello"), no()]);
    let client = client(&mock, &runtime).auth(tokens.clone()).build().unwrap();
    let outcome =
        runtime.block_on(async { client.get("/a").resumable(true).send().await?.text().await });
    assert!(not_resumed(outcome).contains("status 401"));
}

#[test]
fn it_goes_on_at_the_url_that_answered() {
    let (runtime, tokens) = (ManualRuntime::new(), Tokens::default());
    let moved = Reply::status(302).header("location", "https://files.test/a?signature=x");
    let mock = MockTransport::sequence([moved, begun("hello"), rest(5)]);
    let client = client(&mock, &runtime)
        .auth(tokens)
        .header("x-base", "1")
        .allow_origin("https://files.test")
        .build()
        .unwrap();
    let text = runtime
        .block_on(async { client.get("/a").resumable(true).send().await?.text().await })
        .unwrap();
    assert_eq!(text, HELLO);
    let requests = mock.requests();
    assert_eq!(requests[2].url(), requests[1].url());
    assert!(requests[0].headers().contains_key("authorization"));
    for request in &requests[1..] {
        assert!(!request.headers().contains_key("authorization"), "it is another origin");
        assert!(!request.headers().contains_key("x-base"), "it is another origin");
    }
}

#[test]
fn attempt_middleware_sees_it_and_call_middleware_does_not() {
    let (runtime, log) = (ManualRuntime::new(), Log::default());
    let (calls, attempts) = (log.clone(), log.clone());
    let mock = MockTransport::sequence([begun("hello"), rest(5)]);
    let client = client(&mock, &runtime)
        .middleware(midil_http::middleware_fn(move |request: Request, next: Next<'_>| {
            calls.note("call");
            Box::pin(next.run(request))
        }))
        .attempt_middleware(midil_http::middleware_fn(move |request: Request, next: Next<'_>| {
            attempts.note(format!("attempt {:?}", request.headers().get("range")));
            Box::pin(next.run(request))
        }))
        .build()
        .unwrap();
    let read = async { client.get("/a").resumable(true).send().await?.text().await };
    assert_eq!(runtime.block_on(read).unwrap(), HELLO);
    assert_eq!(log.lines(), ["call", "attempt None", "attempt Some(\"bytes=5-\")"]);
}

#[test]
fn what_broke_off_gives_up_its_place_first() {
    let (runtime, bulkhead) = (ManualRuntime::new(), Bulkhead::new(1));
    let mock = MockTransport::sequence([begun("hello"), rest(5)]);
    let client = client(&mock, &runtime).attempt_middleware(bulkhead.clone()).build().unwrap();
    let read = async {
        let mut response = client.get("/a").resumable(true).send().await?;
        response.chunk().await?;
        assert_eq!(bulkhead.state("https://api.test").in_flight, 1);
        response.text().await
    };
    assert_eq!(runtime.block_on(read).unwrap(), ", world");
    assert_eq!(bulkhead.state("https://api.test").in_flight, 0);
    assert_eq!(runtime.elapsed(), SECOND, "it did not wait for itself");
}

#[test]
fn the_client_may_be_gone() {
    let runtime = ManualRuntime::new();
    let mock = MockTransport::sequence([begun("hello"), rest(5)]);
    let send = async |client: HttpClient| client.get("/a").resumable(true).send().await;
    let response = runtime.block_on(send(client(&mock, &runtime).build().unwrap())).unwrap();
    assert_eq!(runtime.block_on(response.text()).unwrap(), HELLO);
}

#[cfg(feature = "cookies")]
#[test]
fn cookies_go_along_and_are_learned() {
    let (runtime, jar) = (ManualRuntime::new(), midil_http::CookieJar::new());
    let mock = MockTransport::sequence([
        begun("hello").header("set-cookie", "a=1"),
        rest(5).header("set-cookie", "b=2"),
    ]);
    let client = client(&mock, &runtime).cookie_jar(jar).build().unwrap();
    let read = async { client.get("/a").resumable(true).send().await?.text().await };
    assert_eq!(runtime.block_on(read).unwrap(), HELLO);
    assert_eq!(mock.requests()[1].headers()["cookie"], "a=1");
}

#[test]
fn a_body_that_was_sent_and_is_gone_cannot_be_sent_again() {
    let once = || Body::stream(stream::iter([Ok::<_, Error>("query")]));
    let (outcome, _) = download_by([begun("hello")], |request| request.body(once()));
    assert!(is_reset(&outcome));
    let (text, requests) = download_by([begun("hello"), rest(5)], |request| request.body("query"));
    assert_eq!(text.unwrap(), HELLO);
    assert_eq!(requests[1].text(), "query");
}

/// A client without a base URL has its headers for where a call begins, and for nowhere that it is sent on to.
#[test]
fn the_headers_of_a_client_without_a_base_stay_behind_for_the_rest_as_well() {
    let runtime = ManualRuntime::new();
    let moved = Reply::status(302).header("location", "https://files.test/a");
    let mock = MockTransport::sequence([moved, begun("hello"), rest(5)]);
    let client = HttpClient::builder(mock.clone())
        .runtime(runtime.clone())
        .retry(every_second().build().unwrap())
        .redirect(midil_http::Redirect::any())
        .header("x-base", "1")
        .build()
        .unwrap();
    let request = client.get("https://api.test/a").resumable(true);
    let text = runtime.block_on(async { request.send().await?.text().await }).unwrap();
    assert_eq!(text, HELLO);
    let has_base = |request: &RecordedRequest| request.headers().contains_key("x-base");
    assert_eq!(mock.requests().iter().map(has_base).collect::<Vec<_>>(), [true, false, false]);
}
