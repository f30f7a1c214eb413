//! Buffering and draining: what is done with a response that nobody may read.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::Body;
use crate::{Error, Runtime, Sent, TransportError, TransportErrorKind};

/// How much of a discarded response is read, so that its connection can be used again: 64 KiB.
const DRAIN_BYTES: usize = 64 * 1024;
/// How long that may take.
pub(crate) const DRAIN_TIME: Duration = Duration::from_millis(100);
/// How long the body of a last response may take to arrive before it is cut off.
pub(crate) const BUFFER_TIME: Duration = Duration::from_secs(1);

/// Reads a discarded body to its end, if that is near, so that the connection can be used again.
pub(crate) async fn drain(mut body: Body, runtime: &dyn Runtime) {
    if http_body::Body::is_end_stream(&body) {
        return;
    }
    let read = async {
        let mut left = DRAIN_BYTES;
        while let Ok(Some(data)) = body.chunk().await {
            match left.checked_sub(data.len()) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    within(DRAIN_TIME, runtime, read).await;
}

/// A body of the same content that holds no connection: up to 64 KiB of what arrives within `limit`, and an error where it
/// was cut.
pub(crate) async fn buffer(mut body: Body, runtime: &dyn Runtime, limit: Duration) -> Body {
    if body.is_empty() {
        return body;
    }
    let mut kept = BytesMut::new();
    let mut end = None;
    let read = async {
        loop {
            match body.chunk().await {
                Ok(Some(data)) => {
                    let room = DRAIN_BYTES - kept.len();
                    kept.extend_from_slice(&data[..data.len().min(room)]);
                    if data.len() > room {
                        return end = Some(cut("has more than 64 KiB"));
                    }
                }
                Ok(None) => return,
                Err(error) => return end = Some(error),
            }
        }
    };
    let ended = within(limit, runtime, read).await;
    if !ended {
        end = Some(cut(&format!("did not arrive within {limit:?}")));
    }
    let kept = kept.freeze();
    match end {
        None => kept.into(),
        Some(error) => Body::wrap(Broken { kept, error: Some(error) }),
    }
}

fn cut(why: &str) -> Error {
    let problem = format!("the body of the last response {why} and was cut");
    TransportError::new(TransportErrorKind::Other, Sent::Maybe, problem).into()
}

/// Runs `work`, for `limit` at most; tells whether it came to its end. There is no timer while nobody waits.
async fn within(
    limit: Duration,
    runtime: &dyn Runtime,
    work: impl Future<Output = ()> + Send,
) -> bool {
    let mut work = pin!(work);
    let mut timer = None;
    poll_fn(|cx| {
        if work.as_mut().poll(cx).is_ready() {
            return Poll::Ready(true);
        }
        timer.get_or_insert_with(|| runtime.sleep(limit)).as_mut().poll(cx).map(|()| false)
    })
    .await
}

/// What was kept, then the error that it broke off with.
struct Broken {
    kept: Bytes,
    error: Option<Error>,
}

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Error>>> {
        let kept = std::mem::take(&mut self.kept);
        if !kept.is_empty() {
            return Poll::Ready(Some(Ok(http_body::Frame::data(kept))));
        }
        Poll::Ready(self.error.take().map(Err))
    }
}
