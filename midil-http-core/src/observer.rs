//! [`Observer`]: who is told of what calls do, for metrics.

mod ended;
mod event;
mod open_body;
mod several;
mod target;

use std::sync::Arc;

pub use ended::Ended;
pub(crate) use ended::protocol_version;
pub use event::{
    BodyEnd, CallClosed, CallEnded, CallStarted, CircuitChanged, Event, HedgeSent, HedgeWon,
    QueueEnded, QueueOutcome, RequestClosed, RequestEnded, RequestStarted, RetryGivenUp,
    RetryScheduled, TokenFetched, TokenUsed,
};
pub(crate) use open_body::OpenBody;
pub(crate) use several::{Several, tell};
pub use target::Target;
pub(crate) use target::{OwnedTarget, address};

/// Is told of what calls do, while they do it: for metrics.
///
/// Set on a client ([`HttpClientBuilder::observer`](crate::HttpClientBuilder::observer)), it hears of the client's calls, of
/// the retries, limits, breakers and hedges on their way, and of the token cache that gives their credentials: there is one
/// place to set it. A closure that takes `&Event<'_>` is an observer.
///
/// # Which events come, and how often
///
/// A **call** is what the user of a client makes; a **request** is what goes out for it: one per attempt, redirect, 401 replay
/// and hedge. Both begin once and end once, whatever happens:
///
/// | | begins | ends | is closed |
/// |---|---|---|---|
/// | call | [`CallStarted`](Event::CallStarted) | [`CallEnded`](Event::CallEnded), with the response's head, an error, or because it was dropped | [`CallClosed`](Event::CallClosed), when its body has ended or was dropped |
/// | request | [`RequestStarted`](Event::RequestStarted) | [`RequestEnded`](Event::RequestEnded), likewise | [`RequestClosed`](Event::RequestClosed), likewise |
///
/// The time of either is that to the head, as OpenTelemetry has it: how long a body takes to be read is up to whoever reads it.
/// What is in flight is what was started and is not closed. A request that is no request (a bad URL, say) starts no call.
///
/// # For implementers
///
/// `observe` is called on the hot path, from many tasks at once, and in `drop`: be quick, take no lock for long, wait for nothing.
/// All that an event holds is borrowed: copy what you keep. A panic is caught, and does no harm to the call; nor is anybody
/// told of it but the panic hook. An observer that holds a client which it observes keeps it alive for ever.
///
/// No event holds a header, a body, a query string or a path; [`Target::url_template`] is the caller's own word. There will be
/// more events: ignore those that you do not know.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
/// use midil_http_core::{Body, Event, HttpClient, Observer, Request};
///
/// #[derive(Default)]
/// struct Counts {
///     in_flight: AtomicI64,
///     failed: AtomicU64,
///     retries: AtomicU64,
/// }
///
/// impl Observer for Counts {
///     fn observe(&self, event: &Event<'_>) {
///         match event {
///             Event::CallStarted(_) => drop(self.in_flight.fetch_add(1, Relaxed)),
///             Event::CallClosed(_) => drop(self.in_flight.fetch_sub(1, Relaxed)),
///             Event::CallEnded(call) if call.ended.error_type().is_some() => drop(self.failed.fetch_add(1, Relaxed)),
///             Event::RetryScheduled(_) => drop(self.retries.fetch_add(1, Relaxed)),
///             _ => {}
///         }
///     }
/// }
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let transport = |_: Request| async { Ok(http::Response::builder().status(404).body(Body::stream(futures_util::stream::iter([Ok::<_, midil_http_core::Error>("not here")]))).unwrap()) };
/// let counts = Arc::new(Counts::default());
/// let client = HttpClient::builder(transport).base_url("https://api.example.com").observer(Arc::clone(&counts)).build()?;
///
/// let response = client.get("/users/7").send().await?; // 404
/// assert_eq!((counts.in_flight.load(Relaxed), counts.failed.load(Relaxed)), (1, 1));
/// response.text().await?;
/// assert_eq!(counts.in_flight.load(Relaxed), 0);
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
pub trait Observer: Send + Sync + 'static {
    /// Takes note of `event`.
    fn observe(&self, event: &Event<'_>);
}

impl<T: Observer + ?Sized> Observer for Arc<T> {
    fn observe(&self, event: &Event<'_>) {
        (**self).observe(event);
    }
}

impl<F> Observer for F
where
    F: Fn(&Event<'_>) + Send + Sync + 'static,
{
    fn observe(&self, event: &Event<'_>) {
        self(event);
    }
}
