//! What must become of a call, by the rules that the documents state: written down a second time, apart from the code that is
//! looked at.

use std::fmt;

use crate::plan::{Call, Item, Lane, Limit, Patience, Step, To, Upload, Verb};

/// The most attempts for one hop.
pub(crate) const MAX_ATTEMPTS: u32 = 3;

const MAX_REDIRECTS: u32 = 10;

/// What a call came to, as its caller has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// A response, of which as much was read as was meant to be.
    Response(u16),
    /// Its body broke off: the kind of the error.
    Broken(&'static str),
    /// An error: its kind.
    Failed(&'static str),
    /// The caller dropped it.
    Dropped,
}

impl Outcome {
    /// Whether the plan makes no difference between them: it cannot say whether the head comes before a timeout.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let is_timeout =
            |one: &Self| matches!(one, Self::Failed("Timeout") | Self::Broken("Timeout"));
        self == other || (is_timeout(self) && is_timeout(other))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Response(status) => write!(f, "{status}"),
            Self::Broken(kind) => write!(f, "broken off ({kind})"),
            Self::Failed(kind) => f.write_str(kind),
            Self::Dropped => f.write_str("dropped"),
        }
    }
}

/// What a call must come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) outcome: Outcome,
    /// Without those that are rejected with 401.
    pub(crate) requests: u32,
    /// How many calls are told of to an observer.
    pub(crate) calls: u32,
}

/// What must become of `call`; `None` where that is a matter of time, or of other calls.
pub(crate) fn expected(item: &Item, call: &Call) -> Option<Expected> {
    if call.lane == Lane::Brittle || call.patience != Patience::Endless {
        return None;
    }
    if call.limit != Limit::Client && !call.is_hopeless() {
        return None;
    }
    let mut walk = Walk::new(call);
    let outcome = walk.outcome(matches!(item, Item::Pages(_)));
    Some(Expected { outcome, requests: walk.requests, calls: walk.calls })
}

/// Whether requests of such a call may still arrive when its caller knows what became of it.
pub(crate) fn may_arrive_late(call: &Call) -> bool {
    call.lane != Lane::Steady || call.patience != Patience::Endless || call.limit != Limit::Client
}

/// Whether a server may be asked twice.
pub(crate) fn is_idempotent(call: &Call) -> bool {
    call.verb != Verb::Post || call.keyed
}

struct Walk<'a> {
    call: &'a Call,
    idempotent: bool,
    verb: Verb,
    upload: Upload,
    attempt: u32,
    hops: u32,
    requests: u32,
    calls: u32,
}

impl<'a> Walk<'a> {
    fn new(call: &'a Call) -> Self {
        let (verb, upload) = (call.verb, call.upload);
        let idempotent = is_idempotent(call);
        Self { call, idempotent, verb, upload, attempt: 1, hops: 0, requests: 0, calls: 1 }
    }

    fn outcome(&mut self, pages: bool) -> Outcome {
        loop {
            self.requests += 1;
            if self.call.revokes && self.requests == 1 && self.upload.is_once() {
                self.requests = 0;
                return Outcome::Response(401);
            }
            let number = usize::try_from(self.requests).expect("small");
            let end = match *self.call.step(number) {
                Step::Answer => Some(Outcome::Response(200)),
                Step::Page if pages => {
                    self.calls += 1;
                    self.attempt = 1;
                    None
                }
                Step::Page => Some(Outcome::Response(200)),
                Step::Refuse(status) | Step::Busy(status, _) => self.refused(status),
                Step::Break(_) => self.failed(Outcome::Failed("Transport"), self.idempotent),
                Step::Lose(_) => Some(Outcome::Broken("Transport")),
                Step::Stall | Step::StallBody => Some(Outcome::Failed("Timeout")),
                Step::Lead(status, to) => self.led(status, to),
            };
            if let Some(end) = end {
                return end;
            }
        }
    }

    fn refused(&mut self, status: u16) -> Option<Outcome> {
        let outcome = Outcome::Response(status);
        match status {
            429 => self.failed(outcome, true),
            408 | 425 | 500 | 502 | 503 | 504 => self.failed(outcome, self.idempotent),
            _ => Some(outcome),
        }
    }

    /// Something that may be worth a retry.
    fn failed(&mut self, outcome: Outcome, is_worth_it: bool) -> Option<Outcome> {
        if !is_worth_it || self.upload.is_once() {
            return Some(outcome);
        }
        if self.attempt == MAX_ATTEMPTS {
            return Some(Outcome::Failed("RetryExhausted"));
        }
        self.attempt += 1;
        None
    }

    fn led(&mut self, status: u16, to: To) -> Option<Outcome> {
        let becomes_get = matches!((status, self.verb), (303, _) | (301 | 302, Verb::Post));
        if to == To::Stranger || (!becomes_get && self.upload.is_once()) {
            return Some(Outcome::Response(status));
        }
        if self.hops == MAX_REDIRECTS {
            return Some(Outcome::Failed("Redirect"));
        }
        self.hops += 1;
        self.attempt = 1;
        if becomes_get {
            (self.verb, self.upload, self.idempotent) = (Verb::Get, Upload::Empty, true);
        }
        None
    }
}
