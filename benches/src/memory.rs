//! Memory: what a client holds while it is idle, for each call in flight, and for each server that it talks to; and how
//! large the futures are that its calls consist of.
//!
//! What is counted is bytes that the process has asked its allocator for and not given back. What libraries in C allocate by
//! themselves (curl) is not among them, and stacks of threads are not. See README.md.

use serde::{Deserialize, Serialize};
use tokio::runtime::Builder;

use crate::BoxError;
use crate::command;
use crate::grid::{Cell, Grid};
use crate::report::Machine;
use crate::server::Server;
use crate::stacks::GROUPS;

mod clients;
mod futures;
mod origins;
mod pool;

/// What one process is to measure.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) enum Task {
    /// A stack of a group, and the port of a server of its own.
    Client { group: usize, stack: usize, port: u16 },
    /// What all origins have of a part of ours, by its number.
    Origins { part: usize },
    /// The pool over hyper, through a server that is its proxy.
    Pool { port: u16 },
    /// The sizes of futures.
    Futures,
}

/// Measures all, each in a process of its own.
pub(crate) fn measure() -> Result<Grid, BoxError> {
    let mut cells = Vec::new();
    let mut add = |task: Task| -> Result<(), BoxError> {
        let measured: Vec<Cell> =
            command::measure(&["memory".into(), serde_json::to_string(&task)?])?;
        cells.extend(measured);
        Ok(())
    };
    for (group, stacks) in GROUPS.iter().enumerate() {
        for stack in clients::compared(stacks) {
            let server = Server::start()?;
            add(Task::Client { group, stack, port: server.port() })?;
        }
    }
    add(Task::Futures)?;
    for part in 0..origins::PARTS.len() {
        add(Task::Origins { part })?;
    }
    let server = Server::start()?;
    add(Task::Pool { port: server.port() })?;
    Ok(Grid { machine: Machine::this(), cells })
}

/// One line for each figure that is over what is promised, whatever its limit is.
pub(crate) fn over_promise(figures: &Grid) -> Vec<String> {
    futures::over_promise(&figures.cells).collect()
}

/// Runs in the process of its own.
pub(crate) fn run(task: &Task) -> Result<Vec<Cell>, BoxError> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match *task {
            Task::Client { group, stack, port } => clients::measure(group, stack, port).await,
            Task::Futures => futures::measure().await,
            Task::Origins { part } => origins::measure(part).await,
            Task::Pool { port } => pool::measure(port).await,
        }
    })
}
