//! reqwest by itself, as it is built by default and with parts of it switched off.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, ClientBuilder, IntoUrl, RequestBuilder, Url, redirect, retry};

use crate::BoxError;
use crate::client::{Count, Task};

/// The caller parsed the URL beforehand and clones it for each call.
pub(crate) async fn url(task: Task) -> Result<Count, BoxError> {
    let client = Client::new();
    let url = Url::parse(&task.url())?;
    task.repeat(async || call(&client, &task, url.clone()).await).await
}

/// The usual way: a string, parsed for each call.
pub(crate) async fn string(task: Task) -> Result<Count, BoxError> {
    from_string(&Client::new(), &task).await
}

/// All that reqwest does by itself, and our transport switches off.
pub(crate) async fn plain(task: Task) -> Result<Count, BoxError> {
    from_string(&all_off().build()?, &task).await
}

/// The same, with the headers that our client sends: what a caller would write by hand.
pub(crate) async fn headers(task: Task) -> Result<Count, BoxError> {
    let client = all_off().user_agent("midil-http/0.1.0").build()?;
    let url = task.url();
    let mut token = HeaderValue::from_str(&Task::authorization())?;
    token.set_sensitive(true);
    task.repeat(async || {
        let request = client.request(task.method(), url.as_str());
        send(request.header(AUTHORIZATION, token.clone()), &task).await
    })
    .await
}

/// reqwest's own timeout, for comparison with ours.
pub(crate) async fn timeout(task: Task) -> Result<Count, BoxError> {
    from_string(&Client::builder().timeout(Duration::from_secs(30)).build()?, &task).await
}

fn all_off() -> ClientBuilder {
    Client::builder()
        .redirect(redirect::Policy::none())
        // `never` alone still keeps a copy of each request.
        .retry(retry::never().max_retries_per_request(0))
        .referer(false)
        .no_proxy()
}

async fn from_string(client: &Client, task: &Task) -> Result<Count, BoxError> {
    let url = task.url();
    task.repeat(async || call(client, task, url.as_str()).await).await
}

async fn call(client: &Client, task: &Task, url: impl IntoUrl) -> Result<Bytes, BoxError> {
    send(client.request(task.method(), url), task).await
}

async fn send(mut request: RequestBuilder, task: &Task) -> Result<Bytes, BoxError> {
    if let Some(upload) = task.upload() {
        request = request.body(upload);
    }
    Ok(request.send().await?.bytes().await?)
}
