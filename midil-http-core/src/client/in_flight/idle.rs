//! [`Idle`]: whoever waits until nothing is in flight.

use std::pin::Pin;
use std::task::{Context, Poll};

use super::{InFlight, lock};

/// Waits until nothing is in flight.
pub(in crate::client) struct Idle<'a> {
    calls: &'a InFlight,
    number: Option<u64>,
}

impl<'a> Idle<'a> {
    pub(super) const fn new(calls: &'a InFlight) -> Self {
        Self { calls, number: None }
    }
}

impl Future for Idle<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.calls.is_idle() {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        let mut closers = lock(&self.calls.closers);
        let number = self.number.unwrap_or_else(|| {
            closers.next += 1;
            closers.next
        });
        let old = match closers.wakers.iter_mut().find(|closer| closer.0 == number) {
            Some(closer) => Some(std::mem::replace(&mut closer.1, waker)),
            None => {
                closers.wakers.push((number, waker));
                None
            }
        };
        drop(closers);
        drop(old);
        self.number = Some(number);
        // The last call may have ended before the waker was there.
        if self.calls.is_idle() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let gone: Vec<_> =
            lock(&self.calls.closers).wakers.extract_if(.., |closer| closer.0 == number).collect();
        drop(gone);
    }
}
