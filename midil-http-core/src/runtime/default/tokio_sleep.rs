//! [`TokioSleep`]: on tokio's timer as long as its runtime is there, and on the timer thread from then on.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures_timer::Delay;
use pin_project_lite::pin_project;
use tokio::runtime::{Handle, Id};
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep};

pin_project! {
    /// A sleep that does not depend on the runtime that it began on.
    ///
    /// tokio panics when a timer is polled whose runtime was shut down, and a handle does not tell whether that has happened.
    /// While the runtime is the current one, somebody runs it. Wherever it is not, nobody can know: there it is not relied on.
    pub(super) struct TokioSleep {
        #[pin]
        sleep: Sleep,
        home: Id,
        elsewhere: Option<Delay>,
    }
}

impl TokioSleep {
    pub(super) const fn new(sleep: Sleep, home: Id) -> Self {
        Self { sleep, home, elsewhere: None }
    }
}

impl Future for TokioSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if this.elsewhere.is_none() && is_current(*this.home) {
            // It rings also for a task that has done its share: whoever keeps a task busy must not put off its timeouts.
            let sleep = || pin!(unconstrained(this.sleep.as_mut())).poll(cx);
            // A runtime that was shut down can be entered by a handle of it, too.
            if let Ok(outcome) = catch_unwind(AssertUnwindSafe(sleep)) {
                return outcome;
            }
        }
        let delay = this.elsewhere.get_or_insert_with(|| {
            Delay::new(this.sleep.deadline().saturating_duration_since(Instant::now()))
        });
        Pin::new(delay).poll(cx)
    }
}

fn is_current(runtime: Id) -> bool {
    Handle::try_current().is_ok_and(|current| current.id() == runtime)
}
