//! Progress of uploads and downloads: counted anew on each attempt, of known length or not, and in nobody's way.
#![cfg(all(feature = "reqwest", feature = "retry"))]

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use midil_http::{Body, Error, HttpClient, Progress};
use midil_http_test::ManualRuntime;
use midil_http_test::fault_server::{FaultServer, Reply};

use crate::support::whole::{Door, TempFile, by_default, of, on_the_wire};

/// Transferred and total, in their order.
type Steps = Vec<(u64, Option<u64>)>;

/// What an observer was told.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Steps>>);

impl Seen {
    fn observer(&self) -> impl Fn(Progress) + Send + Sync + use<> {
        let seen = self.clone();
        move |progress| {
            seen.0.lock().unwrap().push((progress.transferred(), progress.total()));
        }
    }

    /// Splits what was told where it began anew; checks that it grew in between by at most 64 KiB at once.
    fn attempts(&self) -> Vec<Steps> {
        let mut attempts: Vec<Steps> = Vec::new();
        let mut before = u64::MAX;
        for (transferred, total) in std::mem::take(&mut *self.0.lock().unwrap()) {
            if transferred <= before {
                attempts.push(Vec::new());
                before = 0;
            }
            assert!(transferred - before <= 64 * 1024, "{before} and then {transferred}");
            before = transferred;
            attempts.last_mut().unwrap().push((transferred, total));
        }
        attempts
    }
}

const LENGTH: usize = 1 << 20;

fn pieces() -> impl futures_util::Stream<Item = io::Result<Vec<u8>>> + Send + Sync + Unpin {
    stream::iter((0..4).map(|_| Ok(vec![7; LENGTH / 4])))
}

#[test]
fn an_upload_tells_how_far_it_is_on_each_attempt_anew() {
    on_the_wire(async {
        let whole = u64::try_from(LENGTH).unwrap();
        for door in Door::BOTH {
            let file = TempFile::new(&vec![7; LENGTH]);
            for (what, body, total) in [
                ("bytes", Body::from(vec![7; LENGTH]), Some(whole)),
                ("a file", file.body().await, Some(whole)),
                ("a factory", Body::replayable(None, pieces), None),
            ] {
                let server = FaultServer::start([503, 503, 200].map(Reply::status));
                let client = door.of(server.url(), by_default());
                let seen = Seen::default();
                // The order of the two does not matter.
                let call = client.put("/").on_upload_progress(seen.observer()).body(body);
                assert_eq!(call.send().await.unwrap().status(), 200);
                let attempts = seen.attempts();
                assert_eq!(attempts.len(), 3, "{what}, {door:?}");
                for steps in attempts {
                    assert_eq!(steps.last(), Some(&(whole, total)), "{what}");
                    assert!(steps.iter().all(|(_, each)| *each == total));
                }
                for request in server.requests() {
                    assert_eq!(request.body().len(), LENGTH);
                    let length = total.map(|total| total.to_string());
                    assert_eq!(request.header("content-length"), length.as_deref(), "{what}");
                }
            }
        }
    });
}

#[test]
fn a_stream_under_observation_is_still_one_that_is_sent_once() {
    on_the_wire(async {
        let server = FaultServer::always(Reply::status(503));
        let client = of(&server).retry(by_default()).build().unwrap();
        let seen = Seen::default();
        let call = client.put("/").body(Body::stream(pieces())).on_upload_progress(seen.observer());
        assert_eq!(call.send().await.unwrap().status(), 503);
        assert_eq!((seen.attempts().len(), server.request_count()), (1, 1));
    });
}

#[cfg(feature = "multipart")]
#[test]
fn a_form_tells_of_all_of_it_and_a_part_of_itself() {
    use midil_http::{Form, Part};

    on_the_wire(async {
        let server = FaultServer::always(Reply::ok(""));
        let client = of(&server).build().unwrap();
        let (form_seen, part_seen) = (Seen::default(), Seen::default());
        let observed = Body::from(vec![7; LENGTH]).on_progress(part_seen.observer());
        let form = Form::new().text("a", "b").part("p", Part::body(observed));
        let call = client.put("/").multipart(form).on_upload_progress(form_seen.observer());
        call.send().await.unwrap();
        let sent = u64::try_from(server.requests()[0].body().len()).unwrap();
        assert_eq!(form_seen.attempts()[0].last(), Some(&(sent, Some(sent))));
        let whole = u64::try_from(LENGTH).unwrap();
        assert_eq!(part_seen.attempts()[0].last(), Some(&(whole, Some(whole))));
    });
}

#[test]
fn a_download_tells_how_far_it_is_however_it_is_read() {
    on_the_wire(async {
        let whole = u64::try_from(LENGTH).unwrap();
        let chunks: Vec<_> = (0..4).map(|_| vec![7; LENGTH / 4]).collect();
        for (reply, total) in
            [(Reply::ok(vec![7; LENGTH]), Some(whole)), (Reply::ok("").chunked(chunks), None)]
        {
            let server = FaultServer::always(reply);
            let client = of(&server).build().unwrap();
            for how in ["bytes", "chunk", "save"] {
                let seen = Seen::default();
                let response = client.get("/").send().await.unwrap().on_progress(seen.observer());
                let length = match how {
                    "bytes" => u64::try_from(response.bytes().await.unwrap().len()).unwrap(),
                    "save" => response.save(&TempFile::new(b"")).await.unwrap(),
                    _ => {
                        response
                            .stream()
                            .fold(0, |sum, chunk| async move {
                                sum + u64::try_from(chunk.unwrap().len()).unwrap()
                            })
                            .await
                    }
                };
                assert_eq!(length, whole);
                let attempts = seen.attempts();
                assert_eq!(attempts.len(), 1, "{how}");
                assert_eq!(attempts[0].last(), Some(&(whole, total)), "{how}");
            }
        }
    });
}

#[test]
fn what_breaks_off_was_told_as_far_as_it_came() {
    use midil_http_test::fault_server::Cut;

    on_the_wire(async {
        let reply = Reply::ok(vec![7; 1000]).cut_body_after(600, Cut::Close);
        let server = FaultServer::always(reply);
        let client = of(&server).build().unwrap();
        let seen = Seen::default();
        let response = client.get("/").send().await.unwrap().on_progress(seen.observer());
        assert!(matches!(response.bytes().await, Err(Error::Transport(_))));
        assert_eq!(seen.attempts()[0].last(), Some(&(600, Some(1000))));
    });
}

/// The time that an observer takes is not the peer's: no stall, however long.
#[test]
fn a_slow_observer_is_no_stall() {
    on_the_wire(async {
        let server = FaultServer::always(Reply::ok(vec![7; LENGTH]));
        let runtime = ManualRuntime::new();
        let client: HttpClient =
            of(&server).runtime(runtime.clone()).timeout(Duration::from_secs(30)).build().unwrap();
        let slow = move |_: Progress| runtime.advance(Duration::from_secs(29));
        let call = client.put("/").body(vec![7; LENGTH]).on_upload_progress(slow.clone());
        let response = call.send().await.unwrap().on_progress(slow);
        assert_eq!(response.bytes().await.unwrap().len(), LENGTH);
    });
}
