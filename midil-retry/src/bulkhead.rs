//! [`Bulkhead`]: so many calls in flight, and no more.

mod builder;
mod lane;
#[cfg(test)]
#[cfg(not(midil_loom))]
mod tests;

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use midil_http_core::{Body, BoxFuture, Error, LimitError, Middleware, Next, Request, RequestHead};

pub use builder::BulkheadBuilder;

use self::lane::{BulkheadLane, Permit};
use crate::key::KeyedBy;
use crate::lanes::Lanes;
use crate::queued::Queued;
use crate::within::within;

/// Lets so many calls be in flight to a server at once; a few more wait for their turn, the rest is refused.
///
/// A server that becomes slow then holds so many of the caller's tasks and connections, and not all of them. A call is in
/// flight from when it goes out until its response's body has ended or was dropped: read bodies to their end, or drop
/// them.
///
/// Calls wait in the order in which they came, as long as there are no more than `max_waiting`, and for `max_wait` at most.
/// What is refused is [`Error::Limit`], which names the setting; nothing is sent. Waiting counts towards the
/// `total_timeout` of a client, but not towards `timeout` and `attempt_timeout`.
///
/// Each origin (scheme, host and port) has a bulkhead of its own, or each [`key`](BulkheadBuilder::key) of your making. Its
/// clones share it. What nobody uses is forgotten.
///
/// Put it among the [attempt middleware](midil_http_core::HttpClientBuilder::attempt_middleware), outside a circuit breaker: a
/// call gives up its place between attempts. (Around the whole call, its wait is outside the `total_timeout`.) Or put it
/// around a transport: [`BulkheadTransport`](crate::BulkheadTransport).
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, HttpClient, Request};
/// use midil_retry::Bulkhead;
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let transport = |_: Request| async { Ok(http::Response::new(Body::from("hello"))) };
/// let bulkhead = Bulkhead::new(10);
/// let client = HttpClient::builder(transport)
///     .base_url("https://api.example.com/v1")
///     .attempt_middleware(bulkhead.clone())
///     .build()?;
///
/// let response = client.get("/users").send().await?;
/// assert_eq!(bulkhead.state("https://api.example.com").in_flight, 1);
/// response.text().await?;
/// assert_eq!(bulkhead.state("https://api.example.com").in_flight, 0);
/// # Ok::<_, midil_http_core::Error>(()) }).unwrap().unwrap();
/// ```
#[derive(Clone)]
pub struct Bulkhead(Arc<Shared>);

/// What all clones of a bulkhead share.
struct Shared {
    rules: Rules,
    keyed_by: KeyedBy,
    lanes: Lanes<BulkheadLane>,
}

#[derive(Debug, Clone)]
struct Rules {
    in_flight: usize,
    waiting: usize,
    wait: Duration,
}

/// How full a bulkhead is.
///
/// # Examples
///
/// ```
/// use midil_retry::{Bulkhead, BulkheadState};
///
/// let bulkhead = Bulkhead::new(10);
/// assert_eq!(bulkhead.state("https://api.example.com"), BulkheadState::default());
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BulkheadState {
    /// Calls in flight, those whose response's body is being read among them.
    pub in_flight: usize,
    /// Calls that wait for their turn.
    pub waiting: usize,
}

impl Bulkhead {
    /// A bulkhead for `max_in_flight` calls, at least 1. As many may wait, for 10 s at most.
    #[must_use]
    pub fn new(max_in_flight: usize) -> Self {
        BulkheadBuilder::new().max_in_flight(max_in_flight.max(1)).make()
    }

    /// Begins with 100 calls in flight, as many that wait for up to 10 s, and a bulkhead for each origin.
    pub fn builder() -> BulkheadBuilder {
        BulkheadBuilder::new()
    }

    fn with(rules: Rules, keyed_by: KeyedBy) -> Self {
        Self(Arc::new(Shared { rules, keyed_by, lanes: Lanes::new() }))
    }

    /// How full the bulkhead of a key is: of an origin, such as `https://api.example.com` (any URL of it will do), unless it
    /// has [keys](BulkheadBuilder::key) of your making.
    #[must_use]
    pub fn state(&self, key: &str) -> BulkheadState {
        let lane = self.0.lanes.find(&self.0.keyed_by.named(key));
        lane.map_or_else(BulkheadState::default, |lane| lane.state(&self.0.rules))
    }

    /// All keys of late and how full they are, in no order.
    pub fn states(&self) -> impl Iterator<Item = (Arc<str>, BulkheadState)> {
        let lanes = self.0.lanes.all().into_iter();
        lanes.map(|lane| (lane.key_text(), lane.state(&self.0.rules)))
    }
}

// Written out, not with `async_trait`, which would keep each argument twice in the future.
impl Middleware for Bulkhead {
    fn handle<'a, 'n, 'async_trait>(
        &'a self,
        request: Request,
        next: Next<'n>,
    ) -> BoxFuture<'async_trait, Result<http::Response<Body>, Error>>
    where
        'a: 'async_trait,
        'n: 'async_trait,
        Self: 'async_trait,
    {
        let shared = &*self.0;
        let lane = shared.lane(request.head());
        Box::pin(async move {
            let permit = match lane.try_enter() {
                Ok(permit) => permit,
                // What is rare is boxed: no call should carry room for it.
                Err(lane) => Box::pin(shared.wait(lane, request.head(), next)).await?,
            };
            let mut permit = Some(permit);
            let mut rest = pin!(next.run(request));
            // Looked at where it is: each variable that it goes through would copy it.
            poll_fn(|cx| {
                let mut poll = rest.as_mut().poll(cx);
                if let Poll::Ready(Ok(response)) = &mut poll
                    && let Some(permit) = permit.take()
                {
                    permit.hold(response.body_mut());
                }
                poll
            })
            .await
        })
    }
}

impl Shared {
    fn lane(&self, head: &RequestHead) -> Arc<BulkheadLane> {
        let make = |key| BulkheadLane::new(key, self.rules.in_flight);
        // Whoever uses a lane holds it.
        self.lanes.find_or_make(&self.keyed_by.of(head), make, |_| true)
    }

    /// Waits for a place.
    ///
    /// Cancel safe: whoever loses interest leaves the queue, and passes on a place that was given to it meanwhile.
    async fn wait(
        &self,
        lane: Arc<BulkheadLane>,
        head: &RequestHead,
        next: Next<'_>,
    ) -> Result<Permit, Error> {
        let Rules { in_flight, waiting, wait } = self.rules;
        let queued = Queued::begin(next, head, "bulkhead");
        let Some(place) = lane.queue(waiting) else {
            queued.refused();
            let problem = format!(
                "{in_flight} calls are in flight and {waiting} wait already: send fewer, or raise max_in_flight or max_waiting"
            );
            return Err(LimitError::new("max_waiting", problem).into());
        };
        let permit = within(next.runtime(), wait, lane.enter()).await.flatten();
        drop(place);
        match permit {
            Some(_) => queued.admitted(),
            None => queued.refused(),
        }
        permit.ok_or_else(|| {
            let problem = format!(
                "{in_flight} calls were in flight for {wait:?}: send fewer, or raise max_in_flight or max_wait"
            );
            LimitError::new("max_wait", problem).into()
        })
    }
}

impl fmt::Debug for Bulkhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bulkhead")
            .field("rules", &self.0.rules)
            .field("key", &self.0.keyed_by)
            .finish_non_exhaustive()
    }
}
