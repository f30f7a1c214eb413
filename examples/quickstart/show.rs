//! What came of a call, on one line.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use midil_http::{Outcome, RequestBuilder, RetryEvent};

/// What came of a call.
pub(crate) struct Told {
    /// Of the last response.
    pub(crate) status: Option<u16>,
    pub(crate) attempts: u32,
    elapsed: Duration,
    /// What failed on the way, and the wait after it.
    trail: Vec<(String, Duration)>,
    /// The body, or the error.
    end: String,
    kind: Option<&'static str>,
}

impl Told {
    pub(crate) fn is(&self, status: u16, attempts: u32) -> bool {
        self.status == Some(status) && self.attempts == attempts
    }

    /// How long it waited for its retries.
    pub(crate) fn waited(&self) -> Duration {
        self.trail.iter().map(|(_, wait)| *wait).sum()
    }

    /// Whether the client did not even send it.
    pub(crate) fn is_refused(&self) -> bool {
        self.kind == Some("Build") && self.attempts == 0
    }
}

/// What failed in a call so far. It travels in the request, so that whoever sees the request can add to it.
#[derive(Clone, Default)]
struct Trail(Arc<Mutex<Vec<(String, Duration)>>>);

impl Trail {
    fn note(&self, what: String, wait: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((what, wait));
    }

    fn take(&self) -> Vec<(String, Duration)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Called before each retry.
pub(crate) fn note_retry(event: &mut RetryEvent<'_>) {
    let what = match &event.outcome {
        Outcome::Response(head) => head.status.as_u16().to_string(),
        Outcome::Error(error) => first_clause(error),
    };
    if let Some(trail) = event.request.extensions.get::<Trail>() {
        trail.note(what, event.delay);
    }
}

/// Makes a call.
pub(crate) async fn call(request: RequestBuilder) -> Told {
    let started = Instant::now();
    let trail = Trail::default();
    let mut told = Told {
        status: None,
        attempts: 0,
        elapsed: Duration::ZERO,
        trail: Vec::new(),
        end: String::new(),
        kind: None,
    };
    let outcome = async {
        let response = request.extension(trail.clone()).send().await?;
        told.status = Some(response.status().as_u16());
        told.attempts = response.attempts();
        response.text().await
    };
    match outcome.await {
        Ok(body) => told.end = body,
        Err(error) => {
            told.status = error.status().map(|status| status.as_u16());
            if let midil_http::Error::RetryExhausted(exhausted) = &error {
                told.attempts = exhausted.attempts();
            }
            told.kind = Some(error.kind());
            told.end = format!("{}: {}", error.kind(), first_clause(&error));
        }
    }
    told.trail = trail.take();
    told.elapsed = started.elapsed();
    told
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{status}")?,
            None => f.write_str(" – ")?,
        }
        let attempts = if self.attempts == 1 { "attempt, " } else { "attempts," };
        write!(f, "  {} {attempts} {:>4} ms", self.attempts, self.elapsed.as_millis())?;
        let mut before = "  ";
        for (what, wait) in &self.trail {
            write!(f, "{before}{what}, waited {} ms", wait.as_millis())?;
            before = " → ";
        }
        if self.end.is_empty() { Ok(()) } else { write!(f, "{before}{}", self.end) }
    }
}

/// What an error says before it says what to do.
fn first_clause(error: &midil_http::Error) -> String {
    let text = match error {
        midil_http::Error::RetryExhausted(exhausted) => exhausted.reason().to_string(),
        error => error.to_string(),
    };
    text.split(": ").next().unwrap_or_default().to_owned()
}
