//! A stream that can be read once, lent from attempt to attempt until somebody reads.

use std::sync::{Mutex, PoisonError};

use http_body::SizeHint;

use super::boxed::BoxedBody;
use crate::{BodyError, Error};

/// Holds the stream until it is first read. An empty slot is a touched body.
pub(super) struct OnceSlot {
    stream: Mutex<Option<BoxedBody>>,
    hint: SizeHint,
    ended: bool,
}

impl OnceSlot {
    pub(super) fn new(stream: BoxedBody) -> Self {
        let (hint, ended) = (stream.size_hint(), stream.is_end_stream());
        Self { stream: Mutex::new(Some(stream)), hint, ended }
    }

    /// Takes the stream, to read from it.
    pub(super) fn take(&self) -> Option<BoxedBody> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn is_untouched(&self) -> bool {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub(super) const fn is_end_stream(&self) -> bool {
        self.ended
    }

    pub(super) const fn size_hint(&self) -> SizeHint {
        self.hint
    }
}

/// Two attempts read the same stream: only a transport that sends twice can get here.
pub(crate) fn already_read() -> Error {
    BodyError::new(
        "the stream was read by an earlier attempt already: use a replayable body to send it again",
    )
    .into()
}
