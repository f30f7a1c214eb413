//! [`Progress`]: how far a body has got, told as it is read.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::boxed::BoxedBody;
use super::replayable::Replayable;
use super::{Body, CHUNK, Kind, count};
use crate::Error;

/// How far a body has got: see [`Body::on_progress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    transferred: u64,
    total: Option<u64>,
}

impl Progress {
    /// The bytes so far, of this attempt.
    #[must_use]
    pub const fn transferred(&self) -> u64 {
        self.transferred
    }

    /// The bytes in all, when that is known.
    #[must_use]
    pub const fn total(&self) -> Option<u64> {
        self.total
    }
}

/// Who is told.
pub(crate) type Observer = Arc<dyn Fn(Progress) + Send + Sync>;

impl Body {
    /// The same body, which tells `observer` of each piece, of at most 64 KiB, that is taken from it.
    ///
    /// A body that can be sent again still can, and counts anew each time: where [`Progress::transferred`] does not
    /// grow, another attempt has begun. What it says of its length stays true; what has no bytes has nothing to tell. A
    /// body of a request is taken by the transport, which may buffer some MB that the server has not seen.
    ///
    /// `observer` runs between the pieces, on whatever thread takes them: a slow one slows the transfer down, so hand on
    /// what takes time. Its own time does not count as a stall of the peer. A body that nobody watches costs nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use midil_http_core::{Body, Progress};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let seen = Arc::new(AtomicU64::new(0));
    /// let note = Arc::clone(&seen);
    /// let body = Body::from(vec![7; 100_000]).on_progress(move |progress: Progress| {
    ///     assert_eq!(progress.total(), Some(100_000));
    ///     note.store(progress.transferred(), Ordering::Relaxed);
    /// });
    /// assert!(body.try_clone().is_some());
    /// body.collect(u64::MAX).await?;
    /// assert_eq!(seen.load(Ordering::Relaxed), 100_000);
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    #[must_use]
    pub fn on_progress(self, observer: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.observed(Arc::new(observer))
    }

    pub(crate) fn observed(self, observer: Observer) -> Self {
        if matches!(self.0, Kind::Empty) {
            return self;
        }
        if self.try_clone().is_none() {
            return Self::wrap(Observed::new(self, observer));
        }
        let length = self.length();
        Self(Kind::Replayable(Box::new(Replayable::new(length, move || {
            let body = self.try_clone().unwrap_or_default();
            BoxedBody::new(Observed::new(body, Arc::clone(&observer)))
        }))))
    }
}

/// A body under observation.
struct Observed {
    body: Body,
    /// What is left of a piece that was too large to be one step.
    pending: Bytes,
    progress: Progress,
    observer: Observer,
}

impl Observed {
    fn new(body: Body, observer: Observer) -> Self {
        let progress = Progress { transferred: 0, total: body.length() };
        Self { body, pending: Bytes::new(), progress, observer }
    }
}

impl http_body::Body for Observed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.pending.is_empty() {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                other => return Poll::Ready(other),
            };
            match frame.into_data() {
                Ok(data) if data.is_empty() => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(data) => self.pending = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        let length = self.pending.len().min(CHUNK);
        let piece = self.pending.split_to(length);
        self.progress.transferred = self.progress.transferred.saturating_add(count(&piece));
        (self.observer)(self.progress);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pending.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        with_pending(self.body.size_hint(), &self.pending)
    }
}

/// What is left of a body when `pending` was taken from it, and is still to come.
pub(super) fn with_pending(mut hint: SizeHint, pending: &[u8]) -> SizeHint {
    let pending = count(pending);
    if let Some(upper) = hint.upper() {
        hint.set_upper(upper.saturating_add(pending));
    }
    hint.set_lower(hint.lower().saturating_add(pending));
    hint
}

#[cfg(test)]
mod tests;
