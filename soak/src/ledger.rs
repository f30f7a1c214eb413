//! The ledger: what the callers, the servers and an observer say of each call is entered by its id, and compared when all of them
//! are done.

mod account;
mod rules;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use midil_http::{Event, Observer, Target};

use account::Arrival;
pub(crate) use account::{Account, Action};

use crate::calls::End;
use crate::model;
use crate::plan::{Call, Item};

/// What a transport may do that others do not: each is named in ARCHITECTURE.md or the README of its crate.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Quirks {
    /// What is idempotent is sent again over a kept connection that died under it (curl).
    pub(crate) resends: bool,
    /// One of some thousands that are given to a connection which ends is lost, until the timeout (reqwest's pool).
    pub(crate) loses: bool,
    /// What a server sends behind a response may pass for the next one, for it is looked for once a second at most (curl).
    pub(crate) takes_surplus: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    quirks: Quirks,
    open: Mutex<HashMap<u64, Account>>,
    complaints: Mutex<Vec<String>>,
    serials: AtomicU64,
    late: AtomicU64,
}

impl Ledger {
    pub(crate) fn new(quirks: Quirks) -> Self {
        Self { quirks, ..Self::default() }
    }

    pub(crate) fn quirks(&self) -> Quirks {
        self.quirks
    }

    /// Opens an account for each call of `item`.
    pub(crate) fn open(&self, item: &Item) {
        let mut accounts = self.accounts();
        for call in item.calls() {
            if accounts.insert(call.id, Account::default()).is_some() {
                self.complain(format!("call {} was begun twice", call.id));
            }
        }
    }

    /// A caller knows what became of its call.
    pub(crate) fn came_to(&self, id: u64, end: End) {
        match self.accounts().get_mut(&id) {
            Some(account) => account.ends.push(end),
            None => self.complain(format!("call {id} came to {end:?}, after it was settled")),
        }
    }

    /// A request has arrived at a server, whole.
    pub(crate) fn arrived(&self, call: &Call, number: usize, as_made: bool, action: Action) {
        let arrival = Arrival { number, as_made, action, at: Instant::now() };
        match self.accounts().get_mut(&call.id) {
            Some(account) => account.arrivals.push(arrival),
            None if model::may_arrive_late(call) => drop(self.late.fetch_add(1, Ordering::Relaxed)),
            None => self.complain(format!("a request came after its call was settled: {call:?}")),
        }
    }

    /// Whether a server may reject the credentials of this request: it does so once for each call.
    pub(crate) fn rejects(&self, call: &Call, number: usize) -> bool {
        let mut accounts = self.accounts();
        let Some(account) = accounts.get_mut(&call.id).filter(|account| account.rejected() == 0)
        else {
            return false;
        };
        let action = Action::Rejected;
        account.arrivals.push(Arrival { number, as_made: true, action, at: Instant::now() });
        true
    }

    /// The report of a client that was closed has this call among those it dropped.
    pub(crate) fn dropped_by_close(&self, id: u64) {
        match self.accounts().get_mut(&id) {
            Some(account) => account.closed += 1,
            None => {
                self.complain(format!("call {id} was in flight, says a report, though settled"))
            }
        }
    }

    /// The number of an answer.
    pub(crate) fn serial(&self) -> u64 {
        self.serials.fetch_add(1, Ordering::Relaxed)
    }

    /// Compares what is known of `item`, which nobody has anything to add to.
    pub(crate) fn settle(&self, item: &Item) -> Vec<Account> {
        let mut settled = Vec::new();
        for call in item.calls() {
            let Some(account) = self.accounts().remove(&call.id) else {
                self.complain(format!("call {} has no account", call.id));
                continue;
            };
            for problem in rules::broken(item, call, &account, self.quirks) {
                self.complain(format!(
                    "call {}: {problem}\n    {call:?}\n    {account:?}",
                    call.id
                ));
            }
            settled.push(account);
        }
        settled
    }

    pub(crate) fn complain(&self, complaint: String) {
        self.complaints.lock().unwrap_or_else(PoisonError::into_inner).push(complaint);
    }

    pub(crate) fn complaints(&self) -> Vec<String> {
        self.complaints.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many requests came after their call was settled, as they may.
    pub(crate) fn late(&self) -> u64 {
        self.late.load(Ordering::Relaxed)
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<u64, Account>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, target: &Target<'_>, enter: impl FnOnce(&mut Account)) {
        let id = target.url_template().and_then(|template| template.parse().ok());
        match id.and_then(|id| self.accounts().get_mut(&id).map(enter)) {
            Some(()) => {}
            None => self.complain(format!("an event is of no open call: {target:?}")),
        }
    }
}

impl Observer for Ledger {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::CallStarted(call) => self.note(&call.target, |it| it.calls.started += 1),
            Event::CallEnded(call) => self.note(&call.target, |it| {
                it.calls.ended += 1;
                it.told = Some(account::Told::of(&call.ended));
            }),
            Event::CallClosed(call) => self.note(&call.target, |it| it.calls.closed += 1),
            Event::RequestStarted(one) => self.note(&one.target, |it| it.requests.started += 1),
            Event::RequestEnded(one) => self.note(&one.target, |it| {
                it.requests.ended += 1;
                it.timeouts += u32::from(one.ended.error_type() == Some("Timeout"));
            }),
            Event::RequestClosed(one) => self.note(&one.target, |it| it.requests.closed += 1),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
