//! Request bodies: core's are pulled as frames, isahc's are read into a buffer.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use futures_io::AsyncRead;
use http_body::Body as _;
use midil_http_core::{Body, BodyError, Error};

/// What the caller's stream failed with: on its way through curl it would be lost.
#[derive(Default)]
pub(crate) struct Upload(Mutex<Option<Error>>);

impl Upload {
    pub(crate) fn take_failure(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn fail(&self, error: Error) -> io::Error {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        io::Error::other("the caller's stream failed")
    }
}

/// A body as curl reads it, on isahc's thread, once there is a connection. curl cannot rewind it, and so not resend it.
///
/// Trailers are lost: isahc has no place for them.
pub(crate) struct Reader {
    body: Body,
    /// What did not fit into the last buffer.
    chunk: Bytes,
    upload: Arc<Upload>,
}

impl Reader {
    pub(crate) fn new(body: Body, upload: &Arc<Upload>) -> Self {
        Self { body, chunk: Bytes::new(), upload: Arc::clone(upload) }
    }
}

/// Bytes that curl cannot rewind either, but that cannot fail.
pub(crate) struct Once(pub(crate) Bytes);

impl AsyncRead for Once {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(fill(buffer, &mut self.0)))
    }
}

/// Moves as much as fits.
fn fill(buffer: &mut [u8], data: &mut Bytes) -> usize {
    let count = data.len().min(buffer.len());
    data.copy_to_slice(&mut buffer[..count]);
    count
}

impl AsyncRead for Reader {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let Self { body, chunk, upload } = self.get_mut();
        while chunk.is_empty() {
            // A stream that panics would take isahc's thread along, and everybody's exchanges.
            let poll = || Pin::new(&mut *body).poll_frame(cx);
            match ready!(catch_unwind(AssertUnwindSafe(poll)).unwrap_or_else(|_| {
                Poll::Ready(Some(Err(BodyError::new("the caller's stream panicked").into())))
            })) {
                None => return Poll::Ready(Ok(0)),
                Some(Ok(frame)) => *chunk = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Poll::Ready(Err(upload.fail(error))),
            }
        }
        Poll::Ready(Ok(fill(buffer, chunk)))
    }
}
