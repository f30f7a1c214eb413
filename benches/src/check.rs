//! The gate: a run against committed limits, and our own rows against what we promise.

use crate::cases;
use crate::report::{Figure, Report};
use crate::rows::{self, Slack};

/// One line for each figure of `run` that is over its limit, or has none; and, where `all` was to be measured, for each limit
/// without a figure. No line means passed.
pub(crate) fn failures(run: &Report, limits: &Report, all: bool) -> Vec<String> {
    let mut failures = Vec::new();
    for figure in &run.figures {
        match limits.figure(&figure.row, &figure.case) {
            Some(limit) => over_limit(figure, limit, &mut failures),
            None => failures.push(format!("{}: has no limit", name(figure))),
        }
    }
    if all {
        let gone = |limit: &&Figure| run.figure(&limit.row, &limit.case).is_none();
        let gone = limits.figures.iter().filter(gone);
        failures.extend(gone.map(|limit| format!("{}: was not measured", name(limit))));
    }
    over_promise(run, &mut failures);
    failures
}

fn over_limit(figure: &Figure, limit: &Figure, failures: &mut Vec<String>) {
    let Slack { allocations, percent } =
        rows::find(&figure.row).map_or(Slack::USUAL, |row| row.slack);
    if figure.allocations.round() > limit.allocations.round() + f64::from(allocations) {
        failures.push(format!(
            "{}: {} allocations, the limit is {} and {allocations}",
            name(figure),
            figure.allocations,
            limit.allocations
        ));
    }
    let Some(limit) = limit.instructions else { return };
    match figure.instructions {
        Some(instructions) if instructions > limit + limit * percent / 100 => {
            failures.push(format!(
                "{}: {instructions} instructions, the limit is {limit} and {percent} %",
                name(figure)
            ))
        }
        Some(_) => {}
        None => failures.push(format!("{}: instructions were not counted", name(figure))),
    }
}

fn over_promise(run: &Report, failures: &mut Vec<String>) {
    for figure in &run.figures {
        let promise = rows::find(&figure.row).ok().and_then(|row| row.promise);
        let promised = cases::find(&figure.case).is_ok_and(|case| case.promised);
        let Some(promise) = promise.filter(|_| promised) else { continue };
        let (other, above) = match promise.above {
            // What was not asked for is not compared with.
            Some(other) => match run.figure(other, &figure.case) {
                Some(figure) => (Some(figure), format!(" above {other}")),
                None => continue,
            },
            None => (None, String::new()),
        };
        let other_allocations = other.map_or(0.0, |other| other.allocations);
        let allocations = (figure.allocations - other_allocations).round();
        if allocations > f64::from(promise.allocations) {
            let most = promise.allocations;
            failures.push(format!(
                "{}: {allocations} allocations{above}, {most} are promised",
                name(figure)
            ));
        }
        let other_instructions = other.map_or(Some(0), |other| other.instructions);
        if let (Some(ours), Some(theirs), Some(most)) =
            (figure.instructions, other_instructions, promise.instructions)
            && ours > theirs + most
        {
            let more = ours - theirs;
            failures
                .push(format!("{}: {more} instructions{above}, {most} are promised", name(figure)));
        }
    }
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
        assert!(failures(&run(&[("a", 10.02, 1050)]), &limits, true).is_empty());
        assert!(failures(&run(&[("a", 1.0, 1)]), &limits, true).is_empty());
    }

    #[test]
    fn what_is_over_is_named() {
        let limits = run(&[("a", 10.0, 1000), ("b", 10.0, 1000)]);
        let failures = failures(&run(&[("a", 11.0, 1051), ("b", 10.0, 1000)]), &limits, true);
        assert_eq!(failures.len(), 2);
        assert!(failures.iter().all(|failure| failure.starts_with("get a: ")), "{failures:?}");
    }

    #[test]
    fn what_differs_from_run_to_run_has_more_slack() {
        let limits = run(&[("isahc", 70.4, 1000)]);
        assert!(failures(&run(&[("isahc", 72.4, 1100)]), &limits, true).is_empty());
        assert_eq!(failures(&run(&[("isahc", 72.6, 1101)]), &limits, true).len(), 2);
    }

    #[test]
    fn what_was_not_counted_does_not_pass() {
        let mut uncounted = run(&[("a", 10.0, 1000)]);
        uncounted.figures[0].instructions = None;
        assert_eq!(failures(&uncounted, &run(&[("a", 10.0, 1000)]), true).len(), 1);
    }

    #[test]
    fn what_was_not_measured_does_not_pass_where_all_was_to_be() {
        let (some, limits) = (run(&[("a", 1.0, 1)]), run(&[("a", 1.0, 1), ("gone", 1.0, 1)]));
        assert_eq!(failures(&some, &limits, true), ["get gone: was not measured"]);
        assert!(failures(&some, &limits, false).is_empty());
    }

    #[test]
    fn what_breaks_its_promise_is_named_though_it_is_within_its_limit() {
        let kept = run(&[("midil-middleware", 10.0, 9600), ("midil-breaker", 10.0, 10_350)]);
        assert!(failures(&kept, &kept, true).is_empty());
        let broken = run(&[("midil-middleware", 9.0, 9599), ("midil-breaker", 10.0, 10_350)]);
        assert_eq!(
            failures(&broken, &broken, true),
            [
                "get midil-breaker: 1 allocations above midil-middleware, 0 are promised",
                "get midil-breaker: 751 instructions above midil-middleware, 750 are promised",
            ]
        );
    }

    #[test]
    fn what_is_promised_in_all_is_held_to_by_itself() {
        let kept = run(&[("midil-hyper-token", 25.0, 36_000)]);
        assert!(failures(&kept, &kept, true).is_empty());
        let broken = run(&[("midil-hyper-token", 26.0, 36_001)]);
        assert_eq!(
            failures(&broken, &broken, true),
            [
                "get midil-hyper-token: 26 allocations, 25 are promised",
                "get midil-hyper-token: 36001 instructions, 36000 are promised",
            ]
        );
    }

    #[test]
    fn what_is_promised_in_allocations_alone_may_take_instructions() {
        let run = run(&[("isahc-headers", 70.0, 1000), ("midil-isahc-token", 81.0, 9000)]);
        assert_eq!(
            failures(&run, &run, true),
            ["get midil-isahc-token: 11 allocations above isahc-headers, 10 are promised"]
        );
    }

    #[test]
    fn a_row_without_a_limit_does_not_pass() {
        assert_eq!(failures(&run(&[("new", 1.0, 1)]), &run(&[]), true), ["get new: has no limit"]);
    }
}
