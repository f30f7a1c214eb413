//! The two streams of a batch's results, in the order of the requests and as they are there, and what makes them go on.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use sync_wrapper::SyncWrapper;

use super::background::Background;
use super::engine::Engine;
use crate::Error;

/// Where results come from.
enum Source<'a, T> {
    /// What is polled here, and nowhere else.
    Here(Box<Engine<'a, T>>),
    Background(Background<'a, T>),
}

impl<'a, T: Send + 'a> Source<'a, T> {
    fn poll_result(
        &mut self,
        cx: &mut Context<'_>,
        held: usize,
    ) -> Poll<Option<(usize, Result<T, Error>)>> {
        match self {
            Self::Here(engine) => engine.poll_result(cx, held),
            Self::Background(background) => background.poll_result(cx, held),
        }
    }

    /// Says how many results wait to be handed on.
    fn hold(&self, held: usize) {
        if let Self::Background(background) = self {
            background.hold(held);
        }
    }
}

impl<T: Send + 'static> Source<'static, T> {
    fn in_background(self) -> Self {
        match self {
            Self::Here(engine) => Self::Background(Background::new(engine)),
            background => background,
        }
    }
}

/// The results of a batch in the order of its requests: see [`Batch::stream`](crate::Batch::stream).
pub struct BatchStream<'a, T> {
    source: SyncWrapper<Source<'a, T>>,
    /// What is there before what comes before it.
    held: SyncWrapper<BTreeMap<usize, Result<T, Error>>>,
    next: usize,
}

impl<'a, T: Send + 'a> BatchStream<'a, T> {
    pub(super) fn new(engine: Engine<'a, T>) -> Self {
        let source = Source::Here(Box::new(engine));
        Self { source: SyncWrapper::new(source), held: SyncWrapper::new(BTreeMap::new()), next: 0 }
    }
}

impl<T: Send + 'static> BatchStream<'static, T> {
    /// Goes on when nobody polls it: what is in flight comes to its end, and as many results as may be in flight wait to be
    /// read. So it holds no connection, and no place in a bulkhead, for longer than its calls take, whatever is done between
    /// two results; and that takes no time from them.
    ///
    /// A task of the client's [`Runtime`](crate::Runtime) does it, from the first poll on. It ends with the stream. What the
    /// batch was given (requests, [`map`](crate::Batch::map), [`on_progress`](crate::Batch::on_progress)) must own what it
    /// uses, for it runs there as well as here; what panics there panics where the stream is read.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_util::TryStreamExt;
    /// use midil_http_core::{Body, HttpClient, Request};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), midil_http_core::Error> {
    /// # let transport = |request: Request| async move { Ok(http::Response::new(Body::from(request.url().path().to_owned()))) };
    /// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// let ids = vec![3, 5, 8];
    /// let requests = ids.into_iter().map({
    ///     let client = client.clone();
    ///     move |id| client.get(format!("/orders/{id}"))
    /// });
    /// let mut orders = client.batch(requests).stream().in_background();
    /// while let Some(order) = orders.try_next().await? {
    ///     // It may need the very connections that the batch has.
    ///     client.post("/archive").body(order.bytes().await?).send().await?;
    /// }
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn in_background(mut self) -> Self {
        self.source = SyncWrapper::new(self.source.into_inner().in_background());
        self
    }
}

impl<'a, T: Send + 'a> Stream for BatchStream<'a, T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let held = this.held.get_mut();
        loop {
            if let Some(result) = held.remove(&this.next) {
                this.next += 1;
                this.source.get_mut().hold(held.len());
                return Poll::Ready(Some(result));
            }
            match ready!(this.source.get_mut().poll_result(cx, held.len())) {
                None => return Poll::Ready(None),
                Some((index, result)) => drop(held.insert(index, result)),
            }
        }
    }
}

impl<T> Unpin for BatchStream<'_, T> {}

impl<T> fmt::Debug for BatchStream<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchStream").field("next", &self.next).finish_non_exhaustive()
    }
}

/// The results of a batch as they are there, with the indices of their requests: see
/// [`Batch::as_completed`](crate::Batch::as_completed).
pub struct BatchCompletions<'a, T>(SyncWrapper<Source<'a, T>>);

impl<'a, T: Send + 'a> BatchCompletions<'a, T> {
    pub(super) fn new(engine: Engine<'a, T>) -> Self {
        Self(SyncWrapper::new(Source::Here(Box::new(engine))))
    }
}

impl<T: Send + 'static> BatchCompletions<'static, T> {
    /// Goes on when nobody polls it: see [`BatchStream::in_background`].
    ///
    /// # Examples
    ///
    /// See [`BatchStream::in_background`].
    #[must_use]
    pub fn in_background(self) -> Self {
        Self(SyncWrapper::new(self.0.into_inner().in_background()))
    }
}

impl<'a, T: Send + 'a> Stream for BatchCompletions<'a, T> {
    type Item = (usize, Result<T, Error>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.get_mut().poll_result(cx, 0)
    }
}

impl<T> Unpin for BatchCompletions<'_, T> {}

impl<T> fmt::Debug for BatchCompletions<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchCompletions").finish_non_exhaustive()
    }
}
