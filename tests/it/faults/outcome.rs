//! What a call comes to, and what it should have.

use std::future::Future;

use midil_http::{Error, LastOutcome, Response, TransportErrorKind};

/// What one attempt, or a call of one, comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Came {
    /// A response whose body is whole.
    Status(u16),
    /// No response.
    Failed(TransportErrorKind),
    TimedOut,
    /// A response whose body breaks off.
    Broken(TransportErrorKind),
    BodyTimedOut,
    /// What no row expects.
    Else(String),
}

/// What a call came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Seen {
    AsItCame(Came),
    /// After so many attempts.
    GivenUp(u32, Came),
}

/// What an attempt that meets a fault should come to.
#[derive(Debug)]
pub(super) enum Outcome {
    Status(u16),
    /// As one of these.
    Failed(&'static [TransportErrorKind]),
    TimedOut,
    Broken(&'static [TransportErrorKind]),
    BodyTimedOut,
}

/// What a call should come to.
#[derive(Debug)]
pub(super) enum Expected<'a> {
    AsItCame(&'a Outcome),
    GivenUp(u32, &'a Outcome),
}

impl<'a> Expected<'a> {
    pub(super) fn given_up(attempts: usize, outcome: &'a Outcome) -> Self {
        Self::GivenUp(u32::try_from(attempts).expect("few"), outcome)
    }

    pub(super) fn is(&self, seen: &Seen, kinds_matter: bool) -> bool {
        match (self, seen) {
            (Self::AsItCame(outcome), Seen::AsItCame(came)) => outcome.is(came, kinds_matter),
            (Self::GivenUp(attempts, outcome), Seen::GivenUp(made, came)) => {
                attempts == made && outcome.is(came, kinds_matter)
            }
            _ => false,
        }
    }
}

impl Outcome {
    fn is(&self, came: &Came, kinds_matter: bool) -> bool {
        match (self, came) {
            (Self::Status(status), Came::Status(code)) => status == code,
            (Self::Failed(kinds), Came::Failed(kind))
            | (Self::Broken(kinds), Came::Broken(kind)) => !kinds_matter || kinds.contains(kind),
            (Self::TimedOut, Came::TimedOut) | (Self::BodyTimedOut, Came::BodyTimedOut) => true,
            _ => false,
        }
    }
}

/// Makes the call, and reads to the end.
pub(super) async fn of(call: impl Future<Output = Result<Response, Error>>) -> Seen {
    match call.await {
        Ok(response) => {
            let status = response.status().as_u16();
            Seen::AsItCame(match response.bytes().await {
                Ok(_) => Came::Status(status),
                Err(Error::Transport(error)) => Came::Broken(error.kind()),
                Err(Error::Timeout(_)) => Came::BodyTimedOut,
                Err(other) => Came::Else(format!("{other:?}")),
            })
        }
        Err(Error::RetryExhausted(exhausted)) => {
            let attempts = exhausted.attempts();
            Seen::GivenUp(
                attempts,
                match exhausted.into_last() {
                    LastOutcome::Response(response) => Came::Status(response.status().as_u16()),
                    LastOutcome::Error(error) => failed(error),
                },
            )
        }
        Err(error) => Seen::AsItCame(failed(error)),
    }
}

fn failed(error: Error) -> Came {
    match error {
        Error::Transport(error) => Came::Failed(error.kind()),
        Error::Timeout(_) => Came::TimedOut,
        other => Came::Else(format!("{other:?}")),
    }
}
