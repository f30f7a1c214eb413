//! [`Meter`]: counts what calls cost that are made again and again.

use serde::{Deserialize, Serialize};

use super::Series;
use crate::counter::allocated;
use crate::{BoxError, callgrind};

/// What one call costs, with so many of something.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Point {
    pub(super) series: String,
    pub(super) at: u64,
    /// How many were counted.
    pub(super) calls: u64,
    /// Whether it is measured under callgrind, too.
    pub(super) is_light: bool,
    pub(super) allocations: u64,
    pub(super) bytes: u64,
    pub(super) instructions: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Meter {
    /// Whether to leave out what takes long.
    pub(super) light: bool,
    pub(super) points: Vec<Point>,
}

/// Runs before the counted ones.
const WARM_UP: u64 = 10;

impl Meter {
    pub(super) fn new(light: bool) -> Self {
        // With room, so that nothing is copied between two marks.
        Self { light, points: Vec::with_capacity(1000) }
    }

    /// A point of a series: so many runs, each of `calls` calls.
    pub(super) async fn measure(
        &mut self,
        series: &Series,
        (at, is_light): (u64, bool),
        (runs, calls): (u64, u64),
        mut run: impl AsyncFnMut() -> Result<(), BoxError>,
    ) -> Result<(), BoxError> {
        for _ in 0..WARM_UP.min(runs) {
            run().await?;
        }
        let before = allocated();
        callgrind::mark();
        for _ in 0..runs {
            run().await?;
        }
        callgrind::mark();
        let allocated = allocated() - before;
        let calls = runs * calls;
        self.points.push(Point {
            series: series.title.into(),
            at,
            calls,
            is_light,
            allocations: allocated.calls / calls,
            bytes: allocated.bytes / calls,
            instructions: None,
        });
        Ok(())
    }
}
