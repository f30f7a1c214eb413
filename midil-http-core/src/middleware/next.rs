//! [`Next`]: the rest of the way.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, LazyLock};

use futures_util::future::Either;

use super::Middleware;
use crate::pipeline::{AttemptScope, CallScope};
use crate::{
    Alarm, Body, DefaultRuntime, Error, Observer, Phase, Random, Request, Runtime, Transport,
};

/// The rest of the way of a request, from a middleware's point of view.
#[derive(Clone, Copy)]
pub struct Next<'a> {
    rest: &'a [Arc<dyn Middleware>],
    end: End<'a>,
    alarm: Option<&'a Alarm<'a>>,
}

/// Where the way goes when the middleware of this place are through.
#[derive(Clone, Copy)]
enum End<'a> {
    Call(&'a CallScope<'a>),
    Attempt(&'a AttemptScope<'a>),
    Transport(&'a dyn Transport, &'a dyn Runtime, Option<&'a Arc<dyn Observer>>),
}

impl<'a> Next<'a> {
    /// The way straight into `transport`: to try a middleware, or to wrap a transport in one.
    #[must_use]
    pub const fn new(transport: &'a dyn Transport) -> Self {
        Self { rest: &[], end: End::Transport(transport, &DefaultRuntime, None), alarm: None }
    }

    /// The same way, on another clock than that of [`DefaultRuntime`]: for those who wrap a transport. A client's way is
    /// on the client's clock already, and stays there.
    #[must_use]
    pub const fn on(self, runtime: &'a dyn Runtime) -> Self {
        match self.end {
            End::Transport(transport, _, observer) => {
                Self { end: End::Transport(transport, runtime, observer), ..self }
            }
            End::Call(_) | End::Attempt(_) => self,
        }
    }

    /// The same way, with one who is told of what happens on it: for those who wrap a transport. A client's way has the
    /// client's, and keeps it.
    #[must_use]
    pub const fn observed_by(self, observer: &'a Arc<dyn Observer>) -> Self {
        match self.end {
            End::Transport(transport, runtime, _) => {
                Self { end: End::Transport(transport, runtime, Some(observer)), ..self }
            }
            End::Call(_) | End::Attempt(_) => self,
        }
    }

    /// Who is told of what happens on this way, if anybody is: a middleware that makes calls wait tells of it here, say.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use midil_http_core::{Body, Error, Event, Next, QueueEnded, QueueOutcome, Request};
    ///
    /// async fn slowly(request: Request, next: Next<'_>) -> Result<http::Response<Body>, Error> {
    ///     let wait = Duration::from_millis(1);
    ///     next.runtime().sleep(wait).await;
    ///     if let Some(observer) = next.observer() {
    ///         let event = QueueEnded::new(request.head(), "slowly", wait, QueueOutcome::Admitted);
    ///         observer.observe(&Event::QueueEnded(event));
    ///     }
    ///     next.run(request).await
    /// }
    /// # use midil_http_core::Middleware;
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
    /// # let seen = |event: &Event<'_>| assert!(matches!(event, Event::QueueEnded(_)));
    /// # let seen: std::sync::Arc<dyn midil_http_core::Observer> = std::sync::Arc::new(seen);
    /// # let request = Request::get("http://localhost/").unwrap();
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
    /// #     .block_on(slowly.handle(request, Next::new(&transport).observed_by(&seen))).unwrap();
    /// ```
    #[must_use]
    pub fn observer(&self) -> Option<&'a Arc<dyn Observer>> {
        match self.end {
            End::Call(scope) => scope.observer(),
            End::Attempt(scope) => scope.observer(),
            End::Transport(_, _, observer) => observer,
        }
    }

    /// Where time comes from on this way: a middleware that waits or reads the clock does so here.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use midil_http_core::{Body, Error, Next, Request};
    ///
    /// async fn slowly(request: Request, next: Next<'_>) -> Result<http::Response<Body>, Error> {
    ///     next.runtime().sleep(Duration::from_millis(1)).await;
    ///     next.run(request).await
    /// }
    /// # use midil_http_core::Middleware;
    /// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
    /// # let request = Request::get("http://localhost/").unwrap();
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
    /// #     .block_on(slowly.handle(request, Next::new(&transport))).unwrap();
    /// ```
    #[must_use]
    pub fn runtime(&self) -> &'a dyn Runtime {
        match self.end {
            End::Call(scope) => scope.runtime(),
            End::Attempt(scope) => scope.runtime(),
            End::Transport(_, runtime, _) => runtime,
        }
    }

    /// The same way, where `alarm` rings while it is under way: see [`Alarm`].
    #[must_use]
    pub const fn with_alarm<'b>(self, alarm: &'b Alarm<'b>) -> Next<'b>
    where
        'a: 'b,
    {
        Next { rest: self.rest, end: self.end, alarm: Some(alarm) }
    }

    /// That of whoever is further up the way.
    pub(crate) const fn outer_alarm(&self) -> Option<&'a Alarm<'a>> {
        self.alarm
    }

    /// Where ids and jitter come from: the client's generator, which [`seed`](crate::HttpClientBuilder::seed) makes repeatable;
    /// one of the process on the way into a bare transport.
    #[must_use]
    pub fn random(&self) -> &'a Random {
        static OF_THE_PROCESS: LazyLock<Random> = LazyLock::new(Random::new);
        match self.end {
            End::Call(scope) => scope.random(),
            End::Attempt(scope) => scope.random(),
            End::Transport(..) => &OF_THE_PROCESS,
        }
    }

    /// What the call is doing at this moment, further down the way; `None` on the way into a bare transport.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Body, Error, Next, Request};
    ///
    /// // As attempt middleware: says what the attempt was at when it failed.
    /// async fn tell(request: Request, next: Next<'_>) -> Result<http::Response<Body>, Error> {
    ///     let outcome = next.run(request).await;
    ///     if let (Err(error), Some(phase)) = (&outcome, next.phase()) {
    ///         eprintln!("{error}, when {phase}");
    ///     }
    ///     outcome
    /// }
    /// # use midil_http_core::HttpClient;
    /// # let client = HttpClient::builder(|_: Request| async { Err(Error::Closed) }).base_url("http://localhost").attempt_middleware(tell).build().unwrap();
    /// # futures_util::FutureExt::now_or_never(client.get("/").send()).unwrap().unwrap_err();
    /// ```
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        match self.end {
            End::Call(scope) => Some(scope.phase()),
            End::Attempt(scope) => Some(scope.phase()),
            End::Transport(..) => None,
        }
    }

    /// Whether `request` is still as the client built it for this attempt, so that [`rebuild`](Self::rebuild) makes it once
    /// more: for middleware that may send it twice, and copies it before it is sent only where it must.
    ///
    /// It is not where a middleware has changed it, where the call has settings of its own, and elsewhere than in a client's
    /// [attempt middleware](crate::HttpClientBuilder::attempt_middleware).
    #[must_use]
    pub fn rebuilds(&self, request: &Request) -> bool {
        match self.end {
            End::Attempt(scope) => scope.is_as_built(request),
            End::Call(_) | End::Transport(..) => false,
        }
    }

    /// The request of this attempt once more, as the client builds it, without what middleware made of it. `None` elsewhere
    /// than in a client's attempt middleware, and where the body was a stream that somebody has read from.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::{Body, Error, HttpClient, Next, Request};
    ///
    /// // Has another go at a 404, which may be a replica that lags behind.
    /// async fn twice(request: Request, next: Next<'_>) -> Result<http::Response<Body>, Error> {
    ///     let rebuilds = next.rebuilds(&request);
    ///     let copy = if rebuilds { None } else { request.try_clone() };
    ///     let response = next.run(request).await?;
    ///     if response.status() != 404 {
    ///         return Ok(response);
    ///     }
    ///     match if rebuilds { next.rebuild() } else { copy } {
    ///         Some(again) => next.run(again).await,
    ///         None => Ok(response),
    ///     }
    /// }
    /// # futures_util::FutureExt::now_or_never(async {
    /// # let seen = std::sync::atomic::AtomicU16::new(404);
    /// # let transport = move |_: Request| {
    /// #     let status = seen.swap(200, std::sync::atomic::Ordering::Relaxed);
    /// #     async move { Ok(http::Response::builder().status(status).body(Body::empty()).unwrap()) }
    /// # };
    /// let client = HttpClient::builder(transport).base_url("http://localhost").attempt_middleware(twice).build()?;
    /// assert_eq!(client.get("/").send().await?.status(), 200);
    /// # Ok::<_, Error>(()) }).unwrap().unwrap();
    /// ```
    #[must_use]
    pub fn rebuild(&self) -> Option<Request> {
        match self.end {
            End::Attempt(scope) => scope.request().ok(),
            End::Call(_) | End::Transport(..) => None,
        }
    }

    pub(crate) const fn call(rest: &'a [Arc<dyn Middleware>], scope: &'a CallScope<'a>) -> Self {
        Self { rest, end: End::Call(scope), alarm: None }
    }

    pub(crate) const fn attempt(
        rest: &'a [Arc<dyn Middleware>],
        scope: &'a AttemptScope<'a>,
        alarm: Option<&'a Alarm<'a>>,
    ) -> Self {
        Self { rest, end: End::Attempt(scope), alarm }
    }

    /// Sends `request` on its way.
    ///
    /// # Errors
    ///
    /// Any [`Error`]: what the rest of the way came to.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts what is under way.
    // Not an `async fn`, which would hold the request and what it is moved into, and be polled for it.
    pub fn run(
        self,
        request: Request,
    ) -> impl Future<Output = Result<http::Response<Body>, Error>> + Send + use<'a> {
        if let Some((first, rest)) = self.rest.split_first() {
            return Either::Left(first.handle(request, Self { rest, ..self }));
        }
        match self.end {
            End::Call(scope) => Either::Left(scope.run_boxed(request)),
            End::Attempt(scope) => Either::Right(scope.run(request, self.alarm)),
            End::Transport(transport, ..) => Either::Left(transport.send(request)),
        }
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = match self.end {
            End::Call(_) => "call",
            End::Attempt(_) => "attempt",
            End::Transport(..) => "transport",
        };
        f.debug_struct("Next").field("middleware", &self.rest.len()).field("end", &end).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use futures_util::FutureExt;

    use super::*;
    use crate::HttpClient;

    /// Notes what it draws.
    struct Drawing(Arc<Mutex<Vec<u128>>>);

    #[async_trait]
    impl Middleware for Drawing {
        async fn handle(
            &self,
            request: Request,
            next: Next<'_>,
        ) -> Result<http::Response<Body>, Error> {
            self.0.lock().unwrap().push(next.random().next_u128());
            next.run(request).await
        }
    }

    #[test]
    fn both_places_of_middleware_draw_from_the_generator_of_the_client() {
        let drawn = Arc::new(Mutex::new(Vec::new()));
        let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
        let client = HttpClient::builder(transport)
            .base_url("http://a.test")
            .middleware(Drawing(Arc::clone(&drawn)))
            .attempt_middleware(Drawing(Arc::clone(&drawn)))
            .seed(7)
            .build()
            .unwrap();
        client.get("/").send().now_or_never().unwrap().unwrap();
        let seeded = Random::seeded(7);
        assert_eq!(*drawn.lock().unwrap(), [seeded.next_u128(), seeded.next_u128()]);
    }
}
