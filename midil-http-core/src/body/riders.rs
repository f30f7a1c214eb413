//! [`Riders`]: all that goes along with a response's body until that is over.

use super::Ending;
use crate::client::Ticket;
use crate::observer::OpenBody;
use crate::{BodyEnd, Error};

/// Who is told that a body is over, in the order in which they are told. Dropped, they are told of just that.
///
/// The call's ticket comes last: whoever waits for the client to be closed finds that all others know.
#[derive(Default)]
pub(super) struct Riders {
    /// Middleware.
    ending: Option<Ending>,
    /// An observer. Boxed, because most calls have none.
    open: Option<Box<OpenBody>>,
    /// That of the call: until all is received, the closing of its client ends the body.
    ticket: Option<Ticket>,
}

impl Riders {
    pub(super) const NONE: Self = Self { ending: None, open: None, ticket: None };

    pub(super) const fn is_empty(&self) -> bool {
        self.ending.is_none() && self.open.is_none() && self.ticket.is_none()
    }

    /// Whether there is room for middleware.
    pub(super) const fn may_tell(&self) -> bool {
        self.ending.is_none()
    }

    pub(super) fn set_ending(&mut self, ending: Ending) {
        self.ending = Some(ending);
    }

    pub(super) fn set_ticket(&mut self, ticket: Ticket) {
        self.ticket = Some(ticket);
    }

    /// Takes an observer's part along; gives it back where it is of another client than the one that is there.
    pub(super) fn join(&mut self, open: OpenBody) -> Option<OpenBody> {
        match &mut self.open {
            Some(before) => before.join(open),
            None => {
                self.open = Some(Box::new(open));
                None
            }
        }
    }

    pub(super) const fn ticket(&mut self) -> Option<&mut Ticket> {
        self.ticket.as_mut()
    }

    /// Whether the client was closed, and its grace is over.
    pub(super) fn are_dropped(&self) -> bool {
        self.ticket.as_ref().is_some_and(Ticket::is_dropped)
    }

    /// All is received.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`], when the client was closed before that.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        if self.are_dropped() {
            return Err(Error::Closed);
        }
        self.tell(BodyEnd::Complete);
        self.ticket.take().map_or(Ok(()), Ticket::finish)
    }

    /// Nothing more is to come. Returns what the reader is to have: `error`, or [`Error::Closed`] when the client was closed
    /// before that, whose report has it as dropped.
    pub(super) fn break_off(&mut self, error: Error) -> Error {
        self.tell(BodyEnd::Failed(error.kind()));
        match self.ticket.take().map_or(Ok(()), Ticket::finish) {
            Ok(()) => error,
            Err(closed) => closed,
        }
    }

    fn tell(&mut self, how: BodyEnd) {
        self.ending = None;
        if let Some(open) = self.open.take() {
            open.close(how);
        }
    }
}
