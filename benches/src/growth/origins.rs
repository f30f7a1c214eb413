//! Servers that are called in turn.

use std::time::Duration;

use midil_auth::{PerOrigin, StaticToken};
use midil_http_core::{HttpClient, MiddlewareTransport, Request, Transport};
use midil_retry::{Bulkhead, CircuitBreaker, DefaultRetryStrategy, RateLimit, RetryTransport};

use super::meter::Meter;
use super::{Cost, SAME, Series};
use crate::BoxError;

pub(super) const POLICIES: Series = Series {
    title: "servers called in turn: budget, breaker, bulkhead and rate limit around a transport",
    from: 1,
    each: SAME,
    slack: FORGOTTEN,
};

pub(super) const CLIENT: Series = Series {
    title: "servers called in turn: a client that is allowed to, with a token for each",
    from: 1,
    each: SAME,
    // Whether a server is allowed, and its credentials, are found by halving: twice as many are a step more for each.
    slack: Cost { instructions: 3_500, ..SAME },
};

/// Of more servers than are remembered, each is a new one whenever its turn comes.
const FORGOTTEN: Cost = Cost { allocations: 9, bytes: 900, instructions: 6_500 };

/// Servers.
const SERVERS: &[u64] = &[1, 10, 100, 1_000, 10_000];

/// Calls that are counted: of each server one at least, when there are not more.
const CALLS: u64 = 1_000;

pub(super) async fn measure(meter: &mut Meter) -> Result<(), BoxError> {
    for &servers in SERVERS {
        let limited = MiddlewareTransport::new(
            MiddlewareTransport::new(
                super::answer,
                RateLimit::new(1_000_000, Duration::from_secs(1)),
            ),
            Bulkhead::new(10),
        );
        let broken =
            MiddlewareTransport::new(limited, CircuitBreaker::new(5, Duration::from_secs(60)));
        let transport = RetryTransport::new(broken, DefaultRetryStrategy::default());
        let urls = urls(servers);
        for url in &urls {
            transport.send(Request::get(url)?).await?;
        }
        let mut next = urls.iter().cycle();
        let call = async || {
            let url = next.next().ok_or("no server")?;
            transport.send(Request::get(url)?).await?;
            Ok(())
        };
        meter.measure(&POLICIES, (servers, true), (CALLS, 1), call).await?;
    }
    for &servers in SERVERS {
        let urls = urls(servers);
        let mut client = HttpClient::builder(super::answer).base_url("https://base.example/");
        let mut tokens = PerOrigin::builder();
        for url in &urls {
            client = client.auth_origin(url);
            tokens = tokens.origin(url, StaticToken::try_new("token")?);
        }
        let client = client.auth(tokens.build()?).build()?;
        for url in &urls {
            client.get(url).send().await?;
        }
        let mut next = urls.iter().cycle();
        let call = async || {
            client.get(next.next().ok_or("no server")?).send().await?.bytes().await?;
            Ok(())
        };
        meter.measure(&CLIENT, (servers, true), (CALLS, 1), call).await?;
    }
    Ok(())
}

/// All of the same length.
fn urls(servers: u64) -> Vec<String> {
    (0..servers).map(|server| format!("https://server-{server:05}.example/")).collect()
}
