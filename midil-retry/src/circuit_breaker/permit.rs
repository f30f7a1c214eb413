//! [`Permit`]: one call on its way through a breaker.

use std::sync::Arc;
use std::time::Instant;

use midil_http_core::Next;

use super::circuit::{Circuit, Ticket};
use super::verdict::is_with_server;
use super::{Shared, Verdict};

/// One call on its way. Dropped, it gives its place to another.
pub(super) struct Permit<'a> {
    pub(super) breaker: &'a Shared,
    pub(super) circuit: Arc<Circuit>,
    pub(super) ticket: Ticket,
    pub(super) next: &'a Next<'a>,
    /// When the whole call must be over.
    pub(super) deadline: Option<Instant>,
    pub(super) settled: bool,
}

impl Permit<'_> {
    pub(super) fn settle(&mut self, verdict: Verdict) {
        self.settled = true;
        let Self { breaker, circuit, ticket, next, .. } = self;
        let now = || breaker.nanos(next.runtime());
        if let Some(change) = circuit.settle(&breaker.rules, *ticket, verdict, now) {
            breaker.tell(circuit, change, next.observer());
        }
    }

    /// Whether `total_timeout` ended the call while it waited for the server: a timeout like any other, but one that
    /// middleware sees as a drop. On the way into a bare transport, all waiting is for the server.
    fn is_cut_by_deadline(&self) -> bool {
        self.deadline.is_some_and(|deadline| self.next.runtime().now() >= deadline)
            && self.next.phase().is_none_or(is_with_server)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.settled {
            let cut = self.is_cut_by_deadline();
            self.settle(if cut { Verdict::Failure } else { Verdict::Ignore });
        }
    }
}
