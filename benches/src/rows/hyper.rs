//! hyper-util's pooled client: what any client over hyper pays at least.

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;

use crate::BoxError;
use crate::client::{Count, Task};

pub(crate) async fn pooled(task: Task) -> Result<Count, BoxError> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let uri: Uri = task.url().parse()?;
    task.repeat(async || {
        let mut request = Request::new(Full::<Bytes>::new(task.upload().unwrap_or_default()));
        *request.method_mut() = task.method();
        *request.uri_mut() = uri.clone();
        let response = client.request(request).await?;
        Ok(response.into_body().collect().await?.to_bytes())
    })
    .await
}
