//! [`OnEnd`]: who is told that a body is over.

use std::sync::Arc;

/// Is told when a body is over: read to its end, broken off, or dropped. See [`Body::on_end`](crate::Body::on_end).
///
/// A closure is one.
pub trait OnEnd: Send + Sync + 'static {
    /// Called once for each body, on whatever thread it ends: do not wait here.
    fn on_end(&self);
}

impl<F: Fn() + Send + Sync + 'static> OnEnd for F {
    fn on_end(&self) {
        self();
    }
}

/// Tells, once, when it is dropped.
pub(super) struct Ending(Arc<dyn OnEnd>);

impl Ending {
    pub(super) const fn new(told: Arc<dyn OnEnd>) -> Self {
        Self(told)
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.on_end();
    }
}
