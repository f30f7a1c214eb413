//! Counts what one HTTP call costs its client, in allocations and in instructions, for one stack after the other; and
//! measures how that grows, what memory it takes, and how many calls there are in a second.
//!
//! Three kinds of process, all of this program: the driver, which prints; the server, which answers; and for each
//! figure a client, which makes the calls and is all that is counted. See README.md.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::{env, fs};

use serde::de::DeserializeOwned;

use crate::cases::CASES;
use crate::client::Task;
use crate::grid::Grid;
use crate::growth::Growth;
use crate::options::{Mode, Options, USAGE};
use crate::report::{Machine, Report};
use crate::server::Server;

mod callgrind;
mod cases;
mod check;
mod client;
mod command;
mod counter;
mod grid;
mod growth;
mod listener;
mod load;
mod measure;
mod memory;
mod options;
mod profile;
mod report;
mod rows;
mod server;
mod stacks;
mod table;
mod token;

/// Whatever went wrong: it is printed, and the process ends.
type BoxError = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    match Options::parse(env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<ExitCode, BoxError> {
    let calls = options.calls;
    match &options.mode {
        Mode::Serve => server::serve()?,
        &Mode::Call { row, case, port } => {
            let count = client::run(row, Task { case, port, calls })?;
            print(serde_json::to_string(&count)?)?;
        }
        Mode::Profile(row) => {
            if !callgrind::available() {
                return Err(callgrind::MISSING.into());
            }
            let server = Server::start()?;
            let case = options.cases.first().copied().or_else(|| cases::first(row));
            let case =
                case.filter(|case| case.has(row)).ok_or("that case does not have that row")?;
            print(profile::text(row, &Task { case, port: server.port(), calls })?)?;
        }
        Mode::List => {
            for row in rows::all() {
                print(format_args!("{:20}{}", row.key, row.title))?;
            }
            for case in CASES {
                print(format_args!("{:20}{}", case.key, case.title))?;
            }
        }
        Mode::Load => under_load(options)?,
        Mode::Growth => {
            let Growth { grid: figures, failures } = growth::measure()?;
            return grid(options, &figures, failures);
        }
        &Mode::GrowthOf { light } => print(serde_json::to_string(&growth::run(light)?)?)?,
        Mode::Memory => {
            let figures = memory::measure()?;
            return grid(options, &figures, memory::over_promise(&figures));
        }
        Mode::MemoryOf(task) => print(serde_json::to_string(&memory::run(task)?)?)?,
        Mode::LoadRounds(task) => print(serde_json::to_string(&load::run(task)?)?)?,
        Mode::Token => print(token::cost()?)?,
        Mode::Help => print(USAGE)?,
        Mode::Table => return table(options),
        Mode::All => {
            table(options)?;
            print(format_args!("\n{}\n", growth::measure()?.grid))?;
            print(format_args!("{}\n", memory::measure()?))?;
            under_load(options)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A line or more on standard output. An error, not a panic, when nobody reads it.
fn print(text: impl Display) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}

/// Each table as soon as it is there.
fn under_load(options: &Options) -> Result<(), BoxError> {
    for table in load::tables(options.rounds, options.threads) {
        print(table?)?;
    }
    Ok(())
}

fn table(options: &Options) -> Result<ExitCode, BoxError> {
    let limits = options.check.as_deref().map(limits::<Report>).transpose()?;
    let report = measure::measure(options)?;
    if options.json {
        print(serde_json::to_string_pretty(&report)?)?;
    } else {
        print(&report)?;
    }
    let Some(limits) = limits else { return Ok(ExitCode::SUCCESS) };
    let all = options.rows.is_empty() && options.cases.is_empty();
    Ok(verdict([&report.machine, &limits.machine], &check::failures(&report, &limits, all)))
}

/// Prints figures, and tells what is wrong with them: what is known already, and what is over its limit.
fn grid(options: &Options, grid: &Grid, mut failures: Vec<String>) -> Result<ExitCode, BoxError> {
    let limits = options.check.as_deref().map(limits::<Grid>).transpose()?;
    if options.json {
        print(serde_json::to_string_pretty(grid)?)?;
    } else {
        print(grid)?;
    }
    let Some(limits) = limits else { return Ok(ExitCode::SUCCESS) };
    failures.extend(grid.failures(&limits));
    Ok(verdict([&grid.machine, &limits.machine], &failures))
}

/// Tells what is over its limit.
fn verdict([this, of_limits]: [&Machine; 2], failures: &[String]) -> ExitCode {
    if of_limits != this {
        eprintln!("the limits are of {of_limits:?}, this is {this:?}");
    }
    for failure in failures {
        eprintln!("failed: {failure}");
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn limits<T: DeserializeOwned>(file: &str) -> Result<T, BoxError> {
    let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    Ok(serde_json::from_str(&text).map_err(|error| format!("{file}: {error}"))?)
}
