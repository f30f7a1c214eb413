//! Our client over a transport without a socket, which answers at once: what is ours, alone.

use std::future::{Ready, ready};
use std::time::Duration;

use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use midil_http_core::{
    Body, Error, HttpClient, HttpClientBuilder, Redirect, Request, RequestHead, Transport,
};
use midil_retry::{CircuitBreaker, DefaultRetryStrategy};

use super::midil::{call, tokens};
use crate::client::{Count, PATH, Task};
use crate::{BoxError, listener, server};

/// The transport by itself, its request made by hand from a `Url` that is ready.
pub(crate) async fn transport(task: Task) -> Result<Count, BoxError> {
    let head = RequestHead::new(task.method(), task.url().parse()?);
    task.repeat(async || {
        let mut request = Request::new(head.method.clone(), head.url.clone());
        if let Some(upload) = task.upload() {
            request = request.with_body(upload);
        }
        let response = Transport::send(&answer, request).await?;
        Ok(response.into_body().collect(u64::MAX).await?)
    })
    .await
}

/// Nothing but the path of a request: no timeout, no redirects.
pub(crate) async fn bare(task: Task) -> Result<Count, BoxError> {
    let client = builder(&task).no_timeout().redirect(Redirect::none()).build()?;
    call(&client, &task, PATH).await
}

/// As the core comes: the timeout of 30 s, and redirects.
pub(crate) async fn timeout(task: Task) -> Result<Count, BoxError> {
    call(&builder(&task).build()?, &task, PATH).await
}

/// The default strategy, with its budget.
pub(crate) async fn retry(task: Task) -> Result<Count, BoxError> {
    call(&with_retry(&task).build()?, &task, PATH).await
}

/// All that is on by default, and a token.
pub(crate) async fn token(task: Task) -> Result<Count, BoxError> {
    call(&with_token(&task).build()?, &task, PATH).await
}

/// A circuit breaker around each attempt, closed.
pub(crate) async fn breaker(task: Task) -> Result<Count, BoxError> {
    call(&with_breaker(&task).build()?, &task, PATH).await
}

/// Somebody listens to the spans.
pub(crate) async fn tracing_on(task: Task) -> Result<Count, BoxError> {
    listener::listen()?;
    breaker(task).await
}

fn builder(task: &Task) -> HttpClientBuilder {
    HttpClient::builder(answer).base_url(task.origin())
}

fn with_retry(task: &Task) -> HttpClientBuilder {
    builder(task).retry(DefaultRetryStrategy::default())
}

fn with_token(task: &Task) -> HttpClientBuilder {
    with_retry(task).auth(tokens())
}

fn with_breaker(task: &Task) -> HttpClientBuilder {
    with_token(task).attempt_middleware(CircuitBreaker::new(5, Duration::from_secs(60)))
}

/// A function is a transport.
fn answer(_: Request) -> Ready<Result<Response<Body>, Error>> {
    let mut response = Response::new(Body::from(server::REPLY));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    ready(Ok(response))
}
