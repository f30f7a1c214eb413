//! All that is logged at TRACE while calls go well and while they fail.
//!
//! What dependencies log is none of ours to change: it is printed (`--nocapture`), for SECURITY.md.

use std::collections::BTreeSet;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use midil_http::*;
use midil_http_test::fault_server::{FaultServer, Reply};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt;

use super::secrets::*;
use super::{assert_nothing, failures, service};
use crate::support::{every_thread_is_heard, up_to};

/// What was logged, a line for each span, record and event.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Line>>>);

struct Line {
    target: String,
    level: String,
    text: String,
}

impl Line {
    fn is_ours(&self) -> bool {
        self.target.starts_with("midil")
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.text, " {}={value:?}", field.name()).expect("text has room");
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        // The `log` crate's lines come through a bridge.
        if field.name() == "log.target" {
            value.clone_into(&mut self.target);
        }
        self.record_debug(field, &value);
        write!(self.text, " {value}").expect("text has room");
    }
}

impl Log {
    fn note(&self, metadata: &Metadata<'_>, visit: impl FnOnce(&mut Line)) {
        let mut line = Line {
            target: metadata.target().to_owned(),
            level: metadata.level().to_string(),
            text: metadata.name().to_owned(),
        };
        visit(&mut line);
        self.0.lock().expect("nobody panics").push(line);
    }
}

impl<S> Layer<S> for Log
where
    S: Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        self.note(attributes.metadata(), |line| attributes.record(line));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let metadata = context.metadata(id).expect("a span that is there");
        self.note(metadata, |line| values.record(line));
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.note(event.metadata(), |line| event.record(line));
    }
}

/// Everything that can be logged: all headers, and bodies to their end.
pub(super) fn all() -> Logging {
    let loud = Logging::new().all_headers().query_parameters(["page"]).request_bodies(1 << 20);
    loud.response_bodies(1 << 20).request_level(LogLevel::Trace)
}

/// Everything that spans can have.
pub(super) fn all_of_spans() -> TraceSettings {
    let secret =
        ["authorization", "cookie", "proxy-authorization", "x-api-key", "x-key", "location"];
    let secret = || secret.map(http::HeaderName::from_static);
    let settings =
        TraceSettings::new().query_parameters(["page"]).opt_in_attributes().exchange_spans();
    settings
        .request_headers(secret())
        .response_headers(secret().into_iter().chain([http::header::SET_COOKIE]))
}

/// A call that is rejected, retried and redirected, with all that it may hold, over real sockets; calls that are refused.
async fn calls() {
    let tokens = std::sync::atomic::AtomicUsize::new(0);
    let endpoint = FaultServer::respond_with(move |_| {
        let number = tokens.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let reply = Reply::ok(format!(r#"{{"access_token":"{TOKEN}{number}","expires_in":3600}}"#));
        reply.header("content-type", "application/json")
    });
    let away = FaultServer::always(Reply::ok(BODY).header("set-cookie", COOKIE));
    let location = format!("{}/b?token={}#{FRAGMENT}", away.url(), form_encoded(QUERY));
    let typed = |reply: Reply| reply.header("content-type", "application/json");
    let members = format!(
        r#"{{"password":"{PASSWORD}","user":{{"apiKey":["{API_KEY}"]}},"{TOKEN_KEY}":"{TOKEN}"}}"#
    );
    let home = FaultServer::start([
        typed(Reply::status(401)).header("set-cookie", COOKIE).body(BODY),
        typed(Reply::status(503)).header("set-cookie", COOKIE).chunked([members]),
        Reply::status(307)
            .header("location", location)
            .header("content-type", "text/plain")
            .body(BODY),
    ]);
    let transport = ReqwestTransport::try_new().expect("reqwest works here");
    let transport = LoggingTransport::new(transport, all());
    let credentials = ClientCredentials::builder(transport.clone())
        .token_url(format!("{}/token?key={}", endpoint.url(), form_encoded(QUERY)))
        .client_id(CLIENT_ID)
        .client_secret(CLIENT_SECRET)
        .parameter("password", PASSWORD)
        .header("x-api-key", API_KEY)
        .build()
        .expect("good settings");
    let client = HttpClient::builder(transport)
        .base_url(home.url())
        .header("proxy-authorization", BASIC_PASSWORD.replace('ü', "u"))
        .auth(credentials)
        .retry(up_to(3))
        .middleware(all())
        .attempt_middleware(all())
        .trace(all_of_spans())
        .redirect(Redirect::any());
    #[cfg(feature = "cookies")]
    let client = client.cookie_jar(CookieJar::new());
    let client = client.build().expect("a good client");
    let call = client.post(format!("/a?first={}", form_encoded(QUERY)));
    let call = call.query(&[("token", QUERY)]).cookie("session", COOKIE).body(BODY);
    let call = call.header("x-key", service::sensitive(API_KEY)).idempotent(true);
    let response = call.send().await.expect("a 200");
    assert_eq!((response.status().as_u16(), response.attempts()), (200, 2));
    assert_eq!((home.request_count(), endpoint.request_count()), (3, 2), "it went all the way");
    response.bytes().await.expect("a body");
    client.get(service::url().as_str()).send().await.expect_err("userinfo");
    let basic = BasicAuth::try_new(BASIC_USER, BASIC_PASSWORD).expect("a pair");
    let client = midil_http::client(away.url()).expect("reqwest works here").auth(basic);
    let client = client.middleware(all()).trace(all_of_spans()).build();
    client.expect("a good client").get("/").send().await.expect("a 200");
}

/// A name of a member that speaks of a secret, in letters and an escape.
const TOKEN_KEY: &str = r"acc\u0065ss_token";

/// Everything that is logged, by everybody.
fn everything() -> Vec<Line> {
    let log = Log::default();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    every_thread_is_heard();
    let listening = Registry::default().with(log.clone()).set_default();
    runtime.block_on(calls());
    failures::without_sockets();
    runtime.block_on(failures::over_sockets());
    #[cfg(feature = "redis")]
    runtime.block_on(failures::with_a_store());
    drop((runtime, listening));
    std::mem::take(&mut *log.0.lock().expect("nobody panics"))
}

#[test]
fn no_log_line_of_ours_shows_a_secret() {
    let lines = everything();
    let ours: Vec<_> = lines.iter().filter(|line| line.is_ours()).collect();
    let targets: BTreeSet<_> = ours.iter().map(|line| line.target.as_str()).collect();
    for target in ["midil_http", "midil_http::attempt", "midil_auth::cache", "midil_http::log"] {
        assert!(targets.contains(target), "nothing was heard of {target}: {targets:?}");
    }
    let body = |text: &str| {
        ours.iter().any(|line| line.target == "midil_http::log" && line.text.contains(text))
    };
    assert!(body(r#"{"password":"REDACTED","user":{"apiKey":"REDACTED"}"#), "bodies were captured");
    assert!(body("grant_type=client_credentials"), "those of token requests, too");
    assert!(ours.len() > 500, "{}", ours.len());
    let found: Vec<_> = ours
        .iter()
        .filter_map(|line| leaks(&format!("{} at {}", line.target, line.level), &line.text))
        .collect();
    assert_nothing(&found);

    // For SECURITY.md.
    let others: BTreeSet<_> = lines
        .iter()
        .filter(|line| !line.is_ours())
        .flat_map(|line| {
            let of = format!("{} at {}: ", line.target, line.level);
            shown_by(&line.text).into_iter().map(move |shown| of.clone() + &shown)
        })
        .collect();
    let heard: BTreeSet<_> = lines.iter().map(|line| line.target.as_str()).collect();
    println!("targets heard of: {heard:#?}\nsecrets that dependencies log: {others:#?}");
}
