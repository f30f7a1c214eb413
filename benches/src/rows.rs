//! The stacks that are compared. To add one: a function in a file below, and an entry here.

use std::future::Future;
use std::pin::Pin;

use crate::BoxError;
use crate::client::{Count, Task};

mod hyper;
mod isahc;
mod memory;
mod midil;
mod reqwest;
mod reqwest_middleware;
mod steps;
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
    /// The most that it may cost, where we promise something.
    pub(crate) promise: Option<Promise>,
    /// How far it may be above its limit.
    pub(crate) slack: Slack,
    /// Builds the client and makes the calls.
    pub(crate) run: fn(Task) -> Running,
}

impl Row {
    const fn promising(mut self, promise: Promise) -> Self {
        self.promise = Some(promise);
        self
    }

    const fn with(mut self, slack: Slack) -> Self {
        self.slack = slack;
        self
    }
}

const fn row(key: &'static str, title: &'static str, run: fn(Task) -> Running) -> Row {
    Row { key, title, promise: None, slack: Slack::USUAL, run }
}

/// What a row may cost, in the cases that hold rows to it, whatever its limit is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Promise {
    /// Above which row of the same run; without one, in all.
    pub(crate) above: Option<&'static str>,
    pub(crate) allocations: u32,
    /// Nothing is promised of what differs too much from run to run.
    pub(crate) instructions: Option<u64>,
}

/// How far runs of one program lie apart, and room for another compiler or CPU.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slack {
    pub(crate) allocations: u32,
    /// Of the instructions.
    pub(crate) percent: u64,
}

impl Slack {
    /// Compilers, allocators and CPUs move instructions a little; allocations they do not.
    pub(crate) const USUAL: Self = Self { allocations: 0, percent: 5 };

    /// Ours over hyper: whether the answer is there when it is first looked for costs a poll more or less.
    const POLLED: Self = Self { allocations: 0, percent: 12 };

    /// Over isahc: two threads wake each other, more or less often.
    const WOKEN: Self = Self { allocations: 2, percent: 10 };
}

/// What every policy is compared with: a middleware in its place that does nothing.
const NOTHING: &str = "midil-middleware";

/// What ours over isahc is compared with: isahc that sends the same.
const SAME_HEADERS: &str = "isahc-headers";

/// What a policy may cost above that: no allocation, for the one of its place is in the other row, too.
const fn policy(instructions: u64) -> Promise {
    Promise { above: Some(NOTHING), allocations: 0, instructions: Some(instructions) }
}

/// What all defaults and a token may cost above isahc. Of instructions 3 % are the goal, and runs lie further apart.
const fn above_isahc(row: &'static str) -> Promise {
    Promise { above: Some(row), allocations: 10, instructions: None }
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
        Box::pin(midil::over_reqwest(task, steps::nothing))
    }),
    row("midil-timeout", TIMEOUT, |task| Box::pin(midil::over_reqwest(task, steps::timeout))),
    row("midil-retry", RETRY, |task| Box::pin(midil::over_reqwest(task, steps::retry))),
    row("midil-token", TOKEN, |task| Box::pin(midil::over_reqwest(task, steps::token)))
        .promising(Promise { above: Some(BASELINE), allocations: 8, instructions: Some(4000) }),
    row("midil-tracing-on", "… somebody listens to its span", |task| {
        Box::pin(midil::tracing_on(task))
    }),
    row("midil-whole-url", "… from a whole string URL", |task| Box::pin(midil::whole_url(task))),
    row("midil-token-breaker", BREAKER, |task| Box::pin(midil::over_reqwest(task, steps::breaker))),
    row("midil-total", "all defaults, a token and a total timeout", |task| {
        Box::pin(midil::over_reqwest(task, steps::total_timeout))
    }),
    row(NOTHING, "+ attempt middleware that does nothing", |task| {
        Box::pin(midil::over_reqwest(task, steps::middleware))
    }),
    row("midil-breaker", "… a circuit breaker in its place", |task| {
        Box::pin(midil::over_reqwest(task, steps::breaker_there))
    })
    .promising(policy(750)),
    row("midil-bulkhead", "… a bulkhead in its place", |task| {
        Box::pin(midil::over_reqwest(task, steps::bulkhead))
    })
    .promising(policy(1000)),
    row("midil-rate-limit", "… a rate limit in its place", |task| {
        Box::pin(midil::over_reqwest(task, steps::rate_limit))
    })
    .promising(policy(750)),
    row("midil-hedge", "… a hedge in its place", |task| {
        Box::pin(midil::over_reqwest(task, steps::hedge))
    })
    .promising(policy(1800)),
    row("midil-standard", STANDARD, |task| Box::pin(midil::over_reqwest(task, steps::standard))),
    row("midil-hyper-bare", "midil-http over hyper, base URL and path, nothing on", |task| {
        Box::pin(midil::over_hyper(task, steps::nothing))
    })
    .with(Slack::POLLED),
    row("midil-hyper-timeout", TIMEOUT, |task| Box::pin(midil::over_hyper(task, steps::timeout)))
        .with(Slack::POLLED),
    row("midil-hyper-retry", RETRY, |task| Box::pin(midil::over_hyper(task, steps::retry)))
        .with(Slack::POLLED),
    row("midil-hyper-token", TOKEN, |task| Box::pin(midil::over_hyper(task, steps::token)))
        .with(Slack::POLLED)
        .promising(Promise { above: None, allocations: 25, instructions: Some(36_000) }),
    row("midil-hyper-observer", "… with an observer that counts", |task| {
        Box::pin(midil::observer(task))
    })
    .with(Slack::POLLED),
    row("midil-hyper-otel", "… with `OtelMetrics`", |task| Box::pin(midil::otel(task)))
        .with(Slack::POLLED),
    row("midil-hyper-breaker", BREAKER, |task| Box::pin(midil::over_hyper(task, steps::breaker)))
        .with(Slack::POLLED),
    row("midil-hyper-standard", STANDARD, |task| {
        Box::pin(midil::over_hyper(task, steps::standard))
    })
    .with(Slack::POLLED),
    row("isahc", "isahc, from a string URL", |task| Box::pin(isahc::string(task)))
        .with(Slack::WOKEN),
    row(SAME_HEADERS, "… and a `User-Agent` and a token set by hand", |task| {
        Box::pin(isahc::headers(task))
    })
    .with(Slack::WOKEN),
    row("midil-isahc-bare", "midil-http over isahc, from a whole string URL, nothing on", |task| {
        Box::pin(midil::over_isahc(task, steps::nothing))
    })
    .with(Slack::WOKEN)
    .promising(above_isahc("isahc")),
    row("midil-isahc-timeout", TIMEOUT, |task| Box::pin(midil::over_isahc(task, steps::timeout)))
        .with(Slack::WOKEN),
    row("midil-isahc-retry", RETRY, |task| Box::pin(midil::over_isahc(task, steps::retry)))
        .with(Slack::WOKEN),
    row("midil-isahc-token", TOKEN, |task| Box::pin(midil::over_isahc(task, steps::token)))
        .with(Slack::WOKEN)
        .promising(above_isahc(SAME_HEADERS)),
    row(
        "midil-isahc-one",
        "… over one client of isahc, which keeps the connections of POSTs",
        |task| Box::pin(midil::one_client(task)),
    )
    .with(Slack::WOKEN)
    .promising(above_isahc(SAME_HEADERS)),
    row("midil-isahc-breaker", BREAKER, |task| Box::pin(midil::over_isahc(task, steps::breaker)))
        .with(Slack::WOKEN),
];

/// Ours over a transport without a socket.
pub(crate) const MEMORY_ROWS: &[Row] = &[
    row(IN_MEMORY, "the transport by itself, `Url` ready", |task| {
        Box::pin(memory::transport(task))
    }),
    row("memory-bare", "midil-http, base URL and path, nothing on", |task| {
        Box::pin(memory::ours(task, steps::nothing))
    }),
    row("memory-timeout", TIMEOUT, |task| Box::pin(memory::ours(task, steps::timeout))),
    row("memory-retry", RETRY, |task| Box::pin(memory::ours(task, steps::retry))),
    row("memory-token", TOKEN, |task| Box::pin(memory::ours(task, steps::token))),
    row("memory-breaker", BREAKER, |task| Box::pin(memory::ours(task, steps::breaker))),
    row("memory-tracing-on", "+ somebody listens to its span", |task| {
        Box::pin(memory::tracing_on(task))
    }),
];

// The steps, by the same name over each backend.
const TIMEOUT: &str = "+ timeout and redirects, as it comes";
const RETRY: &str = "+ retry with budget";
const TOKEN: &str = "**+ token: all defaults**";
const BREAKER: &str = "+ circuit breaker";
const STANDARD: &str = "token and `standard()`: timeouts, retry, bulkhead, breaker";

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
