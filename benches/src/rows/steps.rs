//! What is switched on in a client of ours, whatever it is over: each step has what the one that it calls has, and one thing more.

use std::time::Duration;

use http::Response;
use midil_auth::TokenCache;
use midil_http_core::{AuthNToken, Body, Error, HttpClientBuilder, Next, Redirect, Request};
use midil_retry::{Bulkhead, CircuitBreaker, DefaultRetryStrategy, Hedge, RateLimit};

use crate::client::Task;

/// Nothing but what a request needs: no timeout, no redirects.
pub(crate) fn nothing(client: HttpClientBuilder) -> HttpClientBuilder {
    client.no_timeout().redirect(Redirect::none())
}

/// As the core comes: the timeout of 30 s, and redirects.
pub(crate) fn timeout(client: HttpClientBuilder) -> HttpClientBuilder {
    client
}

/// The default strategy, with its budget.
pub(crate) fn retry(client: HttpClientBuilder) -> HttpClientBuilder {
    timeout(client).retry(DefaultRetryStrategy::default())
}

/// All that is on by default, and a token: what the promises are about.
pub(crate) fn token(client: HttpClientBuilder) -> HttpClientBuilder {
    retry(client).auth(tokens())
}

/// A circuit breaker around each attempt, closed.
pub(crate) fn breaker(client: HttpClientBuilder) -> HttpClientBuilder {
    token(client).attempt_middleware(closed())
}

/// A total timeout, and no breaker.
pub(crate) fn total_timeout(client: HttpClientBuilder) -> HttpClientBuilder {
    token(client).total_timeout(Duration::from_secs(60))
}

/// A middleware around each attempt, which does nothing.
pub(crate) fn middleware(client: HttpClientBuilder) -> HttpClientBuilder {
    async fn pass(request: Request, next: Next<'_>) -> Result<Response<Body>, Error> {
        next.run(request).await
    }
    total_timeout(client).attempt_middleware(pass)
}

/// A circuit breaker in its place.
pub(crate) fn breaker_there(client: HttpClientBuilder) -> HttpClientBuilder {
    total_timeout(client).attempt_middleware(closed())
}

/// A bulkhead in its place, with room to spare.
pub(crate) fn bulkhead(client: HttpClientBuilder) -> HttpClientBuilder {
    total_timeout(client).attempt_middleware(Bulkhead::new(10))
}

/// A rate limit in its place, never used up.
pub(crate) fn rate_limit(client: HttpClientBuilder) -> HttpClientBuilder {
    let limit = RateLimit::new(100_000, Duration::from_millis(1));
    total_timeout(client).attempt_middleware(limit)
}

/// A hedge in its place, which never comes.
pub(crate) fn hedge(client: HttpClientBuilder) -> HttpClientBuilder {
    total_timeout(client).attempt_middleware(Hedge::new(Duration::from_secs(5)))
}

/// All of the one line: total and attempt timeout, retries, bulkhead and breaker; and a token.
pub(crate) fn standard(client: HttpClientBuilder) -> HttpClientBuilder {
    client.auth(tokens()).with(midil_retry::standard())
}

fn closed() -> CircuitBreaker {
    CircuitBreaker::new(5, Duration::from_secs(60))
}

/// The token cache, warm after its first call.
fn tokens() -> TokenCache {
    TokenCache::new(|| async {
        Ok(AuthNToken::new(Task::token()).with_expires_in(Duration::from_secs(3600)))
    })
}
