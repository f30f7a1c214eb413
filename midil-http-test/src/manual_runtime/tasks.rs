//! [`Tasks`]: what was spawned, and whose turn it is.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};

use midil_http_core::BoxFuture;

use super::Shared;

/// The future that an executor blocks on; it is not among the spawned.
pub(super) const MAIN: u64 = 0;

#[derive(Default)]
pub(super) struct Tasks {
    /// Those that are ready, first come, first served.
    ready: VecDeque<u64>,
    /// The spawned; `None` while it is polled.
    spawned: BTreeMap<u64, Option<Task>>,
    last: u64,
    /// Who runs the tasks on another executor.
    pub(super) runner: Option<Waker>,
}

pub(super) struct Task {
    pub(super) future: BoxFuture<'static, ()>,
    pub(super) waker: Arc<TaskWaker>,
}

impl Tasks {
    /// Adds a task, which is not ready until it is woken.
    pub(super) fn add(
        &mut self,
        shared: &Arc<Shared>,
        future: BoxFuture<'static, ()>,
    ) -> Arc<TaskWaker> {
        self.last += 1;
        let waker = TaskWaker::new(shared, self.last);
        self.spawned.insert(self.last, Some(Task { future, waker: Arc::clone(&waker) }));
        waker
    }

    /// How many spawned tasks are ready.
    pub(super) fn ready(&self) -> usize {
        self.ready.iter().filter(|id| **id != MAIN).count()
    }

    /// Whose turn it is: the main future too, where it is run.
    pub(super) fn next(&mut self, with_main: bool) -> Option<u64> {
        let at = self.ready.iter().position(|id| with_main || *id != MAIN)?;
        self.ready.remove(at)
    }

    /// Takes a task to poll it; `None` when it is complete, or somebody else polls it.
    pub(super) fn take(&mut self, id: u64) -> Option<Task> {
        self.spawned.get_mut(&id)?.take()
    }

    /// Puts a task back that is not complete. It is given back if it was aborted meanwhile.
    pub(super) fn put_back(&mut self, task: Task) -> Option<Task> {
        let id = task.waker.id;
        let Some(place) = self.spawned.get_mut(&id) else { return Some(task) };
        // Its turn may have come while it was polled, and have passed.
        if task.waker.woken.load(Ordering::Acquire) && !self.ready.contains(&id) {
            self.ready.push_back(id);
        }
        place.replace(task)
    }

    pub(super) fn remove(&mut self, id: u64) {
        self.spawned.remove(&id);
    }

    #[must_use]
    pub(super) fn take_all(&mut self) -> BTreeMap<u64, Option<Task>> {
        std::mem::take(&mut self.spawned)
    }

    pub(super) fn len(&self) -> usize {
        self.spawned.len()
    }
}

/// Puts a task, or the main future, in the queue.
pub(super) struct TaskWaker {
    shared: Weak<Shared>,
    id: u64,
    /// It is in the queue.
    woken: AtomicBool,
}

impl TaskWaker {
    pub(super) fn new(shared: &Arc<Shared>, id: u64) -> Arc<Self> {
        Arc::new(Self { shared: Arc::downgrade(shared), id, woken: AtomicBool::new(false) })
    }

    /// To be called before each poll: a wake from now on asks for another one.
    pub(super) fn begin(&self) {
        self.woken.store(false, Ordering::Release);
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.woken.swap(true, Ordering::AcqRel) {
            return;
        }
        let Some(shared) = self.shared.upgrade() else { return };
        let mut state = shared.lock();
        state.tasks.ready.push_back(self.id);
        let runner = state.tasks.runner.clone();
        drop(state);
        shared.changed.notify_all();
        if let Some(runner) = runner {
            runner.wake();
        }
    }
}
