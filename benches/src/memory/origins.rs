//! What a server costs that was called once: budget, breaker, limits and hedges, each around a transport in memory.

use std::time::Duration;

use http::Response;
use midil_http_core::{Body, Middleware, MiddlewareTransport, Request, Transport};
use midil_retry::{
    Bulkhead, CircuitBreaker, DefaultRetryStrategy, Hedge, RateLimit, RetryTransport,
};

use crate::BoxError;
use crate::counter::live;
use crate::grid::Cell;

/// Servers that were called, one after the other.
const ORIGINS: &[u32] = &[1, 10, 100, 100_000];

/// A part of ours that keeps something for each server.
pub(super) struct Part {
    title: &'static str,
    make: fn() -> Box<dyn Transport>,
}

pub(super) const PARTS: &[Part] = &[
    Part {
        title: "retry budget",
        make: || Box::new(RetryTransport::new(answer, DefaultRetryStrategy::default())),
    },
    Part {
        title: "circuit breaker",
        make: || around(CircuitBreaker::new(5, Duration::from_secs(60))),
    },
    Part { title: "bulkhead", make: || around(Bulkhead::new(10)) },
    Part {
        title: "rate limit",
        make: || around(RateLimit::new(1_000_000, Duration::from_secs(1))),
    },
    Part { title: "hedge", make: || around(Hedge::new(Duration::from_secs(5))) },
];

fn around(middleware: impl Middleware) -> Box<dyn Transport> {
    Box::new(MiddlewareTransport::new(answer, middleware))
}

async fn answer(_: Request) -> Result<Response<Body>, midil_http_core::Error> {
    Ok(Response::new(Body::empty()))
}

pub(super) async fn measure(part: usize) -> Result<Vec<Cell>, BoxError> {
    let part = PARTS.get(part).ok_or("no such part")?;
    let nothing = live();
    let transport = (part.make)();
    let mut cells = Vec::new();
    let mut called = 0;
    let mut most = 0;
    for &origins in ORIGINS {
        while called < origins {
            let request = Request::get(&format!("http://server-{called}.example/"))?;
            transport.send(request).await?;
            called += 1;
            // What is forgotten is forgotten in sweeps: what is held at the end says when the last one was.
            most = most.max(live() - nothing);
        }
        cells.push(Cell {
            table: "bytes for so many servers, at the most".into(),
            row: part.title.into(),
            column: origins.to_string(),
            value: most,
        });
    }
    Ok(cells)
}
