//! [`Several`]: all observers of a client, as one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{Event, Observer};

/// All observers of a client. They are foreign code, called in `drop` too: a panic must not get out of here.
pub(crate) struct Several(pub(crate) Vec<Arc<dyn Observer>>);

impl Observer for Several {
    fn observe(&self, event: &Event<'_>) {
        for observer in &self.0 {
            tell(&**observer, event);
        }
    }
}

/// Tells an observer, whose panic goes no further.
pub(crate) fn tell(observer: &dyn Observer, event: &Event<'_>) {
    let outcome = catch_unwind(AssertUnwindSafe(|| observer.observe(event)));
    drop(outcome); // the panic hook has told of it
}
