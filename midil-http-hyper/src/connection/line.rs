//! [`Line`]: whom a connection wakes, and whether it is to look before it speaks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// What a connection's user and its socket share.
///
/// A connection over HTTP/1.1 has no task of its own: whoever uses it polls it. Its wakers therefore lead to whoever that is
/// at the time, or to nobody: while nobody listens, hyper's own signals inside of a connection wake nobody up.
#[derive(Debug, Default)]
pub(crate) struct Line {
    listener: Mutex<Option<Waker>>,
    look: AtomicBool,
}

impl Line {
    /// The next wake is for `waker`.
    pub(crate) fn listen(&self, waker: &Waker) {
        let before = self.replace(Some(waker.clone()));
        drop(before);
    }

    /// Wakes are for nobody.
    pub(crate) fn hang_up(&self) {
        drop(self.replace(None));
    }

    /// The next read asks the system, whatever tokio knows.
    pub(crate) fn look_first(&self) {
        self.look.store(true, Ordering::Relaxed);
    }

    /// Whether to look; once.
    pub(crate) fn takes_a_look(&self) -> bool {
        self.look.load(Ordering::Relaxed) && self.look.swap(false, Ordering::Relaxed)
    }

    fn replace(&self, waker: Option<Waker>) -> Option<Waker> {
        let mut listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *listener, waker)
    }
}

impl Wake for Line {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(waker) = self.replace(None) {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn only_who_listens_is_woken_and_only_once() {
        let (line, count) = (Arc::new(Line::default()), Arc::new(Count::default()));
        let (inside, outside) = (Waker::from(Arc::clone(&line)), Waker::from(Arc::clone(&count)));
        inside.wake_by_ref();
        line.listen(&outside);
        inside.wake_by_ref();
        inside.wake_by_ref();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        line.listen(&outside);
        line.hang_up();
        inside.wake();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn it_looks_once() {
        let line = Line::default();
        assert!(!line.takes_a_look());
        line.look_first();
        assert!(line.takes_a_look());
        assert!(!line.takes_a_look());
    }
}
