//! [`Fleet`]: who calls, and how often.

use std::sync::Arc;
use std::time::Duration;

use midil_http::Error;

use super::callers::Callers;
use super::measure::Measure;
use super::outage::{Outage, Times};
use super::policy::Policy;
use super::runtime::VirtualRuntime;
use super::server::Server;

/// So many clients, each with a strategy, a budget and a breaker of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fleet {
    pub(crate) clients: u32,
    pub(crate) calls_per_second: u32,
}

impl Fleet {
    /// Many clients that call now and then.
    pub(crate) const MANY: Self = Self { clients: 1_000, calls_per_second: 10 };
    /// Few that call all the time.
    pub(crate) const FEW: Self = Self { clients: 10, calls_per_second: 1_000 };

    /// A part of its clients, at least one.
    pub(crate) fn part(self, of: u32) -> Self {
        Self { clients: (self.clients / of).max(1), ..self }
    }

    /// The calls per second of all clients.
    pub(crate) const fn load(self) -> u32 {
        self.clients * self.calls_per_second
    }
}

/// Simulates one outage under one policy.
///
/// Each client makes its calls evenly, no two of them at the same time. The same arguments have the same outcome.
///
/// # Errors
///
/// [`Error::Build`], where a client cannot be built.
pub(crate) fn simulate(
    fleet: Fleet,
    outage: Outage,
    policy: Policy,
    times: Times,
    seed: u64,
) -> Result<Measure, Error> {
    let (runtime, measure) = (VirtualRuntime::new(), Measure::new(times.over(outage)));
    let server = Arc::new(Server::new(&runtime, &measure, outage, times, fleet.load(), seed));
    let clients = (0..fleet.clients)
        .map(|client| {
            policy.client(Arc::clone(&server), &runtime, seed ^ (u64::from(client) << 32))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let callers = Callers::new(&runtime, &measure, server.url()?);
    let interval = Duration::from_secs(1) / fleet.load();
    for call in 0..fleet.load() * times.over(outage) {
        runtime.run_until(interval * call);
        callers.call(&clients[index(call % fleet.clients)]);
    }
    runtime.run_until(Duration::from_secs(times.over(outage).into()));
    runtime.abandon_tasks();
    Ok(measure)
}

pub(super) fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
