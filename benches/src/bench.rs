//! Counts what one HTTP call costs its client, in allocations and in instructions, for one stack after the other.
//!
//! Three kinds of process, all of this program: the driver, which prints; the server, which answers; and for each
//! figure a client, which makes the calls and is all that is counted. See README.md.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::{env, fs};

use crate::cases::CASES;
use crate::client::Task;
use crate::options::{Mode, Options, USAGE};
use crate::report::Report;
use crate::server::Server;

mod callgrind;
mod cases;
mod check;
mod client;
mod command;
mod counter;
mod listener;
mod measure;
mod options;
mod profile;
mod report;
mod rows;
mod server;
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
    match options.mode {
        Mode::Serve => server::serve()?,
        Mode::Call { row, case, port } => {
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
        Mode::Token => print(token::cost()?)?,
        Mode::Help => print(USAGE)?,
        Mode::Table => return table(options),
    }
    Ok(ExitCode::SUCCESS)
}

/// A line or more on standard output. An error, not a panic, when nobody reads it.
fn print(text: impl Display) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}

fn table(options: &Options) -> Result<ExitCode, BoxError> {
    let limits = options.check.as_deref().map(limits).transpose()?;
    let report = measure::measure(options)?;
    if options.json {
        print(serde_json::to_string_pretty(&report)?)?;
    } else {
        print(&report)?;
    }
    let Some(limits) = limits else { return Ok(ExitCode::SUCCESS) };
    if limits.machine != report.machine {
        eprintln!("the limits are of {:?}, this is {:?}", limits.machine, report.machine);
    }
    let failures = check::failures(&report, &limits);
    for failure in &failures {
        eprintln!("failed: {failure}");
    }
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn limits(file: &str) -> Result<Report, BoxError> {
    let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    Ok(serde_json::from_str(&text).map_err(|error| format!("{file}: {error}"))?)
}
