//! [`VirtualRuntime`]: time that jumps from event to event, and an executor of one thread.
//!
//! `midil_http_test::ManualRuntime` is the one for tests. This one does the same and notes nothing of it, because here it
//! has some 60 million calls to get through.

mod tasks;
mod timers;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use midil_http::{BoxFuture, Runtime};

use self::tasks::Tasks;
use self::timers::{TimerId, Timers};

/// Virtual time, shared by clones. What happens at the same time happens in the order in which it was asked for.
#[derive(Clone)]
pub(crate) struct VirtualRuntime(Arc<Shared>);

struct Shared {
    beginning: Instant,
    /// Nanoseconds since.
    now: AtomicU64,
    timers: Mutex<Timers>,
    tasks: Tasks,
}

impl Shared {
    fn timers(&self) -> MutexGuard<'_, Timers> {
        self.timers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl VirtualRuntime {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared {
            beginning: Instant::now(),
            now: AtomicU64::new(0),
            timers: Mutex::new(Timers::default()),
            tasks: Tasks::default(),
        }))
    }

    /// The time since the beginning.
    pub(crate) fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.0.now.load(Relaxed))
    }

    /// A sleep until so long after the beginning.
    pub(crate) fn sleep_until(&self, end: Duration) -> Sleep {
        Sleep { shared: Arc::clone(&self.0), end: nanos(end), timer: None }
    }

    /// Lets happen all that happens before `end`, and moves the time there.
    pub(crate) fn run_until(&self, end: Duration) {
        let end = nanos(end);
        loop {
            self.0.tasks.run_ready();
            let due = self.0.timers().next_before(end);
            let Some((at, waker)) = due else { break };
            self.0.now.store(at, Relaxed);
            waker.wake();
        }
        self.0.now.store(end, Relaxed);
    }

    /// Drops the tasks that are not complete, which hold this runtime as this runtime holds them.
    pub(crate) fn abandon_tasks(&self) {
        self.0.tasks.abandon();
    }
}

impl Runtime for VirtualRuntime {
    fn now(&self) -> Instant {
        self.0.beginning + self.elapsed()
    }

    fn system_time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(self.sleep_until(self.elapsed().saturating_add(duration)))
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.0.tasks.spawn(task);
    }
}

/// Until a moment. Dropped, it is forgotten.
pub(crate) struct Sleep {
    shared: Arc<Shared>,
    end: u64,
    timer: Option<TimerId>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.end <= self.shared.now.load(Relaxed) {
            return Poll::Ready(());
        }
        let timer = self.shared.timers().arm(self.timer, self.end, context.waker());
        self.timer = Some(timer);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            let waker = self.shared.timers().disarm(timer);
            drop(waker);
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
