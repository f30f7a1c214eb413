//! The words of the cases: bodies of requests.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_timer::Delay;
use futures_util::stream::{self, Stream, StreamExt as _};
use http::HeaderMap;
use http_body::Frame;
use midil_http_core::{Body, Error};

use crate::fault_server::Gate;

/// These pieces, as a stream.
pub(super) fn pieces(
    pieces: &'static [&'static str],
) -> impl Stream<Item = io::Result<&'static str>> + Send {
    stream::iter(pieces.iter().map(|piece| Ok(*piece)))
}

/// These pieces, to be read once; nobody knows how long they are.
pub(super) fn once(parts: &'static [&'static str]) -> Body {
    Body::stream(pieces(parts))
}

/// Some bytes of a body that is long, and the same wherever it is made.
pub(super) fn block(size: usize) -> Bytes {
    (0..size).map(|index| u8::try_from(index % 251).unwrap_or_default()).collect()
}

/// Pieces of 64 KiB, `limit` bytes at most, and a count of those that were taken.
pub(super) fn counted(limit: u64) -> (Body, Arc<AtomicU64>) {
    const PIECE: usize = 64 * 1024;
    let taken = Arc::new(AtomicU64::new(0));
    let (counter, piece) = (Arc::clone(&taken), block(PIECE));
    let size = u64::try_from(PIECE).unwrap_or_default();
    let stream = stream::poll_fn(move |_| {
        if counter.load(Ordering::SeqCst) >= limit {
            return Poll::Ready(None);
        }
        counter.fetch_add(size, Ordering::SeqCst);
        Poll::Ready(Some(Ok::<_, io::Error>(piece.clone())))
    });
    (Body::stream(stream), taken)
}

/// One piece, and then nothing, for ever.
pub(super) fn unfinished() -> Body {
    Body::stream(pieces(&["the beginning"]).chain(stream::pending()))
}

/// A piece that is there when `gate` is open.
pub(super) fn behind(
    gate: &Gate,
    piece: &'static str,
) -> impl Stream<Item = io::Result<&'static str>> + Send + 'static {
    const LOOK_AGAIN: Duration = Duration::from_millis(1);
    let gate = gate.clone();
    stream::once(async move {
        while !gate.is_open() {
            Delay::new(LOOK_AGAIN).await;
        }
        Ok(piece)
    })
}

/// A body that counts how often it was asked for something.
pub(super) fn touchy() -> (Body, Arc<AtomicU64>) {
    let touched = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&touched);
    let stream = stream::poll_fn(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        Poll::Ready(None::<io::Result<&'static str>>)
    });
    (Body::stream_with_length(stream, 5), touched)
}

/// Data, and trailers after it.
pub(super) struct WithTrailers(pub(super) Vec<Frame<Bytes>>);

impl WithTrailers {
    pub(super) fn new(data: &'static str, trailers: HeaderMap) -> Self {
        // They are taken from the end.
        Self(vec![Frame::trailers(trailers), Frame::data(Bytes::from_static(data.as_bytes()))])
    }
}

impl http_body::Body for WithTrailers {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Poll::Ready(self.0.pop().map(Ok))
    }
}
