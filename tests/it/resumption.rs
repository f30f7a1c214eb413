//! Downloads that break off and go on: what is sent for the rest, what is taken for it, and who decides.
#![cfg(all(feature = "reqwest", feature = "retry"))]

mod answers;
mod path;
mod policy;
mod wire;

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use midil_http::{
    Body, DefaultRetryStrategy, DefaultRetryStrategyBuilder, Error, FixedDelayBackoff,
    HttpClientBuilder, RequestBuilder, Sent, TransportError, TransportErrorKind,
};
use midil_http_test::{ManualRuntime, MockTransport, RecordedRequest, Reply};

use crate::support::over;

const SECOND: Duration = Duration::from_secs(1);
const HELLO: &str = "hello, world";
const TAG: &str = "\"v1\"";

/// A response of the resource, of that tag.
fn tagged(status: u16) -> Reply {
    Reply::status(status).header("etag", TAG)
}

/// A body as a transport would give it: data, and then an error, or nothing ever.
struct Broken {
    data: Option<&'static str>,
    error: Option<Error>,
}

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.data.take() {
            Some(data) => Poll::Ready(Some(Ok(Frame::data(data.into())))),
            None => self.error.take().map_or(Poll::Pending, |error| Poll::Ready(Some(Err(error)))),
        }
    }
}

/// A body that is reset behind `data`.
fn torn(data: &'static str) -> Body {
    Body::wrap(Broken { data: Some(data), error: Some(reset()) })
}

/// A body that comes to nothing more behind `data`.
fn stalled(data: &'static str) -> Body {
    Body::wrap(Broken { data: Some(data), error: None })
}

fn reset() -> Error {
    TransportError::new(TransportErrorKind::Reset, Sent::Maybe, "the connection was reset").into()
}

/// "hello, world", of which `data` arrives.
fn begun(data: &'static str) -> Reply {
    tagged(200).header("content-length", "12").body(torn(data))
}

/// What is behind the first `start` bytes.
fn rest(start: usize) -> Reply {
    let range = format!("bytes {start}-11/12");
    tagged(206).header("content-range", range).body(&HELLO[start..])
}

/// Three attempts, a second apart.
fn every_second() -> DefaultRetryStrategyBuilder {
    DefaultRetryStrategy::builder().backoff(FixedDelayBackoff::new(SECOND))
}

fn client(mock: &MockTransport, runtime: &ManualRuntime) -> HttpClientBuilder {
    over(mock.clone()).runtime(runtime.clone()).seed(7).retry(every_second().build().unwrap())
}

/// What a download of these replies comes to, and the requests for it.
fn download<const N: usize>(replies: [Reply; N]) -> (Result<String, Error>, Vec<RecordedRequest>) {
    download_by(replies, |request| request)
}

/// The same, of a request that is changed before.
fn download_by<const N: usize>(
    replies: [Reply; N],
    change: impl FnOnce(RequestBuilder) -> RequestBuilder,
) -> (Result<String, Error>, Vec<RecordedRequest>) {
    let (runtime, mock) = (ManualRuntime::new(), MockTransport::sequence(replies));
    let client = client(&mock, &runtime).build().unwrap();
    let request = change(client.get("/a").resumable(true));
    let outcome = runtime.block_on(async { request.send().await?.text().await });
    mock.verify();
    (outcome, mock.requests())
}

/// `Range` and `If-Range` of a request.
fn asked(request: &RecordedRequest) -> (Option<&str>, Option<&str>) {
    let value = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap());
    (value("range"), value("if-range"))
}

/// The error of a download that could not be resumed; panics for anything else.
#[track_caller]
fn not_resumed<T: std::fmt::Debug>(outcome: Result<T, Error>) -> String {
    match outcome {
        Err(Error::Transport(error)) if error.kind() == TransportErrorKind::NotResumed => {
            error.to_string()
        }
        other => panic!("{other:?}"),
    }
}

/// Whether it is the reset, as it came.
fn is_reset<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Transport(error)) if error.kind() == TransportErrorKind::Reset)
}
