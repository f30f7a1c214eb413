//! From isahc's response to ours.

use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Bytes, BytesMut};
use futures_io::AsyncRead;
use http::StatusCode;
use http_body::{Frame, SizeHint};
use isahc::{AsyncBody, ResponseExt as _, Trailer};
use midil_http_core::{Body, Error};

use crate::exchange::Exchange;
use crate::upload::Upload;
use crate::{failure, framing};

/// The response; its body holds `exchange` until it ends. `is_sent`: curl has nothing left to send.
///
/// # Errors
///
/// When the response was cut inside its head, as far as that can be told.
pub(crate) async fn convert(
    response: http::Response<AsyncBody>,
    exchange: Exchange,
    upload: Option<Arc<Upload>>,
    is_head: bool,
    is_sent: bool,
) -> Result<http::Response<Body>, Error> {
    if framing::is_interim(&response) {
        drop(response);
        exchange.end();
        return Err(failure::cut_head());
    }
    let has_no_body = is_head || framing::has_no_body(&response);
    let may_be_cut = !has_no_body && framing::is_unframed(&response);
    let ends_with_its_length = is_sent && framing::ends_with_its_length(&response);
    let trailer = response.trailer().clone();
    let (mut parts, body) = response.into_parts();
    // What isahc notes about the connection is not for the client: all transports behave alike.
    parts.extensions.clear();
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        // What follows is not HTTP. The exchange is broken off: curl would take it for a body.
        return Ok(http::Response::from_parts(parts, Body::empty()));
    }
    let length = if has_no_body { Some(0) } else { body.len() };
    let mut download = Download {
        body,
        trailer: Some(trailer),
        length,
        received: 0,
        buffer: BytesMut::new(),
        first: None,
        exchange: Some(exchange),
        upload,
    };
    // curl hands the head over when the first byte of the body is here, or the end: it is not waited for long. And where
    // the end is all there is, curl may have taken a connection that broke inside the head for it.
    let body = match poll_fn(|cx| download.poll_data(cx)).await? {
        // As a rule a short body comes with the head. curl is done by the time that it looks at the next request.
        Some(whole) if ends_with_its_length && download.is_complete() => {
            download.end();
            Body::from(whole)
        }
        Some(first) => {
            download.first = Some(first);
            Body::wrap(download)
        }
        None if may_be_cut || length.is_some_and(|length| length > 0) => {
            return Err(failure::cut_head());
        }
        None => Body::empty(),
    };
    Ok(http::Response::from_parts(parts, body))
}

/// A body on its way in. Dropping it breaks the exchange off.
struct Download {
    // Before the exchange: it holds the client, whose thread is waited for where the last one is dropped.
    body: AsyncBody,
    trailer: Option<Trailer>,
    length: Option<u64>,
    received: u64,
    /// What of the last buffer is not used yet.
    buffer: BytesMut,
    /// The piece that had to be seen before the head was believed.
    first: Option<Bytes>,
    /// `None` once the body has ended.
    exchange: Option<Exchange>,
    upload: Option<Arc<Upload>>,
}

/// curl hands over at most as much at once.
const BUFFER: usize = 16 * 1024;

/// A buffer with less space is not worth a call.
const LEAST: usize = 2 * 1024;

impl Download {
    /// The next piece; `None` at the end.
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        if self.exchange.is_none() {
            return Poll::Ready(Ok(None));
        }
        let left = self.length.map(|length| length.saturating_sub(self.received));
        let (mut end, wanted) = ([0; 1], left.and_then(|left| usize::try_from(left).ok()));
        let wanted = wanted.unwrap_or(BUFFER).min(BUFFER);
        let buffer = if wanted == 0 {
            // What is to be learned is whether it has ended well.
            &mut end[..]
        } else {
            if self.buffer.len() < wanted.min(LEAST) {
                self.buffer = BytesMut::zeroed(wanted);
            }
            &mut self.buffer[..]
        };
        match ready!(Pin::new(&mut self.body).poll_read(cx, buffer)) {
            Ok(0) => {
                self.end();
                Poll::Ready(Ok(None))
            }
            Ok(length) => {
                let data = if wanted == 0 {
                    Bytes::copy_from_slice(&end)
                } else if length == self.buffer.len() {
                    // Not to be shared with what follows, which would cost an allocation.
                    mem::take(&mut self.buffer).freeze()
                } else {
                    self.buffer.split_to(length).freeze()
                };
                self.received = self.received.saturating_add(count(&data));
                Poll::Ready(Ok(Some(data)))
            }
            Err(error) => {
                if failure::is_end_of_thread(&error)
                    && let Some(exchange) = &self.exchange
                {
                    exchange.renew();
                }
                self.end();
                let of_caller = self.upload.as_ref().and_then(|upload| upload.take_failure());
                Poll::Ready(Err(of_caller.unwrap_or_else(|| failure::in_body(error))))
            }
        }
    }

    /// Whether all that was announced is here.
    fn is_complete(&self) -> bool {
        self.length == Some(self.received)
    }

    /// curl is done. The body holds isahc's client, and must not be the last one to.
    fn end(&mut self) {
        self.body = AsyncBody::empty();
        if let Some(exchange) = self.exchange.take() {
            exchange.end();
        }
    }

    /// What came before the end, when the end is here.
    fn trailers(&mut self) -> Option<Frame<Bytes>> {
        let trailer = self.trailer.take()?;
        let trailers = trailer.try_get().filter(|trailers| !trailers.is_empty())?;
        Some(Frame::trailers(trailers.clone()))
    }
}

impl Drop for Download {
    /// A short body that nobody read may have arrived all the same: then its connection is fit for use.
    fn drop(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..4 {
            if self.exchange.is_none() || !self.poll_data(&mut cx).is_ready() {
                break;
            }
        }
        // curl is at the end as well, or will be without anybody's help.
        if self.is_complete() {
            self.end();
        }
    }
}

impl http_body::Body for Download {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        Poll::Ready(match ready!(self.poll_data(cx)) {
            Ok(Some(data)) => Some(Ok(Frame::data(data))),
            Ok(None) => self.trailers().map(Ok),
            Err(error) => Some(Err(error)),
        })
    }

    fn size_hint(&self) -> SizeHint {
        match self.length {
            Some(length) => {
                let first = self.first.as_ref().map_or(0, |first| count(first));
                SizeHint::with_exact(length.saturating_sub(self.received).saturating_add(first))
            }
            None => SizeHint::new(),
        }
    }
}

/// The length of some data, as bodies count.
fn count(data: &[u8]) -> u64 {
    u64::try_from(data.len()).unwrap_or(u64::MAX)
}
