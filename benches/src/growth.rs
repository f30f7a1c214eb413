//! Growth: what a call costs as there is more of something. Either it is the same, or each one more costs so much and no
//! more; what is expected stands beside each series, and `--check` holds it to that.
//!
//! The transport is in memory. One process runs all series, twice: by itself, which counts allocations, and under callgrind,
//! which writes down the instructions between two marks. See README.md.

use std::time::Duration;

use http::Response;
use midil_auth::TokenCache;
use midil_http_core::{AuthNToken, Body, Error, Request};
use tokio::runtime::Builder;

use self::meter::{Meter, Point};
use crate::grid::{Cell, Grid};
use crate::report::Machine;
use crate::server::REPLY;
use crate::{BoxError, callgrind, command};

mod bodies;
mod callers;
mod meter;
mod origins;
mod parts;
mod past;

/// One quantity that grows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Series {
    /// What there is more of.
    pub(crate) title: &'static str,
    /// Where it begins to be expected: what there is less of costs a call less, or what is made once.
    pub(crate) from: u64,
    /// What each one more of it may cost a call.
    pub(crate) each: Cost,
    /// What a call may cost above that, wherever.
    pub(crate) slack: Cost,
}

/// So much, at the most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) allocations: u64,
    pub(crate) bytes: u64,
    pub(crate) instructions: u64,
}

/// A call costs the same however many there are.
const SAME: Cost = Cost { allocations: 0, bytes: 0, instructions: 0 };

/// Hashes, and where on the heap something lies, differ from run to run.
const SLACK: Cost = Cost { allocations: 1, bytes: 512, instructions: 800 };

/// All of them, in the order of the output.
const SERIES: &[&Series] = &[
    &parts::ATTEMPT_MIDDLEWARE,
    &parts::CALL_MIDDLEWARE,
    &parts::HEADERS,
    &past::CALLS,
    &callers::TOKEN,
    &callers::BULKHEAD,
    &origins::POLICIES,
    &origins::CLIENT,
    &bodies::READY_UP,
    &bodies::READY_DOWN,
    &bodies::STREAMED_UP,
    &bodies::STREAMED_DOWN,
];

/// What was measured, and in what it differs from what is expected.
#[derive(Debug)]
pub(crate) struct Growth {
    pub(crate) grid: Grid,
    pub(crate) failures: Vec<String>,
}

/// Measures all.
pub(crate) fn measure() -> Result<Growth, BoxError> {
    let mut points: Vec<Point> = command::measure(&arguments(false)?)?;
    if callgrind::available() {
        // Before each mark, what came before it: between the first and the second of a point, the point.
        let parts = callgrind::parts(&arguments(true)?)?;
        let counted = points.iter_mut().filter(|point| point.is_light);
        let mut parts = parts.into_iter().skip(1).step_by(2);
        for point in counted {
            let instructions = parts.next().ok_or("callgrind wrote too few parts")?;
            point.instructions = Some(instructions / point.calls);
        }
    } else {
        eprintln!("{}\n", callgrind::MISSING);
    }
    let failures = points.chunk_by(|a, b| a.series == b.series).flat_map(failures).collect();
    let cells = points.iter().flat_map(cells).collect();
    Ok(Growth { grid: Grid { machine: Machine::this(), cells }, failures })
}

/// The arguments of the process that measures; under callgrind it leaves out what would take too long there.
fn arguments(light: bool) -> Result<[String; 2], BoxError> {
    Ok(["growth".into(), serde_json::to_string(&light)?])
}

/// Runs in the process of its own.
pub(crate) fn run(light: bool) -> Result<Vec<Point>, BoxError> {
    let mut meter = Meter::new(light);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        parts::measure(&mut meter).await?;
        past::measure(&mut meter).await?;
        callers::measure(&mut meter).await?;
        origins::measure(&mut meter).await?;
        bodies::measure(&mut meter).await
    })?;
    Ok(meter.points)
}

fn cells(point: &Point) -> Vec<Cell> {
    let cell = |column: &str, value| Cell {
        table: point.series.clone(),
        row: point.at.to_string(),
        column: column.into(),
        value,
    };
    let mut cells = vec![cell("allocations", point.allocations), cell("bytes", point.bytes)];
    cells.extend(point.instructions.map(|instructions| cell("instructions", instructions)));
    cells
}

/// In what the points of a series are above what the first of them lets expect.
fn failures(points: &[Point]) -> Vec<String> {
    let name = points.first().map(|point| point.series.as_str()).unwrap_or_default();
    let Some(series) = SERIES.iter().find(|series| series.title == name) else {
        return vec![format!("{name}: nobody knows what to expect")];
    };
    let mut points = points.iter().filter(|point| point.at >= series.from);
    let Some(first) = points.next() else { return Vec::new() };
    points.flat_map(|point| over(point, first, series)).collect()
}

fn over(point: &Point, first: &Point, Series { title, each, slack, .. }: &Series) -> Vec<String> {
    let more = point.at - first.at;
    let figures = [
        (
            "allocations",
            Some(point.allocations),
            Some(first.allocations),
            each.allocations,
            slack.allocations,
        ),
        ("bytes", Some(point.bytes), Some(first.bytes), each.bytes, slack.bytes),
        (
            "instructions",
            point.instructions,
            first.instructions,
            each.instructions,
            slack.instructions,
        ),
    ];
    let over = |(what, now, first, each, slack): (_, Option<u64>, Option<u64>, u64, u64)| {
        let (now, most) = (now?, first? + each * more + slack);
        (now > most)
            .then(|| format!("{title}: {}: {now} {what}, at most {most} are expected", point.at))
    };
    figures.into_iter().filter_map(over).collect()
}

/// The transport: answers at once, with a short body.
async fn answer(_: Request) -> Result<Response<Body>, Error> {
    Ok(Response::new(Body::from(REPLY)))
}

/// A token that was fetched once.
fn tokens() -> TokenCache {
    TokenCache::new(|| async {
        let token = AuthNToken::new(crate::client::Task::token());
        Ok(token.with_expires_in(Duration::from_secs(24 * 3600)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(series: &Series, at: u64, instructions: u64) -> Point {
        let series = series.title.into();
        let (calls, is_light) = (1, true);
        let instructions = Some(instructions);
        Point { series, at, calls, is_light, allocations: 10, bytes: 1000, instructions }
    }

    #[test]
    fn what_costs_the_same_or_grows_as_expected_passes() {
        let before = [point(&past::CALLS, 1_000, 9_000), point(&past::CALLS, 10_000, 9_100)];
        assert_eq!(failures(&before), [""; 0]);
        let middleware = &parts::ATTEMPT_MIDDLEWARE;
        let more = 4 * middleware.each.instructions;
        let mut four = point(middleware, 4, 9_000 + more);
        four.allocations += 4;
        assert_eq!(failures(&[point(middleware, 0, 9_000), four]), [""; 0]);
    }

    #[test]
    fn what_grows_is_named() {
        let before = [point(&past::CALLS, 1_000, 9_000), point(&past::CALLS, 10_000, 10_000)];
        let named =
            format!("{}: 10000: 10000 instructions, at most 9800 are expected", past::CALLS.title);
        assert_eq!(failures(&before), [named]);
    }

    #[test]
    fn all_series_have_names_of_their_own() {
        for (index, series) in SERIES.iter().enumerate() {
            assert!(SERIES[..index].iter().all(|other| other.title != series.title));
        }
    }
}
