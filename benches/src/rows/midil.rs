//! Our client over reqwest, one thing after the other switched on.

use std::time::Duration;

use midil_auth::TokenCache;
use midil_http_core::{
    AuthNToken, Body, Error, HttpClient, HttpClientBuilder, Next, Redirect, Request,
};
use midil_http_reqwest::ReqwestTransport;
use midil_retry::{Bulkhead, CircuitBreaker, DefaultRetryStrategy, Hedge, RateLimit, standard};

use crate::BoxError;
use crate::client::{Count, PATH, Task};
use crate::listener;

/// Nothing but the path of a request: no timeout, no redirects.
pub(crate) async fn bare(task: Task) -> Result<Count, BoxError> {
    let client = builder(&task)?.no_timeout().redirect(Redirect::none()).build()?;
    call(&client, &task, PATH).await
}

/// As the core comes: the timeout of 30 s, and redirects.
pub(crate) async fn timeout(task: Task) -> Result<Count, BoxError> {
    call(&builder(&task)?.build()?, &task, PATH).await
}

/// The default strategy, with its budget.
pub(crate) async fn retry(task: Task) -> Result<Count, BoxError> {
    call(&with_retry(&task)?.build()?, &task, PATH).await
}

/// All that is on by default, and a token: what the promise is about.
pub(crate) async fn token(task: Task) -> Result<Count, BoxError> {
    call(&with_token(&task)?.build()?, &task, PATH).await
}

/// The same, where the caller gives the whole URL and not just the path.
pub(crate) async fn whole_url(task: Task) -> Result<Count, BoxError> {
    call(&with_token(&task)?.build()?, &task, &task.url()).await
}

/// A total timeout, too.
pub(crate) async fn total_timeout(task: Task) -> Result<Count, BoxError> {
    call(&with_total_timeout(&task)?.build()?, &task, PATH).await
}

/// A middleware around each attempt, which does nothing.
pub(crate) async fn middleware(task: Task) -> Result<Count, BoxError> {
    async fn pass(request: Request, next: Next<'_>) -> Result<http::Response<Body>, Error> {
        next.run(request).await
    }
    call(&with_total_timeout(&task)?.attempt_middleware(pass).build()?, &task, PATH).await
}

/// A circuit breaker around each attempt, closed.
pub(crate) async fn breaker(task: Task) -> Result<Count, BoxError> {
    let breaker = CircuitBreaker::new(5, Duration::from_secs(60));
    call(&with_total_timeout(&task)?.attempt_middleware(breaker).build()?, &task, PATH).await
}

/// A bulkhead around each attempt, with places to spare.
pub(crate) async fn bulkhead(task: Task) -> Result<Count, BoxError> {
    let client = with_total_timeout(&task)?.attempt_middleware(Bulkhead::new(10));
    call(&client.build()?, &task, PATH).await
}

/// A rate limit around each attempt, never used up.
pub(crate) async fn rate_limit(task: Task) -> Result<Count, BoxError> {
    let limit = RateLimit::new(100_000, Duration::from_millis(1));
    call(&with_total_timeout(&task)?.attempt_middleware(limit).build()?, &task, PATH).await
}

/// A hedge around each attempt, which never comes.
pub(crate) async fn hedge(task: Task) -> Result<Count, BoxError> {
    let client = with_total_timeout(&task)?.attempt_middleware(Hedge::new(Duration::from_secs(5)));
    call(&client.build()?, &task, PATH).await
}

/// All that is on by default, and a token; and somebody listens to the spans.
pub(crate) async fn tracing_on(task: Task) -> Result<Count, BoxError> {
    listener::listen()?;
    token(task).await
}

/// All of the one line: total and attempt timeout, retries, bulkhead and breaker, and a token.
pub(crate) async fn in_one_line(task: Task) -> Result<Count, BoxError> {
    call(&builder(&task)?.auth(tokens()).with(standard()).build()?, &task, PATH).await
}

fn builder(task: &Task) -> Result<HttpClientBuilder, BoxError> {
    Ok(HttpClient::builder(ReqwestTransport::try_new()?).base_url(task.origin()))
}

fn with_retry(task: &Task) -> Result<HttpClientBuilder, BoxError> {
    Ok(builder(task)?.retry(DefaultRetryStrategy::default()))
}

fn with_token(task: &Task) -> Result<HttpClientBuilder, BoxError> {
    Ok(with_retry(task)?.auth(tokens()))
}

fn with_total_timeout(task: &Task) -> Result<HttpClientBuilder, BoxError> {
    Ok(with_token(task)?.total_timeout(Duration::from_secs(60)))
}

pub(super) async fn call(client: &HttpClient, task: &Task, url: &str) -> Result<Count, BoxError> {
    task.repeat(async || {
        let mut request = client.request(task.method(), url);
        if let Some(upload) = task.upload() {
            request = request.body(upload);
        }
        Ok(request.send().await?.bytes().await?)
    })
    .await
}

/// The token cache, warm after its first call.
pub(super) fn tokens() -> TokenCache {
    TokenCache::new(|| async {
        Ok(AuthNToken::new(Task::token()).with_expires_in(Duration::from_secs(3600)))
    })
}
