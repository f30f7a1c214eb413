//! [`ManualRuntime`]: time that moves when a test says so, and an executor that is always the same.

mod clock;
mod executor;
mod sleep;
mod tasks;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant, SystemTime};

use midil_http_core::{BoxFuture, Runtime};

use self::clock::Clock;
use self::executor::Executor;
use self::sleep::Sleep;
use self::tasks::Tasks;

/// A [`Runtime`] of virtual time: a test of a backoff of 60 s takes a millisecond, and always takes the same course.
///
/// Time stands still until somebody moves it. Clones share it. The wall clock starts at 2026-01-01T00:00:00Z and moves
/// along; [`set_system_time`](Self::set_system_time) sets it apart. The clock ends after a thousand years: a sleep that
/// would end later never does.
///
/// # On its own executor
///
/// [`block_on`](Self::block_on) runs a future and all spawned tasks on the thread of the test, first come, first
/// served. When nothing is ready, time jumps to the end of the next sleep.
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::Runtime;
/// use midil_http_test::ManualRuntime;
///
/// let runtime = ManualRuntime::new();
/// runtime.block_on(async {
///     runtime.sleep(Duration::from_secs(60)).await; // a backoff, a timeout, a token's lifetime
///     assert_eq!(runtime.elapsed(), Duration::from_secs(60));
/// });
/// assert_eq!(runtime.sleeps(), [Duration::from_secs(60)]);
/// ```
///
/// The timeouts of a client are sleeps, too. Where a future waits for something real (a socket, a file, another thread),
/// nothing is ready either, and time would jump to them: say [`set_auto_advance(false)`](Self::set_auto_advance), and
/// move time by hand.
///
/// # On another executor
///
/// With real sockets under tokio, or wherever the code under test runs, [`advance`](Self::advance) moves time and
/// [`wait_for_timers`](Self::wait_for_timers) tells when the code under test has begun to wait. What is
/// [spawned](Runtime::spawn) on this runtime runs only where [`block_on`](Self::block_on) or
/// [`run_tasks`](Self::run_tasks) does.
///
/// ```
/// use std::time::Duration;
/// use midil_http_core::Runtime;
/// use midil_http_test::ManualRuntime;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let runtime = ManualRuntime::new();
/// let waiting = tokio::spawn(runtime.sleep(Duration::from_secs(3600)));
///
/// runtime.wait_for_timers(1).await;
/// runtime.advance(Duration::from_secs(3600));
/// waiting.await?;
/// # Ok::<_, tokio::task::JoinError>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct ManualRuntime(Arc<Shared>);

/// What all clones of a runtime share. Wakers are woken and dropped, and tasks polled and dropped, without the lock:
/// they run foreign code.
struct Shared {
    state: Mutex<State>,
    /// Something happened that an idle executor must look at.
    changed: Condvar,
}

struct State {
    clock: Clock,
    tasks: Tasks,
    executor: Executor,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ManualRuntime {
    /// A runtime at the beginning of its time.
    #[must_use]
    pub fn new() -> Self {
        let state =
            State { clock: Clock::new(), tasks: Tasks::default(), executor: Executor::new() };
        Self(Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() }))
    }

    /// Runs `future` and all spawned tasks on this thread until `future` is complete.
    ///
    /// When nothing is ready, time jumps to the end of the next sleep that is awaited. When there is none, this waits for
    /// a wake from another thread. Tasks that are left over go on in the next `block_on`.
    ///
    /// # Panics
    ///
    /// When nothing is ready, no sleep is awaited and no wake comes for 10 s of real time
    /// ([`set_patience`](Self::set_patience)): a deadlock. When a spawned task panics, with its message. When another
    /// `block_on` of this runtime is under way.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use midil_http_core::Runtime;
    /// use midil_http_test::ManualRuntime;
    ///
    /// let runtime = ManualRuntime::new();
    /// let clone = runtime.clone();
    /// runtime.spawn(Box::pin(async move { clone.sleep(Duration::from_secs(5)).await }));
    ///
    /// runtime.block_on(runtime.sleep(Duration::from_secs(9)));
    /// assert_eq!(runtime.tasks(), 0);
    /// ```
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        executor::block_on(&self.0, future)
    }

    /// Runs spawned tasks on the executor that polls this, whenever they are ready. It never completes, and moves no time.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a task that is not complete goes on where the next one runs it.
    ///
    /// # Examples
    ///
    /// ```
    /// use midil_http_core::Runtime;
    /// use midil_http_test::ManualRuntime;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let runtime = ManualRuntime::new();
    /// tokio::spawn(runtime.run_tasks());
    ///
    /// let (sender, receiver) = tokio::sync::oneshot::channel();
    /// runtime.spawn(Box::pin(async { sender.send("done").unwrap_or_default() }));
    /// assert_eq!(receiver.await, Ok("done"));
    /// # });
    /// ```
    pub fn run_tasks(&self) -> impl Future<Output = ()> + Send + use<> {
        executor::run_tasks(Arc::clone(&self.0))
    }

    /// Moves time on by `duration`, and wakes the sleeps that are over, in the order of their ends.
    ///
    /// All of them see the time after the move. To let what was woken go to sleep again on its way, move in steps
    /// ([`advance_to_next_timer`](Self::advance_to_next_timer)).
    pub fn advance(&self, duration: Duration) {
        self.move_time(|clock| Some(clock.after(duration)));
    }

    /// Moves time to the end of the sleep that ends next, and tells how far that was; `None` when no sleep is awaited.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use midil_http_core::Runtime;
    /// # use midil_http_test::ManualRuntime;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let runtime = ManualRuntime::new();
    /// let waiting = tokio::spawn(runtime.sleep(Duration::from_secs(7)));
    ///
    /// runtime.wait_for_timers(1).await;
    /// assert_eq!(runtime.advance_to_next_timer(), Some(Duration::from_secs(7)));
    /// # waiting.await.unwrap() });
    /// ```
    pub fn advance_to_next_timer(&self) -> Option<Duration> {
        self.move_time(Clock::next)
    }

    fn move_time(&self, to: impl FnOnce(&Clock) -> Option<Duration>) -> Option<Duration> {
        let mut state = self.0.lock();
        let before = state.clock.elapsed();
        let after = to(&state.clock)?;
        let due = state.clock.move_to(after);
        drop(state);
        due.into_iter().for_each(Waker::wake);
        Some(after - before)
    }

    /// The time since this runtime was made.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.lock().clock.elapsed()
    }

    /// Sets the wall clock, which goes on from there; monotonic time does not notice.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use midil_http_core::Runtime;
    /// use midil_http_test::ManualRuntime;
    ///
    /// let runtime = ManualRuntime::new();
    /// let slow = runtime.system_time() - Duration::from_secs(300);
    /// runtime.set_system_time(slow);
    /// runtime.advance(Duration::from_secs(1));
    /// assert_eq!(runtime.system_time(), slow + Duration::from_secs(1));
    /// ```
    pub fn set_system_time(&self, time: SystemTime) {
        self.0.lock().clock.set_system_time(time);
    }

    /// Whether [`block_on`](Self::block_on) moves time when nothing is ready: it does, unless this says no.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use midil_http_core::Runtime;
    /// use midil_http_test::ManualRuntime;
    ///
    /// let runtime = ManualRuntime::new();
    /// runtime.set_auto_advance(false);
    /// let (sleep, clone) = (runtime.sleep(Duration::from_secs(30)), runtime.clone());
    /// std::thread::spawn(move || clone.advance(Duration::from_secs(30)));
    /// runtime.block_on(sleep);
    /// ```
    pub fn set_auto_advance(&self, auto_advance: bool) {
        self.0.lock().executor.auto_advance = auto_advance;
        self.0.changed.notify_all();
    }

    /// How long, in real time, [`block_on`](Self::block_on) waits for other threads before it says that nothing will ever
    /// happen: 10 s. Zero suits tests without other threads.
    ///
    /// # Examples
    ///
    /// ```should_panic
    /// use std::time::Duration;
    /// use midil_http_test::ManualRuntime;
    ///
    /// let runtime = ManualRuntime::new();
    /// runtime.set_patience(Duration::ZERO);
    /// runtime.block_on(std::future::pending::<()>()); // panics: deadlock
    /// ```
    pub fn set_patience(&self, patience: Duration) {
        self.0.lock().executor.patience = patience;
        self.0.changed.notify_all();
    }

    /// How many sleeps are awaited now: polled at least once, neither over nor dropped.
    #[must_use]
    pub fn timers(&self) -> usize {
        self.0.lock().clock.timers()
    }

    /// Completes as soon as `count` or more sleeps are awaited: the code under test has come to where it waits.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub fn wait_for_timers(&self, count: usize) -> impl Future<Output = ()> + Send + use<> {
        let shared = Arc::clone(&self.0);
        poll_fn(move |context| shared.lock().clock.poll_timers(count, context.waker()))
    }

    /// How long every sleep was asked to be, in the order of the asking.
    ///
    /// The timeouts of a client are among them, where the transport did not answer at once;
    /// [`completed_sleeps`](Self::completed_sleeps) has only those that fired.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use midil_http_core::{Attempt, Error, HttpClient, Request, RetryDecision};
    /// use midil_http_test::ManualRuntime;
    ///
    /// let runtime = ManualRuntime::new();
    /// let doubling = |attempt: &Attempt<'_>| match attempt.number {
    ///     1..=3 => RetryDecision::Retry { after: Duration::from_secs(1 << attempt.number) },
    ///     _ => RetryDecision::Accept,
    /// };
    /// let client = HttpClient::builder(|_: Request| async { Err(Error::custom("down")) })
    ///     .base_url("http://localhost")
    ///     .retry(doubling)
    ///     .runtime(runtime.clone())
    ///     .build()?;
    ///
    /// runtime.block_on(client.get("/").send()).unwrap_err();
    /// assert_eq!(runtime.sleeps(), [2, 4, 8].map(Duration::from_secs));
    /// # Ok::<_, Error>(())
    /// ```
    #[must_use]
    pub fn sleeps(&self) -> Vec<Duration> {
        self.0.lock().clock.asked().to_vec()
    }

    /// How long those sleeps were that somebody awaited to their ends, in the order of these: backoffs and delays, and of
    /// timeouts those that fired.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use midil_http_core::HttpClient;
    /// use midil_http_test::{ManualRuntime, MockTransport, Reply};
    ///
    /// let runtime = ManualRuntime::new();
    /// let slow = Reply::ok().delayed(Duration::from_secs(2), runtime.clone());
    /// let client = HttpClient::builder(MockTransport::sequence([slow]))
    ///     .base_url("http://localhost")
    ///     .timeout(Duration::from_secs(30))
    ///     .runtime(runtime.clone())
    ///     .build()?;
    ///
    /// runtime.block_on(client.get("/").send())?;
    /// assert_eq!(runtime.sleeps(), [2, 30].map(Duration::from_secs));
    /// assert_eq!(runtime.completed_sleeps(), [2].map(Duration::from_secs));
    /// # Ok::<_, midil_http_core::Error>(())
    /// ```
    #[must_use]
    pub fn completed_sleeps(&self) -> Vec<Duration> {
        self.0.lock().clock.completed().to_vec()
    }

    /// How many spawned tasks are not complete.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.0.lock().tasks.len()
    }

    /// Drops the spawned tasks that are not complete, and all that they hold, as an executor does at its end.
    ///
    /// ```
    /// use midil_http_core::Runtime;
    /// use midil_http_test::ManualRuntime;
    ///
    /// let runtime = ManualRuntime::new();
    /// runtime.spawn(Box::pin(std::future::pending()));
    /// assert_eq!(runtime.tasks(), 1);
    /// runtime.abort_tasks();
    /// assert_eq!(runtime.tasks(), 0);
    /// ```
    pub fn abort_tasks(&self) {
        let aborted = self.0.lock().tasks.take_all();
        drop(aborted);
    }
}

impl Runtime for ManualRuntime {
    fn now(&self) -> Instant {
        self.0.lock().clock.now()
    }

    fn system_time(&self) -> SystemTime {
        self.0.lock().clock.system_time()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(Sleep::new(&self.0, duration))
    }

    /// Keeps `task` for [`block_on`](Self::block_on) and [`run_tasks`](Self::run_tasks), which run it.
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        executor::spawn(&self.0, task);
    }
}

impl Default for ManualRuntime {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let State { clock, tasks, .. } = &*self.0.lock();
        f.debug_struct("ManualRuntime")
            .field("elapsed", &clock.elapsed())
            .field("timers", &clock.timers())
            .field("tasks", &tasks.len())
            .finish()
    }
}
