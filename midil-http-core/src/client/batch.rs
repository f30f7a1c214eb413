//! [`Batch`]: many requests, some of them at once.

mod background;
mod engine;
mod pace;
mod progress;
mod stream;

use std::fmt;
use std::future::{IntoFuture, poll_fn};
use std::sync::Arc;
use std::time::Duration;

use self::engine::Engine;
use self::pace::Pace;
pub use self::progress::BatchProgress;
pub use self::stream::{BatchCompletions, BatchStream};
use super::{HttpClient, IntoRequest, RequestBuilder, Response};
use crate::{BoxFuture, Error, Runtime};

type Requests<'a> = Box<dyn Iterator<Item = RequestBuilder> + Send + 'a>;
type Handler<'a, T> = Arc<dyn Fn(Response) -> BoxFuture<'a, Result<T, Error>> + Send + Sync + 'a>;
type Observer<'a> = Box<dyn FnMut(BatchProgress) + Send + 'a>;

/// Many requests, of which a bounded number is in flight: see [`HttpClient::batch`].
///
/// Each request is a call of its own, with its retries, timeouts and credentials, and one that fails does not touch the
/// others. It does nothing until it is awaited ([`send`](Self::send) is the same), or one of its two streams is polled:
///
/// | what | results | how many are kept |
/// |---|---|---|
/// | [`send`](Self::send), `.await` | all, in the order of the requests | all |
/// | [`stream`](Self::stream) | in the order of the requests | as many as may be in flight, or fewer |
/// | [`as_completed`](Self::as_completed) | as they are there, each with the index of its request | none |
///
/// **Requests** are drawn from their iterator when their turn has come, one more at most while there is a pause: what is lazy
/// is never there all at once.
///
/// **Bodies** are read before a result counts as one, within `max_response_bytes` each, so that no result holds a connection
/// and none can keep the others from theirs. Give [`map`](Self::map) for results that are smaller than their responses: memory
/// is then that of what it returns, and of the bodies in flight.
///
/// **Limits** of the client hold: a call waits for a connection (`max_connections`) or a place in a bulkhead as any other does,
/// and within its timeouts. More concurrency than they allow makes nothing faster.
///
/// # Cancel safety
///
/// Dropping the future or the stream aborts what is in flight, and nothing more is begun. There are no tasks, unless a stream is
/// told to go on [in the background](BatchStream::in_background): everything happens where it is polled, on any executor. A
/// closure or an iterator that panics panics there, too, and ends the batch.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::{Body, HttpClient, Request};
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let transport = |request: Request| async move {
/// #     let status = if request.url().path() == "/users/2" { 404 } else { 200 };
/// #     Ok(http::Response::builder().status(status).body(Body::from("\"Ada\"")).unwrap())
/// # };
/// let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
/// let requests = (0..4).map(|id| client.get(format!("/users/{id}")).raise_for_status());
/// let results = client
///     .batch(requests)
///     .concurrency(2)
///     .on_progress(|progress| println!("{} of {:?}, {} failed", progress.done(), progress.total(), progress.failed()))
///     .map(|response| async { response.json::<String>().await })
///     .await;
/// assert_eq!(results.len(), 4);
/// assert!(results[2].is_err() && results[3].as_deref().unwrap() == "Ada");
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
#[must_use = "a batch does nothing until it is sent"]
pub struct Batch<'a, T = Response> {
    requests: Requests<'a>,
    handler: Handler<'a, T>,
    observer: Option<Observer<'a>>,
    pace: Pace,
    runtime: Arc<dyn Runtime>,
}

impl HttpClient {
    /// Begins a batch of requests, which go out 10 at a time unless it is told otherwise.
    ///
    /// They may be [`Request`](crate::Request)s, [`RequestBuilder`]s, or `Result`s of these; an error among them is the result
    /// of its call. A builder of another client is sent by that one.
    ///
    /// # Examples
    ///
    /// See [`Batch`].
    pub fn batch<'a, I>(&self, requests: I) -> Batch<'a>
    where
        I: IntoIterator<Item: IntoRequest>,
        I::IntoIter: Send + 'a,
    {
        let client = self.clone();
        let requests = requests.into_iter().map(move |request| request.into_builder(&client));
        Batch {
            requests: Box::new(requests),
            handler: Arc::new(|response: Response| Box::pin(response.into_buffered())),
            observer: None,
            pace: Pace::default(),
            runtime: Arc::clone(&self.0.runtime),
        }
    }
}

impl<'a> Batch<'a> {
    /// Makes something of each response within the bound of the batch: its result is then what `handler` returns.
    ///
    /// The response's body is still to be read, so `handler` may stream it. It runs beside the requests in flight, and its
    /// request counts as one of them until it is over. It is not called where there is no response; its own error is a failure.
    /// What it returns should not hold the response: an unread body keeps its connection.
    ///
    /// # Examples
    ///
    /// See [`Batch`].
    pub fn map<F, Fut, U>(self, handler: F) -> Batch<'a, U>
    where
        F: Fn(Response) -> Fut + Send + Sync + 'a,
        Fut: Future<Output = Result<U, Error>> + Send + 'a,
    {
        let Self { requests, observer, pace, runtime, .. } = self;
        let handler = Arc::new(move |response| -> BoxFuture<'a, Result<U, Error>> {
            Box::pin(handler(response))
        });
        Batch { requests, handler, observer, pace, runtime }
    }
}

impl<'a, T: Send + 'a> Batch<'a, T> {
    /// How many requests may be in flight: 10 by default, or [`batch_size`](Self::batch_size) where that is given.
    ///
    /// Zero is an [`Error::Build`], as the result of every request: nothing is sent.
    pub const fn concurrency(mut self, concurrency: usize) -> Self {
        self.pace.concurrency = Some(concurrency);
        self
    }

    /// Waits for all requests after so many of them, before the next begins. By default a request begins whenever another is
    /// over.
    ///
    /// Zero is an [`Error::Build`], as the result of every request: nothing is sent.
    pub const fn batch_size(mut self, size: usize) -> Self {
        self.pace.size = Some(size);
        self
    }

    /// Waits for all requests after [`batch_size`](Self::batch_size) of them (by default as many as may be in flight), and then
    /// so long, before the next begins. There is no pause after the last.
    ///
    /// The time is that of the client's [`Runtime`]. A zero is an [`Error::Build`], as the result of every request.
    pub const fn pause(mut self, pause: Duration) -> Self {
        self.pace.pause = Some(pause);
        self
    }

    /// Begins no more requests after so many failures; by default none is too many. What has failed by the time that a request
    /// would begin counts.
    ///
    /// Those in flight are brought to their end, for the server may have acted upon them. Since requests begin in their order,
    /// the results are then those of the first so many requests. An [`Error`] is a failure, and so a 4xx or 5xx only where the
    /// request asks for that ([`raise_for_status`](RequestBuilder::raise_for_status)) or [`map`](Self::map) makes it one.
    ///
    /// Zero is an [`Error::Build`], as the result of every request: nothing is sent.
    pub const fn stop_after_failures(mut self, failures: usize) -> Self {
        self.pace.failures = Some(failures);
        self
    }

    /// Tells `observer` whenever a request begins, and whenever one is over.
    ///
    /// It is called where the batch is polled, so it must be quick.
    ///
    /// # Examples
    ///
    /// See [`Batch`].
    pub fn on_progress(mut self, observer: impl FnMut(BatchProgress) + Send + 'a) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Sends all requests. The results are in the order of the requests, one for each, unless the batch was
    /// [stopped](Self::stop_after_failures).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts what is in flight, and drops the results so far.
    pub async fn send(self) -> Vec<Result<T, Error>> {
        let mut engine = Engine::new(self);
        let mut results = Vec::new();
        while let Some((index, result)) = poll_fn(|cx| engine.poll_result(cx, 0)).await {
            if results.len() <= index {
                results.resize_with(index + 1, || None);
            }
            results[index] = Some(result);
        }
        results.into_iter().flatten().collect()
    }

    /// The results as a stream, in the order of the requests.
    ///
    /// A slow request holds up those behind it: they wait, with their bodies, and count as in flight as long as they do.
    ///
    /// What is in flight goes on only while the stream is polled, and may hold a connection, or a place in a bulkhead, when it
    /// is not: a call between two results that needs the same one waits for it in vain, until its timeout. Such calls belong into
    /// [`map`](Self::map), where all go on side by side, or the stream [into the background](BatchStream::in_background).
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_util::TryStreamExt;
    /// use midil_http_core::{Body, HttpClient, Request};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |request: Request| async move { Ok(http::Response::new(Body::from(request.url().path().to_owned()))) };
    /// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// let requests = (0..100).map(|id| client.get(format!("/users/{id}")));
    /// let mut users = client.batch(requests).map(|response| async { response.text().await }).stream();
    /// let mut id = 0;
    /// while let Some(user) = users.try_next().await? {
    ///     assert_eq!(user, format!("/users/{id}"));
    ///     id += 1;
    /// }
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    #[must_use]
    pub fn stream(self) -> BatchStream<'a, T> {
        BatchStream::new(Engine::new(self))
    }

    /// The results as a stream, as they are there, each with the index of its request.
    ///
    /// What is in flight goes on only while the stream is polled: see [`stream`](Self::stream).
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_util::StreamExt;
    /// use midil_http_core::{Body, HttpClient, Request};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
    /// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// let paths = ["/a", "/b", "/c"];
    /// let mut results = client.batch(paths.map(|path| client.delete(path))).as_completed();
    /// while let Some((index, result)) = results.next().await {
    ///     println!("{}: {}", paths[index], result?.status());
    /// }
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    #[must_use]
    pub fn as_completed(self) -> BatchCompletions<'a, T> {
        BatchCompletions::new(Engine::new(self))
    }
}

impl<'a, T: Send + 'a> IntoFuture for Batch<'a, T> {
    type Output = Vec<Result<T, Error>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl<T> fmt::Debug for Batch<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("concurrency", &self.pace.concurrency())
            .field("batch_size", &self.pace.size())
            .field("pause", &self.pace.pause)
            .finish_non_exhaustive()
    }
}
