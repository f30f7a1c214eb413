//! The table: each fault of a token endpoint, and what it comes to.

mod lasting;
mod passing;

use std::time::Duration;

use http::HeaderValue;
use midil_http_core::{AuthErrorKind, Sent, TransportError, TransportErrorKind};
use midil_http_test::{ManualRuntime, Reply};

use super::FINE;

/// A range in milliseconds.
pub(crate) type Range = (u64, u64);

/// A fault and its outcome.
pub(crate) struct Row {
    pub(crate) fault: &'static str,
    /// What the endpoint answers; the last, again and again.
    pub(crate) script: fn(&ManualRuntime) -> Vec<Reply>,
    /// How long after the request before each further one comes.
    pub(crate) spacing: &'static [Range],
    pub(crate) took: Range,
    pub(crate) outcome: Outcome,
}

pub(crate) enum Outcome {
    Token,
    Error(Refusal),
}

/// An error, field by field.
pub(crate) struct Refusal {
    pub(crate) kind: AuthErrorKind,
    /// The whole of it, but for the pause.
    pub(crate) message: String,
    pub(crate) status: Option<u16>,
    pub(crate) oauth: (Option<&'static str>, Option<&'static str>),
    /// How long nobody asks again.
    pub(crate) pause: Range,
}

/// The first pause after a failure.
const FIRST_PAUSE: Range = (500, 1000);

/// The waits before the second and the third request of a fetch.
const BACKOFFS: &[Range] = &[(0, 200), (0, 400)];
const ONE: &[Range] = &[(0, 200)];

fn transport(kind: TransportErrorKind, sent: Sent) -> Reply {
    Reply::error(move || TransportError::new(kind, sent, "it failed").into())
}

fn json(status: u16, body: &'static str) -> Reply {
    Reply::status(status).header("content-type", "application/json").body(body)
}

fn fine() -> Reply {
    json(200, FINE)
}

fn busy(status: u16, after: &'static str) -> Reply {
    Reply::status(status).header("retry-after", HeaderValue::from_static(after))
}

/// A row of a token.
fn token(
    fault: &'static str,
    script: fn(&ManualRuntime) -> Vec<Reply>,
    spacing: &'static [Range],
) -> Row {
    let took = spacing.iter().fold((0, 0), |sum, gap| (sum.0 + gap.0, sum.1 + gap.1));
    Row { fault, script, spacing, took, outcome: Outcome::Token }
}

/// A row of an error.
fn error(
    fault: &'static str,
    script: fn(&ManualRuntime) -> Vec<Reply>,
    spacing: &'static [Range],
    kind: AuthErrorKind,
    message: &str,
) -> Row {
    let mut row = token(fault, script, spacing);
    let message = message.to_owned();
    let refusal = Refusal { kind, message, status: None, oauth: (None, None), pause: FIRST_PAUSE };
    row.outcome = Outcome::Error(refusal);
    row
}

impl Row {
    fn refusal(&mut self) -> &mut Refusal {
        match &mut self.outcome {
            Outcome::Error(refusal) => refusal,
            Outcome::Token => panic!("{} comes to a token", self.fault),
        }
    }

    fn status(mut self, status: u16) -> Self {
        let refusal = self.refusal();
        refusal.status = Some(status);
        refusal.message.push_str(&format!(" (status {status})"));
        self
    }

    fn oauth(mut self, code: &'static str, description: Option<&'static str>) -> Self {
        let refusal = self.refusal();
        refusal.oauth = (Some(code), description);
        let text = description.map_or(code.to_owned(), |text| format!("{code}: {text}"));
        refusal.message.push_str(&format!(" ({text})"));
        self
    }

    fn pause(mut self, seconds: u64) -> Self {
        self.refusal().pause = (seconds * 1000, seconds * 1000);
        self
    }

    fn took(mut self, from: u64, to: u64) -> Self {
        self.took = (from, to);
        self
    }
}

/// All of them.
pub(crate) fn table() -> Vec<Row> {
    passing::rows().into_iter().chain(lasting::rows()).collect()
}

/// `millis` as a duration.
pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
