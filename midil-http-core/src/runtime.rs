//! [`Runtime`]: time and tasks come from outside.

mod default;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

pub use default::DefaultRuntime;

use crate::BoxFuture;

/// Tells the time, sleeps and spawns.
///
/// Everything in midil-http that waits does so through this trait, so that a test of a 60 s backoff takes a
/// millisecond, and so that any executor will do.
///
/// # For implementers
///
/// `now` never goes back. A sleep ends at the first poll at or after `now() + duration`, wakes its task when that is
/// reached; the duration counts from the call, not from the first poll, and `Duration::MAX` must not overflow. Dropping
/// a sleep cancels it and frees what it held. A spawned task runs to its end or until its executor ends; whoever spawns
/// one that lives long lets it hold `Weak` references, lest it keep alive what it serves.
///
/// # Examples
///
/// A clock for tests, on which every sleep is over at once:
///
/// ```
/// use std::time::{Duration, Instant, SystemTime};
/// use midil_http_core::{BoxFuture, Runtime};
///
/// struct Hasty(Instant);
///
/// impl Runtime for Hasty {
///     fn now(&self) -> Instant {
///         self.0
///     }
///     fn system_time(&self) -> SystemTime {
///         SystemTime::UNIX_EPOCH
///     }
///     fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
///         Box::pin(std::future::ready(()))
///     }
///     fn spawn(&self, task: BoxFuture<'static, ()>) {
///         drop(std::thread::spawn(move || futures_util::FutureExt::now_or_never(task)));
///     }
/// }
/// # let runtime = Hasty(Instant::now());
/// # assert!(futures_util::FutureExt::now_or_never(runtime.sleep(Duration::MAX)).is_some());
/// ```
pub trait Runtime: Send + Sync + 'static {
    /// The monotonic time.
    fn now(&self) -> Instant;

    /// The wall-clock time, for dates that come from or go to a server.
    fn system_time(&self) -> SystemTime;

    /// A future that completes `duration` from now.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Runs `task` to its end, in the background.
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

impl<T: Runtime + ?Sized> Runtime for Arc<T> {
    fn now(&self) -> Instant {
        (**self).now()
    }

    fn system_time(&self) -> SystemTime {
        (**self).system_time()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        (**self).sleep(duration)
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        (**self).spawn(task);
    }
}
