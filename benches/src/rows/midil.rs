//! Our client over each backend, with one of the steps switched on.

use std::sync::atomic::{AtomicU64, Ordering};

use midil_http_core::{Event, HttpClient, HttpClientBuilder, Transport};
use midil_http_hyper::HyperTransport;
use midil_http_isahc::IsahcTransport;
use midil_http_otel::OtelMetrics;
use midil_http_reqwest::ReqwestTransport;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};

use super::steps;
use crate::client::{Count, PATH, Task};
use crate::{BoxError, listener};

/// Over reqwest: base URL and path.
pub(crate) async fn over_reqwest(
    task: Task,
    step: impl FnOnce(HttpClientBuilder) -> HttpClientBuilder,
) -> Result<Count, BoxError> {
    over(ReqwestTransport::try_new()?, &task, PATH, step).await
}

/// All defaults and a token over reqwest, where the caller gives the whole URL and not just the path.
pub(crate) async fn whole_url(task: Task) -> Result<Count, BoxError> {
    over(ReqwestTransport::try_new()?, &task, &task.url(), steps::token).await
}

/// All defaults and a token over reqwest, and somebody listens to the spans.
pub(crate) async fn tracing_on(task: Task) -> Result<Count, BoxError> {
    listener::listen()?;
    over_reqwest(task, steps::token).await
}

/// Over hyper: base URL and path.
pub(crate) async fn over_hyper(
    task: Task,
    step: impl FnOnce(HttpClientBuilder) -> HttpClientBuilder,
) -> Result<Count, BoxError> {
    over(HyperTransport::try_new()?, &task, PATH, step).await
}

/// All defaults and a token over hyper, and somebody who counts what is told.
pub(crate) async fn observer(task: Task) -> Result<Count, BoxError> {
    let events = AtomicU64::new(0);
    let count = move |_: &Event<'_>| {
        events.fetch_add(1, Ordering::Relaxed);
    };
    over_hyper(task, |client| steps::token(client).observer(count)).await
}

/// All defaults and a token over hyper, and metrics, in an SDK that keeps them and exports them to nobody.
pub(crate) async fn otel(task: Task) -> Result<Count, BoxError> {
    let exporter = InMemoryMetricExporter::default(); // asked at the end, after a minute at the earliest
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter).build();
    let metrics = OtelMetrics::builder().meter(&provider.meter("bench")).build();
    over_hyper(task, |client| steps::token(client).observer(metrics)).await
}

/// Over isahc: a whole string URL, as bare isahc has it.
pub(crate) async fn over_isahc(
    task: Task,
    step: impl FnOnce(HttpClientBuilder) -> HttpClientBuilder,
) -> Result<Count, BoxError> {
    over(IsahcTransport::try_new()?, &task, &task.url(), step).await
}

/// All defaults and a token over one client of isahc, which keeps the connections of POSTs, too.
pub(crate) async fn one_client(task: Task) -> Result<Count, BoxError> {
    let transport = IsahcTransport::from(isahc::HttpClient::new()?);
    over(transport, &task, &task.url(), steps::token).await
}

/// The calls of a task to that URL, whole or below the task's origin.
pub(super) async fn over(
    transport: impl Transport,
    task: &Task,
    url: &str,
    step: impl FnOnce(HttpClientBuilder) -> HttpClientBuilder,
) -> Result<Count, BoxError> {
    call(&step(HttpClient::builder(transport).base_url(task.origin())).build()?, task, url).await
}

async fn call(client: &HttpClient, task: &Task, url: &str) -> Result<Count, BoxError> {
    task.repeat(async || {
        let mut request = client.request(task.method(), url);
        if let Some(upload) = task.upload() {
            request = request.body(upload);
        }
        Ok(request.send().await?.bytes().await?)
    })
    .await
}
