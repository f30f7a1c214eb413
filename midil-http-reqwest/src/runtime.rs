//! The tokio that reqwest needs. Without it reqwest panics; we return an error.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::task::Poll;

use midil_http_core::{BuildError, Error};
use tokio::runtime::{Handle, Id};

/// The tokio that we are in; fails outside of one.
pub(crate) fn current() -> Result<Id, Error> {
    match Handle::try_current() {
        Ok(handle) => Ok(handle.id()),
        Err(_) => Err(error(
            "is missing: reqwest works on tokio alone, so make the call inside a tokio runtime, or choose a transport \
             that works on every executor",
        )),
    }
}

/// Runs `future`; fails where tokio was built without its drivers, which cannot be asked for beforehand.
pub(crate) async fn with_drivers<F: Future + Send>(future: F) -> Result<F::Output, Error> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) if is_missing_driver(&*panic) => Poll::Ready(Err(error(
            "has no IO or time driver: build it with `enable_all`, as `#[tokio::main]` does",
        ))),
        Err(panic) => resume_unwind(panic),
    })
    .await
}

/// Whether tokio itself says so.
fn is_missing_driver(panic: &(dyn Any + Send)) -> bool {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    message.is_some_and(|message| {
        message.contains("Call `enable_io`") || message.contains("Call `enable_time`")
    })
}

fn error(problem: &str) -> Error {
    BuildError::new("tokio runtime", problem).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_panics_go_their_way() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let outcome = catch_unwind(|| {
            runtime.block_on(with_drivers(poll_fn(|_| -> Poll<()> { panic!("a bug") })))
        });
        assert_eq!(outcome.unwrap_err().downcast_ref::<&str>(), Some(&"a bug"));
    }
}
