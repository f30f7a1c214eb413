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
mod on_end;
mod once;
mod progress;
mod reader;
mod replayable;
mod riders;
mod stream;
mod tap;
mod upload;
mod watch;

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Frame, SizeHint};

use self::boxed::BoxedBody;
pub(crate) use self::buffered::{BUFFER_TIME, buffer, drain};
use self::on_end::Ending;
pub use self::on_end::OnEnd;
use self::once::OnceSlot;
pub(crate) use self::once::already_read;
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
use crate::alarm::Timer;
use crate::client::Ticket;
use crate::observer::OpenBody;
use crate::{BodyEnd, BoxError, Error, LimitError, Runtime};

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

    /// The next frame: data or trailers; `None` at the end.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::Body;
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// let mut body = Body::from("hello");
    /// while let Some(frame) = body.frame().await {
    ///     if let Ok(data) = frame?.into_data() {
    ///         assert_eq!(data, "hello");
    ///     }
    /// }
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Whatever broke the body off.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no frame is lost.
    pub async fn frame(&mut self) -> Option<Result<Frame<Bytes>, Error>> {
        poll_fn(|cx| http_body::Body::poll_frame(Pin::new(&mut *self), cx)).await
    }

    /// The next piece of data; `None` at the end. Trailers are passed over.
    ///
    /// # Errors
    ///
    /// Whatever broke the body off.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no data is lost.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        while let Some(frame) = self.frame().await {
            if let Ok(data) = frame?.into_data()
                && !data.is_empty()
            {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// The whole body, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Limit`] when there is more, or whatever broke the body off.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: what was read is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_util::FutureExt::now_or_never(async {
    /// let body = midil_http_core::Body::from("hello");
    /// assert_eq!(body.collect(1024).await?, "hello");
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    pub async fn collect(mut self, limit: u64) -> Result<Bytes, Error> {
        let Some(first) = self.chunk().await? else { return Ok(Bytes::new()) };
        let mut room = Self::room_after(limit, &first, limit)?;
        if http_body::Body::is_end_stream(&self) {
            return Ok(first);
        }
        let Some(second) = self.chunk().await? else { return Ok(first) };
        room = Self::room_after(room, &second, limit)?;
        // The announced length is the peer's word: believe it up to 1 MiB, grow beyond.
        let announced = http_body::Body::size_hint(&self).lower().min(room).min(1 << 20);
        let announced = usize::try_from(announced).unwrap_or_default();
        let mut all = Vec::with_capacity(first.len() + second.len() + announced);
        all.extend_from_slice(&first);
        all.extend_from_slice(&second);
        while let Some(data) = self.chunk().await? {
            room = Self::room_after(room, &data, limit)?;
            all.extend_from_slice(&data);
        }
        Ok(all.into())
    }

    /// What is left of `room` when `data` is in it; `limit` is what there was in the beginning.
    pub(crate) fn room_after(room: u64, data: &[u8], limit: u64) -> Result<u64, Error> {
        room.checked_sub(count(data)).ok_or_else(|| {
            let problem = format!(
                "the body has more than {limit} bytes: raise max_response_bytes, or stream the body"
            );
            LimitError::new("max_response_bytes", problem).after_sending().into()
        })
    }

    /// Makes a stream one that can be lent.
    pub(crate) fn prepare(&mut self) {
        if let Kind::Tapped(tapped) = &mut self.0 {
            return tapped.inner_mut().prepare();
        }
        if matches!(self.0, Kind::Once(_) | Kind::Watched(_)) {
            let stream = match std::mem::take(&mut self.0) {
                Kind::Once(stream) => stream,
                other => BoxedBody::new(Self(other)),
            };
            self.0 = Kind::Lent(Arc::new(OnceSlot::new(stream)));
        }
    }

    /// A copy for one attempt, which leaves the original to the next: a stream is lent, not given away.
    ///
    /// `None` for a stream that somebody has read from, or that was never [prepared](Self::prepare).
    pub(crate) fn lend(&self) -> Option<Self> {
        match &self.0 {
            Kind::Lent(slot) => slot.is_untouched().then(|| Self(Kind::Lent(Arc::clone(slot)))),
            Kind::Tapped(tapped) => tapped.inner().lend().map(|body| tapped.with(body)),
            _ => self.try_clone(),
        }
    }

    /// Whether the body can be sent from its start.
    pub(crate) fn is_whole(&self) -> bool {
        match &self.0 {
            Kind::Lent(slot) => slot.is_untouched(),
            Kind::Once(_) | Kind::Watched(_) => false,
            Kind::Tapped(tapped) => tapped.inner().is_whole(),
            _ => true,
        }
    }

    /// Whether this is what `original` lends: untouched, and not something else in its place.
    pub(crate) fn is_lent_from(&self, original: &Self) -> bool {
        match (&self.0, &original.0) {
            (Kind::Empty, Kind::Empty) => true,
            (Kind::Bytes(bytes), Kind::Bytes(original)) => {
                bytes.as_ptr() == original.as_ptr() && bytes.len() == original.len()
            }
            (Kind::Replayable(body), Kind::Replayable(original)) => body.is_fresh_of(original),
            (Kind::Lent(slot), Kind::Lent(original)) => Arc::ptr_eq(slot, original),
            (_, Kind::Tapped(original)) => self.is_lent_from(original.inner()),
            (Kind::Tapped(tapped), _) => tapped.inner().is_lent_from(original),
            _ => false,
        }
    }

    /// Puts what is left of an exchange's timeouts on its response body.
    ///
    /// `announced` is the `Content-Length` that must not be undercut.
    pub(crate) fn watched(self, watch: Watch, announced: Option<u64>) -> Self {
        Self(Kind::Watched(Box::new(Watched::new(self, Some(watch), announced))))
    }

    /// The same body, at whose end `told` is told of it: when it has been read, is broken off, or is dropped. At once,
    /// when there is nothing to read.
    ///
    /// For middleware whose work is not done with the head of a response. On a body that a client's attempt got it takes no
    /// memory.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    /// use midil_http_core::{Body, Error, Next, Request, middleware_fn};
    ///
    /// // How many exchanges are under way, their bodies included.
    /// let in_flight = Arc::new(AtomicUsize::new(0));
    /// let count = Arc::clone(&in_flight);
    /// let counting = middleware_fn(move |request, next| {
    ///     let count = Arc::clone(&count);
    ///     Box::pin(async move {
    ///         count.fetch_add(1, Ordering::Relaxed);
    ///         let ended = Arc::new(move || drop(count.fetch_sub(1, Ordering::Relaxed)));
    ///         match next.run(request).await {
    ///             Ok(response) => Ok(response.map(|body| body.on_end(ended))),
    ///             Err(error) => {
    ///                 ended();
    ///                 Err(error)
    ///             }
    ///         }
    ///     })
    /// });
    /// # use midil_http_core::Middleware;
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::from("hello"))) };
    /// let request = Request::get("http://localhost/")?;
    /// let response = counting.handle(request, Next::new(&transport)).await?;
    /// assert_eq!(in_flight.load(Ordering::Relaxed), 1);
    /// response.into_body().collect(1024).await?;
    /// assert_eq!(in_flight.load(Ordering::Relaxed), 0);
    /// # Ok::<_, Error>(()) }).unwrap().unwrap();
    /// ```
    #[must_use]
    pub fn on_end(mut self, told: Arc<dyn OnEnd>) -> Self {
        let ending = Ending::new(told);
        if http_body::Body::is_end_stream(&self) {
            return self;
        }
        match &mut self.0 {
            Kind::Watched(watched) if watched.may_tell() => {
                watched.riders().set_ending(ending);
                self
            }
            _ => {
                let mut watched = Watched::new(self, None, None);
                watched.riders().set_ending(ending);
                Self(Kind::Watched(Box::new(watched)))
            }
        }
    }

    /// Bounds the body by the deadline of the whole call, too.
    /// `timer` is what the call was bounded by until now.
    pub(crate) fn bound(
        &mut self,
        total: Deadline,
        runtime: &Arc<dyn Runtime>,
        timer: Option<Timer>,
    ) {
        match &mut self.0 {
            Kind::Empty | Kind::Bytes(_) => {}
            Kind::Watched(watched) => watched.set_total(total, runtime, timer),
            _ => {
                let mut watched = Watched::new(std::mem::take(self), None, None);
                watched.set_total(total, runtime, timer);
                self.0 = Kind::Watched(Box::new(watched));
            }
        }
    }

    /// Whether nothing of it is to come any more.
    pub(crate) fn is_in_memory(&self) -> bool {
        match &self.0 {
            Kind::Empty | Kind::Bytes(_) => true,
            Kind::Watched(watched) => watched.is_in_memory(),
            Kind::Tapped(_) | Kind::Replayable(_) | Kind::Once(_) | Kind::Lent(_) => false,
        }
    }

    /// Lets `ticket` go along until the body's end: it breaks off when its client is closed. What is in memory, or has ended, is
    /// not in flight any more.
    pub(crate) fn in_flight(&mut self, ticket: Ticket) -> Result<(), Error> {
        if let Kind::Watched(watched) = &mut self.0 {
            return watched.in_flight(ticket);
        }
        if self.is_in_memory() || http_body::Body::is_end_stream(self) {
            return ticket.finish();
        }
        let mut watched = Box::new(Watched::new(std::mem::take(self), None, None));
        let outcome = watched.in_flight(ticket);
        self.0 = Kind::Watched(watched);
        outcome
    }

    /// Tells an observer when the body is over: now, where it is there in whole.
    pub(crate) fn tracked(mut self, open: OpenBody) -> Self {
        if http_body::Body::is_end_stream(&self) || matches!(self.0, Kind::Bytes(_)) {
            open.close(BodyEnd::Complete);
            return self;
        }
        let open = match &mut self.0 {
            Kind::Watched(watched) => watched.riders().join(open),
            _ => Some(open),
        };
        if let Some(open) = open {
            let mut watched = Watched::new(self, None, None);
            watched.riders().join(open);
            self = Self(Kind::Watched(Box::new(watched)));
        }
        self
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
