//! Which bodies can be sent again, and that none is short.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http::{HeaderMap, Request};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Full, StreamBody};
use midil_http::{Body, Error, HttpClient};
use midil_http_test::{ManualRuntime, MockTransport, Reply};
use tower::ServiceExt;

use crate::support::over;
use crate::support::whole::by_default;

/// A client of a mock that fails the first time that it is asked.
fn failing_once() -> (HttpClient, MockTransport) {
    let asked = AtomicBool::new(false);
    let mock = MockTransport::always(Reply::from_fn(move |_| {
        let status = if asked.swap(true, Ordering::Relaxed) { 200 } else { 503 };
        Ok(http::Response::builder().status(status).body(Body::empty()).unwrap())
    }));
    let client = over(mock.clone()).retry(by_default()).runtime(ManualRuntime::new());
    (client.build().unwrap(), mock)
}

/// Which attempts saw which body.
fn put<B>(body: B) -> (Result<u16, Error>, Vec<String>)
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<midil_http::BoxError>,
{
    let (client, mock) = failing_once();
    let call = client.oneshot(Request::put("/a").body(body).unwrap());
    let status = call.now_or_never().unwrap().map(|response| response.status().as_u16());
    (status, mock.requests().iter().map(|request| request.text().to_owned()).collect())
}

/// Pieces of a known length, all there or not.
struct Pieces {
    pieces: Vec<Result<Frame<Bytes>, io::Error>>,
    length: u64,
}

impl Pieces {
    fn new<const N: usize>(length: u64, pieces: [&'static str; N]) -> Self {
        let pieces =
            pieces.iter().rev().map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes()))));
        Self { pieces: pieces.collect(), length }
    }
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let piece = self.pieces.pop();
        if let Some(Ok(frame)) = &piece {
            let length = frame.data_ref().map_or(0, Bytes::len);
            self.length = self.length.saturating_sub(u64::try_from(length).unwrap());
        }
        Poll::Ready(piece)
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}

#[test]
fn what_is_in_memory_can_be_sent_again() {
    let twice = vec!["hello".to_owned(); 2];
    assert_eq!(put(Full::new(Bytes::from("hello"))).1, twice, "Full");
    assert_eq!(put("hello".to_owned()).1, twice, "String");
    assert_eq!(put(Body::from("hello")).1, twice, "ours");
    assert_eq!(put(Full::new(io::Cursor::new("hello"))).1, twice, "data of another type");
    let boxed = Full::new(Bytes::from("hello")).map_err(|never| match never {}).boxed_unsync();
    assert_eq!(
        put::<http_body_util::combinators::UnsyncBoxBody<Bytes, Error>>(boxed).1,
        twice,
        "boxed"
    );
    assert_eq!(put(http_body_util::Empty::<Bytes>::new()).1, [""; 2], "Empty");
    let replayable = Body::replayable(None, || stream::iter([Ok::<_, io::Error>("hello")]));
    assert_eq!(put(replayable).1, twice, "a factory");
}

#[test]
fn a_stream_that_was_read_is_not_sent_again_and_the_first_outcome_returned() {
    let frames = || {
        stream::iter(["hel", "lo"]).map(|piece| Ok::<_, io::Error>(Frame::data(Bytes::from(piece))))
    };
    let (status, bodies) = put(StreamBody::new(frames()));
    assert_eq!((status.unwrap(), bodies), (503, vec!["hello".to_owned()]));
    // Of a known length, but more than one piece: what was peeked at is not lost.
    let (status, bodies) = put(Pieces::new(5, ["hel", "lo"]));
    assert_eq!((status.unwrap(), bodies), (503, vec!["hello".to_owned()]));
}

#[test]
fn a_body_that_is_not_what_it_said_is_an_error_of_the_caller() {
    for pieces in [Pieces::new(5, ["hel"]), Pieces::new(5, ["hel", "l"]), Pieces::new(3, ["hello"])]
    {
        let (outcome, _) = put(pieces);
        let error = outcome.unwrap_err();
        assert!(matches!(error, Error::Body(_)), "{error:?}");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("announced with"), "{cause}");
    }
}

#[test]
fn a_body_that_fails_fails_with_its_own_error_and_ours_passes() {
    let broken = || io::Error::other("the sensor was unplugged");
    for length in [3, 5] {
        let mut pieces = Pieces::new(length, []);
        pieces.pieces = vec![Err(broken()), Ok(Frame::data(Bytes::from("hel")))];
        let error = put(pieces).0.unwrap_err();
        let cause = std::error::Error::source(&error).unwrap();
        assert_eq!(cause.to_string(), "the sensor was unplugged", "{error:?}");
    }
    let ours = StreamBody::new(stream::iter([Err::<Frame<Bytes>, _>(Error::custom("mine"))]));
    assert_eq!(put(ours).0.unwrap_err().to_string(), "mine");
}

#[test]
fn trailers_pass_both_ways() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", "7".parse().unwrap());
    let echo =
        |request: midil_http::Request| async move { Ok(http::Response::new(request.into_body())) };
    let client = over(echo).build().unwrap();
    let sent = trailers.clone();
    let body = Full::new(Bytes::from("hello")).with_trailers(async move { Some(Ok(sent)) });
    let response = client.oneshot(Request::put("/a").body(body).unwrap()).now_or_never().unwrap();
    let collected = response.unwrap().into_body().collect_frames();
    let (data, back) = collected.now_or_never().unwrap();
    assert_eq!((data, back), ("hello".to_owned(), Some(trailers)));
}

trait CollectFrames {
    async fn collect_frames(self) -> (String, Option<HeaderMap>);
}

impl CollectFrames for Body {
    async fn collect_frames(self) -> (String, Option<HeaderMap>) {
        let collected = BodyExt::collect(self).await.unwrap();
        let trailers = collected.trailers().cloned();
        (String::from_utf8(collected.to_bytes().to_vec()).unwrap(), trailers)
    }
}
