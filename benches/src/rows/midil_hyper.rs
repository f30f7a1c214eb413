//! Our client over hyper, as `midil.rs` has it over reqwest.

use midil_http_core::{HttpClient, HttpClientBuilder, Redirect};
use midil_http_hyper::HyperTransport;
use midil_retry::DefaultRetryStrategy;

use super::midil::{call, tokens};
use crate::BoxError;
use crate::client::{Count, PATH, Task};

/// Nothing but the path of a request: no timeout, no redirects.
pub(crate) async fn bare(task: Task) -> Result<Count, BoxError> {
    let client = builder(&task)?.no_timeout().redirect(Redirect::none()).build()?;
    call(&client, &task, PATH).await
}

/// All that is on by default, and a token: what the promise is about.
pub(crate) async fn token(task: Task) -> Result<Count, BoxError> {
    let builder = builder(&task)?.retry(DefaultRetryStrategy::default()).auth(tokens());
    call(&builder.build()?, &task, PATH).await
}

fn builder(task: &Task) -> Result<HttpClientBuilder, BoxError> {
    Ok(HttpClient::builder(HyperTransport::try_new()?).base_url(task.origin()))
}
