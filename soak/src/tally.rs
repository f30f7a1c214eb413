//! [`Tally`]: how often what happened, to be shown at the end.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use midil_http::{Event, Observer, QueueOutcome};

#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<BTreeMap<String, u64>>);

impl Tally {
    pub(crate) fn add(&self, what: impl Into<String>, count: u64) {
        if count > 0 {
            *self.lock().entry(what.into()).or_default() += count;
        }
    }

    pub(crate) fn count(&self, what: &str) -> u64 {
        self.lock().get(what).copied().unwrap_or_default()
    }

    /// All counts whose name begins with `group`, in one line.
    pub(crate) fn line(&self, group: &str) -> String {
        let counts = self.lock();
        let of_group = counts.iter().filter_map(|(name, count)| {
            name.strip_prefix(group).map(|name| format!("{name} {count}"))
        });
        of_group.collect::<Vec<_>>().join(", ")
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Tally {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::RequestStarted(_) => self.add("event requests", 1),
            Event::RetryScheduled(_) => self.add("event retries", 1),
            Event::RetryGivenUp(call) => {
                self.add(format!("event given up ({})", call.reason_name()), 1);
            }
            Event::CircuitChanged(circuit) => {
                self.add(format!("event circuit {} → {}", circuit.from, circuit.to), 1);
            }
            Event::HedgeSent(_) => self.add("event hedges", 1),
            Event::HedgeWon(_) => self.add("event hedges won", 1),
            Event::TokenFetched(token) => {
                let name = if token.outcome.is_ok() { "tokens" } else { "tokens refused" };
                self.add(format!("event {name}"), 1);
            }
            Event::QueueEnded(queue) if queue.outcome == QueueOutcome::Refused => {
                self.add(format!("event refused by {}", queue.limit), 1);
            }
            _ => {}
        }
    }
}
