//! The stacks that are compared. To add one: a function in a file below, and an entry here.

use std::future::Future;
use std::pin::Pin;

use crate::BoxError;
use crate::client::{Count, Task};

mod hyper;
mod midil;
mod midil_hyper;
mod reqwest;

/// What the others are compared with.
pub(crate) const BASELINE: &str = "reqwest-string";

type Running = Pin<Box<dyn Future<Output = Result<Count, BoxError>>>>;

/// One stack.
#[derive(Debug)]
pub(crate) struct Row {
    /// Its name on the command line and in the limits.
    pub(crate) key: &'static str,
    /// Its name in the table.
    pub(crate) title: &'static str,
    /// What it may cost above another row, where we promise something.
    pub(crate) promise: Option<Promise>,
    /// Builds the client and makes the calls.
    pub(crate) run: fn(Task) -> Running,
}

/// What every policy is compared with: a middleware in its place that does nothing.
const NOTHING: &str = "midil-middleware";

/// The most that a row may cost above another of the same run, in the cases that say so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Promise {
    /// That other row.
    pub(crate) above: &'static str,
    pub(crate) allocations: u32,
    pub(crate) instructions: u64,
}

/// What a policy may cost above that: no allocation, for the one of its place is in the other row, too.
const fn policy(instructions: u64) -> Option<Promise> {
    Some(Promise { above: NOTHING, allocations: 0, instructions })
}

/// All of them, in the order of the table.
pub(crate) const ROWS: &[Row] = &[
    Row {
        key: "hyper-util",
        title: "hyper-util's pooled client, `Uri` ready: the floor",
        promise: None,
        run: |task| Box::pin(hyper::pooled(task)),
    },
    Row {
        key: "reqwest-url",
        title: "reqwest, `Url` ready",
        promise: None,
        run: |task| Box::pin(reqwest::url(task)),
    },
    Row {
        key: BASELINE,
        title: "**reqwest, from a string URL**",
        promise: None,
        run: |task| Box::pin(reqwest::string(task)),
    },
    Row {
        key: "reqwest-plain",
        title: "… its redirects, retries, proxy and referer off",
        promise: None,
        run: |task| Box::pin(reqwest::plain(task)),
    },
    Row {
        key: "reqwest-headers",
        title: "… and a `User-Agent` and a token set by hand",
        promise: None,
        run: |task| Box::pin(reqwest::headers(task)),
    },
    Row {
        key: "reqwest-timeout",
        title: "… as it comes, with its `.timeout()`",
        promise: None,
        run: |task| Box::pin(reqwest::timeout(task)),
    },
    Row {
        key: "midil-bare",
        title: "midil-http over reqwest, base URL and path, nothing on",
        promise: None,
        run: |task| Box::pin(midil::bare(task)),
    },
    Row {
        key: "midil-timeout",
        title: "+ timeout and redirects, as it comes",
        promise: None,
        run: |task| Box::pin(midil::timeout(task)),
    },
    Row {
        key: "midil-retry",
        title: "+ retry with budget",
        promise: None,
        run: |task| Box::pin(midil::retry(task)),
    },
    Row {
        key: "midil-token",
        title: "**+ token: all defaults**",
        promise: Some(Promise { above: BASELINE, allocations: 8, instructions: 4000 }),
        run: |task| Box::pin(midil::token(task)),
    },
    Row {
        key: "midil-whole-url",
        title: "… the same, from a whole string URL",
        promise: None,
        run: |task| Box::pin(midil::whole_url(task)),
    },
    Row {
        key: "midil-total",
        title: "+ total timeout",
        promise: None,
        run: |task| Box::pin(midil::total_timeout(task)),
    },
    Row {
        key: NOTHING,
        title: "+ attempt middleware that does nothing",
        promise: None,
        run: |task| Box::pin(midil::middleware(task)),
    },
    Row {
        key: "midil-breaker",
        title: "… a circuit breaker in its place",
        promise: policy(750),
        run: |task| Box::pin(midil::breaker(task)),
    },
    Row {
        key: "midil-bulkhead",
        title: "… a bulkhead in its place",
        promise: policy(1000),
        run: |task| Box::pin(midil::bulkhead(task)),
    },
    Row {
        key: "midil-rate-limit",
        title: "… a rate limit in its place",
        promise: policy(750),
        run: |task| Box::pin(midil::rate_limit(task)),
    },
    Row {
        key: "midil-hedge",
        title: "… a hedge in its place",
        promise: policy(1800),
        run: |task| Box::pin(midil::hedge(task)),
    },
    Row {
        key: "midil-standard",
        title: "token and `standard()`: timeouts, retry, bulkhead, breaker",
        promise: None,
        run: |task| Box::pin(midil::in_one_line(task)),
    },
    Row {
        key: "midil-hyper-bare",
        title: "midil-http over hyper, base URL and path, nothing on",
        promise: None,
        run: |task| Box::pin(midil_hyper::bare(task)),
    },
    Row {
        key: "midil-hyper-token",
        title: "**+ timeout, redirects, retry with budget, token: all defaults**",
        promise: None,
        run: |task| Box::pin(midil_hyper::token(task)),
    },
    Row {
        key: "midil-hyper-observer",
        title: "… with an observer that counts",
        promise: None,
        run: |task| Box::pin(midil_hyper::observer(task)),
    },
    Row {
        key: "midil-hyper-otel",
        title: "… with `OtelMetrics`",
        promise: None,
        run: |task| Box::pin(midil_hyper::otel(task)),
    },
];

/// The row of that name.
pub(crate) fn find(key: &str) -> Result<&'static Row, BoxError> {
    ROWS.iter().find(|row| row.key == key).ok_or_else(|| {
        let keys: Vec<_> = ROWS.iter().map(|row| row.key).collect();
        format!("no row `{key}`; the rows are {}", keys.join(", ")).into()
    })
}
