//! [`Alarm`]: one timer for all who wait for the same thing.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use crate::{BoxFuture, Next, Runtime};

/// Rings at a point in time while a middleware waits for the rest of the way, and costs hardly anything where somebody else
/// has a timer already.
///
/// On the way of one call, several wait for the same answer: the total timeout, a hedge, the timeouts of the exchange. They
/// share one timer, that of the outermost, which rings for whoever is the first that wants it. (In a client's
/// [attempt middleware](crate::HttpClientBuilder::attempt_middleware); elsewhere an alarm has a timer of its own.)
///
/// Make it of the [`Next`] that the middleware was given, send the request [with it](Next::with_alarm), and ask it
/// whenever the rest of the way is pending.
///
/// # Examples
///
/// ```
/// use std::future::poll_fn;
/// use std::pin::pin;
/// use std::task::Poll;
/// use std::time::Duration;
/// use midil_http_core::{Alarm, Body, Error, HttpClient, Next, Request};
///
/// // Says so when an answer takes long.
/// async fn impatient(request: Request, next: Next<'_>) -> Result<http::Response<Body>, Error> {
///     let alarm = Alarm::new(&next, next.runtime().now() + Duration::from_millis(100));
///     let mut rest = pin!(next.with_alarm(&alarm).run(request));
///     let in_time = poll_fn(|cx| match rest.as_mut().poll(cx) {
///         Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
///         Poll::Pending => alarm.poll_rings(cx).map(|()| None),
///     });
///     match in_time.await {
///         Some(outcome) => outcome,
///         None => {
///             eprintln!("it takes long");
///             rest.await
///         }
///     }
/// }
/// # let transport = |_: Request| async { Ok(http::Response::new(Body::empty())) };
/// # futures_util::FutureExt::now_or_never(async {
/// let client = HttpClient::builder(transport).base_url("http://localhost").attempt_middleware(impatient).build()?;
/// client.get("/").send().await?;
/// # Ok::<_, Error>(()) }).unwrap().unwrap();
/// ```
pub struct Alarm<'a> {
    at: Instant,
    runtime: &'a dyn Runtime,
    /// Whose timer it uses, if it can.
    outer: Option<&'a Self>,
    /// Locked from the inside out.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    rang: bool,
    /// Somebody further down, who uses our timer. There is one place; who finds it taken has a timer of its own.
    inner: Option<Inner>,
    /// Whether the place in `outer` is ours.
    placed: bool,
    /// Whether the one in our place has polled the timer, with its waker, since we were last asked.
    polled: bool,
    /// Where there is no place in an outer one: when it rings, and what for.
    timer: Option<Timer>,
}

struct Inner {
    /// `None` when it was woken.
    at: Option<Instant>,
    waker: Waker,
}

/// When it rings, and a sleep until then. It may ring early: then it is wound up anew.
pub(crate) type Timer = (Instant, BoxFuture<'static, ()>);

impl<'a> Alarm<'a> {
    /// Rings at `at`, by the clock of [`Next::runtime`].
    #[must_use]
    pub fn new(next: &Next<'a>, at: Instant) -> Self {
        Self::within(next.outer_alarm(), next.runtime(), at)
    }

    pub(crate) fn within(outer: Option<&'a Self>, runtime: &'a dyn Runtime, at: Instant) -> Self {
        Self { at, runtime, outer, state: Mutex::default() }
    }

    /// When it rings.
    #[must_use]
    pub const fn at(&self) -> Instant {
        self.at
    }

    /// Completes when it rings, or has rung. Ask after the rest of the way, each time that this was pending.
    pub fn poll_rings(&self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let mut state = self.lock();
            if state.rang {
                return Poll::Ready(());
            }
            let polled = std::mem::take(&mut state.polled);
            let inner = state.inner.as_ref();
            // Whoever polls a timer last is woken by it. That is we, or one who wakes us.
            if polled && inner.is_some_and(|inner| inner.waker.will_wake(cx.waker())) {
                return Poll::Pending;
            }
            let inner_at = inner.and_then(|inner| inner.at);
            let next = inner_at.map_or(self.at, |inner_at| inner_at.min(self.at));
            ready!(self.poll_timer(&mut state, cx, next));
            let now = self.runtime.now();
            state.rang = self.at <= now;
            // When we have rung, nobody asks us any more: who is in our place asks for itself.
            let rang = state.rang;
            let inner = state.inner.as_mut();
            let due =
                inner.filter(|inner| rang || inner.at.is_some_and(|at| at <= now)).map(|inner| {
                    inner.at = None;
                    inner.waker.clone()
                });
            drop(state);
            if let Some(waker) = due {
                waker.wake();
            }
        }
    }

    /// For those further down: completes at `at`, or earlier. `None` when another one has the place; `placed` tells
    /// whether it is the caller's, who [leaves](Self::leave) it in the end.
    pub(crate) fn poll_for(
        &self,
        cx: &mut Context<'_>,
        at: Instant,
        placed: &mut bool,
    ) -> Option<Poll<()>> {
        let mut state = self.lock();
        match &mut state.inner {
            Some(_) if !*placed => return None,
            Some(inner) => {
                inner.at = Some(at);
                inner.waker.clone_from(cx.waker());
            }
            free => *free = Some(Inner { at: Some(at), waker: cx.waker().clone() }),
        }
        *placed = true;
        let next = if state.rang { at } else { at.min(self.at) };
        let poll = self.poll_timer(&mut state, cx, next);
        state.polled = poll.is_pending();
        if poll.is_ready() && self.at <= self.runtime.now() {
            state.rang = true;
        }
        Some(poll)
    }

    /// Gives up the place of [`poll_for`](Self::poll_for).
    pub(crate) fn leave(&self) {
        self.lock().inner = None;
    }

    /// The timer, for who waits on.
    pub(crate) fn take_timer(&self) -> Option<Timer> {
        self.lock().timer.take()
    }

    /// Completes at `at`, or earlier.
    fn poll_timer(&self, state: &mut State, cx: &mut Context<'_>, at: Instant) -> Poll<()> {
        if let (Some(outer), None) = (self.outer, &state.timer)
            && let Some(poll) = outer.poll_for(cx, at, &mut state.placed)
        {
            return poll;
        }
        poll_timer(&mut state.timer, self.runtime, cx, at)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Completes at `at`, or when the timer rings, if that is earlier.
pub(crate) fn poll_timer(
    timer: &mut Option<Timer>,
    runtime: &dyn Runtime,
    cx: &mut Context<'_>,
    at: Instant,
) -> Poll<()> {
    let sleep = match timer {
        Some((rings, sleep)) if *rings <= at => sleep,
        _ => {
            let left = at.saturating_duration_since(runtime.now());
            if left.is_zero() {
                return Poll::Ready(());
            }
            &mut timer.insert((at, runtime.sleep(left))).1
        }
    };
    ready!(sleep.as_mut().poll(cx));
    *timer = None;
    Poll::Ready(())
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if let Some(outer) = self.outer.filter(|_| self.lock().placed) {
            outer.leave();
        }
    }
}

impl fmt::Debug for Alarm<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarm").field("at", &self.at).finish_non_exhaustive()
    }
}
