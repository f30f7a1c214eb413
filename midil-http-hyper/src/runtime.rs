//! The tokio that connections need. Without it tokio panics; we return an error.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::task::Poll;

use midil_http_core::{BuildError, Error};
use tokio::runtime::{Handle, Id};
use tokio::task::JoinHandle;

/// The tokio that we are in; fails outside of one.
///
/// Connections are told apart by it: one that belongs to a runtime which nobody drives any more would never answer.
pub(crate) fn current() -> Result<Id, Error> {
    match Handle::try_current() {
        Ok(handle) => Ok(handle.id()),
        Err(_) => Err(error(
            "is missing: hyper works on tokio here, so make the call inside a tokio runtime, or choose a transport that \
             works on every executor",
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

/// Runs `future` as a task, which ends when nobody waits for it any more; `None` when the runtime has ended before it.
pub(crate) async fn task<F>(future: F) -> Option<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    struct EndsWithUs<T>(JoinHandle<T>);

    impl<T> Drop for EndsWithUs<T> {
        fn drop(&mut self) {
            self.0.abort();
        }
    }

    let mut task = EndsWithUs(tokio::spawn(future));
    match (&mut task.0).await {
        Ok(output) => Some(output),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => None,
        },
    }
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
