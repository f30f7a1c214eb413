//! `Debug` and `Display` of every public type that can hold a secret.

use std::any::type_name;
use std::collections::BTreeSet;
use std::fmt::{Debug, Display};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use midil_http::*;
use midil_http_test::fault_server::{
    self, Authority, FaultServer, Http2Reply, Http2Server, ProxyScript, ProxyServer, Received,
    Script, Tls,
};
use midil_http_test::{ManualRuntime, MockTransport, Reply};

use super::secrets::*;
use super::{assert_nothing, service};
use crate::support::up_to;

/// What types look like: their name, and the text.
#[derive(Default)]
struct Shown(Vec<(&'static str, String)>);

impl Shown {
    /// Looks at a value of the type of that name.
    #[track_caller]
    fn debug<T: Debug>(&mut self, name: &'static str, value: &T) {
        let path = type_name::<T>();
        let own = path.split('<').next().unwrap_or(path);
        assert_eq!(own.rsplit("::").next(), Some(name), "{path}");
        self.0.extend([(name, format!("{value:?}")), (name, format!("{value:#?}"))]);
    }

    #[track_caller]
    fn both<T: Debug + Display>(&mut self, name: &'static str, value: &T) {
        self.debug(name, value);
        self.0.push((name, value.to_string()));
    }
}

/// The types that come with the feature `redis`, and are looked at where it is on.
pub(super) const OF_REDIS: [&str; 3] = ["MemoryTokenStore", "RedisTokenStore", "StoredToken"];

/// The types that come with the feature `multipart`, and are looked at where it is on.
pub(super) const OF_MULTIPART: [&str; 2] = ["Form", "Part"];
/// The same for `cookies`.
pub(super) const OF_COOKIES: [&str; 2] = ["Cookie", "CookieJar"];

/// The same for `otel`.
pub(super) const OF_OTEL: [&str; 3] = ["OtelMetrics", "OtelMetricsBuilder", "TraceContext"];

/// The transports, and services, that are looked at where their feature is on.
pub(super) const OF_BACKENDS: [(&str, bool); 4] = [
    ("HyperTransport", cfg!(feature = "hyper")),
    ("IsahcTransport", cfg!(feature = "isahc")),
    ("TowerTransport", cfg!(feature = "tower")),
    ("TransportService", cfg!(feature = "tower")),
];

/// The names of all types that are looked at.
pub(super) fn looked_at() -> BTreeSet<String> {
    all().0.into_iter().map(|(name, _)| name.to_owned()).collect()
}

fn all() -> Shown {
    let mut shown = Shown::default();
    requests(&mut shown);
    lives(&mut shown);
    responses_and_errors(&mut shown);
    batches_and_pages(&mut shown);
    retries(&mut shown);
    policies(&mut shown);
    credentials(&mut shown);
    events(&mut shown);
    #[cfg(feature = "otel")]
    metrics(&mut shown);
    #[cfg(feature = "redis")]
    stores(&mut shown);
    #[cfg(feature = "multipart")]
    forms(&mut shown);
    #[cfg(feature = "cookies")]
    cookies(&mut shown);
    observers(&mut shown);
    transports(&mut shown);
    doubles(&mut shown);
    shown
}

#[test]
fn no_type_shows_a_secret() {
    let found: Vec<_> =
        all().0.iter().filter_map(|(name, text)| leaks(&format!("`{name}`"), text)).collect();
    assert_nothing(&found);
}

fn requests(shown: &mut Shown) {
    let mock = MockTransport::always(Reply::ok());
    let client = service::client(mock.clone(), ManualRuntime::new()).build().expect("a client");
    shown.debug("HttpClient", &client);
    let with_problem = service::client(mock.clone(), ManualRuntime::new())
        .allow_origin(service::url().as_str())
        .header("x-key", format!("{API_KEY}\n"));
    shown.debug("HttpClientBuilder", &with_problem);
    shown.debug("RequestBuilder", &service::request(&client, "/a"));
    shown.debug("RequestBuilder", &client.get(service::url().as_str()));
    shown.debug("RequestBuilder", &client.get("/a").cookie("session", format!("{COOKIE} ;")));
    shown.debug("RequestBuilder", &client.get("/a").header("x-key", format!("{API_KEY}\n")));
    let built = service::request(&client, "/a").build().expect("a request");
    for request in [built, service::unmarked()] {
        shown.debug("Request", &request);
        shown.both("RequestHead", request.head());
        shown.debug("Body", request.body());
    }
    for body in [
        Body::from(BODY),
        Body::replayable(None, || futures_util::stream::iter([Ok::<_, Error>(BODY)])),
        Body::stream(futures_util::stream::iter([Ok::<_, Error>(BODY)])),
    ] {
        shown.debug("Body", &body);
    }
    shown.debug("Next", &Next::new(&mock));
    let secret = API_KEY.to_owned();
    shown.debug(
        "MiddlewareFn",
        &middleware_fn(move |request: Request, next| {
            assert!(!secret.is_empty());
            Box::pin(next.run(request))
        }),
    );
    let mut settings = CallSettings::default();
    settings.retry = Some(RetryChoice::Strategy(Arc::new(up_to(3))));
    shown.debug("CallSettings", &settings);
    shown.debug("RetryChoice", &RetryChoice::Never);
    let secret = SecretSetting::from(API_KEY);
    shown.debug("SecretSetting", &secret);
    let url = UrlSetting::from(service::url().as_str());
    shown.debug("UrlSetting", &url);
    let auth = AuthConfig::basic(API_KEY, API_KEY)
        .client_secret(API_KEY)
        .key(API_KEY)
        .token(API_KEY)
        .token_url(service::url().as_str())
        .parameters([("password", API_KEY)]);
    shown.debug("PairsSetting", auth.parameters.as_ref().expect("it is set"));
    shown.debug("AuthConfig", &auth);
    let transport =
        TransportConfig::new().proxy(url).proxy_username(API_KEY).proxy_password(secret);
    shown.debug("TransportConfig", &transport);
    let whole = HttpConfig::builder().auth(auth).transport(transport);
    shown.debug("HttpConfigBuilder", &whole);
    let config = HttpConfig::builder().base_url(service::url().as_str());
    shown.debug("HttpConfigBuilder", &config);
    let config = config.build().or_else(|_| HttpConfig::builder().base_url(service::BASE).build());
    shown.debug("HttpConfig", &config.expect("a good configuration"));
}

/// What is told of calls that were cut off, and who judges, names or numbers them.
fn lives(shown: &mut Shown) {
    let runtime = ManualRuntime::new();
    let client = service::client(MockTransport::always(Reply::pending()), runtime.clone());
    let client = client.build().expect("a client");
    let report = runtime.block_on(async {
        let call = service::request(&client, "/a").send();
        tokio::join!(call, client.close_within(Duration::ZERO)).1
    });
    shown.both("CloseReport", &report);
    shown.both("DroppedCall", &report.dropped()[0]);

    let secret = || API_KEY.to_owned();
    shown.debug("RequestId", &RequestId::new().generator(secret));
    shown.debug("IdempotencyKeys", &IdempotencyKeys::new().generator(secret));
    let validation = Validation::new(move |_| if secret().is_empty() { Err("no") } else { Ok(()) });
    shown.debug("Validation", &validation);
    // An id is there to be seen, but for one that its caller has marked.
    let client = service::client(MockTransport::always(Reply::ok()), runtime.clone());
    let client = client.middleware(RequestId::new()).build().expect("a client");
    let mut id = http::HeaderValue::from_static(TOKEN);
    id.set_sensitive(true);
    let call = client.get("/a").header("x-request-id", id).send();
    let response = runtime.block_on(call).expect("a 200");
    shown.debug("CallId", response.extensions().get::<CallId>().expect("each call has one"));
}

fn responses_and_errors(shown: &mut Shown) {
    let runtime = ManualRuntime::new();
    let reply =
        || Reply::from_fn(|_| Ok(service::response().body(Body::from(BODY)).expect("valid")));
    let client = service::client(MockTransport::always(reply()), runtime.clone());
    let client = client.redirect(Redirect::none()).build().expect("a client");
    let get = || runtime.block_on(service::request(&client, "/a").send()).expect("a response");
    shown.debug("Response", &get());
    shown.debug("ChunkStream", &get().stream());
    let mut reader = get().reader();
    let mut start = [0; 4];
    let read = futures_util::AsyncReadExt::read(&mut reader, &mut start);
    assert_eq!(runtime.block_on(read).expect("a body"), 4);
    shown.debug("BodyReader", &reader);
    let save = get().save(std::env::temp_dir());
    let Err(Error::File(file)) = runtime.block_on(save) else { panic!("a directory") };
    shown.both("FileError", &file);
    let status = runtime.block_on(get().error_for_status()).expect_err("a 503");
    shown.both("Error", &status);
    let Error::Status(status) = status else { panic!("{status:?}") };
    shown.both("StatusError", &status);
    let Err(Error::Decode(decode)) = runtime.block_on(get().json::<u32>()) else { panic!("JSON?") };
    shown.both("DecodeError", &decode);
    let give_up = |_: &Attempt<'_>| RetryDecision::GiveUp { reason: GiveUpReason::Budget };
    let call = service::request(&client, "/a").retry(give_up).send();
    let Err(Error::RetryExhausted(exhausted)) = runtime.block_on(call) else { panic!("no error") };
    shown.both("RetryExhausted", &exhausted);
    shown.debug("LastOutcome", exhausted.last());
    shown.both("GiveUpReason", exhausted.reason());
    let refused = client.get(service::url().as_str()).build().expect_err("userinfo");
    let Error::Build(build) = &refused else { panic!("{refused:?}") };
    shown.both("BuildError", build);
    let downgrade = format!("http://api.test/v1/a?token={}#{FRAGMENT}", form_encoded(QUERY));
    let moved = Reply::status(302).header("location", downgrade);
    let client = service::client(MockTransport::always(moved), runtime.clone()).build();
    let call = service::request(&client.expect("a client"), "/a").send();
    let Err(Error::Redirect(redirect)) = runtime.block_on(call) else { panic!("a downgrade") };
    shown.both("RedirectError", &redirect);
    let large = service::client(MockTransport::always(reply()), runtime.clone());
    let large = large.redirect(Redirect::none()).max_response_bytes(1).build().expect("a client");
    let read =
        runtime.block_on(async { service::request(&large, "/a").send().await?.bytes().await });
    let Err(Error::Limit(limit)) = read else { panic!("{read:?}") };
    shown.both("LimitError", &limit);
    let hanging = service::client(MockTransport::always(Reply::pending()), runtime.clone());
    let hanging = hanging.build().expect("a client");
    let Err(Error::Timeout(timeout)) = runtime.block_on(service::request(&hanging, "/a").send())
    else {
        panic!("no timeout")
    };
    shown.both("TimeoutError", &timeout);
    // What these say is the caller's; what they add must be nothing.
    shown.both("BodyError", &BodyError::new("the sensor was unplugged"));
    shown.both(
        "TransportError",
        &TransportError::new(TransportErrorKind::Reset, Sent::Maybe, "it was reset"),
    );
}

fn batches_and_pages(shown: &mut Shown) {
    let runtime = ManualRuntime::new();
    let next = format!("<{}>; rel=next", service::url_text("https", "api.test"));
    let reply = move |_: &midil_http_test::RecordedRequest| {
        let page = service::response().status(200).header("link", next.clone());
        Ok(page.body(Body::from(format!("[\"{BODY}\"]"))).expect("valid"))
    };
    let client = service::client(MockTransport::always(Reply::from_fn(reply)), runtime.clone());
    let client = client.build().expect("a client");
    let batch = || client.batch([service::request(&client, "/a")]);
    shown.debug("Batch", &batch());
    shown.debug("BatchStream", &batch().stream());
    shown.debug("BatchCompletions", &batch().as_completed());

    let cursor = PageCursor::new()
        .with_url(service::url().as_str())
        .with_query("token", QUERY)
        .with_header("x-token", TOKEN)
        .with_json("/token", TOKEN)
        .expect("a text is JSON");
    shown.debug("PageCursor", &cursor);
    let paginate = || client.paginate(service::request(&client, "/a"));
    shown.debug("Paginate", &paginate().resume(cursor));
    let mut pages = paginate().pages();
    let page = runtime.block_on(futures_util::StreamExt::next(&mut pages));
    shown.debug("Page", &page.expect("a page").expect("a good one"));
    shown.debug("Pages", &pages);
    let mut items = paginate().items::<String>();
    runtime.block_on(futures_util::StreamExt::next(&mut items)).expect("an item").expect("a text");
    shown.debug("PageItems", &items);
    let Some(Err(Error::Page(error))) = runtime.block_on(futures_util::StreamExt::next(&mut items))
    else {
        panic!("userinfo in the next link")
    };
    shown.both("PageError", &error);
    shown.debug("JsonLink", &JsonLink::at("/next"));
    shown.debug("LinkHeader", &LinkHeader::new());
    shown.debug("OffsetLimit", &OffsetLimit::new("offset"));
    shown.debug("PageNumber", &PageNumber::new("page"));
    shown.debug("PageToken", &PageToken::at("/next"));
}

fn retries(shown: &mut Shown) {
    let request = service::unmarked();
    let (head, ()) = service::response().body(()).expect("valid").into_parts();
    let exhausted = Error::from(RetryExhausted::new(
        3,
        Duration::from_secs(1),
        GiveUpReason::Attempts,
        LastOutcome::Response(service::response().body(BODY.into()).expect("valid")),
    ));
    for outcome in [Outcome::Response(&head), Outcome::Error(&exhausted)] {
        shown.debug("Outcome", &outcome);
        shown.debug("Attempt", &Attempt::new(request.head(), outcome));
    }
    shown.debug("RetryDecision", &RetryDecision::GiveUp { reason: GiveUpReason::Attempts });

    // Events are made by the loop alone.
    let events = Arc::new(Mutex::new(Shown::default()));
    let note = Arc::clone(&events);
    let hook = move |event: &mut RetryEvent<'_>| {
        let mut shown = note.lock().expect("nobody panics");
        shown.debug("RetryEvent", event);
        shown.debug("OwnedRetryEvent", &OwnedRetryEvent::from(&*event));
    };
    let strategy = DefaultRetryStrategy::builder().on_retry(hook);
    shown.debug("DefaultRetryStrategyBuilder", &strategy);
    let strategy = strategy.build().expect("a good strategy");
    shown.debug("DefaultRetryStrategy", &strategy);
    let runtime = ManualRuntime::new();
    let reply = Reply::from_fn(|_| Ok(service::response().body(Body::from(BODY)).expect("valid")));
    let mock = MockTransport::sequence([reply, Reply::ok()]);
    let client = service::client(mock.clone(), runtime.clone()).retry(strategy.clone()).build();
    runtime.block_on(service::request(&client.expect("a client"), "/a").send()).expect("a 200");
    let events = std::mem::take(&mut *events.lock().expect("nobody panics"));
    assert_eq!(events.0.len(), 4);
    shown.0.extend(events.0);

    let strategy = ConditionalRetryStrategy::builder(|_: &Attempt<'_>| true);
    shown.debug("ConditionalRetryStrategyBuilder", &strategy);
    shown.debug("ConditionalRetryStrategy", &strategy.build().expect("a good strategy"));
    shown.debug("RetryTransport", &RetryTransport::new(mock, up_to(3)));
    let secret = API_KEY.to_owned();
    shown.debug(
        "AsyncRetryHook",
        &async_retry_hook(move |event: OwnedRetryEvent| {
            assert!(!secret.is_empty());
            async move { event.request }
        }),
    );
    let random = Random::seeded(7);
    shown.debug("RetryLoop", &RetryLoop::new(&up_to(3), &runtime, &random));
}

/// What the default key shows of a URL is its origin.
fn policies(shown: &mut Shown) {
    let changes = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&changes);
    let breaker = CircuitBreaker::builder().failure_threshold(1).on_state_change(
        move |change: &StateChange| note.lock().expect("nobody panics").push(change.clone()),
    );
    shown.debug("CircuitBreakerBuilder", &breaker);
    let breaker = breaker.build().expect("a good breaker");
    let bulkhead = Bulkhead::builder();
    shown.debug("BulkheadBuilder", &bulkhead);
    let bulkhead = bulkhead.build().expect("a good bulkhead");
    let rate = RateLimit::builder(100, Duration::from_secs(1));
    shown.debug("RateLimitBuilder", &rate);
    let rate = rate.build().expect("a good rate limit");
    let hedge = Hedge::builder().max_delay(Duration::from_secs(1));
    shown.debug("HedgeBuilder", &hedge);
    let hedge = hedge.build().expect("a good hedge");

    let runtime = ManualRuntime::new();
    let reply = Reply::from_fn(|_| Ok(service::response().body(Body::from(BODY)).expect("valid")));
    let mock = MockTransport::always(reply);
    let client = service::client(mock.clone(), runtime.clone())
        .attempt_middleware(bulkhead.clone())
        .attempt_middleware(rate.clone())
        .attempt_middleware(breaker.clone())
        .attempt_middleware(hedge.clone());
    let client = client.build().expect("a client");
    let send = || runtime.block_on(service::request(&client, "/a").send());
    drop(send());
    shown.both("Error", &send().expect_err("the circuit is open"));
    shown.debug("CircuitBreaker", &breaker);
    shown.debug("Bulkhead", &bulkhead);
    shown.debug("RateLimit", &rate);
    shown.debug("Hedge", &hedge);
    for change in &*changes.lock().expect("nobody panics") {
        shown.debug("StateChange", change);
    }
    for (key, state) in breaker.states() {
        shown.debug("CircuitState", &state);
        shown.0.push(("CircuitState", key.to_string()));
    }
    for (key, state) in bulkhead.states() {
        shown.debug("BulkheadState", &state);
        shown.0.push(("BulkheadState", key.to_string()));
    }
    for (key, state) in rate.states(runtime.now()) {
        shown.debug("RateLimitState", &state);
        shown.0.push(("RateLimitState", key.to_string()));
    }
    shown.debug("Standard", &standard().breaker(breaker.clone()));
    for (key, state) in hedge.states() {
        shown.debug("HedgeState", &state);
        shown.0.push(("HedgeState", key.to_string()));
    }
    shown.debug("MiddlewareTransport", &MiddlewareTransport::new(mock, breaker));
}

fn credentials(shown: &mut Shown) {
    shown.debug("Secret", &Secret::from(CLIENT_SECRET));
    shown.debug("SecretSource", &SecretSource::from(CLIENT_SECRET));
    shown.debug("SecretSource", &SecretSource::file("/var/run/secrets/client"));
    shown.debug("AuthNToken", &service::token());
    shown.debug("AuthNHeaders", &service::headers());
    shown.debug("ApiKey", &ApiKey::try_new("x-api-key", API_KEY).expect("a key"));
    shown.debug("BasicAuth", &BasicAuth::try_new(BASIC_USER, BASIC_PASSWORD).expect("a pair"));
    let one = StaticToken::try_new(TOKEN).expect("a token");
    shown.debug("StaticToken", &one);
    let several = PerOrigin::builder()
        .origin(service::url().as_str(), one.clone())
        .origin(format!("https://api.test?token={}", form_encoded(QUERY)), one.clone());
    shown.debug("PerOriginBuilder", &several);
    let several = PerOrigin::builder()
        .origin(format!("https://api.test/?token={}", form_encoded(QUERY)), one.clone())
        .fallback(one)
        .build();
    shown.debug("PerOrigin", &several.expect("good origins"));

    let runtime = ManualRuntime::new();
    let builder = TokenCache::builder(|| async { Ok(service::token()) }).runtime(runtime.clone());
    shown.debug("TokenCacheBuilder", &builder);
    let cache = builder.build().expect("a cache");
    runtime.block_on(cache.warm_up()).expect("a token");
    shown.debug("TokenCache", &cache);
    shown.debug("CacheStatus", &cache.status());

    let echo = format!(
        r#"{{"error":"invalid_client","error_description":"no {CLIENT_ID} with {CLIENT_SECRET}"}}"#
    );
    let answer = format!(r#"{{"access_token":"{TOKEN}","expires_in":3600}}"#);
    for (status, answer) in [(200, answer), (401, echo)] {
        for method in [ClientAuthMethod::Basic, ClientAuthMethod::Post] {
            let mock = MockTransport::always(Reply::status(status).body(answer.clone()));
            let builder = service::credentials(mock, method, &runtime);
            shown.debug("ClientCredentialsBuilder", &builder);
            let credentials = builder.build().expect("good settings");
            let outcome = runtime.block_on(credentials.warm_up());
            shown.debug("ClientCredentials", &credentials);
            shown.debug("CacheStatus", &credentials.status());
            if let Err(error) = outcome {
                shown.both("AuthError", &error);
            }
        }
    }
    let cognito = CognitoClientCredentialsAuthenticator::builder(MockTransport::new())
        .domain("pool.auth.eu-west-1.amazoncognito.com")
        .client_id(CLIENT_ID)
        .client_secret(CLIENT_SECRET)
        .aws_client_metadata("password", PASSWORD);
    shown.debug("ClientCredentialsBuilder", &cognito);
    shown.debug("CognitoClientCredentialsAuthenticator", &cognito.build().expect("good settings"));
}

/// What observers are told, of a call with all there is in it.
fn events(shown: &mut Shown) {
    let events = Arc::new(Mutex::new(Shown::default()));
    let note = Arc::clone(&events);
    let observer = move |event: &Event<'_>| {
        let mut shown = note.lock().expect("nobody panics");
        shown.debug("Event", event);
        match event {
            Event::CallStarted(call) => {
                shown.debug("CallStarted", call);
                shown.debug("Target", &call.target);
            }
            Event::CallEnded(call) => {
                shown.debug("CallEnded", call);
                shown.debug("Ended", &call.ended);
            }
            Event::CallClosed(call) => shown.debug("CallClosed", call),
            Event::RequestStarted(request) => shown.debug("RequestStarted", request),
            Event::RequestEnded(request) => shown.debug("RequestEnded", request),
            Event::RequestClosed(request) => shown.debug("RequestClosed", request),
            Event::RetryScheduled(retry) => shown.debug("RetryScheduled", retry),
            Event::RetryGivenUp(retry) => shown.debug("RetryGivenUp", retry),
            Event::TokenUsed(token) => shown.debug("TokenUsed", token),
            _ => {}
        }
    };
    let runtime = ManualRuntime::new();
    let reply = Reply::from_fn(|_| Ok(service::response().body(Body::from(BODY)).expect("valid")));
    let cache = TokenCache::builder(|| async { Ok(service::token()) }).runtime(runtime.clone());
    let client = service::client(MockTransport::always(reply), runtime.clone())
        .auth(cache.build().expect("a cache"))
        .retry(|attempt: &Attempt<'_>| match attempt.number {
            1 => RetryDecision::Retry { after: Duration::ZERO },
            _ => RetryDecision::GiveUp { reason: GiveUpReason::Budget },
        })
        .observer(observer)
        .build()
        .expect("a client");
    shown.debug("HttpClient", &client);
    drop(runtime.block_on(service::request(&client, "/a").send()));
    drop(runtime.block_on(client.get("/a").send())); // with the provider's credentials
    drop(client);
    shown.0.append(&mut events.lock().expect("nobody panics").0);

    let request = service::unmarked();
    let head = request.head();
    let queued = QueueEnded::new(head, "bulkhead", Duration::ZERO, QueueOutcome::Admitted);
    shown.debug("QueueEnded", &queued);
    shown.debug("HedgeSent", &HedgeSent::new(head));
    shown.debug("HedgeWon", &HedgeWon::new(head));
    shown.debug("CircuitChanged", &CircuitChanged::new("https://api.test", "closed", "open"));
    let error = AuthError::new(AuthErrorKind::Rejected, "it was refused");
    shown.debug("TokenFetched", &TokenFetched::new("token", Duration::ZERO, Err(&error)));
}

#[cfg(feature = "otel")]
fn metrics(shown: &mut Shown) {
    shown.debug("OtelMetricsBuilder", &OtelMetrics::builder());
    shown.debug("OtelMetrics", &OtelMetrics::new());
}

#[cfg(feature = "redis")]
fn stores(shown: &mut Shown) {
    let store = MemoryTokenStore::with_runtime(ManualRuntime::new());
    let runtime = ManualRuntime::new();
    let save = store.save("name", TOKEN.as_bytes(), Duration::from_secs(60));
    runtime.block_on(save).expect("it is memory");
    shown.debug("MemoryTokenStore", &store);
    let stored = runtime.block_on(store.load("name")).expect("it is memory");
    shown.debug("StoredToken", &stored.expect("it is there"));
    let url = format!("redis://{USER}:{PASSWORD}@localhost/0");
    let store = RedisTokenStore::try_new(&url).expect("a good URL");
    shown.debug("RedisTokenStore", &store);
    shown.debug("RedisTokenStore", &store.with_prefix("test:"));
}

#[cfg(feature = "multipart")]
fn forms(shown: &mut Shown) {
    let part = || Part::text(BODY).file_name(format!("{USER}.txt")).header("x-key", TOKEN);
    shown.debug("Part", &part());
    shown.debug("Part", &part().header("x-key", format!("{TOKEN}\n")));
    let form = Form::new().text(USER, PASSWORD).part("file", part());
    shown.debug("Form", &form);
    shown.debug("Body", &Body::try_from(form).expect("a good form"));
    let refused = Body::try_from(Form::new().part("file", part().mime(format!("{TOKEN}\0"))));
    shown.both("Error", &refused.expect_err("NUL"));
}

#[cfg(feature = "cookies")]
fn cookies(shown: &mut Shown) {
    let jar = CookieJar::with_runtime(ManualRuntime::new());
    jar.add("https://api.test/", &format!("session={COOKIE}; Secure")).expect("a good cookie");
    shown.debug("CookieJar", &jar);
    shown.debug("Cookie", &jar.iter().next().expect("it is there"));
    shown.debug("Secret", &jar.to_json_with_session());
    let client = service::client(MockTransport::always(Reply::ok()), ManualRuntime::new());
    let client = client.cookie_jar(jar.clone());
    shown.debug("HttpClientBuilder", &client);
    shown.debug("HttpClient", &client.build().expect("a client"));
    for refused in [format!("{COOKIE}; Domain=com"), format!("{COOKIE}\u{7}"), COOKIE.repeat(500)] {
        let error = jar.add(service::url(), &format!("session={refused}")).expect_err("bad");
        shown.both("Error", &error);
    }
    let json = jar.to_json_with_session();
    for (from, to) in
        [("\"/\"", "\"x\""), ("null", "\"soon\""), ("}]}", "}"), ("api.test", "com/x")]
    {
        let bad = json.expose().replace(from, to);
        shown.both("Error", &CookieJar::from_json(&bad).expect_err("bad"));
    }
}

/// What is told to show things tells of itself which, and of none of them what they hold.
fn observers(shown: &mut Shown) {
    let settings = TraceSettings::new().query_parameters(["page"]).opt_in_attributes();
    shown.debug("TraceSettings", &settings.request_headers([http::header::AUTHORIZATION]));
    shown.debug("ExchangeSpan", &ExchangeSpan::new(TraceSettings::new().full_query()));
    let secret = TOKEN.to_owned();
    let logging = Logging::new().all_headers().response_bodies(9);
    let logging = logging.redact_bodies(move |_, text| Some(text.replace(&secret, "")));
    shown.debug("Logging", &logging);
    #[cfg(feature = "otel")]
    shown.debug("TraceContext", &TraceContext::new().to_any_origin());
}

fn transports(shown: &mut Shown) {
    let builder = ReqwestTransport::builder().root_certificate(BODY);
    shown.debug("TransportBuilder", &builder);
    let mut settings = TransportSettings::default();
    settings.root_certificates.push(BODY.into());
    let proxy = Proxy::try_new(&format!("http://{USER}:{PASSWORD}@proxy.test:3128/?{FRAGMENT}"));
    let proxy = proxy.expect("a good proxy");
    shown.debug("Proxy", &proxy);
    settings.proxy = ProxySettings::Explicit(proxy.basic_auth(BASIC_USER, BASIC_PASSWORD));
    shown.debug("ProxySettings", &settings.proxy);
    shown.debug("ProxyMatcher", &settings.proxy.matcher().expect("a good proxy"));
    let refused = Proxy::try_new(&format!("socks5://{USER}:{PASSWORD}@proxy.test"));
    shown.both("Error", &refused.expect_err("no proxy over http"));
    settings.client_certificate = Some(ClientCertificate::from_pem(BODY, CLIENT_SECRET));
    shown.debug("ClientCertificate", &settings.client_certificate.clone().expect("just set"));
    shown.debug("TransportSettings", &settings);
    shown.debug("ReqwestTransport", &ReqwestTransport::try_new().expect("reqwest works here"));
    #[cfg(feature = "hyper")]
    shown.debug("HyperTransport", &HyperTransport::try_new().expect("hyper works here"));
    #[cfg(feature = "isahc")]
    shown.debug("IsahcTransport", &IsahcTransport::try_new().expect("isahc works here"));
    #[cfg(feature = "tower")]
    {
        let secret = TOKEN.to_owned();
        let service = TransportService::new(move |_: Request| {
            assert!(!secret.is_empty());
            async { Ok(http::Response::new(Body::empty())) }
        });
        shown.debug("TransportService", &service);
        shown.debug("TowerTransport", &TowerTransport::new(service));
    }
}

/// Test doubles are printed by tests, whose logs are read by many.
fn doubles(shown: &mut Shown) {
    let runtime = ManualRuntime::new();
    let secret = TOKEN.to_owned();
    runtime.spawn(Box::pin(async move { drop(secret) }));
    shown.debug("ManualRuntime", &runtime);
    let mock = MockTransport::new();
    let reply = Reply::ok().header("set-cookie", COOKIE).body(BODY);
    shown.debug("Reply", &reply);
    let expected = mock.on(http::Method::POST, "/v1/a").reply(reply);
    let client = service::client(mock.clone(), runtime.clone()).build().expect("a client");
    runtime.block_on(service::request(&client, "/a").send()).expect("a 200");
    shown.debug("MockTransport", &mock);
    shown.debug("Expectation", &expected);
    shown.both("RecordedRequest", &mock.requests()[0]);

    let reply =
        || fault_server::Reply::ok(BODY).header("set-cookie", COOKIE).trailer("x-token", TOKEN);
    shown.debug("Reply", &reply());
    shown.debug("Reply", &reply().interim(103, [("set-cookie", COOKIE)]));
    shown.debug("Reply", &fault_server::Reply::raw(BODY));
    shown.debug("Reply", &fault_server::Reply::status(503).chunked([BODY]));
    shown.debug("Script", &Script::always(reply()));
    servers(shown);
    let server = FaultServer::start([reply(), fault_server::Reply::raw(BODY)]);
    let observed = exchange(&server, ReqwestTransport::builder());
    shown.debug("FaultServer", &server);
    let requests = server.requests();
    let received: &Received = &requests[0];
    assert!(received.target().contains("zq7query") && received.header("cookie").is_some());
    shown.debug("Received", received);
    shown.0.push(("Observed", observed));
}

/// The servers that do more than answer over plain HTTP/1.1.
fn servers(shown: &mut Shown) {
    let script = ProxyScript::new().basic_auth(USER, PASSWORD);
    shown.debug("ProxyScript", &script);
    shown.debug("ProxyServer", &ProxyServer::start(script));
    let reply = || Http2Reply::ok(BODY).header("set-cookie", COOKIE).trailer("x-token", TOKEN);
    shown.debug("Http2Reply", &reply());
    shown.debug("Http2Server", &Http2Server::start(Script::always(reply())));
    shown.debug("Authority", Authority::shared());
    let tls = Tls::good();
    shown.debug("Tls", &tls);
    let reply = fault_server::Reply::ok(BODY).header("set-cookie", COOKIE);
    let server = FaultServer::start_tls(Script::always(reply), &tls);
    let builder = ReqwestTransport::builder().root_certificate(server.root_certificate_pem());
    let observed = exchange(&server, builder);
    shown.0.push(("Observed", observed));
    shown.debug("FaultServer", &server);
    shown.debug("Handshake", server.requests()[0].handshake().expect("it was over TLS"));
}

/// Sends all there is over a real socket; what the server observed.
fn exchange(server: &FaultServer, transport: TransportBuilder<ReqwestTransport>) -> String {
    let transport = transport.build().expect("reqwest works here");
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let client = service::client(transport, DefaultRuntime::new()).base_url(server.url());
    let client = client.build().expect("a client");
    runtime.block_on(service::request(&client, "/a").send()).expect("a 200");
    drop(client);
    let seen = Mutex::new(String::new());
    server.wait_until(|observed| {
        *seen.lock().expect("nobody panics") = format!("{observed} {observed:?}");
        observed.request_count() > 0
    });
    seen.into_inner().expect("nobody panics")
}
