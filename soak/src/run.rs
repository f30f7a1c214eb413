//! A run: one round of items after the other, each with its accounts settled and the process looked at.

mod digest;
mod quiet;
mod round;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::arguments::{Arguments, Length};
use crate::clients::{Clients, Maker};
use crate::ledger::Ledger;
use crate::plan::Plan;
use crate::resources::{Held, Samples};
use crate::say;
use crate::schedule::ROUND;
use crate::servers::Servers;
use crate::tally::Tally;
use digest::Digest;

/// So many complaints are shown.
const SHOWN: usize = 10;

/// The name of what a transport that may lose requests, by its quirks, has lost; and of how many items it may be one.
const LOST: &str = "request lost by the transport";
const ONE_LOST_OF: u64 = 1_000;

struct Run {
    plan: Plan,
    ledger: Arc<Ledger>,
    servers: Arc<Servers>,
    tally: Arc<Tally>,
    maker: Arc<Maker>,
    plan_digest: Digest,
    outcome_digest: Digest,
    samples: Samples,
    /// What was held before there was a client.
    before: Held,
    items: u64,
}

/// Does as `arguments` say; what went wrong, in words.
pub(crate) fn run(arguments: &Arguments) -> Result<(), String> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    runtime.block_on(async { Run::new(arguments).all(arguments).await })
}

impl Run {
    fn new(arguments: &Arguments) -> Self {
        let plan = Plan { seed: arguments.seed };
        let ledger = Arc::new(Ledger::new(arguments.quirks));
        let servers = Arc::new(Servers::start(&plan, &ledger));
        let tally = Arc::new(Tally::default());
        let maker = Arc::new(Maker {
            make: arguments.make,
            ledger: Arc::clone(&ledger),
            servers: Arc::clone(&servers),
            tally: Arc::clone(&tally),
        });
        let (plan_digest, outcome_digest) = (Digest::new(), Digest::new());
        let (samples, before, items) = (Samples::default(), Held::now(&servers), 0);
        Self {
            plan,
            ledger,
            servers,
            tally,
            maker,
            plan_digest,
            outcome_digest,
            samples,
            before,
            items,
        }
    }

    async fn all(mut self, arguments: &Arguments) -> Result<(), String> {
        let Arguments { name, seed, length, .. } = *arguments;
        say(&format!("soak of {name}, seed {seed}"));
        let started = Instant::now();
        let mut clients = self.new_clients()?;
        for round in 0.. {
            let (first, end) = (round * ROUND, (round + 1) * ROUND);
            let end = match length {
                Length::Items(items) if first >= items => break,
                Length::Items(items) => end.min(items),
                Length::Seconds(seconds) if started.elapsed().as_secs() >= seconds => break,
                Length::Seconds(_) => end,
            };
            clients = self.round(round, first..end, clients).await?;
            self.items = end;
            self.stop_at_complaints(arguments)?;
        }
        for growth in self.samples.growth() {
            self.ledger.complain(growth);
        }
        let lost = self.tally.count(LOST);
        if lost > 1 + self.items / ONE_LOST_OF {
            self.ledger.complain(format!("{lost} requests were lost, of {} items", self.items));
        }
        self.close(clients).await;
        self.stop_at_complaints(arguments)?;
        self.report(arguments, started.elapsed());
        Ok(())
    }

    fn new_clients(&self) -> Result<Clients, String> {
        self.maker.clients().map_err(|error| format!("no clients: {error}"))
    }

    /// Closes clients that have nothing to do, and looks whether anything is left of them.
    async fn close(&self, clients: Clients) {
        let before = self.before;
        for report in clients.close_within(Duration::from_secs(10)).await {
            if !report.is_clean() || report.finished() > 0 {
                self.ledger.complain(format!("nothing was in flight of a client: {report}"));
            }
        }
        drop(clients);
        let is_as_before = |held: Held| {
            held.connections() == 0
                && held.tasks() <= before.tasks()
                && held.descriptors() <= before.descriptors()
        };
        let after = quiet::held_when(&self.servers, is_as_before).await;
        if !is_as_before(after) {
            let left = format!("something is left of clients that were closed: {after}");
            self.ledger.complain(format!("{left}; and before they were made: {before}"));
        }
    }

    fn stop_at_complaints(&self, arguments: &Arguments) -> Result<(), String> {
        let mut complaints = self.ledger.complaints();
        if complaints.is_empty() {
            return Ok(());
        }
        let Arguments { name, seed, .. } = arguments;
        let (count, items) = (complaints.len(), self.items);
        complaints.truncate(SHOWN);
        let shown = complaints.join("\n- ");
        Err(format!(
            "soak of {name}, seed {seed}, after {items} items: {count} complaints\n- {shown}"
        ))
    }

    fn report(&self, arguments: &Arguments, elapsed: Duration) {
        let (name, tally) = (arguments.name, &self.tally);
        say(&format!("  items      {} in {elapsed:.1?}", self.items));
        say(&format!("  outcomes   {}", tally.line("outcome ")));
        say(&format!("  events     {}", tally.line("event ")));
        say(&format!("  clients    {}", tally.line("client ")));
        say(&format!("  requests   {}, {} late", tally.line("request "), self.ledger.late()));
        match self.samples.quarters() {
            Some((first, last)) => {
                say(&format!("  at first   {first}"));
                say(&format!("  at last    {last}"));
            }
            None => say("  growth     not judged: the run was too short to compare its quarters"),
        }
        let (plan, outcomes) = (&self.plan_digest, &self.outcome_digest);
        say(&format!("  plan {plan}, outcomes {outcomes}; {name}: all accounted for"));
    }
}
