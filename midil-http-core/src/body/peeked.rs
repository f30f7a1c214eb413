//! [`Peeked`]: a body whose start is known already.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::{Body, count};
use crate::Error;

/// A body of which the start was looked at, and comes once more.
pub(crate) struct Peeked {
    /// What was looked at, in its order.
    pub(super) frames: VecDeque<Result<Frame<Bytes>, Error>>,
    pub(super) rest: Body,
}

impl Peeked {
    /// Reads until there are `limit` bytes, or no more. A body in memory is left where it is.
    pub(crate) async fn at(mut body: Body, limit: usize) -> Self {
        if body.as_bytes().is_some() {
            return Self { frames: VecDeque::new(), rest: body };
        }
        let (mut frames, mut length) = (VecDeque::new(), 0_usize);
        while length < limit
            && let Some(frame) = body.frame().await
        {
            let data = frame.as_ref().ok().and_then(Frame::data_ref);
            length = length.saturating_add(data.map_or(0, Bytes::len));
            let is_last = frame.is_err();
            frames.push_back(frame);
            if is_last {
                break;
            }
        }
        Self { frames, rest: body }
    }

    /// Its first bytes, `limit` at most.
    pub(crate) fn start(&self, limit: usize) -> Bytes {
        if let Some(all) = self.rest.as_bytes().filter(|_| self.frames.is_empty()) {
            return all.slice(..limit.min(all.len()));
        }
        let pieces = self.frames.iter().filter_map(|frame| frame.as_ref().ok()?.data_ref());
        let mut start = Vec::new();
        for piece in pieces {
            let room = limit - start.len();
            start.extend_from_slice(&piece[..room.min(piece.len())]);
        }
        start.into()
    }

    /// All of it.
    pub(crate) fn into_body(self) -> Body {
        if self.frames.is_empty() { self.rest } else { Body::wrap(self) }
    }
}

impl http_body::Body for Peeked {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.frames.pop_front() {
            Some(frame) => Poll::Ready(Some(frame)),
            None => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.frames.iter().filter_map(|frame| frame.as_ref().ok()?.data_ref());
        let held = held.map(|data| count(data)).sum::<u64>();
        let rest = http_body::Body::size_hint(&self.rest);
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(held));
        if let Some(upper) = rest.upper().filter(|_| self.frames.iter().all(Result::is_ok)) {
            hint.set_upper(upper.saturating_add(held));
        }
        hint
    }
}
