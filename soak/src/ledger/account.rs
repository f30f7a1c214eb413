//! [`Account`]: what is known of one call.

use std::time::Instant;

use midil_http::Ended;

use crate::calls::End;

#[derive(Debug, Default, Clone)]
pub(crate) struct Account {
    /// What its caller says.
    pub(crate) ends: Vec<End>,
    /// What the servers say, in their order.
    pub(super) arrivals: Vec<Arrival>,
    /// What the observer was told.
    pub(super) calls: Lives,
    pub(super) requests: Lives,
    pub(super) told: Option<Told>,
    pub(super) timeouts: u32,
    /// How many reports of closed clients have it.
    pub(super) closed: u32,
}

impl Account {
    /// How many of its requests were rejected for their credentials.
    pub(crate) fn rejected(&self) -> usize {
        self.arrivals.iter().filter(|arrival| arrival.action == Action::Rejected).count()
    }

    pub(crate) fn arrived(&self) -> usize {
        self.arrivals.len()
    }

    /// How many of its requests ended in a timeout.
    pub(crate) fn timeouts(&self) -> u32 {
        self.timeouts
    }
}

/// How many began, ended, and were closed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lives {
    pub(super) started: u32,
    pub(super) ended: u32,
    pub(super) closed: u32,
}

impl Lives {
    pub(super) fn are_over(self) -> bool {
        self.started == self.ended && self.started == self.closed
    }
}

/// A request, as a server had it.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub(super) number: usize,
    /// It has the method that the call began with: no redirect made a GET of it.
    pub(super) as_made: bool,
    pub(super) action: Action,
    pub(super) at: Instant,
}

/// What a server made of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Its credentials were worth nothing.
    Rejected,
    /// It was told to come later, or to go elsewhere: nothing was done.
    TurnedAway,
    /// It was done, whatever came of the response.
    Done,
    /// It was done, and this answer begun.
    Answered(u64),
}

/// What the observer was told of the end of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    Response(u16),
    Error(String),
}

impl Told {
    pub(super) fn of(ended: &Ended<'_>) -> Self {
        match ended {
            Ended::Response { status, .. } => Self::Response(status.as_u16()),
            other => Self::Error(other.error_type().unwrap_or("nothing").to_owned()),
        }
    }
}
