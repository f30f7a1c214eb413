//! [`Background`]: a batch that goes on when nobody polls it.

use std::any::Any;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;
use tracing::{Instrument, Span};

use super::engine::{AT_ONE_GO, Engine};
use crate::{BoxFuture, Error, Runtime};

/// An engine that is polled by who reads its results and, meanwhile, by a task.
///
/// Either alone is enough: a runtime that drops the task, or does not run it, costs nothing but what happens between two polls.
/// The task holds the engine only while it polls it, so what is dropped is over at once.
pub(super) struct Background<'a, T> {
    shared: Arc<Shared<'a, T>>,
    // Below what is shared, so that the task is woken when that is gone, and ends.
    both: Leaving,
    waker: Waker,
    /// The task, until it is begun.
    task: Option<BoxFuture<'static, ()>>,
    runtime: Arc<dyn Runtime>,
}

struct Shared<'a, T>(Mutex<State<'a, T>>);

struct State<'a, T> {
    /// `None` once it has panicked.
    engine: Option<Box<Engine<'a, T>>>,
    /// What is there and not handed over yet.
    ready: VecDeque<(usize, Result<T, Error>)>,
    /// What was handed over and waits for others to be handed on first.
    held: usize,
    /// With what foreign code panicked in the task: the reader's to have.
    panic: Option<Box<dyn Any + Send>>,
}

/// Who is told that the engine can go on: the reader, and the task.
#[derive(Default)]
struct Both {
    reader: AtomicWaker,
    task: AtomicWaker,
}

impl Wake for Both {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.reader.wake();
        self.task.wake();
    }
}

impl<'a, T> Shared<'a, T> {
    fn lock(&self) -> MutexGuard<'_, State<'a, T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a, T: Send + 'a> Background<'a, T> {
    /// As [`Engine::poll_result`]; what panicked in the task panics here.
    pub(super) fn poll_result(
        &mut self,
        cx: &Context<'_>,
        held: usize,
    ) -> Poll<Option<(usize, Result<T, Error>)>> {
        if let Some(task) = self.task.take() {
            // What it begins belongs to whoever reads it.
            self.runtime.spawn(Box::pin(task.instrument(Span::current())));
        }
        self.both.0.reader.register(cx.waker());
        let mut state = self.shared.lock();
        state.held = held;
        let result = match state.ready.pop_front() {
            Some(result) => Poll::Ready(Some(result)),
            None => {
                if let Some(panic) = state.panic.take() {
                    drop(state);
                    resume_unwind(panic);
                }
                let cx = &mut Context::from_waker(&self.waker);
                state
                    .engine
                    .as_mut()
                    .map_or(Poll::Ready(None), |engine| engine.poll_result(cx, held))
            }
        };
        drop(state);
        if result.is_ready() {
            // There may be a place for another.
            self.both.0.task.wake();
        }
        result
    }

    /// Says how many of those that were handed over wait for others.
    pub(super) fn hold(&self, held: usize) {
        self.shared.lock().held = held;
        self.both.0.task.wake();
    }
}

impl<T: Send + 'static> Background<'static, T> {
    pub(super) fn new(engine: Box<Engine<'static, T>>) -> Self {
        let runtime = engine.runtime();
        let state = State { engine: Some(engine), ready: VecDeque::new(), held: 0, panic: None };
        let shared = Arc::new(Shared(Mutex::new(state)));
        let both = Arc::new(Both::default());
        let waker = Waker::from(Arc::clone(&both));
        let (weak, told, of_both) = (Arc::downgrade(&shared), Arc::clone(&both), waker.clone());
        let task = Box::pin(poll_fn(move |cx| {
            told.task.register(cx.waker());
            match weak.upgrade() {
                Some(shared) => shared.go_on(&told.reader, &of_both),
                None => Poll::Ready(()),
            }
        }));
        Self { shared, both: Leaving(both), waker, task: Some(task), runtime }
    }
}

impl<T: Send + 'static> Shared<'static, T> {
    /// What the task does: keeps what is there for the reader, up to as many as may be in flight.
    fn go_on(&self, reader: &AtomicWaker, of_both: &Waker) -> Poll<()> {
        for _ in 0..AT_ONE_GO {
            let mut state = self.lock();
            let held = state.ready.len() + state.held;
            let Some(engine) = &mut state.engine else { return Poll::Ready(()) };
            let cx = &mut Context::from_waker(of_both);
            // Whoever reads is who called: it should not look as if the runtime had lost the task.
            let gone = match catch_unwind(AssertUnwindSafe(|| engine.poll_result(cx, held))) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(None)) => return Poll::Ready(()),
                Ok(Poll::Ready(Some(result))) => {
                    state.ready.push_back(result);
                    None
                }
                Err(panic) => {
                    state.panic = Some(panic);
                    state.engine.take()
                }
            };
            // Wakers and what is dropped are foreign code.
            drop(state);
            drop(gone);
            reader.wake();
        }
        of_both.wake_by_ref();
        Poll::Pending
    }
}

/// Wakes the task when it is dropped.
struct Leaving(Arc<Both>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.task.wake();
    }
}
