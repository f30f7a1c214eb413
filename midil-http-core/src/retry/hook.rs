//! [`RetryHook`]: who is told before each retry.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderMap, StatusCode};

use super::Outcome;
use crate::{RequestHead, redact};

/// Is told before each retry, and may change the head of the request that goes out next.
///
/// A closure that takes `&mut RetryEvent<'_>` is a hook; [`async_retry_hook`] makes one of an async closure. The hook
/// runs before the wait; the wait is counted from the end of the attempt. It may make calls through the same client: the body of
/// a response was read before, up to 64 KiB and 100 ms, so the attempt holds neither a connection nor a place of a limit.
///
/// # Examples
///
/// ```
/// use midil_http_core::{RetryEvent, RetryHook};
///
/// let mark = |event: &mut RetryEvent<'_>| {
///     event.request.headers.insert("x-retry", event.attempt.into());
/// };
/// fn is_hook(_: &impl RetryHook) {}
/// is_hook(&mark);
/// ```
#[async_trait]
pub trait RetryHook: Send + Sync + 'static {
    /// Called when attempt number `event.attempt` is going to be followed by another one.
    async fn on_retry(&self, event: &mut RetryEvent<'_>);
}

/// A retry that is about to be made.
#[derive(Debug)]
#[non_exhaustive]
pub struct RetryEvent<'a> {
    /// The number of the attempt that failed, from 1.
    pub attempt: u32,
    /// What it came to.
    pub outcome: Outcome<'a>,
    /// The wait before the next attempt.
    pub delay: Duration,
    /// The head that all further attempts are made from: without the client's base headers and credentials, which are
    /// put on anew each time. A `deadline` may be brought forward; that of the call stays in any case.
    pub request: &'a mut RequestHead,
}

impl<'a> RetryEvent<'a> {
    pub(crate) const fn new(
        attempt: u32,
        outcome: Outcome<'a>,
        delay: Duration,
        request: &'a mut RequestHead,
    ) -> Self {
        Self { attempt, outcome, delay, request }
    }
}

#[async_trait]
impl<F> RetryHook for F
where
    F: Fn(&mut RetryEvent<'_>) + Send + Sync + 'static,
{
    async fn on_retry(&self, event: &mut RetryEvent<'_>) {
        self(event);
    }
}

/// A retry that is about to be made, to be kept or sent elsewhere.
#[non_exhaustive]
pub struct OwnedRetryEvent {
    /// The number of the attempt that failed, from 1.
    pub attempt: u32,
    /// The status that it came to, unless it came to an error.
    pub status: Option<StatusCode>,
    /// The headers that it came to, empty where it came to an error.
    pub headers: HeaderMap,
    /// The error that it came to, in words.
    pub error: Option<String>,
    /// The wait before the next attempt.
    pub delay: Duration,
    /// The head that all further attempts are made from.
    pub request: RequestHead,
}

impl fmt::Debug for OwnedRetryEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedRetryEvent")
            .field("attempt", &self.attempt)
            .field("status", &self.status)
            .field("headers", &redact::headers(&self.headers))
            .field("error", &self.error)
            .field("delay", &self.delay)
            .field("request", &self.request)
            .finish()
    }
}

impl From<&RetryEvent<'_>> for OwnedRetryEvent {
    fn from(event: &RetryEvent<'_>) -> Self {
        let (status, headers, error) = match event.outcome {
            Outcome::Response(head) => (Some(head.status), head.headers.clone(), None),
            Outcome::Error(error) => (None, HeaderMap::new(), Some(error.to_string())),
        };
        let request = event.request.clone();
        Self { attempt: event.attempt, status, headers, error, delay: event.delay, request }
    }
}

/// Makes a hook of an async closure: it gets an event of its own and returns the head to go on with.
///
/// # Examples
///
/// ```
/// use midil_http_core::{OwnedRetryEvent, async_retry_hook};
///
/// let hook = async_retry_hook(|event: OwnedRetryEvent| async move {
///     println!("attempt {} came to {:?}, again in {:?}", event.attempt, event.status, event.delay);
///     event.request
/// });
/// # fn is_hook(_: &impl midil_http_core::RetryHook) {} is_hook(&hook);
/// ```
pub const fn async_retry_hook<F, Fut>(function: F) -> AsyncRetryHook<F>
where
    F: Fn(OwnedRetryEvent) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = RequestHead> + Send + 'static,
{
    AsyncRetryHook(function)
}

/// An async closure as a hook: see [`async_retry_hook`].
#[derive(Clone, Copy)]
pub struct AsyncRetryHook<F>(F);

impl<F> fmt::Debug for AsyncRetryHook<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AsyncRetryHook")
    }
}

#[async_trait]
impl<F, Fut> RetryHook for AsyncRetryHook<F>
where
    F: Fn(OwnedRetryEvent) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = RequestHead> + Send + 'static,
{
    async fn on_retry(&self, event: &mut RetryEvent<'_>) {
        let owned = OwnedRetryEvent::from(&*event);
        *event.request = (self.0)(owned).await;
    }
}
