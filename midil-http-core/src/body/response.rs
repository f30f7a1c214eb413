//! What a client puts on the [`Body`] of a response: its timeouts, and who is told of its end.

use std::sync::Arc;

use super::watch::{Deadline, Watch, Watched};
use super::{Body, Kind};
use crate::alarm::Timer;
use crate::client::Ticket;
use crate::observer::OpenBody;
use crate::{BodyEnd, Error, Runtime};

impl Body {
    /// Puts what is left of an exchange's timeouts on its response body.
    ///
    /// `announced` is the `Content-Length` that must not be undercut.
    pub(crate) fn watched(self, watch: Watch, announced: Option<u64>) -> Self {
        Self(Kind::Watched(Box::new(Watched::new(self, Some(watch), announced))))
    }

    /// Bounds the body by the deadline of the whole call, too.
    /// `timer` is what the call was bounded by until now.
    pub(crate) fn bound(
        &mut self,
        total: Deadline,
        runtime: &Arc<dyn Runtime>,
        timer: Option<Timer>,
    ) {
        match &mut self.0 {
            Kind::Empty | Kind::Bytes(_) => {}
            Kind::Watched(watched) => watched.set_total(total, runtime, timer),
            _ => {
                let mut watched = Watched::new(std::mem::take(self), None, None);
                watched.set_total(total, runtime, timer);
                self.0 = Kind::Watched(Box::new(watched));
            }
        }
    }

    /// Lets `ticket` go along until the body's end: it breaks off when its client is closed. What is in memory, or has ended, is
    /// not in flight any more.
    pub(crate) fn in_flight(&mut self, ticket: Ticket) -> Result<(), Error> {
        if let Kind::Watched(watched) = &mut self.0 {
            return watched.in_flight(ticket);
        }
        if self.is_in_memory() || http_body::Body::is_end_stream(self) {
            return ticket.finish();
        }
        let mut watched = Box::new(Watched::new(std::mem::take(self), None, None));
        let outcome = watched.in_flight(ticket);
        self.0 = Kind::Watched(watched);
        outcome
    }

    /// Tells an observer when the body is over: now, where it is there in whole.
    pub(crate) fn tracked(mut self, open: OpenBody) -> Self {
        if http_body::Body::is_end_stream(&self) || matches!(self.0, Kind::Bytes(_)) {
            open.close(BodyEnd::Complete);
            return self;
        }
        let open = match &mut self.0 {
            Kind::Watched(watched) => watched.riders().join(open),
            _ => Some(open),
        };
        if let Some(open) = open {
            let mut watched = Watched::new(self, None, None);
            watched.riders().join(open);
            self = Self(Kind::Watched(Box::new(watched)));
        }
        self
    }

    /// Whether nothing of it is to come any more.
    pub(crate) fn is_in_memory(&self) -> bool {
        match &self.0 {
            Kind::Empty | Kind::Bytes(_) => true,
            Kind::Watched(watched) => watched.is_in_memory(),
            Kind::Tapped(_) | Kind::Replayable(_) | Kind::Once(_) | Kind::Lent(_) => false,
        }
    }
}
