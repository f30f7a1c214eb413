//! What is sent on each attempt, and what becomes of a body that cannot be sent again.

use std::sync::{Arc, Mutex};

use futures_util::stream;
use http::Method;
use midil_http_core::{Attempt, RetryDecision};
use midil_retry::RetryTransport;

use super::*;

/// The bodies that went out, and a transport that reads each to its end and answers 503 twice, then 200.
#[derive(Clone, Default)]
struct Reader(Arc<Mutex<Vec<String>>>);

impl Reader {
    fn transport(&self) -> impl Transport + use<> {
        let seen = Arc::clone(&self.0);
        move |request: Request| {
            let seen = Arc::clone(&seen);
            async move {
                let bytes = request.into_body().collect(1 << 20).await?;
                let mut seen = seen.lock().expect("no panic");
                seen.push(String::from_utf8_lossy(&bytes).into_owned());
                response(if seen.len().is_multiple_of(3) { 200 } else { 503 }, &[])
            }
        }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("no panic"))
    }
}

fn put(body: Body) -> Request {
    let mut request = get().with_body(body);
    request.head_mut().method = Method::PUT;
    request
}

fn once() -> Body {
    Body::stream(stream::iter([Ok::<_, std::io::Error>("to be "), Ok("or not")]))
}

#[tokio::test(start_paused = true)]
async fn every_attempt_sends_the_same_bytes() {
    let reader = Reader::default();
    let bodies: [fn() -> Body; 3] = [
        || Body::from("to be or not"),
        || {
            Body::replayable(None, || {
                stream::iter([Ok::<_, std::io::Error>("to be "), Ok("or not")])
            })
        },
        || Body::replayable(Some(12), || stream::iter([Ok::<_, std::io::Error>("to be or not")])),
    ];
    for body in bodies {
        let check = |outcome: Result<http::Response<Body>, Error>| {
            assert_eq!(outcome.unwrap().status(), 200);
            assert_eq!(reader.take(), ["to be or not"; 3]);
        };
        through_both_doors(|| reader.transport(), three_attempts, || put(body()), check).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_touched_stream_returns_the_first_outcome_as_it_came() {
    let reader = Reader::default();
    let check = |outcome: Result<http::Response<Body>, Error>| {
        assert_eq!(outcome.unwrap().status(), 503, "no error: the response as it came");
        assert_eq!(reader.take(), ["to be or not"]);
    };
    through_both_doors(|| reader.transport(), three_attempts, || put(once()), check).await;
}

#[tokio::test(start_paused = true)]
async fn a_touched_stream_is_not_sent_again_whatever_the_strategy_wants() {
    let reader = Reader::default();
    let once_more = |attempt: &Attempt<'_>| match attempt.number {
        1 => RetryDecision::Retry { after: Duration::ZERO },
        _ => RetryDecision::Accept,
    };
    let transport = RetryTransport::new(reader.transport(), once_more);
    assert_eq!(transport.send(put(once())).await.unwrap().status(), 503);
    assert_eq!(reader.take(), ["to be or not"]);
}

#[tokio::test(start_paused = true)]
async fn a_touched_stream_returns_the_first_error_as_it_came() {
    let breaking = || {
        |request: Request| async move {
            let mut body = request.into_body();
            body.chunk().await?;
            Err::<http::Response<Body>, _>(reset())
        }
    };
    let check = |outcome: Result<http::Response<Body>, Error>| {
        assert_eq!(outcome.unwrap_err().kind(), "Transport");
    };
    through_both_doors(breaking, three_attempts, || put(once()), check).await;
}

#[tokio::test(start_paused = true)]
async fn an_untouched_stream_is_sent_by_the_next_attempt() {
    let reader = Reader::default();
    let refused_once = || {
        let (seen, sent) = (Arc::clone(&reader.0), AtomicUsize::new(0));
        move |request: Request| {
            let (seen, turn) = (Arc::clone(&seen), sent.fetch_add(1, Ordering::Relaxed));
            async move {
                if turn == 0 {
                    return Err(reset());
                }
                let bytes = request.into_body().collect(1 << 20).await?;
                seen.lock().unwrap().push(String::from_utf8(bytes.to_vec()).unwrap());
                response(200, &[])
            }
        }
    };
    let check = |outcome: Result<http::Response<Body>, Error>| {
        assert_eq!(outcome.unwrap().status(), 200);
        assert_eq!(reader.take(), ["to be or not"]);
    };
    through_both_doors(refused_once, three_attempts, || put(once()), check).await;
}

#[tokio::test(start_paused = true)]
async fn a_discarded_response_is_read_to_its_end() {
    let drained = Arc::new(AtomicUsize::new(0));
    let transport = || {
        let (drained, sent) = (Arc::clone(&drained), AtomicUsize::new(0));
        move |_: Request| {
            let (drained, turn) = (Arc::clone(&drained), sent.fetch_add(1, Ordering::Relaxed));
            let chunks = (0..4).map(|number| (number, Ok::<_, std::io::Error>("some reason")));
            let body = Body::stream(stream::iter(chunks.map(move |(number, chunk)| {
                drained.fetch_add(usize::from(number == 3), Ordering::Relaxed);
                chunk
            })));
            let status = if turn < 2 { 503 } else { 200 };
            std::future::ready(Ok(http::Response::builder().status(status).body(body).unwrap()))
        }
    };
    let check = |outcome: Result<http::Response<Body>, Error>| {
        assert_eq!(outcome.unwrap().status(), 200);
        assert_eq!(drained.swap(0, Ordering::Relaxed), 2, "but not the last one, the caller's");
    };
    through_both_doors(transport, three_attempts, get, check).await;
}

#[tokio::test(start_paused = true)]
async fn a_last_response_can_be_had_back() {
    let busy = |_: Request| async {
        let body = Body::from("come back later");
        Ok::<_, Error>(http::Response::builder().status(503).body(body).unwrap())
    };
    let outcome = RetryTransport::new(busy, three_attempts()).send(get()).await;
    let Err(Error::RetryExhausted(exhausted)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(exhausted.attempts(), 3);
    let response = exhausted.into_response().unwrap();
    assert_eq!(response.into_body().collect(64).await.unwrap(), "come back later");
}
