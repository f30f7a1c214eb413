//! [`Body`]: empty, bytes, replayable, or once.

mod announced;
mod boxed;
mod buffered;
mod chain;
#[cfg(feature = "fs")]
mod file;
#[cfg(feature = "tower")]
mod foreign;
mod home;
mod lend;
mod on_end;
mod once;
mod peeked;
mod progress;
mod read;
mod reader;
mod replayable;
mod response;
mod riders;
mod stream;
mod tap;
mod upload;
mod watch;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Frame, SizeHint};

use self::boxed::BoxedBody;
pub(crate) use self::buffered::{BUFFER_TIME, DRAIN_TIME, buffer, drain};
use self::on_end::Ending;
pub use self::on_end::OnEnd;
use self::once::OnceSlot;
pub(crate) use self::once::already_read;
pub(crate) use self::peeked::Peeked;
pub(crate) use self::progress::Observer;
pub use self::progress::Progress;
pub use self::reader::BodyReader;
use self::replayable::Replayable;
use self::stream::StreamBody;
pub(crate) use self::tap::Listener;
use self::tap::Tapped;
pub(crate) use self::upload::Upload;
use self::watch::Watched;
pub(crate) use self::watch::{Deadline, Watch};
use crate::{BoxError, Error};

/// How much is read, or handed over, at once: 64 KiB. Small enough to see progress, large enough to be cheap.
const CHUNK: usize = 64 * 1024;

/// The body of a request or a response.
///
/// | kind | made by | can be sent again |
/// |---|---|---|
/// | empty | [`Body::empty`] | yes |
/// | bytes | `From<Bytes>`, `Vec<u8>`, `String`, `&'static str`… | yes, without a copy |
/// | replayable | [`Body::replayable`], [`Body::file`] | yes: the factory is asked again |
/// | once | [`Body::stream`], [`Body::reader`], [`Body::wrap`] | only as long as nobody has read from it |
///
/// It is an [`http_body::Body`], `Send` and `Sync`, though the streams that it takes need only be `Send`.
///
/// # Examples
///
/// ```
/// use midil_http_core::Body;
///
/// let bytes = Body::from("hello");
/// assert!(bytes.try_clone().is_some());
///
/// let once = Body::stream(futures_util::stream::iter([Ok::<_, std::io::Error>("hel"), Ok("lo")]));
/// assert!(once.try_clone().is_none());
/// ```
#[derive(Default)]
pub struct Body(Kind);

#[derive(Default)]
enum Kind {
    #[default]
    Empty,
    Bytes(Bytes),
    Replayable(Box<Replayable>),
    /// A stream that nobody else knows of.
    Once(BoxedBody),
    /// A stream that the retry loop lends to an attempt; whoever reads first takes it.
    Lent(Arc<OnceSlot>),
    /// A response's body, with what is left of its timeouts, and who is told of its end.
    Watched(Box<Watched>),
    /// Any of them, with somebody who listens.
    Tapped(Box<Tapped>),
}

impl Body {
    /// No body at all.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Kind::Empty)
    }

    /// A body that is made anew for each attempt: `factory` is asked for a stream whenever the body is first read.
    ///
    /// Give its length in bytes where it is known, so that it can be sent as `Content-Length`; a stream of another
    /// length is an [`Error::Body`].
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::Body;
    ///
    /// let body = Body::replayable(Some(6), || futures_util::stream::iter([Ok::<_, std::io::Error>("abc"), Ok("def")]));
    /// assert!(body.try_clone().is_some());
    /// ```
    pub fn replayable<F, S, D, E>(length: Option<u64>, factory: F) -> Self
    where
        F: Fn() -> S + Send + Sync + 'static,
        S: Stream<Item = Result<D, E>> + Send + 'static,
        D: Into<Bytes> + 'static,
        E: Into<BoxError> + 'static,
    {
        Self(Kind::Replayable(Box::new(Replayable::new(length, move || {
            BoxedBody::new(StreamBody::new(factory(), length))
        }))))
    }

    /// A body that can be read once: it is sent again only as long as nobody has read from it.
    ///
    /// Its length is unknown, so HTTP/1.1 sends it in chunks; see [`stream_with_length`](Self::stream_with_length).
    pub fn stream<S, D, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<D, E>> + Send + 'static,
        D: Into<Bytes> + 'static,
        E: Into<BoxError> + 'static,
    {
        Self(Kind::Once(BoxedBody::new(StreamBody::new(stream, None))))
    }

    /// A body that can be read once and has `length` bytes; a stream of another length is an [`Error::Body`].
    pub fn stream_with_length<S, D, E>(stream: S, length: u64) -> Self
    where
        S: Stream<Item = Result<D, E>> + Send + 'static,
        D: Into<Bytes> + 'static,
        E: Into<BoxError> + 'static,
    {
        Self(Kind::Once(BoxedBody::new(StreamBody::new(stream, Some(length)))))
    }

    /// A body made of any [`http_body::Body`], for transports: trailers pass, and errors are passed on as they are.
    pub fn wrap<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes, Error = Error> + Send + 'static,
    {
        Self(Kind::Once(BoxedBody::new(body)))
    }

    /// The same body once more, from its start.
    ///
    /// `None` for a stream that can be read only once. Bytes are shared, not copied; a factory is asked again. What was
    /// read from this body before is missing from a copy of bytes, but not from that of a factory.
    #[must_use]
    pub fn try_clone(&self) -> Option<Self> {
        match &self.0 {
            Kind::Empty => Some(Self::empty()),
            Kind::Bytes(bytes) => Some(Self(Kind::Bytes(bytes.clone()))),
            Kind::Replayable(body) => Some(Self(Kind::Replayable(Box::new(body.fresh())))),
            Kind::Once(_) | Kind::Lent(_) | Kind::Watched(_) => None,
            Kind::Tapped(tapped) => tapped.inner().try_clone().map(|body| tapped.with(body)),
        }
    }

    /// Whether there is nothing to send, known without reading.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self.0, Kind::Empty) || self.length() == Some(0)
    }

    /// The whole body, when it is bytes in memory: for transports, to spare themselves a stream.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&Bytes> {
        match &self.0 {
            Kind::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The length in bytes, when it is known without reading.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        http_body::Body::size_hint(self).exact()
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut self.0 {
            Kind::Empty => Poll::Ready(None),
            Kind::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = Kind::Empty;
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Kind::Once(stream) => stream.poll_frame(cx),
            Kind::Replayable(body) => body.open().poll_frame(cx),
            Kind::Watched(body) => body.poll_frame(cx),
            Kind::Tapped(body) => body.poll_frame(cx),
            Kind::Lent(slot) => match slot.take() {
                Some(stream) => {
                    self.0 = Kind::Once(stream);
                    self.poll_frame(cx)
                }
                None => Poll::Ready(Some(Err(already_read()))),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Empty => true,
            Kind::Bytes(bytes) => bytes.is_empty(),
            Kind::Replayable(body) => body.is_end_stream(),
            Kind::Once(stream) => stream.is_end_stream(),
            Kind::Lent(slot) => slot.is_end_stream(),
            Kind::Watched(body) => body.is_end_stream(),
            Kind::Tapped(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Bytes(bytes) => SizeHint::with_exact(count(bytes)),
            Kind::Replayable(body) => body.size_hint(),
            Kind::Once(stream) => stream.size_hint(),
            Kind::Lent(slot) => slot.size_hint(),
            Kind::Watched(body) => body.size_hint(),
            Kind::Tapped(body) => body.size_hint(),
        }
    }
}

/// The length of some data, as bodies count.
fn count(data: &[u8]) -> u64 {
    u64::try_from(data.len()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Kind::Tapped(tapped) => return tapped.inner().fmt(f),
            Kind::Empty => "Empty",
            Kind::Bytes(_) => "Bytes",
            Kind::Replayable(_) => "Replayable",
            Kind::Once(_) | Kind::Lent(_) => "Once",
            Kind::Watched(_) => "Response",
        };
        f.debug_struct("Body").field("kind", &kind).field("length", &self.length()).finish()
    }
}

macro_rules! from_bytes {
    ($($source:ty),*) => {$(
        impl From<$source> for Body {
            fn from(bytes: $source) -> Self {
                let bytes = Bytes::from(bytes);
                Self(if bytes.is_empty() { Kind::Empty } else { Kind::Bytes(bytes) })
            }
        }
    )*};
}

from_bytes!(Bytes, Vec<u8>, String, &'static str, &'static [u8]);

impl From<()> for Body {
    fn from((): ()) -> Self {
        Self::empty()
    }
}

#[cfg(test)]
mod tests;
