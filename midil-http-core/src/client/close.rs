//! Closing a client, and what became of its calls.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use http::Method;

use super::{HttpClient, InFlight};
use crate::Runtime;

/// How long [`HttpClient::close`] lets calls go on: 10 s. Those who stop a service have some 30 s for all of it.
const GRACE: Duration = Duration::from_secs(10);

/// How long those whose calls were dropped are waited for, to see it and let go of their connections.
const LETTING_GO: Duration = Duration::from_secs(1);

impl HttpClient {
    /// Closes the client and all its clones, with 10 s for what is in flight: see [`close_within`](Self::close_within).
    ///
    /// # Cancel safety
    ///
    /// As [`close_within`](Self::close_within).
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Body, Error, HttpClient, Request};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
    /// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// let report = client.close().await;
    /// assert!(report.is_clean());
    /// assert!(matches!(client.get("/").send().await, Err(Error::Closed)));
    /// # Ok::<_, Error>(()) }).unwrap().unwrap();
    /// ```
    pub async fn close(&self) -> CloseReport {
        self.close_within(GRACE).await
    }

    /// Closes the client and all its clones, and tells what became of the calls in flight.
    ///
    /// 1. At once, new calls are refused: [`Error::Closed`](crate::Error::Closed). A request that was built but not sent yet
    ///    is a new call, and so are the requests of a batch whose turn has not come.
    /// 2. What is in flight may go on for `grace`, all of it: waits for a place, a token or the next attempt, the attempts
    ///    themselves, and the response's body until it is read to its end or dropped. Zero drops it at once, `Duration::MAX`
    ///    waits as long as it takes.
    /// 3. What is left is dropped. Whoever awaits it, or reads its body, gets `Error::Closed`; what it held is free as soon as
    ///    that has happened, for which up to 1 s is waited.
    ///    A token that it waited for is fetched to its end all the same, for whoever else shares the provider.
    /// 4. The transport [closes](crate::Transport::close) its idle connections.
    ///
    /// A body that is in memory as a whole is not in flight any more. A client that is dropped instead lets its calls go on:
    /// they hold what they need, and its connections are closed with the last of them.
    ///
    /// Closing again is no error, and has nothing to tell: each call is told of once, to whoever is told first. Two at a time
    /// both wait, and the shorter grace counts for both: a second signal to a service that is stopping may
    /// `close_within(Duration::ZERO)`. Not to be awaited within a call, for it would wait for itself.
    ///
    /// # Cancel safety
    ///
    /// A `close` that is dropped leaves the client refusing new calls. What is in flight goes on without an end to its grace,
    /// unless that had been over; another `close` goes on from there, and tells of everything.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use midil_http_core::{Body, HttpClient, Request};
    ///
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
    /// # let client = HttpClient::builder(transport).base_url("https://api.example.com").build()?;
    /// let report = client.close_within(Duration::from_secs(5)).await;
    /// for call in report.dropped() {
    ///     eprintln!("dropped: {call}"); // GET https://api.example.com/users, after 7.2s, waiting for the response
    /// }
    /// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
    /// ```
    pub async fn close_within(&self, grace: Duration) -> CloseReport {
        let shared = &self.0;
        let runtime = &*shared.runtime;
        let started = runtime.now();
        shared.in_flight.refuse();
        if !is_idle_within(&shared.in_flight, runtime, grace).await {
            shared.in_flight.drop_all(runtime.now());
            is_idle_within(&shared.in_flight, runtime, LETTING_GO).await;
        }
        shared.transport.close().await;
        // Nothing is awaited from here on: what is taken is told.
        let (finished, dropped) = shared.in_flight.take_news();
        CloseReport { finished, dropped, elapsed: since(runtime.now(), started) }
    }

    /// Whether [`close`](Self::close) was called, on this client or a clone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.in_flight.is_closed()
    }
}

/// Whether nothing is in flight, at the latest after `limit`.
async fn is_idle_within(calls: &InFlight, runtime: &dyn Runtime, limit: Duration) -> bool {
    let mut idle = pin!(calls.idle());
    let mut timer = None;
    poll_fn(|cx| {
        if idle.as_mut().poll(cx).is_ready() {
            return Poll::Ready(true);
        }
        if limit.is_zero() {
            return Poll::Ready(false);
        }
        let timer =
            timer.get_or_insert_with(|| sync_wrapper::SyncWrapper::new(runtime.sleep(limit)));
        timer.get_mut().as_mut().poll(cx).map(|()| false)
    })
    .await
}

fn since(later: Instant, earlier: Instant) -> Duration {
    later.saturating_duration_since(earlier)
}

/// What became of the calls that were in flight when a client was closed.
///
/// # Examples
///
/// See [`HttpClient::close_within`].
#[derive(Debug, Clone)]
#[must_use = "it tells which calls were dropped"]
pub struct CloseReport {
    finished: usize,
    dropped: Vec<DroppedCall>,
    elapsed: Duration,
}

impl CloseReport {
    /// How many calls ended by themselves while the client was closing: in a response whose body came to its end, in an error,
    /// or because their callers dropped them.
    #[must_use]
    pub const fn finished(&self) -> usize {
        self.finished
    }

    /// The calls that were dropped when the grace was over.
    #[must_use]
    pub fn dropped(&self) -> &[DroppedCall] {
        &self.dropped
    }

    /// Whether nothing was dropped.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.dropped.is_empty()
    }

    /// How long closing took.
    #[must_use]
    pub const fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

impl fmt::Display for CloseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { finished, dropped, elapsed } = self;
        write!(f, "closed in {elapsed:.1?}: {finished} calls finished, {} dropped", dropped.len())
    }
}

/// A call that was dropped because its client was closed.
///
/// # Examples
///
/// ```
/// use midil_http_core::{CloseReport, DroppedCall};
///
/// fn unread(report: &CloseReport) -> Vec<&str> {
///     report.dropped().iter().filter(|call| call.has_response()).map(DroppedCall::url).collect()
/// }
/// ```
#[derive(Clone)]
pub struct DroppedCall {
    method: Method,
    url: String,
    age: Duration,
    has_response: bool,
}

impl DroppedCall {
    pub(super) const fn new(
        method: Method,
        url: String,
        age: Duration,
        has_response: bool,
    ) -> Self {
        Self { method, url, age, has_response }
    }

    /// The method that the call began with.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The URL that the call began with, without its query, and without what is behind its first 256 bytes.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How long ago the call began.
    #[must_use]
    pub const fn age(&self) -> Duration {
        self.age
    }

    /// Whether the caller had the response already, and its body was cut off.
    #[must_use]
    pub const fn has_response(&self) -> bool {
        self.has_response
    }
}

impl fmt::Display for DroppedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, url, age, has_response } = self;
        let stage = if *has_response { "reading the body" } else { "waiting for the response" };
        write!(f, "{method} {url}, after {age:.1?}, {stage}")
    }
}

impl fmt::Debug for DroppedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DroppedCall({self})")
    }
}
