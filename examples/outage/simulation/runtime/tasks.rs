//! [`Tasks`]: what was spawned, and whose turn it is.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};

use midil_http::BoxFuture;

/// The tasks, each in a place that is used again when it is complete, with its waker.
#[derive(Default)]
pub(super) struct Tasks {
    places: Mutex<Places>,
    ready: Arc<Mutex<VecDeque<usize>>>,
}

#[derive(Default)]
struct Places {
    all: Vec<Place>,
    free: Vec<usize>,
}

struct Place {
    /// `None` while it is polled, and when it is complete.
    task: Option<BoxFuture<'static, ()>>,
    turn: Arc<Turn>,
    waker: Waker,
}

impl Tasks {
    pub(super) fn spawn(&self, task: BoxFuture<'static, ()>) {
        let mut places = self.places();
        let free = places.free.pop();
        let place = free.unwrap_or_else(|| {
            let (ready, place) = (Arc::clone(&self.ready), places.all.len());
            let turn = Arc::new(Turn { place, is_queued: AtomicBool::new(false), ready });
            let waker = Waker::from(Arc::clone(&turn));
            places.all.push(Place { task: None, turn, waker });
            place
        });
        places.all[place].task = Some(task);
        places.all[place].turn.queue();
    }

    /// Polls what is ready, and what becomes ready meanwhile.
    pub(super) fn run_ready(&self) {
        while let Some(place) = { lock(&self.ready).pop_front() } {
            let (task, waker) = {
                let mut places = self.places();
                let place = &mut places.all[place];
                place.turn.is_queued.store(false, Relaxed);
                (place.task.take(), place.waker.clone())
            };
            let Some(mut task) = task else { continue };
            let is_over = task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
            let mut places = self.places();
            if is_over {
                places.free.push(place);
            } else {
                places.all[place].task = Some(task);
            }
        }
    }

    pub(super) fn abandon(&self) {
        let places = std::mem::take(&mut *self.places());
        drop(places);
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        lock(&self.places)
    }
}

/// Puts a task in the queue, once.
struct Turn {
    place: usize,
    is_queued: AtomicBool,
    ready: Arc<Mutex<VecDeque<usize>>>,
}

impl Turn {
    fn queue(&self) {
        if !self.is_queued.swap(true, Relaxed) {
            lock(&self.ready).push_back(self.place);
        }
    }
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        self.queue();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.queue();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
