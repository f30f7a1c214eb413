//! What is done: which calls are made, what the servers do to each, and when its caller loses interest. All of it is a pure
//! function of the seed and a number.

mod stories;

use std::sync::Arc;

use crate::dice::Dice;

/// So many calls may one item have.
const CALLS_PER_ITEM: u64 = 16;

/// The plan of a run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
}

/// What is done in one go.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    One(Call),
    /// By a client that is made for this call and closed, or dropped, after it.
    Fresh {
        call: Call,
        close: bool,
    },
    Batch(Vec<Call>),
    /// A call for each page; all have the id of the first.
    Pages(Call),
}

impl Item {
    pub(crate) fn calls(&self) -> &[Call] {
        match self {
            Self::One(call) | Self::Fresh { call, .. } | Self::Pages(call) => {
                std::slice::from_ref(call)
            }
            Self::Batch(calls) => calls,
        }
    }
}

/// One call, and all that happens to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) id: u64,
    pub(crate) lane: Lane,
    pub(crate) verb: Verb,
    /// It has an `Idempotency-Key`.
    pub(crate) keyed: bool,
    /// The client's provider gives it a token.
    pub(crate) with_auth: bool,
    pub(crate) upload: Upload,
    /// What request number 1, 2… of the call meets; the last one repeats. A replay after a 401 is no request of its own here.
    pub(crate) steps: Arc<[Step]>,
    /// The token that its first request carries is worth nothing from then on.
    pub(crate) revokes: bool,
    /// The length of its answer.
    pub(crate) download: usize,
    pub(crate) framing: Framing,
    pub(crate) reading: Reading,
    pub(crate) limit: Limit,
    pub(crate) patience: Patience,
}

impl Call {
    /// What the request meets that is number `number` of its call, from 1.
    pub(crate) fn step(&self, number: usize) -> &Step {
        self.steps.get(number.saturating_sub(1)).or(self.steps.last()).expect("there is a step")
    }

    /// Whether each of its requests waits for nothing.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.steps.iter().all(|step| matches!(step, Step::Stall | Step::StallBody))
    }
}

/// Which client makes the call, and to which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// A client with retries and a provider: what becomes of its calls follows from the plan.
    Steady,
    /// The same, with hedges.
    Hedged,
    /// A client with a breaker, a bulkhead, a rate limit and a budget, and a server with outages, whose connections are not what
    /// they seem: what becomes of a call depends on the others.
    Brittle,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
    Put,
}

impl Verb {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// The body of the request, of so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upload {
    Empty,
    Bytes(usize),
    Json,
    Form(usize),
    /// A stream that can be made anew.
    Replayable(usize),
    /// A stream that cannot.
    Once(usize),
    /// The same, of a known length.
    OnceSized(usize),
}

impl Upload {
    pub(crate) fn is_once(self) -> bool {
        matches!(self, Self::Once(_) | Self::OnceSized(_))
    }
}

/// What a server does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Answer,
    /// A page, and a link to the next.
    Page,
    Refuse(u16),
    /// A status with `Retry-After`, in seconds.
    Busy(u16, u64),
    /// The connection ends before the head of the response is there, or what comes is none.
    Break(Break),
    /// The body does not come to its end.
    Lose(Lose),
    /// Nothing comes.
    Stall,
    /// The head comes, and some bytes.
    StallBody,
    Lead(u16, To),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Break {
    Close,
    Reset,
    Garbage,
    CutHead,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lose {
    /// It is shorter than its length.
    Short,
    /// Its chunks have no end.
    NoEnd,
    /// A chunk that is none.
    BadChunk,
}

/// Where a redirect leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    Same,
    /// Another origin, which the client allows.
    Other,
    /// One that it does not.
    Stranger,
}

/// How the answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Length,
    Chunked,
    LastOfConnection,
    Slow,
    Interim,
}

/// What the caller makes of the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    Whole,
    Chunks,
    OneChunk,
    Nothing,
}

/// Which timeout the call has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// The client's, which is long.
    Client,
    Progress,
    Attempt,
    Total,
}

/// When the caller drops the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    Endless,
    /// After so many polls.
    Polls(u64),
    Microseconds(u64),
}

impl Plan {
    /// Item number `index`.
    pub(crate) fn item(&self, index: u64) -> Item {
        stories::tell(&mut Dice::new(self.seed, index), index * CALLS_PER_ITEM)
    }

    /// The call with this id.
    pub(crate) fn call(&self, id: u64) -> Option<Call> {
        let item = self.item(id / CALLS_PER_ITEM);
        item.calls().iter().find(|call| call.id == id).cloned()
    }

    /// Which item a call belongs to.
    pub(crate) fn index_of(id: u64) -> u64 {
        id / CALLS_PER_ITEM
    }
}

#[cfg(test)]
mod tests;
