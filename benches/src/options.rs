//! The command line.

use std::num::NonZero;
use std::thread;

use crate::BoxError;
use crate::cases::{self, Case};
use crate::rows::{self, Row};

/// Calls per figure, unless told otherwise. More of them give the same figures.
const CALLS: u64 = 300;

/// How the program is used.
pub(crate) const USAGE: &str = "\
usage: midil-http-bench [--row ROW]… [--case CASE]… [--calls N] [--jobs N] [--json] [--check FILE]
       midil-http-bench --profile ROW [--case CASE] [--calls N]
       midil-http-bench --token
       midil-http-bench --list

Counts, per call and on the client's side alone, allocations and instructions.
  --row ROW      only this row and the baseline (repeats)
  --case CASE    only this case (repeats)
  --calls N      calls per figure (300)
  --jobs N       processes that are measured at a time (as many as there are cores)
  --json         the figures as JSON, instead of the Markdown table
  --check FILE   exit with 1 when a figure is above FILE, which is what --json once printed
  --profile ROW  where the instructions of that row go; in the first case, unless told otherwise
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
}

/// What the process is there for.
#[derive(Debug)]
pub(crate) enum Mode {
    Table,
    Profile(&'static Row),
    Token,
    List,
    Help,
    /// The other process, which answers.
    Serve,
    /// The measured process.
    Call {
        row: &'static Row,
        case: &'static Case,
        port: u16,
    },
}

impl Options {
    /// Reads the arguments after the program's name.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, BoxError> {
        let mut options = Self {
            mode: Mode::Table,
            rows: Vec::new(),
            cases: Vec::new(),
            calls: CALLS,
            jobs: thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN),
            json: false,
            check: None,
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
                "--profile" => options.mode = Mode::Profile(rows::find(&value()?)?),
                "--token" => options.mode = Mode::Token,
                "--list" => options.mode = Mode::List,
                "--help" | "-h" => options.mode = Mode::Help,
                "serve" => options.mode = Mode::Serve,
                "call" => {
                    let (row, case) = (rows::find(&value()?)?, cases::find(&value()?)?);
                    options.mode = Mode::Call { row, case, port: value()?.parse()? };
                    options.calls = value()?.parse()?;
                }
                _ => return Err(format!("unknown argument `{argument}`\n\n{USAGE}").into()),
            }
        }
        if options.calls == 0 {
            return Err("--calls must be 1 or more".into());
        }
        Ok(options)
    }
}
