//! The gate: a run against committed limits, and our own rows against what we promise.

use crate::cases;
use crate::report::{Figure, Report};
use crate::rows::{self, Promise};

/// Compilers, allocators and CPUs move instructions a little; allocations they do not.
const SLACK_PERCENT: u64 = 5;

/// One line for each figure of `run` that is over its limit. No line means passed.
pub(crate) fn failures(run: &Report, limits: &Report) -> Vec<String> {
    let mut failures = Vec::new();
    for figure in &run.figures {
        match limits.figure(&figure.row, &figure.case) {
            Some(limit) => over_limit(figure, limit, &mut failures),
            None => failures.push(format!("{}: has no limit", name(figure))),
        }
    }
    over_promise(run, &mut failures);
    failures
}

fn over_limit(figure: &Figure, limit: &Figure, failures: &mut Vec<String>) {
    if figure.allocations.round() > limit.allocations.round() {
        failures.push(format!(
            "{}: {} allocations, the limit is {}",
            name(figure),
            figure.allocations,
            limit.allocations
        ));
    }
    let Some(limit) = limit.instructions else { return };
    match figure.instructions {
        Some(instructions) if instructions > limit + limit * SLACK_PERCENT / 100 => {
            failures.push(format!(
                "{}: {instructions} instructions, the limit is {limit} and {SLACK_PERCENT} %",
                name(figure)
            ))
        }
        Some(_) => {}
        None => failures.push(format!("{}: instructions were not counted", name(figure))),
    }
}

fn over_promise(run: &Report, failures: &mut Vec<String>) {
    for figure in &run.figures {
        let Ok(case) = cases::find(&figure.case) else { continue };
        let Some(promise) = promise(&figure.row).filter(|_| case.promised) else { continue };
        let Some(other) = run.figure(promise.above, case.key) else { continue };
        let allocations = (figure.allocations - other.allocations).round();
        if allocations > f64::from(promise.allocations) {
            failures.push(format!(
                "{}: {allocations} allocations above {}, {} are promised",
                name(figure),
                promise.above,
                promise.allocations
            ));
        }
        if let (Some(ours), Some(theirs)) = (figure.instructions, other.instructions)
            && ours > theirs + promise.instructions
        {
            failures.push(format!(
                "{}: {} instructions above {}, {} are promised",
                name(figure),
                ours - theirs,
                promise.above,
                promise.instructions
            ));
        }
    }
}

fn promise(row: &str) -> Option<Promise> {
    rows::find(row).ok()?.promise
}

fn name(figure: &Figure) -> String {
    format!("{} {}", figure.case, figure.row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Machine;

    fn run(figures: &[(&str, f64, u64)]) -> Report {
        let figures = figures.iter().map(|&(row, allocations, instructions)| Figure {
            row: row.into(),
            case: "get".into(),
            allocations,
            bytes: 0,
            instructions: Some(instructions),
        });
        Report { machine: Machine::this(), calls: 1, figures: figures.collect() }
    }

    #[test]
    fn what_is_within_the_limits_passes() {
        let limits = run(&[("a", 10.0, 1000)]);
        assert!(failures(&run(&[("a", 10.02, 1050)]), &limits).is_empty());
        assert!(failures(&run(&[("a", 1.0, 1)]), &limits).is_empty());
    }

    #[test]
    fn what_is_over_is_named() {
        let limits = run(&[("a", 10.0, 1000), ("b", 10.0, 1000)]);
        let failures = failures(&run(&[("a", 11.0, 1051), ("b", 10.0, 1000)]), &limits);
        assert_eq!(failures.len(), 2);
        assert!(failures.iter().all(|failure| failure.starts_with("get a: ")), "{failures:?}");
    }

    #[test]
    fn what_was_not_counted_does_not_pass() {
        let mut uncounted = run(&[("a", 10.0, 1000)]);
        uncounted.figures[0].instructions = None;
        assert_eq!(failures(&uncounted, &run(&[("a", 10.0, 1000)])).len(), 1);
    }

    #[test]
    fn what_breaks_its_promise_is_named_though_it_is_within_its_limit() {
        let kept = run(&[("midil-middleware", 10.0, 9600), ("midil-breaker", 10.0, 10_350)]);
        assert!(failures(&kept, &kept).is_empty());
        let broken = run(&[("midil-middleware", 9.0, 9599), ("midil-breaker", 10.0, 10_350)]);
        assert_eq!(
            failures(&broken, &broken),
            [
                "get midil-breaker: 1 allocations above midil-middleware, 0 are promised",
                "get midil-breaker: 751 instructions above midil-middleware, 750 are promised",
            ]
        );
    }

    #[test]
    fn a_row_without_a_limit_does_not_pass() {
        assert_eq!(failures(&run(&[("new", 1.0, 1)]), &run(&[])), ["get new: has no limit"]);
    }
}
