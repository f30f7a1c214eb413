//! One round.

use std::ops::Range;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use midil_http::CloseReport;
use tokio::task::JoinHandle;

use super::{LOST, Run, quiet};
use crate::calls::{self, End};
use crate::clients::Clients;
use crate::ledger::Account;
use crate::model::{self, Outcome};
use crate::plan::Item;
use crate::resources::Held;
use crate::schedule::{Change, change};

/// Items at a time.
const AT_A_TIME: usize = 32;

type Closing = JoinHandle<[CloseReport; 3]>;

impl Run {
    /// Does the items of a round, and settles their accounts. Returns the clients for the next.
    pub(super) async fn round(
        &mut self,
        number: u64,
        range: Range<u64>,
        clients: Clients,
    ) -> Result<Clients, String> {
        let change = change(self.plan.seed, number);
        let items: Vec<_> = range.clone().map(|index| Arc::new(self.plan.item(index))).collect();
        let (clients, closing) = self.perform(&items, range.start, clients, change).await?;
        if let Some(closing) = closing {
            let reports = closing.await.map_err(|error| format!("closing: {error}"))?;
            self.note_closed(&reports);
        }
        if !quiet::is_quiet(&self.servers).await {
            self.ledger.complain("the servers do not come to rest".to_owned());
        }
        self.settle(&items, matches!(change, Change::Amid { .. }));
        if let Some(problem) = clients.budget.overdrawn() {
            self.ledger.complain(problem);
        }
        if number % 2 == 1 {
            clients.provider.renew().map_err(|error| format!("no provider: {error}"))?;
        }
        drop(items);
        self.samples.add(Held::now(&self.servers));
        if change == Change::AtTheEnd {
            self.close(clients).await;
            return self.new_clients();
        }
        Ok(clients)
    }

    async fn perform(
        &self,
        items: &[Arc<Item>],
        first: u64,
        mut clients: Clients,
        change: Change,
    ) -> Result<(Clients, Option<Closing>), String> {
        let mut closing = None;
        let mut running = stream::FuturesUnordered::new();
        for (index, item) in (first..).zip(items) {
            if let Change::Amid { item, grace } = change
                && item == index
            {
                let old = std::mem::replace(&mut clients, self.new_clients()?);
                closing = Some(tokio::spawn(async move { old.close_within(grace).await }));
            }
            self.ledger.open(item);
            let (maker, clients, item) =
                (Arc::clone(&self.maker), clients.clone(), Arc::clone(item));
            running
                .push(tokio::spawn(async move { calls::perform(&maker, &clients, &item).await }));
            if running.len() >= AT_A_TIME {
                joined(running.next().await)?;
            }
        }
        while !running.is_empty() {
            joined(running.next().await)?;
        }
        Ok((clients, closing))
    }

    fn note_closed(&self, reports: &[CloseReport; 3]) {
        for report in reports {
            for call in report.dropped() {
                let id = call.url().split('/').nth(4).and_then(|id| id.parse().ok());
                match id {
                    Some(id) => self.ledger.dropped_by_close(id),
                    None => self.ledger.complain(format!("a report drops what is no call: {call}")),
                }
            }
            self.tally
                .add("client calls dropped", u64::try_from(report.dropped().len()).unwrap_or(0));
            self.tally.add("client calls finished", u64::try_from(report.finished()).unwrap_or(0));
        }
        self.tally.add("client generations closed amid their calls", 1);
    }

    fn settle(&mut self, items: &[Arc<Item>], by_time: bool) {
        for item in items {
            self.plan_digest.add(&format!("{item:?}"));
            for (call, account) in item.calls().iter().zip(self.ledger.settle(item)) {
                let Some(End { outcome, .. }) = account.ends.first() else { continue };
                self.count(outcome, &account);
                if let Some(expected) = model::expected(item, call)
                    && !by_time
                {
                    // What is not like it is a complaint, or lost by a transport that may lose some.
                    let is_lost = !outcome.is_like(&expected.outcome) && account.timeouts() > 0;
                    self.tally.add(LOST, u64::from(is_lost));
                    let is_right = is_lost || outcome.is_like(&expected.outcome);
                    let outcome = if is_right { &expected.outcome } else { outcome };
                    self.outcome_digest.add(&format!("{} {outcome}", call.id));
                    self.tally.add("outcome determined by the plan", 1);
                }
            }
        }
    }

    fn count(&self, outcome: &Outcome, account: &Account) {
        self.tally.add(format!("outcome {outcome}"), 1);
        self.tally.add("request arrived", u64::try_from(account.arrived()).unwrap_or(0));
        self.tally.add("request rejected with 401", u64::try_from(account.rejected()).unwrap_or(0));
    }
}

fn joined(task: Option<Result<(), tokio::task::JoinError>>) -> Result<(), String> {
    task.unwrap_or(Ok(())).map_err(|error| format!("a call did not end, but its task: {error}"))
}
