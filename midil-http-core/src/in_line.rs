//! [`in_line`]: by which a transport tells that a request waits for its own limit.
//!
//! Told by the thread, and not by the request: the client looks right after it has polled the transport, and nobody else can have
//! been polled by then. So it takes no memory, and passes through wrappers that know nothing of it.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;

/// What a transport has told while it was polled. The later one outdoes the earlier: of several requests, one goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    Nothing,
    /// It waits for its turn, and has begun nothing.
    Waits,
    /// It has its turn.
    Begins,
}

thread_local! {
    static TOLD: Cell<Told> = const { Cell::new(Told::Nothing) };
}

impl Told {
    /// Before a transport is polled.
    pub(crate) fn forget() {
        TOLD.set(Self::Nothing);
    }

    /// What the transport has told since.
    pub(crate) fn since() -> Self {
        TOLD.get()
    }

    fn tell(self) {
        TOLD.set(TOLD.get().max(self));
    }
}

/// Waits for `turn`, the turn of a request that a [`Transport`](crate::Transport) keeps in line for a limit of its own, and lets the
/// client know.
///
/// A timeout that fires meanwhile is of [`Phase::Queue`](crate::Phase::Queue) and was
/// [sent to nobody](crate::Sent::No): it says nothing of the server, and the request may be sent again, whatever its method. The
/// time without progress (`timeout`) is counted anew from the turn on. An `attempt_timeout` is not; one that fires later is of that phase
/// all the same where the request was in line for most of its time, but may have been sent.
///
/// It is for requests of which nothing has begun. A transport that makes several exchanges of one request must not have one in line
/// in the very poll in which another goes out for the first time. Where a place is free at once, there is no need to tell.
///
/// # Cancel safety
///
/// That of `turn`.
///
/// # Examples
///
/// ```
/// use midil_http_core::{Body, Error, Request, Transport, async_trait, in_line};
/// use tokio::sync::Semaphore;
///
/// struct Limited<T> {
///     inner: T,
///     places: Semaphore,
/// }
///
/// #[async_trait]
/// impl<T: Transport> Transport for Limited<T> {
///     async fn send(&self, request: Request) -> Result<http::Response<Body>, Error> {
///         let _place = match self.places.try_acquire() {
///             Ok(free) => free,
///             Err(_) => in_line(self.places.acquire()).await.map_err(|_| Error::Closed)?,
///         };
///         self.inner.send(request).await
///     }
///
///     async fn close(&self) {
///         self.inner.close().await;
///     }
/// }
/// # let inner = |_: Request| async { Ok(http::Response::new(Body::empty())) };
/// # let limited = Limited { inner, places: Semaphore::new(1) };
/// # futures_util::FutureExt::now_or_never(limited.send(Request::get("http://localhost/").unwrap())).unwrap().unwrap();
/// ```
pub async fn in_line<T: Send>(turn: impl Future<Output = T> + Send) -> T {
    let mut turn = pin!(turn);
    poll_fn(|cx| {
        let poll = turn.as_mut().poll(cx);
        if poll.is_pending() { Told::Waits } else { Told::Begins }.tell();
        poll
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn who_begins_outdoes_who_waits_whoever_is_polled_first() {
        Told::forget();
        assert_eq!(Told::since(), Told::Nothing);
        assert!(in_line(pending::<()>()).now_or_never().is_none());
        assert_eq!(Told::since(), Told::Waits);
        assert!(in_line(ready(())).now_or_never().is_some());
        assert_eq!(Told::since(), Told::Begins);
        assert!(in_line(pending::<()>()).now_or_never().is_none());
        assert_eq!(Told::since(), Told::Begins);
        Told::forget();
        assert_eq!(Told::since(), Told::Nothing);
    }
}
