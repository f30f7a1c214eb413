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
    /// What each one more of it may cost a call.
    pub(crate) each: Each,
}

/// The most that one more may cost a call. Nothing: the call costs the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Each {
    pub(crate) allocations: u64,
    pub(crate) bytes: u64,
    pub(crate) instructions: u64,
}

/// A call costs the same however many there are.
const SAME: Each = Each { allocations: 0, bytes: 0, instructions: 0 };

/// What a call may cost above what is expected: hashes and the places of what is allocated differ from run to run.
const SLACK: Each = Each { allocations: 1, bytes: 512, instructions: 800 };

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
        let parts = callgrind::parts(&arguments(true)?, meter::MARK)?;
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
    let [first, rest @ ..] = points else { return Vec::new() };
    let Some(series) = SERIES.iter().find(|series| series.title == first.series) else {
        return vec![format!("{}: nobody knows what to expect", first.series)];
    };
    let over = |point: &Point| {
        let more = point.at - first.at;
        let expected = |first: u64, each: u64, slack: u64| first + each * more + slack;
        let figures = [
            ("allocations", Some(point.allocations), expected(first.allocations, series.each.allocations, SLACK.allocations)),
            ("bytes", Some(point.bytes), expected(first.bytes, series.each.bytes, SLACK.bytes)),
            (
                "instructions",
                point.instructions,
                expected(first.instructions.unwrap_or_default(), series.each.instructions, SLACK.instructions),
            ),
        ];
        let name = format!("{}: {}", series.title, point.at);
        figures.into_iter().filter_map(move |(what, value, expected)| {
            let value = value.filter(|value| *value > expected)?;
            Some(format!("{name}: {value} {what}, by the first line at most {expected} are expected"))
        }).collect::<Vec<_>>()
    };
    rest.iter().flat_map(over).collect()
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
