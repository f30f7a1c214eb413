//! Scenarios, attribute by attribute: <https://opentelemetry.io/docs/specs/semconv/http/http-spans/>.

use std::pin::pin;

use midil_http::{
    CircuitBreaker, DefaultRetryStrategy, ExchangeSpan, MiddlewareTransport, ReqwestTransport,
    Retry, RetryLoop, RetryStrategy, TraceSettings, Transport,
};
use midil_http_test::fault_server::FaultServer;

use super::*;

/// What the span of every GET of `/a` has.
const GET: [(&str, &str); 6] = [
    ("otel.kind", "client"),
    ("otel.name", "GET"),
    ("http.request.method", "GET"),
    ("url.full", "https://api.test/v1/a"),
    ("server.address", "api.test"),
    ("server.port", "443"),
];

const VERSION: (&str, &str) = ("network.protocol.version", "1.1");

/// Fails unless these are all attributes of the span.
#[track_caller]
fn assert_span(span: &Fields, base: &[(&str, &str)], further: &[(&str, &str)]) {
    let mut expected: BTreeMap<&str, &str> = base.iter().copied().collect();
    expected.extend(further.iter().copied());
    let found: BTreeMap<&str, &str> =
        span.0.iter().map(|(name, value)| (*name, &**value)).collect();
    assert_eq!(found, expected);
}

/// Fails unless a GET of `/a` is recorded as a span with these attributes and no others.
#[track_caller]
fn assert_get(recorder: &Recorder, further: &[(&str, &str)]) {
    let spans = recorder.spans();
    assert_eq!(spans.len(), 1, "a call is a span");
    assert_span(&spans[0], &GET, further);
}

fn by_default() -> impl RetryStrategy {
    let strategy = DefaultRetryStrategy::builder().backoff(|_: &Retry| Duration::ZERO);
    strategy.build().expect("good settings")
}

fn answered(replies: impl IntoIterator<Item = Reply>) -> HttpClientBuilder {
    over(MockTransport::sequence(replies)).retry(by_default()).runtime(ManualRuntime::new())
}

#[tokio::test]
async fn a_200() {
    assert_get(&recorded(answered([Reply::ok()])).await, &[(STATUS, "200"), VERSION]);
}

#[tokio::test]
async fn a_404() {
    let recorder = recorded(answered([Reply::status(404)])).await;
    assert_get(
        &recorder,
        &[(STATUS, "404"), VERSION, (ERROR, "404"), ("otel.status_code", "ERROR")],
    );
}

#[tokio::test]
async fn a_503_then_a_200() {
    let recorder = recorded(answered([Reply::status(503), Reply::ok()])).await;
    assert_get(&recorder, &[(STATUS, "200"), VERSION, (RESENDS, "1")]);
    let waits = recorder.events_of("midil_http::retry");
    assert_eq!(waits.len(), 1);
    assert_eq!(waits[0].all(["attempt", STATUS, ERROR, "delay"]), ["1", "503", "-", "0ns"]);
}

#[tokio::test]
async fn retries_that_are_exhausted() {
    let recorder = recorded(answered([503, 502, 500].map(Reply::status))).await;
    let failed = [(ERROR, "RetryExhausted"), ("otel.status_code", "ERROR")];
    assert_get(&recorder, &[[(STATUS, "500"), (RESENDS, "2")], failed].concat());
    assert_eq!(recorder.events_of("midil_http::retry").len(), 2, "there is no wait after the last");
}

#[test]
fn a_total_timeout() {
    let (runtime, recorder) = (ManualRuntime::new(), Recorder::default());
    let client = over(MockTransport::always(Reply::pending())).runtime(runtime.clone());
    let client = client.total_timeout(Duration::from_secs(1)).build().unwrap();
    runtime.block_on(recorder.listen(client.get("/a").send())).unwrap_err();
    assert_get(&recorder, &[(ERROR, "Timeout"), ("otel.status_code", "ERROR")]);
}

#[tokio::test]
async fn a_connection_that_is_refused() {
    let port = FaultServer::refusing();
    let client = HttpClient::builder(ReqwestTransport::try_new().unwrap()).base_url(port.url());
    let recorder = recorded(client).await;
    let (url, port) = (format!("{}/a", port.url()), port.address().port().to_string());
    let base = [GET[0], GET[1], GET[2]];
    let server = [("url.full", &*url), ("server.address", "127.0.0.1"), ("server.port", &*port)];
    let failed = [(ERROR, "Transport"), ("otel.status_code", "ERROR")];
    assert_span(&recorder.spans()[0], &base, &[&server[..], &failed].concat());
}

#[tokio::test]
async fn a_401_that_a_replay_heals() {
    let client = answered([Reply::status(401), Reply::ok()]).auth(Tokens::default());
    let recorder = recorded(client).await;
    assert_get(&recorder, &[(STATUS, "200"), VERSION, (RESENDS, "1")]);
    let rejected = recorder.events_of("midil_http::auth");
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0].all([STATUS, "replayable"]), ["401", "true"]);
}

#[tokio::test]
async fn a_redirect_that_is_followed() {
    let moved = Reply::status(308).header("location", "/b?token=hunter2");
    let recorder = recorded(answered([moved, Reply::ok()])).await;
    // The URL is the one that was asked for, as the conventions want it of a span that is not per exchange.
    assert_get(&recorder, &[(STATUS, "200"), VERSION, (RESENDS, "1")]);
    let hops = recorder.events_of("midil_http::redirect");
    assert_eq!(hops.len(), 1);
    assert_eq!(hops[0].all([STATUS, "url.full", "hop"]), ["308", "https://api.test/b?…", "1"]);
}

#[tokio::test]
async fn a_post_whose_503_is_not_retried() {
    let (recorder, client) = (Recorder::default(), answered([Reply::status(503)]).build().unwrap());
    recorder.listen(client.post("/a").body("{}").send()).await.unwrap();
    let post = [("otel.name", "POST"), ("http.request.method", "POST")];
    let failed = [(STATUS, "503"), VERSION, (ERROR, "503"), ("otel.status_code", "ERROR")];
    assert_span(&recorder.spans()[0], &GET, &[&post[..], &failed].concat());
    assert!(recorder.events_of("midil_http::retry").is_empty());
}

#[tokio::test]
async fn a_breaker_that_is_open() {
    let breaker = CircuitBreaker::new(1, Duration::from_secs(60));
    let client = over(MockTransport::always(Reply::status(503)));
    let client = client.attempt_middleware(breaker).runtime(ManualRuntime::new()).build().unwrap();
    client.get("/a").send().await.unwrap();
    let recorder = Recorder::default();
    recorder.listen(client.get("/a").send()).await.unwrap_err();
    assert_get(&recorder, &[(ERROR, "CircuitOpen"), ("otel.status_code", "ERROR")]);
    assert!(recorder.attempts().is_empty(), "nothing was sent");
}

#[tokio::test]
async fn a_call_that_is_dropped() {
    let client = over(MockTransport::always(Reply::pending())).build().unwrap();
    let recorder = Recorder::default();
    let call = async {
        let mut call = Box::pin(client.get("/a").send());
        assert!(futures_util::poll!(&mut call).is_pending());
    };
    recorder.listen(call).await;
    assert_get(&recorder, &[(ERROR, "Cancelled"), ("otel.status_code", "ERROR")]);
}

#[tokio::test]
async fn a_method_that_nobody_knows() {
    let client = over(MockTransport::always(Reply::ok()));
    let find = Method::from_bytes(b"PROPFIND").unwrap();
    let recorder = Recorder::default();
    let unknown = client.build().unwrap();
    recorder.listen(unknown.request(find.clone(), "/a").send()).await.unwrap();
    let names = ["otel.name", "http.request.method", "http.request.method_original"];
    assert_eq!(recorder.spans()[0].all(names), ["HTTP", "_OTHER", "PROPFIND"]);

    let known = over(MockTransport::always(Reply::ok()))
        .trace(TraceSettings::new().known_methods(["PROPFIND"]))
        .build()
        .unwrap();
    let recorder = Recorder::default();
    recorder.listen(known.request(find, "/a").send()).await.unwrap();
    assert_eq!(recorder.spans()[0].all(names), ["PROPFIND", "PROPFIND", "-"]);
}

#[tokio::test]
async fn a_template_names_the_span_and_those_of_its_exchanges() {
    let client = with_exchange_spans([Reply::ok()]).build().unwrap();
    let recorder = Recorder::default();
    let call = client.get("/users/7").url_template("/users/{id}");
    recorder.listen(call.send()).await.unwrap();
    let names = ["otel.name", "url.template"];
    let expected = ["GET /users/{id}", "/users/{id}"];
    assert_eq!(recorder.spans()[0].all(names), expected);
    assert_eq!(recorder.exchanges()[0].fields.all(names), expected);
}

#[tokio::test]
async fn a_call_that_a_closed_client_refuses() {
    let client = answered([]).build().unwrap();
    assert!(client.close().await.is_clean());
    let recorder = Recorder::default();
    recorder.listen(client.get("/a").send()).await.unwrap_err();
    assert_get(&recorder, &[(ERROR, "Closed"), ("otel.status_code", "ERROR")]);
}

#[tokio::test]
async fn an_ipv6_address_has_no_brackets() {
    let client = HttpClient::builder(MockTransport::always(Reply::ok()));
    let recorder = recorded(client.base_url("http://[::1]:8080")).await;
    assert_eq!(recorder.spans()[0].all(["server.address", "server.port"]), ["::1", "8080"]);
}

/// An OpenTelemetry exporter makes integers of `i64` alone.
#[tokio::test]
async fn numbers_are_integers_to_whoever_exports_them() {
    let recorder = recorded(answered([Reply::status(503), Reply::ok()])).await;
    let integers = recorder.integers.lock().expect("nobody panics");
    for name in ["server.port", STATUS, RESENDS, "attempt"] {
        assert!(integers.contains(name), "{name}: {integers:?}");
    }
}

fn with_exchange_spans(replies: impl IntoIterator<Item = Reply>) -> HttpClientBuilder {
    answered(replies).trace(TraceSettings::new().exchange_spans())
}

#[tokio::test]
async fn each_exchange_is_a_client_span_where_that_is_asked_for() {
    let moved = Reply::status(307).header("location", "/b");
    let replies = [Reply::status(503), Reply::status(401), moved, Reply::ok()];
    let recorder = recorded(with_exchange_spans(replies).auth(Tokens::default())).await;
    assert_eq!(recorder.spans()[0].get("otel.kind"), Some("internal"), "and the call's is none");
    assert_eq!(recorder.spans()[0].all([STATUS, RESENDS]), ["200", "3"]);
    let exchanges = recorder.exchanges();
    assert!(exchanges.iter().all(|exchange| exchange.within == Some("HTTP")));
    let exchanges: Vec<_> = exchanges.into_iter().map(|exchange| exchange.fields).collect();
    let failed =
        |status| [(STATUS, status), VERSION, (ERROR, status), ("otel.status_code", "ERROR")];
    assert_eq!(exchanges.len(), 4);
    assert_span(&exchanges[0], &GET, &failed("503"));
    assert_span(&exchanges[1], &GET, &[&failed("401")[..], &[(RESENDS, "1")]].concat());
    assert_span(&exchanges[2], &GET, &[(STATUS, "307"), VERSION, (RESENDS, "2")]);
    let hop = ("url.full", "https://api.test/b");
    assert_span(&exchanges[3], &GET, &[hop, (STATUS, "200"), VERSION, (RESENDS, "3")]);
    assert!(recorder.events_of("midil_http::attempt").is_empty(), "a span is enough");
}

/// By time that was up, by a client that was closed, by a caller who lost interest: in the words of the metrics.
#[test]
fn an_exchange_that_is_cut_short_tells_by_what() {
    for by in ["Timeout", "Closed", "Cancelled"] {
        for exchange_spans in [true, false] {
            let (runtime, recorder) = (ManualRuntime::new(), Recorder::default());
            let mut client = over(MockTransport::always(Reply::pending())).runtime(runtime.clone());
            if exchange_spans {
                client = client.trace(TraceSettings::new().exchange_spans());
            }
            let client = client.total_timeout(Duration::from_secs(9)).build().unwrap();
            runtime.block_on(recorder.listen(async {
                let mut call = pin!(client.get("/a").send());
                assert!(futures_util::poll!(&mut call).is_pending());
                match by {
                    "Timeout" => drop(call.await.unwrap_err()),
                    "Closed" => drop(tokio::join!(call, client.close_within(Duration::ZERO))),
                    _ => {}
                }
            }));
            assert_eq!(recorder.spans()[0].get(ERROR), Some(by));
            let told: Vec<_> = match exchange_spans {
                true => recorder.exchanges().into_iter().map(|exchange| exchange.fields).collect(),
                false => recorder.attempts(),
            };
            assert_eq!(told.len(), 1);
            assert_eq!(told[0].get(ERROR), Some(by), "as a span: {exchange_spans}");
            assert_eq!(told[0].get("otel.status_code"), exchange_spans.then_some("ERROR"));
        }
    }
}

#[tokio::test]
async fn what_a_transport_logs_is_within_the_exchange() {
    let transport = middleware_fn(|request, next| {
        Box::pin(async move {
            tracing::info!(target: "wire", "on the wire");
            next.run(request).await
        })
    });
    let transport = MiddlewareTransport::new(MockTransport::always(Reply::ok()), transport);
    let client = over(transport).trace(TraceSettings::new().exchange_spans());
    let recorder = recorded(client).await;
    let events = recorder.everything();
    let wire = events.iter().find(|event| event.metadata.target() == "wire").unwrap();
    assert_eq!(wire.within, Some("HTTP attempt"));
}

/// The other door: a transport and a retry loop, without a client.
#[tokio::test]
async fn a_transport_without_a_client_has_spans_of_its_own() {
    let mock = MockTransport::sequence([Reply::status(503), Reply::ok()]);
    let transport = MiddlewareTransport::new(mock, ExchangeSpan::default());
    let strategy = by_default();
    let (runtime, random) = (ManualRuntime::new(), midil_http::Random::seeded(7));
    let retry = RetryLoop::new(&strategy, &runtime, &random);
    let recorder = Recorder::default();
    let request = midil_http::Request::get("https://api.test/v1/a").unwrap();
    recorder.listen(retry.send(&transport, request)).await.unwrap();
    let exchanges: Vec<_> = recorder.exchanges().into_iter().map(|one| one.fields).collect();
    let failed = [(STATUS, "503"), VERSION, (ERROR, "503"), ("otel.status_code", "ERROR")];
    assert_span(&exchanges[0], &GET, &failed);
    assert_span(&exchanges[1], &GET, &[(STATUS, "200"), VERSION, (RESENDS, "1")]);

    let pending = MockTransport::always(Reply::pending());
    let pending = MiddlewareTransport::new(pending, ExchangeSpan::default());
    let recorder = Recorder::default();
    let call = async {
        let request = midil_http::Request::get("https://api.test/v1/a").unwrap();
        assert!(futures_util::poll!(pending.send(request)).is_pending());
    };
    recorder.listen(call).await;
    assert_eq!(recorder.exchanges()[0].fields.get(ERROR), Some("Cancelled"));
}

/// The fields of the spans of that name, and the spans that they are within.
#[cfg(feature = "auth")]
fn spans_of(recorder: &Recorder, name: &str) -> Vec<(Fields, Option<&'static str>)> {
    let spans = recorder.spans.lock().expect("nobody panics");
    let spans = spans.iter().filter(|(_, span)| span.metadata.name() == name);
    spans.map(|(_, span)| (span.fields.clone(), span.within)).collect()
}

#[cfg(feature = "auth")]
#[tokio::test]
async fn a_token_fetch_is_within_the_call_that_began_it() {
    let refused = Reply::status(401).body(r#"{"error":"invalid_client"}"#);
    let token = Reply::ok().body(r#"{"access_token":"hunter2","expires_in":3600}"#);
    for (reply, fetch, request) in [
        (token, ["internal", "-", "-"], ["client", "POST", "200", "-"]),
        (refused, ["internal", "Rejected", "ERROR"], ["client", "POST", "401", "401"]),
    ] {
        let endpoint = MockTransport::always(reply);
        let credentials = midil_http::ClientCredentials::builder(endpoint)
            .token_url("https://login.test/token?key=hunter2")
            .client_id("orders")
            .client_secret(SECRET)
            .build()
            .unwrap();
        let client = over(MockTransport::always(Reply::ok())).auth(credentials).build().unwrap();
        every_thread_is_heard();
        let recorder = Recorder::default();
        // The fetch is a task: whoever listens must listen there, too.
        let subscriber = Registry::default().with(recorder.clone());
        let listening = tracing::subscriber::set_default(subscriber);
        drop(client.get("/a").send().await);
        drop(listening);
        let fetches = spans_of(&recorder, "token fetch");
        assert_eq!(fetches.len(), 1);
        assert_eq!(fetches[0].0.all(["otel.kind", ERROR, "otel.status_code"]), fetch);
        assert_eq!(fetches[0].1, Some("HTTP"));
        let requests = spans_of(&recorder, "HTTP attempt");
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].0.all(["otel.kind", "otel.name", STATUS, ERROR]), request);
        assert_eq!(requests[0].0.get("url.full"), Some("https://login.test/token?…"));
        assert_eq!(requests[0].1, Some("token fetch"));
        assert!(!format!("{:?}", recorder.everything()).contains(SECRET));
    }
}
