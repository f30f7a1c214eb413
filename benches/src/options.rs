//! The command line.

use std::num::NonZero;
use std::thread;

use crate::cases::{self, Case};
use crate::rows::{self, Row};
use crate::{BoxError, load, memory};

/// Calls per figure, unless told otherwise. More of them give the same figures.
const CALLS: u64 = 300;

/// Rounds under load, unless told otherwise.
const ROUNDS: usize = 15;

/// How the program is used.
pub(crate) const USAGE: &str = "\
usage: midil-http-bench
       midil-http-bench [--counts] [--row ROW]… [--case CASE]… [--calls N] [--jobs N]
                        [--json] [--check FILE]
       midil-http-bench --profile ROW [--case CASE] [--calls N]
       midil-http-bench --load [--rounds N] [--threads N]
       midil-http-bench --growth [--json] [--check FILE]
       midil-http-bench --memory [--json] [--check FILE]
       midil-http-bench --token
       midil-http-bench --list

Counts, per call and on the client's side alone, allocations and instructions; then measures growth, memory, throughput.
  (nothing)      all tables: counts, growth, memory, load
  --counts       allocations and instructions alone, as do the following
  --row ROW      only this row and the baseline (repeats)
  --case CASE    only this case (repeats)
  --calls N      calls per figure (300)
  --jobs N       processes that are measured at a time (as many as there are cores)
  --json         the figures as JSON, instead of the Markdown table
  --check FILE   exit with 1 when a figure is above FILE, which is what --json once printed
  --profile ROW  where the instructions of that row go; in the first case, unless told otherwise
  --load         throughput and latency beside the bare backends, with 1, 64 and 512 calls in flight
  --rounds N     rounds of 200 ms of each stack (15)
  --threads N    threads of the client (1)
  --growth       what a call costs with more middleware, headers, calls before, callers, servers, bytes
  --memory       bytes held: by an idle client, for each call in flight, for each server
  --token        what a warm read of the token cache costs, by itself
  --list         the rows and the cases";

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) mode: Mode,
    /// None: all of them.
    pub(crate) rows: Vec<&'static Row>,
    /// None: all of them.
    pub(crate) cases: Vec<&'static Case>,
    pub(crate) calls: u64,
    /// Processes that are measured at a time.
    pub(crate) jobs: NonZero<usize>,
    pub(crate) json: bool,
    pub(crate) check: Option<String>,
    /// Of a load.
    pub(crate) rounds: usize,
    /// Of the client, under load.
    pub(crate) threads: usize,
}

/// What the process is there for.
#[derive(Debug)]
pub(crate) enum Mode {
    /// Every table there is.
    All,
    Table,
    Profile(&'static Row),
    Load,
    Growth,
    Memory,
    Token,
    List,
    Help,
    /// The other process, which answers.
    Serve,
    /// The process that calls under load.
    LoadRounds(load::Task),
    /// The process whose calls cost more and more.
    GrowthOf {
        light: bool,
    },
    /// The process whose memory is measured.
    MemoryOf(memory::Task),
    /// The measured process.
    Call {
        row: &'static Row,
        case: &'static Case,
        port: u16,
    },
}

impl Options {
    /// Reads the arguments after the program's name.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, BoxError> {
        let mut arguments = arguments.peekable();
        let mut options = Self {
            mode: if arguments.peek().is_none() { Mode::All } else { Mode::Table },
            rows: Vec::new(),
            cases: Vec::new(),
            calls: CALLS,
            jobs: thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN),
            json: false,
            check: None,
            rounds: ROUNDS,
            threads: 1,
        };
        while let Some(argument) = arguments.next() {
            let mut value =
                || arguments.next().ok_or_else(|| format!("`{argument}` wants a value"));
            match argument.as_str() {
                "--row" => options.rows.push(rows::find(&value()?)?),
                "--case" => options.cases.push(cases::find(&value()?)?),
                "--calls" => options.calls = value()?.parse()?,
                "--jobs" => options.jobs = value()?.parse()?,
                "--json" => options.json = true,
                "--check" => options.check = Some(value()?),
                "--counts" => options.mode = Mode::Table,
                "--profile" => options.mode = Mode::Profile(rows::find(&value()?)?),
                "--load" => options.mode = Mode::Load,
                "--growth" => options.mode = Mode::Growth,
                "--memory" => options.mode = Mode::Memory,
                "--rounds" => options.rounds = value()?.parse()?,
                "--threads" => options.threads = value()?.parse()?,
                "--token" => options.mode = Mode::Token,
                "--list" => options.mode = Mode::List,
                "--help" | "-h" => options.mode = Mode::Help,
                "serve" => options.mode = Mode::Serve,
                "load" => options.mode = Mode::LoadRounds(serde_json::from_str(&value()?)?),
                "growth" => options.mode = Mode::GrowthOf { light: value()?.parse()? },
                "memory" => options.mode = Mode::MemoryOf(serde_json::from_str(&value()?)?),
                "call" => {
                    let (row, case) = (rows::find(&value()?)?, cases::find(&value()?)?);
                    options.mode = Mode::Call { row, case, port: value()?.parse()? };
                    options.calls = value()?.parse()?;
                }
                _ => return Err(format!("unknown argument `{argument}`\n\n{USAGE}").into()),
            }
        }
        if options.rounds == 0 || options.threads == 0 {
            return Err("--rounds and --threads must be 1 or more".into());
        }
        if options.calls == 0 {
            return Err("--calls must be 1 or more".into());
        }
        Ok(options)
    }
}
