//! [`BoxedBody`]: any stream of frames, made `Sync`.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use sync_wrapper::SyncWrapper;

use crate::Error;

/// A stream of frames, whatever it is made of.
///
/// The stream need only be `Send`, so nobody may look at it through a shared reference: what it says of its size and
/// its end is noted at each poll.
pub(super) struct BoxedBody {
    stream: SyncWrapper<Pin<Box<dyn Body<Data = Bytes, Error = Error> + Send>>>,
    hint: SizeHint,
    ended: bool,
}

impl BoxedBody {
    pub(super) fn new(body: impl Body<Data = Bytes, Error = Error> + Send + 'static) -> Self {
        let (hint, ended) = (body.size_hint(), body.is_end_stream());
        Self { stream: SyncWrapper::new(Box::pin(body)), hint, ended }
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let stream = self.stream.get_mut();
        let frame = stream.as_mut().poll_frame(cx);
        if frame.is_ready() {
            (self.hint, self.ended) = (stream.size_hint(), stream.is_end_stream());
        }
        frame
    }

    pub(super) const fn is_end_stream(&self) -> bool {
        self.ended
    }

    pub(super) const fn size_hint(&self) -> SizeHint {
        self.hint
    }
}
