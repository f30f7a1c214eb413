//! Bodies: core's are pulled as frames, isahc's are read into a buffer.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use futures_io::AsyncRead;
use http_body::{Body as _, Frame, SizeHint};
use isahc::{AsyncBody, Trailer};
use midil_http_core::{Body, Error};

use crate::failure;

/// What the caller's stream failed with: isahc makes an `io::Error` of it.
#[derive(Default)]
pub(crate) struct Upload(Mutex<Option<Error>>);

impl Upload {
    pub(crate) fn take_failure(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

pub(crate) fn upload(
    request: http::Request<Body>,
) -> (http::Request<AsyncBody>, Option<Arc<Upload>>) {
    let (parts, body) = request.into_parts();
    let (body, upload) = if body.is_empty() {
        (AsyncBody::empty(), None)
    } else if let Some(bytes) = body.as_bytes() {
        // isahc takes no shared bytes: they are copied.
        (AsyncBody::from(bytes.to_vec()), None)
    } else {
        let (length, upload) = (body.length(), Arc::new(Upload::default()));
        let reader = Reader { body, chunk: Bytes::new(), upload: Arc::clone(&upload) };
        let body = match length {
            Some(length) => AsyncBody::from_reader_sized(reader, length),
            None => AsyncBody::from_reader(reader),
        };
        (body, Some(upload))
    };
    (http::Request::from_parts(parts, body), upload)
}

/// Trailers of a request are lost: curl is not told of them.
struct Reader {
    body: Body,
    /// What did not fit into the last buffer.
    chunk: Bytes,
    upload: Arc<Upload>,
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        while self.chunk.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => return Poll::Ready(Ok(0)),
                Some(Ok(frame)) => self.chunk = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => {
                    *self.upload.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    return Poll::Ready(Err(io::Error::other("the caller's stream failed")));
                }
            }
        }
        let count = self.chunk.len().min(buffer.len());
        self.chunk.copy_to_slice(&mut buffer[..count]);
        Poll::Ready(Ok(count))
    }
}

pub(crate) fn download(body: AsyncBody, trailer: Trailer, unframed: bool) -> Body {
    if body.is_empty() {
        return Body::empty();
    }
    let length = body.len();
    Body::wrap(Download { body, trailer: Some(trailer), length, received: 0, unframed })
}

struct Download {
    body: AsyncBody,
    trailer: Option<Trailer>,
    length: Option<u64>,
    received: u64,
    /// An empty body would not tell an end from a connection that broke inside the head.
    unframed: bool,
}

impl http_body::Body for Download {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let mut buffer = vec![0; 16 * 1024];
        match ready!(Pin::new(&mut self.body).poll_read(cx, &mut buffer)) {
            Ok(0) if self.unframed && self.received == 0 => {
                self.unframed = false;
                Poll::Ready(Some(Err(failure::unframed())))
            }
            Ok(0) => {
                let trailer = self.trailer.take();
                let trailers =
                    trailer.as_ref().and_then(Trailer::try_get).filter(|map| !map.is_empty());
                Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers.clone()))))
            }
            Ok(count) => {
                buffer.truncate(count);
                self.received =
                    self.received.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
                Poll::Ready(Some(Ok(Frame::data(buffer.into()))))
            }
            Err(error) => Poll::Ready(Some(Err(failure::in_body(error)))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self.length {
            Some(length) => SizeHint::with_exact(length.saturating_sub(self.received)),
            None => SizeHint::new(),
        }
    }
}
