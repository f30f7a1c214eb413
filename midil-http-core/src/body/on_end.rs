//! [`OnEnd`]: who is told that a body is over.

use std::sync::Arc;

use super::watch::Watched;
use super::{Body, Kind};

/// Is told when a body is over: read to its end, broken off, or dropped. See [`Body::on_end`](crate::Body::on_end).
///
/// A closure is one.
pub trait OnEnd: Send + Sync + 'static {
    /// Called once for each body, on whatever thread it ends: do not wait here.
    fn on_end(&self);
}

impl<F: Fn() + Send + Sync + 'static> OnEnd for F {
    fn on_end(&self) {
        self();
    }
}

impl Body {
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
}

/// Tells, once, when it is dropped.
pub(super) struct Ending(Arc<dyn OnEnd>);

impl Ending {
    pub(super) const fn new(told: Arc<dyn OnEnd>) -> Self {
        Self(told)
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.on_end();
    }
}
