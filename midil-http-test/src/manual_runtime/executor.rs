//! The executor: one thread, first come, first served, and time that jumps when nothing is ready.

use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::pin;
use std::sync::{Arc, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use midil_http_core::BoxFuture;

use super::tasks::{MAIN, TaskWaker};
use super::{Shared, State};

/// How an executor runs.
pub(super) struct Executor {
    pub(super) auto_advance: bool,
    pub(super) patience: Duration,
    /// Where a `block_on` is under way.
    running: Option<&'static Location<'static>>,
}

impl Executor {
    pub(super) const fn new() -> Self {
        Self { auto_advance: true, patience: Duration::from_secs(10), running: None }
    }
}

#[track_caller]
pub(super) fn block_on<F: Future>(shared: &Arc<Shared>, future: F) -> F::Output {
    let _running = Running::begin(shared);
    let main = TaskWaker::new(shared, MAIN);
    let waker = Waker::from(Arc::clone(&main));
    waker.wake_by_ref();
    let mut future = pin!(future);
    loop {
        match next(shared) {
            MAIN => {
                main.begin();
                if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker))
                {
                    return output;
                }
            }
            task => run(shared, task),
        }
    }
}

pub(super) fn run_tasks(shared: Arc<Shared>) -> impl Future<Output = ()> + Send {
    poll_fn(move |context| {
        let (replaced, ready) = {
            let tasks = &mut shared.lock().tasks;
            (tasks.runner.replace(context.waker().clone()), tasks.ready())
        };
        drop(replaced);
        // Others of the executor have their turn, too: a task that wakes itself must not keep it.
        for _ in 0..ready {
            let next = shared.lock().tasks.next(false);
            next.into_iter().for_each(|task| run(&shared, task));
        }
        if shared.lock().tasks.ready() > 0 {
            context.waker().wake_by_ref();
        }
        Poll::Pending
    })
}

pub(super) fn spawn(shared: &Arc<Shared>, task: BoxFuture<'static, ()>) {
    let waker = shared.lock().tasks.add(shared, task);
    Waker::from(waker).wake();
}

/// Polls one task once.
fn run(shared: &Shared, id: u64) {
    let taken = shared.lock().tasks.take(id);
    let Some(mut task) = taken else { return };
    let mut turn = Turn { shared, id, is_last: true };
    task.waker.begin();
    let waker = Waker::from(Arc::clone(&task.waker));
    if task.future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
        turn.is_last = false;
        let aborted = shared.lock().tasks.put_back(task);
        drop(aborted);
    }
}

/// One poll of a task, which is its last one if it panics, too.
struct Turn<'a> {
    shared: &'a Shared,
    id: u64,
    is_last: bool,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.is_last {
            self.shared.lock().tasks.remove(self.id);
        }
    }
}

/// Whose turn it is. Moves time, and waits for other threads, until it is somebody's.
#[track_caller]
fn next(shared: &Shared) -> u64 {
    let mut state = shared.lock();
    let mut idle_since = None;
    loop {
        if let Some(id) = state.tasks.next(true) {
            return id;
        }
        if state.executor.auto_advance
            && let Some(end) = state.clock.next()
        {
            let due = state.clock.move_to(end);
            drop(state);
            due.into_iter().for_each(Waker::wake);
            state = shared.lock();
            continue;
        }
        let waited = idle_since.get_or_insert_with(Instant::now).elapsed();
        let left = state.executor.patience.saturating_sub(waited);
        if left.is_zero() {
            deadlock(state);
        }
        // Not every platform can wait until the end of time.
        let left = left.min(Duration::from_secs(3600));
        state = match shared.changed.wait_timeout(state, left) {
            Ok((state, _)) => state,
            Err(poisoned) => poisoned.into_inner().0,
        };
    }
}

#[track_caller]
fn deadlock(state: MutexGuard<'_, State>) -> ! {
    let patience = state.executor.patience;
    let elapsed = state.clock.elapsed();
    let tasks = state.tasks.len();
    let sleeps = match state.clock.timers() {
        0 => "no sleep is awaited".into(),
        some if state.executor.auto_advance => format!("{some} awaited sleeps never end"),
        some => format!(
            "{some} sleeps are awaited but auto-advance is off (advance the time from another thread)"
        ),
    };
    drop(state);
    panic!(
        "deadlock: nothing is ready, {sleeps}, and no other thread woke anything within {patience:?} of real time; \
         {tasks} spawned tasks are not complete, {elapsed:?} of virtual time have passed. Look for what never comes: \
         a pending reply without a timeout, a channel that nobody sends to; for a slow thread or socket, raise \
         set_patience"
    );
}

/// One `block_on` at a time.
struct Running<'a>(&'a Shared);

impl<'a> Running<'a> {
    #[track_caller]
    fn begin(shared: &'a Shared) -> Self {
        let mut state = shared.lock();
        if let Some(location) = state.executor.running {
            drop(state);
            panic!("a block_on of this runtime is under way already, begun at {location}");
        }
        state.executor.running = Some(Location::caller());
        Self(shared)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.lock().executor.running = None;
    }
}
