//! The soak: mixed calls, and faults of all kinds, against one transport, for as long as wanted. Nothing may be lost, done twice,
//! mixed up, seen by whom it is not for, or left behind. `soak/README.md` tells what is mixed and what is checked.

mod arguments;
mod calls;
mod clients;
mod content;
mod dice;
mod ledger;
mod model;
mod plan;
mod resources;
mod run;
mod schedule;
mod servers;
mod tally;
mod tokens;
mod transports;

use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    match arguments::read(std::env::args().skip(1)).and_then(|arguments| run::run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            say(&problem);
            ExitCode::FAILURE
        }
    }
}

/// Writes a line; that nobody reads it is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
