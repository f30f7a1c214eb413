//! What an observer costs a call, counted in allocations: the figures of the README.

use midil_http_core::{Body, Event, HttpClient, HttpClientBuilder, Request};
use midil_http_otel::OtelMetrics;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};

/// The allocations of one call, when everything is warm.
fn allocations(set: impl FnOnce(HttpClientBuilder) -> HttpClientBuilder) -> u64 {
    let transport = |_: Request| async { Ok(http::Response::new(Body::from("hello"))) };
    let builder = HttpClient::builder(transport).base_url("https://api.example.com/v1");
    let client = set(builder).build().expect("a client");
    let call = || {
        futures_executor::block_on(async {
            let response = client.get("/users").send().await.expect("a response");
            assert_eq!(response.bytes().await.expect("a body"), "hello");
        });
    };
    for _ in 0..10 {
        call();
    }
    allocation_counter::measure(call).count_total
}

#[test]
fn an_observed_call_has_four_allocations_more_and_recording_has_none() {
    let unobserved = allocations(|builder| builder);
    let counted = allocations(|builder| builder.observer(|_: &Event<'_>| {}));
    // Three to tell of it; and a body that is there is handed over as it is, unless somebody wants to know when it was read.
    assert_eq!(counted - unobserved, 4, "{unobserved} without");

    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter).build();
    let metrics = OtelMetrics::builder().meter(&provider.meter("cost")).build();
    let recorded = allocations(|builder| builder.observer(metrics));
    assert_eq!(recorded - unobserved, 4, "{unobserved} without");
}
