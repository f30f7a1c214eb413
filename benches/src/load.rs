//! Throughput and latency: how many calls a second each stack makes beside the bare backend that it is built on, and how
//! long one takes.
//!
//! All stacks of a group are clients of one process, and take turns: a round of each, then the next round in the reverse
//! order. What is compared is what one round gave, so a machine that is busy with something else is as busy for both. See
//! README.md.

use std::fmt::Write;
use std::num::NonZeroUsize;
use std::time::Duration;
use std::{fs, thread};

use serde::{Deserialize, Serialize};
use tokio::runtime::Builder;

use self::round::Round;
use self::spread::Spread;
use crate::report::Machine;
use crate::server::Server;
use crate::stacks::{GROUPS, Group};
use crate::{BoxError, command};

mod round;
mod spread;

/// Calls in flight.
const LEVELS: &[usize] = &[1, 64, 512];

/// How long a stack calls in one round.
const ROUND: Duration = Duration::from_millis(200);

/// What one process is to measure.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Task {
    group: usize,
    in_flight: usize,
    rounds: usize,
    /// Threads of the client: with one, its runtime is `current_thread`.
    threads: usize,
    port: u16,
    /// The process of the server.
    server: u32,
}

/// A heading, and a table per level: so many rounds, the client on so many threads.
pub(crate) fn tables(
    rounds: usize,
    threads: usize,
) -> impl Iterator<Item = Result<String, BoxError>> {
    let tables = LEVELS.iter().map(move |&in_flight| table(in_flight, rounds, threads));
    std::iter::once(Ok(heading(rounds, threads))).chain(tables)
}

fn table(in_flight: usize, rounds: usize, threads: usize) -> Result<String, BoxError> {
    let mut text = String::new();
    write!(
        text,
        "\n| {in_flight} in flight | calls/s | p50 µs | p99 µs | client's CPU µs | server busy | throughput, of bare | p50 | p99 | CPU |\n\
         |---|---|---|---|---|---|---|---|---|---|"
    )?;
    let groups = GROUPS.iter().enumerate().filter(|(_, group)| in_flight <= group.most);
    for (group, Group { stacks, .. }) in groups {
        let server = Server::start()?;
        let (port, server) = (server.port(), server.id());
        let task = Task { group, in_flight, rounds, threads, port, server };
        let measured: Vec<Vec<Round>> =
            command::measure(&["load".into(), serde_json::to_string(&task)?])?;
        for (stack, rounds) in stacks.iter().zip(&measured) {
            write!(text, "\n| {} | {} |", stack.title, row(rounds, &measured[0]))?;
        }
    }
    Ok(text)
}

fn heading(rounds: usize, threads: usize) -> String {
    let Machine { cpu, rustc, reqwest, hyper } = Machine::this();
    let cores = thread::available_parallelism().map_or(0, NonZeroUsize::get);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown");
    format!(
        "{cpu}, {cores} cores, load {load}; rustc {rustc}; reqwest {reqwest}, hyper {hyper}; {rounds} rounds of {ROUND:?}, \
         the client on {threads} thread(s)"
    )
}

/// Medians, and of what is compared with the bare backend the quartiles.
fn row(rounds: &[Round], bare: &[Round]) -> String {
    let median = |of: fn(&Round) -> f64| Spread::of(rounds.iter().map(of)).median;
    let ratio = |of: fn(&Round) -> f64| {
        Spread::of(rounds.iter().zip(bare).map(|(round, bare)| of(round) / of(bare)))
    };
    let absolute = format!(
        "{:.0} | {:.0} | {:.0} | {:.1} | {:.0} %",
        median(|round| round.per_second),
        median(|round| round.p50),
        median(|round| round.p99),
        median(|round| round.cpu),
        median(|round| round.server_busy) * 100.0,
    );
    if std::ptr::eq(rounds, bare) {
        return absolute + " | 1 | 1 | 1 | 1";
    }
    format!(
        "{absolute} | {} | {:.2} | {:.2} | {}",
        ratio(|round| round.per_second),
        ratio(|round| round.p50).median,
        ratio(|round| round.p99).median,
        ratio(|round| round.cpu),
    )
}

/// Runs in the process of its own: rounds by stack.
pub(crate) fn run(task: &Task) -> Result<Vec<Vec<Round>>, BoxError> {
    let mut runtime = match task.threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    let runtime = runtime.worker_threads(task.threads).enable_all().build()?;
    runtime.block_on(rounds(task))
}

async fn rounds(task: &Task) -> Result<Vec<Vec<Round>>, BoxError> {
    let Group { stacks, .. } = GROUPS.get(task.group).ok_or("no such group")?;
    let url = format!("http://127.0.0.1:{}{}", task.port, crate::client::PATH);
    let url = &*url.leak();
    let callers = stacks.iter().map(|stack| (stack.start)(url));
    let callers = callers.collect::<Result<Vec<_>, _>>()?;
    let mut measured = vec![Vec::new(); callers.len()];
    // The first round is not counted: it connects.
    for number in 0..=task.rounds {
        let mut order: Vec<_> = (0..callers.len()).collect();
        if number % 2 == 1 {
            order.reverse();
        }
        for stack in order {
            let round =
                Round::measure(&*callers[stack], task.in_flight, ROUND, task.server).await?;
            if number > 0 {
                measured[stack].push(round);
            }
        }
    }
    Ok(measured)
}
