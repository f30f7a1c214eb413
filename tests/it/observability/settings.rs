//! What is recorded beyond what the conventions require.

use http::header;
use midil_http::TraceSettings;

use super::*;

fn named(name: &'static str) -> HeaderName {
    HeaderName::from_static(name)
}

/// What a GET with a query and some headers is recorded as.
async fn traced(settings: TraceSettings) -> Recorder {
    let reply = Reply::ok().header("x-cache", "hit").header("x-cache", "warm").body("hello");
    let reply = reply.header("content-length", "5").header("set-cookie", "session=hunter2");
    let client = over(MockTransport::always(reply))
        .header("x-team", "orders")
        .header("x-api-key", SECRET)
        .auth(Changing::default())
        .trace(settings)
        .build()
        .unwrap();
    let recorder = Recorder::default();
    let request = client.get("/a?page=2&token=hunter2").cookie("session", SECRET).body("{}");
    recorder.listen(request.send()).await.unwrap();
    recorder
}

#[tokio::test]
async fn headers_that_are_listed_are_recorded() {
    let settings = TraceSettings::new()
        .request_headers([named("x-team"), named("x-absent"), header::CONTENT_TYPE])
        .response_headers([named("x-cache")]);
    let recorder = traced(settings).await;
    let span = &recorder.spans()[0];
    assert_eq!(
        span.all([
            "http.request.header.x-team",
            "http.request.header.x-absent",
            "http.request.header.content-type",
            "http.response.header.x-cache",
            "http.response.header.content-length",
        ]),
        ["orders", "-", "application/json", "hit, warm", "-"]
    );
    // All else is what it is without.
    let names = ["otel.name", "http.request.method", "url.full", STATUS, "otel.kind"];
    assert_eq!(span.all(names), ["GET", "GET", "https://api.test/v1/a?…", "200", "client"]);
}

#[tokio::test]
async fn headers_of_each_exchange_are_on_its_span() {
    let settings = TraceSettings::new().response_headers([named("x-try")]).exchange_spans();
    let replies = ["1", "2"].map(|number| Reply::status(503).header("x-try", number));
    let client = over(MockTransport::sequence(replies)).trace(settings).retry(up_to(2));
    let recorder = recorded(client).await;
    let tries: Vec<_> = recorder.exchanges().into_iter().map(|one| one.fields).collect();
    assert_eq!(tries[0].get("http.response.header.x-try"), Some("1"));
    assert_eq!(tries[1].get("http.response.header.x-try"), Some("2"));
}

#[tokio::test]
async fn secrets_are_sensitive_though_they_are_listed() {
    let secrets = ["authorization", "cookie", "x-api-key"].map(named);
    let settings = TraceSettings::new().request_headers(secrets).full_query();
    let settings = settings.response_headers([header::SET_COOKIE]).opt_in_attributes();
    let recorder = traced(settings).await;
    let span = &recorder.spans()[0];
    for name in
        ["request.header.authorization", "request.header.cookie", "request.header.x-api-key"]
    {
        assert_eq!(span.get(&format!("http.{name}")), Some("Sensitive"), "{name}");
    }
    assert_eq!(span.get("http.response.header.set-cookie"), Some("Sensitive"));
    assert!(!format!("{:?}", recorder.everything()).contains(SECRET));
}

#[tokio::test]
async fn the_query_is_shown_as_far_as_it_is_asked_for() {
    for (settings, expected) in [
        (TraceSettings::new(), "https://api.test/v1/a?…"),
        (
            TraceSettings::new().query_parameters(["page"]),
            "https://api.test/v1/a?page=2&token=REDACTED",
        ),
        (TraceSettings::new().full_query(), "https://api.test/v1/a?page=2&token=REDACTED"),
    ] {
        let recorder = traced(settings).await;
        assert_eq!(recorder.spans()[0].get("url.full"), Some(expected));
        assert_eq!(recorder.attempts()[0].get("url.full"), Some(expected));
    }
}

#[tokio::test]
async fn what_is_left_to_choice_is_recorded_when_it_is_chosen() {
    let names =
        ["url.scheme", "user_agent.original", "http.request.body.size", "http.response.body.size"];
    let recorder = traced(TraceSettings::new().opt_in_attributes()).await;
    let agent = concat!("midil-http/", env!("CARGO_PKG_VERSION"));
    assert_eq!(recorder.spans()[0].all(names), ["https", agent, "2", "5"]);
    assert_eq!(traced(TraceSettings::new()).await.spans()[0].all(names), ["-"; 4]);
}

/// A callsite is made once for the same headers, and whoever listens later hears of it as well.
#[tokio::test]
async fn clients_that_record_headers_can_be_many() {
    let client = || {
        let settings =
            TraceSettings::new().request_headers([named("x-b"), named("x-a"), named("x-b")]);
        over(MockTransport::always(Reply::ok()))
            .header("x-a", "1")
            .header("x-b", "2")
            .trace(settings)
    };
    client().build().unwrap().get("/a").send().await.unwrap();
    for _ in 0..3 {
        let recorder = recorded(client()).await;
        let names = ["http.request.header.x-a", "http.request.header.x-b"];
        assert_eq!(recorder.spans()[0].all(names), ["1", "2"]);
        let spans = recorder.spans.lock().expect("nobody panics");
        assert_eq!(
            spans[0].1.metadata.fields().iter().filter(|field| field.name() == names[1]).count(),
            1
        );
    }
}
