//! [`DefaultRuntime`]: tokio where it is current, threads elsewhere.

#[cfg(feature = "tokio")]
mod tokio_sleep;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant, SystemTime};

use super::Runtime;
use crate::BoxFuture;

/// Far enough for anyone, near enough to be added to any clock: 30 years.
const FAR_FUTURE: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// The runtime of a client that is given no other.
///
/// Where a tokio runtime is current (and the `tokio` feature, a default, is on), it sleeps on tokio's timer and
/// spawns tokio tasks; `tokio::time::pause` stops its clock. Everywhere else one timer thread serves all sleeps, and a
/// spawned task gets a thread of its own. A tokio runtime that was built without its time driver gets the timer
/// thread, too, unless the program aborts on panics: tokio offers no other way to find out.
///
/// A sleep goes on without the runtime that it began on: a response's body may be read when that is gone. Wherever that runtime
/// is not current, the timer thread takes over what is left, by the real clock. Within a runtime that was shut down (a
/// `Handle` is left of it), tokio panics, and says so on standard error; that ends here, and the timer thread takes over, unless
/// the program aborts on panics.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
/// use midil_http_core::{DefaultRuntime, Runtime};
///
/// let runtime = DefaultRuntime::new();
/// let before = runtime.now();
/// runtime.spawn(Box::pin(async {})); // no executor is current here: a thread runs it
/// assert!(runtime.now() >= before);
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct DefaultRuntime;

impl DefaultRuntime {
    /// Makes the default runtime. It holds nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Runtime for DefaultRuntime {
    fn now(&self) -> Instant {
        #[cfg(feature = "tokio")]
        return tokio::time::Instant::now().into_std();
        #[cfg(not(feature = "tokio"))]
        Instant::now()
    }

    fn system_time(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let duration = duration.min(FAR_FUTURE);
        #[cfg(feature = "tokio")]
        if let Some(sleep) = tokio_sleep(duration) {
            return sleep;
        }
        Box::pin(futures_timer::Delay::new(duration))
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        #[cfg(feature = "tokio")]
        let task = {
            if let Ok(handle) = tokio::runtime::Handle::try_current() {
                drop(handle.spawn(task));
                return;
            }
            task
        };
        let thread = thread::Builder::new().name("midil-http-task".into());
        if let Err(error) = thread.spawn(move || run(task)) {
            tracing::warn!(target: "midil_http::runtime", %error, "no thread for a background task: it is dropped");
        }
    }
}

#[cfg(feature = "tokio")]
fn tokio_sleep(duration: Duration) -> Option<BoxFuture<'static, ()>> {
    let home = tokio::runtime::Handle::try_current().ok()?.id();
    // Without its time driver, tokio panics here and says so on standard error; there is no way to ask it first.
    std::panic::catch_unwind(|| -> BoxFuture<'static, ()> {
        Box::pin(tokio_sleep::TokioSleep::new(tokio::time::sleep(duration), home))
    })
    .ok()
}

/// Runs a future to its end on this thread.
fn run(task: BoxFuture<'static, ()>) {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut task = pin!(task);
    while task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
        thread::park();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn without_an_executor_tasks_and_sleeps_run_on_threads() {
        let (sender, receiver) = mpsc::channel();
        DefaultRuntime.spawn(Box::pin(async move {
            DefaultRuntime.sleep(Duration::from_millis(1)).await;
            sender.send(thread::current().name().map(str::to_owned)).unwrap();
        }));
        let name = receiver.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(name.as_deref(), Some("midil-http-task"));
    }

    #[test]
    fn the_longest_sleep_does_not_overflow() {
        let mut sleep = DefaultRuntime.sleep(Duration::MAX);
        assert!(sleep.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }

    #[cfg(feature = "tokio")]
    #[tokio::test(start_paused = true)]
    async fn on_tokio_the_clock_is_tokios() {
        let before = DefaultRuntime.now();
        DefaultRuntime.sleep(Duration::from_secs(3600)).await;
        assert_eq!(DefaultRuntime.now() - before, Duration::from_secs(3600));
    }

    #[cfg(feature = "tokio")]
    #[test]
    fn a_tokio_runtime_without_timers_still_sleeps() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(DefaultRuntime.sleep(Duration::from_millis(1)));
    }

    #[cfg(feature = "tokio")]
    fn timed() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
    }

    #[cfg(feature = "tokio")]
    fn sleep_on(runtime: &tokio::runtime::Runtime, length: Duration) -> BoxFuture<'static, ()> {
        let _entered = runtime.enter();
        DefaultRuntime.sleep(length)
    }

    /// A response's body takes its timeouts along, wherever it is read.
    #[cfg(feature = "tokio")]
    #[test]
    fn a_sleep_goes_on_after_its_runtime() {
        let (runtime, length) = (timed(), Duration::from_millis(5));
        let begin = Instant::now();
        let (polled, unpolled) = runtime.block_on(async {
            let mut polled = DefaultRuntime.sleep(length);
            assert!(polled.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            (polled, DefaultRuntime.sleep(length))
        });
        drop(runtime);
        run(polled);
        assert!(begin.elapsed() >= length);
        run(unpolled);
        // On another runtime, too.
        let (first, second) = (timed(), timed());
        let sleep = sleep_on(&first, length);
        drop(first);
        second.block_on(sleep);
    }

    /// The same where somebody waits for it when its runtime ends.
    #[cfg(feature = "tokio")]
    #[test]
    fn a_sleep_that_is_waited_for_elsewhere_rings_after_its_runtime() {
        let runtime = timed();
        let sleep = sleep_on(&runtime, Duration::from_millis(5));
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut sleep = sleep;
            assert!(sleep.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            sender.send(()).unwrap();
            run(sleep);
            sender.send(()).unwrap();
        });
        receiver.recv_timeout(Duration::from_secs(10)).unwrap();
        drop(runtime);
        receiver.recv_timeout(Duration::from_secs(10)).unwrap();
    }

    /// A handle can be entered when its runtime has gone. tokio panics there; that ends here.
    #[cfg(feature = "tokio")]
    #[test]
    fn within_a_runtime_that_was_shut_down_it_sleeps() {
        let runtime = timed();
        let handle = runtime.handle().clone();
        let before = sleep_on(&runtime, Duration::from_millis(1));
        drop(runtime);
        let _entered = handle.enter();
        run(before);
        run(DefaultRuntime.sleep(Duration::from_millis(1)));
    }

    /// tokio lets a task do no more than so much in one go, and its timers say nothing then: a server that keeps a transport
    /// busy could put off every timeout.
    #[cfg(feature = "tokio")]
    #[tokio::test(start_paused = true)]
    async fn it_rings_for_a_task_that_has_done_its_share() {
        let mut sleep = DefaultRuntime.sleep(Duration::from_secs(1));
        tokio::time::advance(Duration::from_secs(2)).await;
        let rings = std::future::poll_fn(|cx| {
            while std::pin::pin!(tokio::task::coop::consume_budget()).poll(cx).is_ready() {}
            std::task::Poll::Ready(sleep.as_mut().poll(cx).is_ready())
        });
        assert!(rings.await);
    }
}
