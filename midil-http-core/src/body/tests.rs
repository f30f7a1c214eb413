use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
#[cfg(any(feature = "fs", feature = "tokio"))]
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use http_body::Body as _;

use super::*;
use crate::{DefaultRuntime, Runtime, Sent, TransportErrorKind};

fn chunks(
    parts: &[&'static str],
) -> impl Stream<Item = Result<&'static str, std::io::Error>> + Send + use<> {
    stream::iter(parts.to_vec()).map(Ok)
}

fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing to wait for")
}

fn read(body: Body) -> Result<Bytes, Error> {
    now(body.collect(u64::MAX))
}

fn runtime() -> Arc<dyn Runtime> {
    Arc::new(DefaultRuntime::new())
}

#[test]
fn the_four_kinds_and_what_can_be_sent_again() {
    let file = Body::replayable(None, || chunks(&["a", "b"]));
    for (body, again) in [
        (Body::empty(), true),
        (Body::from("ab"), true),
        (file, true),
        (Body::stream(chunks(&["ab"])), false),
        (Body::wrap(Body::from("ab")), false),
    ] {
        assert_eq!(body.try_clone().is_some(), again, "{body:?}");
    }
}

#[test]
fn a_replayable_body_asks_its_factory_for_each_copy_and_only_when_read() {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let mut body = Body::replayable(Some(2), move || {
        count.fetch_add(1, Ordering::Relaxed);
        chunks(&["a", "b"])
    });
    let copy = body.try_clone().unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert_eq!(now(body.chunk()).unwrap().unwrap(), "a");
    let late_copy = body.try_clone().unwrap();
    for copy in [copy, late_copy] {
        assert_eq!(copy.length(), Some(2));
        assert_eq!(read(copy).unwrap(), "ab");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[test]
fn a_stream_is_lent_until_somebody_reads() {
    let mut original = Body::stream_with_length(chunks(&["ab", "c"]), 3);
    original.prepare();
    let untouched = original.lend().unwrap();
    assert_eq!(untouched.length(), Some(3), "the length is known without reading");
    drop(untouched);
    assert!(original.is_whole());
    let mut first = original.lend().unwrap();
    let mut rival = original.lend().unwrap();
    assert_eq!(now(first.chunk()).unwrap().unwrap(), "ab");
    assert!(!original.is_whole());
    assert!(original.lend().is_none());
    assert!(matches!(now(rival.chunk()), Err(Error::Body(_))), "a stream is never read by two");
    assert_eq!(read(first).unwrap(), "c");
}

#[test]
fn a_stream_is_held_to_its_announced_length() {
    for parts in [&["ab"][..], &["ab", "cd"][..]] {
        let error = read(Body::stream_with_length(chunks(parts), 3)).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.starts_with("the body was announced with 3 bytes and has"), "{cause}");
    }
}

/// hyper and others read no further than that.
#[test]
fn who_reads_no_more_than_was_announced_sees_that_there_is_more() {
    let as_announced = |parts| {
        let mut body = Body::stream_with_length(chunks(parts), 3);
        now(async move {
            while body.size_hint().exact() != Some(0) {
                body.chunk().await?;
            }
            Ok::<_, Error>(body.is_end_stream())
        })
    };
    assert!(as_announced(&["", "ab", "c", ""]).unwrap(), "and that there is not");
    assert!(matches!(as_announced(&["abc", "d"]), Err(Error::Body(_))));
    assert!(matches!(as_announced(&["ab", "c", "", "d"]), Err(Error::Body(_))));
}

#[test]
fn a_stream_that_fails_is_a_body_error() {
    let failing = stream::iter([Ok("ab"), Err(std::io::Error::other("unplugged"))]);
    let error = read(Body::stream(failing)).unwrap_err();
    assert!(matches!(error, Error::Body(_)));
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "unplugged");
}

#[test]
fn collecting_stops_at_the_limit() {
    let body = || Body::stream(chunks(&["ab", "cd", "e"]));
    assert_eq!(now(body().collect(5)).unwrap(), "abcde");
    for limit in 0..5 {
        let error = now(body().collect(limit)).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "max_response_bytes: the body has more than {limit} bytes: raise max_response_bytes, or stream the body"
            )
        );
    }
}

#[test]
fn an_upload_goes_out_in_small_pieces_and_keeps_its_length() {
    let large = Bytes::from(vec![7; 200 * 1024]);
    let (mut body, upload) = Upload::watch(large.clone().into(), &runtime());
    assert_eq!(body.length(), Some(200 * 1024));
    let mut sizes = Vec::new();
    while let Some(chunk) = now(body.chunk()).unwrap() {
        sizes.push(chunk.len());
    }
    assert_eq!(sizes, [65_536, 65_536, 65_536, 8_192]);
    assert!(body.is_end_stream() && upload.unwrap().is_ended());
    assert!(
        Upload::watch("small".into(), &runtime()).1.is_none(),
        "what goes out in one piece is not watched"
    );
}

#[test]
fn an_upload_keeps_what_the_callers_stream_failed_with() {
    let failing = stream::iter([Ok("ab"), Err(std::io::Error::other("unplugged"))]);
    let (body, upload) = Upload::watch(Body::stream(failing), &runtime());
    drop(read(body).unwrap_err());
    let failure = upload.unwrap().take_failure().unwrap();
    assert_eq!(std::error::Error::source(&failure).unwrap().to_string(), "unplugged");
}

#[test]
fn a_response_body_shorter_than_announced_is_an_error() {
    let short = Body::from("abc").watched(Watch::new(runtime(), None, None, None), Some(5));
    let Err(Error::Transport(error)) = read(short) else { panic!("silently short") };
    assert_eq!((error.kind(), error.sent()), (TransportErrorKind::Closed, Sent::Maybe));
    let whole = Body::from("abc").watched(Watch::new(runtime(), None, None, None), Some(3));
    assert_eq!(read(whole).unwrap(), "abc");
}

#[test]
fn a_body_whose_start_was_looked_at_is_all_there() {
    let peeked = now(Peeked::at(Body::stream_with_length(chunks(&["ab", "cd", "e"]), 5), 3));
    assert_eq!(peeked.start(3), "abc");
    let body = peeked.into_body();
    assert_eq!((body.length(), body.is_end_stream()), (Some(5), false));
    assert_eq!(read(body).unwrap(), "abcde");

    // One that breaks off does so again; nobody knows how long it is.
    let failing = stream::iter([Ok("ab"), Err(std::io::Error::other("unplugged"))]);
    let mut body = now(Peeked::at(Body::stream_with_length(failing, 5), 3)).into_body();
    assert_eq!(body.length(), None);
    assert_eq!(now(body.chunk()).unwrap().unwrap(), "ab");
    assert!(matches!(now(body.chunk()), Err(Error::Body(_))));
}

#[test]
fn a_buffered_body_is_whole_or_says_where_it_was_cut() {
    assert_eq!(read(now(buffer(Body::from("abc"), &DefaultRuntime, BUFFER_TIME))).unwrap(), "abc");

    let large = Body::from(vec![7; 64 * 1024 + 1]);
    let mut cut = now(buffer(large, &DefaultRuntime, BUFFER_TIME));
    assert_eq!(now(cut.chunk()).unwrap().unwrap().len(), 64 * 1024);
    let error = now(cut.chunk()).unwrap_err().to_string();
    assert!(
        error.starts_with("the body of the last response has more than 64 KiB and was cut"),
        "{error}"
    );

    let exactly = Body::from(vec![7; 64 * 1024]);
    assert_eq!(read(now(buffer(exactly, &DefaultRuntime, BUFFER_TIME))).unwrap().len(), 64 * 1024);
}

#[cfg(feature = "tokio")]
#[tokio::test(start_paused = true)]
async fn draining_and_buffering_do_not_wait_for_a_slow_peer() {
    let stalled = || Body::stream(chunks(&["ab"]).chain(stream::pending()));
    let start = tokio::time::Instant::now();
    drain(stalled(), &DefaultRuntime).await;
    assert_eq!(start.elapsed(), Duration::from_millis(100));
    let mut cut = buffer(stalled(), &DefaultRuntime, BUFFER_TIME).await;
    assert_eq!(start.elapsed(), Duration::from_millis(1100));
    assert_eq!(cut.chunk().await.unwrap().unwrap(), "ab");
    let error = cut.chunk().await.unwrap_err().to_string();
    assert!(error.starts_with("the body of the last response did not arrive within 1s"), "{error}");
}

#[cfg(feature = "fs")]
#[test]
fn a_file_that_cannot_be_read_is_named() {
    let missing = std::env::temp_dir().join("midil-http-no-such-file");
    let folder = std::env::temp_dir();
    for (path, problem) in [(&missing, "cannot be read"), (&folder, "is no regular file")] {
        let (sender, receiver) = std::sync::mpsc::channel();
        let path = path.clone();
        let shown = path.display().to_string();
        DefaultRuntime.spawn(Box::pin(async move { sender.send(Body::file(path).await).unwrap() }));
        let error = receiver.recv_timeout(Duration::from_secs(10)).unwrap().unwrap_err();
        assert!(matches!(error, Error::Build(_)));
        assert!(error.to_string().starts_with(&format!("file {shown} {problem}")), "{error}");
    }
}
