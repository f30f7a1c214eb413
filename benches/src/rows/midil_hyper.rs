//! Our client over hyper, as `midil.rs` has it over reqwest.

use std::sync::atomic::{AtomicU64, Ordering};

use midil_http_core::{Event, HttpClient, HttpClientBuilder, Redirect};
use midil_http_hyper::HyperTransport;
use midil_http_otel::OtelMetrics;
use midil_retry::DefaultRetryStrategy;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};

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
    call(&all(&task)?.build()?, &task, PATH).await
}

/// The same, and somebody who counts what is told.
pub(crate) async fn observer(task: Task) -> Result<Count, BoxError> {
    let events = AtomicU64::new(0);
    let count = move |_: &Event<'_>| {
        events.fetch_add(1, Ordering::Relaxed);
    };
    call(&all(&task)?.observer(count).build()?, &task, PATH).await
}

/// The same, and metrics, in an SDK that keeps them and exports them to nobody.
pub(crate) async fn otel(task: Task) -> Result<Count, BoxError> {
    let exporter = InMemoryMetricExporter::default(); // asked at the end, after a minute at the earliest
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter).build();
    let metrics = OtelMetrics::builder().meter(&provider.meter("bench")).build();
    call(&all(&task)?.observer(metrics).build()?, &task, PATH).await
}

fn all(task: &Task) -> Result<HttpClientBuilder, BoxError> {
    Ok(builder(task)?.retry(DefaultRetryStrategy::default()).auth(tokens()))
}

fn builder(task: &Task) -> Result<HttpClientBuilder, BoxError> {
    Ok(HttpClient::builder(HyperTransport::try_new()?).base_url(task.origin()))
}
