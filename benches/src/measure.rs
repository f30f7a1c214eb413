//! Measures what was asked for: so many processes at a time, each of one row in one case.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::BoxError;
use crate::callgrind;
use crate::cases::{CASES, Case};
use crate::client::Task;
use crate::options::Options;
use crate::report::{Figure, Machine, Report};
use crate::rows::Row;
use crate::server::Server;

/// Measures the rows and cases that were chosen, and what they are compared with.
pub(crate) fn measure(options: &Options) -> Result<Report, BoxError> {
    let valgrind = callgrind::available();
    if !valgrind {
        eprintln!("{}\n", callgrind::MISSING);
    }
    let server = Server::start()?;
    let task = |case| Task { case, port: server.port(), calls: options.calls };
    let work: Vec<_> = chosen(options).map(|(case, row)| (task(case), row)).collect();
    // What is counted does not depend on who else runs: see README.md.
    let next = AtomicUsize::new(0);
    let worker = || -> Result<_, BoxError> {
        let mut figures = Vec::new();
        loop {
            let position = next.fetch_add(1, Ordering::Relaxed);
            let Some((task, row)) = work.get(position) else { return Ok(figures) };
            let figure = Figure::measure(row, task, valgrind)
                .map_err(|error| format!("{} {}: {error}", task.case.key, row.key))?;
            figures.push((position, figure));
        }
    };
    let mut figures = Vec::new();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..options.jobs.get()).map(|_| scope.spawn(worker)).collect();
        for worker in workers {
            figures.extend(worker.join().map_err(|_| "a worker panicked")??);
        }
        Ok::<_, BoxError>(())
    })?;
    figures.sort_by_key(|(position, _)| *position);
    let figures = figures.into_iter().map(|(_, figure)| figure).collect();
    Ok(Report { machine: Machine::this(), calls: options.calls, figures })
}

/// Each case with each of its rows that were chosen; none chosen is all of them.
fn chosen(options: &Options) -> impl Iterator<Item = (&'static Case, &'static Row)> {
    let Options { rows, cases, .. } = options;
    let wanted = |row: &Row| rows.is_empty() || rows.iter().any(|chosen| chosen.key == row.key);
    CASES
        .iter()
        .filter(|case| cases.is_empty() || cases.iter().any(|chosen| chosen.key == case.key))
        .filter(move |case| case.rows.iter().any(wanted))
        .flat_map(move |case| case.rows.iter().map(move |row| (case, row)))
        .filter(move |(case, row)| wanted(row) || row.key == case.baseline)
}
