//! Our client over isahc, as `midil.rs` has it over reqwest.

use midil_http_core::{HttpClient, HttpClientBuilder, Redirect};
use midil_http_isahc::IsahcTransport;
use midil_retry::DefaultRetryStrategy;

use super::midil::{call, tokens};
use crate::BoxError;
use crate::client::{Count, Task};

/// Nothing but what a request needs: no timeout, no redirects. From a whole string URL, as bare isahc has it.
pub(crate) async fn bare(task: Task) -> Result<Count, BoxError> {
    let client = builder(&task)?.no_timeout().redirect(Redirect::none()).build()?;
    call(&client, &task, &task.url()).await
}

/// All that is on by default, and a token.
pub(crate) async fn token(task: Task) -> Result<Count, BoxError> {
    let client = builder(&task)?.retry(DefaultRetryStrategy::default()).auth(tokens()).build()?;
    call(&client, &task, &task.url()).await
}

/// The same over one client of isahc, which keeps the connections of POSTs, too.
pub(crate) async fn one_client(task: Task) -> Result<Count, BoxError> {
    let transport = IsahcTransport::from(isahc::HttpClient::new()?);
    let client = HttpClient::builder(transport).base_url(task.origin());
    let client = client.retry(DefaultRetryStrategy::default()).auth(tokens()).build()?;
    call(&client, &task, &task.url()).await
}

fn builder(task: &Task) -> Result<HttpClientBuilder, BoxError> {
    Ok(HttpClient::builder(IsahcTransport::try_new()?).base_url(task.origin()))
}
