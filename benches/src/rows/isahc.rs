//! isahc by itself: curl, on a thread of its own.

use bytes::Bytes;
use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Request};
use isahc::{AsyncBody, AsyncReadResponseExt, HttpClient};

use crate::BoxError;
use crate::client::{Count, Task};

/// As it comes, from a string.
pub(crate) async fn string(task: Task) -> Result<Count, BoxError> {
    call(task, &[]).await
}

/// With the headers that our client sends: what a caller would write by hand.
pub(crate) async fn headers(task: Task) -> Result<Count, BoxError> {
    let mut token = HeaderValue::from_str(&Task::authorization())?;
    token.set_sensitive(true);
    let agent = HeaderValue::from_static("midil-http/0.1.0");
    call(task, &[(AUTHORIZATION, token), (USER_AGENT, agent)]).await
}

async fn call(task: Task, headers: &[(http::HeaderName, HeaderValue)]) -> Result<Count, BoxError> {
    let client = HttpClient::new()?;
    let url = task.url();
    task.repeat(async || {
        let mut request = Request::builder().method(task.method()).uri(url.as_str());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let upload = task.upload().map_or_else(AsyncBody::empty, AsyncBody::from_bytes_static);
        let mut response = client.send_async(request.body(upload)?).await?;
        Ok(Bytes::from(response.bytes().await?))
    })
    .await
}
