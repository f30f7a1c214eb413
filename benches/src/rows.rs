//! The stacks that are compared. To add one: a function in a file below, and an entry here.

use std::future::Future;
use std::pin::Pin;

use crate::BoxError;
use crate::client::{Count, Task};

mod hyper;
mod isahc;
mod memory;
mod midil;
mod midil_hyper;
mod midil_isahc;
mod reqwest;
mod reqwest_middleware;
mod tower;

/// What the others are compared with.
pub(crate) const BASELINE: &str = "reqwest-string";

/// What those are compared with that have no socket.
pub(crate) const IN_MEMORY: &str = "memory-transport";

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

impl Row {
    const fn promising(mut self, promise: Promise) -> Self {
        self.promise = Some(promise);
        self
    }
}

const fn row(key: &'static str, title: &'static str, run: fn(Task) -> Running) -> Row {
    Row { key, title, promise: None, run }
}

/// The most that a row may cost above another of the same run, in the cases that say so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Promise {
    /// That other row.
    pub(crate) above: &'static str,
    pub(crate) allocations: u32,
    pub(crate) instructions: u64,
}

/// What every policy is compared with: a middleware in its place that does nothing.
const NOTHING: &str = "midil-middleware";

/// What a policy may cost above that: no allocation, for the one of its place is in the other row, too.
const fn policy(instructions: u64) -> Promise {
    Promise { above: NOTHING, allocations: 0, instructions }
}

/// All that talk to the server, in the order of the table.
pub(crate) const ROWS: &[Row] = &[
    row("hyper-util", "hyper-util's pooled client, `Uri` ready: the floor", |task| {
        Box::pin(hyper::pooled(task))
    }),
    row("reqwest-url", "reqwest, `Url` ready", |task| Box::pin(reqwest::url(task))),
    row(BASELINE, "**reqwest, from a string URL**", |task| Box::pin(reqwest::string(task))),
    row("reqwest-plain", "… its redirects, retries, proxy and referer off", |task| {
        Box::pin(reqwest::plain(task))
    }),
    row("reqwest-headers", "… and a `User-Agent` and a token set by hand", |task| {
        Box::pin(reqwest::headers(task))
    }),
    row("reqwest-timeout", "… as it comes, with its `.timeout()`", |task| {
        Box::pin(reqwest::timeout(task))
    }),
    row("tower", "tower: retry with budget, timeout, a token by hand", |task| {
        Box::pin(tower::retry_and_timeout(task))
    }),
    row("reqwest-retry", "reqwest-middleware: reqwest-retry, a token by hand", |task| {
        Box::pin(reqwest_middleware::retry(task))
    }),
    row("reqwest-tracing", "+ reqwest-tracing, nobody listens", |task| {
        Box::pin(reqwest_middleware::tracing(task))
    }),
    row("reqwest-tracing-on", "… somebody listens", |task| {
        Box::pin(reqwest_middleware::tracing_on(task))
    }),
    row("midil-bare", "midil-http over reqwest, base URL and path, nothing on", |task| {
        Box::pin(midil::bare(task))
    }),
    row("midil-timeout", "+ timeout and redirects, as it comes", |task| {
        Box::pin(midil::timeout(task))
    }),
    row("midil-retry", "+ retry with budget", |task| Box::pin(midil::retry(task))),
    row("midil-token", "**+ token: all defaults**", |task| Box::pin(midil::token(task)))
        .promising(Promise { above: BASELINE, allocations: 8, instructions: 4000 }),
    row("midil-tracing-on", "… somebody listens to its span", |task| {
        Box::pin(midil::tracing_on(task))
    }),
    row("midil-whole-url", "… the same, from a whole string URL", |task| {
        Box::pin(midil::whole_url(task))
    }),
    row("midil-total", "+ total timeout", |task| Box::pin(midil::total_timeout(task))),
    row(NOTHING, "+ attempt middleware that does nothing", |task| {
        Box::pin(midil::middleware(task))
    }),
    row("midil-breaker", "… a circuit breaker in its place", |task| {
        Box::pin(midil::breaker(task))
    })
    .promising(policy(750)),
    row("midil-bulkhead", "… a bulkhead in its place", |task| Box::pin(midil::bulkhead(task)))
        .promising(policy(1000)),
    row("midil-rate-limit", "… a rate limit in its place", |task| {
        Box::pin(midil::rate_limit(task))
    })
    .promising(policy(750)),
    row("midil-hedge", "… a hedge in its place", |task| Box::pin(midil::hedge(task)))
        .promising(policy(1800)),
    row("midil-standard", "token and `standard()`: timeouts, retry, bulkhead, breaker", |task| {
        Box::pin(midil::in_one_line(task))
    }),
    row("midil-hyper-bare", "midil-http over hyper, base URL and path, nothing on", |task| {
        Box::pin(midil_hyper::bare(task))
    }),
    row(
        "midil-hyper-token",
        "**+ timeout, redirects, retry with budget, token: all defaults**",
        |task| Box::pin(midil_hyper::token(task)),
    ),
    row("midil-hyper-observer", "… with an observer that counts", |task| {
        Box::pin(midil_hyper::observer(task))
    }),
    row("midil-hyper-otel", "… with `OtelMetrics`", |task| Box::pin(midil_hyper::otel(task))),
    row("isahc", "isahc, from a string URL", |task| Box::pin(isahc::string(task))),
    row("isahc-headers", "… and a `User-Agent` and a token set by hand", |task| {
        Box::pin(isahc::headers(task))
    }),
    row("midil-isahc-bare", "midil-http over isahc, from a whole string URL, nothing on", |task| {
        Box::pin(midil_isahc::bare(task))
    }),
    row(
        "midil-isahc-token",
        "**+ timeout, redirects, retry with budget, token: all defaults**",
        |task| Box::pin(midil_isahc::token(task)),
    ),
    row(
        "midil-isahc-one",
        "… over one client of isahc, which keeps the connections of POSTs",
        |task| Box::pin(midil_isahc::one_client(task)),
    ),
];

/// Ours over a transport without a socket.
pub(crate) const MEMORY_ROWS: &[Row] = &[
    row(IN_MEMORY, "the transport by itself, `Url` ready", |task| {
        Box::pin(memory::transport(task))
    }),
    row("memory-bare", "midil-http, base URL and path, nothing on", |task| {
        Box::pin(memory::bare(task))
    }),
    row("memory-timeout", "+ timeout and redirects, as it comes", |task| {
        Box::pin(memory::timeout(task))
    }),
    row("memory-retry", "+ retry with budget", |task| Box::pin(memory::retry(task))),
    row("memory-token", "**+ token: all defaults**", |task| Box::pin(memory::token(task))),
    row("memory-breaker", "+ circuit breaker", |task| Box::pin(memory::breaker(task))),
    row("memory-tracing-on", "+ somebody listens to its span", |task| {
        Box::pin(memory::tracing_on(task))
    }),
];

/// All there are.
pub(crate) fn all() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().chain(MEMORY_ROWS)
}

/// The row of that name.
pub(crate) fn find(key: &str) -> Result<&'static Row, BoxError> {
    all().find(|row| row.key == key).ok_or_else(|| {
        let keys: Vec<_> = all().map(|row| row.key).collect();
        format!("no row `{key}`; the rows are {}", keys.join(", ")).into()
    })
}
