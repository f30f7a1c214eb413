//! OpenTelemetry: the context that goes along, and spans as they are exported.
#![cfg(all(feature = "otel", feature = "reqwest"))]

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};
use midil_http::{HttpClient, Propagator, ReqwestTransport, TraceContext, TraceSettings};
use midil_http_test::fault_server::{FaultServer, Received, Reply};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry::trace::{
    FutureExt, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId,
    TraceState, TracerProvider,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing::instrument::WithSubscriber;
use tracing_subscriber::layer::SubscriberExt;

use crate::support::{Tokens, every_thread_is_heard, up_to};

fn w3c() -> TraceContext {
    let (context, baggage) = (TraceContextPropagator::new(), BaggagePropagator::new());
    TraceContext::with_propagator(TextMapCompositePropagator::new(vec![
        Box::new(context),
        Box::new(baggage),
    ]))
}

/// The context of a request that a service serves.
fn served() -> Context {
    let state = TraceState::from_key_value([("vendor", "x")]).expect("a good state");
    let (trace, span) = (TraceId::from(7_u128), SpanId::from(9_u64));
    let remote = SpanContext::new(trace, span, TraceFlags::SAMPLED, true, state);
    Context::new().with_remote_span_context(remote).with_baggage([KeyValue::new("tenant", "acme")])
}

/// A 503, a 401, a redirect, and a 200.
fn server() -> FaultServer {
    let moved = Reply::status(307).header("location", "/b");
    FaultServer::sequence([Reply::status(503), Reply::status(401), moved, Reply::ok("[]")])
}

/// What a call is exported as, and which span each request was told to be of.
async fn exported(settings: TraceSettings, server: &FaultServer) -> (Vec<SpanData>, Vec<String>) {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let client = HttpClient::builder(ReqwestTransport::try_new().expect("reqwest works here"))
        .base_url(server.url())
        .auth(Tokens::default())
        .retry(up_to(2))
        .trace(settings)
        .propagate(w3c())
        .build()
        .expect("a good client");
    every_thread_is_heard();
    let call = client.get("/a?token=hunter2").send().with_context(served());
    call.with_subscriber(tracing_subscriber::registry().with(layer)).await.expect("a 200");
    let requests = server.requests();
    let header = |request: &Received, name: &str| request.header(name).unwrap_or("-").to_owned();
    for request in &requests {
        assert_eq!(
            (&*header(request, "tracestate"), &*header(request, "baggage")),
            ("vendor=x", "tenant=acme")
        );
    }
    let contexts = requests.iter().map(|request| {
        let context = header(request, "traceparent");
        let id = context
            .strip_prefix(&format!("00-{:032x}-", 7))
            .and_then(|rest| rest.strip_suffix("-01"));
        id.unwrap_or_else(|| panic!("{context}")).to_owned()
    });
    (exporter.get_finished_spans().expect("it is memory"), contexts.collect())
}

fn id(span: &SpanData) -> String {
    span.span_context.span_id().to_string()
}

fn attributes(span: &SpanData) -> BTreeMap<&str, Value> {
    let attributes = span.attributes.iter();
    attributes.map(|attribute| (attribute.key.as_str(), attribute.value.clone())).collect()
}

#[tokio::test]
async fn every_exchange_carries_the_context_of_its_call() {
    let server = server();
    let (spans, parents) = exported(TraceSettings::new(), &server).await;
    let calls: Vec<_> = spans.iter().filter(|span| span.span_kind == SpanKind::Client).collect();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].parent_span_id, SpanId::from(9_u64), "the caller's");
    assert_eq!(parents, vec![id(calls[0]); 4]);
}

#[tokio::test]
async fn every_exchange_carries_its_own_context_where_it_has_a_span() {
    let server = server();
    let (spans, parents) = exported(TraceSettings::new().exchange_spans(), &server).await;
    let mut exchanges: Vec<_> =
        spans.iter().filter(|span| span.span_kind == SpanKind::Client).collect();
    exchanges.sort_by_key(|span| span.start_time);
    assert_eq!(parents, exchanges.iter().map(|span| id(span)).collect::<Vec<_>>());
    let calls: Vec<_> = spans.iter().filter(|span| span.span_kind == SpanKind::Internal).collect();
    assert_eq!(calls.len(), 1);
    assert!(exchanges.iter().all(|span| span.parent_span_id == calls[0].span_context.span_id()));
}

/// Names, kinds and types, as they arrive at an exporter.
#[tokio::test]
async fn an_exported_span_has_the_conventions_types() {
    let server = server();
    let headers = [HeaderName::from_static("user-agent")];
    let settings = TraceSettings::new().exchange_spans().request_headers(headers);
    let (spans, _) = exported(settings, &server).await;
    let failed = spans.iter().find(|span| matches!(span.status, Status::Error { .. }));
    let failed = failed.expect("the 503");
    assert_eq!((&*failed.name, &failed.status), ("GET", &Status::error("")));
    let attributes = attributes(failed);
    let port = i64::from(server.address().port());
    let url = format!("{}/a?…", server.url());
    let agent = concat!("midil-http/", env!("CARGO_PKG_VERSION"));
    for (name, expected) in [
        ("http.request.method", Value::from("GET")),
        ("server.address", Value::from("127.0.0.1")),
        ("server.port", Value::from(port)),
        ("url.full", Value::from(url)),
        ("http.response.status_code", Value::from(503_i64)),
        ("network.protocol.version", Value::from("1.1")),
        ("error.type", Value::from("503")),
        ("http.request.header.user-agent", Value::from(agent)),
    ] {
        assert_eq!(attributes.get(name), Some(&expected), "{name}");
    }
    assert!(attributes.keys().all(|name| !name.starts_with("otel.")), "{attributes:?}");
    let last = spans
        .iter()
        .filter(|span| span.span_kind == SpanKind::Client)
        .max_by_key(|span| span.start_time);
    let resends = last
        .expect("the 200")
        .attributes
        .iter()
        .find(|one| one.key.as_str() == "http.request.resend_count");
    assert_eq!(resends.map(|one| &one.value), Some(&Value::from(3_i64)));
}

#[test]
fn without_a_layer_the_context_is_opentelemetrys_own() {
    let mut headers = http::HeaderMap::new();
    let inject = |headers: &mut http::HeaderMap| {
        let _attached = served().attach();
        w3c().inject(headers);
    };
    inject(&mut headers);
    assert_eq!(headers["traceparent"], format!("00-{:032x}-{:016x}-01", 7, 9));
    assert_eq!(
        (&headers["tracestate"], &headers["baggage"]),
        (&"vendor=x".parse().unwrap(), &"tenant=acme".parse().unwrap())
    );

    // Of a trace that the caller goes on with, nothing is mixed with ours.
    let own = HeaderValue::from_static("00-11111111111111111111111111111111-2222222222222222-01");
    let mut headers =
        http::HeaderMap::from_iter([(HeaderName::from_static("traceparent"), own.clone())]);
    inject(&mut headers);
    assert_eq!(headers["traceparent"], own);
    assert!(!headers.contains_key("tracestate") && headers.contains_key("baggage"));

    let mut headers = http::HeaderMap::new();
    w3c().inject(&mut headers);
    assert!(headers.is_empty(), "nobody traces anything");
}
