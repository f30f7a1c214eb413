//! The simulation: a fleet of clients, a server, and what goes wrong between them.

mod aws_budget;
mod callers;
mod figure;
mod fleet;
mod measure;
mod outage;
mod policy;
mod ratio_budget;
mod runtime;
mod server;

pub(crate) use figure::Figure;
pub(crate) use fleet::{Fleet, simulate};
pub(crate) use measure::Measure;
pub(crate) use outage::{Outage, Times};
pub(crate) use policy::Policy;
