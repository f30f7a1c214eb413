//! Observability: a span for each call, an event for each attempt, and no secret in either.

#[cfg(all(feature = "reqwest", feature = "retry"))]
mod conventions;
mod logging;
mod propagation;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use midil_http::{
    AuthError, AuthNHeaders, AuthNProvider, AuthNToken, Error, GiveUpReason, HttpClient,
    HttpClientBuilder, Redirect, RequestHead, RetryDecision, Sent, TransportError,
    TransportErrorKind, async_trait, middleware_fn,
};
use midil_http_test::{ManualRuntime, MockTransport, Reply};
use tracing::field::{Field, Visit};
use tracing::instrument::WithSubscriber;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::support::{SECRET, Tokens, every_thread_is_heard, over, up_to};

/// A span or an event, as it was recorded.
#[derive(Clone, Debug)]
struct Recorded {
    metadata: &'static Metadata<'static>,
    fields: Fields,
    /// The name of the span around it.
    within: Option<&'static str>,
}

#[derive(Clone, Debug, Default)]
struct Fields(BTreeMap<&'static str, String>, BTreeSet<&'static str>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.1.insert(field.name());
        self.record_debug(field, &value);
    }
}

/// Records all spans and events, of everybody and at every level.
#[derive(Clone, Default)]
struct Recorder {
    spans: Arc<Mutex<Vec<(Id, Recorded)>>>,
    events: Arc<Mutex<Vec<Recorded>>>,
    /// The names of what was recorded as an integer with a sign.
    integers: Arc<Mutex<BTreeSet<&'static str>>>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        self.note_integers(&fields);
        let within = context.span(id).and_then(|span| span.parent()).map(|parent| parent.name());
        let span = Recorded { metadata: attributes.metadata(), fields, within };
        self.spans.lock().expect("nobody panics").push((id.clone(), span));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut spans = self.spans.lock().expect("nobody panics");
        if let Some((_, span)) = spans.iter_mut().find(|(of, _)| of == id) {
            values.record(&mut span.fields);
            self.note_integers(&span.fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.note_integers(&fields);
        let within = context.event_span(event).map(|span| span.name());
        let event = Recorded { metadata: event.metadata(), fields, within };
        self.events.lock().expect("nobody panics").push(event);
    }
}

impl Recorder {
    fn note_integers(&self, fields: &Fields) {
        self.integers.lock().expect("nobody panics").extend(&fields.1);
    }

    /// Runs `calls` and records what they tell.
    async fn listen<T>(&self, calls: impl Future<Output = T>) -> T {
        every_thread_is_heard();
        calls.with_subscriber(Registry::default().with(self.clone())).await
    }

    /// The fields of the spans of calls, in the order of the calls.
    fn spans(&self) -> Vec<Fields> {
        let spans = self.spans.lock().expect("nobody panics");
        let calls = spans.iter().filter(|(_, span)| span.metadata.name() == "HTTP");
        calls.map(|(_, span)| span.fields.clone()).collect()
    }

    /// The spans of exchanges, in their order.
    fn exchanges(&self) -> Vec<Recorded> {
        let spans = self.spans.lock().expect("nobody panics");
        let exchanges = spans.iter().filter(|(_, span)| span.metadata.name() == "HTTP attempt");
        exchanges.map(|(_, span)| span.clone()).collect()
    }

    /// The fields of the events of attempts, in their order.
    fn attempts(&self) -> Vec<Fields> {
        self.events_of("midil_http::attempt")
    }

    /// The fields of the events of that target, in their order.
    fn events_of(&self, target: &str) -> Vec<Fields> {
        let events = self.events.lock().expect("nobody panics");
        let events = events.iter().filter(|event| event.metadata.target() == target);
        events.map(|event| event.fields.clone()).collect()
    }

    /// All that was recorded.
    fn everything(&self) -> Vec<Recorded> {
        let spans = self.spans.lock().expect("nobody panics").clone().into_iter();
        let events = self.events.lock().expect("nobody panics").clone();
        spans.map(|(_, span)| span).chain(events).collect()
    }
}

impl Fields {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// These fields, those that are missing as a dash.
    fn all<const N: usize>(&self, names: [&str; N]) -> [&str; N] {
        names.map(|name| self.get(name).unwrap_or("-"))
    }
}

/// What a GET over `client` is recorded as.
async fn recorded(client: HttpClientBuilder) -> Recorder {
    let (recorder, client) = (Recorder::default(), client.build().expect("a good client"));
    drop(recorder.listen(client.get("/a").send()).await);
    recorder
}

const STATUS: &str = "http.response.status_code";
const RESENDS: &str = "http.request.resend_count";
const ERROR: &str = "error.type";

fn reset() -> Reply {
    Reply::error(|| {
        TransportError::new(TransportErrorKind::Reset, Sent::Maybe, "the connection was reset")
            .into()
    })
}

#[tokio::test]
async fn a_call_is_a_client_span_by_opentelemetrys_names() {
    let client = HttpClient::builder(MockTransport::always(Reply::status(204)))
        .base_url("http://localhost:3000/v1")
        .build()
        .unwrap();
    let recorder = Recorder::default();
    recorder.listen(client.request(Method::PUT, "/users/7?notify=yes").send()).await.unwrap();
    let spans = recorder.spans();
    assert_eq!(spans.len(), 1);
    let expected = BTreeMap::from([
        ("otel.kind", "client"),
        ("otel.name", "PUT"),
        ("http.request.method", "PUT"),
        ("url.full", "http://localhost:3000/v1/users/7?…"),
        ("server.address", "localhost"),
        ("server.port", "3000"),
        ("http.response.status_code", "204"),
        ("network.protocol.version", "1.1"),
    ]);
    assert_eq!(
        spans[0].0,
        expected.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
    );
}

#[tokio::test]
async fn the_port_of_a_span_is_known_where_the_url_has_none() {
    let recorder = recorded(over(MockTransport::always(Reply::ok()))).await;
    assert_eq!(recorder.spans()[0].all(["server.address", "server.port"]), ["api.test", "443"]);
}

#[tokio::test]
async fn a_span_tells_what_the_call_came_to() {
    let give_up =
        |_: &midil_http::Attempt<'_>| RetryDecision::GiveUp { reason: GiveUpReason::Budget };
    let always = |reply: Reply| over(MockTransport::always(reply));
    let denied = || Reply::status(302).header("location", "http://api.test/");
    for (client, expected) in [
        (always(Reply::ok()), ["200", "-", "-"]),
        (always(Reply::status(304)), ["304", "-", "-"]),
        (always(Reply::status(404)), ["404", "-", "404"]),
        (always(Reply::status(503)), ["503", "-", "503"]),
        (always(Reply::status(503)).retry(up_to(3)), ["503", "2", "503"]),
        (always(Reply::status(503)).retry(give_up), ["503", "-", "RetryExhausted"]),
        (always(reset()), ["-", "-", "Transport"]),
        (always(reset()).retry(up_to(2)), ["-", "1", "Transport"]),
        (always(denied()), ["302", "-", "Redirect"]),
        (always(Reply::error(|| Error::custom("no"))), ["-", "-", "Custom"]),
    ] {
        let recorder = recorded(client).await;
        assert_eq!(recorder.spans()[0].all([STATUS, RESENDS, ERROR]), expected);
    }
}

#[tokio::test]
async fn a_span_tells_of_middlewares_own_outcome() {
    let short = middleware_fn(|_, _| Box::pin(std::future::ready(Err(Error::Closed))));
    let recorder = recorded(over(MockTransport::new()).middleware(short)).await;
    assert_eq!(recorder.spans()[0].all([STATUS, RESENDS, ERROR]), ["-", "-", "Closed"]);
    assert_eq!(recorder.attempts().len(), 0);
}

#[tokio::test]
async fn each_exchange_is_an_event() {
    let moved = Reply::status(307).header("location", "/b?page=2");
    let replies = [reset(), Reply::status(401), moved, Reply::status(503), Reply::ok()];
    let client = over(MockTransport::sequence(replies)).auth(Tokens::default()).retry(up_to(3));
    let recorder = recorded(client).await;
    let attempts: Vec<_> = recorder
        .attempts()
        .iter()
        .map(|event| event.all(["attempt", RESENDS, STATUS, ERROR, "url.full"]).map(str::to_owned))
        .collect();
    assert_eq!(
        attempts,
        [
            ["1", "0", "-", "Transport", "https://api.test/v1/a"],
            ["2", "1", "401", "-", "https://api.test/v1/a"],
            ["2", "2", "307", "-", "https://api.test/v1/a"], // the replay is no attempt
            ["2", "3", "503", "-", "https://api.test/b?…"],  // nor is a hop
            ["3", "4", "200", "-", "https://api.test/b?…"],
        ]
    );
    assert!(
        recorder.attempts().iter().all(|event| event.get("http.request.method") == Some("GET"))
    );
    assert_eq!(recorder.spans()[0].all([STATUS, RESENDS]), ["200", "4"]);
}

#[cfg(feature = "retry")]
#[tokio::test]
async fn a_hedge_is_an_exchange_and_no_attempt() {
    let (runtime, second) = (ManualRuntime::new(), Duration::from_secs(1));
    let slow = Reply::pending();
    let client = over(MockTransport::sequence([slow, Reply::ok()]))
        .runtime(runtime.clone())
        .attempt_middleware(midil_http::Hedge::new(second));
    let (recorder, client) = (Recorder::default(), client.build().expect("a good client"));
    let call = async {
        let send = client.get("/a").send();
        let time = async {
            runtime.wait_for_timers(1).await;
            runtime.advance(second);
        };
        futures_util::future::join(send, time).await.0
    };
    assert_eq!(recorder.listen(call).await.unwrap().attempts(), 1);
    let attempts: Vec<_> = recorder
        .attempts()
        .iter()
        .map(|event| event.all(["attempt", RESENDS, STATUS, ERROR]).map(str::to_owned))
        .collect();
    assert_eq!(attempts, [["1", "1", "200", "-"], ["1", "0", "-", "Cancelled"]]);
    assert_eq!(recorder.spans()[0].all([STATUS, RESENDS]), ["200", "1"]);
}

#[tokio::test]
async fn what_is_sent_for_the_rest_of_a_download_is_of_its_call() {
    let tagged = |status| Reply::status(status).header("etag", "\"v1\"");
    let rest = tagged(206).header("content-range", "bytes 5-11/12").body(", world");
    let short = tagged(200).header("content-length", "12").body("hello");
    let client = over(MockTransport::sequence([short, Reply::status(503), rest])).retry(up_to(3));
    let (recorder, client) = (Recorder::default(), client.build().expect("a good client"));
    let read = async { client.get("/a").resumable(true).send().await?.text().await };
    assert_eq!(recorder.listen(read).await.unwrap(), "hello, world");
    let attempts: Vec<_> = recorder
        .attempts()
        .iter()
        .map(|event| event.all(["attempt", RESENDS, STATUS]).map(str::to_owned))
        .collect();
    assert_eq!(attempts, [["1", "0", "200"], ["2", "1", "503"], ["3", "2", "206"]]);
    let events = recorder.events.lock().expect("nobody panics");
    assert!(events.iter().all(|event| event.within == Some("HTTP")));
    assert_eq!(recorder.spans()[0].all([STATUS, RESENDS]), ["200", "2"]);
}

#[tokio::test]
async fn what_middleware_sends_again_is_counted_as_sent() {
    let twice = middleware_fn(|request, next| {
        Box::pin(async move {
            let again = request.try_clone().expect("a body that can be sent twice");
            drop(next.run(request).await);
            next.run(again).await
        })
    });
    let recorder =
        recorded(over(MockTransport::always(Reply::ok())).attempt_middleware(twice)).await;
    let attempts = recorder.attempts();
    assert_eq!(attempts[0].all(["attempt", RESENDS]), ["1", "0"]);
    assert_eq!(attempts[1].all(["attempt", RESENDS]), ["1", "1"]);
    assert_eq!(recorder.spans()[0].get(RESENDS), Some("1"));
}

#[test]
fn an_attempt_that_times_out_is_an_event_too() {
    let (runtime, recorder) = (ManualRuntime::new(), Recorder::default());
    let client = over(MockTransport::always(Reply::pending()))
        .timeout(Duration::from_secs(1))
        .retry(up_to(2))
        .runtime(runtime.clone())
        .build()
        .unwrap();
    runtime.block_on(recorder.listen(client.get("/a").send())).unwrap_err();
    assert_eq!(recorder.spans()[0].all([RESENDS, ERROR]), ["1", "Timeout"]);
    let attempts = recorder.attempts();
    let attempts: Vec<_> = attempts.iter().map(|event| event.all(["attempt", ERROR])).collect();
    assert_eq!(attempts, [["1", "Timeout"], ["2", "Timeout"]]);
}

/// By the total timeout, by a hedge that won, or by a caller who lost interest.
#[test]
fn an_attempt_that_is_cut_short_is_an_event_too() {
    let (runtime, recorder) = (ManualRuntime::new(), Recorder::default());
    let client = over(MockTransport::always(Reply::pending()))
        .total_timeout(Duration::from_secs(1))
        .runtime(runtime.clone())
        .build()
        .unwrap();
    runtime.block_on(recorder.listen(client.get("/a").send())).unwrap_err();
    assert_eq!(recorder.spans()[0].all([RESENDS, ERROR]), ["-", "Timeout"]);
    let attempts = recorder.attempts();
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].all(["attempt", RESENDS, STATUS]), ["1", "0", "-"]);
    assert_eq!(attempts[0].get(ERROR), Some("Timeout"));
}

#[tokio::test]
async fn spans_lie_within_the_callers_and_events_within_them() {
    let recorder = Recorder::default();
    let client = over(MockTransport::always(Reply::ok())).build().unwrap();
    recorder
        .listen(async {
            let caller = tracing::info_span!("caller");
            tracing::Instrument::instrument(client.get("/a").send(), caller).await
        })
        .await
        .unwrap();
    let within: Vec<_> = recorder
        .everything()
        .iter()
        .map(|recorded| (recorded.metadata.name().to_owned(), recorded.within))
        .filter(|(name, _)| name != "caller")
        .collect();
    assert_eq!(within.len(), 2);
    assert_eq!(within[0], ("HTTP".to_owned(), Some("caller")));
    assert_eq!(within[1].1, Some("HTTP"));
}

#[tokio::test]
async fn each_call_has_a_span_of_its_own() {
    let client = over(MockTransport::always(Reply::ok())).build().unwrap();
    let recorder = Recorder::default();
    let calls = ["/a", "/b"].map(|path| client.get(path).send());
    recorder.listen(futures_util::future::join_all(calls)).await;
    let urls: Vec<_> =
        recorder.spans().iter().map(|span| span.get("url.full").unwrap().to_owned()).collect();
    assert_eq!(urls, ["https://api.test/v1/a", "https://api.test/v1/b"]);
}

#[tokio::test]
async fn spans_are_info_events_debug_and_both_are_ours() {
    let client = over(MockTransport::sequence([reset(), Reply::ok()])).retry(up_to(2));
    for recorded in recorded(client).await.everything() {
        let metadata = recorded.metadata;
        assert!(metadata.target().starts_with("midil"), "{metadata:?}");
        let level = if metadata.is_span() { Level::INFO } else { Level::DEBUG };
        assert_eq!(*metadata.level(), level, "{metadata:?}");
    }
}

/// Secret headers that are others each time, so that a 401 is replayed.
#[derive(Default)]
struct Changing(AtomicU32);

#[async_trait]
impl AuthNProvider for Changing {
    async fn get_token(&self) -> Result<AuthNToken, AuthError> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        Ok(AuthNToken::new(format!("{SECRET}-{number}")))
    }

    async fn get_headers(&self, _: &RequestHead) -> Result<AuthNHeaders, AuthError> {
        let key = (HeaderName::from_static("x-api-key"), HeaderValue::from_static(SECRET));
        Ok(AuthNHeaders::from_token(&self.get_token().await?)?.with(key.0, key.1))
    }
}

#[tokio::test]
async fn nothing_secret_is_recorded() {
    let secretive = |status: u16, location: &'static str| {
        Reply::status(status)
            .header("set-cookie", "session=hunter2")
            .header("location", location)
            .body("hunter2")
    };
    let replies = [
        reset(),
        secretive(401, "/"),
        secretive(307, "https://files.test/b?code=hunter2#hunter2"),
        secretive(503, "/"),
        secretive(307, "https://user:hunter2@files.test/"),
    ];
    let client = over(MockTransport::sequence(replies))
        .header("authorization", SECRET)
        .header("cookie", SECRET)
        .auth(Changing::default())
        .redirect(Redirect::any())
        .retry(up_to(2))
        .build()
        .unwrap();
    let recorder = Recorder::default();
    let request = client.post("/a?token=hunter2").header("proxy-authorization", SECRET);
    let request = request.query(&[("token", SECRET)]).cookie("session", SECRET).body(SECRET);
    recorder.listen(request.send()).await.unwrap();
    recorder.listen(client.get("https://user:hunter2@api.test/").send()).await.unwrap_err();

    let recorded = recorder.everything();
    // The call's span; five exchanges, one redirect that is followed, two retries, one 401.
    assert_eq!(recorded.len(), 1 + 5 + 1 + 2 + 1);
    let leaks: Vec<_> =
        recorded.iter().filter(|recorded| format!("{recorded:?}").contains(SECRET)).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
}
