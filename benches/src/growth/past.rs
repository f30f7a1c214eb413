//! Calls that were made before.

use std::time::Duration;

use midil_http_core::HttpClient;
use midil_retry::standard;

use super::meter::Meter;
use super::{SAME, SLACK, Series};
use crate::BoxError;
use crate::counter::live;

pub(super) const CALLS: Series = Series {
    title: "calls before, all defaults, a token and `standard()`",
    from: 1_000,
    each: SAME,
    slack: SLACK,
};

/// How often was called before; and whether callgrind, which takes fifty times as long, is to see it.
const BEFORE: &[(u64, bool)] =
    &[(1_000, true), (10_000, true), (100_000, false), (1_000_000, false)];

/// More live bytes than after the first calls: what the same places of the heap can differ by.
const LEAST_LEAK: u64 = 16 * 1024;

pub(super) async fn measure(meter: &mut Meter) -> Result<(), BoxError> {
    let client = HttpClient::builder(super::answer)
        .base_url("http://localhost/")
        .auth(super::tokens())
        .with(standard())
        .build()?;
    let call = async || {
        client.get("/").send().await?.bytes().await?;
        Ok(())
    };
    let (mut made, mut first) = (0, None);
    for &(before, is_light) in BEFORE {
        if meter.light && !is_light {
            continue;
        }
        while made < before {
            call().await?;
            made += 1;
        }
        meter.measure(&CALLS, (before, is_light), (200, 1), call).await?;
        let held = live();
        let first = *first.get_or_insert(held);
        if held > first + LEAST_LEAK {
            return Err(format!("{} bytes more are held after {before} calls", held - first).into());
        }
    }
    // What a call starts is over by now.
    tokio::time::sleep(Duration::from_millis(1)).await;
    Ok(())
}
