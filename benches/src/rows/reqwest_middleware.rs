//! reqwest-middleware and what it is mostly used with: reqwest-retry and reqwest-tracing.

use reqwest::Client;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use reqwest_retry::RetryTransientMiddleware;
use reqwest_retry::policies::ExponentialBackoff;
use reqwest_tracing::TracingMiddleware;

use crate::BoxError;
use crate::client::{Count, Task};
use crate::listener;

/// Three attempts in all, exponential backoff; a token set by hand. No timeout, no budget.
pub(crate) async fn retry(task: Task) -> Result<Count, BoxError> {
    call(ClientBuilder::new(Client::new()).with(retries()).build(), task).await
}

/// A span around each call, too, which nobody listens to.
pub(crate) async fn tracing(task: Task) -> Result<Count, BoxError> {
    let builder = ClientBuilder::new(Client::new()).with(TracingMiddleware::default());
    call(builder.with(retries()).build(), task).await
}

/// The same, and somebody listens.
pub(crate) async fn tracing_on(task: Task) -> Result<Count, BoxError> {
    listener::listen()?;
    tracing(task).await
}

fn retries() -> RetryTransientMiddleware<ExponentialBackoff> {
    let backoff = ExponentialBackoff::builder().build_with_max_retries(2);
    RetryTransientMiddleware::new_with_policy(backoff)
}

async fn call(client: ClientWithMiddleware, task: Task) -> Result<Count, BoxError> {
    let url = task.url();
    let mut token = HeaderValue::from_str(&Task::authorization())?;
    token.set_sensitive(true);
    task.repeat(async || {
        let mut request = client.request(task.method(), url.as_str());
        request = request.header(AUTHORIZATION, token.clone());
        if let Some(upload) = task.upload() {
            request = request.body(upload);
        }
        Ok(request.send().await?.bytes().await?)
    })
    .await
}
